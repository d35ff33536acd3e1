#!/usr/bin/env python3
"""A cluster on this machine: mas pods on loopback with a real Redis, RabbitMQ and MongoDB wire server.

    cluster.py up N --mas FILE --dir DIR       starts the servers and N pods; writes DIR/cluster.json;
                                               --adopt DATA: the first pod is one that was alone, on
                                               that directory, which is moved below DIR
    cluster.py servers --dir DIR               the first half of that: servers, secrets and mas.toml,
                                               to be changed before `up` goes on
    cluster.py start POD --mas FILE --dir DIR  starts a pod that was stopped, or one more; --no-wait:
                                               and does not wait until it is ready
    cluster.py stop [POD] --dir DIR            stops one pod (SIGTERM), or everything

Everything lies below DIR: the servers' files, the secrets all pods share, mas.toml, a directory for
each pod. Pods keep their ports from one start to the next.
"""
import argparse
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = HERE.parent / "test" / "servers"
sys.path.insert(0, str(SERVERS))

import common  # noqa: E402

BACKENDS = ("redis", "rabbitmq", "mongo")
FIRST_PORT = 7080

SHARED = """\
# Written by cluster.py; the same for all pods. What differs is in each pod's environment.
[auth]
system_token_files = ["{dir}/secrets/system-token"]
signing_key_files = ["{dir}/secrets/signing-key"]

[mongodb]
url_file = "{dir}/secrets/mongodb-url"

[redis]
url_file = "{dir}/secrets/redis-url"

[rabbitmq]
url_file = "{dir}/secrets/rabbitmq-url"

[cluster]
secret_file = "{dir}/secrets/cluster-secret"
join_after = "2 s"

[maintain]
repair_interval = "5 s"
"""


def fail(text):
    sys.exit(f"cluster: {text}")


class Cluster:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory).resolve()
        self.record = self.dir / "cluster.json"
        self.facts = json.loads(self.record.read_text()) if self.record.exists() else None

    def save(self):
        made = self.dir / "cluster.json.new"
        made.write_text(json.dumps(self.facts, indent=1) + "\n")
        made.rename(self.record)

    def pod(self, name):
        return next((pod for pod in self.facts["pods"] if pod["name"] == name), None)

    # ---- servers ----

    def start_servers(self):
        running = {name: subprocess.Popen([sys.executable, SERVERS / f"{name}.py", "start",
                                           self.dir / name]) for name in BACKENDS}
        failed = [name for name, process in running.items() if process.wait() != 0]
        if failed:
            self.stop_servers()
            fail("could not start " + ", ".join(failed))
        for name in BACKENDS:
            server = json.loads((self.dir / name / "server.json").read_text())
            self.facts[name] = {"pid": server["pid"], "address": self.address_of(name, server)}
            self.secret(f"{'mongodb' if name == 'mongo' else name}-url", self.url_of(name, server))

    @staticmethod
    def url_of(name, server):
        if name == "redis":
            return f"redis://{server['user']}:{server['password']}@127.0.0.1:{server['port']}/0"
        return server["url"]

    @staticmethod
    def address_of(name, server):
        return Cluster.url_of(name, server).split("@")[-1].split("//")[-1].split("/")[0]

    def stop_servers(self):
        for name in BACKENDS:
            if (self.dir / name).exists():
                subprocess.run([sys.executable, SERVERS / f"{name}.py", "stop", self.dir / name],
                               check=False)

    def secret(self, name, value):
        path = self.dir / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(value + "\n")

    # ---- pods ----

    def add_pod(self):
        number = len(self.facts["pods"])
        taken = {pod["api"].rsplit(":", 1)[1] for pod in self.facts["pods"]}
        port = FIRST_PORT + number
        if str(port) in taken or common.connects(port):
            port = common.free_port()
        pod = {"name": f"mas-{number}", "pid": 0, "api": f"127.0.0.1:{port}",
               "peer": f"127.0.0.1:{common.free_port()}", "data": str(self.dir / f"mas-{number}")}
        self.facts["pods"].append(pod)
        return pod

    def launch(self, pod, mas):
        env = {key: value for key, value in os.environ.items() if not key.startswith("MAS_")}
        env |= {"MAS_NODE_NAME": pod["name"], "MAS_NODE_DATA": pod["data"],
                "MAS_HTTP_LISTEN": pod["api"], "MAS_CLUSTER_LISTEN": pod["peer"]}
        process = common.spawn([mas, "serve", "--config", str(self.dir / "mas.toml")], self.dir,
                               pod["name"], env)
        pod["pid"] = process.pid
        self.save()
        return process

    def wait_ready(self, pods):
        for pod, process in pods:
            common.wait_until(lambda address=pod["api"]: is_ready(address), process, self.dir,
                              pod["name"], lambda address=pod["api"]: readiness(address)[1])

    def stop_pod(self, pod):
        if not pod["pid"]:
            return
        common.end(pod["pid"], patience=40)
        pod["pid"] = 0
        self.save()


def readiness(address):
    """Whether a pod is ready, and what it says of why not."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=2) as answer:
            return answer.status == 200, ""
    except urllib.error.HTTPError as refused:
        return False, json.loads(refused.read()).get("msg", "")
    except OSError as problem:
        return False, str(problem)


def is_ready(address):
    return readiness(address)[0]


def prepare(cluster):
    """Servers, secrets and mas.toml."""
    if cluster.facts is not None:
        fail(f"{cluster.record} is there already; stop that cluster first: "
             f"./dev cluster stop --dir {cluster.dir}")
    if any(cluster.dir.glob("mas-*")):
        fail(f"{cluster.dir} holds the data of an earlier cluster, whose metadata server is gone; "
             "remove it or name another --dir")
    cluster.dir.mkdir(parents=True, exist_ok=True)
    cluster.facts = {"pods": [],
                     "system_token_file": str(cluster.dir / "secrets" / "system-token")}
    for name in ("system-token", "signing-key", "cluster-secret"):
        cluster.secret(name, secrets.token_hex(32))
    (cluster.dir / "mas.toml").write_text(SHARED.format(dir=cluster.dir))
    print("starting Redis, RabbitMQ and MongoDB (RabbitMQ takes half a minute) ...", flush=True)
    cluster.start_servers()
    cluster.save()


def up(cluster, count, mas, adopted=None):
    prepared = cluster.facts is not None and not cluster.facts["pods"]
    if not prepared:
        prepare(cluster)
    if adopted:
        pathlib.Path(adopted).rename(cluster.dir / "mas-0")
    started = []
    try:
        for _ in range(count):
            pod = cluster.add_pod()
            started.append((pod, cluster.launch(pod, mas)))
            if len(started) == 1:
                cluster.wait_ready(started)  # the first one founds the cluster
        cluster.wait_ready(started)
    except SystemExit:
        stop(cluster, None)
        raise
    print(f"{count} pods are up:")
    for pod, _ in started:
        print(f"  {pod['name']}  http://{pod['api']}  pid {pod['pid']}")
    first = started[0][0]["api"]
    print(f"""
  look:  MAS_SERVER=http://{first} MAS_SYSTEM_TOKEN_FILE={cluster.facts['system_token_file']} {mas} status
  stop:  ./dev cluster stop --dir {cluster.dir}
  start a pod again:  ./dev cluster start {started[-1][0]['name']} --dir {cluster.dir}""")


def start_one(cluster, name, mas, wait):
    pod = cluster.pod(name)
    if pod is None:
        if name != f"mas-{len(cluster.facts['pods'])}":
            fail(f"there is no pod {name}; the next new one would be "
                 f"mas-{len(cluster.facts['pods'])}")
        pod = cluster.add_pod()
    elif is_ready(pod["api"]):
        fail(f"{name} is running")
    process = cluster.launch(pod, mas)
    if wait:
        cluster.wait_ready([(pod, process)])
    print(f"{name} is up at http://{pod['api']}, pid {pod['pid']}")


def stop(cluster, name):
    if name:
        pod = cluster.pod(name) or fail(f"there is no pod {name}")
        cluster.stop_pod(pod)
        return
    for pod in cluster.facts["pods"]:
        if pod["pid"]:
            try:
                os.kill(pod["pid"], signal.SIGTERM)
            except ProcessLookupError:
                pass
    for pod in cluster.facts["pods"]:
        cluster.stop_pod(pod)
    cluster.stop_servers()
    cluster.record.unlink()
    print(f"stopped; the pods' data is still in {cluster.dir}, but not the metadata, which the test "
          "server kept in memory: remove the directory before the next cluster there")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("up", "servers", "start", "stop"))
    parser.add_argument("what", nargs="?")
    parser.add_argument("--mas")
    parser.add_argument("--adopt")
    parser.add_argument("--no-wait", action="store_true")
    parser.add_argument("--dir", default="cluster")
    args = parser.parse_args()
    cluster = Cluster(args.dir)
    mas = os.path.abspath(args.mas) if args.mas else None
    if args.verb == "up":
        if not args.what or not args.what.isdigit() or not 1 <= int(args.what) <= 100:
            fail("how many pods? ./dev cluster N")
        up(cluster, int(args.what), mas, args.adopt)
        return
    if args.verb == "servers":
        prepare(cluster)
        return
    if cluster.facts is None:
        fail(f"there is no cluster in {cluster.dir}")
    if args.verb == "start":
        start_one(cluster, args.what or fail("which pod? ./dev cluster start POD"), mas,
                  not args.no_wait)
    else:
        stop(cluster, args.what)


if __name__ == "__main__":
    main()

"""A cluster made by tools/cluster.py, and clients of it that remember what they were told."""
import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from backends import Backend

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import waiting  # noqa: E402

TOOL = HERE.parents[1] / "tools" / "cluster.py"
KIB = 1024
MAS = None
WORK = None


def main():
    global MAS, WORK
    parser = argparse.ArgumentParser()
    parser.add_argument("--mas", required=True)
    parser.add_argument("--work", required=True)
    args, rest = parser.parse_known_args()
    MAS, WORK = os.path.abspath(args.mas), os.path.abspath(args.work)
    began = time.monotonic()
    program = unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2, exit=False)
    print(f"{program.result.testsRun} tests took {time.monotonic() - began:.1f} s")
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun > 0 else 1)


def wait_for(condition, what, timeout=120.0):
    """Of a whole cluster: for longer, and asking it less often."""
    return waiting.wait_for(condition, what, timeout, pause=0.1)


# Of an outage's suites: an outage of some seconds is many times as long as any of these.
QUICK = {"cluster.heartbeat": '"500 ms"', "cluster.suspect_after": '"2 s"',
         "cluster.join_after": '"1 s"', "cluster.leave_after": '"4 s"',
         "maintain.grace": '"2 s"', "maintain.collect_interval": '"1 s"',
         "maintain.repair_interval": '"3 s"'}


class Cluster:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="cluster-", dir=WORK))
        self.files = {}  # hash -> bytes: what was acknowledged
        self.rng = random.Random(5)
        self.redis, self.rabbitmq, self.mongo = (
            Backend(self.dir, name) for name in ("redis", "rabbitmq", "mongo"))

    # ---- pods ----

    def tool(self, *arguments):
        done = subprocess.run([sys.executable, TOOL, *arguments, "--dir", self.dir],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"cluster.py {arguments}: {done.stdout}{done.stderr}")

    def up(self, count):
        self.tool("up", str(count), "--mas", MAS)
        wait_for(lambda: self.is_whole(count), f"{count} members")

    def servers(self):
        """Only the servers; configure() and proxies come next, then up()."""
        self.tool("servers")

    def configure(self, **keys):
        """Keys such as {"cluster.heartbeat": '"1 s"'} in the pods' common configuration."""
        file = self.dir / "mas.toml"
        text = file.read_text()
        for name, value in keys.items():
            section, key = name.split(".")
            text = "\n".join(line for line in text.split("\n") if line.split(" = ")[0] != key
                             or section not in ("cluster", "maintain"))
            head = f"[{section}]\n"
            if head not in text:
                text += f"\n{head}"
            text = text.replace(head, f"{head}{key} = {value}\n")
        file.write_text(text)

    def start(self, name, *options):
        self.tool("start", name, "--mas", MAS, *options)

    def close(self):
        if (self.dir / "cluster.json").exists():
            self.tool("stop")
        # What the pods of the last run said, for whoever looks into a failure.
        logs = pathlib.Path(WORK) / f"{pathlib.Path(sys.argv[0]).stem}-logs" / self.dir.name
        shutil.rmtree(logs.parent, ignore_errors=True)
        logs.mkdir(parents=True)
        for log in self.dir.glob("*.log"):
            shutil.copy(log, logs)
        shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def facts(self):
        return json.loads((self.dir / "cluster.json").read_text())

    @property
    def pods(self):
        return self.facts["pods"]

    def kill(self, name):
        pod = next(pod for pod in self.pods if pod["name"] == name)
        os.kill(pod["pid"], 9)

    def log(self, name):
        """What the pod has logged so far, of all its starts: one dict a line."""
        lines = (self.dir / f"{name}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events(self, name, *events):
        return [line for line in self.log(name) if line["event"] in events]

    def metric(self, name, metric):
        """The sum of a metric's samples on one pod, whatever their labels."""
        _, _, body = self.call(name, "GET", "/metrics")
        samples = [line.rsplit(" ", 1) for line in body.decode().splitlines() if line[0] != "#"]
        return sum(float(value) for key, value in samples if key.split("{")[0] == metric)

    def wipe(self, name):
        shutil.rmtree(next(pod["data"] for pod in self.pods if pod["name"] == name))

    # ---- calls ----

    def call(self, name, method, path, body=None, token=None):
        """Status, headers and body; (0, {}, b"") where nobody answers."""
        address = next(pod["api"] for pod in self.pods if pod["name"] == name)
        headers = {"systemToken": pathlib.Path(self.facts["system_token_file"]).read_text().strip()}
        if token:
            headers["token"] = token
        connection = http.client.HTTPConnection(address, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except OSError:
            return 0, {}, b""
        finally:
            connection.close()

    def token(self, name, kind, hash_):
        _, _, body = self.call(name, "GET", f"/api/token/{kind}?hash={hash_}")
        return json.loads(body)["data"]["token"]

    def code(self, name, method, path, body=None, token=None):
        """The HTTP status, the code in the answer and the seconds it took."""
        began = time.monotonic()
        status, _, body = self.call(name, method, path, body, token)
        return status, json.loads(body)["code"] if body else 0, time.monotonic() - began

    def ready(self, name):
        return self.call(name, "GET", "/readyz")[0] == 200

    def status(self, name):
        code, _, body = self.call(name, "GET", "/api/cluster/status")
        return json.loads(body)["data"] if code == 200 else None

    def statuses(self):
        """Of all but those that were stopped in order."""
        return [self.status(pod["name"]) for pod in self.pods if pod["pid"]]

    def is_whole(self, count):
        """Everybody is a member, agrees on the layout, and has been told by all others that no walk
        has found anything missing."""
        all_ = self.statuses()
        return all(all_) and len({s["layout"]["version"] for s in all_}) == 1 and all(
            s["layout"]["members"] == count and not s["ledger"]["partial"]
            and not any(row["lost"] for row in s["redundancy"])
            and all(pod["state"] == "active" for pod in s["pods"]) for s in all_)

    # ---- clients ----

    def content(self):
        sizes = [1, 100, 5000, 70 * KIB, 300 * KIB, 1500 * KIB, 6000 * KIB]
        return self.rng.randbytes(self.rng.choice(sizes) + 8)

    def upload(self, name, data=None):
        """The answer's status, Mas-Durable and Mas-Survives."""
        data = data if data is not None else self.content()
        code, headers, _ = self.call(name, "POST", "/api/file/upload/object?name=f", data)
        if code == 200:
            self.files[hashlib.sha256(data).hexdigest()] = data
        return code, headers.get("Mas-Durable"), headers.get("Mas-Survives")

    def read(self, name, hash_):
        """Status and body; (0, b"") where the answer ends early."""
        token = self.token(name, "download", hash_)
        try:
            code, _, body = self.call(name, "GET", "/api/file/download", token=token)
        except http.client.IncompleteRead:
            return 0, b""
        return code, body

    @contextlib.contextmanager
    def traffic(self, names, pause=0.05):
        """Clients that go on uploading and reading back through all of `names`; gives what went
        wrong, as a list, and how many requests were answered, as a list of one number."""
        failures, done, ending = [], [0], threading.Event()

        def work(number):
            while not ending.is_set():
                name = names[number % len(names)]
                data = os.urandom(20_000)
                answer = self.upload(name, data)
                if answer[0] != 200:
                    failures.append((name, "upload", answer))
                    continue
                hash_ = hashlib.sha256(data).hexdigest()
                code, body = self.read(names[(number + 1) % len(names)], hash_)
                if (code, body) != (200, data):
                    failures.append((name, "read", code, body[:200]))
                done[0] += 2
                number += 1
                ending.wait(pause)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for worker in workers:
            worker.start()
        try:
            yield failures, done
        finally:
            ending.set()
            for worker in workers:
                worker.join()

"""The servers behind a cluster, to be killed, stopped, slowed down and started again."""
import json
import os
import pathlib
import signal
import sys
import time

from proxy import Proxy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
sys.path.insert(0, str(HERE.parent / "support"))

import common  # noqa: E402
import waiting  # noqa: E402

URL_FILES = {"redis": "redis-url", "rabbitmq": "rabbitmq-url", "mongo": "mongodb-url"}


class Backend:
    """One of the three, of the cluster whose files lie below `directory`."""

    def __init__(self, directory, name):
        self.name = name
        self._processes = []
        self.dir = pathlib.Path(directory) / name
        self.url_file = pathlib.Path(directory) / "secrets" / URL_FILES[name]

    @property
    def facts(self):
        return json.loads((self.dir / "server.json").read_text())

    @property
    def port(self):
        return int(self.url_file.read_text().split("@")[-1].split("127.0.0.1:")[1].split("/")[0])

    # ---- Faults ----

    def kill(self):
        pid = self.facts["pid"]
        os.killpg(pid, signal.SIGKILL)
        while not self._is_gone(pid):
            time.sleep(0.02)

    def start(self):
        """On its old data and ports. Returns at once: the pods are to find it by themselves."""
        facts = self.facts
        process = common.spawn(facts["command"], self.dir, env=facts.get("env"))
        self._processes.append(process)  # so that it is not left as a zombie
        facts["pid"] = process.pid
        (self.dir / "server.json").write_text(json.dumps(facts))

    def hang(self):
        """A stopped process: its connections stand and nothing answers."""
        pid = self.facts["pid"]
        os.killpg(pid, signal.SIGSTOP)
        waiting.wait_until_it_stands(pid)

    def go_on(self):
        os.killpg(self.facts["pid"], signal.SIGCONT)

    def _is_gone(self, pid):
        for process in self._processes:
            process.poll()
        status = pathlib.Path(f"/proc/{pid}/status")
        try:
            return "\nState:\tZ" in status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True

    # ---- What stands between ----

    def put_proxy_before(self, **tls):
        """Before the pods start. With `certificate` and `key` the pods have to speak TLS to it."""
        proxy = Proxy(self.port, **tls)
        url = self.url_file.read_text().replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{proxy.port}")
        # Else the driver would go to the address that the set tells of itself.
        self.url_file.write_text(url.replace("replicaSet=rs0", "directConnection=true"))
        return proxy

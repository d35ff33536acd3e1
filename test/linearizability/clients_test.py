#!/usr/bin/env python3
"""Clients of three pods that are killed and started again; whether what they were told is linearizable.

The history is kept in WORK/history.jsonl for whoever looks into a failure.
"""
import collections
import hashlib
import http.client
import json
import pathlib
import random
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

import pods  # noqa: E402
from pods import Cluster, wait_for  # noqa: E402

KIB = 1024
NAMES = ["mas-0", "mas-1", "mas-2"]
CLIENTS = 6
PHASES = 8  # each with files of its own, so that few unanswered calls are about one file
SECONDS = 5  # of one phase; a pod is killed in each
SIZES = [300, 1000, 30 * KIB, 70 * KIB, 400 * KIB, 1500 * KIB]


def now():
    return time.monotonic_ns() // 1000


class History:
    def __init__(self):
        self.lock, self.calls, self.clients = threading.Lock(), [], 0

    def new_client(self):
        with self.lock:
            self.clients += 1
            return self.clients

    def add(self, **call):
        with self.lock:
            self.calls.append(call)


class Client(threading.Thread):
    """Makes one random call after the other about `files` (hash -> bytes) until `ending`."""

    def __init__(self, mas, history, files, ending, seed):
        super().__init__()
        self.mas, self.history, self.files, self.ending = mas, history, files, ending
        self.rng = random.Random(seed)
        self.number = history.new_client()
        self.system = pathlib.Path(mas.facts["system_token_file"]).read_text().strip()
        self.failure = None

    def run(self):
        try:
            while not self.ending.is_set():
                hash_ = self.rng.choice(list(self.files))
                self.rng.choice([self.single, self.single, self.session, self.download, self.download,
                                 self.info, self.delete, self.instant])(hash_)
        except Exception as failure:  # a thread's own would only be printed
            self.failure = failure

    # ---- one call ----

    def ask(self, op, hash_, judge, method, path, body=None, token=None):
        """Makes a call through a random pod and records what `judge(status, code, body)` makes of it,
        "unknown" where no answer came or an error of the server."""
        pod = self.rng.choice(NAMES)
        connection = self.connect(pod)
        if connection is None:  # nobody listens: nothing was asked
            return 0, 0, b""
        began = now()
        status, answer = self.send(connection, method, path, body, token)
        came = now()
        code = self.code_of(status, answer)
        outcome = "unknown" if status == 0 or status >= 500 else judge(status, code, answer)
        if outcome is None:
            return status, code, answer
        self.history.add(hash=hash_, client=self.number, pod=pod, op=op, call=began,
                         outcome=outcome, note=f"{method} {path.split('?')[0]} {status}/{code}",
                         **{"return": came if status else None})
        if not status:
            self.number = self.history.new_client()
        return status, code, answer

    def connect(self, pod):
        address = next(each["api"] for each in self.mas.pods if each["name"] == pod)
        connection = http.client.HTTPConnection(address, timeout=60)
        try:
            connection.connect()
        except OSError:
            return None
        return connection

    def send(self, connection, method, path, body, token):
        """Status and body; (0, b"") where the answer does not come, or not whole."""
        headers = {"systemToken": self.system, **({"token": token} if token else {})}
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    @staticmethod
    def code_of(status, answer):
        if status == 0 or not answer.startswith(b'{"status"'):
            return 0
        return json.loads(answer)["code"]

    def token(self, kind, hash_, **claims):
        more = "".join(f"&{name}={value}" for name, value in claims.items())
        status, _, answer = self.mas.call(self.rng.choice(NAMES), "GET",
                                          f"/api/token/{kind}?hash={hash_}{more}")
        return json.loads(answer)["data"]["token"] if status == 200 else None

    # ---- what clients do ----

    @staticmethod
    def stored(status, code, answer):
        return "stored" if status == 200 else "refused"

    def single(self, hash_):
        self.ask("upload", hash_, self.stored, "POST", "/api/file/upload/object?name=f",
                 self.files[hash_])

    def init(self, hash_, token):
        def judge(status, code, answer):
            if status != 200:
                return "unknown"
            return "stored" if json.loads(answer)["data"]["persistence"] else "open"
        return self.ask("instant", hash_, judge, "GET", "/api/file/upload/init?name=f", token=token)

    def instant(self, hash_):
        token = self.token("upload", hash_)
        if token:
            self.init(hash_, token)

    def session(self, hash_):
        data = self.files[hash_]
        # Its own, or the one that all clients of this file share.
        own = {"session": str(self.number)} if self.rng.random() < 0.5 else {}
        token = self.token("upload", hash_, **own)
        if token is None:
            return
        status, _, answer = self.init(hash_, token)
        if status != 200 or json.loads(answer)["data"]["persistence"]:
            return

        def judge(status, code, answer):
            return "stored" if code == 5411 else None  # 5411 says that the file is there
        half = len(data) // 2
        for number, piece in ((1, data[:half]), (2, data[half:])):
            status, _, _ = self.ask("instant", hash_, judge, "POST",
                                    f"/api/file/upload/chuck?chuck={number}", piece, token)
            if status != 200:
                return
        self.ask("upload", hash_, self.stored, "GET", "/api/file/upload/finish", token=token)

    def download(self, hash_):
        token = self.token("download", hash_)
        if token is None:
            return

        def judge(status, code, answer):
            if status == 200:
                return "found" if answer == self.files[hash_] else "wrong"
            return "absent" if code == 5407 else "unknown"
        self.ask("download", hash_, judge, "GET", "/api/file/download", token=token)

    def info(self, hash_):
        def judge(status, code, answer):
            if status == 200:
                return "found" if json.loads(answer)["data"]["persistence"] else "absent"
            return "absent" if code == 5407 else "unknown"
        self.ask("download", hash_, judge, "GET", f"/api/file/info?hash={hash_}")

    def delete(self, hash_):
        def judge(status, code, answer):
            return "deleted" if status == 200 else "absent" if code == 5407 else "unknown"
        self.ask("delete", hash_, judge, "DELETE", f"/api/file?hash={hash_}")


class ClientsTest(unittest.TestCase):
    def setUp(self):
        self.mas = Cluster()
        self.addCleanup(self.mas.close)
        self.mas.servers()
        self.mas.configure(**{**pods.QUICK, "cluster.leave_after": '"5 m"'})
        self.mas.up(3)
        self.rng = random.Random(3)

    def run_phase(self, history, phase):
        data = [self.rng.randbytes(size) for size in SIZES]
        files = {hashlib.sha256(each).hexdigest(): each for each in data}
        ending = threading.Event()
        clients = [Client(self.mas, history, files, ending, f"{phase} {number}")
                   for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            ending.wait(SECONDS * self.rng.uniform(0.2, 0.5))
            victim = self.rng.choice(NAMES)
            self.mas.kill(victim)
            ending.wait(SECONDS * 0.2)
            self.mas.start(victim, "--no-wait")
            ending.wait(SECONDS * 0.4)
        finally:
            ending.set()
            for client in clients:
                client.join()
        for client in clients:
            if client.failure:
                raise client.failure
        wait_for(lambda: all(self.mas.ready(name) for name in NAMES), "all pods to be back")

    def test_what_clients_are_told_is_linearizable(self):
        history = History()
        for phase in range(PHASES):
            self.run_phase(history, phase)
        file = pathlib.Path(pods.WORK) / "history.jsonl"
        file.write_text("".join(json.dumps(call) + "\n" for call in history.calls))
        seen = collections.Counter((call["op"], call["outcome"]) for call in history.calls)
        print(dict(seen))
        for needed in (("upload", "stored"), ("upload", "unknown"), ("download", "found"),
                       ("download", "absent"), ("delete", "deleted"), ("delete", "absent"),
                       ("instant", "stored"), ("instant", "open")):
            self.assertGreater(seen[needed], 0, needed)
        done = subprocess.run([sys.executable, HERE / "check.py", "--stale", "5s", file],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr)
        print(done.stdout)


if __name__ == "__main__":
    pods.main()

"""What was acknowledged survives: kill -9 under load, SIGTERM, a second instance."""
import os
import random
import subprocess
import threading
import unittest

import harness
from harness import Daemon, sha256, wait_for

KIB = 1024
ROUNDS = int(os.environ.get("KILL_ROUNDS", "50"))


class Ledger:
    """What clients were told, and what is therefore owed to them. Contents are made again from
    their number."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stored = {}     # hash -> number, acknowledged
        self.deleted = set()  # acknowledged
        self.open = {}       # hash -> number: asked for, not answered

    @staticmethod
    def content(number):
        rng = random.Random(number)
        return rng.randbytes(rng.choice([0, 1, 100, 5000, 70 * KIB, 300 * KIB, 1500 * KIB]) +
                             8) + number.to_bytes(8, "big")


class Load:
    """Clients that upload (whole and in parts) and delete until the daemon is gone."""

    def __init__(self, mas, ledger, numbers):
        self.mas, self.ledger, self.numbers = mas, ledger, numbers
        self.acknowledged = 0
        self.deletes = 0
        self.threads = [threading.Thread(target=self.run, args=(kind,))
                        for kind in ("single", "object", "parts", "delete")]
        for thread in self.threads:
            thread.start()

    def run(self, kind):
        try:
            while True:
                self.delete_one() if kind == "delete" else self.upload_one(kind)
        except (OSError, harness.http.client.HTTPException):
            return  # killed

    def upload_one(self, kind):
        with self.ledger.lock:
            number = next(self.numbers)
            data = self.ledger.content(number)
            name = sha256(data)
            self.ledger.open[name] = number
        mas = self.mas
        if kind == "object":
            answer = mas.call("POST", "/api/file/upload/object", body=data, system=True)
        elif kind == "single":
            answer = mas.call("POST", "/api/file/upload/single", body=data,
                              token=mas.upload_token(name))
        else:
            token = mas.upload_token(name)
            mas.call("GET", "/api/file/upload/init", token=token)
            half = len(data) // 2
            for part, piece in ((2, data[half:]), (1, data[:half])):
                mas.call("POST", "/api/file/upload/chuck", {"chuck": part}, body=piece,
                         token=token)
            answer = mas.call("GET", "/api/file/upload/finish", token=token, system=True)
        if answer.status != 200:
            raise AssertionError(f"{kind}: {answer.status} {answer.body!r}")
        with self.ledger.lock:
            self.ledger.stored[name] = number
            del self.ledger.open[name]
            self.acknowledged += 1

    def delete_one(self):
        with self.ledger.lock:
            if len(self.ledger.stored) < 5:
                name = None
            else:
                name = next(iter(self.ledger.stored))
                # Until it is answered it may be there or not.
                self.ledger.open[name] = self.ledger.stored.pop(name)
        if name is None:
            self.mas.call("GET", "/healthz")
            return
        answer = self.mas.call("DELETE", "/api/file", {"hash": name}, system=True)
        if answer.status != 200:
            raise AssertionError(f"delete: {answer.status} {answer.body!r}")
        with self.ledger.lock:
            del self.ledger.open[name]
            self.ledger.deleted.add(name)
            self.deletes += 1

    def join(self):
        for thread in self.threads:
            thread.join()


class KillTest(unittest.TestCase):
    def setUp(self):
        self.mas = Daemon(store__segment_size="16 MiB", object__record_cache="0",
                          maintain__expire_interval="1 s", maintain__collect_interval="1 s",
                          maintain__compact_interval="1 s", maintain__grace="1 s")
        self.addCleanup(self.mas.close)
        self.failures = []
        hook = threading.excepthook
        threading.excepthook = lambda args: self.failures.append(args.exc_value)
        self.addCleanup(setattr, threading, "excepthook", hook)

    def read(self, name):
        """The bytes of a file; None if it is not there. Anything else fails."""
        answer = self.mas.get(name)
        self.assertIn(answer.status, (200, 404), answer.body)
        if answer.status == 404:
            return None
        self.assertEqual(sha256(answer.body), name, "wrong bytes")
        return answer.body

    def check_rules(self, ledger, everything):
        # 1. What was acknowledged is there; the newest always, older ones by sample.
        names = list(ledger.stored)
        for name in names if everything else names[-20:] + random.sample(names[:-20], min(
                len(names[:-20]), 5)):
            self.assertIsNotNone(self.read(name), "an acknowledged upload is lost")
        # 2. What was not is absent or complete.
        for name, number in list(ledger.open.items()):
            if self.read(name) is not None:
                ledger.stored[name] = number
            del ledger.open[name]
        # 3. Deleted stays deleted.
        deleted = list(ledger.deleted)
        for name in deleted if everything else deleted[-20:]:
            self.assertIsNone(self.read(name), "a deleted file is back")

    def test_kill_9_under_upload_load(self):
        ledger = Ledger()
        numbers = iter(range(1 << 40))
        rng = random.Random(1)
        for round_ in range(ROUNDS):
            load = Load(self.mas, ledger, numbers)
            least = rng.randint(3, 12)
            wait_for(lambda: (load.acknowledged >= least and (load.deletes or round_ < 2))
                     or self.failures, "acknowledged uploads and a delete")
            self.mas.kill()
            load.join()
            self.assertEqual(self.failures, [])
            self.mas.start()
            self.check_rules(ledger, everything=round_ == ROUNDS - 1)
        self.assertGreater(len(ledger.stored), ROUNDS)
        self.assertGreater(len(ledger.deleted), ROUNDS // 2)
        self.assertEqual(self.mas.stop(), 0)
        check = subprocess.run([harness.BINARY, "check", str(self.mas.data)], capture_output=True,
                               timeout=60)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_parts_survive_kill_9_and_the_upload_goes_on(self):
        mas = self.mas
        data = os.urandom(1000 * KIB)
        token = mas.upload_token(sha256(data))
        mas.call("GET", "/api/file/upload/init", {"name": "kept"}, token=token)
        for number in (3, 1):
            at = (number - 1) * 300 * KIB
            mas.call("POST", "/api/file/upload/chuck", {"chuck": number},
                     body=data[at:at + 300 * KIB], token=token)
        mas.kill()
        mas.start()
        token = mas.upload_token(sha256(data))
        parts = mas.call("GET", "/api/file/upload/parts", token=token).data
        self.assertEqual(([p["chuck"] for p in parts["parts"]], parts["missing"]), ([1, 3], [2]))
        for number in (2, 4):
            at = (number - 1) * 300 * KIB
            mas.call("POST", "/api/file/upload/chuck", {"chuck": number},
                     body=data[at:at + 300 * KIB], token=token)
        done = mas.call("GET", "/api/file/upload/finish", token=token, system=True)
        self.assertEqual((done.status, done.data["name"]), (200, "kept"), done.body)
        self.assertEqual(mas.get(sha256(data)).body, data)


class StopTest(unittest.TestCase):
    def setUp(self):
        self.mas = Daemon()
        self.addCleanup(self.mas.close)

    def begin_upload(self, data):
        token = self.mas.upload_token(sha256(data))
        stream = self.mas.socket()
        self.addCleanup(stream.close)
        stream.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                        f"Content-Length: {len(data)}\r\nExpect: 100-continue\r\n\r\n").encode())
        self.assertTrue(stream.recv(1000).startswith(b"HTTP/1.1 100"))
        stream.sendall(data[:len(data) // 2])
        return stream

    def refuses_connections(self):
        try:
            self.mas.socket(1).close()
            return False
        except OSError:
            return True

    def test_sigterm_lets_a_running_upload_end_and_takes_no_new_ones(self):
        mas = self.mas
        data = os.urandom(400 * KIB)
        stream = self.begin_upload(data)
        mas.process.terminate()
        wait_for(self.refuses_connections, "the listener to close")
        self.assertIsNone(mas.process.poll())
        stream.sendall(data[len(data) // 2:])
        answer = harness.read_answer(stream)
        self.assertEqual((answer.status, answer.data["size"]), (200, len(data)))
        self.assertEqual(mas.process.wait(20), 0)
        mas.finish_streams()
        mas.start()
        self.assertEqual(mas.get(sha256(data)).body, data)

    def test_sigterm_with_a_client_that_hangs_ends_within_the_shutdown_timeout(self):
        self.mas.close()
        self.mas = Daemon(node__shutdown_timeout="500 ms")
        self.addCleanup(self.mas.close)
        data = os.urandom(400 * KIB)
        self.begin_upload(data)
        self.assertEqual(self.mas.stop(20), 0)
        self.mas.start()
        self.assertEqual(self.mas.get(sha256(data)).status, 404)

    def test_a_second_instance_on_the_same_directory_refuses_to_start(self):
        second = subprocess.run([harness.BINARY, "serve", "--data", str(self.mas.data), "--listen",
                                 "127.0.0.1:0"], capture_output=True, timeout=30)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(b"data", second.stdout + second.stderr)
        self.assertTrue(self.mas.ready())

    def test_a_port_in_use_is_said_in_one_line(self):
        # With the daemon's own configuration, which logs only what is wrong.
        second = subprocess.run([harness.BINARY, "serve", "--config",
                                 str(self.mas.home / "mas.toml"), "--data",
                                 str(self.mas.home / "other"), "--listen",
                                 f"127.0.0.1:{self.mas.port}"], capture_output=True, timeout=30)
        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertEqual(len(second.stderr.strip().splitlines()), 1, second.stderr)
        self.assertIn(str(self.mas.port).encode(), second.stderr)

    def test_secrets_stand_nowhere_in_what_is_printed(self):
        mas = self.mas
        name = mas.put(b"hello")["hash"]
        token = mas.download_token(name)
        mas.call("GET", "/api/file/download", {"token": token})
        mas.call("GET", "/api/file/download", {"token": "guess-" + token[:20]})
        printed = mas.first_lines.decode() + mas.error_text()
        for secret in (mas.system, token, token[:20]):
            self.assertNotIn(secret, printed)

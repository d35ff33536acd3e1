"""File descriptors: connections never take those that files need, and a start with too few says so."""
import os
import resource
import subprocess
import unittest

import harness
from harness import Daemon, sha256, wait_for

MIB = 1024 * 1024


def start(limit):
    """A daemon that may have `limit` open files, and cannot raise that itself."""
    launcher = ("prlimit", f"--nofile={limit}:{limit}")
    few = type("FewDescriptors", (Daemon,), {"launcher": launcher})
    return few(store__segment_size="16 MiB")


class DescriptorsTest(unittest.TestCase):
    def setUp(self):
        # The clients' sockets are this process's.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def run_with(self, limit, idle):
        mas = start(limit)
        held = []
        try:
            for _ in range(idle):
                held.append(mas.socket())
            # One that waits longer makes room for it.
            upload = mas.connect()
            # Each fills segments of 16 MiB, which are opened, made, compacted and read meanwhile.
            stored = []
            for i in range(12):
                data = os.urandom(4 * MIB) + bytes([i])
                answer = mas.call("POST", "/api/file/upload/object", {"name": f"{i}"}, body=data,
                                  system=True, connection=upload)
                self.assertEqual(answer.status, 200, answer.body)
                stored.append(sha256(data))
            for name in stored:
                token = mas.call("GET", "/api/token/download", {"hash": name}, system=True,
                                 connection=upload).data["token"]
                answer = mas.call("GET", "/api/file/upload/download", token=token, connection=upload)
                self.assertEqual(sha256(answer.body), name)
            answer = mas.call("GET", "/readyz", connection=upload)
            self.assertEqual(answer.status, 200, answer.body)
            for stream in held:
                stream.close()
            # All of it is over with the connections.
            wait_for(mas.ready, "readiness on a new connection")
            mas.put(b"after")
            self.assertNotIn("stopped", mas.error_text())
            self.assertEqual(mas.stop(), 0)
        finally:
            for stream in held:
                stream.close()
            mas.close()

    def test_more_connections_than_descriptors(self):
        for limit, idle in ((128, 300), (1024, 1200)):
            with self.subTest(limit=limit):
                self.run_with(limit, idle)

    def test_too_few_to_start(self):
        for limit in (5, 16, 60):
            with self.subTest(limit=limit):
                ended = subprocess.run(
                    [harness.BINARY, "serve", "--data", os.path.join(harness.WORK, "no-data"),
                     "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, capture_output=True,
                    text=True, timeout=30, preexec_fn=lambda: resource.setrlimit(
                        resource.RLIMIT_NOFILE, (limit, limit)))
                self.assertEqual(ended.returncode, 2, ended.stderr)
                # The MongoDB driver warns at its load if a dead process of this number left its counters.
                said = [line for line in ended.stderr.splitlines() if "mongoc:" not in line]
                self.assertEqual(len(said), 1, ended.stderr)
                self.assertIn("ulimit -n", ended.stderr)
                self.assertNotIn("no-data", os.listdir(harness.WORK))

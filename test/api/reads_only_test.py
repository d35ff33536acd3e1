"""A disk that takes no more writes: what is stored is read on, changes are refused, the probe says so."""
import os
import subprocess
import unittest

import harness
import small_disk
from failing_daemon import FailingDaemon
from harness import Daemon, sha256, wait_for

MIB = 1024 * 1024


def setUpModule():
    small_disk.own_mounts()


class ReadsOnlyTest(unittest.TestCase):
    def setUp(self):
        self.mas = FailingDaemon(object__record_cache="0 s")

    def tearDown(self):
        self.mas.close()

    def reads_on(self, stored):
        """All of them by hash, from the list, and as they were."""
        for name, data in stored.items():
            answer = self.mas.get(name)
            self.assertEqual((answer.status, answer.body == data), (200, True), answer.body[:300])
            info = self.mas.call("GET", "/api/file/info", {"hash": name}, system=True)
            self.assertEqual(info.status, 200, info.body)
            self.assertEqual(info.data["size"], len(data))
        listed = self.mas.call("GET", "/api/file/list", system=True)
        self.assertEqual(listed.status, 200, listed.body)
        self.assertEqual({f["hash"] for f in listed.data["files"]}, set(stored))

    def refused_changes(self, stored):
        for data in (b"small and new", os.urandom(MIB)):
            answer = self.mas.call("POST", "/api/file/upload/object", {"name": "n"}, body=data,
                                   system=True)
            self.assertEqual(answer.status, 503, answer.body)
        name = next(iter(stored))
        # Nor is anything said to be there that the next start may know to be deleted.
        gone = self.mas.call("DELETE", "/api/file", {"hash": name}, system=True)
        self.assertEqual(gone.status, 503, gone.body)
        answer = self.mas.call("POST", "/api/file/upload/single", {"name": "again"},
                               body=stored[name], token=self.mas.upload_token(name))
        self.assertEqual(answer.status, 503, answer.body)

    def test_reads_go_on(self):
        stored = {}
        for size in (10, 3000, 200_000, 5 * MIB):
            data = os.urandom(size)
            stored[sha256(data)] = data
            self.mas.put(data)
        self.assertEqual(self.mas.call("GET", "/readyz").data, "ready")
        self.mas.fail_writes()
        self.refused_changes(stored)
        self.reads_on(stored)
        answer = self.mas.call("GET", "/readyz")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(answer.data.startswith("reads only: "), answer.data)
        self.assertEqual(self.mas.metric("mas_meta_broken"), 1)
        self.refused_changes(stored)
        self.reads_on(stored)
        # With the disk in order again a start is all it takes.
        self.mas.kill()
        self.mas.start()
        wait_for(self.mas.ready, "readiness")
        self.reads_on(stored)
        self.mas.put(b"new")
        self.assertEqual(self.mas.call("GET", "/readyz").data, "ready")


class ReadOnlyStartTest(unittest.TestCase):
    """A start on a disk that is mounted read-only says so in one line, changes nothing, and is in
    nobody's way once the disk can be written to."""

    def mount(self, *options):
        subprocess.run(["mount", *options, str(self.disk.data)], check=True)

    def start_is_refused(self):
        ended = subprocess.run(
            [harness.BINARY, "serve", "--config", str(self.mas.home / "mas.toml"), "--data",
             str(self.disk.data), "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd=self.disk.home)
        self.assertEqual(ended.returncode, 2, ended)
        said = [line for line in (ended.stdout + ended.stderr).decode().splitlines()
                if line.startswith("mas: ")]
        self.assertEqual(len(said), 1, ended)
        self.assertIn(str(self.disk.data), said[0])
        self.assertIn("Read-only file system", said[0])

    def test_start(self):
        self.disk = small_disk.SmallDisk(64 * MIB)
        self.addCleanup(self.disk.close)
        self.mas = Daemon(self.disk.home)
        self.addCleanup(self.mas.close)
        data = os.urandom(200_000)
        self.mas.put(data)
        self.assertEqual(self.mas.stop(), 0)
        for read_only, writable in ((("-o", "remount,ro"), ("-o", "remount,rw")),
                                    (("-o", "remount,bind,ro"), ("-o", "remount,bind,rw"))):
            self.mount(*read_only)
            self.start_is_refused()
            self.mount(*writable)
            self.mas.start()
            answer = self.mas.get(sha256(data))
            self.assertEqual((answer.status, answer.body == data), (200, True))
            self.assertEqual(self.mas.stop(), 0)

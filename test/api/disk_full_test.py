"""A disk that fills up under a real daemon: uploads are refused, the rest goes on, and deleting gives
the room back."""
import os
import random
import subprocess
import unittest

import harness
import small_disk
from harness import Daemon, sha256, wait_for

KIB = 1024
MIB = 1024 * KIB
# Down to where not even a small record fits.
SIZES = (3 * MIB, 300 * KIB, 30 * KIB, 3 * KIB, 300)
UPLOADS = [(method, path) for method in ("POST", "PUT") for path in (
    "/api/file/upload/single", "/api/file/upload/object", "/api/file/upload/chuck",
    "/api/file/upload/chunk")]


def setUpModule():
    small_disk.own_mounts()


class DiskFullTest(unittest.TestCase):
    refused = harness.DaemonTest.refused

    def setUp(self):
        self.rng = random.Random(3)
        self.disk = small_disk.SmallDisk(256 * MIB)
        self.addCleanup(self.disk.close)
        self.mas = Daemon(self.disk.home, maintain__grace="0 s", object__record_cache="0 s",
                          maintain__collect_interval="100 ms",
                          maintain__compact_interval="100 ms",
                          maintain__expire_interval="100 ms")
        self.addCleanup(self.mas.close)

    def put(self, size):
        return self.mas.call("POST", "/api/file/upload/object", body=self.rng.randbytes(size),
                             system=True)

    def fill(self):
        """Uploads until nothing fits any more, nor into the room that refused uploads give back a
        moment later; the hashes of what was stored."""
        stored = []
        before = -1
        while before < len(stored):
            before = len(stored)
            for size in SIZES:
                while (answer := self.put(size)).status == 200:
                    stored.append(answer.data["hash"])
                    self.assertLess(len(stored), 1000, "the disk does not get full")
                self.refused(answer, 507, 5902)
        return stored

    def check_all(self, stored, deleted=()):
        for name in stored:
            answer = self.mas.get(name)
            self.assertEqual((answer.status, sha256(answer.body)), (200, name))
        for name in deleted:
            self.refused(self.mas.get(name), 404, 5407)

    def test_a_full_disk_refuses_uploads_and_room_comes_back(self):
        mas = self.mas
        parts = self.rng.randbytes(900 * KIB)
        token = mas.upload_token(sha256(parts))
        for number in (1, 2, 3):
            mas.call("GET", "/api/file/upload/init", token=token)
            at = (number - 1) * 300 * KIB
            self.assertEqual(mas.call("POST", "/api/file/upload/chuck", {"chuck": number},
                                      body=parts[at:at + 300 * KIB], token=token).status, 200)
        stored = self.fill()
        self.assertGreater(len(stored), 40)
        # What is kept back is still there: the metadata and compaction live on it.
        self.assertGreater(self.disk.free(), 256 * MIB // 20)

        self.refuse_every_upload()
        # A pod alone that were not ready now could be neither read nor emptied.
        self.assertEqual(mas.call("GET", "/readyz").status, 200)
        self.assertEqual(mas.call("GET", "/healthz").status, 200)
        capacity = mas.call("GET", "/api/cluster/status", system=True).data["capacity"]
        self.assertEqual((capacity["free"], capacity["writable"]), (0, False))
        for method in ("GET", "POST"):
            self.refused(mas.call(method, "/api/file/upload/finish", token=token, system=True),
                         507, 5902)
        self.check_all(stored)

        # A start needs no room either.
        self.assertEqual(mas.stop(), 0)
        mas.start()
        self.check_all(stored)
        # It may find a little room, of what a running pod had prepared to write to.
        stored += self.fill()
        self.check_all(stored)

        deleted, kept = stored[::2], stored[1::2]
        for name in deleted:
            self.assertEqual(mas.call("DELETE", "/api/file", {"hash": name}, system=True).status,
                             200)
        wait_for(self.writable, "room after the deletes", 60)
        # The first room may be gone again: deletes and compaction go on beside.
        wait_for(lambda: self.finished(parts), "room for the record of a file", 60)
        kept.append(sha256(parts))
        self.check_all(kept, deleted)
        # As much as was deleted fits again, once all of it has been collected.
        want = len(deleted) // 2
        for _ in range(want):
            kept.append(wait_for(lambda: self.stored_hash(self.put(3 * MIB)), "room", 60))
        self.check_all(kept, deleted)

    def finished(self, data):
        answer = self.mas.call("GET", "/api/file/upload/finish",
                               token=self.mas.upload_token(sha256(data)), system=True)
        if answer.status != 200:
            self.refused(answer, 507, 5902)
        return answer.status == 200

    def writable(self):
        status = self.mas.call("GET", "/api/cluster/status", system=True)
        return status.data["capacity"]["writable"]

    def stored_hash(self, answer):
        if answer.status == 200:
            return answer.data["hash"]
        self.refused(answer, 507, 5902)
        return None

    def refuse_every_upload(self):
        mas = self.mas
        for method, path in UPLOADS:
            answer = None
            while answer is None or answer.status == 200:
                if answer is not None:
                    self.fill()  # compaction has found some room since
                data = os.urandom(400 * KIB)
                query, access = None, {"token": mas.upload_token(sha256(data))}
                if path.endswith("object"):
                    access = {"system": True}
                if path[-5:] in ("chuck", "chunk"):
                    query = {path[-5:]: 1}
                    mas.call("GET", "/api/file/upload/init", **access)
                answer = mas.call(method, path, query, body=data, **access)
            self.refused(answer, 507, 5902)
            if query:
                parts = mas.call("GET", "/api/file/upload/parts", **access).data
                self.assertEqual((parts["parts"], parts["stored"]), ([], 0))
            self.refused(mas.call("GET", "/api/file/info", {"hash": sha256(data)}, system=True)
                         if not query else mas.get(sha256(data)), 404, 5407)

    def test_an_upload_that_fills_the_disk_leaves_nothing_behind(self):
        mas = self.mas
        for method, path in (("POST", "/api/file/upload/single"),
                             ("POST", "/api/file/upload/object")):
            data = os.urandom(300 * MIB)
            access = {"token": mas.upload_token(sha256(data))}
            if path.endswith("object"):
                access = {"system": True}
            self.refused(mas.call(method, path, body=data, **access), 507, 5902)
            self.refused(mas.get(sha256(data)), 404, 5407)
            wait_for(self.writable, "room again", 60)
        names = []
        for _ in range(40):
            names.append(wait_for(lambda: self.stored_hash(self.put(3 * MIB)), "room", 60))
        self.check_all(names)


class NoInodesTest(unittest.TestCase):
    refused = harness.DaemonTest.refused

    def test_a_disk_without_inodes_counts_as_full_and_says_so(self):
        disk = small_disk.SmallDisk(256 * MIB, files=400)
        self.addCleanup(disk.close)
        mas = Daemon(disk.home)
        self.addCleanup(mas.close)

        def put(data):
            return mas.call("POST", "/api/file/upload/object", body=data, system=True)

        stored = put(b"there before")
        self.assertEqual(stored.status, 200)
        disk.use_up_inodes()
        answer = wait_for(lambda: (got := put(os.urandom(40 * KIB))).status == 507 and got,
                          "the disk to count as full")
        self.refused(answer, 507, 5902)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 30)
        wait_for(lambda: "disk.no_inodes" in (mas.home / "stderr").read_text(),
                 "the log to name the cause")
        self.assertEqual(mas.call("GET", "/readyz").status, 200)
        self.assertEqual(mas.get(stored.data["hash"]).body, b"there before")
        capacity = mas.call("GET", "/api/cluster/status", system=True).data["capacity"]
        self.assertEqual((capacity["free"], capacity["writable"]), (0, False))
        disk.give_back_inodes()
        wait_for(lambda: put(b"there after").status == 200, "uploads again")


class FreeingTest(unittest.TestCase):
    """What operators and uploaders are told while deleted files wait for the grace."""
    refused = harness.DaemonTest.refused

    def test_a_full_disk_says_what_waits_to_be_freed(self):
        disk = small_disk.SmallDisk(256 * MIB)
        self.addCleanup(disk.close)
        # Whoever finds the disk full, or deletes then, has it looked at once what waits.
        mas = Daemon(disk.home, maintain__collect_interval="1 h", object__record_cache="0 s")
        self.addCleanup(mas.close)

        def put(size):
            return mas.call("POST", "/api/file/upload/object", body=os.urandom(size), system=True)

        def freeing():
            status = mas.call("GET", "/api/cluster/status", system=True)
            return status.data["capacity"]["freeing"]

        stored = []
        while (answer := put(8 * MIB)).status == 200:
            stored.append(answer.data["hash"])
        self.refused(answer, 507, 5902)
        self.assertIn("Nothing that was deleted", answer.json["msg"])
        self.assertEqual(freeing()["bytes"], 0)
        for name in stored[:3]:
            mas.call("DELETE", "/api/file", {"hash": name}, system=True)
        wait_for(lambda: freeing()["bytes"] == 24 * MIB, "the deletions to be counted")
        self.assertTrue(23 * 3600 < freeing()["next"] <= freeing()["all"] <= 24 * 3600, freeing())
        # Compaction may have found some room in what the refused upload had begun.
        while (answer := put(8 * MIB)).status == 200:
            pass
        self.refused(answer, 507, 5902)
        self.assertIn("about 24.0 MiB of what was deleted waits to be freed", answer.json["msg"])
        self.assertEqual(answer.headers["Retry-After"], "3600")
        text = subprocess.run([harness.BINARY, "status", "--server", mas.url,
                               "--system-token-file", str(mas.data / "system-token")],
                              capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(text, "to be freed of .*about 24.0 MiB of what was deleted: the first in")
        metrics = mas.call("GET", "/metrics").body.decode()
        self.assertIn(f"mas_collect_waiting_bytes {24 * MIB}", metrics)

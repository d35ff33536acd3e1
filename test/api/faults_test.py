"""The statuses that only a fault behind the server brings about, from a real one: each call that
describes 500 or 503 gives it here if anything a test can do to one pod makes it. (507:
disk_full_test.py.)"""
import http.client
import os
import unittest

import small_disk
from failing_daemon import FailingDaemon
from harness import Daemon, DaemonTest, sha256, wait_for

KIB = 1024
MIB = 1024 * KIB


def setUpModule():
    small_disk.own_mounts()


def described(description, status):
    """Every call that describes `status`: method, path and what token it needs."""
    for method, path, operation in description.operations():
        if str(status) in operation["responses"]:
            needs = str(operation["security"])
            kind = "download" if "tokenInQuery" in needs else "upload" if "'token'" in needs else ""
            yield method, path, kind, "systemToken" in needs


class FinishWaitTest(DaemonTest):
    settings = {"object__finish_wait": "0 s"}

    def test_503_of_a_finish_that_takes_longer_than_it_may_wait(self):
        for method in ("GET", "POST"):
            data = wait_for(lambda: self.finish_early(method), "a finish that is not done at once")
            # The work goes on; a repeat finds it done.
            wait_for(lambda: self.finish(method, data).status == 200, "the finish")
            self.assertEqual(self.mas.get(sha256(data)).body, data)

    def finish(self, method, data):
        return self.mas.call(method, "/api/file/upload/finish", system=True,
                             token=self.mas.upload_token(sha256(data)))

    def finish_early(self, method):
        """The content of an upload whose finish was answered 503; None if it was done by then."""
        data = os.urandom(300 * KIB)
        token = self.mas.upload_token(sha256(data))
        self.mas.call("GET", "/api/file/upload/init", token=token)
        for number in (2, 1):
            at = (number - 1) * 150 * KIB
            self.mas.call("POST", "/api/file/upload/chuck", {"chuck": number},
                          body=data[at:at + 150 * KIB], token=token)
        answer = self.finish(method, data)
        if answer.status == 200:
            return None
        self.assertTrue(self.refused(answer, 503, 5901).headers["Retry-After"])
        return data


class BrokenMetadataTest(unittest.TestCase):
    refused = DaemonTest.refused

    def setUp(self):
        self.mas = FailingDaemon(meta__cache="1 MiB", object__record_cache="0 s")
        self.addCleanup(self.mas.close)

    def break_metadata(self):
        """Lets a write of metadata, and of nothing else, fail."""
        token = self.mas.upload_token(sha256(b"never"))
        self.mas.fail_writes()
        answer = self.mas.call("GET", "/api/file/upload/init", {"name": "n"}, token=token)
        self.mas.write_again()
        self.refused(answer, 503, 5501)
        self.assertEqual(self.mas.metric("mas_meta_broken"), 1)

    def test_503_on_every_call_that_needs_metadata(self):
        mas = self.mas
        data = os.urandom(100 * KIB)
        name = mas.put(data, "kept")["hash"]
        self.break_metadata()
        other = os.urandom(100)
        tokens = {"upload": mas.upload_token(sha256(other)), "download": mas.download_token(name),
                  "": None}
        queries = {"/api/file/upload/chuck": {"chuck": 1}, "/api/file/upload/chunk": {"chunk": 1},
                   "/api/file/info": {"hash": name}, "/api/file": {"hash": name},
                   "/api/cluster/collect-now": {"hash": name}}
        # These need the ledger of tokens, the list of pods or the status alone, all in this pod.
        aside = {"/api/server/signal", "/api/token/upload", "/api/token/download",
                 "/api/cluster/status", "/api/cluster/worker",
                 "/api/cluster/give-up", "/api/cluster/rebuild-metadata"}
        # What only shows files goes on by what was durable before (reads_only_test.py).
        shows = {"/api/file/info", "/api/file/list", "/api/file/download",
                 "/api/file/upload/download", "/readyz"}
        seen = set()
        for method, path, kind, system in described(mas.description, 503):
            if path in aside:
                continue
            if path in shows:
                answer = mas.call(method, path, queries.get(path), token=tokens[kind],
                                  system=system)
                self.assertIn(answer.status, (200, 507), (method, path, answer.body))
                continue
            answer = mas.call(method, path, queries.get(path), token=tokens[kind], system=system,
                              body=other if method in ("POST", "PUT") else None)
            self.assertEqual(answer.status, 503, (method, path, answer.body))
            self.assertTrue(answer.headers["Retry-After"])
            if method != "HEAD":
                self.refused(answer, 503, 5501)
            seen.add((method, path))
        self.assertGreater(len(seen), 12)
        # A start brings back all there was.
        mas.stop()
        mas.start()
        self.assertEqual(mas.get(name).body, data)
        self.assertEqual(mas.put(other)["hash"], sha256(other))


class FullMetadataTest(unittest.TestCase):
    refused = DaemonTest.refused

    def setUp(self):
        self.disk = small_disk.SmallDisk(256 * MIB)
        self.addCleanup(self.disk.close)
        self.mas = Daemon(self.disk.home, meta__cache="1 MiB", object__record_cache="0 s")
        self.addCleanup(self.mas.close)

    def open_session(self, number):
        return self.mas.call("GET", "/api/file/upload/init", {"name": "n" * 1000},
                             token=self.mas.upload_token(sha256(b"%d" % number)))

    def test_metadata_is_written_again_once_there_is_room(self):
        mas = self.mas
        data = os.urandom(100 * KIB)
        name = mas.put(data, "kept")["hash"]
        for turn in range(2):
            self.disk.occupy()
            self.assertTrue(self.refused(self.open_session(turn), 503, 5501).headers["Retry-After"])
            gone = mas.call("DELETE", "/api/file", {"hash": name}, system=True)
            self.refused(gone, 503, 5501)
            self.assertEqual(mas.get(name).body, data)
            self.assertEqual(mas.call("GET", "/api/file/info", {"hash": name}, system=True).status, 200)
            self.assertEqual(mas.metric("mas_meta_broken"), 0)
            self.disk.give_back()
            wait_for(lambda: self.open_session(turn).status == 200, "room for metadata")
            mas.put(b"%d" % turn)
        mas.kill()
        mas.start()
        self.assertEqual(mas.get(name).body, data)
        self.assertEqual(mas.get(sha256(b"1")).body, b"1")


class DamagedTest(unittest.TestCase):
    refused = DaemonTest.refused

    def setUp(self):
        self.mas = Daemon(object__unit="64 KiB")
        self.addCleanup(self.mas.close)

    def damage(self, piece):
        """Changes one byte of `piece` where it lies in a segment of the stopped daemon."""
        for segment in (self.mas.data / "segments").iterdir():
            at = segment.read_bytes().find(piece)
            if at >= 0:
                with open(segment, "r+b") as file:
                    file.seek(at)
                    file.write(bytes([piece[0] ^ 1]))
                return
        raise AssertionError("the bytes are in no segment")

    def test_500_of_a_file_that_is_damaged_beyond_repair(self):
        mas = self.mas
        small, long, good = (os.urandom(size) for size in (100 * KIB, 5 * MIB, 100 * KIB))
        for data in (small, long, good):
            mas.put(data)
        self.assertEqual(mas.stop(), 0)
        self.damage(small[:100])
        self.damage(long[3 * MIB:3 * MIB + 100])
        mas.start()
        # Never wrong bytes: an answer that has begun ends short, unless scrub was here first. Then the
        # damage is known.
        try:
            self.refused(mas.get(sha256(long)), 500, 5404)
        except http.client.IncompleteRead as short:
            self.assertTrue(long.startswith(short.partial))
        for path in ("/api/file/upload/download", "/api/file/download"):
            for data in (small, long):
                answer = mas.call("GET", path, token=mas.download_token(sha256(data)))
                self.refused(answer, 500, 5404)
            self.assertEqual(mas.call("GET", path, token=mas.download_token(sha256(good))).body,
                             good)
        # Sent again, it is whole again.
        for data in (small, long):
            mas.put(data)
            self.assertEqual(mas.get(sha256(data)).body, data)

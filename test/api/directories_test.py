"""A pod alone on several data directories, of which one comes back empty: the start says so, nothing
is written to it, mas check names what is missing, and the operator's word makes it new."""
import random
import shutil
import subprocess
import unittest

import harness
from harness import Daemon, sha256, wait_for

KIB = 1024
FILES = 20


class Pair(Daemon):
    """On two directories."""

    accept_lost = False

    @property
    def second(self):
        return self.home / "second"

    @property
    def arguments(self):
        word = ("--accept-lost", str(self.second)) if self.accept_lost else ()
        return ("--data", str(self.second), *word)

    def check(self):
        """mas check of both; its exit status and what it prints."""
        done = subprocess.run([harness.BINARY, "check", str(self.data), str(self.second)],
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def status(self):
        return self.call("GET", "/api/cluster/status", system=True).data

    def command(self, *arguments):
        return subprocess.run(
            [harness.BINARY, *arguments, "--server", self.url,
             "--system-token-file", str(self.data / "system-token")],
            capture_output=True, text=True, timeout=60)


class Directories(unittest.TestCase):
    def setUp(self):
        self.mas = Pair(maintain__repair_interval="1 s", maintain__collect_interval="200 ms",
                        maintain__grace="1 s")
        rng = random.Random(1)
        self.contents = [rng.randbytes(300 * KIB) for _ in range(FILES)]
        for content in self.contents:
            self.mas.put(content)

    def tearDown(self):
        self.mas.close()

    def readable(self):
        return {sha256(c) for c in self.contents if self.mas.get(sha256(c)).status == 200}

    def test_emptied(self):
        self.mas.kill()
        kept = self.mas.home / "kept"
        shutil.move(self.mas.second, kept)
        self.mas.second.mkdir()
        self.mas.start()

        # Said at once, in the log and in the status; nothing is written there.
        self.assertIn("store.directory_missing", self.mas.error_text())
        self.assertIn("--accept-lost", self.mas.error_text())
        absent = self.mas.status()["capacity"]["absent"]
        self.assertEqual(len(absent), 1, absent)
        self.assertIn(str(self.mas.second), absent[0])
        shown = self.mas.command("status")
        self.assertIn("not healthy: " + str(self.mas.second), shown.stdout, shown.stderr)
        readable = self.readable()
        self.assertTrue(0 < len(readable) < FILES, readable)
        new = random.Random(2).randbytes(300 * KIB)
        self.mas.put(new)
        self.assertLessEqual({p.name for p in self.mas.second.iterdir()}, {"lock"})
        self.assertEqual(self.mas.stop(), 0)

        # What is lost is named, and only that.
        status, text = self.mas.check()
        self.assertEqual(status, 1, text)
        self.assertIn(f"{self.mas.second}: This data directory is empty", text)
        for content in self.contents:
            named = f"file {sha256(content)}" in text
            self.assertEqual(named, sha256(content) not in readable, text)
        self.assertNotIn(sha256(new), text)
        self.assertNotIn("orphaned", text)

        # Mounted again, all is there.
        shutil.rmtree(self.mas.second)
        shutil.move(kept, self.mas.second)
        self.mas.start()
        self.assertEqual(self.mas.status()["capacity"]["absent"], [])
        wait_for(lambda: len(self.readable()) == FILES, "all files")
        wait_for(lambda: self.mas.status()["ledger"]["beyond_repair"] == 0, "a whole ledger")
        self.assertEqual(self.mas.stop(), 0)
        status, text = self.mas.check()
        self.assertEqual(status, 0, text)
        self.assertIn("all is well", text)

    def test_deleted_meanwhile(self):
        """Files that are deleted while a directory is away do not come back with it."""
        self.mas.kill()
        kept = self.mas.home / "kept"
        shutil.move(self.mas.second, kept)
        self.mas.second.mkdir()
        self.mas.start()
        deleted, left = self.contents[:-2], self.contents[-2:]
        reached = self.readable() & {sha256(content) for content in deleted}
        self.assertTrue(0 < len(reached) < len(deleted), reached)
        for content in deleted:
            answer = self.mas.call("DELETE", "/api/file", {"hash": sha256(content)}, system=True)
            self.assertEqual(answer.status, 200)
        new = random.Random(2).randbytes(300 * KIB)
        self.mas.put(new)
        # What can be reached is given back at once, but for the deletions themselves.
        wait_for(lambda: self.mas.metric("mas_collect_shards_total") == len(reached), "collection")
        self.mas.kill()

        shutil.rmtree(self.mas.second)
        shutil.move(kept, self.mas.second)
        self.mas.start()
        for content in deleted:
            self.assertEqual(self.mas.get(sha256(content)).status, 404)
        # A shard of each, and its manifest once repair has written it.
        wait_for(lambda: self.records() <= 2 * (len(left) + 1), "collection of the rest")
        for content in [*left, new]:
            self.assertEqual(self.mas.get(sha256(content)).status, 200)
        self.assertEqual(self.mas.stop(), 0)
        status, text = self.mas.check()
        self.assertEqual(status, 0, text)
        self.assertNotIn("orphaned", text)
        self.assertIn("all is well", text)

    def records(self):
        return self.mas.status()["capacity"]["records"]

    def test_given_up(self):
        self.mas.kill()
        shutil.rmtree(self.mas.second)
        self.mas.accept_lost = True
        self.mas.start()
        self.assertIn("store.directory_given_up", self.mas.error_text())
        self.assertEqual(self.mas.status()["capacity"]["absent"], [])
        lost = [c for c in self.contents if sha256(c) not in self.readable()]
        self.assertTrue(lost)
        wait_for(lambda: self.mas.status()["ledger"]["beyond_repair"] == len(lost), "the ledger")
        # What is sent again is stored again, in both directories.
        for content in lost:
            self.mas.put(content)
        wait_for(lambda: len(self.readable()) == FILES, "all files")
        self.assertEqual(self.mas.stop(), 0)
        self.mas.accept_lost = False
        self.mas.start()
        self.assertEqual(self.mas.status()["capacity"]["absent"], [])
        self.assertEqual(self.mas.stop(), 0)
        status, text = self.mas.check()
        self.assertEqual(status, 0, text)

    def test_first(self):
        """The metadata lies in the first: a pod without it does not begin anew."""
        self.mas.kill()
        shutil.rmtree(self.mas.data)
        with self.assertRaisesRegex(AssertionError, "--accept-lost"):
            self.mas.start()

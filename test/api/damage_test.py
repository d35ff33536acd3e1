"""What the disk has spoilt is found, marked, shown, and mended by sending it again."""
import random
import subprocess
import unittest

import harness
from harness import Daemon, sha256, wait_for

KIB = 1024


def spoil(mas, content):
    """Flips a bit in the stored bytes of `content`, which do not compress."""
    piece = content[100 * KIB:101 * KIB]
    for segment in (mas.data / "segments").glob("*.seg"):
        at = segment.read_bytes().find(piece)
        if at < 0:
            continue
        with open(segment, "r+b") as file:
            file.seek(at)
            file.write(bytes([piece[0] ^ 1]))
        return
    raise AssertionError("the content is in no segment")


class Damage(unittest.TestCase):
    def setUp(self):
        self.mas = Daemon(maintain__repair_interval="1 s")

    def tearDown(self):
        self.mas.close()

    def status(self):
        return self.mas.call("GET", "/api/cluster/status", system=True).data

    def test_found_by_scrub_shown_and_mended(self):
        rng = random.Random(1)
        good, bad = rng.randbytes(300 * KIB), rng.randbytes(300 * KIB)
        for content in (good, bad):
            self.mas.put(content)
        wait_for(lambda: self.status()["redundancy"] ==
                 [{"lost": 0, "stripes": 2, "bytes": 600 * KIB}], "a whole ledger")
        self.assertEqual(self.mas.stop(), 0)
        spoil(self.mas, bad)
        self.mas.start()
        # Nobody asks for the file: scrub finds it, a walk marks it.
        wait_for(lambda: self.status()["ledger"]["beyond_repair"] == 1, "damage in the ledger")
        status = self.status()
        self.assertIn({"lost": 1, "stripes": 1, "bytes": 300 * KIB}, status["redundancy"])
        self.assertEqual(status["survives"], 0)
        self.assertEqual(self.mas.metric("mas_ledger_survives"), -1)
        shown = subprocess.run(
            [harness.BINARY, "status", "--server", self.mas.url,
             "--system-token-file", str(self.mas.data / "system-token")],
            capture_output=True, text=True, timeout=30)
        self.assertIn("1 stripes are beyond repair", shown.stdout, shown.stderr)
        answer = self.mas.get(sha256(bad))
        self.assertEqual((answer.status >= 400, answer.code), (True, 5404))
        self.assertEqual(self.mas.get(sha256(good)).body, good)
        self.mas.put(bad)
        wait_for(lambda: self.status()["redundancy"] ==
                 [{"lost": 0, "stripes": 2, "bytes": 600 * KIB}], "a whole ledger again")
        self.assertEqual(self.mas.get(sha256(bad)).body, bad)

#!/usr/bin/env python3
"""Six pods at 4+2: one hangs in the middle of an upload and a download through others, then dies; the
clients see nothing of it but the receipt."""
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import unittest

import pods
from pods import Cluster, wait_for
from waiting import stop_process

SIZE = 200_000_000
STRIPES = SIZE // (4 << 20) + 1
# Ten seconds and more, most of them with a pod that hangs.
DOWN, UP = "20M", "14M"
VICTIM = "mas-3"


class StallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = Cluster()
        cls.addClassCleanup(cls.mas.close)
        cls.mas.up(6)
        cls.files = [cls.make_file(f"file-{number}") for number in range(2)]

    @classmethod
    def make_file(cls, name):
        path = cls.mas.dir / name
        block = os.urandom(SIZE // 100)
        with open(path, "wb") as file:
            for number in range(100):
                file.write(number.to_bytes(8, "big") + block[8:])
        with open(path, "rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest()

    def pod(self, name):
        return next(pod for pod in self.mas.pods if pod["name"] == name)

    def metric(self, name, metric):
        _, _, body = self.mas.call(name, "GET", "/metrics")
        found = re.search(rf"^{metric} (\S+)$", body.decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def curl(self, *arguments):
        process = subprocess.Popen(["curl", "-sS", "--fail", "--max-time", "120", *arguments],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()

    def upload(self, pod, path, *more):
        token = pathlib.Path(self.mas.facts["system_token_file"]).read_text().strip()
        answer = self.mas.dir / f"{path.name}.head"
        process = self.curl("-X", "POST", "-T", path, "-H", f"systemToken: {token}", "-D", answer,
                            *more, f"http://{self.pod(pod)['api']}/api/file/upload/object?name=f")
        return process, answer

    def succeed(self, process):
        code = process.wait(timeout=120)
        self.assertEqual(code, 0, process.stderr.read().decode())

    def stop(self, name):
        """Every thread of it stands; it goes on (or is killed) at the end whatever happens."""
        pid = self.pod(name)["pid"]
        self.addCleanup(self.go_on, pid)
        stop_process(pid)

    @staticmethod
    def go_on(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def test_a_pod_that_hangs_and_then_dies(self):
        (old, old_hash), (new, new_hash) = self.files
        process, _ = self.upload("mas-2", old)
        self.succeed(process)
        token = self.mas.token("mas-1", "download", old_hash)
        copy = self.mas.dir / "copy"
        download = self.curl("--limit-rate", DOWN, "-H", f"token: {token}", "-o", copy,
                             f"http://{self.pod('mas-1')['api']}/api/file/download")
        upload, answer = self.upload("mas-0", new, "--limit-rate", UP)

        wait_for(lambda: copy.exists() and copy.stat().st_size > SIZE // 5, "a fifth to be there")
        self.stop(VICTIM)
        wait_for(lambda: self.metric("mas-0", "mas_object_skipped_total") > 0, "the writer to skip it")
        wait_for(lambda: self.metric("mas-1", "mas_object_skipped_total") > 0, "the reader to skip it")
        os.kill(self.pod(VICTIM)["pid"], signal.SIGKILL)

        self.succeed(download)
        self.succeed(upload)
        with open(copy, "rb") as file:
            self.assertEqual(hashlib.file_digest(file, "sha256").hexdigest(), old_hash)
        head = answer.read_text()
        self.assertIn("Mas-Durable: 5/6", head)
        self.assertIn("Mas-Survives: 1", head)
        # It was waited for by the stripes that were on their way to it, and by no others.
        stragglers = self.metric("mas-0", "mas_object_stragglers_total")
        self.assertGreater(stragglers, 0)
        self.assertLess(stragglers, STRIPES / 4)
        self.assertGreater(self.metric("mas-1", "mas_object_read_hedges_total"), 0)

        code, body = self.mas.read("mas-5", new_hash)
        self.assertEqual((code, hashlib.sha256(body).hexdigest()), (200, new_hash))


if __name__ == "__main__":
    pods.main()

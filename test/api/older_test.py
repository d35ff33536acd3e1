"""A pod of today on the data directory of a pod of an earlier version (test/fixtures)."""
import os
import pathlib
import sys
import tarfile
import tempfile
import unittest

import harness
from harness import Daemon, sha256

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))

from contents import (DELETED, IN_PARTS, OPEN, SEALED, SETTINGS, STORED, content,  # noqa: E402
                      parts)


class OlderLoneTest(unittest.TestCase):
    version = "0.1.0"

    def setUp(self):
        home = tempfile.mkdtemp(prefix="mas-api-", dir=harness.WORK)
        with tarfile.open(FIXTURES / self.version / "lone.tar.xz") as archive:
            archive.extractall(home)
        settings = {key.replace(".", "__"): value for key, value in SETTINGS.items()}
        # What was deleted is collected while the rest is read.
        settings.update(maintain__grace="0 s", maintain__collect_interval="1 s")
        self.mas = Daemon(data=home, **settings)
        self.addCleanup(self.mas.close)
        self.listed = {record["name"] for record in
                       self.call(200, "GET", "/api/file/list", system=True).data["files"]}
        # The start has finished what a kill had left sealed, or opened it again with all its parts
        # (where it would have to hash first): to a client it is the same.
        for number, sizes in SEALED.values():
            token = self.mas.upload_token(sha256(content(number, sum(sizes))))
            self.call(200, "GET", "/api/file/upload/finish", token=token, system=True)

    def call(self, status, *args, **kwargs):
        answer = self.mas.call(*args, **kwargs)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def check_whole(self, data):
        self.assertEqual(self.mas.get(sha256(data)).body, data)

    def check_stored(self):
        for number, size in STORED.values():
            self.check_whole(content(number, size))
        for number, sizes in IN_PARTS.values():
            self.check_whole(content(number, sum(sizes)))
        for number, sizes in SEALED.values():
            self.check_whole(content(number, sum(sizes)))

    def check_deleted(self):
        for number, size in DELETED.values():
            hash_ = sha256(content(number, size))
            self.call(404, "GET", "/api/file/download", token=self.mas.download_token(hash_))
            self.call(404, "GET", "/api/file/info", {"hash": hash_}, system=True)

    def test_everything_is_read_finished_and_used_on(self):
        mas = self.mas
        self.assertEqual(self.listed - {*SEALED}, {*STORED, *IN_PARTS})
        self.check_stored()
        self.check_deleted()
        for name, (number, sizes, sent, _) in OPEN.items():
            self.finish_open(name, number, sizes, sent)
        fresh = [os.urandom(size) for size in (0, 100, 200_000, 700_000, 5_000_000)]
        for data in fresh:
            mas.put(data)
        # What was deleted can be sent again.
        again = [content(number, size) for number, size in DELETED.values()]
        for data in again:
            mas.put(data)
        for restart in (mas.stop, mas.kill):
            restart()
            mas.start()
            self.check_stored()
            for data in fresh + again:
                self.check_whole(data)
            for number, sizes, _, _ in OPEN.values():
                self.check_whole(content(number, sum(sizes)))
        report = mas.call("GET", "/api/cluster/status", system=True).data
        self.assertEqual((report["halted"], report["frozen"]), ("", ""))

    def test_what_was_deleted_stays_deleted_and_its_space_comes_back(self):
        mas = self.mas
        harness.wait_for(lambda: any(worker["name"] == "collect" and worker["done"] > 0
                                     for worker in mas.call("GET", "/api/cluster/status",
                                                            system=True).data["workers"]),
                         "collection")
        self.check_deleted()
        mas.kill()
        mas.start()
        self.check_deleted()
        self.check_stored()

    def finish_open(self, name, number, sizes, sent):
        mas, pieces = self.mas, parts(number, sizes)
        token = mas.upload_token(sha256(b"".join(pieces)))
        kept = self.call(200, "GET", "/api/file/upload/parts", token=token).data
        self.assertEqual(kept["parts"], [{"chuck": part, "size": sizes[part - 1]} for part in sent])
        self.call(200, "GET", "/api/file/upload/init", {"name": name}, token=token)
        for part, piece in enumerate(pieces, 1):
            if part not in sent:
                self.call(200, "POST", "/api/file/upload/chuck", {"chuck": part}, body=piece,
                          token=token)
        done = self.call(200, "GET", "/api/file/upload/finish", token=token, system=True)
        self.assertEqual((done.data["name"], done.data["size"], done.headers["Mas-Durable"]),
                         (name, sum(sizes), "1/1"))
        self.check_whole(b"".join(pieces))

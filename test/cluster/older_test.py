#!/usr/bin/env python3
"""Three pods of today on the directories and records of three pods of an earlier version
(test/fixtures)."""
import json
import os
import pathlib
import sys
import tarfile
import unittest

import pods
from pods import Cluster, wait_for

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))

import mongo_records  # noqa: E402
from contents import (DELETED, IN_PARTS, OPEN, SEALED, SETTINGS, STORED, content,  # noqa: E402
                      parts)

NAMES = ["mas-0", "mas-1", "mas-2"]


class OlderClusterTest(unittest.TestCase):
    version = "0.1.0"

    def setUp(self):
        self.mas = mas = Cluster()
        self.addCleanup(mas.close)
        mas.servers()
        with tarfile.open(FIXTURES / self.version / "three.tar.xz") as archive:
            archive.extractall(mas.dir)
        server = mongo_records.Server(mas.mongo.port)
        server.insert(mongo_records.load(mas.dir / "records.jsonl"))
        server.close()
        config = mas.dir / "mas.toml"
        config.write_text(config.read_text() + "".join(
            f'\n[{key.split(".")[0]}]\n{key.split(".")[1]} = "{SETTINGS[key]}"\n'
            for key in ("store.segment_size", "limits.session")) +
            "\n[object]\n" + "".join(f'{key.split(".")[1]} = "{value}"\n'
                                     for key, value in SETTINGS.items() if key.startswith("object.")))
        # What was deleted is collected while the rest is read.
        mas.configure(**{"maintain.grace": '"1 s"', "maintain.collect_interval": '"1 s"'})
        self.start_all()
        self.turn = 0

    def start_all(self):
        for name in NAMES:
            self.mas.start(name, "--no-wait")
        wait_for(lambda: self.mas.is_whole(3), "three members with everything in place")

    def next_pod(self):
        self.turn += 1
        return NAMES[self.turn % 3]

    def call(self, status, method, path, body=None, token=None):
        answer = self.mas.call(self.next_pod(), method, path, body, token)
        self.assertEqual(answer[0], status, answer[2][:500])
        return answer

    def check_whole(self, data):
        code, body = self.mas.read(self.next_pod(), pods.hashlib.sha256(data).hexdigest())
        self.assertEqual((code, body == data), (200, True), body[:200])

    def check_everything(self, *more):
        for number, size in STORED.values():
            self.check_whole(content(number, size))
        for number, sizes in IN_PARTS.values():
            self.check_whole(content(number, sum(sizes)))
        for data in more:
            self.check_whole(data)

    def check_deleted(self):
        for number, size in DELETED.values():
            hash_ = pods.hashlib.sha256(content(number, size)).hexdigest()
            self.call(404, "GET", f"/api/file/info?hash={hash_}")
            self.assertEqual(self.mas.read(self.next_pod(), hash_)[0], 404)

    def finish_open(self, name, number, sizes, sent):
        pieces = parts(number, sizes)
        data = b"".join(pieces)
        token = self.mas.token(self.next_pod(), "upload", pods.hashlib.sha256(data).hexdigest())
        kept = json.loads(self.call(200, "GET", "/api/file/upload/parts", token=token)[2])["data"]
        self.assertEqual(kept["parts"], [{"chuck": part, "size": sizes[part - 1]} for part in sent])
        self.call(200, "GET", f"/api/file/upload/init?name={name}", token=token)
        for part, piece in enumerate(pieces, 1):
            if part not in sent:
                self.call(200, "POST", f"/api/file/upload/chuck?chuck={part}", piece, token)
        _, headers, body = self.call(200, "GET", "/api/file/upload/finish", token=token)
        self.assertEqual((json.loads(body)["data"]["name"], headers["Mas-Durable"],
                          headers["Mas-Survives"]), (name, "3/3", "1"))
        return data

    def test_everything_is_read_finished_and_used_on(self):
        mas = self.mas
        self.check_everything()
        self.check_deleted()
        finished = [self.finish_open(name, *facts[:3]) for name, facts in OPEN.items()]
        fresh = [os.urandom(size) for size in (0, 100, 200_000, 700_000, 5_000_000)]
        fresh += [content(number, size) for number, size in DELETED.values()]  # sent again
        for data in fresh:
            self.assertEqual(mas.upload(self.next_pod(), data)[0], 200)
        # Nobody came for what a kill had left sealed: another pod finishes it by and by.
        (_, (number, sizes)), = SEALED.items()
        sealed = content(number, sum(sizes))
        hash_ = pods.hashlib.sha256(sealed).hexdigest()

        def is_finished():
            token = mas.token("mas-0", "upload", hash_)
            return mas.call("mas-0", "GET", "/api/file/upload/finish", token=token)[0] == 200
        wait_for(is_finished, "the sealed upload to be finished")
        self.check_everything(sealed, *finished, *fresh)
        for name in NAMES:
            mas.tool("stop", name)
        self.start_all()
        mas.kill("mas-1")
        for name in ("mas-0", "mas-2"):
            for data in (sealed, *finished, *fresh):
                code, body = mas.read(name, pods.hashlib.sha256(data).hexdigest())
                self.assertEqual((code, body == data), (200, True), body[:200])


if __name__ == "__main__":
    pods.main()

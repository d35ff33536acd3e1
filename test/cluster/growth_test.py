#!/usr/bin/env python3
"""From one pod on embedded metadata to a cluster of three: nothing is lost, the profile grows."""
import http.client
import os
import pathlib
import re
import subprocess
import unittest

import pods
from pods import Cluster, wait_for


class GrowthTest(unittest.TestCase):
    def setUp(self):
        self.mas = Cluster()
        self.addCleanup(self.mas.close)

    def fill_alone(self, data):
        """A pod on its own: a few files, a deleted one, an upload on its way."""
        process = subprocess.Popen([pods.MAS, "serve", "--data", data, "--listen", "127.0.0.1:0"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env={"MAS_NODE_NAME": "mas-0"})
        address = re.search(rb"http://([0-9.]+:[0-9]+)", process.stdout.readline())[1].decode()
        token = (pathlib.Path(data) / "system-token").read_text().strip()

        def call(method, path, body=None, headers=None):
            connection = http.client.HTTPConnection(address, timeout=30)
            connection.request(method, path, body, {"systemToken": token, **(headers or {})})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            self.assertEqual(answer.status, 200, body)
            return body

        files = [self.mas.content() for _ in range(20)]
        for content in files:
            call("POST", "/api/file/upload/object?name=f", content)
        deleted = os.urandom(50_000)
        call("POST", "/api/file/upload/object?name=d", deleted)
        call("DELETE", "/api/file?hash=" + pods.hashlib.sha256(deleted).hexdigest())
        self.half = os.urandom(2_000_000)
        name = pods.hashlib.sha256(self.half).hexdigest()
        minted = pods.json.loads(call("GET", f"/api/token/upload?hash={name}"))["data"]["token"]
        call("GET", "/api/file/upload/init?name=half", headers={"token": minted})
        call("POST", "/api/file/upload/chuck?chuck=1", self.half[:1_000_000], {"token": minted})
        process.terminate()
        self.assertEqual(process.wait(30), 0)
        process.stdout.close()
        return files, pods.hashlib.sha256(deleted).hexdigest()

    def check_all(self, names):
        for number, (hash_, data) in enumerate(self.mas.files.items()):
            code, body = self.mas.read(names[number % len(names)], hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])

    def test_one_two_three(self):
        mas = self.mas
        files, deleted = self.fill_alone(str(mas.dir / "alone"))
        mas.tool("up", "1", "--mas", pods.MAS, "--adopt", str(mas.dir / "alone"))
        wait_for(lambda: mas.is_whole(1), "the first pod")
        for content in files:
            mas.files[pods.hashlib.sha256(content).hexdigest()] = content
        self.check_all(["mas-0"])
        self.assertEqual(mas.call("mas-0", "GET", f"/api/file/info?hash={deleted}")[0], 404)
        name = pods.hashlib.sha256(self.half).hexdigest()
        token = mas.token("mas-0", "upload", name)
        mas.call("mas-0", "POST", "/api/file/upload/chuck?chuck=2", self.half[1_000_000:], token)
        code, _, body = mas.call("mas-0", "GET", "/api/file/upload/finish", token=token)
        self.assertEqual(code, 200, body)
        mas.files[name] = self.half

        mas.start("mas-1")
        wait_for(lambda: mas.is_whole(2), "two members")
        self.assertEqual(mas.upload("mas-1"), (200, "2/2", "1"))
        self.check_all(["mas-1", "mas-0"])
        mas.start("mas-2")
        wait_for(lambda: mas.is_whole(3), "three members")
        self.assertEqual(mas.upload("mas-2", os.urandom(900_000)), (200, "3/3", "1"))
        self.check_all(["mas-2", "mas-1", "mas-0"])


if __name__ == "__main__":
    pods.main()

#!/usr/bin/env python3
"""Three pods at 2+1 whose metadata is emptied, and then set back to an old copy, under their feet."""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import unittest

import pods
from pods import Cluster, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
import common  # noqa: E402
import mongo  # noqa: E402

DATABASE = "mas"


class RebuildTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = Cluster()
        cls.addClassCleanup(cls.mas.close)
        cls.mas.up(3)
        cls.names = [pod["name"] for pod in cls.mas.pods]
        cls.deleted, cls.turn = [], 0

    # ---- the metadata server ----

    @property
    def server(self):
        return json.loads((self.mas.dir / "mongo" / "server.json").read_text())

    def drop_database(self):
        port = int(self.mas.facts["mongo"]["address"].split(":")[1])
        body = struct.pack("<IB", 0, 0) + mongo.document({"dropDatabase": 1, "$db": DATABASE})
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
            length = struct.unpack("<i", connection.recv(4, socket.MSG_WAITALL))[0]
            self.assertIn(b"ok", connection.recv(length - 4, socket.MSG_WAITALL))

    def with_server_stopped(self, action):
        directory, facts = self.mas.dir / "mongo", self.server
        common.end(facts["pid"])
        action(directory / "data")
        process = common.spawn(facts["command"], directory)
        port = int(self.mas.facts["mongo"]["address"].split(":")[1])
        common.wait_until(lambda: mongo.answers(port), process, directory)
        made = directory / "server.json.new"
        made.write_text(json.dumps(facts | {"pid": process.pid}))
        made.rename(directory / "server.json")

    # ---- pods and files ----

    def next_pod(self):
        self.turn += 1
        return self.names[self.turn % len(self.names)]

    def upload_some(self, count):
        for _ in range(count):
            self.assertEqual(self.mas.upload(self.next_pod())[0], 200)

    def delete(self, count):
        for hash_ in list(self.mas.files)[:count]:
            code, _, body = self.mas.call(self.next_pod(), "DELETE", f"/api/file?hash={hash_}")
            self.assertEqual(code, 200, body)
            del self.mas.files[hash_]
            self.deleted.append(hash_)

    def open_upload(self, data):
        hash_ = hashlib.sha256(data).hexdigest()
        token = self.mas.token("mas-0", "upload", hash_)
        self.assertEqual(self.mas.call("mas-0", "GET", "/api/file/upload/init", token=token)[0], 200)
        self.assertEqual(self.mas.call("mas-1", "POST", "/api/file/upload/chuck?chuck=1", data,
                                       token)[0], 200)
        return hash_

    def is_halted(self, name):
        status = self.mas.status(name)
        ready = self.mas.call(name, "GET", "/readyz")[0]
        metrics = self.mas.call(name, "GET", "/metrics")[2].decode()
        log = (self.mas.dir / f"{name}.log").read_text()
        return status is not None and "mas rebuild-metadata" in status["halted"] and \
            ready == 503 and "\nmas_cluster_halted 1" in metrics and "cluster.halted" in log

    def records(self):
        return {name: self.mas.status(name)["capacity"]["records"] for name in self.names}

    def rebuild(self, name, *options):
        pod = next(pod for pod in self.mas.pods if pod["name"] == name)
        done = subprocess.run([pods.MAS, "rebuild-metadata", "--json", *options, "--server",
                               f"http://{pod['api']}", "--system-token-file",
                               self.mas.facts["system_token_file"]],
                              capture_output=True, text=True, timeout=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def check_all(self):
        for hash_, data in self.mas.files.items():
            code, body = self.mas.read(self.next_pod(), hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])
        for hash_ in self.deleted:
            for name in self.names:
                self.assertEqual(self.mas.read(name, hash_)[0], 404)

    def check_life_goes_on(self):
        wait_for(lambda: self.mas.is_whole(3), "all pods to go on, without a restart")
        for name in self.names:
            self.assertEqual(self.mas.call(name, "GET", "/readyz")[0], 200)
            self.assertEqual(self.mas.upload(name)[0], 200)
        self.delete(1)
        self.check_all()

    # ---- what happens ----

    def test_1_an_emptied_store_stops_the_pods(self):
        mas = self.mas
        self.upload_some(24)
        self.delete(4)
        type(self).unfinished = self.open_upload(os.urandom(300_000))
        before = self.records()
        self.drop_database()
        # Asked at once, they publish nothing into it: its numbers are too low.
        for name in self.names:
            self.assertEqual(mas.upload(name, os.urandom(2000))[0], 503)
        wait_for(lambda: all(self.is_halted(name) for name in self.names), "all pods to halt")
        # Neither is anything said not to be there, nor removed.
        for hash_ in [*mas.files, *self.deleted]:
            self.assertEqual(mas.call(self.next_pod(), "GET", f"/api/file/info?hash={hash_}")[0], 503)
        for name, count in self.records().items():
            self.assertGreaterEqual(count, before[name])

    def test_2_a_halted_pod_that_is_started_again_still_says_so(self):
        self.mas.tool("stop", "mas-1")
        pod = next(pod for pod in self.mas.pods if pod["name"] == "mas-1")
        env = {key: value for key, value in os.environ.items() if not key.startswith("MAS_")}
        env |= {"MAS_NODE_NAME": pod["name"], "MAS_NODE_DATA": pod["data"],
                "MAS_HTTP_LISTEN": pod["api"], "MAS_CLUSTER_LISTEN": pod["peer"]}
        process = common.spawn([pods.MAS, "serve", "--config", str(self.mas.dir / "mas.toml")],
                               self.mas.dir, pod["name"], env)
        self.addClassCleanup(common.end, process.pid, 40)
        wait_for(lambda: self.is_halted("mas-1"), "it to be halted again")
        wait_for(lambda: all(pod["state"] == "active" for status in self.mas.statuses()
                             for pod in status["pods"]), "all to see each other")

    def test_3_everything_comes_back_and_goes_on(self):
        mas = self.mas
        code, report = self.rebuild("mas-2", "--verify")
        self.assertEqual(code, 0, report)
        self.assertEqual((report["not_restored"], report["away"], report["error"]), (0, [], ""),
                         report)
        self.assertEqual((report["restored"], report["verified"]), (len(mas.files),) * 2)
        self.assertEqual(report["deletions"], len(self.deleted))
        self.check_all()
        self.assertEqual(mas.call("mas-0", "GET", f"/api/file/info?hash={self.unfinished}")[0], 404)
        self.check_life_goes_on()

    def test_4_twice_is_harmless(self):
        code, report = self.rebuild("mas-0")
        self.assertEqual((code, report["restored"], report["deletions"], report["not_restored"]),
                         (0, 0, 0, 0), report)
        self.check_life_goes_on()

    def test_5_an_old_copy_stops_them_too_and_catches_up(self):
        mas, copy = self.mas, self.mas.dir / "copy"
        self.with_server_stopped(lambda data: shutil.copytree(data, copy))
        wait_for(lambda: all(mas.call(name, "GET", "/readyz")[0] == 200 for name in self.names),
                 "the pods to find the server again")
        self.upload_some(12)
        self.delete(3)

        def put_back(data):
            shutil.rmtree(data)
            shutil.copytree(copy, data)
        self.with_server_stopped(put_back)
        # Whoever is asked to change something finds out; the others look once a minute.
        wait_for(lambda: [mas.upload(name, b"x" * 2000)[0] for name in self.names if
                          not self.is_halted(name)] == [], "all pods to halt")
        self.assertEqual(mas.read("mas-0", next(iter(mas.files)))[0], 503)
        code, report = self.rebuild("mas-1")
        self.assertEqual((code, report["not_restored"]), (0, 0), report)
        self.check_all()
        self.check_life_goes_on()

    def test_6_with_too_many_pods_away_it_refuses_and_says_which(self):
        self.drop_database()
        wait_for(lambda: all(self.is_halted(name) for name in self.names), "all pods to halt")
        for name in ("mas-0", "mas-2"):
            self.mas.tool("stop", name)
        wait_for(lambda: {pod["name"] for pod in self.mas.status("mas-1")["pods"]
                          if pod["state"] == "down"} == {"mas-0", "mas-2"}, "two pods to be down")
        code, report = self.rebuild("mas-1")
        self.assertEqual(code, 1)
        self.assertIn("mas-0, mas-2", json.dumps(report))


if __name__ == "__main__":
    pods.main()

#!/usr/bin/env python3
"""Redis and MongoDB killed, stopped and slowed down under three pods: requests that need them are
refused in time and say so, everything else goes on, nothing acknowledged is lost, and all is well again
by itself. The broker may be as slow as it likes.

Times are promises to users: asserted here only far above what they take and far below a hang."""
import hashlib
import http.client
import json
import os
import threading
import time
import unittest

import pods
from pods import Cluster, wait_for

LONG = 10  # seconds; without a time limit of ours a stopped server would hold requests for good


class OutageOfBackendsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = mas = Cluster()
        cls.addClassCleanup(mas.close)
        mas.servers()
        cls.proxies = {}
        for backend in (mas.redis, mas.rabbitmq, mas.mongo):
            cls.proxies[backend.name] = backend.put_proxy_before()
        mas.configure(**pods.QUICK)
        mas.up(3)
        cls.names = [pod["name"] for pod in mas.pods]
        for number in range(6):
            mas.upload(cls.names[number % 3])
        cls.data = os.urandom(3_000_000)
        cls.hash = hashlib.sha256(cls.data).hexdigest()
        mas.upload("mas-0", cls.data)

    def setUp(self):
        for name in self.names:
            wait_for(lambda name=name: self.mas.ready(name), f"{name} to be ready")

    def refused(self, code, name, method, path, body=None):
        """Comes back in time with 503, the code, and when to try again."""
        began = time.monotonic()
        status, headers, answer = self.mas.call(name, method, path, body)
        self.assertLess(time.monotonic() - began, LONG)
        self.assertEqual((status, json.loads(answer)["code"]), (503, code), path)
        self.assertGreater(int(headers["Retry-After"]), 0)

    def not_ready(self, code, name):
        """Once the answer of a moment ago is not remembered any more."""
        wait_for(lambda: not self.mas.ready(name), f"{name} to know that it is not ready")
        self.refused(code, name, "GET", "/readyz")

    def recovers(self):
        for name in self.names:
            wait_for(lambda name=name: self.mas.ready(name), f"{name} to be ready again")
        self.assertEqual(self.mas.upload("mas-1")[0], 200)
        for number, (hash_, data) in enumerate(list(self.mas.files.items())):
            code, body = self.mas.read(self.names[number % 3], hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])

    def download_slowly(self, token):
        """Begins a download, and gives what reads its rest."""
        address = self.mas.pods[0]["api"]
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("GET", "/api/file/download", headers={"token": token})
        answer = connection.getresponse()
        first = answer.read(1000)
        return lambda: (answer.status, first + answer.read())

    # ---- Redis ----

    def no_ledger(self):
        mas = self.mas
        for name in self.names:
            self.refused(5101, name, "GET", f"/api/token/download?hash={self.hash}")
            self.not_ready(5101, name)
            self.assertEqual(mas.call(name, "GET", "/healthz")[0], 200)
        # What needs no temporary token goes on.
        self.assertEqual(mas.upload("mas-2", os.urandom(5000))[0], 200)
        self.assertEqual(mas.call("mas-1", "GET", f"/api/file/info?hash={self.hash}")[0], 200)

    def test_redis_1_killed(self):
        rest = self.download_slowly(self.mas.token("mas-0", "download", self.hash))
        self.mas.redis.kill()
        self.no_ledger()
        self.assertEqual(rest(), (200, self.data))
        self.mas.redis.start()
        self.recovers()

    def test_redis_2_hanging(self):
        rest = self.download_slowly(self.mas.token("mas-0", "download", self.hash))
        self.mas.redis.hang()
        self.no_ledger()
        self.assertEqual(rest(), (200, self.data))
        self.mas.redis.go_on()
        self.recovers()

    def test_redis_3_slow(self):
        proxy = self.proxies["redis"]
        proxy.delay = 0.1
        self.assertEqual(self.mas.read("mas-1", self.hash), (200, self.data))
        proxy.delay = 3  # three times as long as redis.timeout
        self.no_ledger()
        proxy.calm()
        self.recovers()

    # ---- MongoDB ----

    def no_metadata(self):
        mas = self.mas
        for name in self.names:
            self.refused(5501, name, "GET", f"/api/file/info?hash={self.hash}")
            self.refused(5501, name, "POST", "/api/file/upload/object?name=f", os.urandom(1000))
            self.not_ready(5501, name)
            self.assertEqual(mas.call(name, "GET", "/healthz")[0], 200)

    def metadata_goes(self, go, come_back):
        mas = self.mas
        lost_name = hashlib.sha256(b"never asked for").hexdigest()
        self.assertEqual(mas.read("mas-0", self.hash), (200, self.data))
        # An upload on its way: what was acknowledged of it stays.
        half = os.urandom(1_000_000)
        name = hashlib.sha256(half).hexdigest()
        token = mas.token("mas-1", "upload", name)
        mas.call("mas-1", "GET", "/api/file/upload/init?name=n", token=token)
        self.assertEqual(
            mas.call("mas-1", "POST", "/api/file/upload/chuck?chuck=1", half[:500_000], token)[0], 200)
        rest = self.download_slowly(mas.token("mas-0", "download", self.hash))
        go()
        self.no_metadata()
        self.assertEqual(rest(), (200, self.data))
        # A record that was used lately is served from memory, one that was not is not.
        wait_for(lambda: mas.events("mas-0", "metadata_unreachable"), "the outage to be noticed")
        # Once object.record_cache is over, the record is used because of the outage alone.
        before = mas.metric("mas-0", "mas_object_outage_records_total")

        def used_beyond_its_age():
            self.assertEqual(mas.read("mas-0", self.hash), (200, self.data))
            return mas.metric("mas-0", "mas_object_outage_records_total") > before

        wait_for(used_beyond_its_age, "the remembered record to be older than object.record_cache")
        token = mas.token("mas-0", "download", lost_name)
        self.assertEqual(mas.code("mas-0", "GET", "/api/file/download", token=token)[:2], (503, 5501))
        come_back()
        self.recovers()
        token = mas.token("mas-2", "upload", name)
        parts = json.loads(mas.call("mas-2", "GET", "/api/file/upload/parts", token=token)[2])
        self.assertEqual(parts["data"]["stored"], 500_000)
        mas.call("mas-2", "POST", "/api/file/upload/chuck?chuck=2", half[500_000:], token)
        self.assertEqual(mas.call("mas-2", "GET", "/api/file/upload/finish", token=token)[0], 200)
        self.assertEqual(mas.read("mas-0", name), (200, half))

    def test_mongo_1_killed(self):
        self.metadata_goes(self.mas.mongo.kill, self.mas.mongo.start)

    def test_mongo_2_hanging(self):
        self.metadata_goes(self.mas.mongo.hang, self.mas.mongo.go_on)

    def test_mongo_3_killed_under_load(self):
        """Whatever is acknowledged while it goes and comes is there afterwards."""
        mas, answers, ending = self.mas, [], threading.Event()

        def upload():
            while not ending.is_set():
                answers.append(mas.upload("mas-0", os.urandom(3000))[0])

        workers = [threading.Thread(target=upload) for _ in range(3)]
        for worker in workers:
            worker.start()
        wait_for(lambda: answers.count(200) > 20, "uploads")
        mas.mongo.kill()
        wait_for(lambda: answers.count(503) > 3, "refusals")
        mas.mongo.start()
        before = answers.count(200)
        wait_for(lambda: answers.count(200) > before + 20, "uploads again")
        ending.set()
        for worker in workers:
            worker.join()
        self.assertEqual(set(answers), {200, 503})
        self.recovers()

    def test_mongo_4_slow(self):
        proxy = self.proxies["mongo"]
        proxy.delay = 0.05
        self.assertEqual(self.mas.upload("mas-1", os.urandom(3000))[0], 200)
        proxy.delay = 5  # over mongodb.timeout
        self.no_metadata()
        proxy.calm()
        self.recovers()

    # ---- Workers ----

    def test_a_worker_is_paused_and_resumed(self):
        mas = self.mas

        def repair(name):
            return next(one for one in mas.status(name)["workers"] if one["name"] == "repair")

        def steps(name):
            _, _, body = mas.call(name, "GET", "/metrics")
            return next(line for line in body.decode().splitlines()
                        if line.startswith('mas_worker_steps_total{worker="repair"}'))

        def pause(value):
            return mas.call("mas-0", "POST", f"/api/cluster/worker?name=repair&paused={value}")[0]

        wait_for(lambda: mas.is_whole(3), "everything to be whole")
        self.assertEqual(pause(1), 200)
        wait_for(lambda: not repair("mas-0")["running"], "its step to end")
        self.assertEqual((repair("mas-0")["paused"], repair("mas-1")["paused"]), (True, False))
        before, others = steps("mas-0"), steps("mas-1")
        wait_for(lambda: steps("mas-1") != others, "the others' workers to go on")
        self.assertEqual(steps("mas-0"), before)
        self.assertEqual(pause(0), 200)
        wait_for(lambda: steps("mas-0") != before, "it to go on")

    def test_requests_of_pods_are_counted_apart(self):
        self.mas.upload("mas-0", os.urandom(300_000))
        _, _, body = self.mas.call("mas-1", "GET", "/metrics")
        text = body.decode()
        self.assertIn('mas_peer_requests_total{method="PUT",route="/peer/v1/record/KEY"', text)
        self.assertEqual([line for line in text.splitlines()
                          if line.startswith("mas_http_") and "/peer/" in line], [])

    # ---- RabbitMQ ----

    def test_rabbitmq_slow(self):
        """Beats that come a second late, and only so many a second, bring nobody down."""
        proxy = self.proxies["rabbitmq"]
        version = self.mas.status("mas-0")["layout"]["version"]
        proxy.delay, proxy.rate = 0.5, 20_000
        with self.mas.traffic(self.names) as (failures, done):
            wait_for(lambda: done[0] > 40, "requests")
        self.assertEqual(failures, [])
        for status in self.mas.statuses():
            self.assertEqual({pod["state"] for pod in status["pods"]}, {"active"})
            self.assertEqual(status["layout"]["version"], version)
        self.assertEqual([self.mas.events(name, "pod.down") for name in self.names], [[], [], []])
        proxy.calm()


if __name__ == "__main__":
    pods.main()

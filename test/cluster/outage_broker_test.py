#!/usr/bin/env python3
"""The broker killed and stopped under six pods, for several times as long as it takes to suspect, to
leave and to collect: nothing moves, nothing is collected, uploads and downloads go on."""
import hashlib
import os
import time
import unittest

import pods
from pods import Cluster, wait_for

OUTAGE = 12  # seconds; see pods.QUICK: six times suspect_after, three times leave_after


class OutageOfBrokerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = mas = Cluster()
        cls.addClassCleanup(mas.close)
        mas.servers()
        # Room for one pod to leave.
        mas.configure(**pods.QUICK, **{"object.erasure": '"3+2"'})
        mas.up(6)
        cls.names = [pod["name"] for pod in mas.pods]

    def count(self, names, *metrics):
        return sum(self.mas.metric(name, metric) for name in names for metric in metrics)

    def versions(self, names):
        """Of the layouts that these pods go by."""
        return {self.mas.status(name)["layout"]["version"] for name in names}

    def removed(self, names):
        return self.count(names, "mas_collect_shards_total", "mas_strays_removed_total")

    def delete_one(self):
        data = os.urandom(2_000_000)
        self.assertEqual(self.mas.upload("mas-0", data)[0], 200)
        hash_ = hashlib.sha256(data).hexdigest()
        del self.mas.files[hash_]
        self.assertEqual(self.mas.call("mas-0", "DELETE", f"/api/file?hash={hash_}")[0], 200)

    def outage(self, go, come_back, names, dies=None):
        """`dies`: a pod that is killed meanwhile."""
        mas = self.mas
        wait_for(lambda: mas.is_whole(len(names)), "everything to be whole")
        events = ("broker_lost", "broker_connected", "cluster.frozen", "cluster.thawed")
        before = {name: len(mas.log(name)) for name in names}
        go()
        wait_for(lambda: all(mas.metric(name, "mas_cluster_frozen") for name in names), "the freeze")
        # What was decided before it may still be heard of: from here on nothing is decided.
        wait_for(lambda: len(self.versions(names)) == 1, "all to know one layout")
        version = self.versions(names).pop()
        alive = [name for name in names if name != dies]
        removed = self.removed(alive)
        self.delete_one()
        with mas.traffic(alive) as (failures, done):
            if dies:
                mas.kill(dies)
                wait_for(lambda: mas.events("mas-0", "pod.down"), f"{dies} to be down")
            time.sleep(OUTAGE)
        self.assertEqual(failures, [])
        self.assertGreater(done[0], 10)
        # The death goes by probes, which go on; the layout and what is deleted stay.
        down = {pod["name"] for pod in mas.status("mas-0")["pods"] if pod["state"] == "down"}
        self.assertEqual(down, {dies} if dies else set())
        self.assertEqual(self.versions(alive), {version})
        self.assertEqual(self.removed(alive), removed)
        come_back()
        wait_for(lambda: not any(mas.metric(name, "mas_cluster_frozen") for name in alive), "the thaw")
        # What had to wait happens now.
        wait_for(lambda: self.removed(alive) > removed, "what was deleted to be collected")
        for name in alive:
            said = [line for line in mas.log(name)[before[name]:]]
            self.assertEqual([sum(line["event"] == event for line in said) for event in events],
                             [1, 1, 1, 1], name)
            known = {"broker_lost", "cluster.frozen", "pod.down", "layout.waiting"}
            others = [line for line in said if line["level"] in ("warn", "error")
                      and line["event"] not in known]
            self.assertEqual(others, [], name)
        for number, (hash_, data) in enumerate(list(mas.files.items())):
            code, body = mas.read(alive[number % len(alive)], hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])
        return version

    def test_1_hanging(self):
        self.outage(self.mas.rabbitmq.hang, self.mas.rabbitmq.go_on, self.names)

    def test_2_killed_and_a_pod_with_it(self):
        version = self.outage(self.mas.rabbitmq.kill, self.mas.rabbitmq.start, self.names,
                              dies="mas-5")
        wait_for(lambda: self.mas.status("mas-0")["layout"]["version"] > version, "mas-5 to leave")
        wait_for(lambda: self.mas.status("mas-0")["layout"]["members"] == 5, "five members")


if __name__ == "__main__":
    pods.main()

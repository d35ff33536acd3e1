#!/usr/bin/env python3
"""Three pods with files of which there is no second copy: one leaves, and comes back with them."""
import json
import os
import unittest

import pods
from pods import QUICK, Cluster, wait_for


class LeavingTest(unittest.TestCase):
    def setUp(self):
        self.mas = Cluster()
        self.addCleanup(self.mas.close)

    def unreadable(self, name):
        """How many files cannot be read, none of them for good."""
        count = 0
        for hash_, data in self.mas.files.items():
            code, body = self.mas.read(name, hash_)
            if code == 200:
                self.assertEqual(body, data)
                continue
            self.assertEqual((code, json.loads(body)["code"]), (503, 5701))
            count += 1
        return count

    def wait_until_whole(self, count):
        wait_for(lambda: self.mas.is_whole(count), f"{count} members")

    def test_a_pod_that_leaves_and_comes_back(self):
        mas = self.mas
        mas.servers()
        mas.configure(**QUICK)
        mas.up(1)
        for _ in range(12):
            self.assertEqual(mas.upload("mas-0", os.urandom(60_000))[:2], (200, "1/1"))
        mas.kill("mas-0")
        # Two copies are enough, so that one of three may leave.
        mas.configure(**{"object.erasure": '"1+1"'})
        for name in ("mas-0", "mas-1", "mas-2"):
            mas.start(name)
        self.wait_until_whole(3)
        self.assertEqual(self.unreadable("mas-0"), 0)
        # The first pod keeps what it had until it is known to be with its new holders.
        wait_for(lambda: mas.metric("mas-0", "mas_strays_removed_total") > 0
                 and mas.status("mas-0")["ledger"]["strays"] == 0, "each file is with one pod only")

        mas.kill("mas-1")
        wait_for(lambda: mas.status("mas-0")["layout"]["members"] == 2, "it leaves")
        left = mas.status("mas-0")["left"]
        self.assertEqual([(one["name"], one["there"]) for one in left], [("mas-1", False)])
        self.assertGreater(self.unreadable("mas-0"), 0)
        wait_for(lambda: any("give-up mas-1" in why for why in mas.status("mas-0")["waiting"]),
                 "its data are waited for")
        # The others go on, and what is deleted meanwhile stays so.
        self.assertEqual(mas.upload("mas-2", os.urandom(60_000))[:2], (200, "2/2"))
        deleted = next(iter(mas.files))
        self.assertEqual(mas.call("mas-0", "DELETE", f"/api/file?hash={deleted}")[0], 200)
        del mas.files[deleted]

        mas.start("mas-1", "--no-wait")
        wait_for(lambda: any(pod["name"] == "mas-1" and pod["state"] == "returned"
                             for pod in mas.status("mas-0")["pods"]), "it is back")
        self.assertEqual(mas.call("mas-1", "GET", "/readyz")[0], 503)
        wait_for(lambda: self.unreadable("mas-2") == 0, "all can be read again")
        self.assertEqual(mas.call("mas-0", "GET", f"/api/file/info?hash={deleted}")[0], 404)
        # Once all of it is stored by the others, it may be emptied.
        wait_for(lambda: not mas.status("mas-0")["left"], "it is needed no more")
        wait_for(lambda: mas.events("mas-1", "cluster.refused"), "it says so")
        self.assertIn("empty it", mas.events("mas-1", "cluster.refused")[-1]["why"])
        mas.kill("mas-1")
        mas.wipe("mas-1")
        self.assertEqual(self.unreadable("mas-0"), 0)
        mas.start("mas-1")
        self.wait_until_whole(3)
        self.assertEqual(self.unreadable("mas-1"), 0)


if __name__ == "__main__":
    pods.main()

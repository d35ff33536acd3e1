#!/usr/bin/env python3
"""Pods that leave or start empty, with files of which there is no second copy, and come back."""
import json
import os
import subprocess
import unittest

import pods
from pods import QUICK, Cluster, wait_for

MEMBERS = 7


class LeavingTest(unittest.TestCase):
    def setUp(self):
        self.mas = Cluster()
        self.addCleanup(self.mas.close)
        self.mas.servers()
        self.mas.configure(**QUICK)
        self.mas.up(1)

    def fill_alone(self, count):
        """Files of which nobody but the first pod has a copy."""
        for _ in range(count):
            self.assertEqual(self.mas.upload("mas-0", os.urandom(60_000))[:2], (200, "1/1"))

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
        wait_for(lambda: self.mas.is_whole(count), f"{count} members", 300)

    def settled(self):
        """How often a layout has settled so far."""
        return sum(event["change"] == "settle" for pod in self.mas.pods
                   for event in self.mas.events(pod["name"], "layout.proposed"))

    def why_not_ready(self, name):
        code, _, body = self.mas.call(name, "GET", "/readyz")
        return json.loads(body)["msg"] if code == 503 else ""

    def give_up(self, name):
        address = next(pod["api"] for pod in self.mas.pods if pod["name"] == name)
        return subprocess.run([pods.MAS, "cluster", "give-up", name, "--server",
                               f"http://{address}", "--system-token-file",
                               self.mas.facts["system_token_file"]], capture_output=True, text=True)

    def test_from_one_to_seven_and_one_leaves(self):
        mas = self.mas
        self.fill_alone(21)
        for number in range(1, MEMBERS):
            mas.start(f"mas-{number}", "--no-wait")
        self.wait_until_whole(MEMBERS)
        self.assertEqual(self.unreadable("mas-0"), 0)
        # The first pod keeps what it had until it is known to be with its new holders.
        wait_for(lambda: mas.metric("mas-0", "mas_strays_removed_total") > 0
                 and mas.status("mas-0")["ledger"]["strays"] == 0, "each file is with one pod only")

        before = self.settled()
        mas.kill("mas-1")
        wait_for(lambda: mas.status("mas-0")["layout"]["members"] == MEMBERS - 1, "it leaves")
        self.assertGreater(self.unreadable("mas-0"), 0)
        # Nothing is lost by that, however long it takes.
        wait_for(lambda: self.settled() > before, "the layout settles")
        self.assertGreater(self.unreadable("mas-0"), 0)
        left = mas.status("mas-0")["left"]
        self.assertEqual([(one["name"], one["there"]) for one in left], [("mas-1", False)])
        wait_for(lambda: any("give-up mas-1" in why for why in mas.status("mas-0")["waiting"]),
                 "its data are waited for")
        # The others go on, and what is deleted meanwhile stays so.
        self.assertEqual(mas.upload("mas-2", os.urandom(900_000))[:2], (200, "6/6"))
        deleted = list(mas.files)[:5]
        for hash_ in deleted:
            self.assertEqual(mas.call("mas-0", "DELETE", f"/api/file?hash={hash_}")[0], 200)
            del mas.files[hash_]

        mas.start("mas-1", "--no-wait")
        wait_for(lambda: any(pod["name"] == "mas-1" and pod["state"] == "returned"
                             for pod in mas.status("mas-0")["pods"]), "it is back")
        self.assertIn("has left the layout", self.why_not_ready("mas-1"))
        wait_for(lambda: self.unreadable("mas-2") == 0, "all can be read again")
        # Once all of it is stored by the others, it may be emptied.
        wait_for(lambda: not mas.status("mas-0")["left"], "it is needed no more")
        wait_for(lambda: mas.events("mas-1", "cluster.refused"), "it says so")
        self.assertIn("empty it", mas.events("mas-1", "cluster.refused")[-1]["why"])
        mas.kill("mas-1")
        mas.wipe("mas-1")
        self.assertEqual(self.unreadable("mas-0"), 0)
        mas.start("mas-1")
        self.wait_until_whole(MEMBERS)
        self.assertEqual(self.unreadable("mas-1"), 0)
        for hash_ in deleted:
            self.assertEqual(mas.call("mas-1", "GET", f"/api/file/info?hash={hash_}")[0], 404)

    def test_the_only_pod_starts_once_on_an_empty_directory(self):
        mas = self.mas
        self.fill_alone(5)
        mas.kill("mas-0")
        data = next(pod["data"] for pod in mas.pods if pod["name"] == "mas-0")
        os.rename(data, data + "-away")
        mas.start("mas-0", "--no-wait")
        wait_for(lambda: "give-up mas-0" in self.why_not_ready("mas-0"), "it says what it waits for")
        self.assertNotEqual(mas.upload("mas-0", os.urandom(100))[0], 200)
        mas.kill("mas-0")
        os.rename(data, data + "-empty")
        os.rename(data + "-away", data)
        mas.start("mas-0")
        self.wait_until_whole(1)
        self.assertEqual(self.unreadable("mas-0"), 0)

        # The word that it is gone for good.
        mas.kill("mas-0")
        os.rename(data, data + "-away")
        mas.start("mas-0", "--no-wait")
        wait_for(lambda: "give-up mas-0" in self.why_not_ready("mas-0"), "it waits again")
        said = self.give_up("mas-0")
        self.assertEqual(said.returncode, 0, said.stderr)
        wait_for(lambda: mas.ready("mas-0"), "it goes on empty")
        wait_for(lambda: all(json.loads(mas.read("mas-0", hash_)[1]).get("code") == 5404
                             for hash_ in mas.files), "the files are known to be lost")
        again = self.give_up("mas-0")
        self.assertNotEqual(again.returncode, 0)


if __name__ == "__main__":
    pods.main()

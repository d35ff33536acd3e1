#!/usr/bin/env python3
"""Three pods at 2+1, one of them on two data directories: its second comes back empty, is taken for a new
disk, and repair fills it, while the first serves on."""
import json
import pathlib
import shutil
import unittest

import pods
from pods import Cluster, wait_for


class DirectoriesTest(unittest.TestCase):
    def setUp(self):
        self.mas = Cluster()
        self.addCleanup(self.mas.close)
        self.mas.servers()
        self.mas.configure(**{**pods.QUICK, "cluster.leave_after": '"5 m"'})
        self.mas.up(3)

    def give_second_disk(self, name):
        mas = self.mas
        mas.tool("stop", name)
        facts = mas.facts
        pod = next(pod for pod in facts["pods"] if pod["name"] == name)
        second = pathlib.Path(pod["data"] + "-second")
        pod["data"] += f",{second}"
        (mas.dir / "cluster.json").write_text(json.dumps(facts))
        mas.start(name)
        wait_for(lambda: mas.is_whole(3), f"{name} to be back")
        return second

    def check_all(self, names):
        for number, (hash_, data) in enumerate(self.mas.files.items()):
            code, body = self.mas.read(names[number % len(names)], hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])

    def records(self, name):
        return self.mas.metric(name, "mas_store_records")

    def test_an_emptied_directory_is_filled_again(self):
        mas = self.mas
        second = self.give_second_disk("mas-1")
        for number in range(40):
            code, _, survives = mas.upload(f"mas-{number % 3}")
            self.assertEqual((code, survives), (200, "1"))
        before = self.records("mas-1")
        self.assertGreater(before, 0)

        mas.kill("mas-1")
        shutil.rmtree(second)
        second.mkdir()
        mas.start("mas-1")
        said = mas.events("mas-1", "store.directory_emptied")
        self.assertEqual([str(second) in json.dumps(line) for line in said], [True], said)
        self.check_all(["mas-0", "mas-1", "mas-2"])
        wait_for(lambda: self.records("mas-1") >= before, "repair to make anew what it held")
        wait_for(lambda: mas.is_whole(3), "nothing to be missing")
        self.assertTrue(any(second.glob("**/*.seg")), list(second.rglob("*")))

        # What repair says is there is needed now.
        mas.kill("mas-0")
        wait_for(lambda: any(pod["state"] == "down" for pod in mas.status("mas-1")["pods"]),
                 "mas-0 to be down")
        self.check_all(["mas-1", "mas-2"])


if __name__ == "__main__":
    pods.main()

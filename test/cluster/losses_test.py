#!/usr/bin/env python3
"""Six pods at 4+2: killed, wiped and spoiled, and nothing that was acknowledged is lost."""
import hashlib
import os
import pathlib
import unittest

import pods
from pods import Cluster, wait_for


class LossesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = Cluster()
        cls.addClassCleanup(cls.mas.close)
        cls.mas.up(6)
        cls.names = [pod["name"] for pod in cls.mas.pods]

    def check_all(self, names):
        """Every acknowledged file, byte for byte, each through another pod."""
        for number, (hash_, data) in enumerate(self.mas.files.items()):
            code, body = self.mas.read(names[number % len(names)], hash_)
            self.assertEqual((code, body == data), (200, True), body[:200])

    def upload_some(self, count, names):
        return {self.mas.upload(names[number % len(names)]) for number in range(count)}

    def test_1_any_pod_serves_any_request(self):
        mas, data = self.mas, os.urandom(3_000_000)
        hash_ = hashlib.sha256(data).hexdigest()
        token = mas.token("mas-0", "upload", hash_)
        self.assertEqual(mas.call("mas-0", "GET", "/api/file/upload/init?name=n", token=token)[0], 200)
        for part, pod in ((2, "mas-1"), (3, "mas-2"), (1, "mas-3")):
            piece = data[(part - 1) * 1_000_000:part * 1_000_000]
            self.assertEqual(mas.call(pod, "POST", f"/api/file/upload/chuck?chuck={part}", piece,
                                      token)[0], 200)
        code, headers, body = mas.call("mas-4", "GET", "/api/file/upload/finish", token=token)
        self.assertEqual((code, headers["Mas-Durable"], headers["Mas-Survives"]), (200, "6/6", "2"),
                         body)
        mas.files[hash_] = data
        self.assertEqual(mas.read("mas-5", hash_), (200, data))

    def test_2_one_and_two_pods_down(self):
        mas, names = self.mas, self.names
        answers = self.upload_some(40, names)
        self.assertEqual({code for code, _, _ in answers}, {200})
        self.assertEqual({survives for _, _, survives in answers}, {"2"})
        mas.kill("mas-5")
        answers = self.upload_some(20, names[:5])
        self.assertEqual({code for code, _, _ in answers}, {200})
        self.assertIn((200, "5/6", "1"), answers)
        self.check_all(names[:5])
        mas.kill("mas-4")
        wait_for(lambda: {pod["name"] for pod in mas.status("mas-0")["pods"]
                          if pod["state"] == "down"} == {"mas-4", "mas-5"}, "two pods to be down")
        code, _, _ = mas.upload("mas-0", os.urandom(1_000_000))
        self.assertEqual(code, 503)
        self.check_all(names[:4])

    def test_3_an_emptied_pod_takes_its_place_and_is_filled(self):
        mas, names = self.mas, self.names
        mas.start("mas-5")
        mas.wipe("mas-4")
        mas.start("mas-4")
        wait_for(lambda: mas.is_whole(6), "every shard to be back")
        mas.kill("mas-0")
        mas.kill("mas-1")
        self.check_all(names[2:])
        for name in ("mas-0", "mas-1"):
            mas.start(name)
        wait_for(lambda: mas.is_whole(6), "the others to be back")

    def test_4_flipped_bytes_are_worked_around_and_repaired(self):
        mas = self.mas
        for name in ("mas-2", "mas-3"):
            mas.tool("stop", name)
            pod = next(pod for pod in mas.pods if pod["name"] == name)
            self.spoil(pathlib.Path(pod["data"]))
            mas.start(name)
        self.check_all(self.names)
        wait_for(lambda: sum(worker["done"] for status in mas.statuses() if status
                             for worker in status["workers"] if worker["name"] == "repair") > 0,
                 "repairs to be counted")
        wait_for(lambda: mas.is_whole(6), "everything to be whole again")

    def spoil(self, data):
        """One byte in every 256 KiB of what the segments hold."""
        spoiled = 0
        for segment in (data / "segments").glob("*.seg"):
            with open(segment, "r+b") as file:
                for offset in range(300_000, 20_000_000, 256 * pods.KIB):
                    file.seek(offset)
                    byte = file.read(1)
                    if byte in (b"", b"\0"):
                        continue
                    file.seek(offset)
                    file.write(bytes([byte[0] ^ 0xff]))
                    spoiled += 1
        self.assertGreater(spoiled, 0)

    def test_5_beyond_the_losses_survived_an_error_never_wrong_bytes(self):
        mas = self.mas
        for name in ("mas-0", "mas-1", "mas-2"):
            mas.kill(name)
        failed = 0
        for hash_, data in mas.files.items():
            code, body = mas.read("mas-4", hash_)
            if code == 200:
                self.assertEqual(body, data)
            else:
                self.assertIn(code, (503, 0), body[:200])
                failed += 1
        self.assertGreater(failed, 0)


if __name__ == "__main__":
    pods.main()

#!/usr/bin/env python3
"""Six pods at 4+2: what an answer promises is compared, from outside, with what lies on the disks at
that moment, while disks are replaced, parts are sent again with other bytes, lost content is sent
again, and a clock is wrong."""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import signal
import time
import unittest

import pods
from disks import Disks
from pods import Cluster, wait_for
from waiting import stop_process

KIB, MIB = 1024, 1024 * 1024
NAMES = [f"mas-{number}" for number in range(6)]
LIBFAKETIME = f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class ReceiptsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = mas = Cluster()
        cls.addClassCleanup(mas.close)
        mas.servers()
        config = mas.dir / "mas.toml"
        # Small stripes: a few MB are many of them. A body may stand still while disks are replaced.
        config.write_text(config.read_text() + """
[object]
stripe = "256 KiB"
unit = "64 KiB"
extent = "1 MiB"

[store]
segment_size = "16 MiB"

[http]
body_grace = "10 m"
""")
        mas.configure(**{**pods.QUICK, "cluster.leave_after": '"5 m"', "maintain.grace": '"5 m"',
                         "maintain.expire_interval": '"1 s"'})
        mas.up(6)
        cls.disks = Disks(mas)
        cls.rng = random.Random(10)

    # ---- calls ----

    def content(self, size):
        return self.rng.randbytes(size)

    def call(self, name, method, path, body=None, token=None):
        return self.mas.call(name, method, path, body, token)

    def open(self, name, data):
        """A session; its token and whether the content is said to be stored already."""
        token = self.mas.token(name, "upload", sha256(data))
        code, _, body = self.call(name, "GET", "/api/file/upload/init?name=f", token=token)
        self.assertEqual(code, 200, body)
        return token, json.loads(body)["data"]["persistence"]

    def send(self, name, token, number, piece):
        path = f"/api/file/upload/chuck?chuck={number}"
        for _ in range(20):
            code, _, body = self.call(name, "POST", path, piece, token)
            if code not in (0, 503):
                break
            time.sleep(0.3)
        self.assertEqual(code, 200, body)

    def finish(self, name, token):
        """Until it is neither busy nor gone."""
        for _ in range(60):
            answer = self.call(name, "GET", "/api/file/upload/finish", token=token)
            if answer[0] not in (0, 503):
                return answer
            time.sleep(0.3)
        self.fail(f"finish stayed {answer}")

    def check_receipt(self, data, headers, what):
        """The promise against the disks, then the bytes through two pods."""
        hash_ = sha256(data)
        durable, meant = map(int, headers["Mas-Durable"].split("/"))
        if not data:  # its manifests are all there is of it
            durable = meant = 1
        stands = self.disks.presence(hash_)
        said = f"{what}: {headers['Mas-Durable']}, survives {headers['Mas-Survives']}; stands: {stands}"
        self.assertGreaterEqual(stands.held, durable, said)
        self.assertGreaterEqual(stands.survives, int(headers["Mas-Survives"]), said)
        if data:
            self.assertEqual(stands.meant, meant, said)
        for name in self.rng.sample(NAMES, 2):
            code, body = self.mas.read(name, hash_)
            self.assertEqual((code, body == data), (200, True), f"{said} {body[:200]}")

    def check_answer(self, data, answer, what):
        self.assertEqual(answer[0], 200, f"{what}: {answer[2][:300]}")
        self.check_receipt(data, answer[1], what)

    # ---- faults ----

    def replace_disk(self, name):
        """Kills a pod and starts it on an empty disk; returns when everything is in place again."""
        before = self.mas.status("mas-0")["layout"]["version"]
        self.mas.kill(name)
        self.mas.wipe(name)
        self.mas.start(name, "--no-wait")
        # It takes its place over, and everything has been copied there: a version each.
        wait_for(lambda: self.mas.status("mas-0")["layout"]["version"] >= before + 2,
                 f"{name} to be filled")
        self.wait_until_whole()

    def set_repair(self, names, paused):
        for name in names:
            path = f"/api/cluster/worker?name=repair&paused={int(paused)}"
            self.assertEqual(self.call(name, "POST", path)[0], 200)

    def wait_until_whole(self):
        wait_for(lambda: self.mas.is_whole(6), "all pods to be members with all their data")

    # ---- tests ----

    def test_1_receipts_of_a_healthy_cluster(self):
        for size in (0, 5 * KIB, 100 * KIB, 600 * KIB, 3 * MIB):
            data = self.content(size)
            for name in NAMES[:2]:  # the second one finds it stored
                self.check_answer(data, self.call(name, "POST", "/api/file/upload/object?name=f", data),
                                  f"{size} bytes through {name}")

    def test_2_a_part_sent_again_with_other_bytes(self):
        for round_ in range(20):
            sizes = [300 * KIB, 400 * KIB, 200 * KIB]
            good = [self.content(size) for size in sizes]
            other = self.content(sizes[0])
            data = b"".join(good)
            token, stored = self.open("mas-0", data)
            self.assertFalse(stored)
            self.send("mas-1", token, 2, good[1])
            self.send("mas-1", token, 1, good[0])
            # mas-1 is about to say how far it has hashed, and stands still.
            time.sleep(0.002 * (round_ % 13))
            with self.standing_still("mas-1"):
                self.send("mas-2", token, 1, other)
            self.send(f"mas-{round_ % 6}", token, 3, good[2])
            code, _, body = self.finish(f"mas-{(round_ + 1) % 6}", token)
            self.assertEqual(code, 422, f"round {round_}: part 1 has other bytes, and: {body}")
            self.send("mas-3", token, 1, good[0])
            self.check_answer(data, self.finish("mas-4", token), f"round {round_}")

    @contextlib.contextmanager
    def standing_still(self, name):
        pid = next(pod["pid"] for pod in self.mas.pods if pod["name"] == name)
        stop_process(pid)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def test_3_a_clock_two_days_ahead(self):
        mas = self.mas
        data = self.content(900 * KIB)
        token, _ = self.open("mas-0", data)
        self.send("mas-1", token, 1, data[:500 * KIB])
        mas.tool("stop", "mas-5")
        self.assertTrue(os.path.exists(LIBFAKETIME), "install the package faketime")
        fast = mas.dir / "mas-two-days-ahead"
        fast.write_text(f"#!/bin/sh\nexec env LD_PRELOAD={LIBFAKETIME} FAKETIME=+2d "
                        f'FAKETIME_DONT_FAKE_MONOTONIC=1 {pods.MAS} "$@"\n')
        fast.chmod(0o700)
        mas.tool("start", "mas-5", "--mas", str(fast))
        self.addCleanup(self.restart, "mas-5")
        self.wait_until_whole()
        self.wait_for_passes("mas-5", "expiry", 3)
        code, _, body = self.call("mas-5", "GET", "/api/file/upload/parts", token=token)
        self.assertEqual((code, json.loads(body)["code"]), (200, 200),
                         "an upload ended because of one pod's clock")
        self.send("mas-5", token, 2, data[500 * KIB:])
        self.check_answer(data, self.finish("mas-2", token), "under a wrong clock")
        late = self.content(200 * KIB)
        self.check_answer(late, self.call("mas-5", "POST", "/api/file/upload/object?name=f", late),
                          "through the pod with the wrong clock")

    def restart(self, name):
        self.mas.tool("stop", name)
        self.mas.start(name)
        self.wait_until_whole()

    def wait_for_passes(self, name, worker, count):
        """Until that worker of a pod has ended so many passes: each sets the time of the next."""
        seen = set()

        def enough():
            status = self.mas.status(name)
            seen.update(one["next_run"] for one in status["workers"] if one["name"] == worker)
            return len(seen) > count
        wait_for(enough, f"{count} passes of {worker}")

    def test_4_disks_replaced_during_an_upload(self):
        data = self.content(5 * MIB)
        with self.slow_upload("mas-0", data) as go_on:
            for name in ("mas-3", "mas-4", "mas-5"):
                self.replace_disk(name)
            code, headers, body = go_on()
        if code == 200:
            self.check_receipt(data, headers, "streamed while three disks were replaced")
        else:  # it may be refused, never wrongly acknowledged; and then it is simply sent again
            self.assertEqual(code, 503, body)
            self.check_answer(data, self.call("mas-1", "POST", "/api/file/upload/object?name=f", data),
                              "sent again")

    def test_5_disks_replaced_during_a_session(self):
        data = self.content(4 * MIB)
        token, _ = self.open("mas-0", data)
        for number, name in enumerate(("mas-1", "mas-2", "mas-3"), 1):
            self.send(NAMES[number - 1], token, number, data[(number - 1) * MIB:number * MIB])
            self.replace_disk(name)
        self.send("mas-4", token, 4, data[3 * MIB:])
        self.check_answer(data, self.finish("mas-5", token), "a session while disks were replaced")

    @contextlib.contextmanager
    def slow_upload(self, name, data):
        """An upload whose last fifth is sent when the given function is called; it gives the answer."""
        address = next(pod["api"] for pod in self.mas.pods if pod["name"] == name)
        system = pathlib.Path(self.mas.facts["system_token_file"]).read_text().strip()
        connection = http.client.HTTPConnection(address, timeout=120)
        connection.putrequest("POST", "/api/file/upload/object?name=f")
        connection.putheader("systemToken", system)
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders()
        most = len(data) * 4 // 5
        connection.send(data[:most])

        def go_on():
            with contextlib.suppress(OSError):  # it may have been refused meanwhile
                connection.send(data[most:])
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        try:
            yield go_on
        finally:
            connection.close()

    def test_6_lost_content_sent_again(self):
        mas = self.mas
        ways = {"copy": 5 * KIB, "stripe": 100 * KIB, "stripes": 600 * KIB, "streamed": 3 * MIB,
                "session": 2 * MIB, "instant": 2 * MIB, "verified": 700 * KIB}
        lost = {way: self.content(size) for way, size in ways.items()}
        for data in lost.values():
            self.assertEqual(mas.upload("mas-0", data)[0], 200)
        mas.files.clear()
        self.set_repair(NAMES, paused=True)  # it would mark the files as damaged
        self.addCleanup(self.set_repair, NAMES, paused=False)
        for way, data in lost.items():
            record = self.disks.records()[sha256(data)]
            self.disks.spoil_beyond_repair(record)
            stands = self.disks.presence_of(record)
            self.assertLess(stands.survives, 0, f"{way}: {stands}")
        for number, (way, data) in enumerate(lost.items()):
            with self.subTest(way):
                self.send_again(way, NAMES[number % 6], data)

    def send_again(self, way, name, data):
        token, stored = self.open(name, data)
        self.assertFalse(stored, f"{way}: init says that lost content is stored")
        if way in ("session", "instant"):
            for number in range(2):
                self.send(name, token, number + 1, data[number * MIB:(number + 1) * MIB])
            answer = self.finish(name, token)
        else:
            self.call(name, "DELETE", "/api/file/upload", token=token)
            kind = "single" if way == "verified" else "object?name=f"
            answer = self.call(name, "POST", f"/api/file/upload/{kind}", data, token)
        self.check_answer(data, answer, f"{way}, lost and sent again through {name}")

    def test_7_everything_is_whole_in_the_end(self):
        self.wait_until_whole()
        data = self.content(1 * MIB)
        answer = self.call("mas-3", "POST", "/api/file/upload/object?name=f", data)
        self.check_answer(data, answer, "in the end")
        self.assertEqual((answer[1]["Mas-Durable"], answer[1]["Mas-Survives"]), ("6/6", "2"))


if __name__ == "__main__":
    pods.main()

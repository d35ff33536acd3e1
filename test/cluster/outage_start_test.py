#!/usr/bin/env python3
"""Pods that start before their servers, over TLS; and what must not get in: a copied data directory,
another cluster on the same broker. Clocks an hour apart."""
import hashlib
import json
import os
import pathlib
import shutil
import unittest

import peer_port
import pods
from pods import Cluster, wait_for

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class StartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = mas = Cluster()
        cls.addClassCleanup(mas.close)
        mas.servers()
        redis, rabbitmq = mas.redis.facts, mas.rabbitmq.facts
        mas.redis.url_file.write_text(
            f"rediss://{redis['user']}:{redis['password']}@localhost:{redis['tls_port']}/0\n")
        mas.rabbitmq.url_file.write_text(rabbitmq["tls_url"] + "\n")
        # mongo-java-server speaks no TLS: a proxy does it for it.
        cls.mongo_tls = mas.mongo.put_proxy_before(certificate=mas.redis.dir / "server.pem",
                                                   key=mas.redis.dir / "server.key")
        url = mas.mongo.url_file.read_text().strip()
        mas.mongo.url_file.write_text(f"{url}&tls=true\n")
        mas.configure(**pods.QUICK, **{
            "redis.ca_file": f'"{redis["ca_file"]}"', "mongodb.ca_file": f'"{redis["ca_file"]}"',
            "rabbitmq.ca_file": f'"{rabbitmq["ca_file"]}"'})

    def readyz(self, name):
        status, _, body = self.mas.call(name, "GET", "/readyz")
        return status, json.loads(body)["msg"] if body else ""

    def test_1_servers_after_the_pods_and_over_tls(self):
        mas = self.mas
        backends = (mas.redis, mas.rabbitmq, mas.mongo)
        for backend in backends:
            backend.kill()
        for name in ("mas-0", "mas-1", "mas-2"):
            mas.start(name, "--no-wait")
        names = [pod["name"] for pod in mas.pods]
        for name in names:
            wait_for(lambda name=name: mas.call(name, "GET", "/healthz")[0] == 200, "a live pod")
            status, why = self.readyz(name)
            self.assertEqual(status, 503)
            self.assertNotEqual(why, "")
            self.assertEqual(mas.upload(name)[0], 503)
            # Each says what it waits for, once.
            wait_for(lambda name=name: mas.events(name, "broker_lost"), "the broker's absence")
            wait_for(lambda name=name: mas.events(name, "metadata_unreachable"), "the store's absence")
            self.assertEqual(len(mas.events(name, "broker_lost")), 1)
        for backend in backends:
            self.assertEqual({self.readyz(name)[0] for name in names}, {503})
            backend.start()
        wait_for(lambda: all(mas.ready(name) for name in names), "all pods to be ready")
        wait_for(lambda: mas.is_whole(3), "three members")
        data = os.urandom(500_000)
        self.assertEqual(mas.upload("mas-1", data), (200, "3/3", "1"))
        self.assertEqual(mas.read("mas-2", hashlib.sha256(data).hexdigest()), (200, data))
        self.assertGreater(self.mongo_tls.connections, 0)

    def test_2_another_cluster_on_the_same_servers(self):
        """Its own name and database; all else is the same."""
        mas, other = self.mas, Cluster()
        self.addCleanup(other.close)
        for name in ("secrets", "mas.toml"):
            source = mas.dir / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, other.dir / name)
        other.configure(**{"cluster.name": '"other"', "mongodb.database": '"other"'})
        (other.dir / "cluster.json").write_text(json.dumps(
            {"pods": [], "system_token_file": str(other.dir / "secrets" / "system-token")}))
        # It would take the place of mas-0, if it were let in.
        other.start("mas-0")
        wait_for(lambda: other.is_whole(1), "a cluster of one")
        data = os.urandom(100_000)
        self.assertEqual(other.upload("mas-0", data)[0], 200)
        self.assertEqual(mas.read("mas-0", hashlib.sha256(data).hexdigest())[0], 404)
        self.assertEqual(len(other.status("mas-0")["pods"]), 1)
        for status in mas.statuses():
            self.assertEqual([pod["name"] for pod in status["pods"]], ["mas-0", "mas-1", "mas-2"])
            self.assertEqual({pod["state"] for pod in status["pods"]}, {"active"})
        self.assertEqual([mas.events(name, "heartbeat_ignored") for name in ("mas-0", "mas-1")],
                         [[], []])
        # Nor would a peer listen to it, though it knows the secret: its keys are others.
        secret = (mas.dir / "secrets" / "cluster-secret").read_text().strip()
        fields = {"Mas-Slot": "mas-0", "Mas-Incarnation": "0" * 32, "Mas-Layout": "1"}
        for cluster, is_heard in (("mas", True), ("other", False)):
            answer = peer_port.call(mas.pods[1]["peer"], secret, "GET", "ping", fields, cluster=cluster)
            self.assertEqual(answer is not None and answer[0] == 200, is_heard, answer)
        other.tool("stop", "mas-0")

    def test_3_a_copied_data_directory_is_refused(self):
        mas = self.mas
        mas.tool("stop", "mas-2")
        source = next(pod["data"] for pod in mas.pods if pod["name"] == "mas-2")
        shutil.copytree(source, mas.dir / "mas-3")
        mas.start("mas-2")
        mas.start("mas-3", "--no-wait")
        wait_for(lambda: "copy of mas-2's" in self.readyz("mas-3")[1], "the copy to be refused")
        self.assertEqual(mas.upload("mas-3")[0], 503)
        self.assertIn("copy of mas-2's", mas.events("mas-3", "cluster.refused")[0]["why"])
        # The others never see it.
        self.assertEqual(mas.status("mas-0")["layout"]["members"], 3)
        self.assertNotIn("mas-3", [pod["name"] for pod in mas.status("mas-0")["pods"]])
        self.assertEqual(mas.upload("mas-0", os.urandom(500_000)), (200, "3/3", "1"))
        mas.tool("stop", "mas-3")

    def test_4_clocks_an_hour_apart(self):
        """Nothing breaks, and every pod says so."""
        if not FAKETIME.exists():
            if os.environ.get("CI"):
                self.fail("libfaketime is missing")
            self.skipTest("libfaketime is not installed")
        mas = self.mas
        mas.tool("stop", "mas-1")
        # Only what the clock says: time goes on as it does.
        later = mas.dir / "mas-later"
        later.write_text(f"#!/bin/sh\nexec env LD_PRELOAD={FAKETIME} FAKETIME=+1h "
                         f'FAKETIME_DONT_FAKE_MONOTONIC=1 {pods.MAS} "$@"\n')
        later.chmod(0o700)
        mas.tool("start", "mas-1", "--mas", str(later))
        names = ("mas-0", "mas-1", "mas-2")
        for name, ahead in (("mas-0", 3600), ("mas-1", -3600), ("mas-2", 3600)):
            told = wait_for(lambda name=name: mas.events(name, "cluster.clock_differs"), "the report")
            self.assertAlmostEqual(told[0]["seconds_ahead"], ahead, delta=60)
            self.assertGreater(mas.metric(name, "mas_cluster_clock_difference_seconds"), 3000)
        wait_for(lambda: mas.is_whole(3), "everybody to be there")
        # Tokens of one are good on the others, uploads go on across them, deletes are seen.
        data = os.urandom(1_500_000)
        hash_ = hashlib.sha256(data).hexdigest()
        token = mas.token("mas-1", "upload", hash_)
        for name, call in (("mas-0", "init?name=n"), ("mas-1", "chuck?chuck=1"),
                           ("mas-2", "chuck?chuck=2"), ("mas-1", "finish")):
            piece = {"1": data[:700_000], "2": data[700_000:]}.get(call[-1])
            answer = mas.call(name, "POST" if piece else "GET", f"/api/file/upload/{call}", piece, token)
            self.assertEqual(answer[0], 200, (name, call, answer[2]))
        for name in names:
            self.assertEqual(mas.read(name, hash_), (200, data))
            self.assertEqual(mas.upload(name, os.urandom(300_000)), (200, "3/3", "1"))
        # Collection on pods before and behind their time takes nothing that is in use.
        self.assertEqual(mas.call("mas-0", "DELETE", f"/api/file?hash={hash_}")[0], 200)
        wait_for(lambda: mas.read("mas-1", hash_)[0] == 404, "the delete to be seen")
        wait_for(lambda: mas.metric("mas-1", "mas_collect_shards_total") > 0, "collection")
        for stored, content in mas.files.items():
            self.assertEqual(mas.read("mas-1", stored), (200, content))


if __name__ == "__main__":
    pods.main()

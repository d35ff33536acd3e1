#!/usr/bin/env python3
"""Who is on the broker or near the peer port, and is no pod of the cluster."""
import json
import re
import socket
import threading
import unittest

import peer_port
import pods
from beats import Stranger
from pods import Cluster, wait_for


class Listener:
    """Where a forger would have pods come to: counts who comes, and keeps what they say first."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.said = []
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    self.said.append(connection.recv(65536))
                except OSError:
                    self.said.append(b"")

    def close(self):
        self.socket.close()


class ForgedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mas = mas = Cluster()
        cls.addClassCleanup(mas.close)
        mas.servers()
        mas.configure(**pods.QUICK, **{"peer.accept_v1": "false"})
        mas.up(3)
        cls.stranger = Stranger(mas.rabbitmq.facts["url"], "mas.mas.heartbeat")
        cls.addClassCleanup(cls.stranger.close)

    def ignored(self, reason, pod="mas-1"):
        _, _, body = self.mas.call(pod, "GET", "/metrics")
        found = re.search(r'mas_heartbeats_ignored_total\{reason="%s"\} (\d+)' % reason, body.decode())
        return int(found[1]) if found else 0

    def beat_of(self, slot):
        """The next beat of that pod, as it was sent. What this test published comes back, too."""
        while True:
            body, headers = self.stranger.hear()
            if body not in self.stranger.published and json.loads(body)["slot"] == slot:
                return body, headers

    def test_1_a_forged_beat_calls_nobody(self):
        listener = Listener()
        self.addCleanup(listener.close)
        body, headers = self.beat_of("mas-0")
        beat = json.loads(body)
        rogue = {**beat, "slot": "mas-9", "incarnation": "ab" * 16, "state": "joining",
                 "peer": listener.address, "api": listener.address}
        moved = {**beat, "peer": listener.address, "generation": 1 << 60, "sequence": 1 << 62}
        for forged in (rogue, moved):
            self.stranger.publish(json.dumps(forged).encode())
            self.stranger.publish(json.dumps(forged).encode(), headers)
        # A pod that was fooled calls within two silences: to compare clocks, or as nothing more is heard.
        wait_for(lambda: listener.said or (self.ignored("unsealed") == 2 and self.ignored("forged") == 2),
                 "the forged beats to be refused")
        self.assertEqual(listener.said, [])
        self.assertEqual({pod["name"] for pod in self.mas.status("mas-1")["pods"]},
                         {"mas-0", "mas-1", "mas-2"})
        self.assertEqual([self.mas.status(name)["halted"] for name in ("mas-0", "mas-1")], ["", ""])

    def test_2_a_beat_counts_once(self):
        body, headers = self.beat_of("mas-0")
        self.stranger.publish(body, headers)
        wait_for(lambda: self.ignored("repeated") == 1, "the repeated beat to be refused")

    def test_3_old_beats_make_nobody_stop(self):
        """What a process said before it was started anew, said to the one that runs now."""
        old = [self.beat_of("mas-0") for _ in range(3)]
        self.mas.tool("stop", "mas-0")
        self.mas.start("mas-0")
        before = self.ignored("repeated", "mas-1")
        for body, headers in old:
            self.stranger.publish(body, headers)
        wait_for(lambda: self.ignored("repeated", "mas-1") == before + 3, "them to be refused")
        wait_for(lambda: self.mas.is_whole(3), "all three to go on")
        self.assertEqual(self.mas.events("mas-0", "cluster.refused", "cluster.twin"), [])
        self.assertEqual(self.mas.upload("mas-0", b"content")[0], 200)

    def test_4_the_peer_port_hears_who_knows_the_secret(self):
        secret = (self.mas.dir / "secrets" / "cluster-secret").read_text().strip()
        address = self.mas.pods[1]["peer"]
        fields = {"Mas-Slot": "mas-0", "Mas-Incarnation": "0" * 32, "Mas-Layout": "1"}
        status, said, _ = peer_port.call(address, secret, "GET", "ping", fields)
        self.assertEqual((status, said["Mas-Slot"]), (200, "mas-1"))
        before = self.mas.metric("mas-1", "mas_peer_handshake_failures_total")
        self.assertIsNone(peer_port.call(address, secret + "x", "GET", "ping", fields))
        # Not in the clear either, as mas 0.1.0 did, though with the right secret.
        with socket.create_connection(address.split(":"), timeout=60) as plain:
            plain.sendall(b"GET /peer/v1/ping HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer " +
                          secret.encode() + b"\r\nMas-Peer-Version: 1\r\nMas-Cluster: mas\r\n" +
                          b"".join(f"{key}: {value}\r\n".encode() for key, value in fields.items()) +
                          b"\r\n")
            self.assertNotIn(b"HTTP", plain.makefile("rb").read())
        wait_for(lambda: self.mas.metric("mas-1", "mas_peer_handshake_failures_total") >= before + 2,
                 "both to be counted")

    def restart(self, name, accept_v1):
        file = self.mas.dir / "mas.toml"
        kept, count = re.subn(r"accept_v1 = \w+", f"accept_v1 = {accept_v1}", file.read_text())
        self.assertEqual(count, 1)
        file.write_text(kept)
        self.mas.tool("stop", name)
        self.mas.start(name)

    def test_5_a_beat_without_a_seal_halts_nobody(self):
        """As anybody may say while pods of mas 0.1.0 are accepted: a generation that no store has given."""
        self.restart("mas-1", "true")
        beat = json.loads(self.beat_of("mas-0")[0])
        for later in ("boot", "twin", "acknowledged", "walked"):
            beat.pop(later, None)
        beat.update(generation=1 << 62, layout=1 << 62, software="mas 0.1.0", peer="127.0.0.1:9",
                    sequence=beat["sequence"] + (1 << 40))
        self.mas.kill("mas-0")

        def is_heard():
            beat["sequence"] += 1
            self.stranger.publish(json.dumps(beat).encode())
            return any(pod["peer"] == beat["peer"] for pod in self.mas.status("mas-1")["pods"])

        # Not before the pod itself was silent for a while.
        wait_for(is_heard, "the beat without a seal to be heard")
        wait_for(lambda: self.mas.upload("mas-1", b"one more")[0] == 200, "a file to be stored")
        self.mas.start("mas-0")
        self.restart("mas-1", "false")
        wait_for(lambda: self.mas.is_whole(3), "all three to go on")
        self.assertEqual(self.mas.upload("mas-1", b"and another")[0], 200)
        for name in ("mas-0", "mas-1", "mas-2"):
            self.assertEqual(self.mas.events(name, "cluster.halted"), [])


if __name__ == "__main__":
    pods.main()

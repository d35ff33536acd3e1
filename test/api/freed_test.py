"""What is deleted or was sent in vain: when its room comes back, and how much of it one token may have."""
import os
import socket
import subprocess
import unittest

import harness
from harness import Daemon, DaemonTest, sha256, wait_for

KIB = 1024
MIB = 1024 * KIB
SLACK = 256 * KIB  # headers and manifests

# What never was part of a file waits for a 64th of the grace.
SHORT = {"maintain__grace": "20 m", "maintain__collect_interval": "100 ms",
         "object__record_cache": "0 s"}


class Freed(unittest.TestCase):
    refused = DaemonTest.refused
    settings = SHORT

    def setUp(self):
        self.mas = Daemon(**self.settings)
        self.addCleanup(self.mas.close)

    def live(self):
        """Bytes that the pod's segments hold and that somebody may still ask for."""
        return self.mas.call("GET", "/api/cluster/status", system=True).data["capacity"]["live"]

    def part(self, token, data, number=1):
        return self.mas.call("POST", "/api/file/upload/chuck", {"chuck": number}, body=data,
                             token=token)

    def session(self, data, **claims):
        token = self.mas.upload_token(sha256(data), **claims)
        self.assertEqual(self.mas.call("GET", "/api/file/upload/init", token=token).status, 200)
        return token

    def check_too_much(self, answer):
        self.refused(answer, 429, 5916)
        self.assertGreater(int(answer.headers["Retry-After"]), 60)


class SentInVainTest(Freed):
    def test_one_part_sent_again_and_again_is_refused_once_it_is_too_much(self):
        data = os.urandom(MIB)
        token = self.session(data, max_size=MIB)
        answers = [self.part(token, os.urandom(MIB)) for _ in range(12)]
        self.assertEqual([answer.status for answer in answers], [200] * 4 + [429] * 8)
        self.check_too_much(answers[-1])
        self.assertLess(self.live(), 4 * MIB + SLACK)
        self.check_too_much(self.mas.call("POST", "/api/file/upload/single", body=data,
                                          token=token))
        # Another token has its own.
        other = self.session(data, max_size=MIB)
        self.assertEqual(self.part(other, data).status, 200)
        answer = self.mas.call("GET", "/api/file/upload/finish", token=other, system=True)
        self.assertEqual(answer.status, 200)

    def test_sessions_that_are_dropped_and_bodies_that_fail_count(self):
        mas = self.mas
        data = os.urandom(MIB)
        dropping = mas.upload_token(sha256(data), max_size=MIB)
        for _ in range(3):
            mas.call("GET", "/api/file/upload/init", token=dropping)
            self.assertEqual(self.part(dropping, data).status, 200)
            self.assertEqual(mas.call("DELETE", "/api/file/upload", token=dropping).status, 200)
        mas.call("GET", "/api/file/upload/init", token=dropping)
        self.check_too_much(self.part(dropping, data))

        wrong = mas.upload_token(sha256(b"something else"), max_size=8 * MIB)
        large = os.urandom(8 * MIB)
        for _ in range(3):
            answer = mas.call("POST", "/api/file/upload/single", body=large, token=wrong)
            self.refused(answer, 422, 5403)
        self.check_too_much(mas.call("POST", "/api/file/upload/single", body=large, token=wrong))

    def test_parts_of_a_file_that_is_there_already_when_it_is_finished_count(self):
        mas = self.mas
        data = os.urandom(MIB)
        late = mas.upload_token(sha256(data), max_size=MIB, session="late", instant=0)
        for count in range(3):
            self.assertEqual(mas.call("GET", "/api/file/upload/init", token=late).status, 200)
            self.assertEqual(self.part(late, data).status, 200)
            if count == 0:
                mas.put(data)
            answer = mas.call("GET", "/api/file/upload/finish", token=late, system=True)
            self.assertEqual(answer.status, 200)
        self.assertEqual(mas.call("GET", "/api/file/upload/init", token=late).status, 200)
        self.check_too_much(self.part(late, data))

    def test_a_body_that_ends_behind_its_first_stripe_counts(self):
        mas = self.mas
        token = mas.upload_token(sha256(b"something else"), max_size=5 * MIB)
        for _ in range(4):
            with mas.socket() as stream:
                stream.sendall(f"POST /api/file/upload/single HTTP/1.1\r\nHost: mas\r\ntoken: {token}\r\n"
                               f"Content-Length: {4 * MIB + 1}\r\n\r\n".encode() + bytes(4 * MIB))
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65536):
                    pass
        self.check_too_much(mas.call("POST", "/api/file/upload/single", body=b"x", token=token))

    def test_one_part_sent_again_after_a_file_did_not_match_passes(self):
        mas = self.mas
        data = os.urandom(2 * MIB)
        token = self.session(data, max_size=2 * MIB)
        self.assertEqual(self.part(token, os.urandom(MIB), 1).status, 200)
        self.assertEqual(self.part(token, data[MIB:], 2).status, 200)
        finish = lambda: mas.call("GET", "/api/file/upload/finish", token=token, system=True)
        self.refused(finish(), 422, 5403)
        self.assertEqual(self.part(token, data[:MIB], 1).status, 200)
        self.assertEqual(finish().status, 200)
        self.assertEqual(mas.get(sha256(data)).body, data)

    def test_their_room_comes_back_long_before_that_of_deleted_files(self):
        mas = self.mas
        deleted = mas.put(os.urandom(3 * MIB))["hash"]
        mas.call("DELETE", "/api/file", {"hash": deleted}, system=True)
        data = os.urandom(MIB)
        token = self.session(data, max_size=4 * MIB)
        for body in (os.urandom(MIB), os.urandom(MIB), data):
            self.assertEqual(self.part(token, body).status, 200)
        self.assertGreater(self.live(), 6 * MIB)
        wait_for(lambda: self.live() < 4 * MIB + SLACK, "what was sent in vain to go", 120)
        # Of the deleted file and the part that counts nothing has gone.
        self.assertGreater(self.live(), 4 * MIB)
        answer = mas.call("GET", "/api/file/upload/finish", token=token, system=True)
        self.assertEqual(answer.status, 200)
        self.assertEqual(mas.get(sha256(data)).body, data)


class CollectNowTest(Freed):
    settings = {"maintain__collect_interval": "1 h", "object__record_cache": "0 s"}

    def command(self, *arguments):
        return subprocess.run([harness.BINARY, "collect-now", *arguments, "--server", self.mas.url,
                               "--system-token-file", str(self.mas.data / "system-token")],
                              capture_output=True, text=True, timeout=60)

    def delete(self, name):
        self.assertEqual(self.mas.call("DELETE", "/api/file", {"hash": name}, system=True).status,
                         200)

    def test_what_was_deleted_goes_at_once_but_for_what_is_being_read(self):
        mas = self.mas
        data = os.urandom(64 * MIB)
        read, other = mas.put(data)["hash"], mas.put(os.urandom(3 * MIB))["hash"]
        named = mas.put(os.urandom(2 * MIB))["hash"]
        kept = mas.put(os.urandom(MIB))["hash"]
        self.refused(mas.call("POST", "/api/cluster/collect-now", {"hash": kept}, system=True),
                     400, 5205)

        download = mas.connect(timeout=60)
        self.addCleanup(download.close)
        download.request("GET", "/api/file/download", headers={"token": mas.download_token(read)})
        answer = download.getresponse()
        begun = answer.read(KIB)
        for name in (read, other, named):
            self.delete(name)

        told = self.command()
        self.assertEqual(told.returncode, 2)
        self.assertIn("--for-good", told.stderr)
        told = self.command("--for-good", "--hash", named)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("for good", told.stdout)
        wait_for(lambda: self.live() < 68 * MIB + SLACK, "the named file to go", 60)
        self.assertGreater(self.live(), 68 * MIB)

        told = self.command("--for-good")
        self.assertEqual(told.returncode, 0, told.stderr)
        wait_for(lambda: self.live() < 65 * MIB + SLACK, "what nobody reads to go", 60)
        freeing = mas.call("GET", "/api/cluster/status", system=True).data["capacity"]["freeing"]
        self.assertIn("running", freeing["now"])
        self.assertEqual(sha256(begun + answer.read()), read)
        wait_for(lambda: self.live() < MIB + SLACK, "what was read to go", 60)
        self.assertEqual(sha256(mas.get(kept).body), kept)
        for name in (read, other, named):
            self.refused(mas.get(name), 404, 5407)
        self.refused(mas.call("POST", "/api/cluster/collect-now", {"hash": "0" * 64}, system=True),
                     404, 5407)
        mas.call("POST", "/api/cluster/worker", {"name": "collect", "paused": 1}, system=True)
        self.refused(mas.call("POST", "/api/cluster/collect-now", system=True), 503, 5901)

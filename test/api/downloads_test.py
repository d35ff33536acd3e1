"""Downloads as clients do them: ranges, resume after a cut, curl."""
import http.client
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

import harness
from harness import DaemonTest, sha256, wait_for

MIB = 1024 * 1024


class DownloadTest(DaemonTest):
    settings = {"http__write_timeout": "1 s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bytes = random.Random(3).randbytes(9 * MIB + 54321)
        cls.hash = cls.mas.put(cls.bytes, "big file.bin")["hash"]
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir=cls.mas.home))

    def setUp(self):
        self.token = self.mas.download_token(self.hash)

    def get(self, headers=None, **query):
        return self.mas.call("GET", "/api/file/upload/download", query, headers=headers,
                             token=self.token)

    def test_a_client_that_reads_slowly_gets_all_of_it(self):
        with socket.socket() as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            stream.settimeout(20)
            stream.connect((self.mas.host, self.mas.port))
            stream.sendall(f"GET /api/file/upload/download HTTP/1.1\r\nHost: x\r\ntoken: "
                           f"{self.token}\r\n\r\n".encode())
            response = http.client.HTTPResponse(harness.SentOnly(stream))
            response.begin()
            # Less in each write_timeout than what makes the socket writable again, but not nothing.
            text = b""
            for _ in range(20):
                text += response.read(48 * 1024)
                time.sleep(0.2)
            text += response.read()
        self.assertEqual(sha256(text), self.hash)

    def curl(self, *args, check=True):
        run = subprocess.run(["curl", "-sS", "-H", f"token: {self.token}", *args,
                              f"{self.mas.url}/api/file/upload/download"],
                             capture_output=True, timeout=60)
        if check:
            self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def test_any_range_is_those_bytes(self):
        rng = random.Random(11)
        size = len(self.bytes)
        connection = self.mas.connect()
        edges = [0, 1, 64 * 1024, 256 * 1024, 4 * MIB, 8 * MIB, size - 1]
        for _ in range(60):
            first = rng.choice(edges + [rng.randrange(size)])
            last = min(size - 1, first + rng.choice([0, 1, 4095, 65536, 300_000, 5 * MIB]))
            answer = self.mas.call("GET", "/api/file/download",
                                   headers={"Range": f"bytes={first}-{last}"}, token=self.token,
                                   connection=connection)
            self.assertEqual(answer.status, 206)
            self.assertEqual(answer.headers["Content-Range"], f"bytes {first}-{last}/{size}")
            self.assertTrue(answer.body == self.bytes[first:last + 1], (first, last))
        connection.close()

    def test_suffix_open_and_overlong_ranges(self):
        size = len(self.bytes)
        self.assertEqual(self.get({"Range": "bytes=-10"}).body, self.bytes[-10:])
        self.assertEqual(self.get({"Range": f"bytes={size - 5}-"}).body, self.bytes[-5:])
        self.assertEqual(self.get({"Range": f"bytes={size - 5}-{size * 9}"}).body,
                         self.bytes[-5:])
        self.assertEqual(self.get({"Range": f"bytes=-{size * 2}"}).status, 206)

    def test_several_malformed_and_foreign_ranges_give_the_whole(self):
        for value in ("bytes=0-1,5-6", "bytes=9-1", "bytes=x", "lines=1-2", "bytes=-",
                      "bytes=1-2-3"):
            answer = self.get({"Range": value})
            self.assertEqual((answer.status, len(answer.body)), (200, len(self.bytes)), value)
        stale = self.get({"Range": "bytes=0-1", "If-Range": '"other"'})
        self.assertEqual((stale.status, len(stale.body)), (200, len(self.bytes)))
        exact = self.get({"Range": "bytes=0-1", "If-Range": f'"{self.hash}"'})
        self.assertEqual((exact.status, exact.body), (206, self.bytes[:2]))

    def test_a_range_behind_the_end_is_416(self):
        answer = self.get({"Range": f"bytes={len(self.bytes)}-"})
        self.refused(answer, 416, 5915)
        self.assertEqual(answer.headers["Content-Range"], f"bytes */{len(self.bytes)}")

    def test_seek_is_a_resource_of_its_own(self):
        at = 5 * MIB + 17
        answer = self.get(seek=at)
        self.assertTrue(answer.body == self.bytes[at:])
        self.assertEqual(answer.headers["ETag"], f'"{self.hash}+{at}"')
        inner = self.get({"Range": "bytes=10-19"}, seek=at)
        self.assertEqual((inner.status, inner.body), (206, self.bytes[at + 10:at + 20]))
        self.assertEqual(self.get(seek=len(self.bytes)).body, b"")
        self.refused(self.get(seek=len(self.bytes) + 1), 416, 5915)

    def test_conditions(self):
        answer = self.get({"If-None-Match": f'"x", "{self.hash}"'})
        self.assertEqual((answer.status, answer.body), (304, b""))
        self.assertEqual(self.get({"If-None-Match": '"x"'}).status, 200)

    def test_names_and_types(self):
        def disposition(**claims):
            token = self.mas.download_token(self.hash, **claims)
            answer = self.mas.call("HEAD", "/api/file/download", token=token)
            return answer.headers["Content-Disposition"], answer.headers["Content-Type"]
        value, kind = disposition()
        self.assertTrue(value.startswith("attachment"))
        self.assertIn("big file.bin", value)
        self.assertEqual(kind, "application/octet-stream")
        value, kind = disposition(name="\u6587.png", inline=1)
        self.assertTrue(value.startswith("inline"))
        self.assertIn("filename*=UTF-8''%E6%96%87.png", value)
        self.assertEqual(kind, "image/png")
        self.assertTrue(disposition(name='x".html', inline=1)[0].startswith("attachment"))

    def test_curl_fetches_ranges(self):
        out = self.curl("-r", "100-199").stdout
        self.assertEqual(out, self.bytes[100:200])
        self.assertEqual(self.curl("-r", "-7").stdout, self.bytes[-7:])

    def test_curl_resumes_where_a_download_stopped(self):
        target = self.folder / "resumed"
        target.write_bytes(self.bytes[:3 * MIB + 5])
        self.curl("-C", "-", "-o", str(target))
        self.assertEqual(sha256(target.read_bytes()), self.hash)

    def test_curl_resumes_after_its_connection_was_cut(self):
        target = self.folder / "cut"
        # What nobody takes out of the pipe keeps curl from coming to the end.
        process = subprocess.Popen(
            ["curl", "-sS", "-H", f"token: {self.token}",
             f"{self.mas.url}/api/file/upload/download"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        target.write_bytes(process.stdout.read(3 * MIB + 5))
        process.kill()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertLess(target.stat().st_size, len(self.bytes))
        self.curl("-C", "-", "-o", str(target))
        self.assertEqual(sha256(target.read_bytes()), self.hash)

    def test_a_download_resumes_across_a_restart(self):
        mas = self.mas
        first = self.get({"Range": "bytes=0-999999"})
        mas.kill()
        mas.start()
        rest = self.mas.call("GET", "/api/file/download", token=mas.download_token(self.hash),
                             headers={"Range": "bytes=1000000-",
                                      "If-Range": first.headers["ETag"]})
        self.assertEqual(rest.status, 206)
        self.assertEqual(sha256(first.body + rest.body), self.hash)

    def test_a_plain_link_works(self):
        run = subprocess.run(["curl", "-sS", f"{self.mas.url}/api/file/download?token={self.token}"],
                             capture_output=True, timeout=60)
        self.assertEqual(sha256(run.stdout), self.hash)

    def test_many_requests_on_one_connection(self):
        connection = self.mas.connect()
        for number in range(50):
            answer = self.mas.call("GET", "/api/file/download", token=self.token,
                                   headers={"Range": f"bytes={number}-{number}"},
                                   connection=connection)
            self.assertEqual(answer.body, self.bytes[number:number + 1])
        connection.close()

    def test_a_client_that_stops_reading_is_let_go_within_the_write_timeout(self):
        def running():
            return self.mas.metric("mas_http_connections")
        wait_for(lambda: running() <= 1, "earlier connections to end")
        stalled = []
        for _ in range(8):
            stream = socket.socket()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.connect((self.mas.host, self.mas.port))
            stream.sendall((f"GET /api/file/download HTTP/1.1\r\nHost: x\r\n"
                            f"token: {self.token}\r\n\r\n").encode())
            stalled.append(stream)
        wait_for(lambda: running() >= 9, "the stalled downloads to run")
        wait_for(lambda: running() <= 1, "the stalled downloads to be let go")
        for stream in stalled:
            stream.close()


class DamagedFileTest(DaemonTest):
    def test_wrong_bytes_on_the_disk_never_reach_a_client(self):
        mas = self.mas
        data = os.urandom(2 * MIB)
        name = mas.put(data)["hash"]
        mas.stop()
        flipped = 0
        for segment in sorted(mas.data.rglob("*")):
            if not segment.is_file() or segment.stat().st_size < MIB:
                continue
            content = segment.read_bytes()
            at = content.find(data[MIB:MIB + 64])
            if at < 0:
                continue
            with open(segment, "r+b") as file:
                file.seek(at)
                file.write(bytes([data[MIB] ^ 1]))
            flipped += 1
        self.assertEqual(flipped, 1)
        mas.start()
        answer = mas.call("GET", "/api/file/download", {"seek": MIB},
                          token=mas.download_token(name))
        self.assertIn((answer.status, answer.code), [(500, 5404), (503, 5701)], answer.body)
        with mas.socket() as stream:
            stream.sendall((f"GET /api/file/download HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            f"token: {mas.download_token(name)}\r\n\r\n").encode())
            received = stream.makefile("rb").read()
        head, _, body = received.partition(b"\r\n\r\n")
        self.assertTrue(data.startswith(body) or b'"code":5' in body)
        self.assertLess(len(body), len(data))


class SlowTailTest(DaemonTest):
    """A token is in use until the client has the last byte of an answer."""
    settings = {"token__requests_at_once": 1}

    def downloads_written(self):
        text = self.mas.call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("mas_http_requests_total{")
                   and 'route="/api/file/download",status="200"' in line)

    def test_a_token_is_in_use_until_the_last_byte_has_arrived(self):
        data = random.Random(4).randbytes(MIB)
        token = self.mas.download_token(self.mas.put(data)["hash"])
        again = lambda: self.mas.call("GET", "/api/file/download",  # noqa: E731
                                      headers={"Range": "bytes=0-9"}, token=token)
        with socket.socket() as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            stream.settimeout(20)
            stream.connect((self.mas.host, self.mas.port))
            stream.sendall(f"GET /api/file/download HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n\r\n"
                           .encode())
            wait_for(lambda: self.downloads_written() == 1, "the answer in the kernel's hands")
            self.refused(again(), 429, 5916)
            self.assertEqual(harness.read_answer(stream).body, data)
            wait_for(lambda: again().status == 206, "the token to be free")

"""Answers that come before the end of the body: they reach the client, whatever it still sends."""
import http.client
import pathlib
import socket
import struct
import subprocess

import harness
from harness import DaemonTest, form, read_answer, sha256

MIB = 1024 * 1024
SIZE = 300 * MIB


class Zeros:
    """A body of SIZE zero bytes that is made while it is sent."""

    def __init__(self, size=SIZE):
        self.left = size
        self.sent = 0

    def read(self, size=65536):
        size = min(size, self.left)
        self.left -= size
        self.sent += size
        return bytes(size)


class EarlyRefusalTest(DaemonTest):
    def single(self, headers, body):
        connection = self.mas.connect()
        try:
            # It looks at the answer only when all is sent, so nothing may break before that.
            connection.request("POST", "/api/file/upload/single", body=body,
                               headers={"Content-Length": str(SIZE), **headers})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def test_a_300_mb_post_with_a_bad_token_by_http_client_ends_in_the_envelope(self):
        body = Zeros()
        response, text = self.single({"token": "bad"}, body)
        self.assertEqual(response.status, 401)
        self.assertIn(b'"code":5301', text)
        self.assertEqual(response.headers["Connection"], "close")

    def test_the_same_as_a_form(self):
        head = form(b"")[0].split(b"\r\n\r\n")[0] + b"\r\n\r\n"

        class Form(Zeros):
            def read(self, size=65536):
                nonlocal head
                if head:
                    first, head = head, b""
                    self.left -= len(first)
                    return first
                return super().read(size)
        response, text = self.single(
            {"token": "bad", "Content-Type": form(b"")[1]["Content-Type"]}, Form())
        self.assertEqual(response.status, 401)
        self.assertIn(b'"code":5301', text)

    def curl(self, *args):
        big = self.mas.home / "big"
        if not big.exists():
            with open(big, "wb") as file:
                file.truncate(SIZE)
        return subprocess.run(
            ["curl", "-sS", "-w", "\n%{http_code} %{size_upload}", "-H", "token: bad", *args,
             f"{self.mas.url}/api/file/upload/single"],
            capture_output=True, timeout=60, cwd=self.mas.home)

    def test_curl_with_expect_sends_no_body(self):
        for args in (("-T", "big"), ("-F", "file=@big")):
            run = self.curl(*args)
            text, status = run.stdout.rsplit(b"\n", 1)
            self.assertIn(b'"code":5301', text, (args, run.stderr))
            self.assertEqual(status.split()[0], b"401")
            self.assertLess(int(status.split()[1]), MIB)

    def test_curl_without_expect_gets_the_answer_too(self):
        for args in (("-H", "Expect:", "-T", "big"), ("-H", "Expect:", "-F", "file=@big")):
            run = self.curl(*args)
            self.assertIn(b'"code":5301', run.stdout, (args, run.stderr))

    def test_a_small_refused_body_keeps_the_connection(self):
        connection = self.mas.connect()
        for _ in range(3):
            answer = self.mas.call("POST", "/api/file/upload/single", body=bytes(60_000),
                                   token="bad", connection=connection)
            self.refused(answer, 401, 5301)
            self.assertNotEqual(answer.headers["Connection"], "close")
        connection.close()

    def test_a_body_over_max_size_is_refused_before_it_is_sent(self):
        token = self.mas.upload_token(sha256(b"x"), max_size=1000)
        response, text = self.single({"token": token}, Zeros())
        self.assertEqual(response.status, 413)
        self.assertIn(b'"code":5412', text)


class ExpectTest(DaemonTest):
    def post(self, stream, token, extra, size=5):
        stream.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                        f"Content-Length: {size}\r\n{extra}\r\n").encode())

    def test_continue_comes_once_the_body_is_wanted(self):
        token = self.mas.upload_token(sha256(b"hello"))
        with self.mas.socket() as stream:
            self.post(stream, token, "Expect: 100-continue\r\n")
            self.assertEqual(stream.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            stream.sendall(b"hello")
            answer = read_answer(stream)
        self.assertEqual((answer.status, answer.data["size"]), (200, 5))

    def test_a_refusal_is_the_final_status_and_no_body_is_asked_for(self):
        good = self.mas.upload_token(sha256(b"hello"))
        small = self.mas.upload_token(sha256(b"hello"), max_size=2)
        for path, token, status in (("single", "bad", 401), ("single", small, 413),
                                    ("chuck?chuck=0", good, 400), ("chuck?chuck=1", good, 409)):
            with self.mas.socket() as stream:
                stream.sendall((f"POST /api/file/upload/{path} HTTP/1.1\r\nHost: x\r\n"
                                f"token: {token}\r\nContent-Length: 5\r\n"
                                "Expect: 100-continue\r\n\r\n").encode())
                first = stream.recv(12)
                self.assertEqual(first, f"HTTP/1.1 {status}".encode(), path)

    def test_a_form_of_an_upload_that_is_not_open_is_refused_unread(self):
        token = self.mas.upload_token(sha256(b"hello"))
        with self.mas.socket() as stream:
            stream.sendall((f"POST /api/file/upload/chuck?chuck=1 HTTP/1.1\r\nHost: x\r\n"
                            f"token: {token}\r\nContent-Length: 5000\r\n"
                            "Content-Type: multipart/form-data; boundary=x\r\n"
                            "Expect: 100-continue\r\n\r\n").encode())
            self.assertEqual(stream.recv(12), b"HTTP/1.1 409")

    def test_another_expectation_is_417(self):
        with self.mas.socket() as stream:
            self.post(stream, "any", "Expect: 200-maybe\r\nConnection: close\r\n")
            answer = read_answer(stream)
        self.refused(answer, 417, 5917)

    def test_a_request_after_a_continued_one_is_served(self):
        with self.mas.socket() as stream:
            for text in (b"hello", b"world"):
                self.post(stream, self.mas.upload_token(sha256(text)), "Expect: 100-continue\r\n")
                self.assertTrue(stream.recv(1000).startswith(b"HTTP/1.1 100"))
                stream.sendall(text)
                self.assertEqual(read_answer(stream).status, 200)


class GoneSenderTest(DaemonTest):
    """Who leaves an upload has not met a failure of the server, however the connection ends."""

    def failures(self):
        text = self.mas.call("GET", "/metrics").body.decode()
        return [line for line in text.splitlines()
                if line.startswith("mas_http_requests_total") and 'status="500"' in line]

    def gone(self):
        text = self.mas.call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("mas_http_requests_total") and 'status="400"' in line
                   and "/upload/" in line)

    def test_a_reset_counts_as_an_end_does(self):
        content = bytes(300_000)
        body, headers = form(content)
        part_token = self.mas.upload_token(sha256(content))
        self.assertEqual(self.mas.call("GET", "/api/file/upload/init", token=part_token).status, 200)
        kinds = [("POST /api/file/upload/single", {"token": part_token}, content),
                 ("POST /api/file/upload/chuck?chuck=1", {"token": part_token}, content),
                 ("POST /api/file/upload/object", {"systemToken": self.mas.system}, content),
                 ("POST /api/file/upload/single", {"token": part_token, **headers}, body)]
        count = 0
        for line, fields, sent in kinds:
            for at_once in (True, False):
                stream = self.mas.socket()
                if at_once:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                fields = {**fields, "Host": "x", "Expect": "100-continue",
                          "Content-Length": len(sent) + 9_000_000}
                head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                stream.sendall(f"{line} HTTP/1.1\r\n{head}\r\n".encode())
                # It is asked for its body, so it is being read.
                self.assertIn(b"100 Continue", stream.recv(100))
                stream.sendall(sent[:-100])
                stream.close()
                count += 1
                harness.wait_for(lambda: self.gone() + len(self.failures()) >= count, "its record")
        self.assertEqual(self.failures(), [])
        self.assertEqual(self.gone(), count)

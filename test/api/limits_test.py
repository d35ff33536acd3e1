"""Limits and malformed requests on the wire, with short times configured."""
import concurrent.futures
import contextlib
import http.client
import socket
import time

from harness import DaemonTest, form, free_port, read_answer, sha256, wait_for

KIB = 1024


class HeadTest(DaemonTest):
    def ask(self, *lines, body=b""):
        head = "\r\n".join(lines) + "\r\n\r\n"
        return self.mas.raw(head.encode("latin-1") + body)

    def get(self, *lines):
        return self.ask("GET /healthz HTTP/1.1", "Host: x", *lines)

    def test_heads_that_are_too_large(self):
        self.refused(self.get("a: " + "x" * 17 * KIB), 431, 5913)
        self.refused(self.get(*[f"a{i}: x" for i in range(70)]), 431, 5913)
        self.refused(self.ask("GET /healthz?" + "x" * 17 * KIB + " HTTP/1.1", "Host: x"), 414,
                     5913)
        self.assertEqual(self.get("a: " + "x" * 8 * KIB, "Connection: close").status, 200)

    def test_malformed_heads(self):
        for lines in (("nonsense",), ("GET /healthz",), ("GET  /healthz HTTP/1.1", "Host: x"),
                      ("GET /healthz HTTP/9.9", "Host: x"), ("GET /healthz HTTP/1.1",),
                      ("GET /healthz HTTP/1.1", "Host: x", "Host: y"),
                      ("GET /healthz HTTP/1.1", "Host: x", " folded"),
                      ("GET /healthz HTTP/1.1", "Host: x", "no colon"),
                      ("GET /healthz HTTP/1.1", "Host: x", "a b: c"),
                      ("GET /healthz HTTP/1.1", "Host: x", "a: \0"),
                      ("GET /%zz HTTP/1.1", "Host: x"), ("GET /%00 HTTP/1.1", "Host: x")):
            answer = self.ask(*lines)
            self.assertIn(answer.status, (400, 404), lines)
            self.assertIn(answer.code, (5205, 5201, 5910), lines)

    def test_lengths_that_make_no_sense(self):
        post = ("POST /api/file/upload/single HTTP/1.1", "Host: x", "token: t")
        for lines in (("Content-Length: -1",), ("Content-Length: 99999999999999999999999",),
                      ("Content-Length: 5x",), ("Content-Length: 5", "Content-Length: 6"),
                      ("Content-Length: 5", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")):
            answer = self.ask(*post, *lines, body=b"5\r\nhello\r\n0\r\n\r\n")
            self.assertEqual(answer.status, 400, lines)
            self.assertIn(answer.code, (5201, 5203, 5205), lines)
        for coding in ("gzip", "gzip, chunked", "identity"):
            answer = self.ask(*post, f"Transfer-Encoding: {coding}")
            self.assertIn((answer.status, answer.code), [(501, 5917), (400, 5205), (400, 5201)],
                          coding)
        self.refused(self.ask(*post, "Transfer-Encoding: gzip"), 501, 5917)

    def test_chunked_bodies(self):
        token = self.mas.upload_token(sha256(b"hello world"))
        post = ("POST /api/file/upload/single HTTP/1.1", "Host: x", f"token: {token}",
                "Transfer-Encoding: chunked", "Connection: close")
        good = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
        self.assertEqual(self.ask(*post, body=good).status, 200)
        for bad in (b"x\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
                    b"fffffffffffffffff\r\nhello", b"5\r\nhelloXX0\r\n\r\n",
                    b"5" * 5000 + b"\r\n", b"5 5\r\nhello\r\n0\r\n\r\n",
                    b"5\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
                    b"0x5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
                    b"5\r\nhello\r\n0\r\nno field\r\n\r\n"):
            answer = self.ask(*post, body=bad)
            self.assertEqual((answer.status, answer.code), (400, 5201), bad[:20])

    def test_a_truncated_body_is_unreadable(self):
        token = self.mas.upload_token(sha256(b"hello"))
        with self.mas.socket() as stream:
            stream.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}"
                            "\r\nContent-Length: 5\r\n\r\nhel").encode())
            stream.shutdown(1)
            answer = read_answer(stream)
        self.refused(answer, 400, 5201)

    def test_a_boundary_that_is_never_closed(self):
        data = b"hello"
        token = self.mas.upload_token(sha256(data))
        body, kind = form(data)
        answer = self.mas.call("POST", "/api/file/upload/single", body=body[:-10], headers=kind,
                               token=token)
        self.refused(answer, 400, 5201)

    def test_part_headers_are_bounded(self):
        token = self.mas.upload_token(sha256(b"x"))
        body, kind = form(b"x", filename="f" * 20_000)
        answer = self.mas.call("POST", "/api/file/upload/single", body=body, headers=kind,
                               token=token)
        self.refused(answer, 400, 5201)


class CrowdTest(DaemonTest):
    """More connections than there may be, none of which asks for anything."""
    metrics = f"127.0.0.1:{free_port()}"
    settings = {"http__max_connections": 16, "metrics__listen": metrics}

    def probe(self, path):
        connection = http.client.HTTPConnection(*self.metrics.split(":"), timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def made_room(self):
        lines = self.probe("/metrics")[1].splitlines()
        values = [line.split()[-1] for line in lines
                  if line.startswith("mas_http_connections_made_room_total")]
        return sum(float(value) for value in values)

    def test_silent_connections_keep_nobody_out(self):
        with contextlib.ExitStack() as silent:
            before = self.made_room()
            for _ in range(40):
                silent.enter_context(self.mas.socket())
            # Those that wait to be accepted would count as younger than the one that asks.
            wait_for(lambda: self.made_room() - before >= 24, "all to be accepted")
            record = self.mas.put(b"x" * 100)
            self.assertEqual(self.mas.get(record["hash"]).status, 200)
            self.assertEqual(self.mas.call("GET", "/readyz").status, 200)

    def test_the_probes_have_a_listener_of_their_own(self):
        host, port = self.metrics.split(":")
        with contextlib.ExitStack() as silent:
            for _ in range(20):
                silent.enter_context(socket.create_connection((host, int(port)), 20))
            for path in ("/healthz", "/readyz", "/metrics"):
                self.assertEqual(self.probe(path)[0], 200)

    def test_too_many_parameters_are_malformed(self):
        ask = lambda count: self.mas.call(  # noqa: E731
            "GET", "/api/file/download?" + "&".join(f"p{i}=" for i in range(count)), check=False)
        self.refused(ask(64), 401, 5301)
        self.refused(ask(65), 400, 5205)
        self.refused(ask(2000), 400, 5205)


class SlowSenderTest(DaemonTest):
    settings = {"http__header_timeout": "500 ms", "http__idle_timeout": "500 ms",
                "http__body_grace": "500 ms", "http__write_timeout": "2 s",
                "http__linger_timeout": "500 ms"}

    def test_slow_heads_and_bodies_get_408_and_idle_connections_end(self):
        token = self.mas.upload_token(sha256(b"x"))

        def slow_head():
            with self.mas.socket() as stream:
                stream.sendall(b"GET /healthz HT")
                return read_answer(stream).status

        def dripping_head():
            with self.mas.socket() as stream:
                try:
                    for byte in b"GET /healthz HTTP/1.1\r\nHost: " + b"x" * 100:
                        stream.sendall(bytes([byte]))
                        time.sleep(0.05)
                except OSError:
                    pass
                return read_answer(stream).status

        def slow_body(extra=b""):
            with self.mas.socket() as stream:
                stream.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: "
                                f"{token}\r\nContent-Length: 100000\r\n\r\n").encode() + extra)
                return read_answer(stream).status

        def idle():
            with self.mas.socket() as stream:
                return stream.recv(1)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(job) for job in (slow_head, dripping_head, slow_body, idle)]
            self.assertEqual([job.result() for job in jobs], [408, 408, 408, b""])

    def test_a_slow_sender_frees_its_token(self):
        token = self.mas.upload_token(sha256(b"x"))
        for _ in range(2):
            with self.mas.socket() as stream:
                stream.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: "
                                f"{token}\r\nContent-Length: 1\r\n\r\n").encode())
                self.assertEqual(read_answer(stream).status, 408)
        self.assertEqual(self.mas.call("POST", "/api/file/upload/single", body=b"x",
                                       token=token).status, 200)

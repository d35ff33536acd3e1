"""How often an address may be refused, and how many requests one token runs."""
import http.client
import os
import time

from harness import DaemonTest, sha256, wait_for


class RefusalRateTest(DaemonTest):
    settings = {"token__refusals_per_second": 20}

    def guesses(self, source):
        """200 refused calls of every kind from one address; the answers and the seconds."""
        mas = self.mas
        connection = http.client.HTTPConnection(mas.host, mas.port, timeout=20,
                                                source_address=(source, 0))
        up = mas.upload_token("0" * 64)
        kinds = [("GET", "/api/file/download", {"token": "guess"}),
                 ("GET", "/api/file/download", {"token": up}),
                 ("GET", "/api/file/list", {"systemToken": "guess"}),
                 ("GET", "/api/file/info", {})]
        began = time.monotonic()
        answers = [mas.call(method, path, headers=headers, connection=connection)
                   for method, path, headers in kinds * 50]
        took = time.monotonic() - began
        connection.close()
        return answers, took

    def test_one_address_gets_at_most_so_many_refusals_a_second(self):
        mas = self.mas
        data = os.urandom(10)
        name = mas.put(data)["hash"]
        good = mas.download_token(name)
        for source in ("127.0.0.1", "127.0.0.2"):
            answers, took = self.guesses(source)
            # An address begins with a second's worth, whatever others did.
            self.assertEqual([a.status for a in answers[:20]], [401, 403, 401, 401] * 5)
            refused = [a for a in answers if a.status in (401, 403)]
            self.assertLessEqual(len(refused), 20 + 20 * took + 1)
            limited = [a for a in answers if a.status == 429]
            self.assertEqual(len(limited) + len(refused), 200)
            self.assertGreater(len(limited), 0)
            for answer in limited:
                self.assertEqual((answer.code, answer.headers["Retry-After"]), (5916, "1"))
            # Good tokens of that address are not refused tokens.
            self.assertEqual(mas.call("GET", "/api/file/download", token=good).body, data)
            self.assertEqual(mas.call("GET", "/api/file/list", system=True).status, 200)


class TooManyTest(DaemonTest):
    settings = {"token__refusals_per_second": 1}

    def test_429_on_every_call_with_a_token(self):
        mas = self.mas
        calls = [(method, path) for method, path, operation in mas.description.operations()
                 if "429" in operation["responses"]]
        self.assertGreater(len(calls), 20)
        for method, path in calls:
            answer = wait_for(lambda: self.limited(method, path), f"429 of {method} {path}")
            self.assertEqual(answer.headers["Retry-After"], "1")
            if method != "HEAD":
                self.refused(answer, 429, 5916)

    def limited(self, method, path):
        answer = self.mas.call(method, path, token="guess")
        return answer if answer.status == 429 else None


class ManyRequestsTest(DaemonTest):
    settings = {"token__requests_at_once": 1}

    def test_a_token_runs_a_bounded_number_of_requests_at_once(self):
        mas = self.mas
        name = mas.put(os.urandom(1000))["hash"]
        data = os.urandom(1000)
        token = mas.upload_token(sha256(data))
        with mas.socket() as first:
            first.sendall((f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                           "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n").encode())
            self.assertTrue(first.recv(100).startswith(b"HTTP/1.1 100"))
            refused = self.refused(mas.call("GET", "/api/file/upload/init", token=token), 429,
                                   5916)
            self.assertTrue(refused.headers["Retry-After"])
            self.assertEqual(mas.call("GET", "/api/file/download",
                                      token=mas.download_token(name)).status, 200)

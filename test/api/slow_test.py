"""Clients that take or send little, more of them than there is memory for: the others go on."""
import concurrent.futures
import contextlib
import http.client
import random
import shutil
import socket
import ssl
import subprocess
import tempfile

import harness
from harness import Daemon, DaemonTest, form, sha256

MIB = 1024 * 1024


class SlowReadersTest(DaemonTest):
    """Ten units of downloads fit into this budget."""

    settings = {"object__buffer_budget": "8 MiB"}
    SIZE = 8 * MIB  # far more than what the system takes for a socket
    EACH = 16  # as many as one token may have
    TOKENS = 3

    daemon = Daemon

    @classmethod
    def setUpClass(cls):
        cls.mas = cls.daemon(**cls.settings)
        cls.content = random.Random(11).randbytes(cls.SIZE)
        cls.name = cls.mas.put(cls.content)["hash"]

    def stream(self):
        """A connection of a client whose system takes little."""
        stream = socket.socket()
        self.addCleanup(stream.close)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        stream.settimeout(60)
        stream.connect((self.mas.host, self.mas.port))
        return stream

    def ask(self, token):
        """Asks for the file; the answer, of which only the head is taken."""
        stream = self.stream()
        stream.sendall(f"GET /api/file/download HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n\r\n".encode())
        response = http.client.HTTPResponse(harness.SentOnly(stream))
        response.begin()
        return response

    def read(self, token):
        """What a client gets that reads at once."""
        connection = self.mas.connect(60)
        try:
            connection.request("GET", "/api/file/download", headers={"token": token})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def test_readers_that_stand_still_keep_nobody_from_reading(self):
        tokens = [self.mas.download_token(self.name) for _ in range(self.TOKENS)]
        clients = self.EACH * self.TOKENS
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            answers = list(pool.map(self.ask, tokens * self.EACH))
        self.assertEqual({answer.status for answer in answers}, {200})
        # While they stand, somebody else is served.
        status, body = self.read(self.mas.download_token(self.name))
        self.assertEqual((status, sha256(body)), (200, self.name))
        # And they get all of it, whatever they read of it when.
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            hashes = set(pool.map(lambda answer: sha256(answer.read()), answers))
        self.assertEqual(hashes, {self.name})


class TlsDaemon(Daemon):
    """Speaks TLS to its clients, with a certificate of its own making."""

    def __init__(self, **settings):
        self.folder = tempfile.mkdtemp(prefix="mas-tls-", dir=harness.WORK)
        certificate, key = f"{self.folder}/certificate.pem", f"{self.folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=mas",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.trust = ssl.create_default_context(cafile=certificate)
        self.trust.check_hostname = False
        super().__init__(tls__certificate=certificate, tls__key=key, **settings)

    def connect(self, timeout=20):
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.trust)

    def close(self):
        super().close()
        shutil.rmtree(self.folder)


class SlowTlsReadersTest(SlowReadersTest):
    """The same over TLS, where what was begun of a record has to follow."""

    daemon = TlsDaemon

    def stream(self):
        return self.mas.trust.wrap_socket(super().stream())


class LimitedRateTest(DaemonTest):
    """A client that takes a burst, and then nothing until its average fits."""

    # Shorter than curl stands still at this rate for what it takes first (some MB).
    settings = {"http__write_timeout": "1 s"}

    def test_curl_with_a_limited_rate_gets_all(self):
        content = random.Random(12).randbytes(32 * MIB)
        name = self.mas.put(content)["hash"]
        out = self.mas.home / "out"
        done = subprocess.run(
            ["curl", "-sS", "-H", f"token: {self.mas.download_token(name)}", "--limit-rate", "2M",
             "-o", str(out), self.mas.url + "/api/file/download"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sha256(out.read_bytes()), name)
        self.assertEqual(self.mas.metric("mas_downloads_cut_total"), 0)


class SlowSendersTest(DaemonTest):
    """Sixteen small buffers of uploads fit into this budget."""

    settings = {"object__buffer_budget": "8 MiB"}
    SIZE = 300_000  # some small buffers
    daemon = Daemon

    @classmethod
    def setUpClass(cls):
        cls.mas = cls.daemon(**cls.settings)

    def stream(self):
        return self.mas.socket(60)

    def senders(self, count, kinds):
        """Uploads that have begun: each a stream and what is still to be sent on it."""
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        begun = []
        for number in range(count):
            content = random.Random(number).randbytes(self.SIZE)
            head, body = getattr(self, kinds[number % len(kinds)])(content)
            stream = stack.enter_context(self.stream())
            stream.sendall(head.encode())
            begun.append((stream, body, sha256(content)))
        return begun

    def raw(self, content):
        token = self.mas.upload_token(sha256(content))
        return (f"PUT /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"), content

    def chunked(self, content):
        token = self.mas.upload_token(sha256(content))
        chunks = [content[at:at + 20_000] for at in range(0, len(content), 20_000)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return (f"PUT /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"), body + b"0\r\n\r\n"

    def form(self, content):
        token = self.mas.upload_token(sha256(content))
        body, headers = form(content, after=[("name", "slow")])
        return (f"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                f"Content-Type: {headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"), body

    def part(self, content):
        token = self.mas.upload_token(sha256(content))
        self.assertEqual(self.mas.call("GET", "/api/file/upload/init", {"name": "slow"},
                                       token=token).status, 200)
        return (f"PUT /api/file/upload/chuck?chuck=1 HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"), content

    def again(self, content):
        """Of what is stored already: only looked at."""
        self.mas.put(content)
        return self.raw(content)

    def check(self, *kinds):
        begun = self.senders(24, kinds)
        sent = 0
        # Before a first byte, within the first buffer, later, and with all but the end.
        for until in (0, 1000, 90_000, self.SIZE - 10):
            for stream, body, _ in begun:
                stream.sendall(body[sent:until])
            sent = until
            content = random.Random(f"{kinds} {until}").randbytes(200_000)
            self.assertEqual(self.mas.put(content)["hash"], sha256(content))
        for stream, body, _ in begun:
            stream.sendall(body[sent:])
        answers = [harness.read_answer(stream) for stream, _, _ in begun]
        self.assertEqual({answer.status for answer in answers}, {200}, answers[0].body)
        return [name for _, _, name in begun]

    def test_senders_of_half_a_boundary_keep_nobody_from_sending(self):
        delimiter = b"\r\n--mas-test-boundary"
        names = []
        for half in (delimiter[:1], delimiter[:2], delimiter[:-1], delimiter):
            begun = []
            for number in range(24):
                content = random.Random(f"{half} {number}").randbytes(self.SIZE).replace(b"\r", b"n")
                if half == delimiter:  # the file ends there, and the form does not
                    content = content[:1000 + 4096]
                else:
                    content = content[:1000 + 4096] + half + content[1000 + 4096:]
                head, body = self.form(content)
                stream = self.stream()
                self.addCleanup(stream.close)
                begin = body.index(content)
                stream.sendall(head.encode() + body[:begin + 1000])
                begun.append((stream, body, begin + 1000, sha256(content)))
            self.mas.put(half + b"1")
            # As much as is taken at once where there is no memory that is counted, and the half.
            for stream, body, sent, _ in begun:
                stream.sendall(body[sent:sent + 4096 + len(half)])
            self.assertEqual(self.mas.put(half + bytes(self.SIZE))["size"], self.SIZE + len(half))
            for stream, body, sent, name in begun:
                stream.sendall(body[sent + 4096 + len(half):])
                self.assertEqual(harness.read_answer(stream).status, 200)
                names.append(name)
        self.check_stored(names[::10])

    def check_stored(self, names):
        for name in names:
            self.assertEqual(sha256(self.mas.get(name).body), name)

    def test_senders_that_stand_still_keep_nobody_from_sending(self):
        self.check_stored(self.check("raw", "chunked", "form"))

    def test_parts_that_come_slowly_keep_nobody_from_sending(self):
        for name in self.check("part"):
            answer = self.mas.call("GET", "/api/file/upload/finish", system=True,
                                   token=self.mas.upload_token(name))
            self.assertEqual(answer.status, 200, answer.body)
            self.check_stored([name])

    def test_senders_of_what_is_stored_keep_nobody_from_sending(self):
        self.check_stored(self.check("again"))


class SlowTlsSendersTest(SlowSendersTest):
    """The same over TLS, where a record gives nothing before it is whole."""

    daemon = TlsDaemon

    def stream(self):
        return self.mas.trust.wrap_socket(super().stream())

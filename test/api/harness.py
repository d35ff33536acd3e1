"""Starts real daemons for the tests and talks to them."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import schema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402,F401  for the suites too
from waiting import wait_for  # noqa: E402,F401  for the suites too

BINARY = None
WORK = None

# Fast and small; every limit that a test relies on is set by that test.
SETTINGS = {
    "store.segment_size": "64 MiB",
    "token.refusals_per_second": 100_000,
    "node.shutdown_timeout": "10 s",
    "log.level": "warn",
}


def configure(binary, work):
    global BINARY, WORK
    BINARY = os.path.abspath(binary)
    WORK = os.path.abspath(work)
    os.makedirs(WORK, exist_ok=True)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def toml(settings):
    sections = {}
    for key, value in settings.items():
        section, name = key.split(".", 1)
        sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
    return "".join(f"[{s}]\n" + "\n".join(lines) + "\n" for s, lines in sections.items())


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    @property
    def data(self):
        return self.json["data"]


class Daemon:
    """One mas serve with a data directory of its own."""

    arguments = ()  # more of the command line
    launcher = ()  # a program that runs it
    restore_signals = True  # whether it starts with the signals that Python ignores set back

    def __init__(self, data=None, before_exec=None, **settings):
        self.before_exec = before_exec
        self.settings = {**SETTINGS, **{k.replace("__", "."): v for k, v in settings.items()}}
        self.home = pathlib.Path(data or tempfile.mkdtemp(prefix="mas-api-", dir=WORK))
        self.data = self.home / "data"
        self.process = None
        self.description = None
        self.start()

    def start(self, ready=True):
        """With `ready` it returns when the pod is, else as soon as it listens."""
        config = self.home / "mas.toml"
        config.write_text(toml(self.settings))
        self.errors = self.open_errors()
        self.process = subprocess.Popen(
            [*self.launcher, BINARY, "serve", "--config", str(config), "--data", str(self.data),
             "--listen", "127.0.0.1:0", *self.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
            start_new_session=True, cwd=self.home, preexec_fn=self.before_exec,
            restore_signals=self.restore_signals,
            env={k: v for k, v in os.environ.items() if not k.startswith("MAS_")})
        seen = b""
        for line in self.process.stdout:
            seen += line
            found = re.search(rb"https?://([0-9.]+):([0-9]+)", line)
            if found:
                break
        else:
            self.process.wait()
            raise AssertionError(f"mas serve ended with {self.process.returncode}: "
                                 f"{seen!r} {self.error_text()}")
        self.first_lines = seen
        self.host, self.port = found[1].decode(), int(found[2])
        # Whatever else it prints must not block it.
        stream = self.process.stdout
        self.drain = threading.Thread(target=lambda: shutil.copyfileobj(stream, Sink()), daemon=True)
        self.drain.start()
        self.system = (self.data / "system-token").read_text().strip()
        if ready:
            wait_for(self.ready, "readiness")
        if self.description is None:
            self.description = schema.Description(self.call("GET", "/openapi.json").body)

    def open_errors(self):
        """Where it writes its log to."""
        return open(self.home / "stderr", "ab")

    def error_text(self):
        return (self.home / "stderr").read_text(errors="replace")[-2000:]

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"mas serve ended: {self.error_text()}")
        return self.call("GET", "/readyz", check=False).status == 200

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.finish_streams()

    def stop(self, timeout=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.finish_streams()
        return status

    def finish_streams(self):
        self.drain.join()
        self.process.stdout.close()
        self.errors.close()

    def close(self):
        """Ends it, if it runs, and removes its data."""
        try:
            if self.process.poll() is None:
                self.kill()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def peak_memory(self):
        """Highest resident size so far, in bytes."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def connect(self, timeout=20):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def socket(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout)

    def call(self, method, path, query=None, body=None, headers=None, token=None, system=False,
             check=True, connection=None):
        """One request; its answer, checked against openapi.json."""
        sent = dict(headers or {})
        if token is not None:
            sent["token"] = token
        if system:
            sent["systemToken"] = self.system
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        own = connection or self.connect()
        try:
            own.request(method, target, body=body, headers=sent)
            response = own.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            if connection is None:
                own.close()
        if check and self.description is not None:
            self.description.check_answer(method, path, answer)
        return answer

    def raw(self, data, timeout=30):
        """Sends bytes as they are; the first answer, read to the end of the connection or of its
        length."""
        with self.socket(timeout) as stream:
            stream.sendall(data)
            return read_answer(stream)

    def upload_token(self, hash_, **claims):
        answer = self.call("GET", "/api/token/upload", {"hash": hash_, **claims}, system=True)
        assert answer.status == 200, answer.body
        return answer.data["token"]

    def download_token(self, hash_, **claims):
        answer = self.call("GET", "/api/token/download", {"hash": hash_, **claims}, system=True)
        assert answer.status == 200, answer.body
        return answer.data["token"]

    def put(self, data, name="file.bin"):
        """Stores bytes; the record."""
        answer = self.call("POST", "/api/file/upload/object", {"name": name}, body=data,
                           system=True)
        assert answer.status == 200, answer.body
        return answer.data

    def get(self, name, **query):
        return self.call("GET", "/api/file/upload/download", query,
                         token=self.download_token(name))

    def metric(self, name):
        """The sum of a metric over all labels."""
        total = 0.0
        for line in self.call("GET", "/metrics").body.decode().splitlines():
            if line.startswith(name) and line[len(name)] in "{ ":
                total += float(line.rsplit(" ", 1)[1])
        return total


class Sink:
    def write(self, data):
        return len(data)


class SentOnly:
    """A socket as http.client.HTTPResponse wants it."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, *args, **kwargs):
        return self.stream.makefile("rb")


def read_answer(stream):
    response = http.client.HTTPResponse(SentOnly(stream))
    response.begin()
    return Answer(response.status, response.headers, response.read())


def form(data, filename="f.bin", before=(), after=(), boundary="mas-test-boundary"):
    """A multipart/form-data body and its headers."""
    def field(name, value):
        return (f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"
                f"{value}\r\n").encode()
    body = b"".join(field(*f) for f in before)
    body += (f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; "
             f"filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n").encode()
    body += data + b"\r\n" + b"".join(field(*f) for f in after) + f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class DaemonTest(unittest.TestCase):
    """One daemon for all tests of a class; `settings` are its own."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.mas = Daemon(**cls.settings)

    @classmethod
    def tearDownClass(cls):
        cls.mas.close()

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)
        self.assertTrue(answer.json["msg"].endswith("."), answer.body)
        return answer

"""Memory stays bounded, whatever is sent: measured as the highest resident size of the daemon."""
import concurrent.futures
import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import harness
from control_group import MemoryGroup
from harness import Daemon, DaemonTest, sha256

MIB = 1024 * 1024
BLOCK = random.Random(5).randbytes(MIB)


class Stream:
    """`size` bytes, each MiB of them different, made while they are sent."""

    def __init__(self, size):
        self.size = size
        self.at = 0

    def block(self, index):
        return index.to_bytes(8, "big") + BLOCK[8:]

    def read(self, size=65536):
        if self.at == self.size:
            return b""
        index, offset = divmod(self.at, MIB)
        piece = self.block(index)[offset:offset + min(MIB - offset, self.size - self.at)]
        self.at += len(piece)
        return piece

    def blocks(self, begin, end):
        """Of these bytes; both whole MiB, or the end of all."""
        for at in range(begin, end, MIB):
            yield self.block(at // MIB)[:end - at]

    def sha256(self):
        digest = hashlib.sha256()
        for block in self.blocks(0, self.size):
            digest.update(block)
        return digest.hexdigest()


class MemoryTest(DaemonTest):
    def assert_peak_below(self, mebibytes):
        peak = self.mas.peak_memory() / MIB
        print(f"highest resident size {peak:.0f} MiB", end=" ... ", flush=True)
        self.assertLess(peak, mebibytes)


class LargeFileTest(MemoryTest):
    def test_a_1_gib_file_goes_in_and_out_under_128_mib(self):
        mas = self.mas
        size = 1024 * MIB
        name = Stream(size).sha256()
        answer = mas.call("PUT", "/api/file/upload/single", {"name": "large"}, body=Stream(size),
                          headers={"Content-Length": str(size)}, token=mas.upload_token(name))
        self.assertEqual((answer.status, answer.data["size"]), (200, size), answer.body)
        connection = mas.connect()
        connection.request("GET", "/api/file/download",
                           headers={"token": mas.download_token(name)})
        response = connection.getresponse()
        digest = hashlib.sha256()
        while piece := response.read(MIB):
            digest.update(piece)
        connection.close()
        self.assertEqual(digest.hexdigest(), name)
        self.assert_peak_below(128)


class ManyClientsTest(MemoryTest):
    settings = {"token__requests_at_once": 1000}

    def test_64_uploads_and_64_slow_downloads_at_once_under_256_mib(self):
        mas = self.mas
        data = Stream(16 * MIB)
        stored = data.sha256()
        mas.call("POST", "/api/file/upload/object", {"name": "d"}, body=Stream(16 * MIB),
                 headers={"Content-Length": str(16 * MIB)}, system=True)
        token = mas.download_token(stored)
        uploads_done = threading.Event()
        started = threading.Barrier(129)

        def download():
            connection = mas.connect(120)
            connection.request("GET", "/api/file/download", headers={"token": token})
            response = connection.getresponse()
            digest = hashlib.sha256(response.read(MIB))
            started.wait()
            # Slow: the rest is taken only when every upload is through.
            uploads_done.wait()
            while piece := response.read(MIB):
                digest.update(piece)
            connection.close()
            return digest.hexdigest()

        def upload(number):
            content = number.to_bytes(4, "big") + BLOCK[:4 * MIB // 2] * 8
            name = sha256(content)
            minted = mas.upload_token(name)
            started.wait()
            answer = mas.call("POST", "/api/file/upload/single", body=content, token=minted)
            return answer.status
        with concurrent.futures.ThreadPoolExecutor(128) as pool:
            downloads = [pool.submit(download) for _ in range(64)]
            uploads = [pool.submit(upload, number) for number in range(64)]
            started.wait()
            self.assertEqual({job.result() for job in uploads}, {200})
            uploads_done.set()
            self.assertEqual({job.result() for job in downloads}, {stored})
        self.assert_peak_below(256)


class SlowReader(threading.Thread):
    """Downloads one file over and over, a MiB every 50 ms, and compares every byte."""

    def __init__(self, mas, token, content, over):
        super().__init__(daemon=True)
        self.mas, self.token, self.content, self.over = mas, token, content, over
        self.wrong = []
        self.times = 0
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                self.download()
            except OSError as problem:
                self.wrong.append(repr(problem))
                return

    def download(self):
        connection = self.mas.connect(120)
        connection.request("GET", "/api/file/download", headers={"token": self.token})
        response = connection.getresponse()
        if response.status != 200:
            self.wrong.append(response.status)
            self.over.wait(0.2)
        room = memoryview(bytearray(MIB))
        at = 0
        while not self.over.is_set() and (got := response.readinto(room)):
            if room[:got] != self.content[at:at + got]:
                self.wrong.append(f"other bytes at {at}")
            at += got
            self.over.wait(0.05)
        connection.close()
        self.times += at == len(self.content)


class LimitedMemoryTest(unittest.TestCase):
    """The target of the design, enforced by the kernel: with the default configuration."""

    LIMIT = 256 * MIB
    PART = 64 * MIB
    PARTS = 160

    def setUp(self):
        self.group = MemoryGroup(self.LIMIT)
        self.addCleanup(self.group.close)
        self.mas = Daemon(before_exec=self.group.join, store__segment_size="1 GiB")
        self.addCleanup(self.mas.close)
        self.group.watch(self.mas.process.pid)

    def upload(self, content, token):
        """Its parts, by three connections."""
        numbers = iter(range(self.PARTS))
        lock = threading.Lock()

        def send():
            answers = []
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return answers
                begin = number * self.PART
                answer = self.mas.call("PUT", "/api/file/upload/chuck", {"chuck": number + 1},
                                       body=content.blocks(begin, begin + self.PART), token=token,
                                       headers={"Content-Length": str(self.PART)},
                                       connection=self.mas.connect(120))
                answers.append(answer.status)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(send) for _ in range(3)]
            return [status for job in jobs for status in job.result()]

    def finish(self, whole):
        """The record: of a call that waits no longer than object.finish_wait for what goes on."""
        while True:
            answer = self.mas.call("GET", "/api/file/upload/finish", system=True,
                                   token=self.mas.upload_token(whole),
                                   connection=self.mas.connect(120))
            if answer.status == 200:
                return answer.data
            self.assertEqual((answer.status, answer.code), (503, 5901), answer.body)

    def test_10_gib_in_parts_and_64_slow_downloads_within_256_mib(self):
        mas = self.mas
        stored = Stream(self.PART)
        content = b"".join(stored.blocks(0, self.PART))
        name = mas.put(content)["hash"]
        content = memoryview(content)
        large = Stream(self.PART * self.PARTS)
        whole = large.sha256()
        token = mas.upload_token(whole)
        self.assertEqual(mas.call("GET", "/api/file/upload/init", {"name": "large"},
                                  token=token).status, 200)
        over = threading.Event()
        readers = [SlowReader(mas, mas.download_token(name), content, over) for _ in range(64)]
        try:
            statuses = self.upload(large, token)
        finally:
            over.set()
            for reader in readers:
                reader.join()
        self.assertEqual(set(statuses), {200})
        self.assertEqual([reader.wrong for reader in readers if reader.wrong], [])
        self.assertTrue(all(reader.times > 0 for reader in readers))
        self.assertEqual(self.finish(whole)["size"], large.size)
        print(f"peak of anonymous memory {self.group.peak / MIB:.0f} MiB, "
              f"limit {'enforced' if self.group.enforced else 'not enforced'}", end=" ... ", flush=True)
        self.assertEqual(self.group.kills(), 0)
        self.assertLess(self.group.peak, self.LIMIT)


class StrangersTest(unittest.TestCase):
    """Whoever has shown no token holds next to nothing, and nothing counts what it holds."""

    CONNECTIONS = 800

    def send_refused(self, mas):
        """An upload that is answered before its body has come, and is waited for then."""
        connection = socket.create_connection((mas.host, mas.port), timeout=60)
        self.addCleanup(connection.close)
        connection.sendall(b"POST /api/file/upload/single HTTP/1.1\r\nHost: x\r\ntoken: bad\r\n"
                           b"Content-Length: 900000000\r\n\r\n" + bytes(60000))
        return connection

    def test_those_who_are_refused_and_go_on_hold_little(self):
        group = MemoryGroup(256 * MIB)
        self.addCleanup(group.close)
        mas = Daemon(before_exec=group.join, http__linger_timeout="60 s")
        self.addCleanup(mas.close)
        group.watch(mas.process.pid)
        before = group.anonymous()
        waiting = [self.send_refused(mas) for _ in range(self.CONNECTIONS)]
        for connection in waiting:
            self.assertIn(b" 401 ", connection.recv(4096).splitlines()[0])
        held = (group.anonymous() - before) / MIB
        print(f"{self.CONNECTIONS} hold {held:.0f} MiB", end=" ... ", flush=True)
        self.assertLess(held, 24)
        self.assertEqual(group.kills(), 0)


class ChosenBudgetsTest(unittest.TestCase):
    def start(self, memory):
        home = tempfile.mkdtemp(prefix="mas-memory-", dir=harness.WORK)
        self.addCleanup(shutil.rmtree, home)
        return [harness.BINARY, "serve", "--data", f"{home}/data", "--listen", "127.0.0.1:0"], \
            {"MAS_NODE_MEMORY": memory, "PATH": os.environ["PATH"]}

    def test_budgets_that_were_made_to_fit_are_named(self):
        mas = Daemon(node__memory="200 MiB", log__level="info")
        self.addCleanup(mas.close)
        said = mas.error_text()
        self.assertRegex(said, r'"memory.fitted","key":"object.buffer_budget","value":"\d+ KiB"')
        self.assertRegex(said, r'"memory.limited","limit":"200.0 MiB"')

    def test_too_little_memory_is_refused_in_a_sentence(self):
        command, environment = self.start("32 MiB")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, r"^mas: serve: .*32.0 MiB.*needs at least [0-9.]+ MiB: .*\n$")

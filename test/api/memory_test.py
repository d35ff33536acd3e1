"""Memory stays bounded, whatever is sent: measured as the highest resident size of the daemon."""
import concurrent.futures
import hashlib
import random
import threading

from harness import DaemonTest, sha256

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

    def sha256(self):
        digest = hashlib.sha256()
        for at in range(0, self.size, MIB):
            digest.update(self.block(at // MIB)[:self.size - at])
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

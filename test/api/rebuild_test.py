"""One pod whose embedded metadata is lost, or set back: it says so, and gets its files back."""
import json
import os
import shutil
import subprocess

import harness
from harness import DaemonTest, sha256

KIB = 1024
SIZES = [0, 9, 3 * KIB, 70 * KIB, 900 * KIB, 9000 * KIB]


class RebuildTest(DaemonTest):
    def put_some(self):
        files = {}
        for size in SIZES:
            data = os.urandom(size)
            files[self.mas.put(data, f"of {size}")["hash"]] = data
        return files

    def put_in_parts(self):
        data = os.urandom(700 * KIB)
        token = self.mas.upload_token(sha256(data))
        self.mas.call("GET", "/api/file/upload/init", {"name": "parts"}, token=token)
        for part in range(7):
            piece = data[part * 100 * KIB:(part + 1) * 100 * KIB]
            self.assertEqual(self.mas.call("POST", "/api/file/upload/chuck", {"chuck": part + 1},
                                           body=piece, token=token).status, 200)
        self.assertEqual(self.mas.call("GET", "/api/file/upload/finish", token=token,
                                       system=True).status, 200)
        return sha256(data), data

    def delete(self, hash_):
        self.assertEqual(self.mas.call("DELETE", "/api/file", {"hash": hash_}, system=True).status,
                         200)

    def command(self, *options):
        done = subprocess.run([harness.BINARY, "rebuild-metadata", "--json", *options, "--server",
                               self.mas.url, "--system-token-file",
                               str(self.mas.data / "system-token")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def check(self, files, gone):
        for hash_, data in files.items():
            answer = self.mas.get(hash_)
            self.assertEqual((answer.status, answer.body == data), (200, True))
        for hash_ in gone:
            self.assertEqual(self.mas.get(hash_).status, 404)
        listed = self.mas.call("GET", "/api/file/list", {"limit": 1000}, system=True).data["files"]
        self.assertEqual({record["hash"] for record in listed}, set(files))

    def test_1_lost(self):
        mas = self.mas
        files = self.put_some()
        hash_, data = self.put_in_parts()
        files[hash_] = data
        records = {name: mas.call("GET", "/api/file/info", {"hash": name}, system=True).data
                   for name in files}
        # Small ones may have the content of one that is kept.
        gone = [name for name in self.put_some() if name not in files]
        for hash_ in gone:
            self.delete(hash_)
        mas.stop()
        shutil.rmtree(mas.data / "meta")
        mas.start(ready=False)
        # It says what is wrong, and neither denies nor takes nor drops anything.
        self.refused(mas.call("GET", "/readyz"), 503, 5901)
        status = mas.call("GET", "/api/cluster/status", system=True).data
        self.assertIn("mas rebuild-metadata", status["halted"])
        self.assertIn(b"\nmas_cluster_halted 1", mas.call("GET", "/metrics").body)
        before = status["capacity"]["records"]
        self.assertGreater(before, 0)
        name = next(iter(files))
        self.refused(mas.call("GET", "/api/file/info", {"hash": name}, system=True), 503, 5501)
        self.refused(mas.call("GET", "/api/file/list", system=True), 503, 5501)
        self.refused(mas.get(name), 503, 5501)
        self.refused(mas.call("POST", "/api/file/upload/object", body=b"new", system=True), 503, 5901)
        self.assertEqual(mas.call("GET", "/api/cluster/status",
                                  system=True).data["capacity"]["records"], before)
        report = self.command("--verify")
        self.assertEqual((report["restored"], report["verified"], report["not_restored"],
                          report["deletions"]), (len(files), len(files), 0, len(gone)), report)
        self.assertEqual(mas.call("GET", "/readyz").status, 200)
        self.assertIn(b"\nmas_cluster_halted 0", mas.call("GET", "/metrics").body)
        self.check(files, gone)
        self.assertEqual({name: mas.call("GET", "/api/file/info", {"hash": name}, system=True).data
                          for name in files}, records)
        # Life goes on, also after a start.
        files |= self.put_some()
        mas.stop()
        mas.start()
        self.check({**files}, gone)
        self.assertEqual(self.command()["restored"], 0)
        for hash_ in files:
            self.delete(hash_)

    def test_2_set_back(self):
        mas = self.mas
        kept, dropped = self.put_some(), self.put_some()
        mas.stop()
        shutil.copytree(mas.data / "meta", mas.home / "copy")
        mas.start()
        dropped.pop(sha256(b""), None)
        for hash_ in dropped:
            self.delete(hash_)
        kept |= self.put_some()
        mas.stop()
        shutil.rmtree(mas.data / "meta")
        shutil.move(mas.home / "copy", mas.data / "meta")
        mas.start()
        report = self.command()
        self.assertEqual((report["not_restored"], report["deletions"]), (0, len(dropped)), report)
        self.check(kept, dropped)
        kept |= self.put_some()
        self.check(kept, dropped)


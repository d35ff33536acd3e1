#!/usr/bin/env python3
"""How fast one pod stores and gives back small files as their number grows.

    bench/many_files.py [--mas build/release/bin/mas] [--work DIR] [--marks 10000,1000000] [--sample 20000]

A pod on a directory of its own below DIR is filled to each mark. There, PUT and GET of a sample are measured,
and printed with the processor time that the pod spent on each request: that hardly depends on what else runs
on the machine. The last line says what is left of the first mark's rate. On a tmpfs nothing waits for a disk.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]


class Pod:
    def __init__(self, binary, home):
        self.binary, self.home = binary, pathlib.Path(home)
        # Only the number of files counts here; the pod's own work at its usual times stays in.
        self.process = subprocess.Popen(
            [binary, "serve", "--data", str(self.home / "data"), "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.home / "stderr", "wb"), start_new_session=True, cwd=self.home,
            env={k: v for k, v in os.environ.items() if not k.startswith("MAS_")})
        for line in self.process.stdout:
            found = re.search(rb"(http://[0-9.]+:[0-9]+)", line)
            if found:
                self.url = found[1].decode()
                break
        else:
            raise SystemExit("mas serve ended: " + (self.home / "stderr").read_text())

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read(self):
        """Bytes that it asked the file system for, cached or not."""
        text = pathlib.Path(f"/proc/{self.process.pid}/io").read_text()
        return int(re.search(r"rchar: (\d+)", text)[1])

    def bench(self, kind, count, *more):
        """The answer of `mas bench` to `count` requests, with what they cost the pod."""
        cpu, read = self.cpu(), self.read()
        done = subprocess.run(
            [self.binary, "bench", kind, "--server", self.url, "--json", "--size", "1KiB",
             "--system-token-file", str(self.home / "data" / "system-token"), "--concurrency", "64",
             "--count", str(count), "--object-call", "--keep", *more],
            stdout=subprocess.PIPE, check=True)
        answer = json.loads(done.stdout)[kind]
        if answer["errors"]:
            raise SystemExit(f"{answer['errors']} requests failed: {answer.get('first_error')}")
        requests = answer["requests"]
        answer["cpu_us"] = (self.cpu() - cpu) * 1e6 / requests
        answer["read"] = (self.read() - read) / requests
        return answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mas", default=str(TOP / "build/release/bin/mas"))
    parser.add_argument("--work", default="/dev/shm")
    parser.add_argument("--marks", default="10000,1000000")
    parser.add_argument("--sample", type=int, default=20_000)
    args = parser.parse_args()
    home = tempfile.mkdtemp(prefix="mas-many-files-", dir=args.work)
    first, stored = {}, 0
    try:
        pod = Pod(os.path.abspath(args.mas), home)
        for mark in (int(m) for m in args.marks.split(",")):
            began = time.monotonic()
            if mark > stored + args.sample // 2:
                pod.bench("put", mark - stored - args.sample // 2)
                stored = mark - args.sample // 2
            filled = time.monotonic() - began
            for kind in ("put", "get"):
                more = ("--objects", "10000") if kind == "get" else ()
                answer = pod.bench(kind, args.sample, *more)
                stored += args.sample if kind == "put" else 10_000
                first.setdefault(kind, answer)
                print(f"{mark:>9} files (filled in {filled:.0f} s)  {kind} {answer['ops_per_second']:8.0f} /s  "
                      f"p50 {answer['p50_ms']:.2f} p99 {answer['p99_ms']:.2f} ms  "
                      f"pod's processor {answer['cpu_us']:.0f} us, read {answer['read'] / 1000:.1f} KB a request",
                      flush=True)
                last = {**(last if kind == "get" else {}), kind: answer}
        print("  ".join(f"{kind}: {last[kind]['ops_per_second'] / first[kind]['ops_per_second']:.0%} of the rate, "
                        f"{last[kind]['cpu_us'] / first[kind]['cpu_us']:.0%} of the processor time"
                        for kind in first))
        pod.stop()
    finally:
        pod.process.kill()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()

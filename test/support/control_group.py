"""A control group that limits the memory of what runs in it; version 1 or 2, whichever there is."""
import os
import pathlib
import threading
import time

MOUNT = pathlib.Path("/sys/fs/cgroup")


class MemoryGroup:
    """Processes that join() may have `limit` bytes together. Where no group can be made, nothing is
    enforced, and the peak is that of the process's own anonymous memory (`enforced` is False)."""

    def __init__(self, limit):
        self.limit = limit
        self.path = None
        self.peak = 0
        self.process = None
        self.watching = None
        name = f"mas-test-{os.getpid()}-{time.monotonic_ns()}"
        for parent, file in ((MOUNT / "memory", "memory.limit_in_bytes"), (MOUNT, "memory.max")):
            path = parent / name
            try:
                path.mkdir()
            except OSError:
                continue
            try:
                (path / file).write_text(str(limit))
            except OSError:
                path.rmdir()
                continue
            self.path = path
            self.version = 1 if parent.name == "memory" else 2
            break

    @property
    def enforced(self):
        return self.path is not None

    def join(self):
        """In the child, before it becomes the program."""
        if self.enforced:
            (self.path / ("tasks" if self.version == 1 else "cgroup.procs")).write_text(str(os.getpid()))

    def facts(self, file):
        return {key: int(value) for key, value in
                (line.split() for line in (self.path / file).read_text().splitlines())}

    def anonymous(self):
        if not self.enforced:
            text = pathlib.Path(f"/proc/{self.process}/status").read_text()
            return int(text.split("RssAnon:")[1].split()[0]) * 1024
        return self.facts("memory.stat")["rss" if self.version == 1 else "anon"]

    def kills(self):
        """How many processes the kernel has ended for want of memory."""
        if not self.enforced:
            return 0
        file = "memory.oom_control" if self.version == 1 else "memory.events"
        return self.facts(file)["oom_kill"]

    def watch(self, process):
        """Notes the peak of anonymous memory until close()."""
        self.process = process
        self.watching = threading.Event()

        def note():
            while not self.watching.wait(0.02):
                try:
                    self.peak = max(self.peak, self.anonymous())
                except (OSError, IndexError):
                    return  # it has ended
        self.watcher = threading.Thread(target=note, daemon=True)
        self.watcher.start()

    def close(self):
        if self.watching:
            self.watching.set()
            self.watcher.join()
        if self.enforced:
            self.path.rmdir()

"""A daemon whose disk takes no writes when a test says so."""
import subprocess

from harness import Daemon


class FailingDaemon(Daemon):
    """Python ignores SIGXFSZ, and so does this: a write beyond the limit of file sizes is an error
    of that call, as on a disk that takes nothing any more."""
    restore_signals = False

    def fail_writes(self):
        self._limit("1")

    def write_again(self):
        self._limit("unlimited")

    def _limit(self, size):
        subprocess.run(["prlimit", f"--pid={self.process.pid}", f"--fsize={size}:"], check=True)

"""A file system of its own for a daemon: small enough to be filled in a test."""
import ctypes
import errno
import os
import pathlib
import shutil
import subprocess
import tempfile

import harness

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000


def own_mounts():
    """Moves this process into a mount namespace of its own, so that whatever happens its mounts
    end with it. Without root also into a user namespace that lets it mount."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "this test mounts a file system, for which it needs root or user "
                              f"namespaces: {os.strerror(number)}")
    if uid:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class SmallDisk:
    """A directory for a Daemon whose data lies on a file system of `size` bytes, which takes no more
    than `files` files (0: as many as there is room for)."""

    def __init__(self, size, files=0):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mas-disk-", dir=harness.WORK))
        self.data = self.home / "data"
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700,nr_inodes={files}", "mas-test",
                        str(self.data)], check=True)

    def free(self):
        space = os.statvfs(self.data)
        return space.f_bavail * space.f_frsize

    def occupy(self):
        """Takes all room that is left, as another program on the same disk might."""
        with open(self.data / "occupied", "ab") as file:
            os.posix_fallocate(file.fileno(), 0, self.free())

    def use_up_inodes(self):
        """Makes files until no more can be made."""
        directory = self.data / "many"
        directory.mkdir()
        try:
            for number in range(100_000):
                (directory / str(number)).touch()
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            return
        raise AssertionError("there is no end of inodes")

    def give_back_inodes(self):
        shutil.rmtree(self.data / "many")

    def give_back(self):
        (self.data / "occupied").unlink()

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.data)], check=True)
        shutil.rmtree(self.home)

#!/usr/bin/env python3
"""Builds the checker of histories where it is missing, and runs it. See README.md.

    check.py [--stale 5s] FILE...
    check.py --build
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = sorted(HERE.glob("*.go")) + [HERE / "go.mod", HERE / "go.sum"]


def checker():
    """The program's path, of these very sources. Two runs at once are safe."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    home = base / "mas" / "linearizability"
    program = home / f"check-{digest[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            build(home, program)
    return program


def build(home, program):
    go = shutil.which("go")
    if go is None:
        sys.exit("check.py: Go is missing; ./dev deps test installs it (package golang-go)")
    env = dict(os.environ, GOPATH=str(home / "path"), GOFLAGS="-modcacherw -mod=readonly",
               GOTOOLCHAIN="local", CGO_ENABLED="0")
    fresh = program.with_suffix(".new")
    done = subprocess.run([go, "build", "-trimpath", "-o", fresh, "."], cwd=HERE, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check.py: building the checker failed:\n{done.stdout[-4000:]}")
    fresh.rename(program)


def main():
    program = checker()
    if sys.argv[1:] != ["--build"]:
        sys.exit(subprocess.run([program, *sys.argv[1:]], check=False).returncode)


if __name__ == "__main__":
    main()

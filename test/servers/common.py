"""Starting real servers for tests: one process each, on free ports, in a directory of its own.

A server's module is a program: `NAME.py start DIR` returns when the server answers and has written
DIR/server.json (what tests need to know: addresses, files); `NAME.py stop DIR` ends what was started,
by its id, and returns when it is gone.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402,F401  for the servers too

PATIENCE = 120  # seconds until a server must answer


def spawn(command, directory, name="server", env=None, cwd=None):
    """Starts a program that outlives this one and holds none of its streams; its process id."""
    with open(directory / f"{name}.log", "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True, env=env, cwd=cwd or directory)
    return process


def wait_until(answers, process, directory, name="server", why=lambda: ""):
    """Returns when answers() is true; fails if the program ends or PATIENCE runs out, with what
    why() says of it."""
    end = time.monotonic() + PATIENCE
    while not answers():
        if process.poll() is not None or time.monotonic() > end:
            how = "has ended" if process.poll() is not None else f"is not ready after {PATIENCE} s"
            sys.exit(f"{name} {how}: {why()}\n" +
                     (directory / f"{name}.log").read_text(errors="replace")[-4000:])
        time.sleep(0.05)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def end(pid, patience=20):
    """Ends a process group that spawn() made, and waits until it is gone."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, signal.SIGCONT)
            os.killpg(pid, sent)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not pathlib.Path(f"/proc/{pid}").exists():
                return
            if "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text():
                return
            time.sleep(0.05)


def openssl(directory, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"openssl {arguments[0]}: {done.stderr}")


def make_certificates(directory):
    """ca.pem signs server.pem for 127.0.0.1 and localhost; other-ca.pem signs nothing."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "other-ca"):
        openssl(directory, "req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(directory, "req", *key, "-subj", "/CN=localhost", "-keyout", "server.key",
            "-out", "server.csr")
    (directory / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(directory, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "server.ext", "-out", "server.pem")


def main(start, stop):
    """start(directory) -> what goes into server.json, with "pid"; stop(directory, that)."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(f"usage: {sys.argv[0]} start|stop DIR")
    directory = pathlib.Path(sys.argv[2]).resolve()
    record = directory / "server.json"
    if record.exists():
        stop(directory, json.loads(record.read_text()))
        record.unlink()
    if sys.argv[1] == "stop":
        return
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    facts = start(directory)
    made = directory / "server.json.new"
    made.write_text(json.dumps(facts, indent=1) + "\n")
    made.rename(record)

"""A server of the MongoDB wire protocol for tests: `mongod` where one is installed, else
mongo-java-server on an H2 file (see mongo/). server.json: "url", "pid", and "command", which starts it
again on the same data.
"""
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess

import common

HERE = pathlib.Path(__file__).resolve().parent / "mongo"


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "mas" / "mongo-java-server-1.47.0"


def fetch_jars(jars):
    """Brings the jars once for all builds of this user; whole or not at all."""
    if jars.is_dir():
        return
    jars.parent.mkdir(parents=True, exist_ok=True)
    fresh = jars.with_name(f"{jars.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies",
                    f"-DoutputDirectory={fresh}"], check=True, stdin=subprocess.DEVNULL)
    try:
        fresh.rename(jars)
    except OSError:  # another build was faster
        shutil.rmtree(fresh)


def command_in(directory):
    """The command line of a server, with "{port}" and "{data}" (a directory of its own) to fill in."""
    if shutil.which("mongod"):
        return ["mongod", "--port", "{port}", "--dbpath", "{data}", "--bind_ip", "127.0.0.1",
                "--replSet", "rs0"]
    jars = cache()
    fetch_jars(jars)
    classes = directory / "classes"
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, HERE / "MongoWire.java"], check=True)
    return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-cp", f"{classes}:{jars}/*", "MongoWire", "{data}/records.h2", "{port}"]


def is_mongod(command):
    return command[0] == "mongod"


def document(fields):
    """A BSON document of numbers, texts, documents and lists: enough to ping and to set up."""
    body = b""
    for name, value in fields.items():
        key = name.encode() + b"\0"
        if isinstance(value, int):
            body += b"\x10" + key + struct.pack("<i", value)
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif isinstance(value, list):
            body += b"\x04" + key + document({str(i): item for i, item in enumerate(value)})
        else:
            body += b"\x03" + key + document(value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def run(port, fields):
    """The raw answer to one command of the admin database."""
    body = struct.pack("<IB", 0, 0) + document({**fields, "$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
        length = struct.unpack("<i", connection.recv(4, socket.MSG_WAITALL))[0]
        return connection.recv(length - 4, socket.MSG_WAITALL)


def answers(port):
    try:
        return b"ok" in run(port, {"ping": 1})
    except OSError:
        return False


def writable(port):
    return b"\x08isWritablePrimary\0\1" in run(port, {"hello": 1})


def launch(command, directory):
    """Starts a server; its process, port and command line."""
    port = common.free_port()
    data = directory / "data"
    data.mkdir()
    filled = [word.format(port=port, data=data) for word in command]
    process = common.spawn(filled, directory)
    common.wait_until(lambda: answers(port), process, directory)
    if is_mongod(command):
        run(port, {"replSetInitiate":
                   {"_id": "rs0", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}})
        common.wait_until(lambda: writable(port), process, directory)
    return process, port, filled


def start(directory):
    command = command_in(directory)
    process, port, filled = launch(command, directory)
    options = "replicaSet=rs0" if is_mongod(command) else "retryWrites=false"
    return {"pid": process.pid, "command": filled,
            "url": f"mongodb://127.0.0.1:{port}/?{options}"}


def stop(_, facts):
    common.end(facts["pid"])


if __name__ == "__main__":
    common.main(start, stop)

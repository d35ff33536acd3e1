"""A stranger on the broker: hears what pods publish, and publishes what it likes. As much of AMQP 0-9-1 as
that takes."""
import socket
import struct
import urllib.parse

METHOD, HEADER, BODY = 1, 2, 3
CONTENT_TYPE, ENCODING, HEADERS, DELIVERY_MODE = 0x8000, 0x4000, 0x2000, 0x1000


def short(text):
    return bytes([len(text)]) + text.encode()


def long(data):
    return struct.pack(">I", len(data)) + data


def table(entries):
    return long(b"".join(short(key) + b"S" + long(value.encode()) for key, value in entries.items()))


def method(class_, number, arguments=b""):
    return struct.pack(">HH", class_, number) + arguments


class Stranger:
    """With the rights of a pod: `url` is what pods connect with."""

    def __init__(self, url, exchange):
        parts = urllib.parse.urlsplit(url)
        self.exchange = exchange
        self.published = set()
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self.expect(10, 10)
        login = b"\0" + urllib.parse.unquote(parts.username).encode() + b"\0" + \
            urllib.parse.unquote(parts.password).encode()
        self.send(0, method(10, 11, table({}) + short("PLAIN") + long(login) + short("en_US")))
        # The broker's own limits, and no heartbeats.
        tune = self.expect(10, 30)
        self.send(0, method(10, 31, tune[:6] + b"\0\0"))
        self.send(0, method(10, 40, short(urllib.parse.unquote(parts.path[1:]) or "/") + b"\0\0"))
        self.expect(10, 41)
        self.send(1, method(20, 10, b"\0"))
        self.expect(20, 11)
        # Exclusive and gone with the connection.
        self.send(1, method(50, 10, b"\0\0" + short("") + b"\x0c" + table({})))
        answer = self.expect(50, 11)
        queue = answer[1:1 + answer[0]].decode()
        self.send(1, method(50, 20, b"\0\0" + short(queue) + short(exchange) + short("") + b"\0" +
                            table({})))
        self.expect(50, 21)
        self.send(1, method(60, 20, b"\0\0" + short(queue) + short("") + b"\x02" + table({})))
        self.expect(60, 21)

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, channel, payload, kind=METHOD):
        self.socket.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce")

    def frame(self):
        kind, _, size = struct.unpack(">BHI", self.file.read(7))
        payload = self.file.read(size)
        assert self.file.read(1) == b"\xce"
        return kind, payload

    def expect(self, class_, number):
        kind, payload = self.frame()
        assert kind == METHOD and payload[:4] == struct.pack(">HH", class_, number), payload[:60]
        return payload[4:]

    def publish(self, body, headers=None):
        self.published.add(body)
        self.send(1, method(60, 40, b"\0\0" + short(self.exchange) + short("") + b"\0"))
        flags = CONTENT_TYPE | (HEADERS if headers else 0)
        properties = short("application/json") + (table(headers) if headers else b"")
        self.send(1, struct.pack(">HHQH", 60, 0, len(body), flags) + properties, HEADER)
        self.send(1, body, BODY)

    def hear(self):
        """The next message: its body and its headers."""
        kind, payload = self.frame()
        while kind != HEADER:
            kind, payload = self.frame()
        size, flags = struct.unpack(">QH", payload[4:14])
        headers = self.headers_of(payload[14:], flags)
        body = b""
        while len(body) < size:
            body += self.frame()[1]
        return body, headers

    @staticmethod
    def headers_of(rest, flags):
        for flag in (CONTENT_TYPE, ENCODING):
            if flags & flag:
                rest = rest[1 + rest[0]:]
        if not flags & HEADERS:
            return {}
        rest, found = rest[4:4 + struct.unpack(">I", rest[:4])[0]], {}
        while rest:
            key, rest = rest[1:1 + rest[0]].decode(), rest[1 + rest[0]:]
            assert rest[:1] == b"S"
            size = struct.unpack(">I", rest[1:5])[0]
            found[key], rest = rest[5:5 + size].decode(), rest[5 + size:]
        return found

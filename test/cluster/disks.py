"""What lies on the disks of a cluster, asked from outside over the pods' peer ports (doc/peer-protocol.md).

A test that compares this with what clients are told shares no code with the pods.
"""
import ctypes
import ctypes.util
import pathlib
import struct
import urllib.parse

import peer_port

KEY_BYTES = 43
SHARD, MANIFEST = 1, 2
LIVE = 1


class Sum128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


XXHASH = ctypes.CDLL(ctypes.util.find_library("xxhash"))
XXHASH.XXH3_128bits.restype = Sum128
XXHASH.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def sum_of(body):
    found = XXHASH.XXH3_128bits(body, len(body))
    return f"{found.high:016x}{found.low:016x}"


class Extent:
    def __init__(self, raw):
        self.id = raw[:16]
        self.length, self.stripe, self.k, self.m = struct.unpack("<QIBB", raw[16:30])

    def keys(self):
        """One list a stripe: the keys of its shards by number."""
        return [[struct.pack(">B32sQH", SHARD, self.id, number, shard)
                 for shard in range(self.k + self.m)]
                for number in range(-(-self.length // self.stripe))]


class Object:
    """A record as `metadata-format.md` has it."""

    def __init__(self, raw):
        assert raw[:1] == b"O", raw[:20]
        self.hash, self.size, length = struct.unpack_from("<32sQI", raw, 2)
        at = 46 + length
        self.created, self.generation, self.replaces, self.state = struct.unpack_from("<qQQB", raw, at)
        count, = struct.unpack_from("<I", raw, at + 25 + 1 + 8)
        at += 25 + 1 + 8 + 4
        self.extents = [Extent(raw[at + 30 * i:at + 30 * i + 30]) for i in range(count)]


class Presence:
    """The worst stripe of a file: shards that stand, of how many, and how many pods it may lose."""

    def __init__(self, held, meant, survives):
        self.held, self.meant, self.survives = held, meant, survives

    def __repr__(self):
        return f"{self.held}/{self.meant}, survives {self.survives}"


class Disks:
    """Of the pods of `cluster`. Pods that are down hold nothing."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.secret = (cluster.dir / "secrets" / "cluster-secret").read_text().strip()

    # ---- one call ----

    def incarnation(self, pod):
        lines = (pathlib.Path(pod["data"]) / "volume").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith("set "))

    def ask(self, pod, method, path, body=None):
        """Body and headers of the answer; None where the pod does not answer."""
        try:
            own = self.incarnation(pod)
        except OSError:  # on its way to a new disk
            return None
        slot = urllib.parse.quote(pod["name"])
        fields = {"Mas-Target-Slot": slot, "Mas-Target-Incarnation": own, "Mas-Slot": slot,
                  "Mas-Incarnation": own, "Mas-Layout": "0"}
        if body is not None:
            fields["Mas-Sum"] = sum_of(body)
        answer = peer_port.call(pod["peer"], self.secret, method, path, fields, body)
        if answer is None:
            return None
        status, fields, data = answer
        if status == 403:  # no member yet
            return None
        assert status == 200, (pod["name"], path, status, data[:300])
        assert not data or sum_of(data) == fields["Mas-Sum"], path
        return data, fields

    # ---- losing what lies on them ----

    def spoil_beyond_repair(self, record):
        """Flips a byte in so many shards of every stripe of a file, on every pod, that none can be read
        any more, and has their pods notice it, as a reader would."""
        for extent in record.extents:
            for keys in extent.keys():
                for key in keys[extent.k - 1:]:
                    self.spoil(key)

    def spoil(self, key):
        for pod in self.cluster.pods:
            if self.flip(pathlib.Path(pod["data"]) / "segments", key):
                self.ask(pod, "POST", f"quarantine/{key.hex()}")

    @staticmethod
    def flip(segments, key):
        """One byte of every copy of a record (doc/store-format.md); whether there is one."""
        kind, id_, major, minor = struct.unpack(">B32sQH", key)
        ending = id_ + struct.pack("<Q", major)
        found = False
        for segment in segments.glob("*.seg"):
            data = segment.read_bytes()
            at = data.find(ending)
            while at >= 0:
                head = at - 32
                payload, length = Disks.payload_of(data, head, kind, minor)
                if length:
                    found = True
                    with open(segment, "r+b") as file:
                        file.seek(payload + length - 1)
                        file.write(bytes([data[payload + length - 1] ^ 0xff]))
                at = data.find(ending, at + 1)
        return found

    @staticmethod
    def payload_of(data, head, kind, minor):
        """Place and length of the payload of the record header at `head`; 0, 0 if it is none."""
        if head < 0 or data[head:head + 4] != struct.pack("<BBH", 1, kind, minor):
            return 0, 0
        frame = head & ~4095
        while data[frame:frame + 8] != b"MAS-FRM\n":
            frame -= 4096
        length, = struct.unpack_from("<I", data, head + 4)
        return frame + struct.unpack_from("<Q", data, head + 72)[0], length

    # ---- what all pods hold ----

    def holders(self, keys):
        """For each key the names of the pods that hold it."""
        found = [set() for _ in keys]
        for pod in self.cluster.pods:
            for first in range(0, len(keys), 4096):
                some = keys[first:first + 4096]
                answer = self.ask(pod, "POST", "have", b"".join(some))
                for number, one in enumerate(answer[0] if answer else b"0" * len(some), first):
                    if one == ord("1"):
                        found[number].add(pod["name"])
        return found

    def records(self):
        """Every record that some pod carries, newest last: hash -> Object."""
        found = {}
        for pod in self.cluster.pods:
            after = None
            while True:
                answer = self.ask(pod, "GET", "objects" + (f"?after={after}" if after else ""))
                if answer is None:
                    break
                for raw in self.carried(answer[0]):
                    record = Object(raw)
                    known = found.get(record.hash.hex())
                    if known is None or record.generation > known.generation:
                        found[record.hash.hex()] = record
                after = answer[1].get("Mas-Next")
                if after is None:
                    break
        return found

    @staticmethod
    def carried(page):
        at = 0
        while at < len(page):
            length, = struct.unpack_from("<I", page, at + KEY_BYTES)
            at += KEY_BYTES + 4
            if length:
                yield page[at:at + length]
            at += length

    def presence(self, hash_):
        """How much of a live file stands now, by its newest record on any pod."""
        record = self.records().get(hash_)
        assert record is not None and record.state == LIVE, f"{hash_}: no pod carries its record"
        return self.presence_of(record)

    def presence_of(self, record):
        if not record.extents:  # an empty file is its manifests
            keys = [struct.pack(">B32sQH", MANIFEST, record.hash, record.generation, copy)
                    for copy in range(16)]
            holders = set().union(*self.holders(keys))
            return Presence(len(holders), len(holders), len(holders) - 1)
        stripes = [(extent, keys) for extent in record.extents for keys in extent.keys()]
        holders = iter(self.holders([key for _, keys in stripes for key in keys]))
        worst = None
        for extent, keys in stripes:
            of = [next(holders) for _ in keys]
            shards = sum(1 for names in of if names)
            # Two shards on one pod are lost together.
            pods = min(shards, len(set().union(*of)))
            if worst is None or pods - extent.k < worst.survives:
                worst = Presence(shards, extent.k + extent.m, pods - extent.k)
        return worst

"""Plays recorded checks against running pods and compares every answer. Frozen: see README.md.

A check is a JSON file: `contents` names byte strings by their size (their bytes follow from the names of
the check and the content), `steps` are requests and the answers they got. In texts, ${NAME} stands for a
saved value, for the hash of a content, for `system`, the system token. An expected text in <> stands for
what differs from run to run:

    <token> <sentence> <time> <id> <any> <number> <addresses>      see FORMS
    <receipt>       n/n, both the same
    <all of> a, b   a list with at least these
"""
import base64
import hashlib
import http.client
import json
import re
import time

FORMS = {
    "<any>": lambda value, pods: isinstance(value, str) and value != "",
    "<id>": lambda value, pods: re.fullmatch(r"[0-9a-f]{16}", str(value)),
    "<token>": lambda value, pods: re.fullmatch(r"[A-Za-z0-9_-]+\.[0-9a-f]{64}", str(value)),
    "<sentence>": lambda value, pods: re.fullmatch(r"[A-Z0-9].{5,}\.", str(value)),
    "<number>": lambda value, pods: str(value).isdigit(),
    "<receipt>": lambda value, pods: re.fullmatch(r"(\d+)/\1", str(value)),
    "<time>": lambda value, pods: isinstance(value, int) and abs(value - time.time()) < 600,
    "<addresses>": lambda value, pods: sorted(value) == sorted(pods),
}

# What every answer carries, and every one in JSON besides; null: what none may carry.
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
          "Mas-Request-Id": "<id>", "Access-Control-Allow-Origin": "*",
          "Access-Control-Expose-Headers":
              "<all of> ETag, Content-Range, Accept-Ranges, Content-Disposition, Retry-After, "
              "Mas-Request-Id, Mas-Durable, Mas-Survives",
          "Access-Control-Allow-Credentials": None, "Content-Encoding": None}
WITH_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Mismatch(AssertionError):
    pass


class Player:
    """Plays one check. `pods`: their addresses, asked in turn where a step names none; `system`: the
    system token; `advance`: moves the pods' clocks on by so many seconds, or None."""

    def __init__(self, check, pods, system, advance=None):
        self.pods, self.advance, self.turn = pods, advance, 0
        self.name, self.steps = check["name"], check["steps"]
        self.contents = {
            name: hashlib.shake_128(f"{check['name']}/{name}".encode()).digest(size)
            for name, size in check.get("contents", {}).items()}
        self.values = {name: hashlib.sha256(data).hexdigest()
                       for name, data in self.contents.items()}
        self.values["system"] = system

    def play(self):
        for number, step in enumerate(self.steps, 1):
            try:
                self.perform(step)
            except Mismatch as wrong:
                raise Mismatch(f"{self.name}, step {number} "
                               f"({json.dumps(step.get('request'))[:300]}): {wrong}") from None

    def perform(self, step):
        if "advance" in step:
            self.advance(step["advance"])
            return
        status, headers, body = self.send(step["request"])
        self.compare(step["answer"], status, headers, body)
        for name, path in step.get("save", {}).items():
            value = json.loads(body)
            for key in path.split("."):
                value = value[key]
            self.values[name] = value

    # ---- requests ----

    def fill(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda found: self.values[found[1]], text)

    def part_of(self, name):
        """The bytes that `a`, `a[5:]` or `a[5:10]` stand for."""
        found = re.fullmatch(r"(\w+)(?:\[(\d*):(\d*)\])?", name)
        data = self.contents[found[1]]
        return data[int(found[2] or 0):int(found[3]) if found[3] else len(data)]

    def body_of(self, request):
        """The body, and the Content-Type if it is a form."""
        if "body" in request:
            return self.part_of(request["body"]), None
        if "text" in request:
            return self.fill(request["text"]).encode(), request.get("type")
        if "form" not in request:
            return None, None
        boundary = "seed-client-boundary"
        body = b""
        for kind, name, value in request["form"]:
            extra, data = "", self.fill(value).encode() if kind == "field" else self.part_of(value)
            if kind == "file":
                filename, name = name, "file"
                extra = f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
            body += (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
                     ).encode() + data + b"\r\n"
        if request.get("cut"):
            return body, f"multipart/form-data; boundary={boundary}"
        return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"

    def send(self, request):
        pod = request.get("pod", self.turn)
        self.turn += 1
        body, kind = self.body_of(request)
        connection = http.client.HTTPConnection(self.pods[pod % len(self.pods)], timeout=60)
        try:
            connection.putrequest(request["method"], self.fill(request["path"]),
                                  skip_accept_encoding=True)
            for name, value in request.get("headers", []):
                connection.putheader(name, self.fill(value))
            if kind:
                connection.putheader("Content-Type", kind)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    # ---- answers ----

    def compare(self, expected, status, headers, body):
        if status != expected["status"]:
            raise Mismatch(f"status {status}, not {expected['status']}: {body[:300]!r}")
        wanted = dict(ALWAYS, **(WITH_JSON if "json" in expected else {}))
        for name, value in {**wanted, **expected.get("headers", {})}.items():
            got = headers.get_all(name) or []
            if value is None:
                self.check(got == [], f"{name}: {got} should not be there")
            else:
                self.check(len(got) == 1 and self.matches(value, got[0]),
                           f"{name}: {got}, not {value!r}")
        if "json" in expected:
            got = json.loads(body)
            self.check(self.matches(expected["json"], got),
                       f"body {json.dumps(got)[:600]}, not {json.dumps(expected['json'])}")
        elif "content" in expected:
            wanted = self.part_of(expected["content"])
            self.check(body == wanted, f"{len(body)} other bytes than the {len(wanted)} expected")
        else:
            self.check(body == b"", f"a body: {body[:100]!r}")
        if "claims" in expected:
            self.compare_claims(expected["claims"], json.loads(body)["data"]["token"])

    def compare_claims(self, expected, token):
        payload = token.split(".")[0]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        for name, value in expected.items():
            self.check(name in claims and self.matches(value, claims[name]),
                       f"the token's claims {claims}: {name} should be {value!r}")

    def matches(self, expected, got):
        """Objects have the same fields in the same order."""
        if isinstance(expected, dict):
            return (isinstance(got, dict) and list(got) == list(expected) and
                    all(self.matches(value, got[name]) for name, value in expected.items()))
        if isinstance(expected, list):
            return (isinstance(got, list) and len(got) == len(expected) and
                    all(map(self.matches, expected, got)))
        if not isinstance(expected, str):
            return type(got) is type(expected) and got == expected
        if expected in FORMS:
            return bool(FORMS[expected](got, self.pods))
        if expected.startswith("<all of> "):
            return set(expected[9:].split(", ")) <= set(got.split(", "))
        return got == self.fill(expected)

    @staticmethod
    def check(holds, text):
        if not holds:
            raise Mismatch(text)

"""Every route and status of http.md, each answer checked against openapi.json."""
import json
import os
import time
import urllib.parse

from harness import DaemonTest, form, sha256

UNKNOWN = "0" * 64
SYSTEM_CALLS = [
    ("GET", "/api/server/signal"), ("GET", "/api/token/upload"), ("GET", "/api/token/download"),
    ("GET", "/api/file/info"), ("POST", "/api/file/upload/object"), ("GET", "/api/file/list"),
    ("DELETE", "/api/file"), ("GET", "/api/cluster/status"), ("GET", "/api/file/upload/finish"),
    ("POST", "/api/cluster/worker"),
    ("POST", "/api/cluster/rebuild-metadata"), ("GET", "/api/cluster/rebuild-metadata")]
UPLOAD_CALLS = [
    ("POST", "/api/file/upload/single"), ("PUT", "/api/file/upload/single"),
    ("GET", "/api/file/upload/init"), ("POST", "/api/file/upload/init"),
    ("POST", "/api/file/upload/chuck"), ("PUT", "/api/file/upload/chuck"),
    ("POST", "/api/file/upload/chunk"), ("PUT", "/api/file/upload/chunk"),
    ("GET", "/api/file/upload/parts"), ("DELETE", "/api/file/upload")]
DOWNLOAD_CALLS = [("GET", "/api/file/upload/download"), ("HEAD", "/api/file/upload/download"),
                  ("GET", "/api/file/download"), ("HEAD", "/api/file/download")]
# Statuses that only a fault behind the server, a full disk or a limit of time can bring about:
# other suites provoke them (faults_test.py, disk_full_test.py, limits_test.py, early_test.py,
# token_limits_test.py).
NEED_FAULTS = {408, 414, 417, 429, 431, 500, 501, 503, 507}


class ContractTest(DaemonTest):
    def fresh(self, size=1000):
        data = os.urandom(size)
        return data, sha256(data)

    def test_01_every_route_answers_200_as_described(self):
        mas = self.mas
        self.assertEqual(mas.call("GET", "/healthz").status, 200)
        self.assertEqual(mas.call("GET", "/readyz").status, 200)
        metrics = mas.call("GET", "/metrics")
        self.assertIn(b"mas_build_info{", metrics.body)
        self.assertEqual(mas.call("GET", "/openapi.json").json["openapi"], "3.1.0")
        signal = mas.call("GET", "/api/server/signal", system=True)
        self.assertEqual(signal.data["ip"], [f"{mas.host}:{mas.port}"])
        status = mas.call("GET", "/api/cluster/status", system=True)
        self.assertEqual((status.status, status.data["profile"]), (200, "1+0"))
        self.assertEqual(len(status.data["pods"]), 1)
        for paused in (1, 0):
            worker = mas.call("POST", "/api/cluster/worker", {"name": "scrub", "paused": paused},
                              system=True)
            self.assertEqual((worker.status, worker.data["paused"]), (200, bool(paused)))
        for method in ("POST", "PUT"):
            self.one_request(method)
            self.parts("GET" if method == "PUT" else "POST", method)
        self.rebuild()

    def rebuild(self):
        mas, path = self.mas, "/api/cluster/rebuild-metadata"
        self.assertIsNone(mas.call("GET", path, system=True).data)
        self.refused(mas.call("POST", path, {"verify": 2}, system=True), 400, 5205)
        self.assertEqual(mas.call("POST", path, {"verify": 1}, system=True).status, 200)
        end = time.monotonic() + 60
        while (report := mas.call("GET", path, system=True)).data["running"]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual((report.status, report.data["phase"], report.data["error"],
                          report.data["restored"], report.data["not_restored"]),
                         (200, "done", "", 0, 0))
        self.assertEqual(report.data["verified"], report.data["files"])

    def one_request(self, method):
        mas = self.mas
        data, name = self.fresh()
        single = mas.call(method, "/api/file/upload/single", {"name": "a.txt"}, body=data,
                          token=mas.upload_token(name))
        self.assertEqual(single.status, 200, single.body)
        self.assertEqual(list(single.data), ["size", "name", "hash", "persistence", "create_time",
                                             "server_ip"])
        self.assertEqual((single.data["size"], single.data["name"], single.data["hash"],
                          single.data["persistence"]), (1000, "a.txt", name, True))
        self.assertEqual(single.headers["Mas-Durable"], "1/1")
        self.assertEqual(single.headers["Mas-Survives"], "0")
        self.assertEqual(mas.call("GET", "/api/file/info", {"hash": name}, system=True).data,
                         single.data)
        for path in ("/api/file/upload/download", "/api/file/download"):
            token = mas.download_token(name)
            self.assertEqual(mas.call("GET", path, token=token).body, data)
            head = mas.call("HEAD", path, token=token)
            self.assertEqual((head.status, head.headers["Content-Length"]), (200, "1000"))
            self.assertEqual(mas.call("GET", path, {"token": token}).body, data)
        more, other = self.fresh()
        stored = mas.call(method, "/api/file/upload/object", {"name": "o"}, body=more, system=True)
        self.assertEqual((stored.status, stored.data["hash"]), (200, other))
        self.assertEqual(mas.call("DELETE", "/api/file", {"hash": other}, system=True).status, 200)
        self.refused(mas.call("DELETE", "/api/file", {"hash": other}, system=True), 404, 5407)
        self.refused(mas.call("GET", "/api/file/info", {"hash": other}, system=True), 404, 5407)

    def parts(self, way, method):
        mas = self.mas
        data, name = self.fresh()
        token = mas.upload_token(name)
        opened = mas.call(way, "/api/file/upload/init", {"name": "p.bin"}, token=token)
        self.assertEqual((opened.status, opened.data["persistence"]), (200, False), opened.body)
        self.assertFalse(mas.call("GET", "/api/file/info", {"hash": name},
                                  system=True).data["persistence"])
        second = mas.call(method, "/api/file/upload/chunk", {"chunk": 2}, body=data[400:],
                          token=token)
        self.assertEqual(second.data, {"speed": 1, "status": "success"})
        listed = mas.call("GET", "/api/file/upload/parts", token=token)
        self.assertEqual((listed.data["parts"], listed.data["missing"], listed.data["stored"]),
                         ([{"chuck": 2, "size": 600}], [1], 600))
        holes = mas.call(way, "/api/file/upload/finish", token=token, system=True)
        self.refused(holes, 409, 5413)
        self.assertEqual(holes.data, {"missing": [1]})
        first = mas.call(method, "/api/file/upload/chuck", {"chuck": 1}, body=data[:400],
                         token=token)
        self.assertEqual(first.data["speed"], 2)
        for _ in range(2):
            done = mas.call(way, "/api/file/upload/finish", token=token, system=True)
            self.assertEqual((done.status, done.data["persistence"], done.data["name"]),
                             (200, True, "p.bin"), done.body)
        again = mas.call(way, "/api/file/upload/init", {"name": "mine"}, token=token)
        self.assertEqual((again.data["persistence"], again.data["name"]), (True, "mine"))
        late = mas.call(method, "/api/file/upload/chuck", {"chuck": 1}, body=b"x", token=token)
        self.refused(late, 409, 5411)
        self.assertEqual(mas.get(name).body, data)
        dropped, gone = self.fresh()
        token = mas.upload_token(gone)
        mas.call(way, "/api/file/upload/init", token=token)
        self.assertEqual(mas.call("DELETE", "/api/file/upload", token=token).status, 200)
        self.refused(mas.call("GET", "/api/file/upload/parts", token=token), 409, 5410)
        self.refused(mas.call(method, "/api/file/upload/chunk", {"chunk": 1}, body=dropped,
                              token=token), 409, 5410)

    def test_02_the_list_pages_through_everything_in_order_of_hash(self):
        names = sorted(self.mas.put(os.urandom(10), f"list-{i}")["hash"] for i in range(5))
        seen, after = [], ""
        while True:
            page = self.mas.call("GET", "/api/file/list",
                                 {"limit": 2, "after": after, "name_contains": "list-"},
                                 system=True)
            self.assertEqual(page.status, 200, page.body)
            seen += [record["hash"] for record in page.data["files"]]
            after = page.data["next"]
            if not after:
                break
        self.assertEqual(seen, names)
        one = self.mas.call("GET", "/api/file/list", {"prefix": names[0][:9].upper()}, system=True)
        self.assertEqual([record["hash"] for record in one.data["files"]], names[:1])

    def test_03_refused_tokens(self):
        mas = self.mas
        data, name = self.fresh()
        mas.put(data)
        up, down = mas.upload_token(name), mas.download_token(name)
        forged = up[:-1] + ("0" if up[-1] != "0" else "1")
        for method, path in SYSTEM_CALLS:
            for headers in ({}, {"systemToken": "guess"}, {"systemToken": up}):
                answer = mas.call(method, path, headers=headers, token=up)
                self.refused(answer, 401, 5303)
                self.assertEqual(answer.headers["WWW-Authenticate"], "Mas")
        for method, path in UPLOAD_CALLS + DOWNLOAD_CALLS:
            for token in (None, "", "x", forged, "a.b", "." * 100, "A" * 5000, mas.system):
                answer = mas.call(method, path, token=token)
                self.assertEqual(answer.status, 401, (method, path, token))
                if method != "HEAD":
                    self.refused(answer, 401, 5301)
        for method, path in UPLOAD_CALLS:
            self.refused(mas.call(method, path, token=down), 403, 5301)
        for method, path in DOWNLOAD_CALLS:
            self.assertEqual(mas.call(method, path, token=up).status, 403)
        # Another file's hash beside the token.
        self.refused(mas.call("GET", "/api/file/download", {"hash": UNKNOWN}, token=down), 401,
                     5301)
        # In the query: on downloads alone, and only if both agree.
        self.refused(mas.call("GET", "/api/file/upload/init", {"token": up}), 401, 5301)
        self.refused(mas.call("GET", "/api/file/download", {"token": up}, token=down), 400, 5205)
        self.assertEqual(mas.call("GET", "/api/file/download", {"token": down},
                                  token=down).status, 200)
        self.assertGreater(mas.metric("mas_token_refusals_total"), 50)

    def test_04_malformed_parameters(self):
        mas = self.mas
        _, name = self.fresh()
        up, down = mas.upload_token(name), mas.download_token(name)
        for path in ("/api/file/info", "/api/token/upload", "/api/token/download"):
            self.refused(mas.call("GET", path, system=True), 400, 5204)
            for bad in (name[:-1], name + "0", "g" * 64, "../../etc/passwd"):
                self.refused(mas.call("GET", path, {"hash": bad}, system=True), 400, 5402)
        self.refused(mas.call("DELETE", "/api/file", {"hash": "x"}, system=True), 400, 5402)
        self.refused(mas.call("GET", "/api/file/info?hash=%zz".split("?")[0] + "", {"hash": "\0"},
                              system=True), 400, 5205)
        for bad in ("0", "10001", "-1", "x", "1.5", ""):
            self.refused(mas.call("POST", "/api/file/upload/chuck", {"chuck": bad}, body=b"x",
                                  token=up), 400, 5205)
        self.refused(mas.call("POST", "/api/file/upload/chuck", body=b"x", token=up), 400, 5204)
        for bad in ("-1", "x", "1 ", ""):
            self.refused(mas.call("GET", "/api/file/download", {"seek": bad}, token=down), 400,
                         5205)
        for query in ({"limit": 0}, {"limit": 1001}, {"after": "x"}, {"prefix": "x"}):
            self.refused(mas.call("GET", "/api/file/list", query, system=True), 400, 5205)
        for bad in (b"a\r\nb", b"a\0b", b"\xff\xfe", b"../x", b"a/../../b", b"\xc0\xaf", b"\x7f",
                    b"n" * 1025):
            self.refused(mas.call("POST", "/api/file/upload/single", {"name": bad}, body=b"x",
                                  token=up), 400, 5205)
            quoted = urllib.parse.quote(bad, safe="")
            self.refused(mas.call("POST", "/api/file/upload/single", body=b"x", token=up,
                                  headers={"name": quoted}), 400, 5205)
        for digest in ("", "sha-256=x", "md5=:AAAA:", "sha-256=:AAAA:"):
            self.refused(mas.call("POST", "/api/file/upload/chuck", {"chuck": 1}, body=b"x",
                                  token=up, headers={"Content-Digest": digest}), 400, 5205)

    def test_05_doubled_headers_and_parameters(self):
        mas = self.mas
        up = mas.upload_token(UNKNOWN)
        for lines in (f"token: {up}\r\nToken: {up}\r\n",
                      f"systemToken: {mas.system}\r\nsystemtoken: {mas.system}\r\n"):
            answer = mas.raw((f"GET /api/file/upload/init HTTP/1.1\r\nHost: x\r\n{lines}"
                              "Connection: close\r\n\r\n").encode())
            self.refused(answer, 400, 5205)
        answer = mas.raw((f"GET /api/file/info?hash={UNKNOWN}&hash={UNKNOWN} HTTP/1.1\r\n"
                          f"Host: x\r\nsystemToken: {mas.system}\r\nConnection: close\r\n\r\n")
                         .encode())
        self.refused(answer, 400, 5205)

    def test_06_unknown_routes_and_wrong_methods(self):
        mas = self.mas
        for path in ("/", "/api", "/api/file/infos", "/api/file/info/", "/../etc/passwd"):
            self.refused(mas.call("GET", path), 404, 5910)
        listed = {}
        for method, path, _ in mas.description.operations():
            listed.setdefault(path, set()).add(method)
        for path, methods in listed.items():
            for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - methods:
                answer = mas.call(method, path)
                self.refused(answer, 405, 5911)
                self.assertEqual(set(answer.headers["Allow"].split(", ")), methods | {"OPTIONS"})
            options = mas.call("OPTIONS", path, headers={"Origin": "https://a.example"})
            self.assertEqual((options.status, options.body), (204, b""))
            self.assertEqual(set(options.headers["Access-Control-Allow-Methods"].split(", ")),
                             methods | {"OPTIONS"})
            self.assertNotIn("systemToken", options.headers["Access-Control-Allow-Headers"])

    def test_07_every_answer_carries_the_headers_of_the_contract(self):
        mas = self.mas
        data, name = self.fresh()
        mas.put(data)
        down = mas.download_token(name)
        ids = set()
        for answer in (mas.call("GET", "/healthz"), mas.call("GET", "/nowhere"),
                       mas.call("OPTIONS", "/healthz"), mas.call("GET", "/api/file/list"),
                       mas.call("GET", "/api/file/download", token=down),
                       mas.call("GET", "/api/file/download", token=down,
                                headers={"If-None-Match": "*"}),
                       mas.raw(b"nonsense\r\n\r\n")):
            for header, value in (("X-Content-Type-Options", "nosniff"),
                                  ("Referrer-Policy", "no-referrer"),
                                  ("Access-Control-Allow-Origin", "*")):
                self.assertEqual(answer.headers.get_all(header), [value])
            self.assertEqual(len(answer.headers.get_all("Mas-Request-Id")), 1)
            ids.add(answer.headers["Mas-Request-Id"])
            self.assertIsNone(answer.headers["Access-Control-Allow-Credentials"])
            if answer.headers["Content-Type"] == "application/json":
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(len(ids), 7)

    def test_08_names_from_every_place(self):
        mas = self.mas
        name = "\u6587\u4ef6 r\u00e9sum\u00e9.txt"
        quoted = urllib.parse.quote(name)
        field, other = [("name", "field")], [("chuck", "x" * 30_000), ("size", "-1")]
        for query, headers, filename, before, after in (
                ({"name": name}, {"name": "header"}, "f", field, ()),
                ({"name": name}, {"name": "header"}, "f", (), field),
                (None, {"name": quoted}, "f", field, ()),
                (None, {}, "f", [("name", name)], other),
                (None, {}, "f", other, [("name", name)]),
                (None, {}, "../dir/" + name, (), ())):
            # Small, one stripe, and many: the name is needed at different places.
            for size in (1000, 300_000, 5_000_000):
                data, hash_ = self.fresh(size)
                body, kind = form(data, filename, before, after)
                for path, access in (
                        ("/api/file/upload/single", {"token": mas.upload_token(hash_)}),
                        ("/api/file/upload/object", {"system": True})):
                    answer = mas.call("POST", path, query, body=body, headers={**kind, **headers},
                                      **access)
                    self.assertEqual((answer.status, answer.data["name"]), (200, name),
                                     answer.body)
                    info = mas.call("GET", "/api/file/info", {"hash": hash_}, system=True)
                    self.assertEqual(info.data["name"], name)
                    if size == 1000:
                        mas.call("DELETE", "/api/file", {"hash": hash_}, system=True)
        for size in (1000, 5_000_000):
            data, hash_ = self.fresh(size)
            for after in (field * 2, [("name", "a\nb")], [("name", "n" * 1025)]):
                body, kind = form(data, after=after)
                self.refused(mas.call("POST", "/api/file/upload/single", body=body, headers=kind,
                                      token=mas.upload_token(hash_)), 400, 5205)
            self.refused(mas.call("GET", "/api/file/info", {"hash": hash_}, system=True), 404,
                         5407)
        data, hash_ = self.fresh()
        answer = mas.call("POST", "/api/file/upload/single", body=data,
                          token=mas.upload_token(hash_))
        self.assertEqual(answer.data["name"], hash_)

    def test_09_bodies_that_are_not_what_they_should_be(self):
        mas = self.mas
        data, name = self.fresh()
        token = mas.upload_token(name)

        def single(body, headers=None):
            return mas.call("POST", "/api/file/upload/single", body=body, headers=headers or {},
                            token=token)
        self.refused(single(b"other"), 422, 5403)
        body, kind = form(data)
        self.refused(single(body[:-20], kind), 400, 5201)
        self.refused(single(b"junk", kind), 400, 5201)
        self.refused(single(body.replace(b'name="file"', b'name="else"'), kind), 400, 5204)
        self.refused(single(body.replace(b"--mas-test-boundary--\r\n", body), kind), 400, 5205)
        self.refused(single(body, {"Content-Type": "multipart/form-data"}), 415, 5914)
        self.refused(single(body, {"Content-Encoding": "gzip"}), 415, 5914)
        long_field, kind = form(data, before=[("note", "x" * 70_000)])
        self.refused(single(long_field, kind), 400, 5201)
        bounded = mas.upload_token(name, max_size=999)
        self.refused(mas.call("POST", "/api/file/upload/single", body=data, token=bounded), 413,
                     5412)
        self.refused(mas.call("POST", "/api/file/upload/single", body=iter([data]),
                              token=bounded), 413, 5412)
        mas.call("GET", "/api/file/upload/init", token=bounded)
        self.assertEqual(mas.call("POST", "/api/file/upload/chuck", {"chuck": 1}, body=data[:600],
                                  token=bounded).status, 200)
        self.refused(mas.call("POST", "/api/file/upload/chuck", {"chuck": 2}, body=data[600:],
                              token=bounded), 413, 5412)
        self.refused(mas.call("GET", "/api/file/info", {"hash": UNKNOWN}, system=True), 404, 5407)
        # After all this the token still stores its file.
        self.assertEqual(single(data).status, 200)

    def test_10_content_digest_of_a_part(self):
        import base64
        import hashlib
        mas = self.mas
        data, name = self.fresh()
        token = mas.upload_token(name)
        mas.call("GET", "/api/file/upload/init", token=token)

        def part(content):
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            body, kind = form(data)
            return mas.call("POST", "/api/file/upload/chuck", {"chuck": 1}, body=body,
                            headers={**kind, "Content-Digest": f"sha-256=:{digest}:"},
                            token=token)
        self.refused(part(b"other"), 422, 5403)
        self.assertEqual(mas.call("GET", "/api/file/upload/parts", token=token).data["parts"], [])
        self.assertEqual(part(data).status, 200)

    def test_11_instant_upload_gives_no_other_name_away(self):
        mas = self.mas
        data, name = self.fresh()
        mas.put(data, "private.txt")
        token = mas.upload_token(name)
        for answer in (mas.call("GET", "/api/file/upload/init", token=token),
                       mas.call("POST", "/api/file/upload/single", body=data, token=token)):
            self.assertEqual((answer.data["persistence"], answer.data["name"]), (True, name))
        silent = mas.upload_token(name, instant=0)
        opened = mas.call("GET", "/api/file/upload/init", token=silent)
        self.assertFalse(opened.data["persistence"])
        self.assertEqual(mas.call("POST", "/api/file/upload/chuck", {"chuck": 1}, body=data,
                                  token=silent).status, 200)
        done = mas.call("GET", "/api/file/upload/finish", token=silent, system=True)
        self.assertEqual((done.status, done.data["persistence"]), (200, True))
        self.assertNotIn(b"private", done.body)

    def test_12_empty_files(self):
        mas = self.mas
        name = sha256(b"")
        answer = mas.call("POST", "/api/file/upload/single", body=b"",
                          token=mas.upload_token(name))
        self.assertEqual((answer.status, answer.data["size"]), (200, 0), answer.body)
        empty = mas.get(name)
        self.assertEqual((empty.status, empty.body, empty.headers["Content-Length"]),
                         (200, b"", "0"))

    def test_13_downloads_of_what_is_not_there(self):
        token = self.mas.download_token(UNKNOWN)
        for method, path in DOWNLOAD_CALLS:
            self.assertEqual(self.mas.call(method, path, token=token).status, 404)
        for path in ("/api/file/upload/download", "/api/file/download"):
            data, name = self.fresh()
            self.mas.put(data)
            down = self.mas.download_token(name)
            for method in ("GET", "HEAD"):
                self.mas.call(method, path, token=down, headers={"If-None-Match": "*"})
                self.mas.call(method, path, {"seek": 1001}, token=down)
                self.mas.call(method, path, {"seek": "x"}, token=down)
            self.mas.call("GET", path, token=down, headers={"Range": "bytes=1-2"})

    def test_99_every_described_status_was_seen(self):
        mas = self.mas
        # The rest of the plain refusals, on every route that describes them.
        tokens = {"upload": mas.upload_token(UNKNOWN, max_size=3),
                  "download": mas.download_token(UNKNOWN)}
        for method, path, operation in mas.description.operations():
            mas.call(method, path, headers={"Origin": "x"}, check=True)
            needs = json.dumps(operation["security"])
            token = None
            if "token" in needs:
                token = tokens["download" if "tokenInQuery" in needs else "upload"]
                other = tokens["upload" if "tokenInQuery" in needs else "download"]
                mas.call(method, path, token=other, system=True)
            call = {"token": token, "system": "systemToken" in needs}
            mas.call(method, path + "", {"hash": "%"}, **call)
            answer = mas.raw(f"{method} {path}?a=1&a=1 HTTP/1.1\r\nHost: x\r\n"
                             "Connection: close\r\n\r\n".encode()) if method != "HEAD" else None
            if answer:
                mas.description.check_answer(method, path, answer)
            numbers = {"chuck": "chuck", "chunk": "chunk"}.get(path.rsplit("/", 1)[-1])
            query = {numbers: 1} if numbers else None
            if "413" in operation["responses"] and "/object" not in path:
                fields_only = path.endswith(("/init", "/finish"))
                if "requestBody" in operation and not fields_only:
                    mas.call("GET", "/api/file/upload/init", token=token)
                    mas.call(method, path, query, body=b"12345", **call)
                    self.one_part_refusals(method, path, query, call)
                else:
                    mas.call(method, path, {"size": 5}, **call)
            elif "requestBody" in operation:
                self.one_part_refusals(method, path, query, call)
        self.refuse_finish()
        self.assertEqual(mas.call("POST", "/api/cluster/collect-now", {"hash": UNKNOWN},
                                  system=True).status, 404)
        self.assertEqual(mas.call("POST", "/api/cluster/collect-now", system=True).status, 200)
        described = {(method, path, int(status))
                     for method, path, operation in mas.description.operations()
                     for status in operation["responses"]}
        unseen = {entry for entry in described - mas.description.seen
                  if entry[2] not in NEED_FAULTS}
        # What only a limit of the whole server would refuse, or another race.
        unseen -= {(m, p, 413) for m in ("POST", "PUT") for p in ("/api/file/upload/object",)}
        unseen -= {("DELETE", "/api/file/upload", 409), ("GET", "/metrics", 404)}
        # A pod with its own metadata never waits for anybody's data: see cluster/leaving_test.py.
        unseen -= {("POST", "/api/cluster/give-up", 200)}
        self.assertEqual(unseen, set())

    def one_part_refusals(self, method, path, query, call):
        mas = self.mas
        for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "multipart/form-data"},
                        {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}):
            mas.call(method, path, query, body=b"1", headers=headers, **call)

    def refuse_finish(self):
        mas = self.mas
        for method in ("GET", "POST"):
            _, name = self.fresh()
            token = mas.upload_token(name)
            mas.call("GET", "/api/file/upload/init", token=token)
            mas.call("POST", "/api/file/upload/chuck", {"chuck": 1}, body=b"other", token=token)
            self.refused(mas.call(method, "/api/file/upload/finish", token=token, system=True),
                         422, 5403)
            parts = mas.call("GET", "/api/file/upload/parts", token=token)
            self.assertEqual(parts.data["parts"], [{"chuck": 1, "size": 5}])


class CorsTest(DaemonTest):
    settings = {"cors__allow_origin": "https://shop.example",
                "cors__system_origins": ["https://admin.example"]}

    def test_only_listed_origins_may_send_the_system_token(self):
        for origin, allowed in (("https://admin.example", True), ("https://shop.example", False),
                                ("https://admin.example.evil", False), ("null", False)):
            answer = self.mas.call("OPTIONS", "/api/file/list", headers={"Origin": origin})
            self.assertEqual("systemToken" in answer.headers["Access-Control-Allow-Headers"],
                             allowed, origin)
            expected = origin if allowed else "https://shop.example"
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], expected)


class MetricsPortTest(DaemonTest):
    settings = {"metrics__listen": "127.0.0.1:0"}

    def test_metrics_leave_the_api_port(self):
        answer = self.mas.call("GET", "/metrics")
        self.refused(answer, 404, 5910)

"""Resumable uploads: any order, in parallel, repeated; races of two clients; what finish finds."""
import concurrent.futures
import os
import random
import threading

from harness import DaemonTest, form, sha256, wait_for

KIB = 1024


class SessionTest(DaemonTest):
    settings = {"object__stripe": "256 KiB", "object__unit": "64 KiB", "object__extent": "1 MiB"}

    def open(self, data, **claims):
        token = self.mas.upload_token(sha256(data), **claims)
        answer = self.mas.call("GET", "/api/file/upload/init", {"name": "s.bin"}, token=token)
        self.assertEqual(answer.status, 200, answer.body)
        return token

    def part(self, token, number, data, **kwargs):
        return self.mas.call("POST", "/api/file/upload/chuck", {"chuck": number}, body=data,
                             token=token, **kwargs)

    def finish(self, token, **query):
        return self.mas.call("GET", "/api/file/upload/finish", query, token=token, system=True)

    def cut(self, data, rng, least, most):
        pieces, at = [], 0
        while at < len(data):
            size = rng.randint(least, most)
            pieces.append(data[at:at + size])
            at += size
        return pieces

    def test_parts_in_any_order_in_parallel_and_repeated(self):
        rng = random.Random(7)
        data = rng.randbytes(6 * KIB * KIB + 12345)
        pieces = self.cut(data, rng, 1, 300 * KIB)
        token = self.open(data)
        jobs = [(n, piece) for n, piece in enumerate(pieces, 1)] * 2
        rng.shuffle(jobs)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda job: self.part(token, *job), jobs))
        self.assertEqual({answer.status for answer in answers}, {200})
        listed = self.mas.call("GET", "/api/file/upload/parts", token=token).data
        self.assertEqual([p["size"] for p in listed["parts"]], [len(p) for p in pieces])
        self.assertEqual((listed["missing"], listed["stored"]), ([], len(data)))
        done = self.finish(token, size=len(data), chucks=len(pieces))
        self.assertEqual((done.status, done.data["size"]), (200, len(data)), done.body)
        self.assertEqual(self.mas.get(sha256(data)).body, data)

    def test_other_content_under_a_number_replaces_the_part(self):
        data = os.urandom(100 * KIB)
        token = self.open(data)
        self.part(token, 1, b"wrong" * 1000)
        self.part(token, 2, data[60 * KIB:])
        self.assertEqual(self.refused(self.finish(token), 422, 5403).data, None)
        body, kind = form(data[:60 * KIB])
        self.assertEqual(self.part(token, 1, body, headers=kind).data["speed"], 2)
        self.assertEqual(self.finish(token).status, 200)
        self.assertEqual(self.mas.get(sha256(data)).body, data)

    def test_holes_and_a_missing_tail_are_named(self):
        data = os.urandom(50)
        token = self.open(data)
        for number in (2, 5, 10_000):
            self.part(token, number, data[:10])
        missing = self.refused(self.finish(token), 409, 5413).data["missing"]
        self.assertEqual(missing, [n for n in range(1, 10_000) if n not in (2, 5)][:1000])
        other = os.urandom(50)
        token = self.open(other)
        self.part(token, 1, other[:25])
        self.assertEqual(self.refused(self.finish(token, chucks=3), 409, 5413).data["missing"],
                         [2, 3])
        self.part(token, 2, other[25:])
        self.assertEqual(self.finish(token, chucks=2, size=50).status, 200)

    def test_a_size_that_is_not_the_parts_sum_is_refused(self):
        data = os.urandom(50)
        token = self.open(data)
        self.part(token, 1, data)
        answer = self.finish(token, size=51)
        self.assertIn((answer.status, answer.code), [(400, 5203), (409, 5413)], answer.body)
        self.assertEqual(self.finish(token, size=50).status, 200)

    def test_init_again_keeps_the_parts(self):
        data = os.urandom(1000)
        token = self.open(data)
        self.part(token, 1, data[:500])
        again = self.mas.upload_token(sha256(data))
        opened = self.mas.call("GET", "/api/file/upload/init", token=again)
        self.assertEqual((opened.data["persistence"], opened.data["size"]), (False, 500))
        self.part(again, 2, data[500:])
        self.assertEqual(self.finish(token).status, 200)

    def test_sessions_of_one_file_do_not_meet(self):
        data = os.urandom(1000)
        one, two = self.open(data, session="one"), self.open(data, session="two")
        self.part(one, 1, data[:300])
        parts = self.mas.call("GET", "/api/file/upload/parts", token=two).data
        self.assertEqual(parts["parts"], [])
        self.part(two, 1, data)
        self.part(one, 2, data[300:])
        self.assertEqual(self.finish(one).status, 200)
        self.assertEqual(self.finish(two).status, 200)
        self.assertEqual(self.mas.get(sha256(data)).body, data)

    def test_two_users_of_one_session_with_parts_of_different_sizes_are_both_healed_by_a_retry(self):
        data = os.urandom(600 * KIB)
        for claims in ({}, {"size": len(data)}):
            first, second = self.open(data), self.open(data)

            def send(token, size, numbers=None):
                pieces = [data[at:at + size] for at in range(0, len(data), size)]
                for number in numbers or range(1, len(pieces) + 1):
                    self.part(token, number, pieces[number - 1])

            send(first, 100 * KIB)
            send(second, 200 * KIB)
            # The second's parts 1 to 3 have taken the place of the first's.
            answer = self.refused(self.finish(first, **claims), 409, 5413)
            self.assertEqual(answer.data["missing"], [1, 2, 3])
            send(first, 100 * KIB, answer.data["missing"])
            self.assertEqual(self.finish(first, **claims).status, 200)
            self.assertEqual(self.mas.get(sha256(data)).body, data)
            # For the second it is there; a part of its own would have been dropped.
            self.assertEqual(self.finish(second, **claims).status, 200)
            data = os.urandom(600 * KIB)
        first, second = self.open(data), self.open(data)
        send(first, 100 * KIB)
        send(second, 200 * KIB)
        # Parts 4 to 6 are the first's.
        self.assertEqual(self.finish(second, chucks=3, size=len(data)).status, 200)
        self.assertEqual(self.mas.get(sha256(data)).body, data)

    def test_two_clients_with_the_same_content_at_once_both_succeed_and_one_copy_remains(self):
        mas = self.mas
        for round_ in range(5):
            data = random.Random(round_).randbytes(700 * KIB)
            name = sha256(data)
            gate = threading.Barrier(4)

            def single():
                gate.wait()
                return mas.call("POST", "/api/file/upload/single", body=data,
                                token=mas.upload_token(name))

            def parts(session, size):
                token = self.open(data, session=session, instant=0)
                gate.wait()
                for number, at in enumerate(range(0, len(data), size), 1):
                    self.assertEqual(self.part(token, number, data[at:at + size]).status, 200)
                return self.finish(token)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                jobs = [pool.submit(single), pool.submit(single),
                        pool.submit(parts, "a", 200 * KIB), pool.submit(parts, "b", 123_456)]
                answers = [job.result() for job in jobs]
            for answer in answers:
                self.assertEqual((answer.status, answer.data["size"]), (200, len(data)),
                                 answer.body)
            self.assertEqual(mas.get(name).body, data)
            listed = mas.call("GET", "/api/file/list", {"prefix": name}, system=True).data["files"]
            self.assertEqual(len(listed), 1)

    def test_finishing_twice_at_once_gives_one_record(self):
        data = os.urandom(900 * KIB)
        token = self.open(data)
        for number, at in enumerate(range(0, len(data), 100 * KIB), 1):
            self.part(token, number, data[at:at + 100 * KIB])
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: self.finish(token), range(6)))
        self.assertEqual({answer.status for answer in answers}, {200},
                         [answer.body for answer in answers])
        self.assertEqual(len({answer.data["hash"] for answer in answers}), 1)

    def test_finishing_again_works_on_every_io_thread(self):
        data = os.urandom(1000)
        token = self.open(data)
        self.part(token, 1, data)
        # Each connection may be served by another thread.
        for _ in range(40):
            self.assertEqual(self.finish(token).status, 200)

    def test_a_part_cut_off_in_the_middle_does_not_count(self):
        data = os.urandom(300 * KIB)
        token = self.open(data)
        with self.mas.socket() as stream:
            stream.sendall((f"POST /api/file/upload/chuck?chuck=1 HTTP/1.1\r\nHost: x\r\n"
                            f"token: {token}\r\nContent-Length: {len(data)}\r\n\r\n").encode())
            stream.sendall(data[:200 * KIB])
        self.assertEqual(self.mas.call("GET", "/api/file/upload/parts", token=token).data["parts"],
                         [])
        self.assertEqual(self.part(token, 1, data).data["speed"], 1)
        self.assertEqual(self.finish(token).status, 200)

    def test_a_connection_lost_during_finish_does_not_stop_it(self):
        mas = self.mas
        data = os.urandom(3 * KIB * KIB)
        token = self.open(data)
        # Sent backwards: nothing could be hashed ahead, so finishing takes a moment.
        pieces = list(enumerate(range(0, len(data), 256 * KIB), 1))
        for number, at in reversed(pieces):
            self.part(token, number, data[at:at + 256 * KIB])
        with mas.socket() as stream:
            stream.sendall((f"GET /api/file/upload/finish HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                            f"systemToken: {mas.system}\r\n\r\n").encode())
        wait_for(lambda: mas.call("GET", "/api/file/info", {"hash": sha256(data)},
                                  system=True).data["persistence"], "the finish to go on")
        self.assertEqual(mas.get(sha256(data)).body, data)

    def test_a_dropped_session_is_gone_and_may_be_opened_anew(self):
        data = os.urandom(1000)
        token = self.open(data)
        self.part(token, 1, b"old")
        self.assertEqual(self.mas.call("DELETE", "/api/file/upload", token=token).status, 200)
        self.refused(self.part(token, 2, data), 409, 5410)
        token = self.open(data)
        self.part(token, 1, data)
        self.assertEqual(self.finish(token).status, 200)

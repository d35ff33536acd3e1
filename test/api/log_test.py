"""A reader of the log that does not read: what is served, what is lost, how the pod ends."""
import fcntl
import json
import os
import select
import unittest

from harness import Daemon, wait_for

F_SETPIPE_SZ = 1031
PIPE_BYTES = 4096
REFUSED = 1500  # more lines than the pipe and the queue hold


class PipedDaemon(Daemon):
    """Its standard error is a pipe that nobody reads until `read_log` is called."""

    def open_errors(self):
        self.log, errors = os.pipe()
        fcntl.fcntl(errors, F_SETPIPE_SZ, PIPE_BYTES)
        return os.fdopen(errors, "wb")

    def error_text(self):
        return "its standard error is not read"

    def read_log(self):
        """What is there now."""
        text = b""
        while select.select([self.log], [], [], 0)[0]:
            piece = os.read(self.log, 65536)
            if not piece:
                break
            text += piece
        return text

    def close(self):
        super().close()
        os.close(self.log)


class StuckReaderTest(unittest.TestCase):
    def setUp(self):
        # At this level a refused request is a line, too.
        self.mas = PipedDaemon(log__level="debug", log__format="json")

    def tearDown(self):
        self.mas.close()

    def fill(self):
        connection = self.mas.connect()
        for _ in range(REFUSED):
            answer = self.mas.call("GET", "/api/file/list", connection=connection, check=False)
            self.assertEqual(answer.status, 401)
        connection.close()

    def test_it_keeps_nothing_waiting_and_hears_what_it_missed(self):
        self.fill()
        self.assertEqual(self.mas.call("GET", "/readyz").status, 200)
        wait_for(lambda: self.mas.metric("mas_log_dropped_lines_total") > 0, "dropped lines")
        text = b""

        def read_on():
            nonlocal text
            text += self.mas.read_log()
            return b"log.dropped" in text and text.endswith(b"\n")
        wait_for(read_on, "word of the dropped lines")
        dropped = [json.loads(line) for line in text.splitlines() if b"log.dropped" in line]
        self.assertGreater(dropped[0]["lines"], 100)
        self.assertEqual(dropped[0]["level"], "warn")

    def test_it_does_not_keep_the_pod_from_ending(self):
        self.fill()
        self.assertEqual(self.mas.stop(), 0)

    def test_a_reader_that_has_gone_ends_nothing(self):
        os.close(self.mas.log)
        self.mas.log = os.open(os.devnull, os.O_RDONLY)
        self.fill()
        self.assertEqual(self.mas.call("GET", "/readyz").status, 200)
        self.assertGreater(self.mas.metric("mas_log_dropped_lines_total"), 100)
        self.assertEqual(self.mas.stop(), 0)


class ClosedDescriptorsTest(unittest.TestCase):
    """Started with standard input and error closed, as a supervisor may do."""

    def test_no_file_of_the_store_takes_their_place(self):
        def close_both():
            os.close(0)
            os.close(2)
        mas = Daemon(before_exec=close_both)
        self.addCleanup(mas.close)
        for number in (0, 2):
            self.assertEqual(os.readlink(f"/proc/{mas.process.pid}/fd/{number}"), os.devnull)
        self.assertEqual(mas.stop(), 0)

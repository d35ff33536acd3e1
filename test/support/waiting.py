"""Waiting for a condition, for suites in Python."""
import os
import pathlib
import signal
import time


def wait_for(condition, what, timeout=20.0, pause=0.005):
    """Polls until `condition()` is true and gives its value back."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(pause)


def stop_process(pid):
    """Stops a process. Returns when all of its threads stand: until then some still answer."""
    os.kill(pid, signal.SIGSTOP)
    wait_until_it_stands(pid)


def wait_until_it_stands(pid):
    """For a process that was sent SIGSTOP."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    wait_for(lambda: all(") T " in (task / "stat").read_text() for task in tasks.iterdir()),
             f"process {pid} to stand")

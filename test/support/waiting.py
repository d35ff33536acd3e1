"""Waiting for a condition, for suites in Python."""
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

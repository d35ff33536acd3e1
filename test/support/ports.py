"""Ports for servers that have to be told one, for suites in Python."""
import pathlib
import random
import socket


def free_port():
    """A port that nobody listens on now. Below those that the kernel gives to outgoing connections:
    one of these could take it before its server does."""
    range_of_kernel = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    first_outgoing = max(int(range_of_kernel.split()[0]), 20_000)
    while True:
        port = random.randrange(10_000, first_outgoing)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

"""Calls of a pod's peer port from outside (doc/peer-protocol.md). The openssl command speaks TLS with the
cluster's key, which Python's own module cannot before 3.13."""
import hashlib
import hmac
import http.client
import io
import subprocess


def key(secret, cluster, label, size=32):
    """HKDF-SHA256 (RFC 5869) for up to 32 bytes, in hex."""
    pseudo_random = hmac.digest(b"mas cluster 2", secret.encode(), hashlib.sha256)
    info = label.encode() + b"\0" + cluster.encode() + b"\x01"
    return hmac.digest(pseudo_random, info, hashlib.sha256)[:size].hex()


class Whole(io.BytesIO):
    """An answer that came whole, for http.client to take apart."""

    def makefile(self, *_):
        return self


def call(address, secret, method, path, fields, body=None, cluster="mas"):
    """Status, fields and body of the answer; None where nobody speaks TLS with that key there."""
    fields = {"Host": "pod", "Connection": "close", "Mas-Peer-Version": "2", "Mas-Cluster": cluster,
              **fields}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    head = f"{method} /peer/v1/{path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    done = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-tls1_3", "-quiet", "-psk_identity",
         key(secret, cluster, "key id", 8), "-psk", key(secret, cluster, "peer")],
        input=head.encode() + (body or b""), capture_output=True, timeout=60)
    if not done.stdout:
        return None
    answer = http.client.HTTPResponse(Whole(done.stdout), method=method)
    answer.begin()
    return answer.status, answer.headers, answer.read()

"""Redis for the token ledger: a plain and a TLS port, a password, and a user with no more rights than
mas needs. Data is kept nowhere."""
import secrets
import subprocess
import sys

import common


def openssl(directory, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"openssl {arguments[0]}: {done.stderr}")


def make_certificates(directory):
    """ca.pem signs server.pem for 127.0.0.1 and localhost; other-ca.pem signs nothing."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "other-ca"):
        openssl(directory, "req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(directory, "req", *key, "-subj", "/CN=localhost", "-keyout", "server.key",
            "-out", "server.csr")
    (directory / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(directory, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "server.ext", "-out", "server.pem")


def start(directory):
    make_certificates(directory)
    facts = {"port": common.free_port(), "tls_port": common.free_port(), "user": "mas",
             "password": secrets.token_hex(16), "admin_password": secrets.token_hex(16),
             "ca_file": str(directory / "ca.pem"), "other_ca_file": str(directory / "other-ca.pem")}
    configuration = directory / "redis.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(f"""
bind 127.0.0.1 127.0.0.2
port {facts["port"]}
tls-port {facts["tls_port"]}
tls-cert-file {directory}/server.pem
tls-key-file {directory}/server.key
tls-ca-cert-file {directory}/ca.pem
tls-auth-clients no
dir {directory}
save ""
appendonly no
requirepass {facts["admin_password"]}
user mas on >{facts["password"]} ~mas:token:* +eval +evalsha +time +get +set +select
""")
    process = common.spawn(["redis-server", str(configuration)], directory)
    common.wait_until(lambda: common.connects(facts["port"]) and common.connects(facts["tls_port"]),
                      process, directory)
    return {"pid": process.pid, **facts}


def stop(_directory, facts):
    common.end(facts["pid"])


if __name__ == "__main__":
    common.main(start, stop)

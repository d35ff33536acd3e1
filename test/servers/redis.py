"""Redis for the token ledger: a plain and a TLS port, a password, and a user with no more rights than
mas needs. Data is kept nowhere. server.json: "command" starts it again on its ports."""
import secrets

import common


def start(directory):
    common.make_certificates(directory)
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
    command = ["redis-server", str(configuration)]
    process = common.spawn(command, directory)
    common.wait_until(lambda: common.connects(facts["port"]) and common.connects(facts["tls_port"]),
                      process, directory)
    return {"pid": process.pid, "command": command, **facts}


def stop(_directory, facts):
    common.end(facts["pid"])


if __name__ == "__main__":
    common.main(start, stop)

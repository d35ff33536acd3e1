#!/usr/bin/env python3
"""RabbitMQ for tests: a broker of its own, with listeners for plain AMQP and for TLS.

Nothing is shared with an installed broker or with another run: home, cookie, node name, epmd, data and logs
lie below the directory or on ports of its own. User, password and virtual host need percent-encoding
in a URL. server.json: `url` and `tls_url` (with `ca_file`; `other_ca_file` signed nothing), `pid` of the
broker's one process, `command` and `env`, which start it again on the same data, and `ctl`, a program
that runs rabbitmqctl against it.
"""
import os
import shlex
import urllib.parse

import common

PROGRAMS = "/usr/lib/rabbitmq/bin"  # not those on PATH, which insist on root and its home
USER = "mas@test"
PASSWORD = "pass:word/1%"
VHOST = "/mas test"


def configuration(directory, port, tls_port):
    return "\n".join([
        f"listeners.tcp.1 = 127.0.0.1:{port}",
        f"listeners.ssl.1 = 127.0.0.1:{tls_port}",
        f"ssl_options.cacertfile = {directory}/ca.pem",
        f"ssl_options.certfile = {directory}/server.pem",
        f"ssl_options.keyfile = {directory}/server.key",
        "ssl_options.verify = verify_none",
        "ssl_options.fail_if_no_peer_cert = false",
        f"default_user = {USER}",
        f"default_pass = {PASSWORD}",
        f"default_vhost = {VHOST}",
        "disk_free_limit.absolute = 1MB",
        "log.file.level = info",
    ]) + "\n"


def environment(directory):
    ports = {name: common.free_port() for name in ("epmd", "distribution")}
    home = directory / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home),
        "ERL_EPMD_PORT": str(ports["epmd"]), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"mas-test-{ports['distribution']}@localhost",
        "RABBITMQ_DIST_PORT": str(ports["distribution"]),
        "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "generated"),
        "RABBITMQ_PID_FILE": str(directory / "rabbitmq.pid"),
        # Its start script then becomes the broker, so that there is one process to stop or to end.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def start(directory):
    common.make_certificates(directory)
    port, tls_port = common.free_port(), common.free_port()
    env = environment(directory)
    (directory / "rabbitmq.conf").write_text(configuration(directory, port, tls_port))
    (directory / "enabled_plugins").write_text("[].\n")
    ctl = directory / "ctl"
    ctl.write_text("#!/bin/sh\nexec env -i " +
                   " ".join(shlex.quote(f"{name}={value}") for name, value in env.items()) +
                   f' {PROGRAMS}/rabbitmqctl "$@"\n')
    ctl.chmod(0o700)

    # Started here, for Erlang would start one that belongs to nobody.
    epmd = common.spawn(["epmd", "-port", env["ERL_EPMD_PORT"], "-address", "127.0.0.1"], directory,
                        "epmd", env)
    common.wait_until(lambda: common.connects(int(env["ERL_EPMD_PORT"])), epmd, directory, "epmd")
    command = [f"{PROGRAMS}/rabbitmq-server", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
    broker = common.spawn(command, directory, "server", env)
    common.wait_until(lambda: common.connects(port) and common.connects(tls_port), broker, directory)

    quote = lambda text: urllib.parse.quote(text, safe="")
    who, where = f"{quote(USER)}:{quote(PASSWORD)}", quote(VHOST)
    return {
        "pid": broker.pid, "epmd_pid": epmd.pid, "port": port, "tls_port": tls_port,
        "url": f"amqp://{who}@127.0.0.1:{port}/{where}",
        "tls_url": f"amqps://{who}@localhost:{tls_port}/{where}",
        "wrong_password_url": f"amqp://{quote(USER)}:wrong@127.0.0.1:{port}/{where}",
        "ca_file": str(directory / "ca.pem"), "other_ca_file": str(directory / "other-ca.pem"),
        "ctl": str(ctl), "command": command, "env": env,
    }


def stop(directory, facts):
    common.end(facts["pid"])
    common.end(facts["epmd_pid"])


if __name__ == "__main__":
    common.main(start, stop)

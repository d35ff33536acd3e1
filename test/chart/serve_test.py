"""The real mas, started as the pod of the chart would be: its configuration, environment, secrets and
probes, and the session that the notes print. Only folders and ports differ: a test may not use the pod's."""
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

from api_stub import ApiStub
from harness import CHART, EXAMPLES, NAMESPACE, RELEASE, helm, one, render

MAS = os.environ.get("MAS_BINARY", "")
PATIENCE = 60


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class ConfigurationTest(unittest.TestCase):
    def test_mas_accepts_what_the_examples_render(self):
        for file in EXAMPLES:
            with self.subTest(file=file.name), tempfile.TemporaryDirectory() as directory:
                path = pathlib.Path(directory) / "mas.toml"
                path.write_text(one(render(files=[file]), "ConfigMap", "mas")["data"]["mas.toml"])
                done = subprocess.run([MAS, "config", "check", path], capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class PodTest(unittest.TestCase):
    """One pod on embedded metadata, with the values the chart has."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)
        self.api, self.metrics = free_port(), free_port()
        self.rendered = render()
        self.pod = one(self.rendered, "StatefulSet", "mas")["spec"]["template"]["spec"]
        self.container = self.pod["containers"][0]
        self.mount_secrets()
        (self.directory / "etc/mas").mkdir(parents=True)
        toml = one(self.rendered, "ConfigMap", "mas")["data"]["mas.toml"]
        toml = toml.replace("0.0.0.0:7080", f"127.0.0.1:{self.api}")
        toml = toml.replace("0.0.0.0:7082", f"127.0.0.1:{self.metrics}")
        (self.directory / "etc/mas/mas.toml").write_text(self.here(toml))

    def here(self, text):
        """Every path of the pod that is mounted, below the test's directory."""
        mounts = "|".join(mount["mountPath"] for mount in self.container["volumeMounts"])
        return re.sub(rf"(?<![\w/])({mounts})(?=/|\b)", rf"{self.directory}\1", text)

    def mount_secrets(self):
        volume = next(each for each in self.pod["volumes"] if each["name"] == "secrets")
        for source in volume["projected"]["sources"]:
            data = one(self.rendered, "Secret", source["secret"]["name"])["data"]
            for item in source["secret"]["items"]:
                target = self.directory / "run/mas" / item["path"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(base64.b64decode(data[item["key"]]))
                target.chmod(volume["projected"]["defaultMode"])

    def environment(self):
        env = {"PATH": os.environ["PATH"]}
        for variable in self.container["env"]:
            if "value" in variable:
                env[variable["name"]] = self.here(variable["value"])
            else:
                self.assertEqual(variable["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name")
                env[variable["name"]] = "mas-0"
        return env

    def start(self):
        command = [MAS, *(self.here(argument) for argument in self.container["args"])]
        with open(self.directory / "log", "wb") as log:
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env=self.environment(), cwd=self.directory)
        self.addCleanup(self.stop, daemon)
        end = time.monotonic() + PATIENCE
        while status_of(self.probe("readinessProbe")) != 200:
            if daemon.poll() is not None or time.monotonic() > end:
                self.fail("mas did not become ready:\n" + (self.directory / "log").read_text())
            time.sleep(0.05)
        return daemon

    def stop(self, daemon):
        if daemon.poll() is None:
            daemon.kill()
        daemon.wait()

    def probe(self, name):
        get = self.container[name]["httpGet"]
        self.assertEqual(get["port"], "metrics")
        return f"http://127.0.0.1:{self.metrics}{get['path']}"

    def notes_session(self):
        stub = ApiStub(self.directory)
        try:
            status, out, errors = helm("install", RELEASE, CHART, "--namespace", NAMESPACE,
                                       "--dry-run=server", "--kubeconfig", stub.kubeconfig,
                                       "--disable-openapi-validation")
        finally:
            stub.close()
        self.assertEqual(status, 0, errors)
        return re.search(r"  echo 'Hello, mas'.*?/download\"\n", out.split("NOTES:")[1], re.S)[0]

    def test_starts_serves_the_notes_session_and_stops(self):
        daemon = self.start()
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertEqual(status_of(self.probe(name)), 200, name)
        self.assertEqual(status_of(f"http://127.0.0.1:{self.metrics}/metrics"), 200)
        token = (self.directory / "run/mas/secrets/system-token").read_text()
        session = "set -e\n" + self.notes_session()
        env = dict(os.environ, MAS=f"http://127.0.0.1:{self.api}", SYSTEM=f"systemToken: {token}")
        done = subprocess.run(["sh", "-c", session], capture_output=True, text=True, check=False,
                              env=env, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr)
        record, _ = json.JSONDecoder().raw_decode(done.stdout)
        self.assertEqual(record["data"]["name"], "hello.txt", done.stdout)
        self.assertTrue(done.stdout.endswith("Hello, mas\n"), done.stdout)
        # As kubectl exec would, in the environment of the container.
        state = subprocess.run([MAS, "status", "--json", f"--server=http://127.0.0.1:{self.api}"],
                               capture_output=True, text=True, check=False, env=self.environment(),
                               cwd=self.directory)
        self.assertEqual(state.returncode, 0, state.stderr)
        self.assertIn("mas-0", state.stdout)
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(PATIENCE), 0)
        # All that was written stands on the volumes that may be written to.
        written = {path.relative_to(self.directory).parts[0] for path in self.directory.rglob("*")}
        self.assertLessEqual(written, {"etc", "run", "var", "log", "kubeconfig", "hello.txt"})


if __name__ == "__main__":
    if not MAS:
        sys.exit("MAS_BINARY names the program")
    unittest.main()

"""Rendering the chart with the real helm, and looking at what comes out."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import yaml

import tools

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "mas"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
RELEASE, NAMESPACE = "mas", "store"
OLDEST, NEWEST = "1.25.0", "1.37.0"  # of Kubernetes: Chart.yaml's kubeVersion, the newest schemas

BACKENDS = {"mongodb": {"url": "mongodb://mas:mongo-password@mongo:27017/?replicaSet=rs0"},
            "redis": {"url": "redis://mas:redis-password@redis:6379/0"},
            "rabbitmq": {"url": "amqp://mas:rabbit-password@rabbit:5672/mas"}}


def helm(*arguments, env=None):
    done = subprocess.run([tools.helm_path(), *map(str, arguments)], capture_output=True, text=True,
                          check=False, env=env)
    return done.returncode, done.stdout, done.stderr


def template(values=None, files=(), version=NEWEST):
    """(status, output, errors) of `helm template` with the values, a dict, over the files."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as own:
        json.dump(values or {}, own)
        own.flush()
        chosen = [argument for file in [*files, own.name] for argument in ("--values", file)]
        return helm("template", RELEASE, CHART, "--namespace", NAMESPACE, "--kube-version", version,
                    *chosen)


def objects(text):
    return [each for each in yaml.safe_load_all(text) if each]


def render(values=None, files=(), version=NEWEST):
    status, text, errors = template(values, files, version)
    if status != 0:
        raise AssertionError(f"helm template failed: {errors}")
    return objects(text)


def one(rendered, kind, name):
    found = [each for each in rendered if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} objects {kind} {name}, not one")
    return found[0]


def pod_of(thing):
    """The pod spec of whatever has one, else None."""
    if thing["kind"] == "Pod":
        return thing["spec"]
    return thing.get("spec", {}).get("template", {}).get("spec")


def pods(rendered):
    return [(thing["metadata"]["name"], pod_of(thing)) for thing in rendered if pod_of(thing)]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


class ChartTest(unittest.TestCase):
    maxDiff = 4000

    def refused(self, values, *words):
        """The values are refused, in a text that has all the words; that text."""
        status, _, errors = template(values)
        self.assertNotEqual(status, 0, f"accepted: {values}")
        for word in words:
            self.assertIn(word, errors)
        return errors

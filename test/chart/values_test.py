"""What the chart refuses and in which words, and that its schema, README and configuration agree."""
import json
import re
import tomllib
import unittest

import yaml

from harness import BACKENDS, CHART, ROOT, ChartTest, one, render, template

# Keys of mas.toml that only the chart sets.
OWNED = {"node.name", "node.data", "node.shutdown_timeout", "http.listen", "tls.certificate", "tls.key",
         "auth.system_token_files", "auth.signing_key_files", "mongodb.url", "mongodb.url_file",
         "mongodb.ca_file", "redis.url", "redis.url_file", "redis.ca_file", "rabbitmq.url",
         "rabbitmq.url_file", "rabbitmq.ca_file", "cluster.listen", "cluster.advertise_api",
         "cluster.advertise_peer", "cluster.secret_file", "cluster.zone", "peer.certificate", "peer.key",
         "peer.ca_file", "metrics.listen"}
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def schema():
    return json.loads((CHART / "values.schema.json").read_text())


def values():
    return yaml.safe_load((CHART / "values.yaml").read_text())


def leaves(tree, above=""):
    for key, value in tree.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict) and value and key != "resources":
            yield from leaves(value, path)
        else:
            yield path, value


class RefusalTest(ChartTest):
    def test_more_pods_without_backends(self):
        self.refused({"replicas": 3}, "replicas is 3", "backends.mongodb.url", "backends.redis.url",
                     "backends.rabbitmq.url", "backends.existingSecret", "backends.bundled=true")

    def test_some_backends_without_the_others(self):
        for name in BACKENDS:
            others = [other for other in BACKENDS if other != name]
            self.refused({"backends": {name: BACKENDS[name]}}, "needs all three",
                         *(f"backends.{other}.url" for other in others))

    def test_two_sources_of_backends(self):
        self.refused({"backends": {"bundled": True, "existingSecret": "urls"}}, "keep one")
        self.refused({"backends": {**BACKENDS, "bundled": True}}, "keep one of the two")
        self.refused({"backends": {**BACKENDS, "existingSecret": "urls"}}, "keep one of the two")
        self.refused({"backends": {"bundled": True, "redis": {"caSecret": "ca"}}}, "speak no TLS")

    def test_tls_between_pods_of_which_there_is_one(self):
        self.refused({"peerTls": {"existingSecret": "certificate"}}, "has no peers")

    def test_unknown_and_malformed_values(self):
        for wrong in ({"replica": 3}, {"replicas": 0}, {"replicas": "3"}, {"replicas": 2.5},
                      {"storage": {"sizes": "1Gi"}}, {"storage": {"size": "ten"}},
                      {"image": {"pullPolicy": "Sometimes"}}, {"listenHost": "0.0.0.0:7080"},
                      {"secrets": {"systemToken": "short"}}, {"secrets": {"signingKey": "k" * 31}},
                      {"backends": {"mongodb": {"url": "http://mongo"}}},
                      {"backends": {"redis": {"url": "redis://with space"}}},
                      {"service": {"type": "ExternalName"}}, {"zone": "a zone"},
                      {"shutdown": {"timeoutSeconds": -1}}, {"tls": {"existingSecret": "UPPER"}},
                      {"config": {"http": {"lisen": "x"}}}, {"config": {"htp": {}}},
                      {"config": {"limits": {"parts": "many"}}}):
            with self.subTest(wrong=wrong):
                self.refused(wrong, "values don't meet the specifications of the schema")

    def test_keys_the_chart_sets_itself(self):
        for key in OWNED:
            section, name = key.split(".")
            with self.subTest(key=key):
                self.refused({"config": {section: {name: "x"}}}, "schema")


class AgreementTest(ChartTest):
    def test_the_schema_has_every_other_key_of_the_configuration(self):
        conf = tomllib.loads((ROOT / "conf" / "mas.toml").read_text())
        wanted = {f"{section}.{name}": KINDS[type(value)] for section, keys in conf.items()
                  for name, value in keys.items()}
        self.assertLessEqual(OWNED, set(wanted))
        sections = schema()["properties"]["config"]["properties"]
        known = {f"{section}.{name}": kind["type"] for section, keys in sections.items()
                 for name, kind in keys["properties"].items()}
        self.assertEqual(known, {k: kind for k, kind in wanted.items() if k not in OWNED})

    def test_the_schema_is_strict_and_has_every_value(self):
        def check(value, of, path):
            if not isinstance(value, dict) or of.get("additionalProperties") is not False:
                return
            for key, inner in value.items():
                self.assertIn(key, of["properties"], path)
                check(inner, of["properties"][key], f"{path}.{key}")
        check(values(), schema(), "values")
        self.assertIs(schema()["additionalProperties"], False)
        known = set(schema()["properties"]) - {"global"}
        self.assertEqual(known, set(values()))

    def test_the_readme_has_every_value_with_its_default(self):
        table = (CHART / "README.md").read_text().split("## Values")[1]
        rows = re.findall(r"^\| `([^`]+)` \| `?([^|`]*)`? \|", table, re.M)
        told = {name: default.strip() for name, default in rows}
        expected = {}
        for path, value in leaves(values()):
            text = value if isinstance(value, str) else json.dumps(value)
            expected[path] = text if text else '""'
        for path in [path for path in expected if path.endswith("resources")]:
            expected[path] = told.get(path)  # too long for a table
        self.assertEqual(told, expected)

    def test_keys_reach_the_configuration_as_toml(self):
        given = {"log": {"level": 'a "quoted" \\ \u00fc <&>'},
                 "cors": {"system_origins": ["https://a.example", "https://b.example"]},
                 "limits": {"parts": 1000000}, "store": {"reserve": 0.125, "compact_below": 0},
                 "object": {"compress": False}, "cluster": {"name": "other"}}
        rendered = render({"config": given, "backends": BACKENDS})
        config = tomllib.loads(one(rendered, "ConfigMap", "mas")["data"]["mas.toml"])
        for section, keys in given.items():
            for name, value in keys.items():
                self.assertEqual(config[section][name], value)

    def test_the_readme_takes_values_back_in_a_way_that_works(self):
        # With --reuse-values Helm keeps a value that is set to null.
        self.assertNotRegex((CHART / "README.md").read_text(), r"--set \S+=null")
        for accepted, said in ((True, "true"), (False, "false")):
            rendered = render({"backends": BACKENDS, "config": {"peer": {"accept_v1": accepted}}})
            config = one(rendered, "ConfigMap", "mas")["data"]["mas.toml"]
            self.assertIn(f"accept_v1 = {said}\n", config)

    def test_versions_are_those_of_the_program(self):
        version = re.search(r"project\(mas VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        self.assertEqual(chart["appVersion"], version)

    def test_names_fit_whatever_the_release_is_called(self):
        for release in ("a", "mas", "x" * 53):
            overridden = {"fullnameOverride": release, "replicas": 3, "backends": {"bundled": True}}
            for thing in render(overridden):
                self.assertLessEqual(len(thing["metadata"]["name"]), 52)

    def test_old_kubernetes_is_refused(self):
        status, _, errors = template(version="1.24.0")
        self.assertNotEqual(status, 0)
        self.assertIn("kubeVersion", errors)


if __name__ == "__main__":
    unittest.main()

"""Secrets: made once, kept over upgrades, given by values, or somebody else's."""
import base64
import json
import re
import tempfile
import unittest

from api_stub import ApiStub
from harness import BACKENDS, CHART, NAMESPACE, NEWEST, RELEASE, ChartTest, helm, objects, one, render


def plain(secret):
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def own_secrets(rendered):
    return {thing["metadata"]["name"] for thing in rendered if thing["kind"] == "Secret"}


class MadeTest(ChartTest):
    def test_random_and_long_enough(self):
        first, second = (plain(one(render(), "Secret", "mas-secrets")) for _ in range(2))
        self.assertEqual(set(first), {"system-token", "signing-key", "cluster-secret"})
        for key, value in first.items():
            self.assertGreaterEqual(len(value), 48)
            self.assertTrue(value.isalnum(), "must fit a header and a line")
            self.assertNotEqual(value, second[key])

    def test_given_by_values(self):
        given = {"systemToken": "t" * 16, "signingKey": "s" * 32, "clusterSecret": "c" * 32}
        made = plain(one(render({"secrets": given}), "Secret", "mas-secrets"))
        self.assertEqual(made, {"system-token": "t" * 16, "signing-key": "s" * 32,
                                "cluster-secret": "c" * 32})

    def test_urls_given_by_values(self):
        made = plain(one(render({"replicas": 3, "backends": BACKENDS}), "Secret", "mas-backends"))
        self.assertEqual(made, {f"{name}-url": BACKENDS[name]["url"] for name in BACKENDS})

    def test_existing_ones_are_used_and_none_made(self):
        rendered = render(files=[CHART / "examples" / "existing-secrets.yaml"])
        self.assertEqual(own_secrets(rendered), set())
        volumes = one(rendered, "StatefulSet", "mas")["spec"]["template"]["spec"]["volumes"]
        secrets = next(each for each in volumes if each["name"] == "secrets")
        names = [source["secret"]["name"] for source in secrets["projected"]["sources"]]
        self.assertEqual(names, ["mas-own", "mas-backends"])

    def test_trial_urls_hold_the_servers_own_passwords(self):
        made = plain(one(render({"backends": {"bundled": True}}), "Secret", "mas-trial"))
        for name in ("mongodb", "redis", "rabbitmq"):
            self.assertIn(f":{made[name + '-password']}@mas-{name}", made[f"{name}-url"])
        self.assertIn(f"requirepass {made['redis-password']}\n", made["redis.conf"])
        self.assertIn(f"default_pass = {made['rabbitmq-password']}\n", made["rabbitmq.conf"])
        passwords = {made[key] for key in made if key.endswith("-password")}
        self.assertEqual(len(passwords), 3)


class KeptTest(ChartTest):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.stub = ApiStub(self.directory.name)

    def tearDown(self):
        self.stub.close()
        self.directory.cleanup()

    def helm_with_server(self, verb, values, *more):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            status, out, errors = helm(
                verb, RELEASE, CHART, "--namespace", NAMESPACE, "--dry-run=server",
                "--kubeconfig", self.stub.kubeconfig, "--values", file.name, *more)
        self.assertEqual(status, 0, errors)
        return out

    def render(self, values):
        # Only `helm template` needs to be told: it asks the server for objects, not for its version.
        return objects(self.helm_with_server("template", values, "--kube-version", NEWEST))

    def test_an_upgrade_keeps_what_was_made(self):
        values = {"backends": {"bundled": True}, "replicas": 3}
        first = self.render(values)
        self.assertEqual(own_secrets(first), {"mas-secrets", "mas-trial"})
        for name in own_secrets(first):
            secret = one(first, "Secret", name)
            self.assertEqual(secret["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
            self.stub.keep(secret, NAMESPACE)
        again = self.render(values)
        self.assertEqual(again, first)
        # And so does growing: not even a secret differs.
        grown = self.render({**values, "replicas": 6})
        one(grown, "StatefulSet", "mas")["spec"]["replicas"] = 3
        self.assertEqual(grown, first)

    def test_what_is_missing_is_made_and_the_rest_kept(self):
        secret = one(self.render({}), "Secret", "mas-secrets")
        kept = dict(secret["data"])
        del secret["data"]["cluster-secret"]
        self.stub.keep(secret, NAMESPACE)
        again = one(self.render({}), "Secret", "mas-secrets")["data"]
        self.assertNotEqual(again.pop("cluster-secret"), kept.pop("cluster-secret"))
        self.assertEqual(again, kept)

    def test_values_come_before_what_was_kept(self):
        self.stub.keep(one(self.render({}), "Secret", "mas-secrets"), NAMESPACE)
        rendered = self.render({"secrets": {"systemToken": "n" * 20}})
        self.assertEqual(plain(one(rendered, "Secret", "mas-secrets"))["system-token"], "n" * 20)

    def test_another_namespace_has_its_own(self):
        secret = one(self.render({}), "Secret", "mas-secrets")
        self.stub.keep(secret, "elsewhere")
        self.assertNotEqual(one(self.render({}), "Secret", "mas-secrets")["data"], secret["data"])

    def test_notes_show_no_secret(self):
        values = {"secrets": {"systemToken": "the-system-token-itself"}, "backends": BACKENDS}
        out = self.helm_with_server("install", values, "--disable-openapi-validation")
        notes = out.split("NOTES:")[1]
        for secret in ("the-system-token-itself", "mongo-password", "redis-password"):
            self.assertNotIn(secret, notes)
        self.assertIn("kubectl -n store get secret mas-secrets", notes)
        self.assertNotIn("TRIAL", notes)
        self.assertNotIn("--cacert", notes)
        out = self.helm_with_server("install", {"tls": {"existingSecret": "api-tls"}},
                                    "--disable-openapi-validation")
        notes = out.split("NOTES:")[1]
        self.assertNotIn("curl -sSk", notes)
        self.assertIn("NAME=mas.store.svc", notes)
        self.assertEqual(notes.count("curl -sS $TRUST "), 4)
        out = self.helm_with_server("install", {"backends": {"bundled": True}},
                                    "--disable-openapi-validation")
        self.assertIn("THIS IS A TRIAL", out.split("NOTES:")[1])

    def test_notes_warn_while_beats_without_proof_are_accepted(self):
        for accepted in (True, False):
            values = {"backends": BACKENDS, "config": {"peer": {"accept_v1": accepted}}}
            out = self.helm_with_server("install", values, "--disable-openapi-validation")
            notes = out.split("NOTES:")[1]
            self.assertEqual("WITHOUT PROOF" in notes, accepted)
            self.assertEqual("config.peer.accept_v1=false" in notes, accepted)

    def test_notes_run_no_command_in_the_pod_that_its_network_does_not_let_out(self):
        values = {"tls": {"existingSecret": "api-tls"}, "backends": BACKENDS, "service": {"port": 443}}
        notes = self.helm_with_server("install", values, "--disable-openapi-validation").split("NOTES:")[1]
        command = re.search(r"exec mas-0 -- (.*)", notes)[1]
        self.assertEqual(command, "mas status")
        self.assertIn("tls.caSecret", notes)
        values["tls"]["caSecret"] = "api-tls"
        notes = self.helm_with_server("install", values, "--disable-openapi-validation").split("NOTES:")[1]
        self.assertNotIn("tls.caSecret", notes)


if __name__ == "__main__":
    unittest.main()

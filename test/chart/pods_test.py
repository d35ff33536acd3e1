"""What the pods may do, what they know, how they start, stop and are spread; and what scaling changes."""
import base64
import copy
import re
import tomllib
import unittest

from harness import BACKENDS, CHART, EXAMPLES, ChartTest, containers, one, pods, render

CLUSTER = {"replicas": 3, "backends": BACKENDS}


def toml(rendered):
    return tomllib.loads(one(rendered, "ConfigMap", "mas")["data"]["mas.toml"])


def mas_pod(rendered):
    return one(rendered, "StatefulSet", "mas")["spec"]["template"]["spec"]


class SecurityTest(ChartTest):
    def test_every_pod_is_restricted(self):
        for file in EXAMPLES:
            for name, pod in pods(render(files=[file])):
                with self.subTest(file=file.name, pod=name):
                    self.assertIs(pod["automountServiceAccountToken"], False)
                    self.assertIs(pod["enableServiceLinks"], False)
                    self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
                    self.assertGreater(pod["securityContext"]["runAsUser"], 0)
                    self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
                    for key in ("hostNetwork", "hostPID", "hostIPC"):
                        self.assertNotIn(key, pod)
                    for volume in pod["volumes"]:
                        self.assertNotIn("hostPath", volume)

    def test_every_container_is_restricted_and_has_a_limit(self):
        for file in EXAMPLES:
            for name, pod in pods(render(files=[file])):
                for container in containers(pod):
                    with self.subTest(file=file.name, pod=name, container=container["name"]):
                        context = container["securityContext"]
                        self.assertIs(context["allowPrivilegeEscalation"], False)
                        self.assertIs(context["readOnlyRootFilesystem"], True)
                        self.assertIs(context["runAsNonRoot"], True)
                        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                        self.assertEqual(context["seccompProfile"]["type"], "RuntimeDefault")
                        self.assertIn("memory", container["resources"]["limits"])
                        self.assertIn("cpu", container["resources"]["requests"])

    def test_secrets_stand_in_secrets_only(self):
        given = {"systemToken": "the-system-token-itself", "signingKey": "k" * 40,
                 "clusterSecret": "c" * 40}
        for values in ({"secrets": given, **CLUSTER}, {"replicas": 3, "backends": {"bundled": True}}):
            rendered = render(values)
            # Text of the server's own configuration is looked at through the passwords in it.
            known = set()
            for thing in rendered:
                if thing["kind"] == "Secret":
                    for value in thing["data"].values():
                        plain = base64.b64decode(value).decode()
                        known |= {plain, value, *re.findall(r"://[^:/]*:([^@]+)@", plain)}
            self.assertGreater(len(known), 10)
            for thing in rendered:
                if thing["kind"] != "Secret":
                    text = repr(thing)
                    for secret in known:
                        self.assertNotIn(secret, text, thing["metadata"]["name"])

    def test_no_container_takes_its_environment_from_a_secret(self):
        for file in EXAMPLES:
            for _, pod in pods(render(files=[file])):
                for container in containers(pod):
                    self.assertNotIn("envFrom", container)
                    for variable in container.get("env", []):
                        self.assertNotIn("secretKeyRef", variable.get("valueFrom", {}))

    def test_every_mount_has_its_volume_and_every_file_in_the_configuration_its_mount(self):
        for file in EXAMPLES:
            rendered = render(files=[file])
            for name, pod in pods(rendered):
                have = {volume["name"] for volume in pod["volumes"]}
                if name == "mas" or name == "mas-mongodb":
                    have.add("data")  # the claim
                used = {mount["name"] for each in containers(pod) for mount in each["volumeMounts"]}
                self.assertEqual(used, have, name)
            secrets = next(v for v in mas_pod(rendered)["volumes"] if v["name"] == "secrets")
            paths = ["/run/mas/" + item["path"] for source in secrets["projected"]["sources"]
                     for item in source["secret"]["items"]]
            named = re.findall(r'"(/run/mas/[^"]*)"',
                               one(rendered, "ConfigMap", "mas")["data"]["mas.toml"])
            # What commands take from the environment.
            own = {each.get("value") for each in mas_pod(rendered)["containers"][0]["env"]}
            named += [path for path in paths if path in own and path not in named]
            self.assertEqual(sorted(named), sorted(paths), file.name)

    def test_every_key_mounted_from_an_own_secret_is_in_it(self):
        for file in EXAMPLES:
            rendered = render(files=[file])
            own = {thing["metadata"]["name"]: thing["data"] for thing in rendered
                   if thing["kind"] == "Secret"}
            for _, pod in pods(rendered):
                for volume in pod["volumes"]:
                    sources = [source["secret"] for source in
                               volume.get("projected", {}).get("sources", [])]
                    if "secret" in volume:
                        sources.append({"name": volume["secret"]["secretName"], **volume["secret"]})
                    for source in sources:
                        if source["name"] in own:
                            keys = {item["key"] for item in source["items"]}
                            self.assertLessEqual(keys, set(own[source["name"]]))


class NetworkPolicyTest(ChartTest):
    @staticmethod
    def rules(rendered, direction):
        """By port: the peers that may be met there; None is everybody."""
        policy = one(rendered, "NetworkPolicy", "mas")["spec"]
        return {port["port"]: rule.get("from" if direction == "ingress" else "to")
                for rule in policy[direction] for port in rule["ports"]}

    def test_only_pods_of_the_release_reach_the_peer_port(self):
        rendered = render(CLUSTER)
        policy = one(rendered, "NetworkPolicy", "mas")["spec"]
        self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
        labels = one(rendered, "StatefulSet", "mas")["spec"]["template"]["metadata"]["labels"]
        for rules in (self.rules(rendered, "ingress"), self.rules(rendered, "egress")):
            selected = [policy["podSelector"], *(peer["podSelector"] for peer in rules[7081])]
            self.assertEqual(len(selected), 2)
            for selector in selected:
                self.assertLessEqual(selector["matchLabels"].items(), labels.items())
        self.assertEqual(set(self.rules(rendered, "ingress")), {7080, 7081, 7082})
        self.assertEqual(set(self.rules(rendered, "egress")), {7081, 53, 27017, 6379, 5671, 5672})

    def test_ports_of_backends_come_from_their_urls_and_values(self):
        backends = {"mongodb": {"url": "mongodb://u:p:1@a:27018,b:27019/?x=y:1"},
                    "redis": {"url": "rediss://u:p@redis:6380/0"},
                    "rabbitmq": {"url": "amqp://rabbit/mas"}}
        rendered = render({"replicas": 3, "backends": backends,
                           "networkPolicy": {"backendPorts": [7777]}})
        self.assertEqual(set(self.rules(rendered, "egress")),
                         {7081, 53, 27017, 27018, 27019, 6379, 6380, 5671, 5672, 7777})

    def test_dns_may_have_a_port_of_its_own(self):
        rendered = render({**CLUSTER, "networkPolicy": {"dnsPorts": [53, 5353]}})
        egress = one(rendered, "NetworkPolicy", "mas")["spec"]["egress"]
        dns = [(port["protocol"], port["port"]) for rule in egress for port in rule["ports"]
               if port["port"] in (53, 5353)]
        self.assertEqual(sorted(dns), [(protocol, port) for protocol in ("TCP", "UDP")
                                       for port in (53, 5353)])
        self.refused({**CLUSTER, "networkPolicy": {"dnsPorts": []}}, "networkPolicy.dnsPorts")

    def test_a_single_pod_calls_nobody_and_has_no_peer_port(self):
        rendered = render()
        self.assertEqual(one(rendered, "NetworkPolicy", "mas")["spec"]["egress"], [])
        self.assertEqual(set(self.rules(rendered, "ingress")), {7080, 7082})

    def test_who_may_come_can_be_narrowed_down_and_the_policy_left_out(self):
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
        rendered = render({**CLUSTER, "networkPolicy": {"clients": [peer], "metrics": [peer],
                                                        "backends": [peer]}})
        for port in (7080, 7082):
            self.assertEqual(self.rules(rendered, "ingress")[port][0], peer)
        # `helm test` asks the API, whoever else may.
        self.assertEqual(self.rules(rendered, "ingress")[7082], [peer])
        _, tester = self.rules(rendered, "ingress")[7080]
        labels = one(rendered, "Pod", "mas-test")["metadata"]["labels"]
        self.assertLessEqual(tester["podSelector"]["matchLabels"].items(), labels.items())
        self.assertEqual(self.rules(rendered, "egress")[27017], [peer])
        self.assertIsNone(self.rules(rendered, "egress")[53])
        rendered = render({**CLUSTER, "networkPolicy": {"enabled": False}})
        self.assertNotIn("NetworkPolicy", {each["kind"] for each in rendered})


class LifeTest(ChartTest):
    def test_probes(self):
        for values in (None, {"tls": {"existingSecret": "certificate"}}):
            container = mas_pod(render(values))["containers"][0]
            for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"),
                                ("readinessProbe", "/readyz")):
                # Clients cannot keep them out there, and it speaks plain HTTP whatever the API does.
                self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "metrics"})
            startup = container["startupProbe"]
            self.assertEqual(startup["periodSeconds"] * startup["failureThreshold"], 600)

    def test_the_grace_period_holds_draining_and_the_running_requests(self):
        for drain, timeout in ((5, 30), (0, 0), (20, 300)):
            rendered = render({"shutdown": {"drainSeconds": drain, "timeoutSeconds": timeout}})
            pod = mas_pod(rendered)
            self.assertEqual(toml(rendered)["node"]["shutdown_timeout"], f"{timeout} s")
            self.assertEqual(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"],
                             ["sleep", str(drain)])
            self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], drain + timeout + 10)

    def test_the_disruption_budget_lets_one_pod_go(self):
        rendered = render(CLUSTER)
        budget = one(rendered, "PodDisruptionBudget", "mas")["spec"]
        labels = one(rendered, "StatefulSet", "mas")["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(budget["maxUnavailable"], 1)
        self.assertLessEqual(budget["selector"]["matchLabels"].items(), labels.items())
        off = render({"podDisruptionBudget": {"enabled": False}})
        self.assertNotIn("PodDisruptionBudget", {thing["kind"] for thing in off})

    def test_pods_are_spread_over_nodes_and_zones(self):
        spread = mas_pod(render(CLUSTER))["topologySpreadConstraints"]
        self.assertEqual([each["topologyKey"] for each in spread],
                         ["kubernetes.io/hostname", "topology.kubernetes.io/zone"])

    def test_a_changed_configuration_restarts_the_pods(self):
        def mark(values):
            template = one(render(values), "StatefulSet", "mas")["spec"]["template"]
            return template["metadata"]["annotations"]["checksum/config"]
        self.assertEqual(mark({}), mark({"resources": {"limits": {"memory": "1Gi"}}}))
        self.assertNotEqual(mark({}), mark({"config": {"log": {"level": "debug"}}}))


class ClusterTest(ChartTest):
    def test_one_pod_on_embedded_metadata(self):
        rendered = render()
        config = toml(rendered)
        self.assertFalse({"cluster", "mongodb", "redis", "rabbitmq", "peer"} & set(config))
        names = [each["name"] for each in mas_pod(rendered)["containers"][0]["env"]]
        self.assertEqual(names, ["MAS_NODE_NAME", "MAS_SYSTEM_TOKEN_FILE"])

    def test_pods_find_each_other_before_they_are_ready(self):
        rendered = render(CLUSTER)
        spec = one(rendered, "StatefulSet", "mas")["spec"]
        headless = one(rendered, "Service", "mas-pods")["spec"]
        self.assertEqual(spec["podManagementPolicy"], "Parallel")
        self.assertEqual(spec["serviceName"], "mas-pods")
        self.assertEqual(headless["clusterIP"], "None")
        self.assertIs(headless["publishNotReadyAddresses"], True)
        self.assertIn(7081, [port["port"] for port in headless["ports"]])
        self.assertEqual([port["name"] for port in one(rendered, "Service", "mas")["spec"]["ports"]],
                         ["api"])
        env = {each["name"]: each for each in spec["template"]["spec"]["containers"][0]["env"]}
        self.assertEqual(env["MAS_NODE_NAME"]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name")
        self.assertEqual(env["MAS_CLUSTER_ADVERTISE_PEER"]["value"],
                         "$(MAS_NODE_NAME).mas-pods.store.svc:7081")
        self.assertEqual(env["MAS_CLUSTER_ADVERTISE_API"]["value"],
                         "$(MAS_NODE_NAME).mas-pods.store.svc:7080")
        # Kubernetes expands only names defined further up.
        self.assertEqual(next(iter(env)), "MAS_NODE_NAME")
        self.assertEqual(toml(rendered)["cluster"]["listen"], "0.0.0.0:7081")

    def test_the_zone_is_given_or_the_label_of_the_pod(self):
        def zone(values):
            env = mas_pod(render({**CLUSTER, **values}))["containers"][0]["env"]
            return next(each for each in env if each["name"] == "MAS_CLUSTER_ZONE")
        self.assertEqual(zone({"zone": "cellar"})["value"], "cellar")
        self.assertEqual(zone({})["valueFrom"]["fieldRef"]["fieldPath"],
                         "metadata.labels['topology.kubernetes.io/zone']")

    def test_scaling_changes_the_number_and_nothing_else(self):
        for base in ({"backends": BACKENDS}, {"backends": {"existingSecret": "urls"}},
                     {"backends": {"bundled": True}}):
            seen = []
            for replicas in (1, 3, 6):
                rendered = copy.deepcopy(render({**base, "replicas": replicas}))
                spec = one(rendered, "StatefulSet", "mas")["spec"]
                self.assertEqual(spec.pop("replicas"), replicas)
                # Random without a cluster to look them up in; secrets_test.py has one.
                seen.append([thing for thing in rendered if thing["kind"] != "Secret"])
            self.assertEqual(seen[0], seen[1])
            self.assertEqual(seen[1], seen[2])

    def test_a_volume_claim_for_each_pod(self):
        rendered = render({"storage": {"size": "7Gi", "className": "fast"}})
        claim, = one(rendered, "StatefulSet", "mas")["spec"]["volumeClaimTemplates"]
        self.assertEqual(claim["spec"]["storageClassName"], "fast")
        self.assertEqual(claim["spec"]["resources"]["requests"]["storage"], "7Gi")
        self.assertEqual(claim["spec"]["accessModes"], ["ReadWriteOnce"])
        # What may not change in a StatefulSet must not hold the chart's version.
        self.assertNotIn("helm.sh/chart", claim["metadata"]["labels"])

    def test_commands_in_a_pod_with_tls_ask_it_under_the_name_of_its_certificate(self):
        def parts(values):
            rendered = render(values)
            pod, test = mas_pod(rendered), one(rendered, "Pod", "mas-test")["spec"]
            return pod, *({each["name"]: each.get("value") for each in spec["containers"][0].get("env", [])}
                          for spec in (pod, test)), test
        pod, own, _, _ = parts(CLUSTER)
        self.assertNotIn("hostAliases", pod)
        self.assertFalse({"MAS_SERVER", "MAS_CA_FILE"} & set(own))
        for host, loopback in (("0.0.0.0", "127.0.0.1"), ("[::]", "::1")):
            pod, own, tester, _ = parts({**CLUSTER, "tls": {"existingSecret": "certificate"},
                                         "service": {"port": 443}, "listenHost": host})
            self.assertEqual(pod["hostAliases"], [{"ip": loopback, "hostnames": ["mas.store.svc"]}])
            self.assertEqual(own["MAS_SERVER"], "https://mas.store.svc:7080")
            self.assertNotIn("MAS_CA_FILE", {**own, **tester})
        pod, own, tester, test = parts({**CLUSTER, "tls": {"existingSecret": "certificate",
                                                           "caSecret": "authority"}})
        for env, spec in ((own, pod), (tester, test)):
            self.assertEqual(env["MAS_CA_FILE"], "/run/mas/ca/api.crt")
            volume = next(each for each in spec["volumes"] if each["name"] == "secrets")
            found = [(source["secret"]["name"], item["key"])
                     for source in volume["projected"]["sources"]
                     for item in source["secret"]["items"] if item["path"] == "ca/api.crt"]
            self.assertEqual(found, [("authority", "ca.crt")])
        self.refused({**CLUSTER, "tls": {"caSecret": "authority"}}, "tls.existingSecret")

    def test_the_trial_says_so(self):
        text = (CHART / "templates" / "NOTES.txt").read_text()
        self.assertIn("THIS IS A TRIAL", text)
        kinds = {thing["metadata"]["name"]: thing["kind"]
                 for thing in render({"backends": {"bundled": True}})}
        self.assertEqual(kinds["mas-redis"], "Deployment")
        self.assertFalse(any("mongodb" in name or "redis" in name or "rabbitmq" in name
                             for name in (thing["metadata"]["name"] for thing in render(CLUSTER))))


if __name__ == "__main__":
    unittest.main()

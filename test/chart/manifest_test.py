"""Every example renders, and every object fits the schemas of the oldest and the newest Kubernetes."""
import unittest

import kubernetes_validate

from harness import CHART, EXAMPLES, NEWEST, OLDEST, ChartTest, helm, render


class ManifestTest(ChartTest):
    def test_lint(self):
        for file in EXAMPLES:
            for version in (OLDEST, NEWEST):
                with self.subTest(file=file.name, version=version):
                    status, out, errors = helm("lint", "--strict", "--kube-version", version, CHART,
                                               "--values", file)
                    self.assertEqual(status, 0, out + errors)

    def test_there_is_an_example_of_each_kind(self):
        self.assertEqual({file.stem for file in EXAMPLES},
                         {"single", "cluster", "trial", "tls", "existing-secrets"})

    def test_schemas(self):
        for files in [[], *([file] for file in EXAMPLES)]:
            for version in (OLDEST, NEWEST):
                rendered = render(files=files, version=version)
                self.assertGreater(len(rendered), 5)
                for thing in rendered:
                    with self.subTest(files=files, version=version, name=thing["metadata"]["name"]):
                        kubernetes_validate.validate(thing, version, strict=True)

    def test_names_are_unique_and_nothing_names_its_namespace(self):
        for file in EXAMPLES:
            rendered = render(files=[file])
            names = [(thing["kind"], thing["metadata"]["name"]) for thing in rendered]
            self.assertEqual(len(names), len(set(names)), names)
            for thing in rendered:
                self.assertIn(thing["metadata"].get("namespace"), (None, "store"))

    def test_selectors_find_the_pods_and_no_others(self):
        rendered = render(files=[CHART / "examples" / "trial.yaml"])
        labels = {thing["metadata"]["name"]: thing["spec"]["template"]["metadata"]["labels"]
                  for thing in rendered if thing["kind"] in ("StatefulSet", "Deployment")}
        expected = {"mas": "mas", "mas-pods": "mas", "mas-mongodb": "mas-mongodb",
                    "mas-redis": "mas-redis", "mas-rabbitmq": "mas-rabbitmq"}
        services = [thing for thing in rendered if thing["kind"] == "Service"]
        self.assertEqual({thing["metadata"]["name"] for thing in services}, set(expected))
        for service in services:
            selector = service["spec"]["selector"].items()
            found = [name for name, own in labels.items() if selector <= own.items()]
            self.assertEqual(found, [expected[service["metadata"]["name"]]])


if __name__ == "__main__":
    unittest.main()

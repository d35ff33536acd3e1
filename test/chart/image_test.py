"""The image, as far as it can be checked without a container engine: the libraries of the binary come
from the packages the Dockerfile installs, and the files it copies are enough to configure the build."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

from harness import CHART, ROOT, one, pods, render

MAS = os.environ.get("MAS_BINARY", "")
# Part of every Debian system: bookworm-slim has them without being asked.
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def stages():
    """The Dockerfile's instructions by stage: [[(INSTRUCTION, arguments), ...], ...]."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    found = []
    for line in filter(str.strip, text.splitlines()):
        instruction, arguments = line.split(None, 1)
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, arguments.strip()))
    return found


def runtime(instruction):
    return [arguments for name, arguments in stages()[-1] if name == instruction]


def runtime_packages():
    install = re.search(r"apt-get install -qy --no-install-recommends (.*?)&&", " ".join(runtime("RUN")))
    return set(install[1].split())


def package_of(library):
    path = pathlib.Path(library)
    for candidate in (path, pathlib.Path("/usr") / path.relative_to("/"), path.resolve()):
        done = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"no package has {library}")


def needed_by(binary):
    """Names of what it links itself, and the path of everything that is loaded."""
    direct = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", binary)))
    loaded = dict(re.findall(r"^\s*(\S+) => (\S+) ", output_of("ldd", binary), re.M))
    return direct, loaded


def with_dependencies(packages):
    done, waiting = set(), list(packages)
    while waiting:
        package = waiting.pop()
        if package in done:
            continue
        done.add(package)
        shown = subprocess.run(["dpkg-query", "-W", "-f=${Depends}, ${Pre-Depends}", package],
                               capture_output=True, text=True, check=False).stdout
        waiting += re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", shown)
    return done


class ImageTest(unittest.TestCase):
    def test_libraries(self):
        direct, loaded = needed_by(MAS)
        self.assertIn("librocksdb.so.7.8", direct)
        listed = runtime_packages()
        complete = with_dependencies(listed | ALWAYS_THERE)
        for name, path in sorted(loaded.items()):
            package = package_of(path)
            with self.subTest(library=name):
                if name in direct:
                    self.assertIn(package, listed | ALWAYS_THERE, "list it in the Dockerfile")
                self.assertIn(package, complete)

    def test_packages_exist(self):
        for package in sorted(runtime_packages()):
            with self.subTest(package=package):
                output_of("dpkg-query", "-W", package)

    def test_user_is_no_root_and_the_one_of_the_chart(self):
        user, = runtime("USER")
        self.assertEqual(user, "10001:10001")
        pod = dict(pods(render()))["mas"]
        self.assertEqual(pod["securityContext"]["runAsUser"], 10001)
        self.assertIn("-o 10001 -g 10001", " ".join(runtime("RUN")))

    def test_the_chart_runs_what_the_image_has(self):
        entry, = runtime("ENTRYPOINT")
        self.assertEqual(yaml.safe_load(entry), ["mas"])
        container = dict(pods(render()))["mas"]["containers"][0]
        self.assertNotIn("command", container)
        image = yaml.safe_load((CHART / "values.yaml").read_text())["image"]["repository"]
        self.assertEqual(image, "mas")
        # What the environment sets comes before mas.toml: the image may set no key.
        self.assertEqual([line.split("=")[0] for line in runtime("ENV")], ["MAS_SYSTEM_TOKEN_FILE"])
        data = yaml.safe_load(runtime("CMD")[0])
        self.assertEqual(data[:3], ["serve", "--data", "/var/lib/mas/data"])
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        self.assertIn(runtime("VOLUME")[0], mounts)
        self.assertEqual(one(render(), "StatefulSet", "mas")["kind"], "StatefulSet")

    def test_the_build_gets_what_it_reads(self):
        """Configures the release in a folder that holds only what .dockerignore lets through."""
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        allowed = [line[1:] for line in lines if line.startswith("!")]
        self.assertIn("*", lines)
        with tempfile.TemporaryDirectory() as directory:
            context = pathlib.Path(directory) / "src"
            for name in allowed:
                source, target = ROOT / name, context / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, target)
                else:
                    shutil.copy2(source, target)
            run = next(arguments for name, arguments in stages()[0]
                       if name == "RUN" and "cmake" in arguments)
            configure = run.split("&&")[0].split()
            done = subprocess.run(configure, cwd=context, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            targets = output_of("cmake", "--build", context / "build" / "release", "--target", "help")
            self.assertRegex(targets, r"(?m)^mas: ")
            script = (context / "build" / "release" / "cmake_install.cmake").read_text()
            self.assertIn("/etc/mas", script)


if __name__ == "__main__":
    if not MAS:
        sys.exit("MAS_BINARY names the program")
    unittest.main()

#!/usr/bin/env python3
"""Prepares what the chart's tests need and Debian does not have: helm, built from its Go module, and
a Python environment with the schemas of Kubernetes. Both stay in the user's cache, outside the tree.

    tools.py            prepares what is missing; does nothing where all is there
    tools.py helm       prints the path of helm; fails if it is not prepared
    tools.py python     the same of the environment's Python

Two runs at once are safe: the second waits for the first. What is there counts only if it answers
with the right version, so a half-made cache is made again.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

HELM = "v3.19.5"
GO_NEEDED = (1, 24)
GO_TOOLCHAIN = "go1.24.11"  # used where the installed Go is older than GO_NEEDED
HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "mas" / "chart"


def helm_path():
    return cache() / f"helm-{HELM}" / "helm"


def environment_path():
    """One environment for each list of packages and each Python it was made with."""
    facts = REQUIREMENTS.read_bytes() + sys.version.encode() + sys.executable.encode()
    return cache() / f"python-{hashlib.sha256(facts).hexdigest()[:12]}"


def python_path():
    return environment_path() / "bin" / "python"


def output_of(command, **options):
    """What a command prints; None if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def run(command, what, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"tools.py: {what} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def helm_is_ready():
    return output_of([helm_path(), "version", "--template", "{{.Version}}"]) == HELM


def python_is_ready():
    lines = REQUIREMENTS.read_text().splitlines()
    wanted = dict(line.split("==") for line in lines if "==" in line)
    program = ("import importlib.metadata as m, json, sys\n"
               "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))")
    said = output_of([python_path(), "-c", program, *wanted])
    return said is not None and json.loads(said) == wanted


def go_for(work):
    """The Go program to build with and its environment; fetches a newer one where Debian's is old."""
    if not shutil.which("go"):
        sys.exit("tools.py: Go is missing; ./dev deps test installs it (package golang-go)")
    env = dict(os.environ, GOPATH=str(work / "path"), GOMODCACHE=str(work / "modules"),
               GOCACHE=str(work / "built"), GOBIN=str(work / "bin"), GOFLAGS="-modcacherw",
               GOTOOLCHAIN="local", CGO_ENABLED="0")
    version = re.match(r"go(\d+)\.(\d+)", output_of(["go", "env", "GOVERSION"], env=env) or "")
    if version and tuple(map(int, version.groups())) >= GO_NEEDED:
        return "go", env
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
    if machine is None:
        sys.exit(f"tools.py: install Go {'.'.join(map(str, GO_NEEDED))} or newer by hand")
    module = f"golang.org/toolchain@v0.0.1-{GO_TOOLCHAIN}.linux-{machine}"
    said = run(["go", "mod", "download", "-json", module], f"fetching {module}", env=env, cwd=work)
    root = pathlib.Path(json.loads(said)["Dir"])
    # A module's files are not executable; those of a toolchain have to be.
    for program in [*root.glob("bin/*"), *root.glob("pkg/tool/*/*")]:
        program.chmod(0o755)
    env.pop("GOROOT", None)
    return str(root / "bin" / "go"), env


def build_helm():
    work = cache() / "building"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    go, env = go_for(work)
    flags = f"-s -w -X helm.sh/helm/v3/internal/version.version={HELM}"
    run([go, "install", "-trimpath", "-ldflags", flags, f"helm.sh/helm/v3/cmd/helm@{HELM}"],
        f"building helm {HELM}", env=env, cwd=work)
    helm_path().parent.mkdir(parents=True, exist_ok=True)
    (work / "bin" / "helm").replace(helm_path())
    shutil.rmtree(work)


def make_environment():
    target = environment_path()
    shutil.rmtree(target, ignore_errors=True)
    run([sys.executable, "-m", "venv", target], "making a Python environment (package python3-venv)")
    run([python_path(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--requirement", REQUIREMENTS], "installing the schemas of Kubernetes")


def prepare():
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for what, ready, make in (("Python environment", python_is_ready, make_environment),
                                  (f"helm {HELM}", helm_is_ready, build_helm)):
            if ready():
                continue
            start = time.monotonic()
            print(f"preparing: {what}", flush=True)
            make()
            if not ready():
                sys.exit(f"tools.py: {what} was made, but does not answer as it should")
            print(f"prepared: {what}, {time.monotonic() - start:.0f} s", flush=True)


def main():
    known = {"helm": (helm_path, helm_is_ready), "python": (python_path, python_is_ready)}
    if len(sys.argv) == 1:
        prepare()
    elif len(sys.argv) == 2 and sys.argv[1] in known:
        path, ready = known[sys.argv[1]]
        if not ready():
            sys.exit(f"tools.py: {sys.argv[1]} is not prepared; run test/chart/tools.py first")
        print(path())
    else:
        sys.exit("usage: tools.py [helm|python]")


if __name__ == "__main__":
    main()

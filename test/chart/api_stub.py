"""As much of the Kubernetes API as helm asks for in a dry run against a server: what versions and kinds
there are, and the objects it is given. It serves `lookup`, which plain `helm template` leaves empty; no
real API server fits into a test here, and none of its behaviour beyond GET is relied on."""
import http.server
import json
import pathlib
import threading

GROUPS = {"v1": ["Secret", "ConfigMap", "Service", "Pod"], "apps/v1": ["StatefulSet", "Deployment"],
          "policy/v1": ["PodDisruptionBudget"], "networking.k8s.io/v1": ["NetworkPolicy"]}


def resources(version):
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
            "resources": [{"name": kind.lower() + "s", "singularName": kind.lower(), "kind": kind,
                           "namespaced": True, "verbs": ["get", "list", "create", "patch"]}
                          for kind in GROUPS[version]]}


def group(version):
    name, short = version.split("/")
    entry = {"groupVersion": version, "version": short}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        fixed = {"/version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0"},
                 "/api": {"kind": "APIVersions", "versions": ["v1"]},
                 "/apis": {"kind": "APIGroupList", "apiVersion": "v1",
                           "groups": [group(v) for v in GROUPS if "/" in v]},
                 "/api/v1": resources("v1")}
        fixed |= {f"/apis/{version}": resources(version) for version in GROUPS if "/" in version}
        parts = path.split("/")
        if path in fixed:
            self.answer(fixed[path])
        elif parts[-1] in ("secrets", "configmaps"):  # helm looks for earlier releases
            self.answer({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []})
        elif tuple(parts[-3:]) in self.server.objects:
            self.answer(self.server.objects[tuple(parts[-3:])])
        else:
            self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404,
                         "reason": "NotFound", "message": f"{path} not found"}, 404)

    def log_message(self, *_):
        pass


class ApiStub:
    """Serves the Secrets given to keep(); a kubeconfig for it is in `kubeconfig`."""

    def __init__(self, directory):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.objects = {}
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.kubeconfig = pathlib.Path(directory) / "kubeconfig"
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}))

    def keep(self, secret, namespace):
        name = secret["metadata"]["name"]
        kept = dict(secret, metadata=dict(secret["metadata"], namespace=namespace))
        self.server.objects[(namespace, "secrets", name)] = kept

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

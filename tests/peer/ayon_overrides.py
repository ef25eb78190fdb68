"""An AYON server in front of the stand-in that keeps what a studio and each project have set, as recordings 098 to 127 and 189 to 196
show it: only what differs from what is below, pinned once set, until it is unpinned. It can refuse, drop and be late."""
import copy
import http.server
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

DEFAULTS = {"farm_id": "", "queue_id": "", "conda_packages": "", "conda_channels": "deadline-cloud", "extra_job_parameters": [],
            "publish_host_requirement_roles": ["publish"], "render_host_requirement_roles": ["render"]}
PLACE = ("api", "addons", "deadline_cloud", "0.3.0")


class Ayon:
    def __init__(self, upstream, manager=False):
        self.upstream, self.manager, self.lock = upstream, manager, threading.Lock()
        self.own = {}  # (variant, project or None): what it has set
        self.posts, self.faults, self.users = [], {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                outer.serve(self)
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @classmethod
    def before(cls, studio):
        """In front of a studio's stand-in, with what that one holds; the studio's file leads here from now on."""
        ayon = cls(studio.ayon.url)
        with urllib.request.urlopen(studio.ayon.url + "/_stand_in/settings") as r:
            held = {tuple(k.split("/", 1)): v for k, v in json.load(r).items()}
        for (variant, place), whole in sorted(held.items(), key=lambda row: row[0][1] != "studio"):
            ayon.set(variant, None if place == "studio" else place, dict(whole))
        file = studio.folder / "studiolink.toml"
        file.write_text(file.read_text().replace(studio.ayon.url, ayon.url))
        studio.ayon = ayon
        return ayon

    def told(self):
        """As the stand-in tells its settings and what it was asked for."""
        places = [(v, p) for v, p in {**dict.fromkeys([("production", None), ("staging", None)]), **dict.fromkeys(self.own)}]
        return {f"{v}/{p or 'studio'}": self.effective(v, p) for v, p in places}

    def below(self, variant, project):
        return self.effective(variant, None) if project else DEFAULTS

    def effective(self, variant, project):
        return {**self.below(variant, project), **self.own.get((variant, project), {})}

    def set(self, variant, project, whole):
        """As ayon-backend's extract_overrides does it."""
        unpinned = {tuple(p) for p in whole.pop("__unpinned_fields__", [])}
        below, had = self.below(variant, project), self.own.get((variant, project), {})
        whole = {k: whole.get(k, DEFAULTS[k]) for k in DEFAULTS}
        own = {k: v for k, v in whole.items() if v != below[k] or k in had}
        self.own[variant, project] = {k: v for k, v in own.items() if (k,) not in unpinned}

    def listed(self, variant, project):
        rows = {}
        for level, own in (("studio", self.own.get((variant, None), {})), ("project", self.own.get((variant, project), {}) if project else {})):
            for field, value in own.items():
                row = {"path": [field], "level": level, "inGroup": None, "scope": ["studio", "project"]}
                rows[f"root_{field}"] = {**row, "type": "list"} if isinstance(value, list) else {**row, "value": value}
        return rows

    def answer(self, request, status, body=None):
        raw = b"" if body is None else json.dumps(body).encode()
        request.send_response(status)
        if raw:
            request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def serve(self, request):
        url = urllib.parse.urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        parts = tuple(url.path.strip("/").split("/"))
        if url.path == "/_stand_in/settings":
            return self.answer(request, 200, self.told())
        if url.path == "/_stand_in/requests":
            with urllib.request.urlopen(self.upstream + url.path) as r:
                asked = [row for row in json.load(r) if row["path"] != "/api/users/me" or row["method"] != "POST"]
            posts = [{"method": "POST", "path": f"{v}/{p}", "who": who, "status": 204} for v, p, who in self.posts]
            return self.answer(request, 200, posts + asked)
        if parts[:4] != PLACE or parts[4] not in ("settings", "overrides", "rawOverrides"):
            return self.forward(request, body)
        who = self.who(request)
        if who is None:
            return self.answer(request, 401, {"code": 401, "detail": "Invalid API key"})
        variant = urllib.parse.parse_qs(url.query).get("variant", ["production"])[0]
        project = parts[5] if len(parts) > 5 else None
        with self.lock:
            if request.command == "GET":
                if parts[4] == "settings":
                    return self.answer(request, 200, self.effective(variant, project))
                if parts[4] == "overrides":
                    return self.answer(request, 200, self.listed(variant, project))
                if self.manager:
                    return self.answer(request, 403, {"code": 403, "detail": "You are not allowed to use low-level API"})
                return self.answer(request, 200, self.own.get((variant, project), {}))
            whole = json.loads(body)
            self.posts.append((variant, project, who))
            fault = self.faults.pop(len(self.posts), None)
            if isinstance(fault, int):
                return self.answer(request, fault, {"code": fault, "detail": "injected"})
            if fault == "drop":
                return request.connection.close()
            if fault == "late":
                threading.Timer(self.late, self.set, (variant, project, copy.deepcopy(whole))).start()
                return request.connection.close()
            self.set(variant, project, whole)
            if fault == "lost":
                return request.connection.close()
            self.answer(request, 204)

    late = 4

    def who(self, request):
        """The user's name, as the server behind knows it."""
        head = {k: v for k, v in request.headers.items() if k.lower() in ("x-api-key", "authorization")}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.upstream + "/api/users/me", headers=head), timeout=10) as r:
                return json.load(r)["name"]
        except urllib.error.HTTPError:
            return None

    def forward(self, request, body):
        head = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length", "accept-encoding", "connection")}
        asked = urllib.request.Request(self.upstream + request.path, data=body or None, headers=head, method=request.command)
        try:
            with urllib.request.urlopen(asked, timeout=10) as r:
                status, kind, raw = r.status, r.headers.get("Content-Type", ""), r.read()
        except urllib.error.HTTPError as e:
            status, kind, raw = e.code, e.headers.get("Content-Type", ""), e.read()
        if self.manager and request.path == "/api/users/me" and status == 200:
            me = json.loads(raw)
            if me["data"].get("isAdmin"):
                me["data"] = {**me["data"], "isAdmin": False, "isManager": True}
            raw = json.dumps(me).encode()
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def waited(until, seconds=15):
    end = time.time() + seconds
    while time.time() < end and not until():
        time.sleep(0.1)
    return until()

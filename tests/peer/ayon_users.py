"""AYON with the API keys of its users, as ../ayon-recordings 018 and 050 to 057 show them; everything else is the stand-in's.

  python ayon_users.py STAND_IN_URL STAND_IN_KEY RECORDINGS
  # ayon-users ready on http://127.0.0.1:PORT

GET /_users tells what it keeps: the keys by user, which no AYON tells."""
import http.server
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

BEHIND, BEHIND_KEY, RECORDINGS = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ADMIN = "T" * 64


def recorded(name):
    return json.loads((RECORDINGS / f"{name}.json").read_text())["response"]


SERVICE = recorded("018_user_get_service_as_admin")["body"]
USERS = {
    "svc_farm": {**SERVICE, "keys": None},
    "svc_off": {**SERVICE, "name": "svc_off", "active": False, "keys": []},
    "artist": {**SERVICE, "name": "artist", "data": {"createdBy": "admin"}, "keys": None},
}
REFUSED = {}  # the keys that were wrong once: AYON says so for 60 s, also of one that has been made since


def shown(user):
    data = dict(user["data"])
    if user["keys"] is not None:
        data["apiKeys"] = [{k: v for k, v in key.items() if k != "text"} for key in user["keys"]]
    return {**{k: v for k, v in user.items() if k != "keys"}, "data": data}


def owner(key):
    return next((u for u in USERS.values() for k in u["keys"] or [] if k["text"] == key), None)


def users(method, parts, body):
    user = USERS.get(parts[2])
    if user is None:
        r = recorded("019_user_get_unknown")
        return r["status"], r["body"]
    if len(parts) == 3:
        if method == "GET":
            return 200, shown(user)
        assert method == "PATCH" and body == {"data": {"apiKeys": []}}, body
        user["keys"] = user["keys"] or []
        return 204, None
    if user["keys"] is None:
        r = recorded("051_apikeys_create_no_expires")
        return r["status"], r["body"]
    if method == "POST":
        if any(k["label"] == body["label"] for k in user["keys"]):
            r = recorded("056_apikeys_create_same_label")
            return r["status"], r["body"]
        user["keys"].append({"id": f"{len(user['keys']):032x}", "key": "HASH", "label": body["label"], "created": time.time(), "preview": "PREVIEW", "text": body["key"]})
        return 200, None
    assert method == "DELETE" and len(parts) == 5, parts
    user["keys"] = [k for k in user["keys"] if k["id"] != parts[4]]
    return 200, None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        raw = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        if raw:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do(self):
        given = self.headers.get("X-Api-Key")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        parts = path.strip("/").split("/")
        if path == "/_users":
            return self.answer(200, {name: u["keys"] for name, u in USERS.items()})
        mine = owner(given)
        if mine and time.time() - REFUSED.get(given, 0) < 60:
            return self.answer(401, {"code": 401, "detail": "Invalid session"})
        if mine and path == "/api/users/me":
            return self.answer(200, shown(mine))
        if parts[:2] == ["api", "users"] and len(parts) > 2 and parts[2] != "me":
            if given != ADMIN:
                return self.answer(403, {"code": 403, "detail": "Forbidden"})
            return self.answer(*users(self.command, parts, json.loads(raw) if raw else None))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
        if mine:
            headers["X-Api-Key"] = BEHIND_KEY
        asked = urllib.request.Request(BEHIND + self.path, data=raw or None, method=self.command, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as r:
                status, body = r.status, r.read()
        except urllib.error.HTTPError as e:
            status, body = e.code, e.read()
        if status == 401 and given:
            REFUSED.setdefault(given, time.time())
        self.answer(status, json.loads(body) if body else None)

    do_GET = do_POST = do_PATCH = do_DELETE = do

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"ayon-users ready on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

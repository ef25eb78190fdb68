# What a worker sees, told in lines of JSON that studiolink reads. Python's standard library only, 3.6 and newer. No value of a
# secret is printed: of the environment, names alone. Each reading is by itself, so that one fault hides no other.
import json
import os
import platform
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

VARIANT = sys.argv[1] if len(sys.argv) > 1 else "production"
# What the job asks of conda: as the queue's environment got it.
PACKAGES = sys.argv[2].split() if len(sys.argv) > 2 else []
URL = os.environ.get("AYON_SERVER_URL", "").strip()
KEY = os.environ.get("AYON_API_KEY", "").strip()
LOCK = threading.Lock()
LIMIT = 8


def tell(reading, ok, **more):
    line = {"v": 1, "reading": reading, "ok": ok}
    line.update(more)
    text = json.dumps(line, sort_keys=True)
    if KEY:
        text = text.replace(KEY, "********")
    with LOCK:
        print("studiolink-probe " + text, flush=True)


def reading(name):
    """A reading that ends with an error says so, and the next one follows."""
    def wrap(f):
        def run():
            began = time.time()
            try:
                found = f()
                ok = found.pop("ok", True)
            except Exception as e:  # what can't be read is told as that
                ok, found = False, {"error": "%s: %s" % (type(e).__name__, str(e)[:300])}
            tell(name, ok, ms=int((time.time() - began) * 1000), **found)
            return ok
        return run
    return wrap


def writable(folder):
    """By a file that is made and taken away again: permissions alone do not tell of a read-only mount."""
    name = os.path.join(folder, ".studiolink-probe-%d" % os.getpid())
    try:
        with open(name, "w"):
            pass
        os.remove(name)
        return True
    except OSError:
        return False


@reading("worker")
def worker():
    return {"os": platform.system().lower(), "release": platform.release(), "python": platform.python_version(),
            "region": os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "",
            "fleet": os.environ.get("DEADLINE_FLEET_ID", ""), "worker": os.environ.get("DEADLINE_WORKER_ID", "")}


@reading("conda")
def conda():
    prefix = os.environ.get("CONDA_PREFIX", "")
    if not prefix:
        return {"ok": False, "error": "no conda environment is active (CONDA_PREFIX is not set)"}
    packages, channels = {}, set()
    meta = os.path.join(prefix, "conda-meta")
    for name in sorted(os.listdir(meta)) if os.path.isdir(meta) else []:
        if name.endswith(".json"):
            with open(os.path.join(meta, name)) as f:
                record = json.load(f)
            packages[record.get("name", "")] = record.get("version", "")
            if record.get("channel"):
                channels.add(str(record["channel"]).split("@")[-1])
    named = {k: packages[k] for k in ("ayon-launcher", "python") if k in packages}
    # An environment that somebody left active is not the one that the job asked for: that one has what was asked for.
    asked = [re.split(r"[\[=<>!~ ]", spec.split("::")[-1])[0].lower() for spec in PACKAGES]
    lacking = [name for name in asked if name and name not in packages]
    return {"ok": not lacking, "packages": len(packages), "named": named, "channels": sorted(channels)[:10], "asked": len(asked),
            "lacking": lacking[:10], "prefix": prefix, "disabled": os.environ.get("DISABLE_CONDA_ENV", ""),
            "priority": os.environ.get("CONDA_CHANNEL_PRIORITY", "")}


@reading("launcher")
def launcher():
    path = shutil.which("ayon") or shutil.which("ayon_console")
    return {"ok": bool(path), "path": path or "", "python": shutil.which("python") or ""}


@reading("variables")
def variables():
    names = sorted(n for n in os.environ if n.startswith("AYON_"))
    folders = {}
    for name in ("AYON_LAUNCHER_STORAGE_DIR", "AYON_LAUNCHER_LOCAL_DIR", "HOME"):
        folder = os.environ.get(name)
        if folder:
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError:
                pass
            folders[name] = os.path.isdir(folder) and writable(folder)
    headless = os.environ.get("AYON_HEADLESS_MODE", "")
    return {"ok": bool(URL) and bool(KEY) and headless == "1", "names": names, "headless": headless,
            "staging": os.environ.get("AYON_USE_STAGING", ""), "url": bool(URL), "key": bool(KEY), "folders": folders,
            "disable_conda_env": os.environ.get("DISABLE_CONDA_ENV", "")}


def where():
    parts = urllib.parse.urlsplit(URL)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@reading("dns")
def dns():
    _, host, port = where()
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return {"host": host, "addresses": sorted({a[4][0] for a in found})}


@reading("tcp")
def tcp():
    _, host, port = where()
    with socket.create_connection((host, port), LIMIT) as s:
        return {"address": s.getpeername()[0], "port": port}


@reading("tls")
def tls():
    _, host, port = where()
    context = ssl.create_default_context(cafile=os.environ.get("AYON_CA_FILE") or os.environ.get("SSL_CERT_FILE") or None)
    with socket.create_connection((host, port), LIMIT) as plain, context.wrap_socket(plain, server_hostname=host) as s:
        cert = s.getpeercert()
    issuer = dict(x[0] for x in cert.get("issuer", ()))
    names = [v for k, v in cert.get("subjectAltName", ()) if k == "DNS"]
    return {"issuer": issuer.get("organizationName") or issuer.get("commonName", ""), "names": names[:5], "until": cert.get("notAfter", "")}


class Here(urllib.request.HTTPRedirectHandler):
    """A key does not travel on: what leads to another host is told, and not followed."""
    def redirect_request(self, request, *args):
        to = args[-1]
        old, new = urllib.parse.urlsplit(request.full_url), urllib.parse.urlsplit(to)
        if (old.scheme, old.hostname, old.port) != (new.scheme, new.hostname, new.port):
            raise RuntimeError("the server leads on to %s://%s, which is not followed" % (new.scheme, new.netloc.split("@")[-1]))
        return urllib.request.HTTPRedirectHandler.redirect_request(self, request, *args)


def ask(path, key=False):
    headers = {"User-Agent": "studiolink-probe"}
    if key:
        headers["X-Api-Key"] = KEY
    request = urllib.request.Request(URL.rstrip("/") + path, headers=headers)
    handlers = [Here()]
    ca = os.environ.get("AYON_CA_FILE")
    if ca and URL.startswith("https"):
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=LIMIT) as answer:
            return answer.status, answer.headers, json.loads(answer.read(4 << 20).decode("utf-8", "replace"))
    except urllib.error.HTTPError as e:
        try:
            said = json.loads(e.read(1 << 16).decode("utf-8", "replace")).get("detail", "")
        except (ValueError, AttributeError):
            said = ""
        return e.code, e.headers, {"detail": said}


@reading("info")
def info():
    status, headers, body = ask("/api/info")
    version = body.get("version") if isinstance(body, dict) else None
    ahead = None
    if headers.get("Date"):
        import email.utils
        ahead = int(email.utils.parsedate_to_datetime(headers["Date"]).timestamp() - time.time())
    return {"ok": status == 200 and bool(version), "status": status, "version": version or "", "clock_ahead": ahead}


@reading("key")
def key():
    status, _, body = ask("/api/users/me", True)
    data = body.get("data") or {}
    return {"ok": status == 200 and data.get("isService") is True, "status": status, "user": body.get("name", ""),
            "service": data.get("isService") is True, "detail": str(body.get("detail", ""))[:200]}


@reading("bundle")
def bundle():
    status, _, body = ask("/api/bundles", True)
    name = body.get("stagingBundle" if VARIANT == "staging" else "productionBundle") if status == 200 else None
    found = next((b for b in body.get("bundles", []) if b.get("name") == name), None) if name else None
    # The launcher takes the bundle of this name; AYON_BUNDLE_NAME alone is a project's.
    wanted = os.environ.get("AYON_STUDIO_BUNDLE_NAME", "")
    project = os.environ.get("AYON_BUNDLE_NAME", "")
    if wanted and status == 200:
        found = next((b for b in body.get("bundles", []) if b.get("name") == wanted), None)
    return {"ok": found is not None, "variant": VARIANT, "name": name or "", "installer": (found or {}).get("installerVersion") or "",
            "asked_for": wanted, "project": project, "staging": os.environ.get("AYON_USE_STAGING", ""), "status": status,
            "detail": str(body.get("detail", ""))[:200]}


@reading("roots")
def roots():
    """Of the first projects: is each root of this system there, and can the job user write to it?"""
    status, _, body = ask("/api/projects", True)
    if status != 200:
        return {"ok": False, "status": status, "unread": 1}
    here = {"Linux": "linux", "Windows": "windows", "Darwin": "darwin"}.get(platform.system(), "linux")
    rows, ok, unread = [], True, 0
    for project in body.get("projects", [])[:3]:
        quoted = urllib.parse.quote(project["name"])
        status, _, found = ask("/api/projects/%s/siteRoots?platform=%s" % (quoted, here), True)
        unread += status != 200
        for name, path in sorted(found.items()) if status == 200 else []:
            there = bool(path) and os.path.isdir(path)
            row = {"project": project["name"], "root": name, "path": path or "", "there": there, "writable": there and writable(path)}
            ok = ok and there
            rows.append(row)
    return {"ok": ok and not unread, "roots": rows[:20], "unread": unread, "platform": here}


@reading("disk")
def disk():
    usage = shutil.disk_usage(os.getcwd())
    return {"ok": usage.free > 2 << 30, "free_mb": usage.free >> 20, "total_mb": usage.total >> 20}


@reading("identity")
def identity():
    """As the session's own credentials: by boto3 or the aws command, where one is there."""
    try:
        import boto3
        return {"arn": boto3.client("sts").get_caller_identity()["Arn"], "by": "boto3"}
    except ImportError:
        pass
    command = shutil.which("aws")
    if not command:
        return {"ok": False, "error": "neither boto3 nor the aws command is there"}
    out = subprocess.run([command, "sts", "get-caller-identity", "--output", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    if out.returncode:
        return {"ok": False, "error": out.stderr.decode("utf-8", "replace").strip()[:200]}
    return {"arn": json.loads(out.stdout.decode()).get("Arn", ""), "by": "aws"}


@reading("ayon")
def ayon():
    """Does the launcher start without windows, and does it have to download first?"""
    path = shutil.which("ayon") or shutil.which("ayon_console")
    if not path:
        return {"ok": False, "error": "ayon is not on PATH"}
    # The launcher knows no --version: a real proof is the help of the very command that a publish step runs. The step gives it
    # neither --use-staging nor a bundle: what the session says decides.
    command = [path, "--headless", "addon", "deadline_cloud", "publish", "--help"]
    began = time.time()
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=600)
    said = out.stdout.decode("utf-8", "replace").replace(KEY or "\0", "********")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # The first line says that it failed, and a later one why: all of the end is told, and stands in the log.
    if out.returncode:
        with LOCK:
            for line in lines[-40:]:
                print("ayon says: " + line[:400], flush=True)
    distributed = [re.search(r"distributed resources \((\d+(\.\d+)?)", line, re.I) for line in lines]
    distributed = [float(m.group(1)) for m in distributed if m]
    return {"ok": out.returncode == 0, "exit": out.returncode, "seconds": int(time.time() - began),
            "downloaded": bool(distributed) or any("Downloading" in line for line in lines),
            "distributed": int(sum(distributed)) if distributed else None,
            "said": [line[:200] for line in lines[-15:]] if out.returncode else []}


def main():
    tell("begin", True, variant=VARIANT, time=int(time.time()))
    for one in (worker, conda, launcher, variables, disk, identity):
        one()
    if URL:
        if dns() and tcp() and (where()[0] != "https" or tls()) and info() and KEY and key():
            bundle()
            roots()
    ayon()
    tell("end", True)


main()

"""Small conda channels, made of real packages and indexed by the real tool (rattler's index, from PyPI's py-rattler)."""
import asyncio
import functools
import http.server
import io
import json
import pathlib
import tarfile
import threading

from rattler.index import index_fs


def package(folder, subdir, name, version, depends=(), size=0):
    """One package with nothing in it but its own description."""
    file = pathlib.Path(folder) / subdir / f"{name}-{version}-0.tar.bz2"
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": list(depends), "subdir": subdir, "timestamp": 1_780_000_000_000}
    if subdir == "noarch":
        about["noarch"] = "python"
    files = {"info/index.json": json.dumps(about).encode(), "info/files": b"", "info/paths.json": b'{"paths": [], "paths_version": 1}', "padding": b"\0" * size}
    with tarfile.open(file, "w:bz2") as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def index(folder, shards=False):
    asyncio.run(index_fs(str(folder), write_zst=True, write_shards=shards, force=True))


# What the three channels hold: name, version, folders, dependencies.
AYON = [
    ("ayon-launcher", "1.6.0", ["linux-64", "win-64"], []),
    ("ayon-launcher", "1.6.1", ["linux-64", "win-64"], []),
    ("ayon-publish", "1.9.5", ["noarch"], ["python >=3.9"]),
    ("ayon-core", "1.9.5", ["noarch"], ["python >=3.9,<3.12"]),
    ("ayon-python-api", "1.2.20", ["noarch"], ["python >=3.9"]),
    ("ayon-deadline-cloud", "0.3.0", ["noarch"], ["ayon-core >=1.9"]),
]
FORGE = [
    ("python", "3.11.9", ["linux-64", "win-64"], ["openssl >=3"]),
    ("python", "3.12.1", ["linux-64", "win-64"], ["openssl >=3"]),
    ("openssl", "3.3.1", ["linux-64", "win-64"], ["__glibc >=2.17"]),
    ("openssl", "3.2.0", ["win-64"], []),
    ("ayon-launcher", "0.1", ["linux-64"], []),
]
OLD = [
    ("python", "3.8.5", ["linux-64", "win-64"], []),
    ("ayon-launcher", "1.6.3", ["win-64"], []),
    ("ayon-python-api", "1.0", ["noarch"], []),
]


def make(folder, packages, shards=False):
    folder = pathlib.Path(folder)
    (folder / "noarch").mkdir(parents=True)
    for name, version, subdirs, depends in packages:
        for subdir in subdirs:
            package(folder, subdir, name, version, depends, size=1000)
    index(folder, shards)
    return folder


def upload(client, bucket, prefix, folder):
    for file in pathlib.Path(folder).rglob("*"):
        if file.is_file() and file.suffix in (".json", ".zst"):
            client.put_object(Bucket=bucket, Key=f"{prefix}/{file.relative_to(folder)}", Body=file.read_bytes())


class Web:
    """A folder over http on loopback; `odd` answers some paths by itself: path -> (status, headers, body)."""

    def __init__(self, folder, odd=None):
        odd, seen = odd or {}, []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def answer(self):
                path = self.path.split("?")[0]
                seen.append((self.command, path))
                if path not in odd:
                    return False
                status, headers, body = odd[path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)
                return True

            def do_GET(self):
                self.answer() or super().do_GET()

            def do_HEAD(self):
                self.answer() or super().do_HEAD()

            def log_message(self, *_):
                pass

        self.seen = seen
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self):
        self.server.shutdown()

#!/usr/bin/env python3
"""A channel as large as conda-forge, made here; studiolink and py-rattler solve the same on it, side by side.

  pip install py-rattler msgpack zstandard
  cargo bench --no-run --bench conda && python3 benches/conda.py
"""
import glob, hashlib, http.server, json, os, pathlib, random, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RUNS = int(os.environ.get("RUNS", "7"))
RECORDS = int(os.environ.get("RECORDS", "500000"))
NAMES = 27_000
ASKED = ["app-0", "python >=3.9"]

THEIRS = """
import asyncio, json, sys, time
import rattler
from rattler.package.build_string import BuildString
virtual = [rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), BuildString("0")) for n, v in (("__unix", "0"), ("__linux", "6.1"), ("__glibc", "2.34"))]
began = time.perf_counter()
async def solve():
    return await rattler.solve([sys.argv[1]], sys.argv[3:], gateway=rattler.Gateway(cache_dir=sys.argv[2]), platforms=["linux-64", "noarch"], virtual_packages=virtual)
records = asyncio.run(solve())
own = [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon:")][0]
print(json.dumps({"seconds": round(time.perf_counter() - began, 3), "peak_mb": [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM:")][0] // 1000, "own_mb": own // 1000, "found": len(records)}))
"""


def records():
    """Folder -> file name -> record. Names depend on names before them, as a channel grows."""
    rng, per = random.Random(7), RECORDS // NAMES
    folders = {"linux-64": {}, "noarch": {}}
    for n in range(NAMES):
        name = "python" if n == 0 else f"app-{n - 1}" if n < 200 else f"package-{n:05d}"
        folder = "linux-64" if n == 0 or rng.random() < 0.75 else "noarch"
        needs = [] if n == 0 else sorted({0, *(rng.randrange(max(0, n - 400), n) if rng.random() < 0.1 else rng.randrange(min(n, 250)) for _ in range(rng.randrange(2, 7)))})
        for v in range(per + (1 if n < RECORDS - per * NAMES else 0)):
            version = f"3.{v + 5}.0" if n == 0 else f"{v // 10}.{v % 10}.{rng.randrange(9)}"
            depends = [("python >=3.8" if d == 0 else (f"app-{d - 1}" if d < 200 else f"package-{d:05d}") + (" >=0.1" if rng.random() < 0.4 else "")) for d in needs]
            if n == 1:
                depends += [f"package-{d:05d}" for d in range(26_000, 26_150)]
            build = f"h{rng.getrandbits(28):07x}_{v % 3}"
            folders[folder][f"{name}-{version}-{build}.conda"] = {
                "build": build, "build_number": v % 3, "depends": depends, "license": "BSD-3-Clause", "md5": f"{rng.getrandbits(128):032x}", "name": name,
                "sha256": f"{rng.getrandbits(256):064x}", "size": rng.randrange(10_000, 40_000_000), "subdir": folder, "timestamp": 1_700_000_000_000 + n * 1000 + v, "version": version}
    return folders


def write(folder):
    import msgpack, zstandard
    pack = zstandard.ZstdCompressor(level=3).compress
    for subdir, rows in records().items():
        plain, sharded = folder / "plain" / subdir, folder / "sharded" / subdir
        plain.mkdir(parents=True)
        (sharded / "shards").mkdir(parents=True)
        text = json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": rows, "repodata_version": 1}, separators=(",", ":")).encode()
        (plain / "repodata.json").write_bytes(text)
        (plain / "repodata.json.zst").write_bytes(pack(text))
        print(f"{subdir}: {len(rows)} records, {len(text) / 1e6:.0f} MB", file=sys.stderr)
        by_name, shards = {}, {}
        for file, row in rows.items():
            by_name.setdefault(row["name"], {})[file] = {**row, "sha256": bytes.fromhex(row["sha256"]), "md5": bytes.fromhex(row["md5"])}
        for name, part in by_name.items():
            body = pack(msgpack.packb({"packages": {}, "packages.conda": part, "removed": []}))
            digest = hashlib.sha256(body)
            (sharded / "shards" / f"{digest.hexdigest()}.msgpack.zst").write_bytes(body)
            shards[name] = digest.digest()
        index = {"info": {"subdir": subdir, "base_url": "./", "shards_base_url": "./shards/"}, "shards": shards, "version": 1}
        (sharded / "repodata_shards.msgpack.zst").write_bytes(pack(msgpack.packb(index)))


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def main():
    bench = sorted(glob.glob(str(TARGET / "release/deps/conda-*[0-9a-f]")), key=os.path.getmtime)[-1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder)
        # In a process of its own, so that serving and solving do not share an interpreter.
        server = subprocess.Popen([sys.executable, "-c", f"import http.server, functools, sys; sys.path.insert(0, {str(ROOT / 'benches')!r}); import conda\ns = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(conda.Quiet, directory={str(folder)!r})); print(s.server_address[1], flush=True); s.serve_forever()"], stdout=subprocess.PIPE, text=True)
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        try:
            for kind in ("plain", "sharded"):
                for state in ("cold", "warm"):
                    runs = {"py-rattler": [], "studiolink": []}
                    # In turn, so that what else the machine does meets both.
                    for n in range(RUNS):
                        for who in runs:
                            cache = folder / f"cache-{kind}-{who}{'' if state == 'warm' else n}"
                            if who == "py-rattler":
                                command, env = [sys.executable, "-c", THEIRS, f"{url}/{kind}", str(cache), *ASKED], {}
                            else:
                                command, env = [bench], {"STUDIOLINK_BENCH_CHANNEL": f"{url}/{kind}", "STUDIOLINK_BENCH_PACKAGES": " ".join(a.replace(" ", "") for a in ASKED), "RATTLER_CACHE_DIR": str(cache)}
                            out = subprocess.run(command, env={"PATH": os.environ["PATH"], "HOME": str(folder), **env}, capture_output=True, text=True)
                            assert out.returncode == 0, out.stdout + out.stderr[-2000:]
                            runs[who].append(json.loads(out.stdout.strip().splitlines()[-1]))
                    for who, all_runs in runs.items():
                        best = min(all_runs, key=lambda r: r["seconds"])
                        median = statistics.median(r["seconds"] for r in all_runs)
                        print(f"{kind:8} {state:5} {who:11} median {median:.3f} s of {sorted(r['seconds'] for r in all_runs)}, peak {best['peak_mb']} MB (own {best['own_mb']} MB), {best['found']} packages", flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()

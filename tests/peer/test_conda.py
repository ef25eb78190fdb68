"""The dry run against the solver that workers use, and channels as they go wrong."""
import asyncio
import json
import pathlib
import re
import urllib.parse

import pytest

import channels
from channels import Web
from conftest import FARM, KEY, SHARED, Studio

HERE = pathlib.Path(__file__).resolve().parent
BUCKET, PREFIX = "ynput-conda-channel", "ayon"
AYON = f"s3://{BUCKET}/{PREFIX}"
# As assets/conda/workers.toml has it.
WORKERS = {"linux-64": [("__unix", "0", "0"), ("__linux", "6.1", "0"), ("__glibc", "2.34", "0"), ("__archspec", "1", "x86_64")],
           "win-64": [("__win", "10.0.20348", "0"), ("__archspec", "1", "x86_64")]}
STRATEGIES = {"launcher": ["ayon-launcher"], "publish": ["ayon-publish"], "components": ["ayon-core", "ayon-python-api", "ayon-deadline-cloud"], "core-sync": ["ayon-publish-core"]}
QUEUES = {("linux-64", "strict"): 1, ("win-64", "strict"): 2, ("linux-64", "disabled"): 3, ("win-64", "disabled"): 4}


def queue(n):
    return f"queue-{n:032x}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels")
    return {name: channels.make(folder / name, packages, shards=name == "F") for name, packages in (("A", channels.AYON), ("F", channels.FORGE), ("O", channels.OLD))}


def seed(folder, **change):
    """fresh.json with a queue for each platform and priority."""
    studio = json.loads((SHARED / "peer-cloud/studios/fresh.json").read_text())
    farm = studio["farms"][0]
    fleet = farm["fleets"][0]
    farm["fleets"] = [{**fleet, "id": f"fleet-{i:032x}", "name": os, "os": os, "attributes": {"attr.role": ["render", "publish"]}} for i, os in ((1, "LINUX"), (2, "WINDOWS"))]
    console = (SHARED / "peer-cloud/studios/conda_console.yaml").read_text()
    texts = {"strict": console, "disabled": console.replace('"--channels", ', '"--channel-priority", "disabled", "--channels", ')}
    assert texts["strict"] != texts["disabled"]
    farm["queues"] = [
        {**farm["queues"][0], "id": queue(n), "name": f"{platform} {priority}", "fleets": ["LINUX" if platform == "linux-64" else "WINDOWS"], "storageProfiles": [],
         "environments": [{"id": f"queueenv-{n:032x}", "template": texts[priority], "priority": 1}]}
        for (platform, priority), n in QUEUES.items()]
    for bucket in studio["buckets"]:
        bucket.pop("objects", None)
    studio.update(change)
    path = folder / "seed.json"
    path.write_text(json.dumps(studio))
    return path


@pytest.fixture
def prepared(studio_of, made, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    channels.upload(s.client("s3"), BUCKET, PREFIX, made["A"])
    web = Web(made["F"].parent)
    yield s, web
    web.stop()


def wanted(s, listed, strategy="launcher", pin="==1.6.1", n=1):
    text = ", ".join(f'"{c}"' for c in listed)
    (s.folder / "studiolink.toml").write_text(
        f'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "{FARM}"\nqueue = "{queue(n)}"\n[conda]\nchannels = [{text}]\nstrategy = "{strategy}"\npin = "{pin}"\n[server]\nurl = "{s.ayon.url}"\n')


def audit(s, *args, **env):
    done = s.run("audit", "--format", "json", *args, **env)
    assert done.returncode in (0, 1, 3), done.stderr
    document = json.loads(done.stdout)
    return {f["check"]: [g for g in document["findings"] if g["check"] == f["check"]] for f in document["findings"]}, done


def dry_run(s):
    """What the first finding of the dry run says was found: {(name, version, channel)}, or None."""
    findings, _ = audit(s)
    first = next(f for f in findings["conda-solve"] if re.match(r"(linux|win)-64: ", f["message"]) and "priority differ" not in f["message"] and "priority it would" not in f["message"])
    if first["verdict"] != "ok":
        return None, first
    rows = [line.split() for line in first["details"]]
    return {(r[0], r[1], r[-1]) for r in rows}, first


async def by_rattler(cache, at, order, packages, platform, priority):
    import rattler
    import rattler.exceptions
    import rattler.package.build_string
    virtual = [rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), rattler.package.build_string.BuildString(b)) for n, v, b in WORKERS[platform]]
    by = {"strict": rattler.ChannelPriority.Strict, "disabled": rattler.ChannelPriority.Disabled}[priority]
    # Without a cache: rattler 0.38 fails on a 304 that answers a sharded index without an ETag.
    gateway = rattler.Gateway(cache_dir=cache, default_config=rattler.SourceConfig(cache_action="no-cache"))
    try:
        records = await rattler.solve([at[c] for c in order], packages, platforms=[platform, "noarch"], virtual_packages=virtual, channel_priority=by, gateway=gateway)
    except rattler.exceptions.SolverError:
        return None
    names = {v.rstrip("/"): k for k, v in at.items()}
    return {(r.name.normalized, str(r.version), names[r.channel.rstrip("/")]) for r in records}


def rows():
    for line in (HERE / "solves.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            order, strategy, pin, platform, priority, found = re.match(r"([AFO ]+?)\s{2,}(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)", line).groups()
            yield order.split(), strategy, pin, platform, priority, None if found == "-" else {tuple(x.split()) for x in found.split(", ")}


def test_the_dry_run_says_what_py_rattler_says(prepared, tmp_path):
    s, web = prepared
    table, wrong = list(rows()), []
    assert len(table) >= 30
    for order, strategy, pin, platform, priority, expected in table:
        at = {c: f"{web.url}/{c}" for c in "AFO"}
        packages = [p + (pin if i == 0 and pin != "latest" else "") for i, p in enumerate(STRATEGIES[strategy])]
        theirs = asyncio.run(by_rattler(tmp_path / "theirs", at, order, packages, platform, priority))
        listed = [AYON if c == "A" else at[c] for c in order]
        wanted(s, listed, strategy, pin, QUEUES[platform, priority])
        ours, finding = dry_run(s)
        names = {AYON: "A", **{v: k for k, v in at.items()}}
        ours = ours and {(n, v, names[c]) for n, v, c in ours}
        if not (ours == theirs == expected):
            wrong.append((order, strategy, pin, platform, priority, {"ours": ours, "py-rattler": theirs, "table": expected}, finding["message"]))
    assert not wrong, "\n".join(map(str, wrong))


def says(findings, check, verdict):
    return [f for f in findings.get(check, []) if f["verdict"] == verdict]


def put(s, bucket, key, body=b"{}"):
    s.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def index_of(subdir, *packages):
    rows = {f"{n}-{v}-0.conda": {"name": n, "version": v, "build": "0", "build_number": 0, "depends": [], "subdir": subdir, "size": 10} for n, v in packages}
    return json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": rows, "repodata_version": 1}).encode()


def test_a_channel_without_noarch_stops_conda_and_an_empty_one_mends_it(studio_of, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    put(s, BUCKET, "ayon/linux-64/repodata.json", index_of("linux-64", ("ayon-launcher", "1.6.1")))
    wanted(s, [AYON])
    findings, _ = audit(s)
    (folders,) = says(findings, "channel-folders", "fail")
    (solve,) = says(findings, "conda-solve", "fail")
    assert "noarch missing" in folders["message"] and "noarch is missing" in solve["message"] and "noarch/repodata.json" in solve["fix"]
    put(s, BUCKET, "ayon/noarch/repodata.json", index_of("noarch"))
    findings, _ = audit(s)
    assert not says(findings, "channel-folders", "fail") and not says(findings, "conda-solve", "fail")
    assert says(findings, "conda-solve", "ok")[0]["message"].startswith("linux-64: ayon-launcher 1.6.1")


def test_a_bucket_in_another_region_is_said_and_one_at_home_is_clean(studio_of, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    for bucket, region in (("studio-conda-far", "eu-west-1"), ("studio-conda-near", "us-west-2")):
        s.client("s3", region).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        put(s, bucket, "c/noarch/repodata.json", index_of("noarch"))
        put(s, bucket, "c/linux-64/repodata.json", index_of("linux-64", ("ayon-launcher", "1.6.1")))
    wanted(s, ["s3://studio-conda-far/c"])
    findings, _ = audit(s)
    (far,) = says(findings, "channel-region", "warn")
    assert "eu-west-1" in far["message"] and "us-west-2" in far["fix"] and "inferred" in far["why"]
    wanted(s, ["s3://studio-conda-near/c"])
    findings, _ = audit(s)
    assert not says(findings, "channel-region", "warn") and says(findings, "channel-region", "ok")


def test_a_channel_for_windows_only_says_so_to_a_linux_fleet(studio_of, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    put(s, BUCKET, "ayon/noarch/repodata.json", index_of("noarch"))
    put(s, BUCKET, "ayon/win-64/repodata.json", index_of("win-64", ("ayon-launcher", "1.6.1")))
    wanted(s, [AYON])
    findings, _ = audit(s)
    (solve,) = says(findings, "conda-solve", "fail")
    assert "for win-64 only" in solve["message"] and "linux-64" in solve["fix"]
    wanted(s, [AYON], n=2)
    findings, _ = audit(s)
    assert says(findings, "conda-solve", "ok")


def test_a_version_that_is_not_there_names_the_nearest_and_the_named_one_is_clean(prepared):
    s, _ = prepared
    wanted(s, [AYON], pin="==1.6.2")
    findings, _ = audit(s)
    (solve,) = says(findings, "conda-solve", "fail")
    assert "nearest: 1.6.1" in solve["message"], solve
    wanted(s, [AYON], pin="==1.6.1")
    assert says(audit(s)[0], "conda-solve", "ok")


def test_the_queue_role_is_refused_first_and_reads_after_setup(prepared):
    s, _ = prepared
    wanted(s, [AYON])
    done = s.run("setup", "--yes", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "linux-64: ayon-launcher 1.6.1 from" in done.stdout and "forbidden" not in done.stdout.split("Manual steps")[0].split("UpdateQueueEnvironment")[-1]


def test_a_foreign_bucket_that_lets_nobody_in_is_forbidden_not_missing(studio_of):
    s = studio_of(seed="denied_channel.json")
    findings, _ = audit(s)
    assert not any("missing" in f["message"] for f in findings["channel-folders"]), findings["channel-folders"]
    done = s.run("setup", "--yes")
    assert "forbidden (403)" in done.stdout and "send the bucket's owner the message" in done.stdout, done.stdout


def zstd_bomb():
    """A few hundred kilobytes that unpack to 6 GB of spaces: frames one after the other, each a single repeated byte."""
    block = (128 * 1024).to_bytes(4, "little")[:3]
    # frame header: magic, descriptor (single segment off, window 2^17+), then RLE blocks of 128 KiB
    out = bytearray(b"\x28\xb5\x2f\xfd\x00\x58")
    blocks = 6_000_000_000 // (128 * 1024)
    for i in range(blocks):
        last = i == blocks - 1
        header = (128 * 1024 << 3) | (1 << 1) | last
        out += header.to_bytes(3, "little") + b" "
    return bytes(out)


BAD = {
    "cut short": (200, {}, index_of("linux-64", ("ayon-launcher", "1.6.1"))[:-40], "fail", "unparsable"),
    "not json": (200, {"Content-Type": "text/html"}, b"<html>sign in</html>", "fail", "unparsable"),
    "empty": (200, {}, b"", "fail", "unparsable"),
    "wrong types": (200, {}, b'{"packages": [], "packages.conda": 7}', "fail", "unparsable"),
    # conda-index's issue 338: the option repodata_v3 wrote a list.
    "revisions as a list": (200, {}, b'{"info": {"subdir": "linux-64", "repodata_revisions": [{"revision": 3}]}, "packages": {}, "packages.conda": {}}', "fail", "unparsable"),
    "forbidden": (403, {}, b"no", "fail", "forbidden (403)"),
    "elsewhere": (302, {"Location": "http://127.0.0.2:9/x?token=hunter2"}, b"", "unknown", "redirected to http://127.0.0.2:9/x"),
    "a server error": (500, {}, b"oops", "worker-only", "answered 500"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_indexes_are_one_clear_finding_each(studio_of, made, tmp_path, name):
    status, headers, body, verdict, words = BAD[name]
    s = studio_of(seed=seed(tmp_path))
    odd = {"/F/linux-64/repodata_shards.msgpack.zst": (404, {}, b""), "/F/linux-64/repodata.json.zst": (404, {}, b""), "/F/linux-64/repodata.json": (status, headers, body)}
    web = Web(made["F"].parent, odd)
    channels.upload(s.client("s3"), BUCKET, PREFIX, made["A"])
    try:
        wanted(s, [AYON, f"{web.url}/F"])
        findings, done = audit(s)
    finally:
        web.stop()
    assert "hunter2" not in done.stdout + done.stderr
    bad = [f for f in findings["channel-folders"] if f["message"].startswith(web.url)]
    assert len(bad) == 1 and words in bad[0]["message"], bad
    assert bad[0]["verdict"] == verdict, bad
    if name == "revisions as a list":
        assert "repodata_v3" in done.stdout and "conda-index" in done.stdout
    good = [f for f in findings["channel-folders"] if f["message"].startswith(AYON)]
    assert good[0]["verdict"] == "ok", "one bad channel hides no other"


def test_a_bomb_is_stopped_and_fills_no_disk(studio_of, made, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    bomb = zstd_bomb()
    assert len(bomb) < 1_000_000
    odd = {"/F/linux-64/repodata_shards.msgpack.zst": (404, {}, b""), "/F/linux-64/repodata.json.zst": (200, {}, bomb)}
    web = Web(made["F"].parent, odd)
    try:
        wanted(s, [f"{web.url}/F"])
        findings, _ = audit(s)
    finally:
        web.stop()
    (bad,) = findings["channel-folders"]
    assert bad["verdict"] == "fail" and "unpacks to more than" in bad["message"], bad
    kept = sum(f.stat().st_size for f in s.folder.rglob("*") if f.is_file())
    assert kept < 50_000_000, kept


def test_a_million_empty_records_and_strange_names(studio_of, made, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    empty = b'{"packages": {}, "packages.conda": {' + b",".join(b'"p%d-1-0.conda": {}' % i for i in range(1_000_000)) + b"}}"
    strange = index_of("linux-64", ("ayon-launcher", "1.6.1")).replace(b"ayon-launcher-1.6.1-0.conda", b"ayon-launcher\\u001b[31m-1.6.1-0.conda")
    for body in (empty, strange):
        odd = {"/F/linux-64/repodata_shards.msgpack.zst": (404, {}, b""), "/F/linux-64/repodata.json.zst": (404, {}, b""), "/F/linux-64/repodata.json": (200, {}, body)}
        web = Web(made["F"].parent, odd)
        try:
            wanted(s, [f"{web.url}/F"])
            done = s.run("audit", "-v")
        finally:
            web.stop()
        assert done.returncode in (1, 3), done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_nothing_that_signs_is_shown_logged_or_kept(prepared):
    s, _ = prepared
    wanted(s, [AYON])
    s.faults({"op": "GetObject", "nth": 1, "count": 3, "kind": "denied"}, {"op": "GetObject", "nth": 8, "count": 2, "kind": "drop"})
    texts = ""
    for args in (("audit", "-v"), ("audit", "--format", "json"), ("setup", "--yes", "-v")):
        done = s.run(*args, RUST_LOG="trace")
        texts += done.stdout + done.stderr
    kept = {f: f.read_bytes() for f in s.folder.rglob("*") if f.is_file()}
    for secret in (b"X-Amz-Signature", b"X-Amz-Security-Token", b"X-Amz-Credential"):
        assert secret.decode() not in texts
        assert [str(f) for f, body in kept.items() if secret in body] == []


def test_a_password_in_a_mirrors_address_is_used_and_never_shown(studio_of, made, tmp_path):
    s = studio_of(seed=seed(tmp_path))
    web = Web(made["F"].parent)
    host = urllib.parse.urlsplit(web.url).netloc
    (s.folder / ".condarc").write_text(f"custom_channels:\n  F: http://me:hunter2@{host}\n")
    env = {k: v for k, v in s.env.items() if k != "CONDA_CHANNEL_ALIAS"}
    s.env = {**env, "CONDA_CHANNEL_ALIAS": "http://127.0.0.1:9"}
    try:
        wanted(s, ["F"], pin="==0.1")
        findings, done = audit(s, "-v")
    finally:
        web.stop()
    kept = b"".join(f.read_bytes() for f in s.folder.rglob("*") if f.is_file() and f.name != ".condarc")
    assert "hunter2" not in done.stdout + done.stderr and b"hunter2" not in kept
    assert says(findings, "conda-solve", "ok"), findings["conda-solve"]
    # One written into the studio file is refused, and not shown either.
    wanted(s, [f"http://me:hunter2@{host}/F"])
    refused = s.run("audit")
    assert refused.returncode == 2 and "hunter2" not in refused.stdout + refused.stderr


def test_a_small_channel_takes_four_round_trips(studio_of, made, tmp_path):
    s = studio_of(seed=seed(tmp_path), ayon_channels=AYON)
    channels.upload(s.client("s3"), BUCKET, PREFIX, made["A"])
    wanted(s, [AYON])
    s.forget()
    audit(s)
    of = [r["op"] for r in s.requests() if r["op"] in ("GetObject", "HeadObject")]
    # linux-64 and noarch, each: shards (absent), zst (asked), zst (read); plus the two probes of the index itself.
    assert len(of) <= 2 * 3 + 2, of


def test_the_statement_for_the_owner_is_the_one_that_lets_the_role_in(studio_of):
    """What the tool prints for the bucket's owner is pasted as it stands, and then the same command is clean."""
    s = studio_of(seed="denied_channel.json")
    refused = s.run("setup", "--yes")
    assert refused.returncode == 1 and "for YNPUT" in refused.stdout
    pasted = refused.stdout.split("add these statements\n", 1)[1].split("\n  2  for ", 1)[0]
    statements = json.loads(pasted)
    owner = s.client("s3")
    owner.meta.events.register("before-call.s3.*", lambda params, **_: params["headers"].update({"x-moto-account-id": "210987654321"}))
    owner.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified: the queue role" in done.stdout and "forbidden" not in done.stdout.split("Manual steps")[0].replace("this identity", ""), done.stdout


def test_public_is_only_what_anybody_reads(prepared):
    s, _ = prepared
    wanted(s, [AYON])
    assert says(audit(s)[0], "channel-index", "ok"), "this identity reads it"
    assert "channel-public" not in audit(s)[0], "and that does not make it public"
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    (public,) = says(audit(s)[0], "channel-public", "ok")
    assert "without credentials" in public["message"]


def test_a_cache_that_cant_be_written_is_unknown_and_names_the_variable(prepared):
    s, _ = prepared
    wanted(s, [AYON])
    blocked = s.folder / "a-file"
    blocked.write_text("")
    checks, _ = audit(s, RATTLER_CACHE_DIR=str(blocked))
    assert {f["verdict"] for f in checks["conda-solve"]} == {"unknown"}
    for solve in checks["conda-solve"]:
        assert "RATTLER_CACHE_DIR" in solve["fix"] and str(blocked) in solve["why"], solve

"""Several programs on one cache of indexes: studiolink beside itself, and beside one that holds a lock as pixi does.

STUDIOLINK_PAIRS=200 .venv/bin/python -m pytest tests/peer/test_locks.py
runs as many pairs as the issue of the deadlock did."""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import channels
import pytest
from conftest import FARM, QUEUE
from test_conda import BUCKET, PREFIX

PAIRS = int(os.environ.get("STUDIOLINK_PAIRS", "20"))


@pytest.fixture
def shared_cache(studio_of, tmp_path):
    s = studio_of()
    a = channels.make(tmp_path / "channels/A", channels.AYON)
    channels.make(tmp_path / "channels/F", channels.FORGE, shards=True)
    channels.make(tmp_path / "channels/G", channels.OLD, shards=True)
    channels.upload(s.client("s3"), BUCKET, PREFIX, a)
    # One folder of G is refused, so that its cache is cleared while others are read.
    web = channels.Web(tmp_path / "channels", {"/G/linux-64/repodata_shards.msgpack.zst": (403, {}, b"")})
    s.write(channels=f"deadline-cloud s3://{BUCKET}/{PREFIX} {web.url}/F {web.url}/G", more="")
    yield s, web
    web.stop()


def caches(s):
    return pathlib.Path(s.folder) / ".cache"


def ends(process, seconds):
    try:
        out, err = process.communicate(timeout=seconds)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        stacks = pathlib.Path(f"/proc/{process.pid}/wchan").read_text()
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"hangs in {stacks}: {err[-2000:]}")


def test_pairs_end_and_change_once(shared_cache):
    s, _ = shared_cache
    d = s.client("deadline")
    (first, (_, before)), = s.environments().items()
    made = set()
    for n in range(PAIRS):
        if n % 2 == 0:
            shutil.rmtree(caches(s), ignore_errors=True)
        s.forget()
        commands = [("apply", "--yes"), ("setup", "--yes"), ("apply", "--yes")]
        pair = [s.start(*commands[(n + i) % 3], "--format", "json") for i in (0, 1)]
        ended = [ends(p, 150) for p in pair]
        for code, out, err in ended:
            assert code in (0, 1, 3, 4), (n, code, err)
        ops = s.mutating()
        assert ops.count("UpdateQueueEnvironment") <= 1, (n, ops)
        text = s.environments()[first][1]
        made.add(text)
        if n == 0:
            assert text != before, ended
        d.update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=first, templateType="YAML", template=before)
        # The next pair begins a run of its own.
        shutil.rmtree(s.folder / "state", ignore_errors=True)
    assert made == {text}, "every pair makes the same"


HOLD = """
import fcntl, pathlib, sys, time
files = [open(p, "r+") for p in pathlib.Path(sys.argv[1]).rglob("*.shards-cache-v1")]
assert files
for f in files:
    fcntl.flock(f, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def holding(s, seconds):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(caches(s)), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    return other


def test_another_program_s_lock_is_named_and_not_waited_for_without_end(shared_cache):
    s, _ = shared_cache
    first = s.run("audit")
    assert first.returncode in (0, 1, 3), first.stderr
    other = holding(s, 600)
    began = time.monotonic()
    try:
        code, out, err = ends(s.start("audit"), 100)
    finally:
        other.kill()
    assert f"waiting for process {other.pid}" in err, err
    assert "holds the lock" in out and time.monotonic() - began > 25, out
    # One that ends is waited for, and then the index is read.
    other = holding(s, 3)
    code, out, err = ends(s.start("audit"), 60)
    other.wait()
    assert f"waiting for process {other.pid}" in err and "holds the lock" not in out, err + out


def test_a_second_signal_ends_at_once(shared_cache):
    s, _ = shared_cache
    s.run("audit")
    other = holding(s, 600)
    try:
        going = s.start("audit")
        while f"waiting for process {other.pid}" not in going.stderr.readline():
            assert going.poll() is None
        began = time.monotonic()
        for _ in (1, 2):
            going.send_signal(signal.SIGINT)
            time.sleep(0.3)
        code, _, _ = ends(going, 10)
        assert code == 130 and time.monotonic() - began < 5
    finally:
        other.kill()

"""A healthy studio is clean: nothing to get used to. On loopback the server's address is the machine's own, which is said."""
import json

import pytest
from conftest import KEY, SHARED, Server

HEALTHY = ["healthy_direct", "healthy_two_queues", "healthy_windows", "healthy_hybrid", "healthy_lan"]


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_studio_has_no_warning(studio_of, name):
    s = studio_of(f"{name}.json")
    s.ayon.stop()
    seed = SHARED / "peer-cloud/studios" / f"{name}.json"
    key = json.loads(seed.read_text())["ayon"].get("key", KEY)
    s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed, "--key", key)
    s.write()
    done = s.run("audit", "--format", "json", AYON_API_KEY=key)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["findings"]
    fine = ("ok", "worker-only", "skipped")
    bad = [(f["verdict"], f["check"], f["code"], f["message"]) for f in found if f["verdict"] not in fine and f["check"] != "server-url"]
    assert bad == [], bad
    assert {f["code"] for f in found if f["check"] == "server-url"} <= {"loopback", "plain-http"}

"""A healthy studio is clean: nothing to get used to. On loopback the server's address is the machine's own, which is said."""
import json

import pytest
from conftest import KEY, SHARED, Server

HEALTHY = ["healthy_direct", "healthy_two_queues", "healthy_windows", "healthy_hybrid", "healthy_lan"]
# By other paths, of which this version checks what AWS tells.
TUNNEL = 'location = "{}"\npath = "ssm"\n[ssm]\ninstance = "{}"\nport = 5000\n'
LATTICE = 'location = "{}"\npath = "lattice"\n[lattice]\nport = {}\n'
PATHS = {
    "healthy_ssm_ec2": TUNNEL.format("ec2", "i-0a1b2c3d4e5f60718"), "healthy_ssm_hybrid": TUNNEL.format("lan", "mi-0a1b2c3d4e5f60718"),
    "healthy_lattice_nlb": LATTICE.format("ec2", 443), "healthy_lattice_vpn": LATTICE.format("lan", 5000), "healthy_lattice_tgw": LATTICE.format("lan", 5000),
    "healthy_lan": 'location = "lan"\npath = "lan"\n',
}


@pytest.mark.parametrize("name", [*HEALTHY, *(n for n in PATHS if n not in HEALTHY)])
def test_a_healthy_studio_has_no_warning(studio_of, name):
    s = studio_of(f"{name}.json")
    s.ayon.stop()
    seed = SHARED / "peer-cloud/studios" / f"{name}.json"
    key = json.loads(seed.read_text())["ayon"].get("key", KEY)
    s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed, "--key", key)
    # The server of a test is on loopback, and speaks plain http: that is known, and all else is clean.
    known = '[[ignore]]\ncheck = "server-url"\nreason = "a test"\n'
    s.write(more=PATHS.get(name, "") + known)
    done = s.run("audit", "--format", "json", AYON_API_KEY=key)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["findings"]
    fine = ("ok", "worker-only", "skipped", "ignored")
    bad = [(f["verdict"], f["check"], f["code"], f["message"]) for f in found if f["verdict"] not in fine]
    assert bad == [], bad
    assert {f["code"] for f in found if f["check"] == "server-url"} <= {"loopback", "plain-http"}

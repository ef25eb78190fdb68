"""diagnose without a studio file: what a queue's environments and fleets imply, said with what it follows from, read-only."""
import json

import pytest
from conftest import FARM, QUEUE, studio_with_own_server


def bare(folder, name):
    s = studio_with_own_server(folder, name)
    (folder / "studiolink.toml").unlink()
    return s


@pytest.mark.parametrize("name, path, because", [
    ("healthy_direct", "Direct HTTPS", "tells sessions that the server is"),
    ("healthy_lattice_vpn", "VPC Lattice", "attached to a resource configuration"),
    ("healthy_lattice_nlb", "VPC Lattice", "no Site-to-Site VPN was seen"),
    ("healthy_ssm_ec2", "SSM port forwarding", "opens a tunnel to i-"),
    ("vpn_tunnels_down", "VPC Lattice", "there is a Site-to-Site VPN"),
])
def test_the_way_follows_from_the_queue(tmp_path, name, path, because):
    s = bare(tmp_path, name)
    done = s.run("diagnose", "--farm", FARM, "--queue", QUEUE, "--format", "json", AWS_REGION="us-west-2", AYON_API_KEY=s.key)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert {c["path"] for c in document["connections"]} == {path}, (document["connections"], done.stderr)
    assert any(because in line for line in document["inferred"]), document["inferred"]
    assert "no studio file here" in done.stderr and not s.mutating()
    ops = {r["op"] for r in s.requests()}
    assert not ops & {"AssumeQueueRoleForUser", "StartSession"}, ops
    bad = [f["check"] for c in document["connections"] for f in c["hops"] if f["verdict"] == "fail"]
    # The name of the first is nobody's, and no other has a fault but that one.
    assert bad == {"vpn_tunnels_down": ["vpn-tunnels"], "healthy_direct": ["server-name"]}.get(name, []), (bad, document)


def test_where_nothing_says_it_that_is_said(tmp_path):
    s = bare(tmp_path, "healthy_direct")
    d = s.client("deadline")
    for env, (_, text) in s.environments().items():
        if "AYON_SERVER_URL" in text:
            d.delete_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=env)
    done = s.run("diagnose", AWS_REGION="us-west-2")
    assert done.returncode == 2 and "no environment of the queue names it" in done.stderr and "--server" in done.stderr, done.stderr
    s.faults({"op": "ListQueueEnvironments", "nth": 1, "count": 99, "kind": "denied"})
    done = s.run("diagnose", AWS_REGION="us-west-2")
    assert done.returncode == 2 and "could not be read" in done.stderr, "forbidden is not missing: " + done.stderr

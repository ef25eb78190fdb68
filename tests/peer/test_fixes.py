"""The fix commands that an audit prints for EC2 and VPC Lattice, where studiolink writes nothing: each is run as it stands, by
the AWS CLI, on the broken studio that it was printed for; then what was wrong is gone."""
# Not here: replace-transit-gateway-route, which neither the peer nor moto knows; the gateway's DNS resolution, which boto3 sets and
# the AWS CLI of early November 2026 does not know.
import json
import re
import subprocess
import sys
import time

import pytest
from conftest import studio_with_own_server
from test_broken import MORE


def studio(folder, name):
    return studio_with_own_server(folder, name, MORE.get(name, ""))


def wrong(s, check):
    found = json.loads(s.run("audit", "--format", "json", AYON_API_KEY=s.key).stdout)["findings"]
    return [f for f in found if f["check"] == check and f["verdict"] in ("fail", "warn", "unknown")]


@pytest.mark.parametrize("name, check", [
    ("target_port_closed", "lattice-target"),
    ("gateway_egress_closed", "lattice-target"),
    ("nacl_drops_replies", "vpn-route"),
    ("lattice_flag_false", "lattice-configuration"),
])
def test_the_printed_command_mends_it(tmp_path, name, check):
    s = studio(tmp_path, name)
    found = wrong(s, check)
    assert found, "it is said to be wrong"
    commands = {c for f in found for c in re.findall(r"`(aws [^`]+)`", f["fix"] or "")}
    assert commands, found
    tools = sys.executable.rsplit("/", 1)[0]
    env = {**s.env, "PATH": f"{tools}:/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-west-2", "AWS_PAGER": ""}
    for command in commands:
        done = subprocess.run(command, shell=True, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
    time.sleep(1.5)  # VPC Lattice updates take a second
    left = wrong(s, check)
    assert not left, (commands, [(f["code"], f["message"], f["fix"]) for f in left])


def test_the_gateways_resolution_is_set_by_boto3(tmp_path):
    s = studio(tmp_path, "lattice_private_dns")
    found = wrong(s, "lattice-gateway")
    gateway = re.search(r"--resource-gateway-identifier (rgw-\w+) --resource-config-dns-resolution (\w+)", found[0]["fix"])
    s.client("vpc-lattice").update_resource_gateway(resourceGatewayIdentifier=gateway[1], resourceConfigDnsResolution=gateway[2])
    time.sleep(1.5)
    assert not wrong(s, "lattice-gateway")

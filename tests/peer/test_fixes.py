"""The fix commands that an audit prints for EC2 and VPC Lattice, where studiolink writes nothing: each is run as it stands, by
the AWS CLI, on the broken studio that it was printed for; then what was wrong is gone."""
# Not here: what is done on the machine itself (ssm_node_lost), and AWS-UpdateSSMAgent, which the peer does not carry out; replace-transit-gateway-route, which neither the peer nor moto knows; the gateway's DNS resolution, which boto3 sets and
# the AWS CLI of early November 2026 does not know.
import json
import re
import subprocess
import sys
import time

import pytest
from conftest import FARM, studio_with_own_server
from test_broken import MORE
from test_lattice import TABLE

# The target and the subnets in its VPC, in place of the configuration on the gateway that can't reach it.
NEW_GATEWAY = TABLE.replace('secret = "ayon/workers"\n', '')


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


def names_of(rows):
    return sorted(r["name"] for r in rows)


def associations(s, name):
    ram = s.client("ram")
    arn = next(x["resourceShareArn"] for x in ram.get_resource_shares(resourceOwner="SELF", name=name)["resourceShares"])
    rows = [r for kind in ("RESOURCE", "PRINCIPAL") for r in ram.get_resource_share_associations(associationType=kind, resourceShareArns=[arn])["resourceShareAssociations"]]
    return sorted((r["associatedEntity"].rpartition("/")[2], r["status"]) for r in rows if r["status"] != "DISASSOCIATED")


def test_a_suspended_share_is_associated_again_by_setup(tmp_path):
    s = studio(tmp_path, "share_suspended")
    assert wrong(s, "lattice-share")
    assert {state for _, state in associations(s, "ayon-server")} == {"SUSPENDED"}
    done = s.run("setup", "--yes", AYON_API_KEY=s.key)
    assert "AssociateResourceShare" in done.stdout, done.stdout + done.stderr
    assert [state for _, state in associations(s, "ayon-server")] == ["ASSOCIATED"] * 2
    assert not wrong(s, "lattice-share")
    assert len(s.client("ram").get_resource_shares(resourceOwner="SELF")["resourceShares"]) == 1, "not doubled"
    # The fleets use it, so that an undoing leaves it.
    back = s.run("rollback", "--yes", AYON_API_KEY=s.key)
    assert "stays" in back.stderr, back.stdout + back.stderr
    assert [state for _, state in associations(s, "ayon-server")] == ["ASSOCIATED"] * 2


def test_a_fleet_whose_only_slot_is_taken_gets_ayons_beside_it_when_the_quota_allows(tmp_path):
    s = studio(tmp_path, "fleet_slot_taken")
    assert wrong(s, "lattice-attachment")
    before = s.run("plan", AYON_API_KEY=s.key)
    assert "UpdateFleet" not in before.stdout, before.stdout
    s.stop()
    s = studio_with_own_server(tmp_path / "more", "fleet_slot_taken", MORE["fleet_slot_taken"], {"quotas": {"resourceConfigurationsPerFleet": 2}})
    fleets = lambda: [f for f in s.client("deadline").list_fleets(farmId=FARM)["fleets"]]
    done = s.run("setup", "--yes", AYON_API_KEY=s.key)
    assert "UpdateFleet" in done.stdout, done.stdout + done.stderr
    uses = {f["displayName"]: [a.rpartition("/")[2] for a in f["configuration"]["serviceManagedEc2"]["vpcConfiguration"]["resourceConfigurationArns"]] for f in fleets()}
    assert sorted(uses["Publish"]) == ["rcfg-0a1b2c3d4e5f60718", "rcfg-0a1b2c3d4e5f60719"], uses
    assert uses["Render"] == ["rcfg-0a1b2c3d4e5f60719"], uses
    assert not wrong(s, "lattice-attachment")


def test_a_gateway_in_the_wrong_subnets_is_replaced_by_a_new_one(tmp_path):
    """As the finding says: a new gateway in the target's subnets, with a new configuration; the fleet's one slot is freed by people."""
    s = studio(tmp_path, "gateway_wrong_subnets")
    (said,) = wrong(s, "lattice-target")
    assert "make a new gateway in render-a, render-b" in said["fix"] and "in place of configuration" in said["fix"], said
    deadline, lattice = s.client("deadline"), s.client("vpc-lattice")
    old = {x["id"] for x in lattice.list_resource_configurations()["items"]}
    for row in deadline.list_fleets(farmId=FARM)["fleets"]:
        whole = deadline.get_fleet(farmId=FARM, fleetId=row["fleetId"])["configuration"]
        whole["serviceManagedEc2"]["vpcConfiguration"]["resourceConfigurationArns"] = []
        deadline.update_fleet(farmId=FARM, fleetId=row["fleetId"], configuration=whole)
    time.sleep(1.5)
    s.write(more=NEW_GATEWAY)
    done = s.run("setup", "--yes", AYON_API_KEY=s.key)
    assert "CreateResourceGateway" in done.stdout, done.stdout + done.stderr
    assert not wrong(s, "lattice-target") and not wrong(s, "lattice-attachment"), done.stdout
    (new,) = [x for x in lattice.list_resource_configurations()["items"] if x["id"] not in old]
    gateway = lattice.get_resource_gateway(resourceGatewayIdentifier=new["resourceGatewayId"])
    assert gateway["vpcId"] == "vpc-0a1b2c3d4e5f60718" and len(gateway["subnetIds"]) == 2, gateway
    back = s.run("rollback", "--yes", AYON_API_KEY=s.key)
    assert back.returncode == 0, back.stderr
    assert {x["id"] for x in lattice.list_resource_configurations()["items"]} == old


def test_a_kms_key_of_the_sessions_is_allowed_by_setup(tmp_path):
    s = studio(tmp_path, "ssm_kms_preference")
    assert wrong(s, "tunnel-permissions")
    done = s.run("setup", "--yes", AYON_API_KEY=s.key)
    left = wrong(s, "tunnel-permissions")
    assert not left, (left, done.stdout, done.stderr)

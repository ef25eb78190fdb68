"""VPC Lattice set up from nothing, on a studio of peer-cloud's: made once, undone in the reverse order, resumed after a
kill, and UpdateFleet that loses nothing. Looked at with boto3."""
import json
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import FARM, changed

FLEETS = [f"fleet-0000000000000000000000000000000{n}" for n in (1, 2)]
NEWER = {"softwareAddOns": [{"name": "newer-than-any-client", "version": 3}], "instanceMarketOptions": {"type": "wait-and-save"}}
TABLE = '''location = "lan"
path = "lattice"
secret = "ayon/workers"
[lattice]
target = "10.20.1.50"
port = 5000
subnets = ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"]
security_groups = ["sg-0a1b2c3d4e5f60711"]
tls = "plain"
'''


def studio(folder, change=None, table=TABLE, base="healthy_lattice_vpn", newer=True):
    bare = {"resourceGateways": [], "resourceConfigurations": [], "resourceShares": [], "secrets": {}, "farms/0/queues/0/environments/1": None}
    for name in ("Render", "Publish"):
        bare[f"farms/0/fleets/{name}/resourceConfigurationArns"] = []
        if newer:
            bare[f"farms/0/fleets/{name}/configuration"] = {"serviceManagedEc2": NEWER}
    bare.update(change or {})
    return changed(folder, base, bare, more=table)


def made(s):
    lattice, ram = s.client("vpc-lattice"), s.client("ram")
    shares = ram.get_resource_shares(resourceOwner="SELF")["resourceShares"]
    return (lattice.list_resource_gateways()["items"], lattice.list_resource_configurations()["items"],
            [x for x in shares if x["status"] not in ("DELETED", "DELETING")])


def fleet(s, n=1):
    """GetFleet as the wire carries it."""
    import urllib.request
    url = f"{s.peer.url}/2023-10-12/farms/{FARM}/fleets/{FLEETS[n]}"
    request = urllib.request.Request(url, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=t/20261129/us-west-2/deadline/aws4_request, SignedHeaders=host, Signature=0"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def whole(s):
    """Everything there once, and the publishing fleet uses it."""
    gateways, configurations, shares = made(s)
    assert [len(gateways), len(configurations), len(shares)] == [1, 1, 1], (gateways, configurations, shares)
    assert gateways[0]["name"] == configurations[0]["name"] == shares[0]["name"] == "ayon-00000001"
    detail = s.client("vpc-lattice").get_resource_configuration(resourceConfigurationIdentifier=configurations[0]["id"])
    assert detail["allowAssociationToShareableServiceNetwork"] and detail["portRanges"] == ["5000"] and detail["type"] == "SINGLE"
    assert detail["resourceConfigurationDefinition"] == {"ipResource": {"ipAddress": "10.20.1.50"}}
    ram = s.client("ram")
    for kind, entity in (("PRINCIPAL", "fleets.deadline.amazonaws.com"), ("RESOURCE", detail["arn"])):
        rows = ram.get_resource_share_associations(associationType=kind, resourceShareArns=[shares[0]["resourceShareArn"]])["resourceShareAssociations"]
        assert [(r["associatedEntity"], r["status"]) for r in rows] == [(entity, "ASSOCIATED")], rows
    it = fleet(s)
    assert it["status"] == "ACTIVE"
    assert it["configuration"]["serviceManagedEc2"]["vpcConfiguration"]["resourceConfigurationArns"] == [detail["arn"]]
    return detail


def test_everything_is_made_waited_for_and_undone(tmp_path):
    s = studio(tmp_path)
    before = [fleet(s, n) for n in (0, 1)]
    plan = s.run("plan")
    for part in ("CreateResourceGateway", "CreateResourceConfiguration", "CreateResourceShare", "UpdateFleet", "known after apply"):
        assert part in plan.stdout, plan.stdout + plan.stderr
    assert not s.mutating()
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    detail = whole(s)
    # The peer takes a second for each: it is waited for, and said.
    assert "it is CREATE_IN_PROGRESS" in done.stderr or "UPDATE_IN_PROGRESS" in done.stderr, done.stderr
    # UpdateFleet loses nothing: field by field, a member included that no client knows.
    after = fleet(s)
    attached = after["configuration"]["serviceManagedEc2"]["vpcConfiguration"].pop("resourceConfigurationArns")
    assert attached == [detail["arn"]]
    wanted = before[1]
    wanted["configuration"]["serviceManagedEc2"].setdefault("vpcConfiguration", {}).pop("resourceConfigurationArns", None)
    for volatile in ("updatedAt", "updatedBy"):
        after.pop(volatile, None), wanted.pop(volatile, None)
    assert after == wanted
    assert after["configuration"]["serviceManagedEc2"]["softwareAddOns"] == NEWER["softwareAddOns"]
    # A worker knows the server by the name that VPC Lattice gives it.
    text = next(t for _, t in s.environments().values() if "Made by studiolink." in t)
    assert f'"{FLEETS[1]}":"http://{detail["id"]}.resource-endpoints.deadline.us-west-2.amazonaws.com:5000"' in text, text
    audit = s.run("audit", "--fail-on", "fail")
    assert audit.returncode == 0, audit.stdout
    again = s.run("plan")
    assert again.returncode == 0 and "CreateResource" not in again.stdout, again.stdout
    s.forget()
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert made(s) == ([], [], [])
    order = [o for o in s.mutating() if "Resource" in o or o == "UpdateFleet"]
    assert [o for n, o in enumerate(order) if o not in order[:n]] == ["UpdateFleet", "DeleteResourceShare", "DeleteResourceConfiguration", "DeleteResourceGateway"]
    assert "resourceConfigurationArns" not in json.dumps(fleet(s)) or fleet(s)["configuration"]["serviceManagedEc2"]["vpcConfiguration"]["resourceConfigurationArns"] == []


@pytest.mark.parametrize("op", ["CreateResourceGateway", "CreateResourceConfiguration", "CreateResourceShare", "UpdateFleet"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_each_write_ends_in_the_same_studio(tmp_path, op, when):
    s = studio(tmp_path, newer=False)
    # Held by the peer before it is carried out; or carried out, and held at the read that comes next.
    s.faults({"op": op, "nth": 1, "count": 1, "kind": "slow", "ms": 4000} if when == "before" else {"op": op, "nth": 1, "count": 1, "kind": "drop-after"})
    process = s.start("setup", "--yes")
    for _ in range(600):
        if any(r["op"] == op for r in s.requests()) or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    s.faults()
    time.sleep(4.5 if when == "before" else 1.5)
    for _ in range(4):
        done = s.run("setup", "--yes")
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    whole(s)
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert made(s) == ([], [], [])


def test_what_exists_is_used_again(tmp_path):
    s = studio(tmp_path)
    lattice = s.client("vpc-lattice")
    gateway = lattice.create_resource_gateway(name="studio-made", vpcIdentifier="vpc-0a1b2c3d4e5f60718", subnetIds=["subnet-0a1b2c3d4e5f60712", "subnet-0a1b2c3d4e5f60711"], securityGroupIds=["sg-0a1b2c3d4e5f60711"], resourceConfigDnsResolution="IN_VPC")["id"]
    time.sleep(1.5)
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    gateways, configurations, _ = made(s)
    assert [g["id"] for g in gateways] == [gateway] and configurations[0]["resourceGatewayId"] == gateway
    assert s.run("rollback", "--yes").returncode == 0
    gateways, configurations, shares = made(s)
    assert [g["id"] for g in gateways] == [gateway] and not configurations and not shares, "what was there before stays"


@pytest.mark.parametrize("change, table, words", [
    ({}, TABLE.replace('"10.20.1.50"', '"192.168.10.5"'), "no network interface of this account holds 192.168.10.5"),
    ({}, TABLE.replace("subnet-0a1b2c3d4e5f60712", "subnet-0ffffffffffffffff"), "is not in vpc-0a1b2c3d4e5f60718"),
    ({}, TABLE.replace("sg-0a1b2c3d4e5f60711", "sg-0fffffffffffffff"), "security group sg-0fffffffffffffff of [lattice] is not in"),
    ({}, TABLE.replace('security_groups = ["sg-0a1b2c3d4e5f60711"]\n', ""), "the gateway needs a security group"),
    ({}, TABLE.replace('target = "10.20.1.50"\n', ""), 'the path "lattice" has no end'),
])
def test_what_can_not_be_made_is_refused_before_anything_is(tmp_path, change, table, words):
    s = studio(tmp_path, change=change, table=table, newer=False)
    done = s.run("setup", "--yes")
    text = done.stdout + done.stderr
    assert words in text and done.returncode == 1, text
    assert not [o for o in s.mutating() if "CreateResource" in o or o == "UpdateFleet"], s.mutating()


def test_two_configurations_for_the_same_target_and_a_half_made_one(tmp_path):
    s = studio(tmp_path, newer=False)
    lattice = s.client("vpc-lattice")
    gateway = lattice.create_resource_gateway(name="g-1", vpcIdentifier="vpc-0a1b2c3d4e5f60718", subnetIds=["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"], securityGroupIds=["sg-0a1b2c3d4e5f60711"])["id"]
    time.sleep(1.5)
    for name in ("one", "two"):
        lattice.create_resource_configuration(name=name, type="SINGLE", portRanges=["5000"], protocol="TCP", resourceGatewayIdentifier=gateway, resourceConfigurationDefinition={"ipResource": {"ipAddress": "10.20.1.50"}})
    time.sleep(1.5)
    plan = s.run("plan")
    assert "all lead to 10.20.1.50 port 5000: name one" in plan.stdout + plan.stderr, plan.stdout
    one = next(c["id"] for c in lattice.list_resource_configurations()["items"] if c["name"] == "one")
    lattice.delete_resource_configuration(resourceConfigurationIdentifier=next(c["id"] for c in lattice.list_resource_configurations()["items"] if c["name"] == "two"))
    time.sleep(1.5)
    # Without the flag, Deadline Cloud could not use it, and the update of a fleet would fail.
    plan = s.run("plan")
    assert "can't be used by Deadline Cloud" in plan.stdout + plan.stderr, plan.stdout
    lattice.update_resource_configuration(resourceConfigurationIdentifier=one, allowAssociationToShareableServiceNetwork=True)
    time.sleep(1.5)
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [c["id"] for c in made(s)[1]] == [one]


def test_the_script_writes_the_server_into_the_hosts_file_and_undo_takes_just_our_lines(tmp_path):
    own = "#!/bin/bash\nset -e\necho studio\nexit 0\n"
    s = studio(tmp_path, newer=False, table=TABLE.replace('tls = "plain"', 'tls = "hosts"'),
               change={"farms/0/fleets/Publish/hostConfiguration": {"scriptBody": own, "scriptTimeoutSeconds": 600}})
    # The address of the stand-in has no name.
    file = s.folder / "studiolink.toml"
    file.write_text(file.read_text().replace("127.0.0.1", "localhost"))
    done = s.run("setup", "--yes")
    assert "UpdateFleet" in s.mutating(), done.stdout + done.stderr
    script = fleet(s)["hostConfiguration"]
    assert script["scriptTimeoutSeconds"] == 600 and script["scriptBody"].startswith("#!/bin/bash\n# >>> studiolink"), script
    assert script["scriptBody"].endswith("set -e\necho studio\nexit 0\n")
    configuration = whole(s)["id"]
    assert f"name='{configuration}.resource-endpoints.deadline.us-west-2.amazonaws.com'" in script["scriptBody"]
    # Somebody adds a line of their own meanwhile: it stays.
    later = script["scriptBody"].replace("echo studio\n", "echo studio\necho more\n")
    s.client("deadline").update_fleet(farmId=FARM, fleetId=FLEETS[1], hostConfiguration={"scriptBody": later, "scriptTimeoutSeconds": 600})
    time.sleep(1.5)
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert fleet(s)["hostConfiguration"]["scriptBody"] == own.replace("echo studio\n", "echo studio\necho more\n")


def test_a_script_that_would_be_too_long_is_left_alone(tmp_path):
    long = "#!/bin/bash\n" + "x" * 14_978
    assert len(long) == 14_990
    s = studio(tmp_path, newer=False, table=TABLE.replace('tls = "plain"', 'tls = "hosts"'),
               change={"farms/0/fleets/Publish/hostConfiguration": {"scriptBody": long}})
    file = s.folder / "studiolink.toml"
    file.write_text(file.read_text().replace("127.0.0.1", "localhost"))
    plan = s.run("plan")
    assert "the service takes 15,000" in plan.stdout + plan.stderr, plan.stdout + plan.stderr
    assert fleet(s)["hostConfiguration"]["scriptBody"] == long


def test_a_fleet_on_the_lan_declares_the_role(tmp_path):
    s = changed(tmp_path, "lan_no_role", {})
    fleets = json.loads((tmp_path / "whole.json").read_text())["farms"][0]["fleets"]
    publish = next(n for n, f in enumerate(fleets) if f["name"].startswith("Publish"))
    s.write(more=f'location = "lan"\npath = "lan"\n[[connection]]\nfleet = "{FLEETS[publish]}"\nat = "lan"\n')
    before = fleet(s, publish)
    done = s.run("setup", "--yes")
    assert "UpdateFleet" in s.mutating(), done.stdout + done.stderr
    after = fleet(s, publish)
    attributes = after["configuration"]["customerManaged"]["workerCapabilities"].pop("customAttributes")
    assert {"name": "attr.role", "values": ["publish"]} in attributes
    before["configuration"]["customerManaged"]["workerCapabilities"].pop("customAttributes", None)
    assert after["configuration"] == before["configuration"]
    assert s.run("rollback", "--yes").returncode == 0
    assert "publish" not in json.dumps(fleet(s, publish)["configuration"])


BEYOND = TABLE.replace("10.20.1.50", "192.168.10.20")


def test_a_target_beyond_the_vpn_is_made_only_on_purpose_and_called_not_proven(tmp_path):
    s = studio(tmp_path, newer=False, table=BEYOND)
    refused = s.run("plan")
    assert "not proven" in refused.stdout + refused.stderr and "CreateResource" not in refused.stdout, refused.stdout
    s.write(more=BEYOND + 'vpc = "vpc-0a1b2c3d4e5f60718"\n')
    # The gateway's group has to let it out; the plan prints the command, which is run as it stands.
    (why,) = json.loads(s.run("plan", "--format", "json").stdout)["refused"]
    command = re.search(r"`(aws ec2 authorize-security-group-egress [^`]+)`", why)[1]
    assert "CidrIp=192.168.10.20/32" in command, why
    env = {**s.env, "PATH": f"{sys.executable.rpartition('/')[0]}:/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-west-2", "AWS_PAGER": ""}
    subprocess.run(command, shell=True, env=env, check=True, capture_output=True, timeout=60)
    plan = s.run("plan", "--format", "json")
    change = next(c for c in json.loads(plan.stdout)["changes"] if c["operation"] == "CreateResourceConfiguration")
    assert change["risk"]["kind"] == "unproven-target" and "not proven" in change["warning"], change
    done = s.run("setup", "--yes")
    assert "CreateResourceConfiguration" in done.stdout, done.stdout + done.stderr
    detail = s.client("vpc-lattice").list_resource_configurations()["items"][0]
    whole = s.client("vpc-lattice").get_resource_configuration(resourceConfigurationIdentifier=detail["id"])
    assert whole["resourceConfigurationDefinition"]["ipResource"]["ipAddress"] == "192.168.10.20"
    audit = json.loads(s.run("audit", "--format", "json").stdout)["findings"]
    (said,) = [f for f in audit if f["check"] == "lattice-target"]
    assert said["verdict"] == "unknown" and "not proven" in said["why"], said
    # Where no route leads there, nothing is made.
    s.run("rollback", "--yes")
    s.write(more=BEYOND.replace("192.168.10.20", "172.31.7.7") + 'vpc = "vpc-0a1b2c3d4e5f60718"\n')
    stray = s.run("plan")
    assert "would not reach 172.31.7.7" in stray.stdout + stray.stderr and "CreateResource" not in stray.stdout, stray.stdout + stray.stderr


def test_a_configuration_that_failed_is_named_and_not_used(tmp_path):
    """A share that stays ASSOCIATING is a test of the sandbox: the peer ends it at once."""
    failed = changed(tmp_path, "healthy_lattice_vpn", {
        "resourceConfigurations/ayon-server/status": "CREATE_FAILED", "farms/0/fleets/Publish/resourceConfigurationArns": [], "farms/0/fleets/Render/resourceConfigurationArns": [],
    }, more=TABLE)
    plan = failed.run("plan")
    assert "is CREATE_FAILED" in plan.stdout + plan.stderr and "UpdateFleet" not in plan.stdout, plan.stdout + plan.stderr

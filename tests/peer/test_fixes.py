"""The fix commands that an audit prints for EC2 and VPC Lattice, where studiolink writes nothing: each is run as it stands, by
the AWS CLI, on the broken studio that it was printed for; then what was wrong is gone."""
import json
import re
import subprocess
import sys

import pytest
from conftest import SHARED, Server, Studio
from test_broken import MORE

PEER = SHARED / "peer-cloud"


@pytest.fixture(autouse=True)
def stopped():
    yield
    while Server.running:
        Server.running.pop().stop()


def studio(folder, name):
    printed = subprocess.run([sys.executable, "-B", str(PEER / "peer_cloud.py"), "--studio", str(PEER / f"studios/{name}.json"), "--print"], capture_output=True, text=True, check=True)
    (folder / "whole.json").write_text(printed.stdout)
    whole = json.loads(printed.stdout)

    class AsIs(Studio):
        def heal_fleets(self):
            pass
    s = AsIs(folder, folder / "whole.json")
    s.ayon.stop()
    s.key = next(iter(whole["secrets"].values()))
    s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", folder / "whole.json", "--key", s.key)
    s.write(more=MORE.get(name, ""))
    return s


def wrong(s, check):
    found = json.loads(s.run("audit", "--format", "json", AYON_API_KEY=s.key).stdout)["findings"]
    return [f for f in found if f["check"] == check and f["verdict"] in ("fail", "warn", "unknown")]


@pytest.mark.parametrize("name, check", [
    ("target_port_closed", "lattice-target"),
    ("gateway_egress_closed", "lattice-target"),
    ("nacl_drops_replies", "vpn-route"),
    ("lattice_flag_false", "lattice-configuration"),
    ("lattice_private_dns", "lattice-gateway"),
    ("tgw_blackhole", "vpn-route"),
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
    left = wrong(s, check)
    assert not left, (commands, [(f["code"], f["message"], f["fix"]) for f in left])

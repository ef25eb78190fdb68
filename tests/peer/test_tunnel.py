"""A tunnel of Systems Manager: one request of /api/info through a real data channel, in both modes, and what breaks it."""
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from conftest import AsIs, KEY, SHARED, Server

PEER = SHARED / "peer-cloud"


def studio(folder, name, **instance):
    """A studio of peer-cloud's, whose machine forwards its port 5000 to the AYON stand-in."""
    printed = subprocess.run([sys.executable, "-B", str(PEER / "peer_cloud.py"), "--studio", str(PEER / f"studios/{name}.json"), "--print"], capture_output=True, text=True, check=True)
    whole = json.loads(printed.stdout)
    node = whole["ssmInstances"][0]
    node.update(instance)
    (folder / "whole.json").write_text(json.dumps(whole))
    ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", folder / "whole.json", "--key", next(iter(whole["secrets"].values())))
    if node["forward"]["5000"] != "refused" and "forward" not in instance:
        node["forward"]["5000"] = ayon.url.removeprefix("http://")
        (folder / "whole.json").write_text(json.dumps(whole))
    s = AsIs(folder, folder / "whole.json", ("--ayon", ayon.url))
    s.ayon.stop()
    s.ayon = ayon
    location = "lan" if node["id"].startswith("mi-") else "ec2"
    s.write(more=f'location = "{location}"\npath = "ssm"\n[ssm]\ninstance = "{node["id"]}"\nport = 5000\n')
    return s


def tunnel(s, code=None):
    """What setup sees through the tunnel: an audit opens none."""
    done = s.run("setup", "--yes", "--format", "json", AYON_API_KEY=KEY)
    found = json.loads(done.stdout)["findings"]
    seen = [f for f in found if f["check"] == "tunnel-as-queue-role"]
    assert len(seen) == 1, done.stdout[:3000] + done.stderr
    for text in (done.stdout, done.stderr):
        assert "TokenValue" not in text
    return seen[0]


def ended(s):
    ops = [r["op"] for r in s.requests()]
    return ops.count("StartSession"), ops.count("TerminateSession")


@pytest.mark.parametrize("name", ["healthy_ssm_ec2", "healthy_ssm_hybrid"])
@pytest.mark.parametrize("agent", [None, "3.3.1142.0"])
def test_ayon_answers_through_the_tunnel_in_both_modes(tmp_path, name, agent):
    more = {"handshakeAgentVersion": agent} if agent else {}
    s = studio(tmp_path, name, **more)
    seen = tunnel(s)
    assert (seen["verdict"], seen["code"]) == ("ok", "ok"), seen
    assert "AYON 1.16.0 answers through a session" in seen["message"], seen
    assert ("multiplexed" if agent else "one connection") in seen["message"], seen
    assert [e["calls"] for e in seen["evidence"]], seen
    started, closed = ended(s)
    assert started == closed and started > 0


@pytest.mark.parametrize("name, change, verdict, code, part", [
    ("ssm_port_refused", {}, "fail", "port-refused", "no connection to port 5000"),
    ("ssm_agent_too_old", {}, "fail", "closed", "was closed before"),
    ("ssm_kms_preference", {}, "unknown", "encrypted", "KMS key"),
    ("ssm_node_lost", {}, "fail", "refused", "gets no session"),
])
def test_what_breaks_a_tunnel_is_named(tmp_path, name, change, verdict, code, part):
    s = studio(tmp_path, name, **change)
    seen = tunnel(s)
    assert (seen["verdict"], seen["code"]) == (verdict, code), seen
    assert part in seen["message"], seen
    started, closed = ended(s)
    assert closed == (0 if code == "refused" else started)


@pytest.mark.parametrize("agent", [None, "3.3.1142.0"])
def test_a_channel_that_is_closed_half_way_is_resumed(tmp_path, agent):
    """The server thinks for longer than the agent keeps a websocket open: the answer comes on another one of the same session."""
    behind = {}

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(1.0)
            with urllib.request.urlopen(behind["url"] + self.path) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    slow = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=slow.serve_forever, daemon=True).start()
    more = {"handshakeAgentVersion": agent} if agent else {}
    s = studio(tmp_path, "healthy_ssm_ec2", closeAfter=0.6, forward={"5000": f"127.0.0.1:{slow.server_port}"}, **more)
    behind["url"] = s.ayon.url
    seen = tunnel(s)
    slow.shutdown()
    assert (seen["verdict"], seen["code"]) == ("ok", "ok"), seen
    ops = [r["op"] for r in s.requests()]
    assert "ResumeSession" in ops, ops
    started, closed = ended(s)
    assert started == closed and started > 0


def test_a_channel_that_the_role_may_not_open_is_mended_and_opened(tmp_path):
    s = studio(tmp_path, "ssm_no_open_data_channel")
    done = s.run("setup", "--yes", "--format", "json", AYON_API_KEY=KEY)
    document = json.loads(done.stdout)
    seen = [f for f in document["findings"] if f["check"] == "tunnel-as-queue-role"]
    assert seen[0]["verdict"] == "ok", seen
    assert "ssmmessages:OpenDataChannel" in s.policies()["studiolink-queue"]


def test_an_audit_opens_no_session_and_says_what_documents_say(tmp_path):
    s = studio(tmp_path, "ssm_node_lost")
    done = s.run("audit", "--format", "json", AYON_API_KEY=KEY)
    found = {f["check"]: f for f in json.loads(done.stdout)["findings"] if f["check"].startswith("tunnel-")}
    assert found["tunnel-node"]["verdict"] == "fail" and "is ConnectionLost, last heard of 2026-11-24" in found["tunnel-node"]["message"], found
    assert "TargetNotConnected" in found["tunnel-node"]["why"]
    assert found["tunnel-settings"]["verdict"] == "ok"
    assert done.returncode == 1
    assert "StartSession" not in [r["op"] for r in s.requests()]


def test_diagnose_opens_a_session_where_it_is_asked_to_and_writes_that_down(tmp_path):
    s = studio(tmp_path, "ssm_port_refused")
    plain = s.run("diagnose", AYON_API_KEY=KEY)
    assert "--open-session tries it" in plain.stdout, plain.stdout + plain.stderr
    assert ended(s) == (0, 0) and "AssumeQueueRoleForUser" not in [r["op"] for r in s.requests()]
    done = s.run("diagnose", "--open-session", AYON_API_KEY=KEY)
    assert done.returncode == 1 and "no connection to port 5000" in done.stdout, done.stdout + done.stderr
    assert ended(s) == (1, 1)
    (run,) = json.loads(s.run("runs", "--format", "json").stdout)["runs"]
    assert run["undo"] == "tried, and changed nothing" and run["run"]["command"] == "diagnose"
    written = s.run("runs", run["run"]["id"])
    assert "Tried: queue role: reach AYON through a session" in written.stdout and "StartSession" in written.stdout, written.stdout
    everything = "".join(p.read_text(errors="replace") for p in s.folder.rglob("*") if p.is_file())
    assert "TokenValue\":" not in everything and "data-channel" not in everything
    # Such a run is nothing to go on with, and nothing to undo.
    back = s.run("rollback", "--yes")
    assert back.stdout == "nothing to undo\n", back.stdout + back.stderr

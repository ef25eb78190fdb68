"""The queue environment that opens a tunnel on the worker, run with the official openjd command on this machine: AYON
answers through it, it comes back when it was closed, it ends with the session, and says what is wrong."""
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time

import pytest
from conftest import SHARED
from test_tunnel import studio

PEER = SHARED / "peer-cloud"
FLEET = "fleet-00000000000000000000000000000002"
TASK = "import os,json,time,urllib.request as u;o=u.build_opener(u.ProxyHandler({}));e=os.environ;print('SEEN '+e['AYON_SERVER_URL']+' '+json.load(o.open(e['AYON_SERVER_URL']+'/api/info',timeout=20))['version'],flush=True)"


def bare(folder, name="healthy_ssm_ec2", **instance):
    """The studio without what it has made itself: setup makes the tunnel, and what goes with it."""
    s = studio(folder, name, **instance)
    deadline = s.client("deadline")
    from conftest import FARM, QUEUE
    for row in deadline.list_queue_environments(farmId=FARM, queueId=QUEUE)["environments"]:
        if row["name"].startswith("AYON"):
            deadline.delete_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=row["queueEnvironmentId"])
    file = s.folder / "studiolink.toml"
    file.write_text(file.read_text().replace("[ssm]", 'secret = "ayon/workers"\n[ssm]'))
    s.forget()
    return s


def made(s):
    rows = sorted(s.environments().items(), key=lambda e: (e[1][0], e[0]))
    return [(priority, text) for _, (priority, text) in rows if "Made by studiolink." in text]


def run(s, folder, *texts, task=TASK, timeout=150, **env):
    files = []
    for n, text in enumerate(texts):
        (folder / f"env{n}.yaml").write_text(text)
        files += ["--environment", str(folder / f"env{n}.yaml")]
    (folder / "job.yaml").write_text(json.dumps({"specificationVersion": "jobtemplate-2023-09", "name": "see", "steps": [{"name": "see", "script": {
        "actions": {"onRun": {"command": sys.executable, "args": ["-c", task], "timeout": 100}}}}]}))
    tools = os.path.dirname(sys.executable)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    path = f"{PEER}/bin:{tools}:/usr/bin:/bin"
    run_env = {"PATH": path, "HOME": str(home), "AWS_ENDPOINT_URL": s.peer.url, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run([f"{tools}/openjd", "run", str(folder / "job.yaml"), *files], capture_output=True, text=True, env=run_env, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def processes(mark):
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if mark in line and "ps -eo" not in line]


@pytest.mark.parametrize("name", ["healthy_ssm_ec2", "healthy_ssm_hybrid"])
def test_setup_makes_it_and_ayon_answers_through_it(tmp_path, name):
    s = bare(tmp_path, name)
    done = s.run("setup", "--yes", AYON_API_KEY="API_KEY")
    texts = made(s)
    assert len(texts) == 2, done.stdout + done.stderr
    code, text = run(s, tmp_path, *[t for _, t in texts])
    assert code == 0, text
    seen = re.search(r"SEEN (http://127\.0\.0\.1:\d+) 1\.\d+", text)
    assert seen, text
    ops = [r["op"] for r in s.requests()]
    assert ops.count("StartSession") == ops.count("TerminateSession"), "what was opened is ended"
    time.sleep(1)
    assert not processes("ayon-tunnel.py"), processes("ayon-tunnel.py")
    # In whichever order they are entered, the tunnel is where the server is.
    code, text = run(s, tmp_path, *[t for _, t in reversed(texts)])
    assert code == 0 and re.search(r"SEEN http://127\.0\.0\.1:\d+ ", text), text
    back = s.run("rollback", "--yes")
    assert back.returncode == 0 and made(s) == [], back.stdout + back.stderr


def test_a_tunnel_that_was_closed_comes_back(tmp_path):
    s = bare(tmp_path)
    s.run("setup", "--yes", AYON_API_KEY="API_KEY")
    text = next(t for _, t in made(s) if "StartPortForwardingSession" in t)
    kill = "import os,signal,subprocess as p,time\nfor line in p.run(['ps','-eo','pid,args'],capture_output=True,text=True).stdout.splitlines():\n    if 'session-manager-plugin AWS_SSM' in line and ' -c ' not in line: os.kill(int(line.split()[0]),signal.SIGKILL)\ntime.sleep(1)\n"
    wait = "import urllib.request as u,os,json,time\no=u.build_opener(u.ProxyHandler({}))\nfor n in range(40):\n    try:\n        print('AGAIN '+json.load(o.open(os.environ['AYON_SERVER_URL']+'/api/info',timeout=5))['version'],flush=True)\n        break\n    except Exception:\n        time.sleep(0.5)\n"
    code, out = run(s, tmp_path, text, task=kill + wait)
    assert code == 0 and "AGAIN 1." in out, out
    ops = [r["op"] for r in s.requests()]
    assert ops.count("StartSession") >= 2


def test_workers_of_other_fleets_open_none(tmp_path):
    s = bare(tmp_path)
    s.run("setup", "--yes", AYON_API_KEY="API_KEY")
    text = next(t for _, t in made(s) if "StartPortForwardingSession" in t)
    s.forget()
    code, out = run(s, tmp_path, text, task="print('RAN')", DEADLINE_FLEET_ID="fleet-00000000000000000000000000000009")
    assert code == 0 and "RAN" in out and "no tunnel" in out, out
    assert "StartSession" not in [r["op"] for r in s.requests()]


def test_a_machine_that_is_gone_is_said_and_nothing_is_left(tmp_path):
    s = bare(tmp_path)
    s.run("setup", "--yes", AYON_API_KEY="API_KEY")
    text = next(t for _, t in made(s) if "StartPortForwardingSession" in t).replace("90", "8")
    text = text.replace("i-0a1b2c3d4e5f60718", "i-0ffffffffffffffff")
    code, out = run(s, tmp_path, text)
    assert code != 0 and "No tunnel to the AYON server by i-0ffffffffffffffff" in out and "SEEN" not in out, out
    time.sleep(1)
    assert not processes("ayon-tunnel.py")


def test_awss_plugin_is_taken_out_of_its_package(tmp_path):
    """The script's own reading of a .deb and of a zip in a zip, on packages that ar and zip have made."""
    import pathlib
    source = pathlib.Path(__file__).resolve().parents[2] / "assets/environments/ayon-tunnel.yaml"
    import yaml
    template = yaml.safe_load(source.read_text())
    code = template["environment"]["script"]["embeddedFiles"][0]["data"]
    code = code.split('if MODE == "enter"')[0]
    for name, value in (("__TARGET__", '"i"'), ("__DOCUMENT__", '"d"'), ("__PARAMETERS__", "{}"), ("__REGION__", '"r"'), ("__FLEETS__", "[]")):
        code = code.replace(name, value)
    space = {}
    sys.argv, argv = ["x", "none", str(tmp_path)], sys.argv
    try:
        exec(compile(code, "ayon-tunnel.py", "exec"), space)
    finally:
        sys.argv = argv
    program = b"#!/bin/sh\necho plugin\n" * 50
    inner = tmp_path / "data"
    (inner / "usr/local/sessionmanagerplugin/bin").mkdir(parents=True)
    (inner / "usr/local/sessionmanagerplugin/bin/session-manager-plugin").write_bytes(program)
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as files:
        files.add(inner, arcname=".")
    (tmp_path / "debian-binary").write_text("2.0\n")
    with tarfile.open(tmp_path / "control.tar.gz", "w:gz"):
        pass
    subprocess.run(["ar", "rc", "plugin.deb", "debian-binary", "control.tar.gz", "data.tar.gz"], cwd=tmp_path, check=True)
    assert space["from_deb"]((tmp_path / "plugin.deb").read_bytes()) == program
    import zipfile
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as files:
        files.writestr("bin/session-manager-plugin", program)
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as files:
        files.writestr("install.bat", "rem")
        files.writestr("package.zip", inside.getvalue())
    assert space["from_zip"](outer.getvalue()) == program

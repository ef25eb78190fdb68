"""The built binary against peer-cloud and the AYON stand-in, on loopback. Run by .ci/run where ../shared is there."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SHARED = pathlib.Path(os.environ.get("STUDIOLINK_SHARED", HERE.parents[2] / "shared")).resolve()
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target"))
BINARY = pathlib.Path(os.environ.get("STUDIOLINK_BINARY", TARGET / "debug/studiolink")).resolve()
FARM = "farm-00000000000000000000000000000001"
QUEUE = "queue-00000000000000000000000000000001"
CHANNELS = "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge"
KEY = "0123456789abcdefCANARY789abcdef0"


ACCOUNT = "123456789012"
FLEET_TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "credentials.deadline.amazonaws.com"}, "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": f"arn:aws:deadline:us-west-2:{ACCOUNT}:farm/{FARM}"}}}]}
LOGS = f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/deadline/{FARM}/*"
# AWSDeadlineCloud-FleetWorker, and the statement for the logs that AWS's guide adds.
FLEET_RIGHTS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}, "Action": [
        f"deadline:{a}" for a in ("AssumeFleetRoleForWorker", "UpdateWorker", "UpdateWorkerSchedule", "BatchGetJobEntity", "AssumeQueueRoleForWorker")]},
    {"Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": LOGS, "Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": ["deadline.amazonaws.com"]}}},
    {"Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:GetLogEvents"], "Resource": LOGS}]}


def owner_of_channel(seed):
    buckets = json.loads(seed.read_text()).get("buckets", [])
    return next((b.get("account", ACCOUNT) for b in buckets if "ynput" in b["name"]), None)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return json.load(r)


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A child process that says `ready on URL`. Whatever a test does, all are stopped after it."""
    running = []

    def __init__(self, *command):
        self.process = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        Server.running.append(self)
        line = self.process.stdout.readline()
        assert " ready on " in line, line
        self.url = line.strip().rsplit(" ", 1)[1]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Studio:
    """One peer-cloud, one AYON, one folder with a studio file and a state of its own."""

    def __init__(self, folder, seed="fresh.json", peer_args=(), ayon_channels=CHANNELS):
        self.folder = folder
        seed = SHARED / "peer-cloud/studios" / seed  # a path of its own stays what it is
        self.account = owner_of_channel(seed)
        self.account_of_studio = ACCOUNT
        self.peer = Server(SHARED / "peer-cloud/peer_cloud.py", "--port", 0, "--studio", seed, *peer_args)
        self.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--key", KEY, "--installer-version", "1.6.1", "--farm", FARM, "--queue", QUEUE, "--conda-channels", ayon_channels)
        self.write()
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "AWS_ENDPOINT_URL": self.peer.url,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AYON_API_KEY": KEY,
            "CONDA_CHANNEL_ALIAS": f"http://127.0.0.1:{closed_port()}", "NO_PROXY": "127.0.0.1",
        }
        self.warm_up()

    def warm_up(self):
        """The peer loads its services at their first call, which on a busy machine takes longer than a live test may."""
        self.client("sts").get_caller_identity()
        self.client("s3").list_buckets()
        self.heal_fleets()
        self.forget()

    def heal_fleets(self):
        """The seeds' fleet role trusts everybody's Deadline Cloud and may do nothing; here it is as the console makes it."""
        iam = self.client("iam")
        for role in [r["RoleName"] for r in iam.list_roles()["Roles"] if "Fleet" in r["RoleName"]]:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(FLEET_TRUST))
            iam.put_role_policy(RoleName=role, PolicyName="FleetWorker", PolicyDocument=json.dumps(FLEET_RIGHTS))

    def write(self, channels=CHANNELS, more=""):
        listed = ", ".join(f'"{c}"' for c in channels.split())
        owner = f'channel_account = "{self.account}"\n' if "s3://" in channels and self.account else ""
        (self.folder / "studiolink.toml").write_text(
            f'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "{FARM}"\nqueue = "{QUEUE}"\n[conda]\nchannels = [{listed}]\n{owner}[server]\nurl = "{self.ayon.url}"\n{more}')

    def start(self, *args, **env):
        return subprocess.Popen([str(BINARY), *args], cwd=self.folder, env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)

    def run(self, *args, **env):
        process = self.start(*args, **env)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def mutating(self):
        return [r["op"] for r in get(self.peer.url + "/_peer/requests") if r["mutating"]]

    def requests(self):
        return get(self.peer.url + "/_peer/requests")

    def forget(self):
        urllib.request.urlopen(urllib.request.Request(self.peer.url + "/_peer/reset", data=b"", method="POST"))

    def faults(self, *faults):
        urllib.request.urlopen(urllib.request.Request(self.peer.url + "/_peer/faults", data=json.dumps(faults).encode(), method="POST"))

    def client(self, service, region="us-west-2"):
        import boto3
        from botocore.config import Config
        return boto3.client(service, endpoint_url=self.peer.url, region_name=region, aws_access_key_id="t", aws_secret_access_key="t",
                            config=Config(inject_host_prefix=False, retries={"max_attempts": 1}))

    def environments(self):
        d = self.client("deadline")
        rows = d.list_queue_environments(farmId=FARM, queueId=QUEUE)["environments"]
        texts = [d.get_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=r["queueEnvironmentId"]) for r in rows]
        return {t["queueEnvironmentId"]: (t["priority"], t["template"]) for t in texts}

    def policies(self, role="NordlichtQueueRole"):
        """The role's documents as the wire carries them: byte for byte, not parsed."""
        import urllib.parse
        out = {}
        i = self.client("iam")
        for name in i.list_role_policies(RoleName=role)["PolicyNames"]:
            raw = {}
            i.meta.events.register("after-call.iam.GetRolePolicy", lambda http_response, raw=raw, **_: raw.update(body=http_response.text), unique_id=name)
            i.get_role_policy(RoleName=role, PolicyName=name)
            i.meta.events.unregister("after-call.iam.GetRolePolicy", unique_id=name)
            out[name] = urllib.parse.unquote(raw["body"].split("<PolicyDocument>")[1].split("</PolicyDocument>")[0])
        return out

    def state(self):
        return self.environments(), self.policies()

    def journals(self):
        folder = self.folder / "state/studiolink/runs"
        return sorted(folder.glob("*.jsonl")) if folder.exists() else []

    def stop(self):
        self.peer.stop()
        self.ayon.stop()


class AsIs(Studio):
    """A studio whose fleet roles are right already."""

    def heal_fleets(self):
        pass


def changed(folder, base, change, peer_args=(), more=""):
    """A studio of peer-cloud's with what differs, as its own format says it."""
    (folder / "seed.json").write_text(json.dumps({"from": str(SHARED / f"peer-cloud/studios/{base}.json"), "change": change}))
    printed = subprocess.run([sys.executable, "-B", str(SHARED / "peer-cloud/peer_cloud.py"), "--studio", str(folder / "seed.json"), "--print"], capture_output=True, text=True, check=True)
    (folder / "whole.json").write_text(printed.stdout)
    s = AsIs(folder, folder / "whole.json", peer_args)
    s.write(more=more)
    return s


def studio_with_own_server(folder, name, more="", change=None):
    """A studio of peer-cloud's with the AYON that its seed describes, and the key that its secret holds."""
    folder.mkdir(exist_ok=True)
    s = changed(folder, name, change or {})
    whole = json.loads((folder / "whole.json").read_text())
    s.ayon.stop()
    s.key = next(iter(whole["secrets"].values()))
    s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", folder / "whole.json", "--key", s.key)
    s.write(more=more)
    return s


@pytest.fixture
def studio_of(tmp_path):
    made = []

    def make(*args, **more):
        folder = tmp_path / f"studio{len(made)}"
        folder.mkdir()
        made.append(Studio(folder, *args, **more))
        return made[-1]
    return make


@pytest.fixture(autouse=True)
def stopped():
    yield
    while Server.running:
        Server.running.pop().stop()

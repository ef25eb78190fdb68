"""`audit --all`: every queue of every farm, against peer-cloud's many queues, of which every tenth is broken in turn."""
import json
import signal
import time

import pytest
from conftest import KEY, SHARED, AsIs, Server, closed_port, owner_of_channel

QUEUES = 50
# What is wrong with them by peer-cloud's table: queue, check, code.
BROKEN = {("ManyQueueRole0010", "queue-role-trust"), ("Queue 0020", "queue-role"), ("Queue 0040", "queue-fleets")}
# What only a studio file that says which channels and secret a queue needs can tell.
BY_FILE = {("ManyQueueRole0030", "queue-role-channels"), ("ManyQueueRole0050", "queue-role-needs")}


class Many(AsIs):
    def __init__(self, folder, *more):
        self.folder, self.account, self.account_of_studio = folder, None, "123456789012"
        self.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--key", KEY)
        self.peer = Server(SHARED / "peer-cloud/peer_cloud.py", "--port", 0, "--many", QUEUES, *more)
        self.env = {
            "PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "AWS_ENDPOINT_URL": self.peer.url, "AWS_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AYON_API_KEY": KEY,
            "CONDA_CHANNEL_ALIAS": f"http://127.0.0.1:{closed_port()}", "NO_PROXY": "127.0.0.1",
        }
        self.client("sts").get_caller_identity()
        self.client("s3").list_buckets()
        self.forget()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    s = Many(tmp_path_factory.mktemp("many"))
    running = list(Server.running)
    Server.running.clear()  # they stay for the module
    yield s
    for server in running:
        server.stop()


def audit(s, *more):
    done = s.run("audit", "--all", "--format", "json", *more)
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout)


def wrong(document):
    return {(f["name"].split(" ", 1)[1], f["check"]) for f in document["findings"] if f["verdict"] in ("fail", "warn", "unknown")}


def test_every_queue_is_checked_and_only_the_broken_ones_are_told(many):
    many.forget()
    done, document = audit(many)
    assert wrong(document) == BROKEN, wrong(document)
    assert done.returncode == 1
    (place,) = document["places"]
    assert (place["account"], place["region"], place["queues"], place["not_checked"]) == ("123456789012", "us-west-2", QUEUES, [])
    assert not many.mutating()
    assert not [f for f in document["findings"] if f["verdict"] == "ok"], "OK is counted"
    text = many.run("audit", "--all")
    assert f"{QUEUES} of {QUEUES} queues were checked in account 123456789012, us-west-2" in text.stdout, text.stdout
    assert "353 OK" in text.stdout or " OK" in text.stdout.splitlines()[-1], text.stdout[-300:]
    told = [line for line in text.stdout.splitlines() if line.startswith(("Queue ", "Role "))]
    assert told == ["Role ManyQueueRole0010", "Queue Queue 0020", "Queue Queue 0040"], told


def test_what_the_studio_file_says_counts_for_every_queue_where_that_is_asked(many):
    arn = next(x["ARN"] for x in many.client("secretsmanager").list_secrets()["SecretList"])
    (many.folder / "like.toml").write_text(
        'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "farm-000000000000000000000000000000fa"\nqueue = "queue-00000000000000000000000000000001"\n'
        f'[conda]\nchannels = ["deadline-cloud", "s3://ynput-conda-channel/ayon", "conda-forge"]\nchannel_account = "{owner_of_channel(SHARED / "peer-cloud/studios/healthy_direct.json")}"\n'
        f'[server]\nurl = "{many.ayon.url}"\nsecret = "{arn}"\n')
    done, document = audit(many, "--studio", "like.toml", "--like-file", "--only", "queue-role-channels,queue-role-needs")
    assert BY_FILE <= wrong(document), (wrong(document), done.stderr)
    assert {n for n, _ in wrong(document)} <= {n for n, _ in BROKEN | BY_FILE}, wrong(document)
    refused = many.run("audit", "--all", "--like-file")
    assert refused.returncode == 2 and "--studio FILE" in refused.stderr, refused.stderr


def test_no_finding_is_lost_under_throttling(many):
    many.faults(*({"op": "*", "nth": n, "count": 1, "kind": "throttle"} for n in range(10, 2000, 10)))
    try:
        _, document = audit(many)
    finally:
        many.faults()
    assert wrong(document) == BROKEN, wrong(document)


def test_farms_that_may_not_be_listed_are_not_called_fine(many):
    many.faults({"op": "ListQueues", "nth": 1, "count": 9999, "kind": "denied"})
    try:
        done, document = audit(many)
    finally:
        many.faults()
    assert done.returncode == 3, done.stderr
    (said,) = [f for f in document["findings"] if f["check"] == "all-queues"]
    assert said["verdict"] == "unknown" and "the queues of farm" in said["message"], said
    done = many.run("audit", "--all", "--farms", "farm-" + "9" * 32)
    assert done.returncode == 3 and "There is no farm farm-9" in done.stdout, done.stdout


def test_an_interrupted_audit_keeps_what_it_has_and_says_what_is_missing(many):
    many.forget()
    many.faults({"op": "GetQueue", "nth": 1, "count": 9999, "kind": "slow", "ms": 1500})
    process = many.start("audit", "--all", "--format", "json")
    for _ in range(200):
        if sum(r["op"] == "GetQueue" for r in many.requests()[-3000:]) > 20:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    many.faults()
    document = json.loads(out)
    assert process.returncode == 130, err
    missing = document["places"][0]["not_checked"]
    assert 0 < len(missing) <= QUEUES, document["places"]


def test_two_profiles_of_one_account_are_told_once_and_a_wrong_one_is_told(many):
    (many.folder / ".aws").mkdir(exist_ok=True)
    (many.folder / ".aws/config").write_text("[profile a]\nregion = us-west-2\naws_access_key_id = a\naws_secret_access_key = s\n[profile b]\nregion = us-west-2\naws_access_key_id = b\naws_secret_access_key = s\n")
    env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    process = many.start("audit", "--all", "--profiles", "a,b,gone", "--format", "json", "--only", "queue-status", **env)
    out, err = process.communicate(timeout=120)
    document = json.loads(out)
    assert [p["profile"] for p in document["places"]] == ["a"], (document["places"], err)
    assert "profile b leads to account 123456789012 in us-west-2, which was looked at already" in err, err
    said = [f for f in document["findings"] if f["check"] == "all-queues"]
    assert len(said) == 1 and said[0]["verdict"] == "unknown" and process.returncode == 3, (document["findings"], err)

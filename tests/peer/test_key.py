"""The workers' key: a secret whose value nobody reads, an environment that gives a session the server and the key, another
key. What was made is looked at with boto3, and run with the official openjd command."""
import json
import os
import subprocess
import sys
import time

import pytest
from conftest import FARM, KEY, QUEUE, SHARED, changed

PEER = SHARED / "peer-cloud"
NAME = "ayon/workers"
OTHER = "fedcba9876543210CANARY98765432f1"


def studio(folder, base="healthy_direct", change=None, peer_args=()):
    """A healthy studio without an environment for AYON, and without a secret."""
    change = {"farms/0/queues/0/environments/1": None, "secrets": {}, **(change or {})}
    return changed(folder, base, change, peer_args, f'secret = "{NAME}"\n')


def value(s):
    return s.client("secretsmanager").get_secret_value(SecretId=NAME)


def own_environment(s):
    texts = {t for _, t in s.environments().values() if "Made by studiolink." in t}
    assert len(texts) == 1, s.environments()
    return texts.pop()


def nowhere(s, *outputs):
    """The key in nothing that is kept or shown, and in no request but the one that puts it."""
    for text in outputs:
        assert KEY not in text and OTHER not in text
    for file in s.folder.rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            assert KEY.encode() not in text and OTHER.encode() not in text, file


def test_setup_makes_the_secret_and_the_environment_and_rollback_takes_them_away(tmp_path):
    s = studio(tmp_path)
    before = s.environments()
    plan = s.run("plan")
    assert "CreateSecret  secret ayon/workers" in plan.stdout, plan.stdout + plan.stderr
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert value(s)["SecretString"] == KEY
    tags = s.client("secretsmanager").describe_secret(SecretId=NAME)
    assert list(tags["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    text = own_environment(s)
    priority = next(p for p, t in s.environments().values() if t == text)
    assert priority == 0, "before the conda environment, which has 1"
    assert "AyonKey" in s.policies()["studiolink-queue"]
    # The queue role's own policy names the secret with the six characters that AWS adds.
    assert "secret:ayon/workers-??????" in s.policies()["studiolink-queue"]
    audit = s.run("audit", "--fail-on", "fail")
    assert audit.returncode == 0 and 'Environment "AYON" gives a session' in audit.stdout and f"Secret {NAME} exists and holds a value" in audit.stdout, audit.stdout
    again = s.run("plan")
    assert "nothing to change" in again.stdout.lower() + again.stderr.lower(), again.stdout + again.stderr
    ops = [r["op"] for r in s.requests()]
    assert ops.count("CreateSecret") == 1 and ops.count("PutSecretValue") == 1
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert s.environments() == before
    assert "DeletedDate" in s.client("secretsmanager").describe_secret(SecretId=NAME)
    nowhere(s, plan.stdout, done.stdout, done.stderr, audit.stdout, back.stdout, back.stderr)
    # The name is taken until then: a clear refusal, and nothing is half-made.
    after = s.run("plan")
    assert "scheduled for deletion" in after.stdout + after.stderr, after.stdout + after.stderr


def test_a_key_of_a_person_is_not_given_to_workers(tmp_path):
    s = studio(tmp_path)
    done = s.run("setup", "--yes", AYON_API_KEY="")
    text = done.stdout + done.stderr
    assert "gets no key" in text and done.returncode == 1, text
    assert not [o for o in s.mutating() if "Secret" in o]


@pytest.mark.parametrize("lost", ["PutSecretValue", "CreateSecret"])
@pytest.mark.parametrize("kind", ["drop-after", "drop"])
def test_an_answer_that_is_lost_is_settled_without_reading_the_value(tmp_path, lost, kind):
    s = studio(tmp_path)
    s.faults({"op": lost, "nth": 1, "count": 9, "kind": kind})
    first = s.run("setup", "--yes")
    s.faults()
    done = s.run("setup", "--yes") if first.returncode else first
    assert done.returncode == 0, done.stdout + done.stderr
    assert value(s)["SecretString"] == KEY
    as_me = [r for r in s.requests() if r["op"] == "GetSecretValue"]
    assert len(own_environment(s)) and as_me, "read as the queue role alone"
    assert len(s.client("secretsmanager").list_secrets()["SecretList"]) == 1
    nowhere(s, first.stdout, first.stderr, done.stdout, done.stderr)


def test_another_key_is_tried_put_and_read_and_the_old_one_comes_back(tmp_path):
    s = studio(tmp_path)
    assert s.run("setup", "--yes").returncode == 0
    old = value(s)["VersionId"]
    refused = s.run("rotate-key", "--yes", AYON_NEW_API_KEY="0" * 32)
    assert refused.returncode == 2 and "401" in refused.stderr, refused.stdout + refused.stderr
    assert value(s)["VersionId"] == old
    # The stand-in has one key: it is put again, as another version.
    done = s.run("rotate-key", "--yes", AYON_NEW_API_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is handed out the new version" in done.stdout and "revoke the old key" in done.stdout
    assert value(s)["VersionId"] != old and value(s)["SecretString"] == KEY
    document = json.loads(s.run("rotate-key", "--yes", "--format", "json", AYON_NEW_API_KEY=KEY).stdout)
    assert document["read"][0]["new_version_is_read"] is True and document["version"] == value(s)["VersionId"]
    newest = value(s)["VersionId"]
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    # moto's GetSecretValue hands out the version that was put last, whatever the labels say.
    labels = s.client("secretsmanager").describe_secret(SecretId=NAME)["VersionIdsToStages"]
    assert "AWSCURRENT" not in labels[newest] and sorted(sum(labels.values(), []))[0] == "AWSCURRENT", labels
    assert "UpdateSecretVersionStage" in s.mutating()
    nowhere(s, done.stdout, done.stderr, back.stdout)


def test_a_key_that_can_not_be_tried_here_is_put_on_purpose_alone(tmp_path):
    s = studio(tmp_path)
    assert s.run("setup", "--yes").returncode == 0
    old = value(s)["VersionId"]
    s.ayon.stop()
    # Workers take the same way as this machine: a server that is not reached is not asked about.
    direct = s.run("rotate-key", "--yes", "--unproven-key", AYON_NEW_API_KEY=OTHER)
    assert direct.returncode not in (0, 1) and value(s)["VersionId"] == old, direct.stdout + direct.stderr
    s.write(more=f'secret = "{NAME}"\npath = "ssm"\n')
    refused = s.run("rotate-key", "--yes", AYON_NEW_API_KEY=OTHER)
    assert refused.returncode not in (0, 1) and value(s)["VersionId"] == old, refused.stdout + refused.stderr
    done = s.run("rotate-key", "--yes", "--unproven-key", AYON_NEW_API_KEY=OTHER)
    assert value(s)["SecretString"] == OTHER, done.stdout + done.stderr
    assert "was not tried" in done.stderr and "Keep the old key until `studiolink probe`" in done.stdout, done.stdout + done.stderr
    assert "revoke" not in done.stdout
    document = json.loads(s.run("rotate-key", "--yes", "--unproven-key", "--format", "json", AYON_NEW_API_KEY=OTHER).stdout)
    assert document["owner"] is None
    nowhere(s, direct.stdout, direct.stderr, done.stdout, done.stderr)


def test_without_a_terminal_or_a_key_nothing_is_rotated(tmp_path):
    s = studio(tmp_path)
    for args in (["rotate-key"], ["rotate-key", "--yes"]):
        done = s.run(*args)
        assert done.returncode == 2 and "AYON_NEW_API_KEY" in done.stderr, done.stderr
    assert not s.mutating()


def test_an_environment_that_the_studio_made_stays(tmp_path):
    s = studio(tmp_path, change={"farms/0/queues/0/environments/1": {"id": "queueenv-00000000000000000000000000000002", "file": str(PEER / "studios/ayon_environment.yaml"), "priority": 5}})
    before = s.environments()
    done = s.run("setup", "--yes")
    assert s.environments() == before, done.stdout
    assert value(s)["SecretString"] == KEY


def run_environment(s, folder, **env):
    """The environment as openjd runs it, with a task that says what it sees."""
    (folder / "env.yaml").write_text(own_environment(s))
    (folder / "job.yaml").write_text(json.dumps({"specificationVersion": "jobtemplate-2023-09", "name": "see", "steps": [{"name": "see", "script": {
        "actions": {"onRun": {"command": sys.executable, "args": ["-c", "import os,json;e=os.environ;print('SEEN '+json.dumps({k:(len(v) if k=='AYON_API_KEY' else v) for k,v in e.items() if k.startswith('AYON_')}));print('KEY '+e.get('AYON_API_KEY','-')[::-1])"]}}}}]}))
    tools = os.path.dirname(sys.executable)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    run_env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(home), "AWS_ENDPOINT_URL": s.peer.url, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_EC2_METADATA_DISABLED": "true", **env}
    done = subprocess.run([f"{tools}/openjd", "run", str(folder / "job.yaml"), "--environment", str(folder / "env.yaml")], capture_output=True, text=True, env=run_env, timeout=120)
    return done, home


def test_the_environment_runs_under_openjd_and_hides_the_key(tmp_path):
    s = studio(tmp_path)
    assert s.run("setup", "--yes").returncode == 0
    done, home = run_environment(s, tmp_path)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert KEY not in text, "hidden from the log"
    seen = json.loads(text.split("SEEN ")[1].splitlines()[0].split("\r")[0])
    assert seen["AYON_API_KEY"] == len(KEY) and KEY[::-1] in text, "and set"
    assert seen["AYON_SERVER_URL"] == s.ayon.url.rstrip("/")
    assert seen["AYON_HEADLESS_MODE"] == "1" and seen["AYON_SITE_ID"] == "deadline-cloud"
    for name in ("AYON_LAUNCHER_STORAGE_DIR", "AYON_LAUNCHER_LOCAL_DIR"):
        assert seen[name].startswith(str(home)) and os.path.isdir(seen[name]), seen


@pytest.mark.parametrize("what, words", [("missing", "can't be read"), ("json", None), ("two lines", "holds no AYON key")])
def test_the_environment_says_what_is_wrong_with_the_secret(tmp_path, what, words):
    s = studio(tmp_path)
    assert s.run("setup", "--yes").returncode == 0
    secrets = s.client("secretsmanager")
    if what == "missing":
        secrets.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
    elif what == "json":
        secrets.put_secret_value(SecretId=NAME, SecretString=json.dumps({"AYON_API_KEY": KEY}))
    else:
        secrets.put_secret_value(SecretId=NAME, SecretString="one two")
    done, _ = run_environment(s, tmp_path)
    text = done.stdout + done.stderr
    assert KEY not in text
    if words is None:
        assert done.returncode == 0 and KEY[::-1] in text, text
    else:
        assert done.returncode != 0 and words in text and "SEEN" not in text, text


def test_the_job_of_a_queue_sees_the_key_as_its_role(tmp_path):
    """Not this machine's rights: the worker's, as the peer gives them to a job."""
    s = studio(tmp_path, peer_args=("--run-jobs",))
    assert s.run("setup", "--yes").returncode == 0
    deadline = s.client("deadline")
    see = {"specificationVersion": "jobtemplate-2023-09", "name": "see", "steps": [{"name": "see", "script": {"actions": {"onRun": {
        "command": "python", "args": ["-c", "import os;print('LENGTH', len(os.environ['AYON_API_KEY']), os.environ['AYON_SERVER_URL'])"]}}}}]}
    job = deadline.create_job(farmId=FARM, queueId=QUEUE, template=json.dumps(see), templateType="JSON", priority=50)["jobId"]
    for _ in range(120):
        got = deadline.get_job(farmId=FARM, queueId=QUEUE, jobId=job)
        if got["taskRunStatus"] in ("SUCCEEDED", "FAILED", "NOT_COMPATIBLE"):
            break
        time.sleep(0.5)
    logs = s.client("logs").filter_log_events(logGroupName=f"/aws/deadline/{FARM}/{QUEUE}")["events"]
    text = "\n".join(e["message"] for e in logs)
    assert got["taskRunStatus"] == "SUCCEEDED", text
    assert f"LENGTH {len(KEY)} {s.ayon.url.rstrip('/')}" in text and KEY not in text

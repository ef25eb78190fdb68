"""The probe and `explain --job`: jobs that peer-cloud really runs, read back from their logs."""
import json
import os
import re
import signal
import time

import pytest
from conftest import FARM, QUEUE, SHARED, AsIs, Server

STUDIOS = SHARED / "peer-cloud/studios"


NO_LAUNCHER = {"farms/0/fleets/Publish/workerEnv": "nothing"}
# What a launcher does with the help of the command that a publish step runs.
AYON = """#!/bin/sh
test -n "$AYON_SERVER_URL" || { echo "!!! AYON Server URL is not set."; exit 1; }
test "$AYON_HEADLESS_MODE" = 1 || { echo "!!! no display"; exit 1; }
echo "Usage: ayon addon deadline_cloud publish [OPTIONS]"
"""


class Running(AsIs):
    """A studio whose jobs run, with an AYON that its file describes."""

    def __init__(self, folder, seed, change=None, more=""):
        self.folder, self.account, self.account_of_studio = folder, None, None
        (folder / "bin").mkdir(exist_ok=True)
        # The launcher of a machine that has one.
        (folder / "bin/ayon").write_text(AYON)
        (folder / "bin/ayon").chmod(0o755)
        change = {"farms/0/fleets/Publish/workerEnv": {"PATH": f"{folder}/bin:{SHARED}/peer-cloud/bin:{os.environ['PATH']}"}} | (change or {})
        change = {k: v for k, v in change.items() if v != "nothing"}
        seed_of = json.dumps({"from": str(STUDIOS / f"{seed}.json"), "change": change})
        seed = folder / "seed.json"
        seed.write_text(seed_of)
        self.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed)
        self.peer = Server(SHARED / "peer-cloud/peer_cloud.py", "--port", 0, "--studio", seed, "--run-jobs", "--ayon", self.ayon.url)
        self.write(channels="deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge", more='secret = "ayon/nordlicht/workers"\n' + more)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "AWS_ENDPOINT_URL": self.peer.url,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AYON_API_KEY": "API_KEY",
            "CONDA_CHANNEL_ALIAS": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1",
        }
        self.client("sts").get_caller_identity()
        self.client("s3").list_buckets()
        self.forget()

    def jobs(self):
        return self.client("deadline").search_jobs(farmId=FARM, queueIds=[QUEUE], itemOffset=0)["jobs"]

    def submit(self, script, needs=None, **parameters):
        template = {"specificationVersion": "jobtemplate-2023-09", "name": "publish", "steps": [{"name": "Publish", **({"hostRequirements": needs} if needs else {}), "script": {
            "actions": {"onRun": {"command": "bash", "args": ["{{Task.File.Run}}"]}},
            "embeddedFiles": [{"name": "Run", "type": "TEXT", "data": script}]}}]}
        job = self.client("deadline").create_job(farmId=FARM, queueId=QUEUE, priority=50, template=json.dumps(template), templateType="JSON",
                                                parameters={k: {"string": v} for k, v in parameters.items()})["jobId"]
        for _ in range(120):
            status = self.client("deadline").get_job(farmId=FARM, queueId=QUEUE, jobId=job)["taskRunStatus"]
            if status in ("SUCCEEDED", "FAILED", "CANCELED", "NOT_COMPATIBLE"):
                return job, status
            time.sleep(0.5)
        raise AssertionError(status)


def probe(s, *more):
    done = s.run("probe", "--yes", "--format", "json", *more)
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout)


def verdicts(document, at=0):
    return {r["reading"]: r["verdict"] for r in document["probes"][at]["readings"]}


def test_a_healthy_studio_is_told_by_its_worker(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    done, document = probe(s)
    (one,) = document["probes"]
    assert one["status"] == "SUCCEEDED" and one["worker"].startswith("worker-"), (one, done.stderr)
    said = verdicts(document)
    for reading in ("worker", "variables", "dns", "tcp", "info", "key", "bundle"):
        assert said[reading] == "ok", (reading, one)
    assert "API_KEY" not in done.stdout.replace("AYON_API_KEY", "") and "API_KEY" not in done.stderr.replace("AYON_API_KEY", "")
    # One job, with its mark, and the same again without another one.
    (job,) = s.jobs()
    again = s.run("probe", "--job", job["jobId"])
    assert "The key is of the service user" in again.stdout, again.stdout + again.stderr
    assert len(s.jobs()) == 1
    operations = [o for o in s.mutating() if o != "AssumeQueueRoleForUser"]
    assert operations.count("CreateJob") == 1


def test_the_probe_is_journaled_and_a_rollback_cancels_it(tmp_path):
    s = Running(tmp_path, "budget_missing", {"farms/0/fleets/Publish/workers": [{"status": "CREATED", "ageMinutes": 0}]})
    done = s.run("probe", "--yes", "--minutes", "1")
    # The worker that starts meanwhile is told.
    assert re.search("of fleet Publish is (CREATED for . min: AWS starts it|IDLE for . min: it is ready)", done.stderr), done.stderr
    assert "no worker has taken it yet" in done.stderr and done.returncode == 3, done.stdout + done.stderr
    (job,) = s.jobs()
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    status = s.client("deadline").get_job(farmId=FARM, queueId=QUEUE, jobId=job["jobId"])
    assert status.get("targetTaskRunStatus") == "CANCELED" or status["taskRunStatus"] == "CANCELED", status


@pytest.mark.parametrize("seed, reading, code", [
    ("key_expired", "key", "refused"),
    ("artists_key", "key", "not-service"),
])
def test_what_is_wrong_with_the_workers_key_is_seen_from_the_worker(tmp_path, seed, reading, code):
    s = Running(tmp_path, seed)
    done, document = probe(s)
    found = next(r for r in document["probes"][0]["readings"] if r["reading"] == reading)
    assert (found["verdict"], found["code"]) == ("fail", code), document
    assert done.returncode == 1


def test_a_publish_role_that_no_fleet_has_is_not_compatible_or_not_sent(tmp_path):
    s = Running(tmp_path, "lan_no_role", NO_LAUNCHER)
    done = s.run("probe", "--yes")
    assert done.returncode == 2 and "No fleet that publishes is known" in done.stderr, done.stdout + done.stderr
    assert not s.jobs()


def test_what_a_fleet_lacks_for_a_job_that_is_not_compatible_is_named(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    job, status = s.submit("echo publish", {
        "attributes": [{"name": "attr.role", "anyOf": ["publisher"]}, {"name": "attr.worker.os.family", "anyOf": ["linux"]}],
        "amounts": [{"name": "amount.worker.vcpu", "max": 1}]})
    assert status == "NOT_COMPATIBLE"
    done = s.run("explain", "--job", job)
    assert done.returncode == 1, done.stdout + done.stderr
    for fleet, role in (("Publish", "publish"), ("Render", "render")):
        assert f"step Publish: fleet {fleet} offers {role}, and attr.role = publisher is asked for" in " ".join(done.stdout.split()), done.stdout
    assert "at most 1 is asked for" in " ".join(done.stdout.split()) and "os.family" not in done.stdout, done.stdout
    document = json.loads(s.run("explain", "--job", job, "--format", "json").stdout)
    assert len(document["job"]["unmet"]) == 2, document


def test_while_a_probe_runs_its_log_is_told(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    done = s.run("probe", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("         | ")]
    assert told and not any("reading" in line for line in told), done.stderr
    assert "API_KEY" not in done.stderr.replace("AYON_API_KEY", "")


def test_a_secret_that_the_role_can_not_read_is_explained_from_the_jobs_log(tmp_path):
    s = Running(tmp_path, "secret_unreadable")
    job, status = s.submit("echo publish")
    assert status == "FAILED"
    done = s.run("explain", "--job", job)
    assert done.returncode == 1 and "entering environment" in done.stdout, done.stdout + done.stderr
    assert "The queue role can't read the secret with the AYON key" in done.stdout, done.stdout
    assert "now   FAIL" in done.stdout, done.stdout


def test_a_package_that_no_channel_has_is_explained_and_a_good_job_is_not(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    job, status = s.submit("echo publish", CondaPackages="nosuchpackage")
    assert status == "FAILED"
    done = s.run("explain", "--job", job, "--format", "json")
    document = json.loads(done.stdout)
    assert [c["id"] for c in document["causes"]] == ["packages-not-found"], document
    # A line that nobody knows is not explained, and is shown.
    job, status = s.submit("echo publish", CondaPackages="houdini=30.*")
    done = s.run("explain", "--job", job)
    assert done.returncode == 3 and "has only" in done.stdout and "Nothing in these" in done.stdout, done.stdout
    job, status = s.submit("echo publish")
    assert status == "SUCCEEDED"
    done = s.run("explain", "--job", job)
    assert done.returncode == 0 and "is a known cause" in done.stdout, done.stdout + done.stderr


def test_a_job_that_is_not_there_is_one_clear_word(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    done = s.run("explain", "--job", "job-" + "0" * 32)
    assert done.returncode == 2 and "No queue of the studio file has the job" in done.stderr, done.stderr


ENVIRONMENTS = "farms/0/queues/Lighting/environments"
AYON_ENVIRONMENT = f"{ENVIRONMENTS}/1/replace"


def audit(s, *more, **env):
    done = s.run("audit", "--format", "json", *more, **env)
    return done, json.loads(done.stdout)["findings"]


def of_worker(findings):
    return {f["check"]: (f["verdict"], f["code"]) for f in findings if f["check"].startswith("worker-") and f["vantage"].startswith("worker:")}


def test_what_a_worker_told_is_read_by_any_machine_until_something_changes(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    _, before = audit(s)
    assert of_worker(before) == {"worker-probe": ("worker-only", "needs-worker")}
    done, document = probe(s)
    assert done.returncode == 0, (document, done.stderr)
    # Another machine, which has no journal of it.
    other = {"XDG_STATE_HOME": str(tmp_path / "another"), "HOME": str(tmp_path / "another")}
    s.forget()
    done, after = audit(s, **other)
    told = of_worker(after)
    assert told["worker-probe"] == ("ok", "ok") and len(told) > 8, told
    bad = {c: v for c, v in told.items() if v[0] not in ("ok", "skipped", "warn")}
    assert bad == {}, [f for f in after if f["check"] in bad]
    job = document["probes"][0]["job"]
    assert all(job[-6:] in f["message"] for f in after if f["check"] in told), after
    assert not s.mutating()
    # The queue's environment is changed by hand: what rests on it is stale.
    d = s.client("deadline")
    row = d.list_queue_environments(farmId=FARM, queueId=QUEUE)["environments"][1]["queueEnvironmentId"]
    text = d.get_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=row)["template"]
    d.update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=row, templateType="YAML", template=text + "# by hand\n")
    _, later = audit(s, **other)
    told = of_worker(later)
    assert told["worker-key"] == ("worker-only", "stale") and told["worker-disk"][1] != "stale", told


@pytest.mark.parametrize("change, check, verdict, code", [
    ({AYON_ENVIRONMENT: {"    AYON_SERVER_URL: https://ayon.nordlicht.example\n": "    AYON_SERVER_URL: http://127.0.0.1:9\n"}}, "worker-port", "fail", "broken"),
    ({AYON_ENVIRONMENT: {"    AYON_SERVER_URL: https://ayon.nordlicht.example\n": "    AYON_SERVER_URL: ${AYON_URL:-https://ayon.nordlicht.example}\n", 'AYON_HEADLESS_MODE: "1"': 'AYON_HEADLESS_MODE: "yes"'}}, "worker-variables", "fail", "not-headless"),
    (NO_LAUNCHER, "worker-command", "fail", "not-on-path"),
])
def test_a_fault_that_only_the_worker_meets_is_a_finding_of_its_own(tmp_path, change, check, verdict, code):
    s = Running(tmp_path, "healthy_direct", change)
    done, document = probe(s)
    assert done.returncode == 1, (document, done.stderr)
    done, findings = audit(s)
    told = of_worker(findings)
    assert told.get(check) == (verdict, code), told
    finding = next(f for f in findings if f["check"] == check)
    assert finding["fix"] and finding["grade"] == "tried", finding
    if check == "worker-port":
        assert told["worker-key"] == ("not-reached", "not-reached"), told
    assert done.returncode == 1


@pytest.mark.parametrize("change, cause", [
    ({"ayon/settings/production/conda_packages": "ayon-launcher==1.6.1 nosuchpackage"}, "packages-not-found"),
    ({"roles/NordlichtQueueRole/inline/CondaChannel": None}, None),
])
def test_where_the_conda_environment_fails_a_second_job_shows_the_rest(tmp_path, change, cause):
    s = Running(tmp_path, "healthy_direct", change)
    done, document = probe(s)
    (one,) = document["probes"]
    assert done.returncode == 1 and one["status"] == "FAILED" and not one["whole"], (document, done.stderr)
    _, findings = audit(s)
    newest = [f for f in findings if f["check"] == "worker-probe" and f["code"] == "failed"]
    assert newest and f"explain --job {one['job']}" in newest[0]["fix"], findings
    if cause:
        explained = json.loads(s.run("explain", "--job", one["job"], "--format", "json").stdout)
        assert cause in [c["id"] for c in explained["causes"]], explained
    done = s.run("probe", "--job", one["job"])
    assert "--without-conda" in done.stderr, done.stdout + done.stderr
    done, document = probe(s, "--without-conda")
    said = verdicts(document)
    assert said["info"] == "ok" and said["key"] == "ok", (document, done.stderr)


@pytest.mark.parametrize("at, verdict", [(0, "before"), (3, "after")])
def test_disable_conda_env_before_and_after_the_conda_environment(tmp_path, at, verdict):
    s = Running(tmp_path, "healthy_hybrid", NO_LAUNCHER)
    s.client("deadline").create_queue_environment(farmId=FARM, queueId=QUEUE, priority=at, templateType="YAML", template=GUARD)
    _, findings = audit(s)
    guard = [f for f in findings if f["check"] == "publish-guard"]
    assert guard and ((guard[0]["code"] == "set-too-late") == (verdict == "after")), guard
    done, document = probe(s)
    said = {r["reading"]: (r["verdict"], r["code"]) for r in document["probes"][0]["readings"]}
    # Of a machine without an ayon of its own: no environment, and nothing else brings one.
    assert said["launcher"] == ("fail", "not-on-path"), said
    if verdict == "before":
        assert said["conda"][0] == "warn", said


GUARD = """specificationVersion: environment-2023-09
environment:
  name: Guard
  variables:
    DISABLE_CONDA_ENV: "1"
"""


@pytest.mark.parametrize("seed, words", [
    ("budget_missing", "NO_BUDGET_CONFIGURED"),
    ("vcpu_quota", "started, and has none"),
    ("fleet_role_no_logs", "have been CREATED for"),
    ("fleet_role_other_farm", "Does not let Deadline Cloud assume it"),
])
def test_why_nobody_takes_the_job_is_said_before_it_is_sent(tmp_path, seed, words):
    s = Running(tmp_path, seed)
    # Ctrl-C leaves the job where it is.
    process, said = s.start("probe", "--yes"), ""
    while "no worker has taken it yet" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert "it may wait: " in said and words in said, said
    assert process.returncode == 130
    _, findings = audit(s)
    assert any(f["check"] == "worker-probe" and f["code"] == "under-way" for f in findings), findings


def test_diagnose_asks_a_worker_only_with_consent(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    done = s.run("diagnose", "--from", "worker")
    assert "no worker is asked again" in done.stderr and not s.jobs(), done.stdout + done.stderr
    done = s.run("diagnose", "--from", "worker", "--yes")
    assert len(s.jobs()) == 1, done.stderr
    assert done.returncode == 0 and "The key is of the service user" in done.stdout, done.stdout + done.stderr

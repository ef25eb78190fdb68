"""The probe and `explain --job`: jobs that peer-cloud really runs, read back from their logs."""
import json
import os
import time

import pytest
from conftest import FARM, QUEUE, SHARED, AsIs, Server

STUDIOS = SHARED / "peer-cloud/studios"


class Running(AsIs):
    """A studio whose jobs run, with an AYON that its file describes."""

    def __init__(self, folder, seed):
        self.folder, self.account, self.account_of_studio = folder, None, None
        seed = STUDIOS / f"{seed}.json"
        self.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed)
        self.peer = Server(SHARED / "peer-cloud/peer_cloud.py", "--port", 0, "--studio", seed, "--run-jobs", "--ayon", self.ayon.url)
        self.write(channels="deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge", more='secret = "ayon/nordlicht/workers"\n')
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

    def submit(self, script, **parameters):
        template = {"specificationVersion": "jobtemplate-2023-09", "name": "publish", "steps": [{"name": "Publish", "script": {
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
    s = Running(tmp_path, "budget_missing")
    done = s.run("probe", "--yes", "--minutes", "1")
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
    s = Running(tmp_path, "lan_no_role")
    done = s.run("probe", "--yes")
    assert done.returncode == 2 and "No fleet that publishes is known" in done.stderr, done.stdout + done.stderr
    assert not s.jobs()


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
    assert done.returncode == 1 and "has only" in done.stdout and "Nothing in these" in done.stdout, done.stdout
    job, status = s.submit("echo publish")
    assert status == "SUCCEEDED"
    done = s.run("explain", "--job", job)
    assert done.returncode == 0 and "is a known cause" in done.stdout, done.stdout + done.stderr


def test_a_job_that_is_not_there_is_one_clear_word(tmp_path):
    s = Running(tmp_path, "healthy_direct")
    done = s.run("explain", "--job", "job-" + "0" * 32)
    assert done.returncode == 2 and "No queue of the studio file has the job" in done.stderr, done.stderr

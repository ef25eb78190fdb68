import json
import os
import pathlib
import stat
import time

import pytest

from conftest import CHANNELS, FARM, KEY, QUEUE, closed_port


def changed_lines(before, after):
    a, b = before.splitlines(), after.splitlines()
    assert len(a) == len(b)
    return [(x, y) for x, y in zip(a, b) if x != y]


def test_setup_changes_one_line_and_adds_one_policy(studio_of):
    s = studio_of()
    environments, policies = s.state()
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    after_environments, after_policies = s.state()
    (name, (priority, text)), = environments.items()
    (_, after), = [after_environments[name]]
    assert changed_lines(text, after) == [('    default: "deadline-cloud"', f'    default: "{CHANNELS}"')]
    assert after_environments.keys() == environments.keys() and after_environments[name][0] == priority
    ours = json.loads(after_policies.pop("studiolink-queue"))
    assert after_policies == policies
    assert [(x["Effect"], x["Action"], x["Resource"]) for x in ours["Statement"]] == [
        ("Allow", "s3:ListBucket", "arn:aws:s3:::ynput-conda-channel"), ("Allow", "s3:GetObject", "arn:aws:s3:::ynput-conda-channel/ayon/*")]
    assert "Verified: the queue role reads s3://ynput-conda-channel/ayon" in done.stdout
    assert "FAIL" not in done.stdout and "no worker has confirmed" in done.stdout

    s.forget()
    again = s.run("setup", "--yes")
    assert again.returncode == 0 and "nothing to change" in again.stdout
    assert s.mutating() == []
    assert len(s.journals()) == 1, "a run that changed nothing leaves no journal"
    assert s.run("plan").returncode == 0
    assert stat.S_IMODE(s.journals()[0].stat().st_mode) == 0o600

    run = s.journals()[0].stem
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert s.state() == (environments, policies)
    assert s.run("rollback", "--yes").returncode == 0, "nothing is left to undo"
    assert s.run("plan").returncode == 10
    markdown = s.run("runs", run).stdout
    assert "```diff" in markdown and "| undo | undone |" in markdown


def test_audit_before_and_after_and_it_starts_no_session(studio_of):
    s = studio_of()
    before = s.run("audit")
    assert before.returncode == 1 and "Lacks s3:ListBucket" in before.stdout
    s.run("setup", "--yes")
    s.forget()
    after = json.loads(s.run("audit", "--format", "json").stdout)
    verdicts = {(f["check"], f["verdict"]) for f in after["findings"]}
    assert not any(v in ("fail", "unknown") for _, v in verdicts), verdicts
    ops = {r["op"] for r in s.requests()}
    assert "AssumeQueueRoleForUser" not in ops and s.mutating() == []


def test_plan_out_and_apply_file(studio_of):
    s = studio_of()
    assert s.run("plan", "--out", "p.json").returncode == 10
    assert s.run("apply", "p.json").returncode == 2, "it asks for --yes"
    done = s.run("apply", "p.json", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert s.run("plan").returncode == 0
    s.forget()
    assert s.run("apply", "p.json", "--yes").returncode == 0, "made already: found so"
    assert s.mutating() == []
    # the world moves on, and an old plan stops
    d = s.client("deadline")
    (ident, (_, text)), = s.environments().items()
    d.update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=ident, templateType="YAML", template=text.replace("keep the comments", "by hand"))
    moved = s.run("apply", "p.json", "--yes")
    assert moved.returncode == 1 and "changed by somebody else" in moved.stderr
    for heading in ("before, as this run found it", "after, as planned", "now:"):
        assert heading in moved.stderr
    assert "by hand" in s.environments()[ident][1]


def test_rollback_stops_where_somebody_changed_the_thing(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    s.client("iam").put_role_policy(RoleName="NordlichtQueueRole", PolicyName="studiolink-queue", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
    back = s.run("rollback", "--yes")
    assert back.returncode == 1 and "changed by somebody else" in back.stderr
    assert '"Resource": "*"' in s.policies()["studiolink-queue"]


def test_a_removal_is_a_change_of_its_own(studio_of):
    s = studio_of("hand_edited.json")
    s.write()
    kept = s.run("plan")
    assert kept.returncode == 10 and kept.stdout.count("UpdateQueueEnvironment") == 1 and "no longer find it" not in kept.stdout
    plan = s.run("plan", "--remove-channels")
    assert plan.returncode == 10 and "jobs that install from s3://nordlicht-attachments/inhouse will no longer find it" in plan.stdout
    assert plan.stdout.count("UpdateQueueEnvironment") == 2
    (ident, (_, before)), = s.environments().items()
    kept = s.run("setup", "--yes")
    assert kept.returncode == 0 and "which the studio file does not list" in kept.stdout, kept.stdout + kept.stderr
    assert "s3://nordlicht-attachments/inhouse" in s.environments()[ident][1]
    assert s.run("rollback", "--yes").returncode == 0 and s.environments()[ident][1] == before
    done = s.run("setup", "--yes", "--remove-channels")
    assert done.returncode == 0, done.stdout + done.stderr
    text = s.environments()[ident][1]
    assert f"    default: {CHANNELS}\n" in text and "Ask Mia" in text
    assert s.run("rollback", "--yes").returncode == 0
    assert "conda-forge   deadline-cloud    s3://nordlicht-attachments/inhouse" in s.environments()[ident][1]


@pytest.mark.parametrize("op", ["UpdateQueueEnvironment", "PutRolePolicy"])
@pytest.mark.parametrize("kind,count,code", [("throttle", 2, 0), ("500", 2, 0), ("drop", 1, 0), ("drop-after", 1, 0), ("slow", 1, 0), ("denied", 99, 4), ("500", 99, 4), ("drop", 99, 4), ("drop-after", 99, 0)])
def test_faults_are_retried_or_reported_never_half_said(studio_of, op, kind, count, code):
    s = studio_of()
    before = s.state()
    s.faults({"op": op, "kind": kind, "count": count, "ms": 800})
    done = s.run("setup", "--yes")
    assert done.returncode == code, done.stdout + done.stderr
    if code:
        assert op in done.stderr and "why" in done.stderr and "Traceback" not in done.stderr
        if op == "PutRolePolicy":
            assert s.state() == before, "channels are not given to a role that may not read them"
            assert "NOT DONE" in done.stderr
    s.faults()
    assert s.run("setup", "--yes").returncode == 0
    clean = studio_of()
    clean.run("setup", "--yes")
    assert s.state() == clean.state()


def kill_at(s, milliseconds, command):
    process = s.start(*command)
    time.sleep(milliseconds / 1000)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("seed", ["fresh.json", "no_conda"])
def test_killed_at_any_moment_the_same_command_ends_in_the_same_state(studio_of, tmp_path, seed):
    """Every request takes 60 ms, so that a sweep of kills falls before, during and after every one, and on the
    journal's writes between them."""
    import conftest
    setup = ("setup", "--yes", "--create-environment")
    name = seed
    if seed == "no_conda":
        source = json.loads((conftest.SHARED / "peer-cloud/studios/fresh.json").read_text())
        source["farms"][0]["queues"][0]["environments"] = []
        path = tmp_path / "no_conda.json"
        path.write_text(json.dumps(source))
        name = path
    clean = studio_of(name)
    assert clean.run(*setup).returncode == 0
    wanted = [sorted(clean.environments().values()), clean.policies()]
    left_in_doubt = 0
    # How long the looking takes on this machine: the kills fall around the writes that come after it.
    timed = studio_of(name, peer_args=("--latency-ms", 60))
    began = time.time()
    assert timed.run(*setup).returncode == 0
    writes = [1000 * (r["t"] - began) for r in timed.requests() if r["mutating"]]
    first, last = int(min(writes)), int(max(writes))
    timed.stop()
    for ms in range(max(120, first - 320), last + 240, 40):
        s = studio_of(name, peer_args=("--latency-ms", 60))
        before = s.state()
        kill_at(s, ms, setup)
        for journal in s.journals():
            lines = journal.read_text().splitlines()
            left_in_doubt += sum('"intent"' in x for x in lines) > sum('"outcome"' in x for x in lines)
        again = s.run(*setup)
        assert again.returncode == 0, f"{ms} ms: {again.stdout}{again.stderr}"
        assert [sorted(s.environments().values()), s.policies()] == wanted, f"killed after {ms} ms"
        assert len(s.journals()) <= 1, "one run, gone on with"
        if s.journals():
            back = s.run("rollback", "--yes")
            assert back.returncode == 0, back.stderr
            assert s.state() == before, f"killed after {ms} ms, then rolled back"
        s.stop()
    assert left_in_doubt >= 1, "the sweep never hit a call under way: it proves nothing"


def test_a_second_process_says_who_holds_the_lock(studio_of):
    s = studio_of()
    s.faults({"op": "PutRolePolicy", "kind": "slow", "ms": 3000})
    first = s.start("setup", "--yes")
    for _ in range(100):
        if s.journals():
            break
        time.sleep(0.05)
    second = s.run("setup", "--yes")
    assert second.returncode == 4 and "Another studiolink is changing this queue" in second.stderr and "process" in second.stderr
    first.communicate()
    assert first.returncode == 0


def test_interrupted_is_130_and_goes_on(studio_of):
    import signal
    s = studio_of()
    s.faults({"op": "PutRolePolicy", "kind": "slow", "ms": 1500})
    process = s.start("setup", "--yes")
    for _ in range(100):
        if s.journals():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130 and "DONE  PutRolePolicy" in err, err
    again = s.run("setup", "--yes")
    assert again.returncode == 0 and "resuming run" in again.stderr
    assert len(s.journals()) == 1


def test_denied_reads_leave_the_plan_incomplete_and_say_what(studio_of):
    for op in ("GetQueue", "ListQueueEnvironments", "GetQueueEnvironment", "GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies"):
        s = studio_of()
        s.faults({"op": op, "kind": "denied", "count": 99})
        plan = s.run("plan")
        assert plan.returncode == 3, f"{op}: {plan.stdout}{plan.stderr}"
        assert "UpdateQueueEnvironment" not in plan.stdout, plan.stdout
        assert "Role" not in op or "PutRolePolicy" not in plan.stdout, f"{op}: {plan.stdout}"
        assert f":{op}" in plan.stdout and "may be incomplete" in plan.stdout
        audit = s.run("audit")
        assert "UNKNOWN" in audit.stdout and f":{op}" in audit.stdout, f"{op}: {audit.stdout}"
        s.stop()


def test_no_secret_leaves_the_process(studio_of):
    s = studio_of()
    done = s.run("setup", "--yes", "-v", "--format", "json")
    more = s.run("audit", "-v")
    for text in (done.stdout, done.stderr, more.stdout, more.stderr):
        assert KEY not in text and "X-Amz-Signature" not in text and "hash" not in text.lower()
    for path in s.folder.rglob("*"):
        if path.is_file():
            assert KEY not in path.read_text(errors="replace"), path
    assert any(r["path"].startswith("/api/users/me") and r["who"] == "service" for r in __import__("conftest").get(s.ayon.url + "/_stand_in/requests"))


def test_a_foreign_bucket_ends_with_the_statement_for_its_owner(studio_of):
    s = studio_of("denied_channel.json")
    done = s.run("setup", "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "IAM is propagating the change" in done.stderr
    assert "for YNPUT" in done.stdout and "arn:aws:iam::123456789012:role/NordlichtQueueRole" in done.stdout


def test_addon_override_is_a_warning_with_the_value_to_paste(studio_of):
    s = studio_of(ayon_channels="deadline-cloud")
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'WARN  The AYON addon sets conda_channels = "deadline-cloud" (production)' in done.stdout
    assert f"\n      {CHANNELS}\n" in done.stdout


def test_pages_and_a_path_that_can_not_work(studio_of):
    s = studio_of(peer_args=("--page-size", 1))
    s.write(more='location = "ec2"\npath = "lattice"\n')
    done = s.run("setup", "--yes", "-v")
    assert done.returncode == 1 and 'FAIL  Path "lattice" does not lead from customer-managed workers' in done.stdout, done.stdout
    planned = s.run("plan")
    assert planned.returncode == 1 and 'does not lead from fleet Studio publishers' in planned.stdout, planned.stdout
    assert "studiolink-queue" in s.policies()
    assert "Studio publishers" in done.stdout and "SMF Linux" in done.stdout



def test_runs_looks_again_at_a_call_without_an_answer(studio_of):
    """The service carries a call out after everybody has stopped waiting for it."""
    s = studio_of()
    s.faults({"op": "UpdateQueueEnvironment", "nth": 1, "count": 99, "kind": "drop"})
    assert s.run("setup", "--yes").returncode == 4
    s.faults()
    (journal,) = [json.loads(line) for f in s.folder.glob("state/**/*.jsonl") for line in f.read_text().splitlines() if "UpdateQueueEnvironment" in line or "environment-template" in line][:1]
    (first, (_, before)), = s.environments().items()
    quiet = s.run("runs")
    assert quiet.returncode == 0 and "it is as before; the call may yet be carried out" in quiet.stderr, quiet.stderr
    after = find_text(journal, "after")
    s.client("deadline").update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=first, templateType="YAML", template=after)
    blind = s.run("runs", AWS_ENDPOINT_URL=f"http://127.0.0.1:{closed_port()}")
    assert blind.returncode == 3 and "UNKNOWN" in blind.stderr and "got no answer" in blind.stderr, blind.stderr
    told = s.run("runs")
    assert told.returncode == 0 and "it is now as this run wanted it" in told.stderr, told.stderr
    assert "a change is in doubt" in told.stdout, told.stdout
    assert s.run("rollback", "--yes").returncode == 0
    assert s.environments()[first][1] == before


def find_text(value, name):
    if isinstance(value, dict):
        if isinstance(value.get(name), str):
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        return next((t for t in (find_text(v, name) for v in value) if t), None)
    return None

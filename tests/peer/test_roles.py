"""Whom a role trusts, mended and put back; and what a person needs to run a command."""
import json

from conftest import FARM, QUEUE

ROLE = "NordlichtQueueRole"


def trust(s):
    return s.client("iam").get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]


def test_a_wrong_trust_is_mended_by_merging_and_then_verified(studio_of):
    s = studio_of("wrong_trust.json")
    before, policies = trust(s), s.policies()
    audit = s.run("audit")
    assert "does not let Deadline Cloud assume it for this farm" in audit.stdout and "setup merges it in" in audit.stdout
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UpdateAssumeRolePolicy" in done.stdout and "it goes on trusting" in done.stdout
    assert "Verified: the role of queue" in done.stdout and "for this farm (read from the document)" in done.stdout
    (statement,) = trust(s)["Statement"]
    assert statement["Principal"]["Service"] == ["credentials.deadline.amazonaws.com", "deadline.amazonaws.com"]
    dead = before["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == [dead, dead.replace("0000000000000000000000000000dead", FARM[5:])]
    assert {**statement, "Principal": 0, "Condition": 0} == {**before["Statement"][0], "Principal": 0, "Condition": 0}
    again = s.run("setup", "--yes")
    assert again.returncode == 0 and "nothing to change" in again.stdout
    back = s.run("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert trust(s) == before and s.policies() == policies


def test_one_refusal_has_two_causes_told_apart_by_the_trust_policy(studio_of):
    s = studio_of()
    s.faults({"op": "AssumeQueueRoleForUser", "nth": 1, "count": 9, "kind": "denied"})
    done = s.run("setup", "--yes")
    assert "so this identity lacks deadline:AssumeQueueRoleForUser" in done.stdout, done.stdout


def test_the_policy_for_a_command_is_a_policy_and_enough(studio_of):
    s = studio_of()
    role = f"arn:aws:iam::123456789012:role/{ROLE}"
    iam, analyzer = s.client("iam"), s.client("accessanalyzer")
    called = {"setup": ("setup", "--yes"), "audit": ("audit",)}
    for name, command in called.items():
        printed = s.run("policy", "--for", name, "--role", role)
        assert printed.returncode == 0, printed.stderr
        document = json.loads(printed.stdout)
        found = analyzer.validate_policy(policyDocument=printed.stdout, policyType="IDENTITY_POLICY")["findings"]
        assert [f for f in found if f["findingType"] == "ERROR"] == []
        s.forget()
        s.run(*command)
        ops = {r["op"] for r in s.requests()}
        for op in ops - {"GetCallerIdentity", "HeadBucket", "GetObject", "HeadObject", "AssumeRole", "ListFarms", "ListQueues"}:
            service = "access-analyzer" if op in ("ValidatePolicy", "CheckAccessNotGranted") else "iam" if "Role" in op and "Queue" not in op or "Polic" in op else "deadline"
            resource = "*" if service == "access-analyzer" else role if service == "iam" else f"arn:aws:deadline:us-west-2:123456789012:farm/{FARM}" + ("" if op == "GetFarm" else f"/queue/{QUEUE}")
            out = iam.simulate_custom_policy(PolicyInputList=[json.dumps(document)], ActionNames=[f"{service}:{op}"], ResourceArns=[resource])
            assert out["EvaluationResults"][0]["EvalDecision"] == "allowed", (name, op)
        for action, resource in (("iam:CreateUser", "*"), ("s3:PutObject", "arn:aws:s3:::ynput-conda-channel/ayon/x"), ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/Other"), ("deadline:DeleteFarm", f"arn:aws:deadline:us-west-2:123456789012:farm/{FARM}")):
            out = iam.simulate_custom_policy(PolicyInputList=[json.dumps(document)], ActionNames=[action], ResourceArns=[resource])
            assert out["EvaluationResults"][0]["EvalDecision"] != "allowed", (name, action)
    wide = s.run("policy", "--for", "audit")
    assert wide.returncode == 0 and "--role ARN narrows it" in wide.stderr
    assert s.run("policy").returncode == 2


def put_policy(s, name, *statements):
    s.client("iam").put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def of(s, check, *args):
    document = json.loads(s.run("audit", "--format", "json", *args).stdout)
    return [f for f in document["findings"] if f["check"] == check]


def test_the_simulated_grade_proves_the_need_and_the_lack_of_more(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    (fine,) = of(s, "queue-role-simulated")
    assert fine["verdict"] == "OK" and "simulated" in fine["says"] and "no bucket policy" in fine["why"], fine
    put_policy(s, "too-much", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    (wide,) = of(s, "queue-role-simulated")
    assert wide["verdict"] == "WARN" and "s3:PutObject on arn:aws:s3:::ynput-conda-channel/ayon/noarch/repodata.json" in wide["says"], wide
    s.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="too-much")


def test_a_boundary_that_denies_is_named(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    iam = s.client("iam")
    boundary = iam.create_policy(PolicyName="Fence", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    (finding,) = of(s, "queue-role-simulated")
    assert finding["verdict"] == "FAIL" and "boundary" in finding["why"] and "Fence" in finding["why"], finding


def test_a_deny_elsewhere_is_found(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    put_policy(s, "fence", {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ynput-conda-channel/*"})
    (finding,) = of(s, "queue-role-channels")
    assert finding["verdict"] == "FAIL" and "Deny" in finding["says"]
    s.forget()
    done = s.run("setup", "--yes")
    assert done.returncode == 1 and "may not read" in done.stdout and s.mutating() == []


def test_access_analyzer_reads_the_policy_before_it_is_written(studio_of):
    s = studio_of()
    (fine,) = of(s, "policy-lint")
    assert fine["verdict"] == "OK" and "nothing that it must not grant" in fine["says"], fine
    put_policy(s, "studiolink-queue", {"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    (more,) = of(s, "policy-lint")
    assert more["verdict"] in ("WARN", "FAIL") and "grant more" in more["says"], more
    s.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="studiolink-queue")
    s.faults({"op": "ValidatePolicy", "nth": 1, "count": 9, "kind": "denied"})
    (unread,) = of(s, "policy-lint")
    assert unread["verdict"] == "SKIPPED" and "access-analyzer:ValidatePolicy" in unread["fix"]
    assert s.run("setup", "--yes").returncode == 0, "what can't be read beforehand blocks nothing"

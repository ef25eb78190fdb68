"""Whom a role trusts, mended and put back; and what a person needs to run a command."""
import json

from conftest import FARM, QUEUE, SHARED

ROLE = "NordlichtQueueRole"


def trust(s):
    return s.client("iam").get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]


def test_a_wrong_trust_is_mended_by_merging_and_then_verified(studio_of):
    s = studio_of("wrong_trust.json")
    before, policies = trust(s), s.policies()
    audit = s.run("audit")
    assert "Does not let Deadline Cloud assume it for this farm" in audit.stdout and "run studiolink setup, which adds credentials.deadline.amazonaws.com" in audit.stdout
    done = s.run("setup", "--yes", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UpdateAssumeRolePolicy" in done.stdout and "it still trusts" in done.stdout
    assert "Verified: the queue role" in done.stdout and "for this farm (read from the document)" in done.stdout
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
    assert wide.returncode == 0 and "--role ARN, several times, narrows it" in wide.stderr
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
    assert fine["verdict"] == "ok" and "simulated" in fine["message"] and "no bucket policy" in fine["why"], fine
    put_policy(s, "too-much", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    (wide,) = of(s, "queue-role-simulated")
    assert wide["verdict"] == "warn" and "s3:PutObject on arn:aws:s3:::ynput-conda-channel/ayon/noarch/repodata.json" in wide["message"], wide
    s.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="too-much")


def test_a_boundary_that_denies_is_named(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    iam = s.client("iam")
    boundary = iam.create_policy(PolicyName="Fence", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    (finding,) = of(s, "queue-role-simulated")
    assert finding["verdict"] == "fail" and "boundary" in finding["why"] and "Fence" in finding["why"], finding


def test_a_deny_elsewhere_is_found(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    put_policy(s, "fence", {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ynput-conda-channel/*"})
    (finding,) = of(s, "queue-role-channels")
    assert finding["verdict"] == "fail" and "Deny" in finding["message"]
    s.forget()
    done = s.run("setup", "--yes")
    assert done.returncode == 1 and "can't read s3://ynput-conda-channel/ayon" in done.stdout and s.mutating() == []
    assert "a Deny statement on NordlichtQueueRole forbids s3:GetObject" in done.stdout and "find the Deny statement" in done.stdout
    s.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="fence")
    assert "Verified: the queue role" in s.run("setup", "--yes").stdout


def test_access_analyzer_reads_the_policy_before_it_is_written(studio_of):
    s = studio_of()
    def lint():
        done = s.run("setup", "--yes", "--format", "json")
        document = json.loads(done.stdout)
        (finding,) = [f for f in document["findings"] if f["check"] == "policy-lint"]
        return document, finding
    # It is charged for, so that an audit and a plan ask it nothing.
    for command in (("audit",), ("plan",)):
        s.run(*command)
    assert "accessanalyzer" not in {r["service"] for r in s.requests()}
    s.faults({"op": "ValidatePolicy", "nth": 1, "count": 99, "kind": "denied"})
    document, unread = lint()
    assert unread["verdict"] == "skipped" and "access-analyzer:ValidatePolicy" in unread["fix"]
    assert document["exit"] == 0, "what can't be read beforehand blocks nothing"
    s.faults()
    _, fine = lint()
    assert fine["verdict"] == "ok" and "it grants none of" in fine["message"], fine
    put_policy(s, "studiolink-queue", {"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    _, more = lint()
    assert more["verdict"] in ("warn", "fail") and "grant more" in more["message"], more


def owner_of(s, account="210987654321"):
    client = s.client("s3")
    client.meta.events.register("before-call.s3.*", lambda params, **_: params["headers"].update({"x-moto-account-id": account}))
    return client


def altered(tmp_path, change, seed="fresh.json"):
    """A studio of peer-cloud's with a change, as a file."""
    studios = SHARED / "peer-cloud/studios"
    studio = json.loads((studios / seed).read_text())
    for queue in studio["farms"][0]["queues"]:
        for environment in queue["environments"]:
            environment["file"] = str(studios / environment["file"])
    change(studio)
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(studio))
    return path


def test_a_queue_without_a_role_is_given_one_that_reads_the_channel(studio_of, tmp_path):
    s = studio_of(altered(tmp_path, lambda d: d["farms"][0]["queues"][0].pop("roleArn")))
    iam, deadline = s.client("iam"), s.client("deadline")
    boundary = iam.create_policy(PolicyName="Fence", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}]}))["Policy"]["Arn"]
    s.forget()
    s.write(more=f'[iam.new_role]\nname = "NordlichtPublish"\npath = "/studio/"\nboundary = "{boundary}"\ntags = {{ team = "pipeline" }}\n')
    plan = s.run("plan")
    assert "CreateRole" in plan.stdout and "can't take one away again" in plan.stdout and s.mutating() == []
    s.forget()
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert s.mutating()[:4] == ["CreateRole", "PutRolePolicy", "UpdateQueue", "UpdateQueueEnvironment"]
    assert "Verified: the queue role reads s3://ynput-conda-channel/ayon" in done.stdout
    role = iam.get_role(RoleName="NordlichtPublish")["Role"]
    assert (role["Path"], role["PermissionsBoundary"]["PermissionsBoundaryArn"]) == ("/studio/", boundary)
    assert {"Key": "team", "Value": "pipeline"} in role["Tags"]
    queue = {"farmId": FARM, "queueId": QUEUE}
    assert deadline.get_queue(**queue)["roleArn"] == role["Arn"]
    again = s.run("setup", "--yes")
    assert again.returncode == 0 and "nothing to change" in again.stdout
    back = s.run("rollback", "--yes")
    assert back.returncode == 0 and "the queue keeps the role that it was given" in back.stderr, back.stderr
    assert deadline.get_queue(**queue)["roleArn"] == role["Arn"] and s.policies("NordlichtPublish") == {}


def test_a_role_that_is_gone_is_made_again(studio_of, tmp_path):
    def change(d):
        d["farms"][0]["queues"][0]["roleArn"] = "arn:aws:iam::123456789012:role/render/Gone"
    s = studio_of(altered(tmp_path, change))
    audit = s.run("audit")
    assert audit.returncode == 1 and "role/render/Gone does not exist" in audit.stdout and "setup, which creates a role of that name" in audit.stdout
    done = s.run("setup", "--yes")
    assert done.returncode == 0 and "Verified: the queue role" in done.stdout, done.stdout + done.stderr
    assert s.client("iam").get_role(RoleName="Gone")["Role"]["Arn"].endswith("role/render/Gone")
    back = s.run("rollback", "--yes")
    assert back.returncode == 0 and "role/render/Gone stays: a queue uses it" in back.stderr, back.stderr
    assert s.policies("Gone") == {}, "it stays with the queue that names it, and may do nothing"


def test_setup_waits_until_the_owner_has_let_the_role_in(studio_of):
    s = studio_of("denied_channel.json")
    going = s.start("setup", "--yes", "--wait", "3")
    heard = ""
    while "waiting for the bucket's owner to grant the role access" not in heard:
        line = going.stderr.readline()
        assert line, heard
        heard += line
    needs = [("s3:ListBucket", ""), ("s3:GetObject", "/ayon/*")]
    statements = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::123456789012:role/{ROLE}"}, "Action": a, "Resource": f"arn:aws:s3:::ynput-conda-channel{p}"} for a, p in needs]
    owner_of(s).put_bucket_policy(Bucket="ynput-conda-channel", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    out, err = going.communicate(timeout=150)
    assert going.returncode == 0 and "Verified: the queue role" in out, out + err


def test_a_boundary_is_read_nothing_is_written_behind_it_and_mended_it_is_verified(studio_of):
    s = studio_of()
    iam = s.client("iam")
    policy = iam.create_policy(PolicyName="Fence", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=policy)
    (finding,) = of(s, "queue-role-channels")
    assert finding["verdict"] == "fail" and "permissions boundary" in finding["message"] and "policy/Fence" in finding["why"], finding
    s.forget()
    done = s.run("setup", "--yes")
    assert done.returncode == 1 and "its permissions boundary does not allow" in done.stdout, done.stdout
    assert "PutRolePolicy" not in s.mutating() and not any("s3://" in text for _, text in s.environments().values())
    iam.create_policy_version(PolicyArn=policy, SetAsDefault=True, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:*", "s3:*"], "Resource": "*"}]}))
    done = s.run("setup", "--yes")
    assert done.returncode == 0 and "Verified: the queue role" in done.stdout, done.stdout + done.stderr


def test_a_fleets_role_is_mended_where_the_file_says_so_and_put_back_byte_for_byte(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    iam, role = s.client("iam"), "NordlichtFleetRole"
    iam.delete_role_policy(RoleName=role, PolicyName="FleetWorker")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Ours since 2024", "Effect": "Allow", "Principal": {"Service": "credentials.deadline.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    audit = s.run("audit", "-v", "--fail-on", "fail")
    assert audit.returncode == 0 and "  WARN  Trusts Deadline Cloud of every account and farm" in audit.stdout, "workers that do work have what they need"
    part = audit.stdout.split("Role NordlichtFleetRole\n")[1]
    assert "  WARN  Lacks 14 permissions" in part and " deadline:AssumeFleetRoleForWorker on " in part and 'fleets = "manage"' in part
    assert "nothing to change" in s.run("plan").stdout, "other farms may use a fleet's role"
    s.write(more='[iam]\nfleets = "manage"\n')
    done = s.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(s.policies(role)) == {"studiolink-fleet"}
    assert {f["verdict"] for check in ("fleet-role", "fleet-role-needs", "fleet-role-simulated") for f in of(s, check)} == {"ok"}
    after = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert after["Sid"] == "Ours since 2024" and after["Principal"]["Service"] == "credentials.deadline.amazonaws.com" and FARM in json.dumps(after["Condition"])
    assert s.run("rollback", "--yes").returncode == 0
    assert s.policies(role) == {} and iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"] == before


def test_the_role_of_the_studios_own_machines(studio_of):
    s = studio_of()
    assert s.run("setup", "--yes").returncode == 0
    (unnamed,) = of(s, "worker-host-named")
    assert unnamed["verdict"] == "skipped" and "worker_hosts" in unnamed["fix"], "a customer-managed fleet is there"
    iam = s.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "rolesanywhere.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName="Hosts", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    s.write(more=f'[iam]\nworker_hosts = ["{arn}"]\n')
    half, lacks = of(s, "worker-host-role")
    assert half["verdict"] == "fail" and "not tag the session" in half["message"], half
    assert lacks["verdict"] == "fail" and "AWSDeadlineCloud-WorkerHost" in lacks["fix"], lacks
    trust["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    iam.update_assume_role_policy(RoleName="Hosts", PolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="Hosts", PolicyName="own", PolicyDocument=s.run("policy", "--for", "worker-host").stdout)
    assert [f["verdict"] for f in of(s, "worker-host-role")] == ["ok", "ok"]
    s.forget()
    s.run("setup", "--yes")
    assert s.mutating() == [], "nobody knows which of the two trusts is right: it is said, not made"


def test_the_buckets_owner_is_checked_and_an_unknown_one_is_a_warning(studio_of):
    s = studio_of()
    assert of(s, "channel-owner")[0]["verdict"] == "ok"
    s.account = "999999999999"
    s.write()
    (wrong,) = of(s, "channel-owner")
    assert wrong["verdict"] == "fail" and "does not belong to account 999999999999" in wrong["message"], wrong
    s.account = None
    s.write()
    (unknown,) = of(s, "channel-owner")
    assert unknown["verdict"] == "warn" and 'channel_account = "123456789012"' in unknown["fix"], unknown
    done = s.run("setup", "--yes")
    assert done.returncode == 0 and "aws:ResourceAccount" not in s.policies()["studiolink-queue"], "no condition on a guess"
    far = studio_of("linked.json")
    far.account = None
    far.write()
    (unknown,) = of(far, "channel-owner")
    assert unknown["verdict"] == "warn" and "12 digits" in unknown["fix"], unknown


def test_what_the_role_reads_beside_the_channel_is_a_warning(studio_of):
    s = studio_of()
    done = s.run("setup", "--yes")
    assert "Verified: the queue role can't read other objects in the bucket of s3://ynput-conda-channel/ayon" in done.stdout
    put_policy(s, "too-much", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ynput-conda-channel/*"})
    s.forget()
    done = s.run("setup", "--yes")
    assert "can read other objects in the bucket of s3://ynput-conda-channel/ayon" in done.stdout and s.mutating() == [], done.stdout
    s.forget()
    s.run("audit")
    assert not {r["op"] for r in s.requests()} & {"AssumeQueueRoleForUser", "GetSecretValue", "AssumeRole"}, "an audit starts no session"


def test_the_secret_is_granted_handed_out_and_its_text_is_nowhere(studio_of, tmp_path):
    canary = "ayonCANARY7f3e2d1c0b9a8"
    s = studio_of(altered(tmp_path, lambda d: d.update(secrets={"ayon/key": canary, "database": "other"})))
    (arn,) = [x["ARN"] for x in s.client("secretsmanager").list_secrets()["SecretList"] if x["Name"] == "ayon/key"]
    s.write(more=f'secret = "{arn}"\n')
    audit = s.run("audit")
    assert f"Lacks secretsmanager:GetSecretValue on {arn}" in audit.stdout, audit.stdout
    done = s.run("setup", "--yes", "-v")
    assert done.returncode == 0 and "Verified: the queue role reads the secret" in done.stdout, done.stdout + done.stderr
    assert arn in s.policies()["studiolink-queue"] and "database" not in s.policies()["studiolink-queue"]
    kept = "".join(p.read_text(errors="replace") for p in s.folder.rglob("*") if p.is_file())
    assert canary not in done.stdout + done.stderr + kept
    s.write(more='secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/nowhere-AbCdEf"\n')
    gone = s.run("setup", "--yes")
    assert gone.returncode == 1 and "The secret of [server] secret does not exist" in gone.stdout, gone.stdout


def test_a_session_is_started_and_ended_as_the_queue_role(studio_of):
    for seed, words in (("ssm.json", "was closed before port 5000 of"), ("ssm_lost.json", "is not connected to Systems Manager")):
        s = studio_of(seed)
        studio = json.loads((SHARED / "peer-cloud/studios" / seed).read_text())
        instance = studio["ssmInstances"][0]["id"]
        s.write(more=f'location = "ec2"\npath = "ssm"\n[ssm]\ninstance = "{instance}"\nport = 5000\n')
        done = s.run("setup", "--yes")
        assert words in done.stdout, done.stdout + done.stderr
        ours = json.loads(s.policies()["studiolink-queue"])["Statement"]
        (own,) = [x for x in ours if x["Sid"] == "TunnelSession"]
        assert own["Resource"] == "arn:aws:ssm:*:*:session/${aws:userid}-*"
        assert set(own["Action"]) == {"ssmmessages:OpenDataChannel", "ssm:ResumeSession", "ssm:TerminateSession"}
        ops = [r["op"] for r in s.requests()]
        if seed == "ssm.json":
            assert ops.count("StartSession") == ops.count("TerminateSession") > 0, ops
        everything = done.stdout + done.stderr + "".join(p.read_text(errors="replace") for p in s.folder.rglob("*") if p.is_file())
        assert "TokenValue\":" not in everything and "data-channel" not in everything


def test_an_audit_reads_as_the_queue_role_where_it_is_asked_to(studio_of):
    s = studio_of("fresh.json")
    def found(*more):
        done = s.run("audit", "--format", "json", *more)
        return {(f["check"], f["code"]): f for f in json.loads(done.stdout)["findings"]}
    plain = found()
    assert plain["channel-as-queue-role", "declined"]["why"].endswith("--as-queue-role tries it")
    assert "AssumeQueueRoleForUser" not in [r["op"] for r in s.requests()]
    s.forget()
    tried = found("--as-queue-role")
    ops = [r["op"] for r in s.requests()]
    assert "AssumeQueueRoleForUser" in ops and not s.mutating(), ops
    assert ("channel-as-queue-role", "declined") not in tried
    assert tried["channel-as-queue-role", "denied"]["verdict"] == "fail", tried.keys()
    (run,) = json.loads(s.run("runs", "--format", "json").stdout)["runs"]
    assert run["undo"] == "tried, and changed nothing"


def test_job_attachments_are_tried_as_the_queue_role(studio_of):
    s = studio_of("fresh.json")
    def of():
        done = s.run("audit", "--format", "json", "--as-queue-role", "--only", "queue-attachments")
        return {f["code"]: f for f in json.loads(done.stdout)["findings"] if f["check"] == "queue-attachments"}
    queue = s.client("deadline").get_queue(farmId=FARM, queueId=QUEUE)
    settings = queue.get("jobAttachmentSettings")
    assert settings, "this studio has job attachments"
    before = of()
    role = queue["roleArn"].rsplit("/", 1)[1]
    bucket, root = settings["s3BucketName"], settings["rootPrefix"]
    put_policy(s, "Attachments", {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{bucket}/{root}/*"},
               {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": f"arn:aws:s3:::{bucket}"})
    after = of()
    assert any("the queue role may read job attachments" in f["message"] for f in after.values()), (role, before, after)

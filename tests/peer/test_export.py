"""A plan as code: the commands are run as they are by the aws CLI, and leave nothing to be planned; Terraform is read by
python-hcl2, CloudFormation by cfn-lint; what follows in comments is run too."""
import io
import json
import os
import pathlib
import subprocess
import sys

import hcl2
import pytest
from conftest import FARM, QUEUE, Studio
from test_lattice import TABLE
from test_lattice import studio as lattice_studio
from test_lattice import whole

BIN = pathlib.Path(sys.executable).parent


@pytest.fixture
def fresh(tmp_path):
    s = Studio(tmp_path)
    yield s


def export(s, language, *more):
    done = s.run("plan", "--export", language, *more)
    assert done.returncode in (0, 4, 10) or done.stdout, done.stderr
    return done.stdout


def shell(s, script, seen="yes", **env):
    """As an administrator runs it, in this studio's account, with the aws CLI that the tests install."""
    env = {**s.env, "AWS_DISABLE_HOST_PREFIX_INJECTION": "true", "SEEN": seen, "PATH": f"{BIN}:{os.environ['PATH']}", **env}
    return subprocess.run(["sh", "-c", script], cwd=s.folder, env=env, capture_output=True, text=True, timeout=300, start_new_session=True)


def quick(script):
    return script.replace("sleep 20", "sleep 0").replace("sleep 5", "sleep 0.2")


def uncommented(text):
    """The commands that follow what the language could express."""
    lines = text.splitlines()
    start = next(i for i, l in enumerate(lines) if l == "# set -eu")
    end = lines.index("# end of the commands")
    assert all(l.startswith("# ") for l in lines[start:end]), "each line without its mark"
    return "\n".join(l[2:] for l in lines[start:end])


def left(s):
    done = s.run("plan", "--format", "json")
    return [c["id"] for c in json.loads(done.stdout)["changes"]]


def test_the_commands_do_what_setup_does(fresh):
    s = fresh
    before = left(s)
    assert before
    script = export(s, "cli")
    assert not s.mutating()
    done = shell(s, quick(script))
    assert done.returncode == 0, script + done.stdout + done.stderr
    aws = [i for i in before if not i.startswith("addon")]
    assert not set(left(s)) & set(aws), (before, left(s))
    # Run again, the guards see that it is no longer what the plan was made from.
    again = shell(s, quick(script))
    assert again.returncode == 1 and "make a new plan" in again.stderr, again.stdout + again.stderr


def test_a_script_goes_to_no_other_account(fresh):
    script = export(fresh, "cli").replace("= '123456789012'", "= '210987654321'")
    done = shell(fresh, quick(script))
    assert done.returncode == 1 and "another account" in done.stderr
    assert not fresh.mutating()


def test_what_was_edited_meanwhile_is_not_overwritten(fresh):
    s = fresh
    script = export(s, "cli")
    d = s.client("deadline")
    env = next(iter(s.environments()))
    text = s.environments()[env][1] + "\n# edited by hand\n"
    d.update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=env, template=text, templateType="YAML")
    done = shell(s, quick(script))
    assert done.returncode == 1 and "make a new plan" in done.stderr, done.stderr
    assert s.environments()[env][1] == text


def test_nobody_is_asked_where_nobody_is_and_then_it_stops(fresh):
    s = fresh
    before = s.environments()
    done = shell(s, quick(export(s, "cli")), seen="")
    assert done.returncode != 0 and "can read" in done.stderr, done.stderr
    assert s.environments() == before, "what waits for somebody's look is not made"


HOSTILE = '''# ${change:x" != "" ? file("/etc/hostname") : ".o} ${aws:userid} %{if true} `id` $(id) '\n'''


def hostile(s, more):
    env = next(iter(s.environments()))
    text = s.environments()[env][1]
    s.client("deadline").update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=env, template=text + more, templateType="YAML")
    return text + more


def test_what_looks_like_ours_is_not_evaluated(fresh):
    hostile(fresh, HOSTILE)
    for language in ("cli", "terraform", "cloudformation"):
        text = export(fresh, language)
        assert "file(" not in text and "By hand" in text, text


ANY = ["# `back` 'quote' \"double\" $HOME ${aws:userid} %{x}\n", "# blanks at the end   \n\n", "# line\r\n# end\r\n", "# no line break at the end"]


def test_any_text_stays_what_it_is(fresh):
    s = fresh
    env, (_, own) = next(iter(s.environments().items()))
    for more in ANY:
        s.client("deadline").update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=env, template=own + more, templateType="YAML")
        done = shell(s, quick(export(s, "cli")))
        assert done.returncode == 0, done.stdout + done.stderr
        (after,) = [t for _, t in s.environments().values()]
        assert after.replace("deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge", "deadline-cloud") == own + more


def test_a_studios_own_secrets_are_in_no_code(tmp_path):
    script = "#!/bin/bash\nexport STUDIO_LICENSE_PASSWORD='hunter2CANARY'\n"
    s = lattice_studio(tmp_path, {"farms/0/fleets/Publish/hostConfiguration": {"scriptBody": script, "scriptTimeoutSeconds": 300}}, table=TABLE.replace('tls = "plain"', 'tls = "hosts"'), newer=False)
    file = s.folder / "studiolink.toml"
    file.write_text(file.read_text().replace("127.0.0.1", "localhost"))
    for language in ("cli", "terraform", "cloudformation"):
        text = export(s, language, "--unproven-key")
        assert "hunter2" not in text and "EnvCANARY" not in text and "script of its own" in " ".join(w for w in text.split() if w != "#"), text
    env = next(iter(s.environments()))
    text = s.environments()[env][1]
    s.write(more=TABLE)
    s.client("deadline").update_queue_environment(farmId=FARM, queueId=QUEUE, queueEnvironmentId=env, template=text.replace("deadline-cloud-v2 ", "") + "# LICENSE_PASSWORD: EnvCANARY123\n", templateType="YAML")
    for language in ("cli", "terraform", "cloudformation"):
        text = export(s, language, "--unproven-key")
        assert "CANARY" not in text, text


def test_a_fleet_that_was_changed_meanwhile_is_not_put_back(tmp_path):
    s = lattice(tmp_path)
    script = export(s, "cli", "--unproven-key")
    d = s.client("deadline")
    fleet = next(f for f in d.list_fleets(farmId=FARM)["fleets"] if f["displayName"] == "Publish")
    configuration = fleet["configuration"]
    configuration["serviceManagedEc2"]["instanceCapabilities"]["vCpuCount"] = {"min": 32, "max": 64}
    d.update_fleet(farmId=FARM, fleetId=fleet["fleetId"], configuration=configuration)
    done = shell(s, quick(script))
    assert done.returncode == 1 and "make a new plan" in done.stderr, done.stderr
    now = d.get_fleet(farmId=FARM, fleetId=fleet["fleetId"])["configuration"]
    assert now["serviceManagedEc2"]["instanceCapabilities"]["vCpuCount"] == {"min": 32, "max": 64}


def lattice(tmp_path):
    """The fleet's whole way; the secret is there, because no code holds a key."""
    s = lattice_studio(tmp_path, newer=False)
    s.client("secretsmanager").create_secret(Name="ayon/workers", SecretString="k" * 32)
    return s


def test_a_path_of_lattice_is_made_by_commands(tmp_path):
    s = lattice(tmp_path)
    script = export(s, "cli", "--unproven-key")
    done = shell(s, quick(script))
    assert done.returncode == 0, script + done.stdout + done.stderr
    whole(s)
    assert not [i for i in left(s) if not i.startswith("addon")]


def test_what_the_cli_does_not_know_is_not_dropped(tmp_path):
    """A member of a fleet's configuration that is newer than the CLI: it refuses the call, and nothing is lost."""
    s = lattice_studio(tmp_path)
    s.client("secretsmanager").create_secret(Name="ayon/workers", SecretString="k" * 32)
    done = shell(s, quick(export(s, "cli", "--unproven-key")))
    assert done.returncode != 0 and "does not know all of it" in done.stderr, done.stderr
    assert "UpdateFleet" not in s.mutating()


def saved(s):
    s.run("plan", "--out", "plan.json")
    return json.loads((s.folder / "plan.json").read_text())["plan"]["changes"]


def blocks(text):
    tree = hcl2.load(io.StringIO(text))
    found = {}
    for it in tree.get("resource", []):
        for kind, named in it.items():
            for name, body in named.items():
                found[kind.strip('"'), name.strip('"')] = body
    return tree, found


def test_terraform_is_read_and_imports_what_exists(fresh):
    s = fresh
    text = export(s, "terraform")
    tree, found = blocks(text)
    assert {k for k, _ in found} == {"aws_iam_role_policy"}, text
    assert "update-queue-environment" in uncommented(text), "it waits for the role to read the channel"
    # Once the policy is made, the environment is declared.
    policy = next(c for c in saved(s) if "inline-policy" in c["resource"])
    s.client("iam").put_role_policy(RoleName="NordlichtQueueRole", PolicyName="studiolink-queue", PolicyDocument=policy["after"])
    text = export(s, "terraform")
    tree, found = blocks(text)
    assert "awscc_deadline_queue_environment" in {k for k, _ in found}, text
    env = next(iter(s.environments()))
    imports = [i["id"].strip('"') for i in tree["import"]]
    assert f"{FARM}|{QUEUE}|{env}" in imports, imports
    body = next(b for (k, _), b in found.items() if k == "awscc_deadline_queue_environment")
    after = next(c["after"] for c in saved(s) if "environment-template" in c["resource"])
    first, *lines, last = body["template"].strip('"').split("\n")
    assert first.startswith("<<") and first[2:] == last, body["template"]
    assert "\n".join(lines) + "\n" == after


def test_a_path_of_lattice_as_terraform_and_cloudformation(tmp_path):
    s = lattice(tmp_path)
    text = export(s, "terraform", "--unproven-key")
    tree, found = blocks(text)
    kinds = {k for k, _ in found}
    assert {"awscc_vpclattice_resource_gateway", "awscc_vpclattice_resource_configuration", "awscc_ram_resource_share"} <= kinds, text
    configuration = next(b for (k, _), b in found.items() if k == "awscc_vpclattice_resource_configuration")
    assert configuration["resource_gateway_id"].strip('"') == "${awscc_vpclattice_resource_gateway.lattice_gateway_ayon_00000001.resource_gateway_id}"
    assert configuration["resource_configuration_definition"] == {"ip_resource": '"10.20.1.50"'}, configuration
    assert configuration["allow_association_to_sharable_service_network"] is True
    template = tmp_path / "template.yaml"
    template.write_text(export(s, "cloudformation", "--unproven-key"))
    lint = subprocess.run([BIN / "cfn-lint", "--regions", "us-west-2", "--", template], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr + template.read_text()
    assert "AWS::VpcLattice::ResourceConfiguration" in template.read_text()
    # The fleet is changed by commands that follow, with what the stack has put out: the peer has no stacks, so what it would say is said here.
    commands = uncommented(template.read_text())
    assert "update-fleet" in commands and "describe-stacks" in commands
    made = shell(s, quick(export(s, "cli", "--unproven-key").split("# UpdateFleet")[0]))
    assert made.returncode == 0, made.stdout + made.stderr
    (configuration,) = s.client("vpc-lattice").list_resource_configurations()["items"]
    fake = s.folder / "bin"
    fake.mkdir()
    (fake / "aws").write_text(f'#!/bin/sh\ncase "$*" in *00000001Id*) echo {configuration["id"]};; cloudformation*) echo {configuration["arn"]};; *) exec {BIN}/aws "$@";; esac\n')
    (fake / "aws").chmod(0o755)
    done = shell(s, quick(commands), PATH=f"{fake}:{BIN}:{os.environ['PATH']}")
    assert done.returncode == 0, commands + done.stdout + done.stderr
    assert not [i for i in left(s) if not i.startswith("addon")]


def test_cloudformation_of_a_fresh_studio(fresh):
    s = fresh
    template = s.folder / "template.yaml"
    template.write_text(export(s, "cloudformation"))
    lint = subprocess.run([BIN / "cfn-lint", "--regions", "us-west-2", "--", template], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr + template.read_text()
    # What exists is changed by the commands: they are run, and leave only what the template makes.
    before = left(s)
    done = shell(s, quick(uncommented(template.read_text())))
    assert done.returncode == 0, done.stdout + done.stderr + template.read_text()
    assert len(left(s)) < len(before)


def test_no_secret_is_in_any_code(fresh):
    s = fresh
    s.write(more='secret = "ayon/workers"\n')
    for language in ("cli", "terraform", "cloudformation"):
        text = export(s, language)
        assert s.env["AYON_API_KEY"] not in text
        assert "put-secret-value" in text and "By hand" in text, text


def test_code_is_no_document(fresh):
    done = fresh.run("plan", "--export", "cli", "--format", "json")
    assert done.returncode == 2 and "two different things" in done.stderr

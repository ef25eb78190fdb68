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


def shell(s, script, key=None, **env):
    """As an administrator runs it, in this studio's account, with the aws CLI that the tests install."""
    env = {**s.env, "AWS_DISABLE_HOST_PREFIX_INJECTION": "true", "PATH": f"{BIN}:{os.environ['PATH']}", **env}
    return subprocess.run(["sh", "-c", script], cwd=s.folder, env=env, capture_output=True, text=True, timeout=300)


def quick(script):
    return script.replace("sleep 20", "sleep 0").replace("sleep 5", "sleep 0.2")


def uncommented(text):
    """The commands that follow what the language could express."""
    lines = text.splitlines()
    start = next(i for i, l in enumerate(lines) if l == "# set -eu")
    end = lines.index("# end of the commands")
    return "\n".join(l[2:] if l.startswith("# ") else l[1:] for l in lines[start:end])


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
    assert done.returncode != 0 and "softwareAddOns" in done.stderr, done.stderr
    assert "UpdateFleet" not in s.mutating()


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
    kinds = sorted({k for k, _ in found})
    assert "awscc_deadline_queue_environment" in kinds and "aws_iam_role_policy" in kinds, text
    env = next(iter(s.environments()))
    imports = [i["id"].strip('"') for i in tree["import"]]
    assert f"{FARM}|{QUEUE}|{env}" in imports, imports
    body = next(b for (k, _), b in found.items() if k == "awscc_deadline_queue_environment")
    s.run("plan", "--out", "plan.json")
    changes = json.loads((s.folder / "plan.json").read_text())["plan"]["changes"]
    after = next(c["after"] for c in changes if "environment-template" in c["resource"])
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
    # The fleet is changed by commands that follow, with what the stack has put out.
    commands = uncommented(template.read_text())
    assert "update-fleet" in commands and "describe-stacks" in commands
    parsed = subprocess.run(["sh", "-n"], input=commands, text=True, capture_output=True)
    assert parsed.returncode == 0, parsed.stderr


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


@pytest.mark.parametrize("language", ["cli", "terraform", "cloudformation"])
def test_no_secret_is_in_any_code(fresh, language):
    s = fresh
    s.write(more='secret = "ayon/workers"\n')
    text = export(s, language)
    assert s.env["AYON_API_KEY"] not in text
    assert "put-secret-value" in text and "By hand" in text, text


def test_code_is_no_document(fresh):
    done = fresh.run("plan", "--export", "cli", "--format", "json")
    assert done.returncode == 2 and "two different things" in done.stderr

"""What each choice brings, against an evaluator that is not studiolink's: IAM's SimulateCustomPolicy as peer-cloud has
it. The tables are tests/roles/needed.txt and not-needed.txt, which tests/needs.rs reads too."""
import itertools
import json
import pathlib

from conftest import FARM, QUEUE, SHARED

TABLES = pathlib.Path(__file__).resolve().parents[1] / "roles"
SECRET = "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key-AbCdEf"
KEY = {name: f"arn:aws:kms:us-west-2:{account}:key/0a1b2c3d-{name}" for name, account in
       (("channel", "210987654321"), ("secret", "123456789012"), ("farm", "123456789012"))}
CHANNEL = {"alias": "deadline-cloud", "ynput": "s3://ynput-conda-channel/ayon", "own": "s3://studio-own/conda"}


def table(name):
    blocks = []
    for block in (TABLES / name).read_text().split("\n\n"):
        words = {}
        for line in block.splitlines():
            first, _, rest = line.partition(" ")
            if first in ("for", "when", "do", "on", "with"):
                words[first] = rest.split()
        if words:
            blocks.append(words)
    return blocks


def kind(key, value):
    types = {"aws:SecureTransport": "boolean", "aws:CalledVia": "stringList"}
    return {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": types.get(key, "string")}


def decisions(iam, document, block):
    """Every action of a block on every resource of it."""
    context = [kind("aws:SecureTransport", "true")] + [kind(*pair.split("=", 1)) for pair in block.get("with", [])]
    out = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=block["do"], ResourceArns=block["on"], ContextEntries=context, MaxItems=1000)
    return {(r["EvalActionName"], r["EvalResourceName"]): r["EvalDecision"] for r in out["EvaluationResults"]}


def combinations():
    for channels, owner, key, secret, tunnel in itertools.product(
            (("alias",), ("alias", "ynput"), ("ynput", "own"), ("alias", "ynput", "own")), ((), ("owner",)), ((), ("channel-key",)),
            ((), ("secret",), ("secret", "secret-key")), ((), ("tunnel",), ("tunnel-host",))):
        made = {*channels, *owner, *key, *secret, *tunnel}
        if "ynput" in made or not made & {"owner", "channel-key"}:
            yield made


def studio_file(s, made):
    channels = ", ".join(f'"{CHANNEL[c]}"' for c in ("alias", "ynput", "own") if c in made)
    conda = f"channels = [{channels}]\n"
    if "owner" in made:
        conda += 'channel_account = "210987654321"\n'
    if "channel-key" in made:
        conda += f'channel_key = "{KEY["channel"]}"\n'
    server = f'url = "{s.ayon.url}"\n'
    if "secret" in made:
        server += f'secret = "{SECRET}"\n'
    if "secret-key" in made:
        server += f'secret_key = "{KEY["secret"]}"\n'
    rest = ""
    if made & {"tunnel", "tunnel-host"}:
        server += 'location = "ec2"\npath = "ssm"\n'
        rest = '[ssm]\ninstance = "i-0123456789abcdef0"\n' if "tunnel" in made else '[ssm]\ninstance = "mi-0123456789abcdef0"\nhost = "ayon.lan"\n'
    (s.folder / "studiolink.toml").write_text(
        f'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "{FARM}"\nqueue = "{QUEUE}"\n[conda]\n{conda}[server]\n{server}{rest}')


def seed(folder, attachments, farm_key):
    studio = json.loads((SHARED / "peer-cloud/studios/fresh.json").read_text())
    farm = studio["farms"][0]
    if farm_key:
        farm["kmsKeyArn"] = KEY["farm"]
    for queue in farm["queues"]:
        if not attachments:
            del queue["jobAttachmentSettings"]
        for environment in queue["environments"]:
            environment["file"] = str(SHARED / "peer-cloud/studios" / environment["file"])
    path = folder / f"seed-{attachments}-{farm_key}.json"
    path.write_text(json.dumps(studio))
    return path


def judge(iam, of, made, document, needed, not_needed):
    for block in needed:
        if of in block["for"] and ("always" in block["when"] or made & set(block["when"])):
            for (action, resource), decision in decisions(iam, document, block).items():
                no_pair = action == "s3:ListBucket" and "/object/" in resource
                assert decision == "allowed" or no_pair, (of, sorted(made), action, resource, decision)
    judged = 0
    for block in not_needed:
        if of in block["for"]:
            for (action, resource), decision in decisions(iam, document, block).items():
                judged += 1
                assert decision != "allowed", (of, sorted(made), action, resource)
    return judged


def test_every_combination_needs_what_is_granted_and_two_hundred_things_are_not(studio_of, tmp_path):
    needed, not_needed = table("needed.txt"), table("not-needed.txt")
    seen, runs = {}, 0
    for attachments, farm_key in ((True, False), (False, True)):
        s = studio_of(seed(tmp_path, attachments, farm_key))
        iam = s.client("iam")
        more = ({"attachments"} if attachments else set()) | ({"farm-key"} if farm_key else set())
        for made in combinations():
            studio_file(s, made)
            roles = ("queue", "fleet", "worker-host") if made == {"alias"} else ("queue",)
            for of in roles:
                printed = s.run("policy", "--for", of if of == "worker-host" else f"{of}-role")
                assert printed.returncode == 0, (made, printed.stderr)
                runs += 1
                # The same document is judged once for what is not needed.
                if (of, printed.stdout) in seen:
                    continue
                count = judge(iam, of, made | more, printed.stdout, needed, not_needed)
                assert count >= 200 or of != "queue", count
                seen[of, printed.stdout] = made
        s.stop()
    assert len(seen) > 200, (len(seen), runs)

"""--redact: of a studio's accounts, hosts, addresses, names and ids no byte is left in any report. The canaries are the seed's own."""
import json
import re

import pytest
from conftest import SHARED, studio_with_own_server
from test_broken import MORE

# Everybody's: what these say tells nothing of a studio.
PUBLIC = {"conda", "rez", "ayon", "workers", "work", "projects", "renders", "publish", "render", "production", "staging", "linux", "windows", "default", "name", "ayon-launcher", "studio", "artists"}


def canaries(value, key=""):
    """Names, ids, accounts, addresses and hosts of the studio file, as its own format calls them."""
    if isinstance(value, dict):
        for k, v in value.items():
            if key in ("secrets", "parameters", "roots"):
                yield k
            yield from canaries(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from canaries(v, key)
    elif isinstance(value, str):
        if key in ("id", "name", "roleArn", "account", "ip", "customerGatewayIp", "outsideIp", "bucket", "path", "customerGateway", "displayName", "user", "activeUser"):
            yield value
        yield from re.findall(r"\b(?:[a-z]+-)+[0-9a-f]{8,32}\b|\b\d{12}\b|\b(?:\d{1,3}\.){3}\d{1,3}\b", value)


def found(text, whole):
    left = set()
    for one in set(canaries(whole)):
        if len(one) < 4 or one.lower() in PUBLIC or "ynput" in one or one.startswith(("127.", "0.0.0.0", "/opt", "arn:aws:iam::aws")) or one.startswith("deadline-cloud"):
            continue
        if re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w-])", text):
            left.add(one)
    return left


@pytest.mark.parametrize("name", ["healthy_direct", "gateway_wrong_subnets", "tgw_blackhole", "ssm_node_lost"])
def test_no_byte_of_the_studio_is_left(tmp_path, name):
    s = studio_with_own_server(tmp_path, name, MORE.get(name, ""))
    whole = json.loads((tmp_path / "whole.json").read_text())
    plain = s.run("audit", AYON_API_KEY=s.key)
    assert found(plain.stdout, whole), "without the flag they are there"
    for format in ("text", "json", "sarif", "html"):
        done = s.run("audit", "-v", "--format", format, "--redact", AYON_API_KEY=s.key)
        left = found(done.stdout + done.stderr, whole)
        # The studio file's own line is the place of a SARIF result, and holds no name.
        assert not left, (format, left, [done.stdout[max(0, m.start() - 90):m.end() + 30] for one in left for m in re.finditer(re.escape(one), done.stdout)][:3])
        assert done.returncode == plain.returncode, done.stderr
    for command in (("audit", "--all"), ("diagnose",), ("diagnose", "--format", "json"), ("plan",)):
        done = s.run(*command, "--redact", AYON_API_KEY=s.key)
        left = found(done.stdout + done.stderr, whole)
        assert not left, (command, left, done.stderr)


STRANGE = 'Fjord_Look "A" & <Dev> *'


def test_a_name_is_left_out_however_a_format_writes_it_and_json_stays_json(tmp_path):
    s = studio_with_own_server(tmp_path, "association_stopped", change={
        "farms/0/name": STRANGE + " farm", "farms/0/queues/0/name": STRANGE + " queue that has a name of more than forty letters"})
    s.write(more='[iam.new_role]\ntags = { cost = "10", team = "queue" }\n')
    (tmp_path / ".aws").mkdir(exist_ok=True)
    for format in ("text", "json", "sarif", "junit", "markdown", "html"):
        done = s.run("audit", "-v", "--format", format, "--redact", *(("--profile", "fjordadmin") if format == "text" else ()), AYON_API_KEY=s.key)
        said = done.stdout + done.stderr
        assert "Fjord" not in said and "fjordadmin" not in said, (format, said[:3000])
        if format == "text":
            continue  # there is no such profile: it is said without its name
        assert "queue-1" in said or "fleet-1" in said, (format, said[:2000])
        if format in ("json", "sarif"):
            document = json.loads(done.stdout)
            assert format == "sarif" or {f["subject"]["kind"] for f in document["findings"]} >= {"queue", "fleet"}, ({json.dumps(f["subject"]) for f in document["findings"]}, [f["message"] for f in document["findings"]][:9])
    plan = s.run("plan", "--redact", "--format", "json", AYON_API_KEY=s.key)
    assert isinstance(json.loads(plan.stdout)["exit"], int) and "Fjord" not in plan.stdout


def test_what_can_not_be_redacted_says_so(tmp_path):
    s = studio_with_own_server(tmp_path, "healthy_direct")
    for command in (("setup",), ("runs",), ("diagnose", "--watch", "1")):
        done = s.run(*command, "--redact")
        assert done.returncode == 2 and "--redact" in done.stderr, (command, done.stderr)

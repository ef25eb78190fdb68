"""--redact: of a studio's accounts, hosts, addresses, names and ids no byte is left in any report. The canaries are the seed's own."""
import json
import re

import pytest
from conftest import SHARED, studio_with_own_server
from test_broken import MORE

# Everybody's: what these say tells nothing of a studio.
PUBLIC = {"conda", "rez", "ayon", "workers", "work", "projects", "renders", "publish", "render", "production", "staging", "linux", "windows", "default", "name", "ayon-launcher"}


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
        assert not left, (format, left)
        assert done.returncode == plain.returncode, done.stderr
    for command in (("audit", "--all"), ("diagnose",), ("diagnose", "--format", "json"), ("plan",)):
        done = s.run(*command, "--redact", AYON_API_KEY=s.key)
        left = found(done.stdout + done.stderr, whole)
        assert not left, (command, left, done.stderr)


def test_what_can_not_be_redacted_says_so(tmp_path):
    s = studio_with_own_server(tmp_path, "healthy_direct")
    for command in (("setup",), ("runs",), ("diagnose", "--watch", "1")):
        done = s.run(*command, "--redact")
        assert done.returncode == 2 and "--redact" in done.stderr, (command, done.stderr)

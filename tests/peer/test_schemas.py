"""Every document that a program reads is one that its schema in docs/schema describes, member by member."""
import json
import pathlib

import jsonschema
import pytest
from conftest import Studio

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs/schema"


def strict(node):
    """A member that the schema does not name is an error here; for others it is one of a later version."""
    if isinstance(node, dict):
        if "properties" in node and "additionalProperties" not in node:
            node["additionalProperties"] = False
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


def validated(kind, text):
    schema = strict(json.loads((SCHEMAS / f"{kind}.json").read_text()))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(text)
    errors = [f"{e.json_path}: {e.message[:200]}" for e in jsonschema.Draft202012Validator(schema).iter_errors(document)]
    assert not errors, errors[:10]
    return document


@pytest.mark.parametrize("seed", ["fresh.json", "lattice_broken.json"])
def test_documents_are_what_their_schemas_say(tmp_path, seed):
    s = Studio(tmp_path, seed)
    audit = s.run("audit", "--format", "json")
    assert validated("audit", audit.stdout)["findings"]
    (s.folder / "before.json").write_text(audit.stdout)
    validated("diagnose", s.run("diagnose", "--format", "json").stdout)
    plan = validated("plan", s.run("plan", "--format", "json").stdout)
    setup = validated("setup", s.run("setup", "--yes", "--format", "json").stdout)
    assert {c["id"] for c in plan["changes"]} >= set(setup["done"])
    after = validated("audit", s.run("audit", "--format", "json", "--baseline", "before.json").stdout)
    assert after["baseline"] is not None
    everything = validated("audit", s.run("audit", "--all", "--format", "json").stdout)
    assert everything["places"]


def test_a_schema_refuses_what_is_no_such_document(tmp_path):
    with pytest.raises(AssertionError):
        validated("audit", '{"schema": 2, "kind": "plan"}')

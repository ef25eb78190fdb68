"""`rotate-key --make-for`: a new key made in AYON with an administrator's login, put into the secret, read as the queue role."""
import json

import pytest
from conftest import HERE, KEY, SHARED, Server, get
from test_key import studio, value

ADMIN = "T" * 64


@pytest.fixture
def s(tmp_path):
    made = studio(tmp_path)
    stand_in = made.ayon
    made.ayon = Server(HERE / "ayon_users.py", stand_in.url, KEY, SHARED / "ayon-recordings")
    made.write(more='secret = "ayon/workers"\n')
    assert made.run("setup", "--yes").returncode == 0
    return made


def keys(s, user="svc_farm"):
    return get(s.ayon.url + "/_users")[user] or []


def rotate(s, *more, user="svc_farm", admin=ADMIN, **env):
    return s.run("rotate-key", "--yes", "--make-for", user, *more, AYON_ADMIN_KEY=admin, **env)


def test_a_key_is_made_put_and_read_and_each_run_can_be_undone(s):
    old = value(s)["VersionId"]
    done = rotate(s)
    assert done.returncode == 0, done.stdout + done.stderr
    (new,) = keys(s)
    assert new["label"].startswith("studiolink ") and len(new["text"]) == 32
    assert value(s)["SecretString"] == new["text"] and value(s)["VersionId"] != old
    assert "is handed out the new version" in done.stdout
    assert "the one without a label" in done.stdout, "what else the user has is said: it is theirs to revoke"
    # The key is in nothing that is kept or shown.
    for text in [done.stdout, done.stderr, *(p.read_text(errors="replace") for p in s.folder.rglob("*") if p.is_file())]:
        assert new["text"] not in text and ADMIN not in text
    # A key that workers have is not deleted under them.
    of_key = next(p.stem for p in s.journals() if "ayon-user-key" in p.read_text())
    kept = s.run("rollback", of_key, "--yes", AYON_ADMIN_KEY=ADMIN)
    assert len(keys(s)) == 1 and "undo that one first" in kept.stderr, kept.stdout + kept.stderr
    back = s.run("rollback", "--yes", AYON_ADMIN_KEY=ADMIN)
    assert back.returncode == 0 and len(keys(s)) == 1, back.stdout + back.stderr
    back = s.run("rollback", of_key, "--yes", AYON_ADMIN_KEY=ADMIN)
    assert back.returncode == 0 and keys(s) == [], back.stdout + back.stderr


def test_in_json_it_says_which_key_was_made(s):
    done = rotate(s, "--format", "json")
    document = json.loads(done.stdout)
    (new,) = keys(s)
    assert document["made_in_ayon"]["label"] == new["label"] and new["text"] not in done.stdout
    assert document["read"][0]["new_version_is_read"] is True


@pytest.mark.parametrize("user, says", [("artist", "is not a service user"), ("svc_off", "is switched off"), ("nobody", "AYON has no user nobody")])
def test_only_an_active_service_user_gets_one(s, user, says):
    done = rotate(s, user=user)
    assert done.returncode not in (0, 3) and says in done.stderr, done.stdout + done.stderr
    assert not keys(s) and not [p for p in s.journals() if "ayon-user-key" in p.read_text()]


def test_without_an_administrators_login_nothing_is_made(s):
    for admin, says in [("", "no login of an AYON administrator"), (KEY, "service user")]:
        done = rotate(s, admin=admin)
        assert done.returncode != 0 and says in done.stderr, done.stdout + done.stderr
    both = rotate(s, AYON_NEW_API_KEY=KEY)
    assert both.returncode == 2 and "leave out one" in both.stderr
    assert not keys(s)


def test_a_secret_that_can_not_be_written_leaves_a_key_that_is_named(s):
    s.faults({"op": "PutSecretValue", "kind": "denied", "count": 9})
    done = rotate(s)
    (new,) = keys(s)
    assert done.returncode != 0 and f'"{new["label"]}" of svc_farm stays in AYON' in done.stderr, done.stdout + done.stderr
    run = done.stderr.split("studiolink rollback ")[1].split("`")[0]
    s.faults()
    back = s.run("rollback", run, "--yes", AYON_ADMIN_KEY=ADMIN)
    assert back.returncode == 0 and keys(s) == [], back.stdout + back.stderr

"""The AYON addon's own channel list, changed as an administrator and put back."""
import json
import urllib.request

import pytest
from ayon_overrides import Ayon
from conftest import CHANNELS, FARM, KEY, QUEUE, SHARED, AsIs, Server, get, studio_with_own_server

TOKEN = "T" * 64
ADMIN_PASSWORD = "PASSWORD"
VARIANTS = ("production/studio", "staging/studio")


def settings(s):
    return get(s.ayon.url + "/_stand_in/settings")


def posts(s):
    return [r for r in get(s.ayon.url + "/_stand_in/requests") if r["method"] == "POST"]


def test_the_addon_gets_the_same_list_and_gives_it_back(studio_of):
    s = studio_of(ayon_channels="deadline-cloud")
    Ayon.before(s)
    before = settings(s)
    planned = s.run("plan", AYON_ADMIN_KEY=TOKEN)
    assert planned.returncode == 10 and planned.stdout.count("POST settings") == 2 and "(staging) / conda_channels" in planned.stdout
    done = s.run("setup", "--yes", "-v", AYON_ADMIN_KEY=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    after = settings(s)
    for variant in VARIANTS:
        assert after[variant]["conda_channels"] == CHANNELS
        assert {**after[variant], "conda_channels": 0} == {**before[variant], "conda_channels": 0}, "the rest of the object is as it was"
    assert {r["who"] for r in posts(s)} == {"admin"}, "never with the workers' key"
    assert "sets the same channels as the queue" in done.stdout and "for AYON:" not in done.stdout
    again = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert again.returncode == 0 and "nothing to change" in again.stdout

    environments, policies = s.environments(), s.policies()
    refused = s.run("rollback", "--yes")
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "no login of an AYON administrator" in said and "AYON_ADMIN_USER" in said, said
    # What AYON's jobs need stays while its list does; the rest is undone.
    assert settings(s) == after and s.environments() != environments and s.policies() == policies
    assert "jobs that AYON submits need it" in said
    back = s.run("rollback", "--yes", AYON_ADMIN_USER="admin", AYON_ADMIN_PASSWORD=ADMIN_PASSWORD)
    assert back.returncode == 0, back.stdout + back.stderr
    assert s.policies() != policies and ADMIN_PASSWORD not in back.stdout + back.stderr
    assert [r["path"] for r in posts(s)][-1] == "/api/auth/logout", "the session is closed again"
    assert settings(s) == before
    journal = b"".join(j.read_bytes() for j in s.journals())
    for secret in (TOKEN, KEY):
        assert secret not in done.stdout + done.stderr + back.stdout + back.stderr and secret.encode() not in journal


def test_without_an_administrator_the_value_is_for_people_to_paste(studio_of):
    s = studio_of(ayon_channels="deadline-cloud")
    before = settings(s)
    for env in ({}, {"AYON_ADMIN_KEY": "ARTIST_API_KEY"}):
        s.env["AYON_ADMIN_KEY"] = ""
        done = s.run("setup", "--yes", **env)
        assert "POST settings" not in done.stdout and "paste into conda_channels" in done.stdout and CHANNELS in done.stdout
        assert "which wins over the queue's default in AYON's jobs" in done.stdout
    assert settings(s) == before and posts(s) == []


def test_somebody_elses_change_in_between_is_not_overwritten(studio_of):
    s = studio_of(ayon_channels="deadline-cloud")
    assert s.run("plan", "--out", "p.json", AYON_ADMIN_KEY=TOKEN).returncode == 10
    body = {**settings(s)["production/studio"], "conda_channels": "by hand"}
    url = s.ayon.url + "/api/addons/deadline_cloud/0.3.0/settings?variant=production"
    urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(body).encode(), method="POST", headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}))
    done = s.run("apply", "p.json", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert done.returncode == 1 and "by hand" in done.stdout + done.stderr
    assert settings(s)["production/studio"]["conda_channels"] == "by hand"


def of_seed(tmp_path, name):
    """A studio of the peer's table, with the AYON server that its file describes."""
    seed = SHARED / f"peer-cloud/studios/{name}.json"
    s = AsIs(tmp_path, seed)
    s.ayon.stop()
    s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed, "--key", "API_KEY")
    s.env["AYON_API_KEY"] = "API_KEY"
    s.write()
    return s


def gone(s, variant):
    """A queue of this farm that is gone."""
    url = s.ayon.url + f"/api/addons/deadline_cloud/0.3.0/settings?variant={variant}"
    body = {**settings(s)[f"{variant}/studio"], "farm_id": FARM, "queue_id": "queue-" + "9" * 32}
    urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(body).encode(), method="POST", headers={"X-Api-Key": TOKEN, "Content-Type": "application/json"}))


@pytest.mark.parametrize("name, variants", [("staging_differs", ["staging"]), ("healthy_direct", ["production"])])
def test_the_addon_submits_to_this_queue_and_gives_its_values_back(tmp_path, name, variants):
    s = of_seed(tmp_path, name)
    if name == "healthy_direct":
        gone(s, "production")
    before = settings(s)
    # Without an administrator's login it is for people to paste.
    found = [f for f in json.loads(s.run("audit", "--format", "json").stdout)["findings"] if f["check"] == "addon-queue" and f["verdict"] == "warn"]
    assert len(found) == len(variants) and all(FARM in f["fix"] and QUEUE in f["fix"] and "AYON_ADMIN_KEY" in f["fix"] for f in found), found
    done = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    after = settings(s)
    for variant in variants:
        own = after[f"{variant}/studio"]
        assert (own["farm_id"], own["queue_id"]) == (FARM, QUEUE), done.stdout + done.stderr
        was = before[f"{variant}/studio"]
        assert {k: v for k, v in own.items() if k not in ("farm_id", "queue_id")} == {k: v for k, v in was.items() if k not in ("farm_id", "queue_id")}
    assert {r["who"] for r in posts(s)} == {"admin"}, "never with the workers' key"
    audit = json.loads(s.run("audit", "--format", "json").stdout)["findings"]
    assert {f["verdict"] for f in audit if f["check"] == "addon-queue"} == {"ok"}
    again = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert "farm_id" not in again.stdout, again.stdout
    back = s.run("rollback", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert back.returncode == 0, back.stdout + back.stderr
    assert settings(s) == before


def test_another_queue_that_exists_is_left_to_people(tmp_path):
    s = of_seed(tmp_path, "healthy_two_queues")
    named = {settings(s)[f"{v}/studio"]["queue_id"] for v in ("production", "staging")}
    other = ({QUEUE, QUEUE[:-1] + "2"} - named).pop()
    file = tmp_path / "studiolink.toml"
    file.write_text(file.read_text().replace(QUEUE, other))
    before = settings(s)
    done = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert settings(s) == before, done.stdout
    assert "which exists: it may be meant" in done.stdout, done.stdout


def test_a_farm_that_is_not_in_this_region_is_left_to_people(tmp_path):
    s = of_seed(tmp_path, "addon_other_farm")
    before = settings(s)
    done = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert settings(s) == before, done.stdout
    assert "one of another may be meant" in done.stdout and FARM in done.stdout, done.stdout


def test_a_dev_bundle_that_submits_elsewhere_is_told_with_whose_it_is(tmp_path):
    other = "queue-" + "7" * 32
    s = studio_with_own_server(tmp_path, "healthy_direct", change={
        "ayon/bundles/-": {"name": "dev-mia", "addons": {"core": "1.9.5", "deadline_cloud": "0.3.0"}, "isDev": True, "activeUser": "mia"},
        "ayon/settings/dev-mia": {"farm_id": FARM, "queue_id": other}})
    found = json.loads(s.run("audit", "--format", "json", AYON_API_KEY=s.key).stdout)["findings"]
    (said,) = [f for f in found if f["check"] == "addon-dev-bundles"]
    assert (said["verdict"], said["code"]) == ("warn", "other-queue"), said
    assert "dev bundle dev-mia of mia submits to" in said["message"] and said["evidence"][0]["calls"], said
    same = [f for f in found if f["check"] == "addon-queue"]
    assert all(f["verdict"] == "ok" for f in same), same

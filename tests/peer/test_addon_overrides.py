"""AYON in step where values are kept as a real server keeps them: what a studio and a project have set, and nothing else; by an
administrator and by a manager; with a server that refuses, drops, loses its answer or is late."""
import copy
import json

import pytest
from ayon_overrides import Ayon, waited
from conftest import CHANNELS, FARM, QUEUE
from test_addon import TOKEN, of_seed

OWN = {
    ("production", None): {"farm_id": FARM, "queue_id": QUEUE, "conda_packages": "blender=4.2.* python=3.11", "conda_channels": "deadline-cloud conda-forge",
                           "extra_job_parameters": [{"name": "Priority", "value": "60"}]},
    ("staging", None): {"queue_id": "queue-staging", "publish_host_requirement_roles": ["ingest"]},
    ("production", "PROJECT"): {"queue_id": "queue-demo-show"},
}
IDS = {"ayon/production/conda_channels", "ayon/production/conda_packages", "ayon/staging/queue", "ayon/staging/conda_channels",
       "ayon/staging/publish_host_requirement_roles", "ayon/production/PROJECT/queue"}


@pytest.fixture
def studio(tmp_path):
    made = []

    def make(manager=False):
        s = of_seed(tmp_path, "healthy_direct")
        ayon = Ayon(s.ayon.url, manager)
        made.append(ayon)
        import urllib.request
        with urllib.request.urlopen(urllib.request.Request(s.ayon.url + "/api/projects", headers={"X-Api-Key": "API_KEY"})) as r:
            s.project = json.load(r)["projects"][0]["name"]
        ayon.own = {(v, p and s.project): copy.deepcopy(own) for (v, p), own in OWN.items()}
        file = tmp_path / "studiolink.toml"
        file.write_text(file.read_text().replace(s.ayon.url, ayon.url))
        s.overrides = ayon
        return s
    yield make
    for ayon in made:
        ayon.stop()


def planned(s, **env):
    done = s.run("plan", "--format", "json", **env)
    return {c["id"].replace(f"/{s.project}/", "/PROJECT/") for c in json.loads(done.stdout)["changes"] if c["id"].startswith("ayon/")}


def in_step(s):
    o = s.overrides
    production, staging, project = o.effective("production", None), o.effective("staging", None), o.effective("production", s.project)
    assert production["conda_packages"] == "blender=4.2.* python=3.11 ayon-launcher==1.6.1"
    assert set(CHANNELS.split()) <= set(production["conda_channels"].split()) and set(CHANNELS.split()) <= set(staging["conda_channels"].split())
    assert (staging["farm_id"], staging["queue_id"]) == (FARM, QUEUE) and staging["publish_host_requirement_roles"] == ["publish"]
    assert project["queue_id"] == QUEUE
    # It takes what it had set of its own from the studio again, and follows it in everything else.
    assert o.own["production", s.project] == {}
    assert production["extra_job_parameters"] == [{"name": "Priority", "value": "60"}]


@pytest.mark.parametrize("manager", [False, True], ids=["administrator", "manager"])
def test_two_variants_and_a_project_come_into_step_and_get_back_what_they_had(studio, manager):
    s = studio(manager)
    before = copy.deepcopy(s.overrides.own)
    assert planned(s, AYON_ADMIN_KEY=TOKEN) == IDS
    assert planned(s) == set(), "not with the workers' key"
    done = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    in_step(s)
    assert {who for _, _, who in s.overrides.posts} == {"admin"}, s.overrides.posts
    assert planned(s, AYON_ADMIN_KEY=TOKEN) == set(), done.stdout
    wrong = [f for f in json.loads(s.run("audit", "--format", "json").stdout)["findings"] if f["check"].startswith("addon-") and f["verdict"] not in ("ok", "skipped")]
    assert wrong == [], wrong
    back = s.run("rollback", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert back.returncode == 0, back.stdout + back.stderr
    assert s.overrides.own == before


@pytest.mark.parametrize("fault", [409, 403, 422, 500, "drop", "lost"])
def test_what_stopped_half_way_is_gone_on_with_and_undone(studio, fault):
    s = studio()
    before = copy.deepcopy(s.overrides.own)
    s.overrides.faults = {3: fault}
    first = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    said = first.stdout + first.stderr
    if fault == "lost":
        # What the server holds decides, not the answer that is missing.
        assert first.returncode == 0, said
    else:
        assert first.returncode not in (0, 3), said
        assert str(fault) in said or fault == "drop", said
        assert "panic" not in said
        again = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
        assert again.returncode == 0, again.stdout + again.stderr
    in_step(s)
    for _ in range(len(list(s.journals()))):
        s.run("rollback", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert s.overrides.own == before


def test_a_change_that_is_carried_out_late_is_noticed_by_the_next_run(studio):
    s = studio()
    before = copy.deepcopy(s.overrides.own)
    s.overrides.faults = {2: "late"}
    s.overrides.late = 8
    first = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert first.returncode != 0, first.stdout
    variant, project, _ = s.overrides.posts[1]
    was = before.get((variant, project), {})
    assert waited(lambda: s.overrides.own.get((variant, project), {}) != was)
    again = s.run("setup", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert again.returncode == 0, again.stdout + again.stderr
    in_step(s)
    for _ in range(len(list(s.journals()))):
        s.run("rollback", "--yes", AYON_ADMIN_KEY=TOKEN)
    assert s.overrides.own == before, "the late one is undone too"

"""Secrets in channel addresses, in spellings of our own: in no output, no plan, no journal, no state; and still on the queue."""
import json

from conftest import CHANNELS, SHARED
from test_conda import seed, queue

CANARIES = ["c4n(a)ry-one", "c4nary-two", "c4nary-three", "c4nary/four", "c4nary-five"]
WITH = (f"https://reader:{CANARIES[0]}@art.example.com/conda https://conda.example.com/t/{CANARIES[1]}/own https://{CANARIES[2]}@conda.example.com/c"
        f" https://w:{CANARIES[3]}@conda.example.com/d https://conda.example.com/e?token={CANARIES[4]}")


def test_secrets_in_addresses_are_in_no_output_and_no_file_and_stay_where_they_are(studio_of, tmp_path):
    path = seed(tmp_path)
    studio = json.loads(path.read_text())
    q = studio["farms"][0]["queues"][0]
    text = q["environments"][0]["template"]
    # In place of the queue's own default list.
    start = text.index("name: CondaChannels")
    at = text.index("default:", start)
    end = text.index("\n", at)
    q["environments"][0]["template"] = text[:at] + f'default: "deadline-cloud {WITH}"' + text[end:]
    studio["farms"][0]["queues"] = [q]
    path.write_text(json.dumps(studio))
    s = studio_of(seed=path)
    said = []

    def run(*args):
        done = s.run(*args)
        assert "panicked" not in done.stderr, done.stderr
        said.append((args, done.stdout + done.stderr))
        return done
    d = s.client("deadline")
    farm, qid = studio["farms"][0]["id"], q["id"]

    def served():
        row = d.list_queue_environments(farmId=farm, queueId=qid)["environments"][0]
        return d.get_queue_environment(farmId=farm, queueId=qid, queueEnvironmentId=row["queueEnvironmentId"])["template"]
    before = served()
    file = s.folder / "studiolink.toml"
    file.write_text(file.read_text().replace("queue-00000000000000000000000000000001", qid))
    run("plan")
    run("plan", "--remove-channels")
    run("plan", "--format", "json", "--out", "kept.plan.json")
    audit = run("audit", "-v")
    assert "holds a password or token in the address of" in audit.stdout
    run("audit", "--format", "json")
    made = run("apply", "kept.plan.json", "--yes", "--format", "json", "--accept-risk", "unread-channel")
    assert json.loads(made.stdout)["done"], made.stdout + made.stderr
    after = served()
    assert after != before and all(c in after for c in CANARIES), after
    run("setup", "--yes", "-v", "--accept-risk", "unread-channel")
    listed = run("runs", "--format", "json")
    first = json.loads(listed.stdout)["runs"][0]["run"]["id"]
    run("runs", first)
    run("runs", first, "--format", "json")
    run("rollback", first)
    back = run("rollback", first, "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert served() == before
    for canary in CANARIES:
        for args, text in said:
            assert canary not in text, (canary, args, text)
        for f in s.folder.rglob("*"):
            if f.is_file():
                assert canary.encode() not in f.read_bytes(), (canary, f)

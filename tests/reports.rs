//! One audit in every form it is told in, beside an earlier one, and with what the studio file says of its findings.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use studiolink::checks;
use studiolink::ui::report;

mod place;

use place::{KEPT, Place, code, err, json, out};

fn audit(place: &Place, more: &[&str]) -> Output {
    place.run(&[&["audit"][..], &KEPT, more].concat())
}

fn texts<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    let list = value["findings"].as_array().unwrap().iter();
    list.map(|f| f.pointer(path).and_then(Value::as_str).unwrap_or_default())
        .collect()
}

#[test]
fn every_form_tells_the_same_findings_in_the_same_order() {
    let place = Place::new();
    for name in ["hand-edited", "many-queues", "strange-names"] {
        let sandbox = format!("--sandbox={name}");
        let run = |format: &str| place.run(&["audit", &sandbox, "--format", format]);
        let whole = json(&run("json"));
        let checks = texts(&whole, "/check");
        let subjects = texts(&whole, "/subject/id");
        let messages = texts(&whole, "/message");
        assert!(checks.len() > 40, "{name}");

        let sarif = json(&run("sarif"));
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let told: Vec<&str> = results
            .iter()
            .map(|r| r["ruleId"].as_str().unwrap())
            .collect();
        assert_eq!(told, checks, "{name}");
        let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap();
        for (result, subject) in results.iter().zip(&subjects) {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[at]["id"], result["ruleId"]);
            let own = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
            assert_eq!(own, subject);
        }
        let prints: std::collections::BTreeSet<String> = results
            .iter()
            .map(|r| r["partialFingerprints"]["studiolink/v1"].to_string())
            .collect();
        assert!(
            prints.len() * 20 > results.len() * 19,
            "nearly each has a fingerprint of its own"
        );

        let junit = out(&run("junit"));
        let document = cases(&junit);
        assert_eq!(document.len(), checks.len(), "{name}");
        for ((case, _), check) in document.iter().zip(&checks) {
            assert!(case.starts_with(check), "{case}");
        }
        let failed = document
            .iter()
            .filter(|(_, kind)| kind == "failure")
            .count();
        let verdicts = texts(&whole, "/verdict");
        let bad = verdicts
            .iter()
            .filter(|v| matches!(**v, "fail" | "warn"))
            .count();
        assert_eq!(failed, bad, "{name}");

        let ticket = out(&run("markdown"));
        assert_eq!(ticket.matches("\n- **").count(), checks.len(), "{name}");
        let html = out(&run("html"));
        assert_eq!(
            html.matches("<article class=\"finding\"").count(),
            checks.len()
        );
        for outside in ["http-equiv", "src=", "@import", "url(http", "href=\"http"] {
            assert!(
                !html.contains(outside),
                "nothing is loaded from elsewhere: {outside}"
            );
        }
        let plain = |text: &str| {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
        };
        let (ticket, html) = (plain(&ticket), plain(&html));
        for message in messages
            .iter()
            .filter(|m| !m.contains(['<', '>', '&', '"']))
        {
            assert!(ticket.contains(&plain(message)), "{message}");
            assert!(html.contains(&plain(message)), "{message}");
        }
        for form in [&junit, &out(&run("html")), &out(&run("markdown"))] {
            let bad = |c: char| c.is_control() && c != '\n';
            assert!(!form.chars().any(bad), "{name}: a control character");
        }
    }
}

/// Each case's name, and what it came to, as an XML parser of another kind reads them.
fn cases(xml: &str) -> Vec<(String, String)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut all: Vec<(String, String)> = Vec::new();
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(e) | Event::Empty(e) => {
                let name = String::from_utf8_lossy(e.name().as_ref()).into_owned();
                if name == "testcase" {
                    let own = e.attributes().flatten().find(|a| a.key.as_ref() == b"name");
                    let own = own.unwrap().unescape_value().unwrap().into_owned();
                    all.push((own, String::new()));
                } else if matches!(name.as_str(), "failure" | "error" | "skipped") {
                    all.last_mut().unwrap().1 = name;
                }
            }
            Event::Eof => return all,
            _ => {}
        }
    }
}

#[test]
fn what_the_studio_file_leaves_aside_does_not_count_and_is_still_told() {
    let place = Place::new();
    place.set_up("");
    let before = audit(&place, &["--format", "json"]);
    let whole = json(&before);
    let bad: Vec<&Value> = whole["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["verdict"] == "warn" || f["verdict"] == "fail")
        .collect();
    if bad.is_empty() {
        assert_eq!(code(&before), 0);
    }
    let mut marks = String::new();
    for finding in &bad {
        let (check, subject, code) = (
            &finding["check"],
            &finding["subject"]["id"],
            &finding["code"],
        );
        let _ = write!(
            marks,
            "[[ignore]]\ncheck = {check}\nsubject = {subject}\ncode = {code}\nreason = \"known\"\nexpires = 2999-01-01\n"
        );
    }
    let only = texts(&whole, "/verdict")
        .iter()
        .position(|v| *v == "worker-only");
    let by_hand = &whole["findings"][only.unwrap()];
    let _ = write!(
        marks,
        "[[confirmed]]\ncheck = {}\nsubject = {}\nby = \"Mia\"\non = 2026-11-30\n",
        by_hand["check"], by_hand["subject"]["id"]
    );
    let file = place.file("f.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n{marks}")).unwrap();
    let after = audit(&place, &["--format", "json"]);
    assert_eq!(code(&after), 0, "{}{}", out(&after), err(&after));
    let after = json(&after);
    let ignored = texts(&after, "/verdict")
        .iter()
        .filter(|v| **v == "ignored")
        .count();
    assert_eq!(ignored, bad.len());
    assert!(texts(&after, "/verdict").contains(&"confirmed"));
    assert!(!texts(&after, "/check").contains(&"studio-file-marks"));

    // A setup keeps what stands there.
    let again = place.run(&[&["setup", "--yes"][..], &KEPT].concat());
    assert!(code(&again) <= 1, "{}", err(&again));
    assert!(fs::read_to_string(&file).unwrap().contains("by = \"Mia\""));
}

#[test]
fn a_mark_that_holds_no_more_is_a_finding_and_a_wrong_one_is_refused() {
    let place = Place::new();
    place.set_up(
        "[[ignore]]\ncheck = \"addon-queue\"\nreason = \"old\"\nexpires = \"2026-01-01\"\n\
         [[ignore]]\ncheck = \"queue-status\"\ncode = \"no-such-code\"\nreason = \"typo\"\n",
    );
    let told = audit(&place, &[]);
    assert_eq!(code(&told), 1);
    let said = out(&told);
    assert!(
        said.contains("has expired, on 2026-01-01") && said.contains("fits nothing that was found"),
        "{said}"
    );
    let file = place.file("f.toml");
    let text = fs::read_to_string(&file).unwrap();
    for (wrong, says) in [
        (
            "[[ignore]]\ncheck = \"adon-queue\"\nreason = \"x\"\n",
            "did you mean addon-queue?",
        ),
        ("[[ignore]]\ncheck = \"addon-queue\"\n", "has no `reason`"),
        (
            "[[ignore]]\ncheck = \"addon-queue\"\nreason = \"x\"\nexpires = \"soon\"\n",
            "`expires` is not a date",
        ),
        (
            "[[confirmed]]\ncheck = \"addon-queue\"\nby = \"Mia\"\n",
            "`on` is missing",
        ),
        (
            "[[confirmed]]\ncheck = \"addon-queue\"\nby = \"Mia\"\non = 2026-11-30\nsubjekt = \"x\"\n",
            "did you mean `subject`?",
        ),
        ("[confirmed]\ncheck = \"addon-queue\"\n", "[[confirmed]]"),
    ] {
        fs::write(&file, format!("{text}\n{wrong}")).unwrap();
        let refused = audit(&place, &[]);
        assert_eq!(code(&refused), 2, "{wrong}: {}", out(&refused));
        assert!(err(&refused).contains(says), "{wrong}: {}", err(&refused));
    }
}

#[test]
fn a_file_of_marks_alone_is_enough_for_an_audit_of_what_flags_name() {
    let place = Place::new();
    let marks = "schema = 1\n[[ignore]]\ncheck = \"addon-queue\"\nreason = \"x\"\n";
    fs::write(place.file("f.toml"), marks).unwrap();
    let without = audit(&place, &[]);
    assert_eq!(code(&without), 2);
    assert!(
        err(&without).contains("names no queue") && err(&without).contains("--farm"),
        "{}",
        err(&without)
    );
    let farm = format!("farm-{:032x}", 1);
    let queue = format!("queue-{:032x}", 1);
    let named = audit(
        &place,
        &["--farm", &farm, "--queue", &queue, "--format", "json"],
    );
    let whole = json(&named);
    let checks = texts(&whole, "/check");
    assert!(checks.contains(&"queue-status") && checks.contains(&"queue-fleets"));
    // What it does not wish for is not taken for a wish.
    assert!(!checks.contains(&"queue-channels") && !checks.contains(&"conda-solve"));
    assert!(
        checks.contains(&"studio-file-marks"),
        "its one entry fits nothing: {checks:?}"
    );
    for command in ["plan", "setup", "apply", "diagram", "diagnose"] {
        let args: &[&str] = if matches!(command, "setup" | "apply") {
            &["--yes"]
        } else {
            &[]
        };
        let flags = [
            "--sandbox",
            "--studio",
            "f.toml",
            "--farm",
            &farm,
            "--queue",
            &queue,
        ];
        let refused = place.run(&[&[command], args, &flags].concat());
        assert_eq!(code(&refused), 2, "{command}: {}", out(&refused));
        assert!(
            err(&refused).contains("[[ignore]] and [[confirmed]] alone"),
            "{}",
            err(&refused)
        );
    }
}

#[test]
fn what_could_not_be_seen_is_hidden_by_no_mark_and_makes_none_useless() {
    let place = Place::new();
    place.set_up(
        "[[ignore]]\ncheck = \"queue-fleets\"\nreason = \"x\"\n[[ignore]]\ncheck = \"fleet-status\"\nreason = \"x\"\n",
    );
    place.deny("deadline:ListQueueFleetAssociations");
    let all = audit(&place, &[]);
    assert_eq!(code(&all), 3, "{}", out(&all));
    assert!(
        !out(&all).contains("IGNORED") && !out(&all).contains("fits nothing"),
        "{}",
        out(&all)
    );
    let only = audit(&place, &["--only", "fleet-status"]);
    assert_eq!(code(&only), 3, "{}", out(&only));
    place.deny("deadline:GetQueue");
    let only = audit(&place, &["--only", "queue-role", "--format", "json"]);
    assert_eq!(code(&only), 3, "{}", out(&only));
    assert!(texts(&json(&only), "/verdict").contains(&"unknown"));
    for (args, says) in [
        (
            &["--only", "queue-status", "--skip", "queue-status"][..],
            "leave no check",
        ),
        (&["--only", "caller-permissions"], "runs in setup alone"),
    ] {
        let refused = audit(&place, args);
        assert_eq!(code(&refused), 2);
        assert!(err(&refused).contains(says), "{}", err(&refused));
    }
}

#[test]
fn a_baseline_of_another_studio_or_of_what_was_left_aside_excuses_nothing() {
    let place = Place::new();
    let run = |args: &[&str]| place.run(&[args, &["--sandbox=hand-edited"]].concat());
    let base = json(&run(&["audit", "--format", "json"]));
    for (account, says) in [
        (Value::from("999999999999"), "is of account 999999999999"),
        (Value::Null, "names no account"),
    ] {
        let mut other = base.clone();
        other["account"] = account;
        fs::write(place.file("b.json"), other.to_string()).unwrap();
        let refused = run(&["audit", "--baseline", "b.json"]);
        assert_eq!(code(&refused), 2, "{}", out(&refused));
        assert!(err(&refused).contains(says), "{}", err(&refused));
    }
    let mut aside = base.clone();
    for finding in aside["findings"].as_array_mut().unwrap() {
        if finding["verdict"] == "fail" {
            finding["was"] = "fail".into();
            finding["verdict"] = "ignored".into();
        }
    }
    fs::write(place.file("b.json"), aside.to_string()).unwrap();
    assert_eq!(code(&run(&["audit", "--baseline", "b.json"])), 1);
    // Where what is wrong does not count, it is not called clean.
    fs::write(place.file("b.json"), base.to_string()).unwrap();
    let same = json(&run(&["audit", "--baseline", "b.json", "--format", "json"]));
    assert_eq!(same["exit"], 0);
    assert!(
        same["exit_means"].as_str().unwrap().contains("remain"),
        "{}",
        same["exit_means"]
    );
}

#[test]
fn a_file_name_and_a_fleets_name_start_nothing_of_their_own() {
    let place = Place::new();
    place.set_up("");
    let odd = "a b#c %.toml";
    fs::rename(place.file("f.toml"), place.file(odd)).unwrap();
    let state = place.file("s.json");
    let text = fs::read_to_string(&state).unwrap();
    let named = text.replace(
        "Publish, Linux",
        "@octo-org ~~x~~ &lt;b&gt; https://evil.example",
    );
    assert_ne!(named, text);
    fs::write(&state, named).unwrap();
    let run = |format: &str| {
        place.run(&[
            "audit",
            "--sandbox",
            "--sandbox-state",
            "s.json",
            "--studio",
            odd,
            "--format",
            format,
        ])
    };
    let sarif = json(&run("sarif"));
    let place_of = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        ["uri"];
    assert_eq!(place_of, "a%20b%23c%20%25.toml");
    let ticket = out(&run("markdown"));
    for live in ["@octo", " ~~x", "https://evil", " &lt;b"] {
        assert!(!ticket.contains(live), "{live}");
    }
    let html = out(&run("html"));
    assert!(html.contains("&amp;lt;b&amp;gt;"), "an entity is text");
}

#[test]
fn beside_a_baseline_only_what_is_new_or_worse_counts() {
    let place = Place::new();
    let scenario = ["--sandbox=hand-edited", "--sandbox-state", "s.json"];
    let run = |args: &[&str]| place.run(&[args, &scenario].concat());
    let first = run(&["audit", "--format", "json"]);
    assert_eq!(code(&first), 1);
    fs::write(place.file("base.json"), &first.stdout).unwrap();
    let same = run(&["audit", "--baseline", "base.json"]);
    assert_eq!(code(&same), 0, "{}", out(&same));
    assert!(
        !out(&same).contains("since the baseline: new"),
        "{}",
        out(&same)
    );

    let done = run(&["setup", "--yes", "--studio", "f.toml"]);
    assert!(code(&done) <= 1, "{}", err(&done));
    let after = run(&[
        "audit",
        "--studio",
        "f.toml",
        "--baseline",
        "base.json",
        "--format",
        "json",
    ]);
    let whole = json(&after);
    let fixed = whole["baseline"]["fixed"].as_array().unwrap();
    let better = texts(&whole, "/since")
        .iter()
        .filter(|s| **s == "better")
        .count();
    assert!(fixed.len() + better > 0, "{whole}");

    // And back: what was fixed is new again.
    fs::write(place.file("good.json"), &after.stdout).unwrap();
    let back = run(&["rollback", "--yes"]);
    assert!(code(&back) <= 1, "{}", err(&back));
    let worse = run(&["audit", "--studio", "f.toml", "--baseline", "good.json"]);
    assert_eq!(code(&worse), 1, "{}", out(&worse));
    assert!(
        out(&worse).contains("since the baseline: worse")
            || out(&worse).contains("since the baseline: new"),
        "{}",
        out(&worse)
    );

    // As CI hands it over: a pipe, which can be read once.
    let script = "\"$STUDIOLINK\" audit --sandbox=hand-edited --baseline <(cat base.json)";
    let piped = std::process::Command::new("bash")
        .args(["-c", script])
        .env("STUDIOLINK", env!("CARGO_BIN_EXE_studiolink"))
        .env("HOME", place.0.path())
        .current_dir(place.0.path())
        .output()
        .unwrap();
    assert_eq!(code(&piped), 0, "{}", err(&piped));

    for (text, says) in [("{}", "not a report"), ("no", "not JSON")] {
        fs::write(place.file("bad.json"), text).unwrap();
        let refused = run(&["audit", "--baseline", "bad.json"]);
        assert_eq!(code(&refused), 2);
        assert!(err(&refused).contains(says), "{}", err(&refused));
    }
    assert_eq!(code(&run(&["audit", "--baseline", "none.json"])), 2);
}

#[test]
fn some_checks_can_be_run_alone_or_left_out() {
    let place = Place::new();
    let run = |more: &[&str]| {
        place.run(
            &[
                &["audit", "--sandbox=wrong-trust", "--format", "json"],
                more,
            ]
            .concat(),
        )
    };
    let only = run(&["--only", "queue-role-trust,queue-fleets"]);
    assert_eq!(code(&only), 1);
    let whole = json(&only);
    let checks: std::collections::BTreeSet<&str> = texts(&whole, "/check").into_iter().collect();
    assert_eq!(
        checks.into_iter().collect::<Vec<_>>(),
        ["queue-fleets", "queue-role-trust"]
    );
    let without = run(&["--skip", "queue-role-trust"]);
    assert!(!texts(&json(&without), "/check").contains(&"queue-role-trust"));
    let wrong = run(&["--only", "queue-role-trsut"]);
    assert_eq!(code(&wrong), 2);
    assert!(
        err(&wrong).contains("did you mean queue-role-trust?"),
        "{}",
        err(&wrong)
    );
    let warned = place.run(&[
        "audit",
        "--sandbox=strange-names",
        "--fail-on",
        "fail",
        "--format",
        "json",
    ]);
    let fails = texts(&json(&warned), "/verdict").contains(&"fail");
    assert_eq!(code(&warned) == 1, fails);
    for command in ["plan", "setup", "runs", "diagram"] {
        let refused = place.run(&[command, "--sandbox", "--format", "sarif"]);
        assert_eq!(code(&refused), 2);
        assert!(
            err(&refused).contains("does not print sarif"),
            "{}",
            err(&refused)
        );
    }
}

#[test]
fn each_check_has_its_page_and_the_folder_has_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks");
    let mut pages: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut ids: Vec<String> = checks::ALL.iter().map(|c| format!("{}.md", c.id)).collect();
    ids.sort();
    assert_eq!(pages, ids, "run `studiolink checks --write docs/checks`");
    for check in checks::ALL {
        let page = fs::read_to_string(folder.join(format!("{}.md", check.id))).unwrap();
        let says = report::checks::page(check);
        assert_eq!(page, says, "run `studiolink checks --write docs/checks`");
    }
    assert!(checks::ALL.len() >= 70);
}

//! The built binary on the sandbox: what it prints, what it writes, and its exit codes.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studiolink"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear();
        command
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

const LEAST: &str = "schema = 1\n[queue]\nfarm = \"farm-00000000000000000000000000000001\"\nqueue = \"queue-00000000000000000000000000000001\"\n[conda]\nchannels = [\"deadline-cloud\", \"s3://ynput-conda-channel/ayon\"]\n[server]\nurl = \"https://ayon.example.com\"\n";

#[test]
fn setup_on_the_sandbox_ends_well_and_writes_nothing() {
    let place = Place::new();
    let done = place.run(&["setup", "--sandbox", "--yes"]);
    assert_eq!(code(&done), 0, "{}{}", out(&done), err(&done));
    let bad = |l: &&str| {
        ["FAIL", "WARN", "UNKNOWN", "SKIPPED"]
            .iter()
            .any(|w| l.trim_start().starts_with(w))
    };
    let text = out(&done);
    let wrong: Vec<&str> = text.lines().filter(bad).collect();
    assert!(
        wrong.is_empty(),
        "every check is OK or WORKER ONLY: {wrong:?}"
    );
    assert_eq!(place.files(), [""; 0], "the sandbox writes nothing");
}

#[test]
fn the_sandbox_is_kept_between_commands() {
    let place = Place::new();
    let with =
        |args: &[&str]| place.run(&[args, &["--sandbox", "--sandbox-state", "s.json"]].concat());
    assert_eq!(code(&with(&["plan"])), 10);
    assert_eq!(code(&with(&["setup", "--yes"])), 0);
    let plan = with(&["plan"]);
    assert_eq!((code(&plan), out(&plan).trim()), (0, "nothing to change"));
    assert_eq!(code(&with(&["audit"])), 0);
    let runs = out(&with(&["runs"]));
    let run = runs.split_whitespace().next().unwrap();
    assert!(out(&with(&["runs", run])).starts_with("# studiolink run"));
    assert_eq!(code(&with(&["rollback"])), 2, "without --yes it only shows");
    assert_eq!(code(&with(&["plan"])), 0);
    assert_eq!(code(&with(&["rollback", run, "--yes"])), 0);
    assert_eq!(code(&with(&["plan"])), 10);
    assert_eq!(
        code(&with(&["rollback", "--yes"])),
        0,
        "nothing is left to undo"
    );
    assert_eq!(code(&with(&["rollback", run, "--yes"])), 0);
    assert_eq!(code(&with(&["rollback", run])), 0, "undone already");
    assert_eq!(place.files(), ["s.json"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(place.folder.path().join("s.json"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

/// What is done to a part of a saved plan.
type Edit = fn(&mut Value);

#[test]
fn a_plan_that_was_cut_edited_or_is_another_versions_is_refused_whole() {
    let place = Place::new();
    let with =
        |args: &[&str]| place.run(&[args, &["--sandbox", "--sandbox-state", "s.json"]].concat());
    assert_eq!(code(&with(&["plan", "--out", "p.json"])), 10);
    let read = |name: &str| std::fs::read(place.folder.path().join(name)).unwrap();
    let plan = read("p.json");
    place.write("cut.json", &plan[..plan.len() / 2]);
    let refused = with(&["apply", "cut.json", "--yes"]);
    assert_eq!(code(&refused), 2, "{}", err(&refused));
    let change = "/plan/changes/1";
    let edits: [(&str, &str, Edit); 13] = [
        ("", "version 99", |v| v["schema"] = 99.into()),
        ("", "no schema", |v| {
            drop(v.as_object_mut().unwrap().remove("schema"))
        }),
        ("", "more", |v| v["more"] = 1.into()),
        ("/config", "no queue", |v| {
            v["queues"] = Value::Array(Vec::new())
        }),
        (change, "kind unheard-of", |v| {
            v["resource"] = serde_json::json!({"unheard-of": {}})
        }),
        (change, "which does not come before it", |v| {
            v["needs"] = serde_json::json!(["x"])
        }),
        (change, "in it twice", |v| {
            v["id"] = "studiolink-queue/FjordlysQueueRole".into()
        }),
        (change, "`after`", |v| {
            drop(v.as_object_mut().unwrap().remove("after"))
        }),
        (change, "`before`", |v| {
            drop(v.as_object_mut().unwrap().remove("before"))
        }),
        (change, "`needs`", |v| {
            drop(v.as_object_mut().unwrap().remove("needs"))
        }),
        (
            "/plan/changes/0/resource/inline-policy",
            "no policy but its own",
            |v| v["policy"] = "Other".into(),
        ),
        ("/plan/changes/0/resource/inline-policy", "more", |v| {
            v["more"] = 1.into()
        }),
        (change, "aftre", |v| v["aftre"] = Value::Null),
    ];
    for (at, says, edit) in edits {
        let mut value: Value = serde_json::from_slice(&plan).unwrap();
        edit(value.pointer_mut(at).unwrap());
        if says == "in it twice" {
            value["plan"]["changes"][1]["needs"] = Value::Array(Vec::new());
        }
        place.write("edited.json", value.to_string());
        let refused = with(&["apply", "edited.json", "--yes"]);
        let said = err(&refused);
        assert_eq!(code(&refused), 2, "{says}: {said}");
        assert!(
            said.contains(says) && said.contains("  fix   "),
            "{says}: {said}"
        );
    }
    let kept = place.files();
    assert!(!kept.contains(&"s.json".to_owned()), "nothing was applied");
    assert_eq!(code(&with(&["apply", "p.json", "--yes"])), 0);
}

#[test]
fn every_place_that_lists_exit_codes_lists_the_same() {
    let place = Place::new();
    let help = out(&place.run(&["--help"]));
    let man = out(&place.run(&["man"]));
    let readme = include_str!("../README.md");
    let order: Vec<String> = [130, 4, 2, 1, 3, 10]
        .iter()
        .map(ToString::to_string)
        .collect();
    for exit in studiolink::domain::exit::Exit::ALL {
        let (code, words) = (exit.code(), exit.words());
        assert!(
            readme.contains(&format!("| {code} | {words} |")),
            "README: {code}"
        );
        assert!(
            help.contains(&format!("  {code:<4} {words}")),
            "--help: {code}"
        );
        assert!(man.contains(words), "man: {code}");
    }
    for (place, text) in [("README", readme), ("--help", &help), ("man", &man)] {
        assert!(text.contains(&order.join(", ")), "{place}: precedence");
    }
}

#[test]
fn a_studio_file_is_read_or_written_where_it_is_named() {
    let place = Place::new();
    let done = place.run(&["setup", "--sandbox", "--yes", "--studio", "new.toml"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert_eq!(place.files(), ["new.toml"]);
    let again = place.run(&["setup", "--sandbox", "--yes", "--studio", "new.toml"]);
    assert_eq!(code(&again), 0);
    place.write("least.toml", LEAST);
    let done = place.run(&["setup", "--sandbox", "--yes", "--studio", "least.toml"]);
    assert_eq!(code(&done), 0, "{}", out(&done));
    assert_eq!(
        std::fs::read_to_string(place.folder.path().join("least.toml")).unwrap(),
        LEAST,
        "what was read is not written anew"
    );
}

#[test]
fn a_failure_is_a_document_where_one_was_asked_for() {
    let place = Place::new();
    place.write("bad.toml", "schema = 1\n[queue]\nfarm = \"x\"\n");
    for (args, exit) in [
        (&["plan", "--format", "json", "--sandbox=nowhere"][..], 2),
        (&["plan", "--format", "json", "--studio", "bad.toml"], 2),
        (&["plan", "--format", "json", "--nonsense"], 2),
        (&["audit", "--format=json", "--studio", "none.toml"], 2),
        (&["setup", "--partial", "--format", "json"], 2),
        (
            &[
                "apply",
                "none.json",
                "--yes",
                "--format",
                "json",
                "--sandbox",
            ],
            2,
        ),
        (&["runs", "2020-01-01-none", "--format", "json"], 2),
    ] {
        let done = place.run(args);
        assert_eq!(code(&done), exit, "{args:?}: {}", err(&done));
        let text = out(&done);
        let document: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"));
        assert_eq!(
            (&document["kind"], &document["exit"]),
            (&"error".into(), &exit.into()),
            "{args:?}"
        );
        assert!(
            document["error"]["what"]
                .as_str()
                .is_some_and(|w| w.len() > 5),
            "{text}"
        );
        assert!(!err(&done).is_empty(), "people read stderr");
    }
}

#[test]
fn scenarios_exit_as_they_should() {
    let place = Place::new();
    for (name, setup, plan, audit) in [
        ("mixed-fleets", 0, 10, 1),
        ("hand-edited", 0, 10, 1),
        ("no-environment", 0, 10, 1),
        ("two-environments", 1, 1, 1),
        ("wrong-trust", 0, 10, 1),
        ("addon-overrides", 0, 10, 1),
        ("wrong-pin", 1, 10, 1),
        ("foreign-channel", 1, 10, 1),
        ("few-permissions", 4, 10, 1),
        ("strange-names", 0, 10, 1),
    ] {
        let flag = format!("--sandbox={name}");
        let one = |args: &[&str]| place.run(&[args, &[flag.as_str()]].concat());
        let create: &[&str] = if name == "no-environment" {
            // Unasked, none is made.
            let done = one(&["setup", "--yes"]);
            assert_eq!(code(&done), 1, "{}", out(&done));
            assert!(
                out(&done).contains("--create-environment"),
                "{}",
                out(&done)
            );
            &["--create-environment"]
        } else {
            &[]
        };
        let done = one(&[&["setup", "--yes"], create].concat());
        assert_eq!(code(&done), setup, "{name}: {}{}", out(&done), err(&done));
        assert_eq!(
            (
                code(&one(&[&["plan"], create].concat())),
                code(&one(&["audit"]))
            ),
            (plan, audit),
            "{name}"
        );
        let all = out(&done) + &err(&done);
        assert!(
            !all.chars().any(|c| c.is_control() && c != '\n'),
            "{name}: a control character was printed"
        );
    }
}

#[test]
fn json_is_one_document_with_evidence() {
    let place = Place::new();
    for command in [&["audit"][..], &["plan"], &["setup", "--yes"]] {
        let output = place.run(&[command, &["--sandbox", "--format", "json"]].concat());
        let value: Value = serde_json::from_str(&out(&output))
            .unwrap_or_else(|e| panic!("{command:?}: {e}: {}", out(&output)));
        assert_eq!(
            (value["schema"].as_u64(), value["exit"].as_i64()),
            (Some(2), Some(code(&output).into()))
        );
        if let Some(findings) = value["findings"].as_array() {
            let identity = findings
                .iter()
                .find(|f| f["check"] == "caller-identity")
                .unwrap();
            let call = &identity["evidence"][0]["calls"][0];
            assert_eq!(call["operation"], "GetCallerIdentity");
            assert_eq!(identity["verdict"], "ok");
            assert_eq!(identity["subject"]["kind"], "account");
        }
    }
    let list: Value =
        serde_json::from_str(&out(&place.run(&["sandbox", "list", "--format", "json"]))).unwrap();
    assert!(list["scenarios"].as_array().unwrap().len() >= 10);
}

#[test]
fn usage_errors_exit_2_and_say_how() {
    let place = Place::new();
    place.write("bad.toml", LEAST.replace("schema = 1", "schema = 7"));
    place.write("binary.toml", b"\x7fELF\x00\x01");
    place.write("empty.toml", "");
    for (args, part) in [
        (&["audit"][..], "There is no studio file studiolink.toml"),
        (&["setup", "--yes"], "try --sandbox"),
        (&["plan", "--farm", "farm-1"], "is not a farm id"),
        (&["plan", "--region", "mars"], "is not a region"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["setup", "--yes", "--plain"], "cannot be used with"),
        (
            &["plan", "--studio", "bad.toml"],
            "line 1, column 10: the file has schema 7",
        ),
        (
            &["plan", "--sandbox", "--studio", "binary.toml"],
            "binary file",
        ),
        (&["plan", "--studio", "empty.toml"], "is empty"),
        (&["plan", "--sandbox-state", "s.json"], "add --sandbox"),
        (&["apply", "--sandbox"], "add --yes"),
        (
            &["apply", "nothing.json", "--yes", "--sandbox"],
            "There is no plan",
        ),
    ] {
        let output = place.run(args);
        assert_eq!(code(&output), 2, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part), "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "", "talk is no data");
    }
    let output = place.run(&["plan", "--sandbox=nowhere"]);
    assert!(
        code(&output) != 0 && err(&output).contains("built in are studio"),
        "{}",
        err(&output)
    );
}

#[test]
fn what_can_not_be_checked_exits_3_and_says_why() {
    let place = Place::new();
    place.write("studiolink.toml", LEAST);
    let output = place.run(&["audit"]);
    assert_eq!(code(&output), 3);
    assert!(
        err(&output).contains("No AWS region is set"),
        "{}",
        err(&output)
    );
    let output = place.run(&["audit", "--region", "us-west-2", "--profile", "nobody"]);
    assert_eq!(code(&output), 3);
    assert!(
        err(&output).contains("There is no AWS profile \"nobody\""),
        "{}",
        err(&output)
    );
    // A port that nobody listens on: refused at once, on loopback.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let endpoint = format!("http://127.0.0.1:{closed}");
    let mut command =
        place.command(&["plan", "--region", "us-west-2", "--endpoint-url", &endpoint]);
    command
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("CONDA_CHANNEL_ALIAS", &endpoint);
    let output = command.output().unwrap();
    assert_eq!(code(&output), 3, "{}", out(&output));
    assert!(
        out(&output).contains("the plan may be incomplete")
            && out(&output).contains("was not reached"),
        "{}",
        out(&output)
    );
    assert!(!out(&output).contains("nothing to change"));
}

#[test]
fn the_region_that_wins_is_said() {
    let place = Place::new();
    place.write(
        "studiolink.toml",
        LEAST.replace("[queue]", "[aws]\nregion = \"eu-central-1\"\n[queue]"),
    );
    let mut command = place.command(&["plan", "--profile", "nobody"]);
    let output = command.env("AWS_REGION", "us-west-2").output().unwrap();
    assert!(
        err(&output).contains(
            "the studio file says region eu-central-1; AWS_REGION says us-west-2, and wins"
        ),
        "{}",
        err(&output)
    );
}

#[test]
fn plain_questions_walk_to_the_end_and_an_ended_input_changes_nothing() {
    use std::io::Write as _;
    let place = Place::new();
    let answer = |answers: &str, state: &str| {
        let mut child = place
            .command(&["setup", "--plain", "--sandbox", "--sandbox-state", state])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(answers.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let walked = answer(
        "next\nnext\nnext\nnext\nnext\n99\nbogus\napply all\nno\napply all\nyes\nfinish\n",
        "a.json",
    );
    assert_eq!(code(&walked), 0, "{}", out(&walked));
    assert!(
        out(&walked).contains("DONE: PutRolePolicy") && out(&walked).contains("There is no 99"),
        "{}",
        out(&walked)
    );
    let ended = answer("next\nnext\n", "b.json");
    assert_eq!(code(&ended), 130);
    assert!(out(&ended).contains("nothing was changed"));
    assert!(!place.files().contains(&"b.json".to_owned()));
}

#[test]
fn completions_and_the_man_page_come_from_the_same_definitions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(
            out(&place.run(&["completions", shell])).contains("rollback"),
            "{shell}"
        );
    }
    assert!(out(&place.run(&["man"])).contains(".TH studiolink"));
    let help = out(&place.run(&["--help"]));
    for word in [
        "setup",
        "plan",
        "apply",
        "audit",
        "rollback",
        "runs",
        "--sandbox-state",
        "3    could not check everything",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = place
        .command(&["audit", "--sandbox", "-v"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "the audit's own code, not a panic");
}

#[test]
fn no_machine_path_is_in_what_is_kept() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stack = vec![root.join("src"), root.join("tests"), root.join("assets")];
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            for word in [concat!("/wo", "rk/"), concat!("/ro", "ot/")] {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn init_writes_a_file_that_plan_takes_and_never_writes_over_one() {
    let place = Place::new();
    let args = [
        "init",
        "--sandbox",
        "--studio",
        "s.toml",
        "--server",
        "https://ayon.example.com",
    ];
    let done = place.run(&args);
    assert_eq!(code(&done), 0, "{}", err(&done));
    let written = std::fs::read_to_string(place.folder.path().join("s.toml")).unwrap();
    let order = "[\"deadline-cloud-v2\", \"deadline-cloud\", \"s3://ynput-conda-channel/ayon\", \"conda-forge\"]";
    assert!(written.contains(order), "{written}");
    let planned = place.run(&["plan", "--sandbox", "--studio", "s.toml"]);
    assert_eq!(code(&planned), 10, "{}", err(&planned));
    let again = place.run(&args);
    assert_eq!(code(&again), 2);
    assert!(
        err(&again).contains("does not write over"),
        "{}",
        err(&again)
    );
    let many = place.run(&["init", "--sandbox=many-queues", "--studio", "m.toml"]);
    assert_eq!(code(&many), 2);
    assert!(
        err(&many).contains("name one with --queue"),
        "{}",
        err(&many)
    );
    assert!(!place.folder.path().join("m.toml").exists());
}

#[test]
fn a_run_is_carried_over_whole_or_not_at_all() {
    let place = Place::new();
    let here = ["--sandbox", "--sandbox-state", "here.json"];
    let there = ["--sandbox", "--sandbox-state", "there.json"];
    let with = |command: &[&str], state: &[&str]| place.run(&[command, state].concat());
    let done = with(&["setup", "--yes"], &here);
    assert_eq!(code(&done), 0, "{}", err(&done));
    let listed = out(&with(&["runs", "--format", "json"], &here));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id = listed["runs"][0]["run"]["id"].as_str().unwrap().to_owned();
    let sent = with(&["runs", &id, "--export", "run.jsonl"], &here);
    assert_eq!(code(&sent), 0, "{}", err(&sent));
    let taken = with(&["runs", "--import", "run.jsonl"], &there);
    assert_eq!(code(&taken), 0, "{}", err(&taken));
    assert!(out(&with(&["runs"], &there)).contains(&id));
    assert_eq!(code(&with(&["runs", "--import", "run.jsonl"], &there)), 2);
    let text = std::fs::read_to_string(place.folder.path().join("run.jsonl")).unwrap();
    for (name, broken) in [
        ("cut.jsonl", text[..text.len() - 20].to_owned()),
        ("other.jsonl", "{\"a\":1}\n".to_owned()),
        ("empty.jsonl", String::new()),
    ] {
        place.write(name, broken);
        let refused = with(&["runs", "--import", name], &there);
        assert_eq!(code(&refused), 2, "{name}: {}", err(&refused));
    }
}

#[test]
fn two_runs_on_one_sandbox_are_refused() {
    let place = Place::new();
    let mut first = place
        .command(&["setup", "--plain", "--sandbox", "--sandbox-state", "s.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Its first word shows that it has begun.
    let mut word = [0; 1];
    std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut word).unwrap();
    let second = place.run(&["audit", "--sandbox", "--sandbox-state", "s.json"]);
    assert_eq!(code(&second), 2);
    assert!(
        err(&second).contains("Another studiolink is using s.json"),
        "{}",
        err(&second)
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let after = place.run(&["audit", "--sandbox", "--sandbox-state", "s.json"]);
    assert_ne!(code(&after), 2, "{}", err(&after));
}

#[test]
fn nothing_is_begun_where_the_studio_file_could_not_be_written() {
    let place = Place::new();
    place.write("a-file", "");
    let done = place.run(&["setup", "--yes", "--sandbox", "--studio", "a-file/s.toml"]);
    assert_eq!(code(&done), 2, "{}", err(&done));
    assert!(!out(&done).contains("change 1"), "{}", out(&done));
    let planned = place.run(&["plan", "--sandbox", "--out", "a-file/p.json"]);
    assert_eq!(code(&planned), 2, "{}", err(&planned));
}

#[test]
fn a_page_of_each_command_and_its_examples() {
    let place = Place::new();
    let whole = out(&place.run(&["man"]));
    for part in [
        "FILES",
        "ENVIRONMENT",
        "EXAMPLES",
        "AYON_ADMIN_USER",
        "EXIT STATUS",
    ] {
        assert!(whole.contains(part), "{part}");
    }
    for name in [
        "setup", "plan", "apply", "audit", "rollback", "runs", "policy", "init",
    ] {
        let page = out(&place.run(&["man", name]));
        assert!(
            page.contains(".SH EXAMPLES") && page.contains(&format!("studiolink {name}")),
            "{name}"
        );
        let help = out(&place.run(&[name, "--help"]));
        assert!(help.contains("Examples:"), "{name}");
    }
    assert_eq!(code(&place.run(&["man", "nothing"])), 2);
}

/// Answers whatever is asked as AWS does when the token of a session has expired, in the form of each protocol.
fn expired_cloud() -> String {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut length, mut is_query, mut line) = (0, false, String::new());
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    let lower = line.to_lowercase();
                    if let Some(n) = lower.strip_prefix("content-length:") {
                        length = n.trim().parse().unwrap();
                    }
                    is_query |= lower.contains("x-www-form-urlencoded");
                    line.clear();
                }
                let mut sent = vec![0; length];
                let _ = reader.read_exact(&mut sent);
                let said = "The security token included in the request is expired";
                let (kind, body) = if is_query {
                    let error = format!(
                        "<Type>Sender</Type><Code>ExpiredToken</Code><Message>{said}</Message>"
                    );
                    (
                        "text/xml",
                        format!(
                            "<ErrorResponse><Error>{error}</Error><RequestId>0a1b</RequestId></ErrorResponse>"
                        ),
                    )
                } else {
                    ("application/json", format!("{{\"message\":\"{said}\"}}"))
                };
                let head = format!(
                    "HTTP/1.1 403 Forbidden\r\ncontent-type: {kind}\r\nx-amzn-errortype: ExpiredTokenException\r\n"
                );
                let rest = format!(
                    "content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let mut stream = stream;
                let _ = stream.write_all((head + &rest).as_bytes());
            });
        }
    });
    url
}

#[test]
fn expired_credentials_are_said_once() {
    let place = Place::new();
    place.write("studiolink.toml", LEAST);
    let url = expired_cloud();
    // The audit goes on with what needs no credentials: the server's name does not resolve.
    for (command, exit) in [
        (&["audit"][..], 1),
        (&["plan"], 3),
        (&["setup", "--yes"], 3),
    ] {
        let mut command = place.command(command);
        command
            .args(["--region", "us-west-2", "--endpoint-url", &url])
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "x")
            .env("AWS_SESSION_TOKEN", "x")
            .env("CONDA_CHANNEL_ALIAS", &url);
        let output = command.output().unwrap();
        let whole = out(&output) + &err(&output);
        assert_eq!(code(&output), exit, "{whole}");
        assert_eq!(whole.matches("have expired").count(), 1, "{whole}");
        assert_eq!(whole.matches("aws sso login").count(), 1, "{whole}");
    }
}

/// Between plan and apply the role's trust went elsewhere: nobody can read anything as that role.
#[test]
fn a_channel_is_held_back_where_nobody_can_assume_the_queue_role() {
    let place = Place::new();
    let planned = place.run(&["plan", "--sandbox", "--out", "p.json"]);
    assert_eq!(code(&planned), 10, "{}", err(&planned));
    let other = ["--sandbox=wrong-trust", "--sandbox-state", "state.json"];
    let of = |command: &[&'static str]| place.run(&[command, &other].concat());
    let applied = of(&["apply", "p.json", "--yes"]);
    let whole = out(&applied) + &err(&applied);
    assert_eq!(code(&applied), 1, "{whole}");
    assert!(
        whole.contains("HELD BACK  UpdateQueueEnvironment"),
        "{whole}"
    );
    assert!(
        whole.contains("does not let Deadline Cloud assume it"),
        "{whole}"
    );
    assert!(!whole.contains("DONE  UpdateQueueEnvironment"), "{whole}");
    // Setup repairs the trust first, sees the role read, and then adds the channel.
    let set_up = of(&["setup", "--yes"]);
    let whole = out(&set_up) + &err(&set_up);
    assert!(whole.contains("DONE  UpdateQueueEnvironment"), "{whole}");
}

/// The sandbox's worker sees what the sandbox's queue gives it: no key before setup has made the environment.
#[test]
fn a_probe_of_the_sandbox_is_told_as_such_and_asks_before_it_starts_a_worker() {
    let place = Place::new();
    let refused = place.run(&["probe", "--sandbox"]);
    assert_eq!(code(&refused), 2);
    assert!(err(&refused).contains("which is billed"));
    let done = place.run(&["probe", "--sandbox=no-key", "--yes"]);
    let (text, said) = (out(&done), err(&done));
    assert_eq!(code(&done), 1, "{text}{said}");
    assert!(
        said.contains("nothing that follows was seen on AWS"),
        "{said}"
    );
    assert!(text.contains("seen from the worker"), "{text}");
    assert!(text.contains("AYON_SERVER_URL is not set"), "{text}");
    let well = place.run(&["probe", "--sandbox", "--yes"]);
    assert_eq!(code(&well), 0, "{}{}", out(&well), err(&well));
}

//! Channels on this machine's disk and from a server of forty lines: what is there, what is missing, what is broken,
//! and what the solver says of it. No AWS, no peer. `tests/peer/test_conda.py` holds the same beside py-rattler.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::collections::HashMap;
use std::path::Path;

use studiolink::domain::call::Vantage;
use studiolink::domain::conda_solve::{
    CondaSolve, Engine, Outcome, Platform, Priority, Reason, SolveReport, SubdirState,
};
use studiolink::world::conda::{Lent, Names, progress::Downloads, read_and_solve};
use studiolink::world::{CallLog, Record};
use wiremock::ResponseTemplate;

mod web;

use web::Web;

fn index(subdir: &str, packages: &[(&str, &str, &[&str])]) -> String {
    let rows: serde_json::Map<String, serde_json::Value> = packages
        .iter()
        .map(|(name, version, depends)| {
            let row = serde_json::json!({
                "name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
                "subdir": subdir, "size": 1_000, "timestamp": 1_780_000_000_000_u64,
            });
            (format!("{name}-{version}-0.conda"), row)
        })
        .collect();
    serde_json::json!({ "info": { "subdir": subdir }, "packages": {}, "packages.conda": rows })
        .to_string()
}

fn write(folder: &Path, subdir: &str, text: &str) {
    let folder = folder.join(subdir);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("repodata.json"), text).unwrap();
}

struct Ran {
    report: SolveReport,
    log: CallLog,
}

async fn run(cache: &Path, channels: &[&str], packages: &[&str]) -> Ran {
    let log = CallLog::default();
    let question = CondaSolve {
        channels: channels.iter().map(|c| c.parse().unwrap()).collect(),
        packages: packages.iter().map(|p| (*p).to_owned()).collect(),
        platforms: vec![Platform::Linux64],
        engine: Engine::Rattler,
        priorities: vec![Priority::Strict],
        publishing: vec![Platform::Linux64],
        for_addon: false,
        unpinned: None,
    };
    let lent = Lent {
        vantage: Vantage::Here,
        sign: None,
        names: Names::default(),
        cache: cache.join("cache"),
        downloads: Downloads::default(),
    };
    let report = read_and_solve(&Record::new(&log), lent, &question).await;
    Ran {
        report: report.unwrap(),
        log,
    }
}

impl Ran {
    fn state(&self, channel: usize, subdir: &str) -> &SubdirState {
        let rows = self.report.channels[channel].subdirs.as_ref().unwrap();
        &rows.iter().find(|r| r.subdir == subdir).unwrap().state
    }

    fn found(&self) -> Vec<String> {
        match &self.report.solves[0].outcome {
            Outcome::Found(list) => list
                .iter()
                .map(|r| format!("{} {} {}", r.name, r.version.raw(), r.channel))
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}

/// Status, a header, body.
type Reply = (u16, Option<(&'static str, String)>, Vec<u8>);
type Answers = HashMap<String, Reply>;

fn serve(answers: Answers) -> (String, Web) {
    let server = web::serve(move |request| {
        let Some((status, header, body)) = answers.get(request.url.path()) else {
            return ResponseTemplate::new(404);
        };
        let answer = ResponseTemplate::new(*status).set_body_bytes(body.clone());
        match header {
            Some((name, value)) => answer.insert_header(*name, value.as_str()),
            None => answer,
        }
    });
    (server.url.clone(), server)
}

fn plain(path: &str, body: impl Into<Vec<u8>>) -> (String, Reply) {
    (path.to_owned(), (200, None, body.into()))
}

#[tokio::test]
async fn a_channel_on_the_disk_is_read_counted_and_solved() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("channel");
    write(
        &at,
        "noarch",
        &index("noarch", &[("ayon-publish", "1.9.5", &["python >=3.9"])]),
    );
    write(
        &at,
        "linux-64",
        &index(
            "linux-64",
            &[("python", "3.12.1", &[]), ("python", "3.8.1", &[])],
        ),
    );
    let channel = format!("file://{}", at.display());
    let ran = run(folder.path(), &[&channel], &["ayon-publish==1.9.5"]).await;
    assert_eq!(ran.found(), ["ayon-publish 1.9.5 0", "python 3.12.1 0"]);
    let rows = ran.report.channels[0].subdirs.as_ref().unwrap();
    let linux = rows.iter().find(|r| r.subdir == "linux-64").unwrap();
    assert_eq!((linux.names, linux.packages), (1, Some(2)));
    assert_eq!(linux.newest.unwrap().to_string(), "2026-05-28T20:26:40Z");
    assert_eq!(ran.log.total(), 0, "a disk is no call");
}

#[tokio::test]
async fn missing_is_not_empty_and_only_noarch_may_not_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (bare, empty) = (folder.path().join("bare"), folder.path().join("empty"));
    write(
        &bare,
        "linux-64",
        &index("linux-64", &[("ayon-launcher", "1.6.1", &[])]),
    );
    write(&empty, "noarch", &index("noarch", &[]));
    let channels = [
        format!("file://{}", bare.display()),
        format!("file://{}", empty.display()),
    ];
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    let ran = run(folder.path(), &channels, &["ayon-launcher"]).await;
    assert_eq!(*ran.state(0, "noarch"), SubdirState::Missing);
    assert_eq!(*ran.state(0, "linux-64"), SubdirState::Present);
    assert_eq!(*ran.state(1, "noarch"), SubdirState::Empty);
    assert_eq!(*ran.state(1, "linux-64"), SubdirState::Missing);
    let stops = ran.report.channels[0].obstacle(Platform::Linux64).unwrap();
    assert_eq!(stops.subdir, "noarch");
    assert!(ran.report.channels[1].obstacle(Platform::Linux64).is_none());
    // The channel that stops conda is not solved with: what it holds is not claimed.
    assert!(matches!(ran.report.solves[0].outcome, Outcome::NotFound(_)));
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart_and_hides_no_other_channel() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good");
    write(&good, "noarch", &index("noarch", &[]));
    write(
        &good,
        "linux-64",
        &index("linux-64", &[("ayon-launcher", "1.6.1", &[])]),
    );
    let good = format!("file://{}", good.display());
    let whole = index("linux-64", &[("ayon-launcher", "1.6.1", &[])]);
    let cut = whole[..whole.len() - 9].to_owned();
    let cases: Vec<(&str, u16, Option<&str>, String)> = vec![
        ("forbidden", 403, None, String::new()),
        ("cut", 200, None, cut),
        ("page", 200, None, "<html>sign in</html>".to_owned()),
        ("types", 200, None, "{\"packages\": 7}".to_owned()),
        (
            "away",
            302,
            Some("http://127.0.0.2:9/?X-Amz-Signature=hunter2"),
            String::new(),
        ),
        ("fault", 500, None, String::new()),
    ];
    let mut answers = Answers::new();
    for (name, status, away, body) in &cases {
        answers.insert(
            format!("/{name}/linux-64/repodata.json"),
            (
                *status,
                away.map(|to| ("location", to.to_owned())),
                body.clone().into_bytes(),
            ),
        );
        answers.extend([plain(
            &format!("/{name}/noarch/repodata.json"),
            index("noarch", &[]),
        )]);
    }
    let (url, _server) = serve(answers);
    for (name, ..) in &cases {
        let bad = format!("{url}/{name}");
        let ran = run(folder.path(), &[&bad, &good], &["ayon-launcher==1.6.1"]).await;
        let state = ran.state(0, "linux-64");
        let right = match *name {
            "forbidden" => *state == SubdirState::Forbidden(403),
            "cut" | "page" | "types" => matches!(state, SubdirState::Unparsable(_)),
            "away" => {
                matches!(state, SubdirState::Redirected(to) if !to.as_str().contains("hunter2"))
            }
            _ => matches!(state, SubdirState::Unreached(why) if why.as_str().contains("500")),
        };
        assert!(right, "{name}: {state:?}");
        assert_eq!(ran.found(), ["ayon-launcher 1.6.1 1"], "{name}");
    }
}

#[tokio::test]
async fn the_cache_is_asked_whether_it_still_holds_and_every_request_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let tag = Some(("etag", "\"one\"".to_owned()));
    let body = index("linux-64", &[("ayon-launcher", "1.6.1", &[])]);
    let answers = Answers::from([
        (
            "/c/linux-64/repodata.json".to_owned(),
            (200, tag.clone(), body.into_bytes()),
        ),
        (
            "/c/noarch/repodata.json".to_owned(),
            (200, tag, index("noarch", &[]).into_bytes()),
        ),
    ]);
    let (url, seen) = serve(answers);
    let channel = format!("{url}/c");
    for _ in 0..2 {
        let before = seen.asked().len();
        let ran = run(folder.path(), &[&channel], &["ayon-launcher"]).await;
        assert_eq!(ran.found(), ["ayon-launcher 1.6.1 0"]);
        let asked = seen.lines()[before..].to_vec();
        assert_eq!(ran.log.total(), asked.len(), "{asked:?}");
        let gets = asked
            .iter()
            .filter(|a| a.ends_with("GET /c/linux-64/repodata.json"));
        assert_eq!(
            gets.count(),
            1,
            "asked each time, never taken unseen: {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_name_for_another_platform_is_found_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("channel");
    write(&at, "noarch", &index("noarch", &[]));
    write(
        &at,
        "win-64",
        &index("win-64", &[("ayon-launcher", "1.6.1", &[])]),
    );
    let channel = format!("file://{}", at.display());
    let ran = run(folder.path(), &[&channel], &["ayon-launcher"]).await;
    let Outcome::NotFound(reasons) = &ran.report.solves[0].outcome else {
        panic!("{:?}", ran.report.solves)
    };
    assert!(
        matches!(&reasons[0], Reason::NoName { elsewhere, .. } if *elsewhere == [(0, "win-64".to_owned())]),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn what_is_no_package_is_not_asked_of_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(
        folder.path(),
        &["https://127.0.0.1:9/c"],
        &["ayon-launcher=="],
    )
    .await;
    assert!(
        matches!(&ran.report.solves[0].outcome, Outcome::NotTried(why) if why.as_str().contains("ayon-launcher=="))
    );
    assert_eq!(ran.log.total(), 0);
}

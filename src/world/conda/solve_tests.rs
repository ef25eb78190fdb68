use super::*;

/// `name version [dependency, …]`, of a channel and folder.
fn record(channel: usize, subdir: &str, line: &str) -> Arc<RepoDataRecord> {
    let mut words = line.splitn(3, ' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let depends: Vec<&str> = words
        .next()
        .map(|d| d.split(", ").collect())
        .unwrap_or_default();
    let depends: Vec<String> = depends.into_iter().map(str::to_owned).collect();
    made(channel, subdir, name, version, &depends, Some(1_000)).unwrap()
}

fn channels(lists: &[&[&str]]) -> Vec<Records> {
    let of = |(channel, lines): (usize, &&[&str])| Records {
        channel,
        records: lines
            .iter()
            .map(|l| record(channel, "linux-64", l))
            .collect(),
    };
    lists.iter().enumerate().map(of).collect()
}

fn outcome(lists: &[&[&str]], packages: &[&str], priority: Priority) -> Outcome {
    outcome_of(lists, packages, priority, Engine::Rattler)
}

fn outcome_of(lists: &[&[&str]], packages: &[&str], priority: Priority, engine: Engine) -> Outcome {
    let packages: Vec<String> = packages.iter().map(|p| (*p).to_owned()).collect();
    let read = channels(lists);
    let specs = specs(&packages).unwrap();
    let cancel = CancellationToken::new();
    solve(
        &read,
        &read,
        &specs,
        (Platform::Linux64, priority, engine),
        &cancel,
    )
    .outcome
}

fn found(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Found(list) => list
            .iter()
            .map(|r| format!("{} {} c{}", r.name, r.version.raw(), r.channel))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn reason(outcome: Outcome) -> Reason {
    match outcome {
        Outcome::NotFound(mut list) => list.remove(0),
        other => panic!("{other:?}"),
    }
}

const AYON: &[&str] = &[
    "ayon-publish 1.0 python >=3.9",
    "ayon-launcher 1.6.0",
    "ayon-launcher 1.6.1",
];
const FORGE: &[&str] = &["python 3.11.4", "python 3.12.1", "ayon-launcher 0.1"];

#[test]
fn the_list_names_version_and_channel() {
    let both = outcome(
        &[AYON, FORGE],
        &["ayon-publish", "ayon-launcher==1.6.1"],
        Priority::Strict,
    );
    assert_eq!(
        found(&both),
        [
            "ayon-launcher 1.6.1 c0",
            "ayon-publish 1.0 c0",
            "python 3.12.1 c1"
        ]
    );
}

#[test]
fn a_name_that_no_channel_has_is_named_with_who_needs_it() {
    match reason(outcome(&[AYON], &["ayon-publish"], Priority::Strict)) {
        Reason::NoName {
            name,
            spec,
            wanted_by,
            ..
        } => {
            assert_eq!((name.as_str(), spec.as_str()), ("python", "python >=3.9"));
            assert_eq!(wanted_by.as_deref(), Some("ayon-publish 1.0"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_version_that_is_not_there_names_the_nearest() {
    let lines = &[
        "ayon-launcher 1.5.0",
        "ayon-launcher 1.6.0",
        "ayon-launcher 1.6.3",
        "ayon-launcher 1.7.0",
        "ayon-launcher 2.0",
    ];
    match reason(outcome(
        &[lines],
        &["ayon-launcher==1.6.1"],
        Priority::Strict,
    )) {
        Reason::NoVersion {
            nearest,
            wanted_by: None,
            ..
        } => {
            let near: Vec<&str> = nearest.iter().map(|(v, _)| v.raw()).collect();
            assert_eq!(near, ["1.7.0", "1.6.3", "1.6.0"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn strict_priority_shadows_what_is_needed_and_the_others_do_not() {
    let old: &[&str] = &["python 3.8.5"];
    match reason(outcome(
        &[old, AYON, FORGE],
        &["ayon-publish"],
        Priority::Strict,
    )) {
        Reason::Shadowed {
            by: 0,
            there: 2,
            name,
            ..
        } => assert_eq!(name, "python"),
        other => panic!("{other:?}"),
    }
    for priority in [Priority::Flexible, Priority::Disabled] {
        let seen = outcome(&[old, AYON, FORGE], &["ayon-publish"], priority);
        assert_eq!(found(&seen), ["ayon-publish 1.0 c1", "python 3.12.1 c2"]);
    }
}

#[test]
fn what_is_asked_for_itself_is_not_shadowed_by_versions_that_do_not_fit() {
    for priority in Priority::ALL {
        let seen = outcome(&[FORGE, AYON], &["ayon-launcher==1.6.1"], *priority);
        assert_eq!(found(&seen), ["ayon-launcher 1.6.1 c1"], "{priority:?}");
    }
    // Without a pin the first channel that has one wins, or the best of all.
    let loose = |p| found(&outcome(&[FORGE, AYON], &["ayon-launcher"], p));
    assert_eq!(loose(Priority::Strict), ["ayon-launcher 0.1 c0"]);
    assert_eq!(loose(Priority::Flexible), ["ayon-launcher 0.1 c0"]);
    assert_eq!(loose(Priority::Disabled), ["ayon-launcher 1.6.1 c1"]);
}

#[test]
fn what_the_worker_lacks_is_the_workers() {
    let lines = &["ayon-launcher 1.0 __glibc >=2.99"];
    match reason(outcome(&[lines], &["ayon-launcher"], Priority::Strict)) {
        Reason::Worker { name, .. } => assert_eq!(name, "__glibc"),
        other => panic!("{other:?}"),
    }
    let lines = &["ayon-launcher 1.0 __glibc >=2.17"];
    assert_eq!(
        found(&outcome(&[lines], &["ayon-launcher"], Priority::Strict)),
        ["ayon-launcher 1.0 c0"]
    );
}

#[test]
fn what_does_not_go_together_is_said_in_the_solvers_words() {
    let lines = &["a 1 c 1.*", "b 1 c 2.*", "c 1.0", "c 2.0"];
    match reason(outcome(&[lines], &["a", "b"], Priority::Strict)) {
        Reason::Conflict(words) => assert!(words.as_str().contains('c'), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_circle_ends() {
    let lines = &["a 1 b", "b 1 a, nothing"];
    match reason(outcome(&[lines], &["a"], Priority::Strict)) {
        Reason::NoName {
            name, wanted_by, ..
        } => {
            assert_eq!(
                (name.as_str(), wanted_by.as_deref()),
                ("nothing", Some("b 1"))
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_package_is_refused_by_name() {
    for bad in ["ayon-launcher==", "*", ">=3", "a[version"] {
        assert!(specs(&[bad.to_owned()]).is_err(), "{bad}");
    }
}

#[test]
fn conda_itself_hides_a_later_channel_by_the_name_alone() {
    let asked = &["ayon-launcher==1.6.1"];
    let strict = outcome_of(&[FORGE, AYON], asked, Priority::Strict, Engine::Conda);
    match reason(strict) {
        Reason::Shadowed {
            by: 0, there: 1, ..
        } => {}
        other => panic!("{other:?}"),
    }
    let flexible = outcome_of(&[FORGE, AYON], asked, Priority::Flexible, Engine::Conda);
    assert_eq!(found(&flexible), ["ayon-launcher 1.6.1 c1"]);
}

#[test]
fn a_chain_without_end_is_left_to_the_solvers_words() {
    let lines: Vec<String> = (0..400).map(|n| format!("p{n} 1 p{}", n + 1)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    match reason(outcome(&[&lines], &["p0"], Priority::Strict)) {
        Reason::Conflict(words) => assert!(!words.as_str().is_empty()),
        other => panic!("{other:?}"),
    }
}

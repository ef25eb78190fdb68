//! What each role needs: every combination of choices against readable tables of what is needed and what is not, which
//! an evaluator of somebody else's judges too (tests/peer/test_needs.py).
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::collections::BTreeSet;

use serde_json::json;

use studiolink::domain::choices::{Choices, RoleUse, Tunnel};
use studiolink::domain::needs::{INLINE_LIMIT, Need, counted};
use studiolink::domain::policy::{Context, Decision, Policy, decide};
use studiolink::domain::worker_secret::SecretPlace;

/// A block of a table.
struct Block {
    roles: Vec<String>,
    when: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    context: Context,
}

fn table(text: &str) -> Vec<Block> {
    let of = |block: &str, word: &str| -> Vec<String> {
        let line = block.lines().find_map(|l| l.strip_prefix(word));
        let words = line.unwrap_or_default().split_whitespace();
        words.map(str::to_owned).collect()
    };
    let blocks = text.split("\n\n").filter(|b| b.contains("\ndo "));
    let read = |block: &str| {
        let mut context = Context::from([("aws:securetransport".to_owned(), "true".to_owned())]);
        // What a request is not said to carry, it does not carry.
        for key in [
            "s3:DataAccessPointArn",
            "s3:AccessPointNetworkOrigin",
            "kms:ViaService",
            "aws:CalledVia",
            "aws:userid",
        ] {
            context.insert(key.to_lowercase(), String::new());
        }
        for pair in of(block, "with") {
            let (key, value) = pair.split_once('=').unwrap();
            context.insert(key.to_lowercase(), value.to_owned());
        }
        Block {
            roles: of(block, "for"),
            when: of(block, "when"),
            actions: of(block, "do"),
            resources: of(block, "on"),
            context,
        }
    };
    let blocks: Vec<Block> = blocks.map(|b| read(&format!("\n{b}"))).collect();
    assert!(
        blocks
            .iter()
            .all(|b| !b.roles.is_empty() && !b.resources.is_empty())
    );
    blocks
}

/// The names of the choices that a combination makes.
type Made = BTreeSet<&'static str>;

fn choices(made: &Made) -> Choices {
    let has = |name: &str| made.contains(name);
    let mut channels = Vec::new();
    for (name, channel) in [
        ("alias", "deadline-cloud"),
        ("ynput", "s3://ynput-conda-channel/ayon"),
        ("own", "s3://studio-own/conda"),
    ] {
        if has(name) {
            channels.push(channel.parse().unwrap());
        }
    }
    let key = |name: &str, arn: &str| has(name).then(|| arn.to_owned());
    Choices {
        partition: "aws".to_owned(),
        region: "us-west-2".parse().unwrap(),
        account: "123456789012".to_owned(),
        farm: "farm-00000000000000000000000000000001".parse().unwrap(),
        channels,
        owners: has("owner")
            .then(|| {
                (
                    "ynput-conda-channel".to_owned(),
                    "210987654321".parse().unwrap(),
                )
            })
            .into_iter()
            .collect(),
        channel_key: key(
            "channel-key",
            "arn:aws:kms:us-west-2:210987654321:key/0a1b2c3d-channel",
        ),
        secret: has("secret").then(|| SecretPlace {
            id: "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key-AbCdEf".to_owned(),
            key: key(
                "secret-key",
                "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d-secret",
            ),
        }),
        tunnel: match (has("tunnel"), has("tunnel-host")) {
            (true, _) => Some(Tunnel {
                instance: "i-0123456789abcdef0".to_owned(),
                host: None,
                port: None,
            }),
            (_, true) => Some(Tunnel {
                instance: "mi-0123456789abcdef0".to_owned(),
                host: Some("ayon.lan".to_owned()),
                port: None,
            }),
            _ => None,
        },
        session_key: key(
            "session-key",
            "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d-session",
        ),
        attachments: has("attachments")
            .then(|| {
                (
                    "nordlicht-attachments".to_owned(),
                    "DeadlineCloud".to_owned(),
                )
            })
            .into_iter()
            .collect(),
        farm_key: key(
            "farm-key",
            "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d-farm",
        ),
        fleets: vec![
            "fleet-00000000000000000000000000000001".parse().unwrap(),
            "fleet-00000000000000000000000000000002".parse().unwrap(),
        ],
        own_fleets: vec!["fleet-00000000000000000000000000000002".parse().unwrap()],
    }
}

/// Every combination that a studio file can hold.
fn combinations() -> Vec<Made> {
    let mut all: Vec<Made> = vec![Made::new()];
    for options in [
        vec![
            vec!["alias"],
            vec!["alias", "ynput"],
            vec!["ynput", "own"],
            vec!["alias", "ynput", "own"],
        ],
        vec![vec![], vec!["owner"]],
        vec![vec![], vec!["channel-key"]],
        vec![vec![], vec!["secret"], vec!["secret", "secret-key"]],
        vec![
            vec![],
            vec!["tunnel"],
            vec!["tunnel-host"],
            vec!["tunnel", "session-key"],
        ],
        vec![vec![], vec!["attachments"]],
        vec![vec![], vec!["farm-key"]],
    ] {
        let join = |m: &Made| -> Vec<Made> {
            let one = |o: &Vec<&'static str>| m.iter().copied().chain(o.iter().copied()).collect();
            options.iter().map(one).collect()
        };
        all = all.iter().flat_map(join).collect();
    }
    // A bucket's owner and key are only named where there is a bucket.
    all.retain(|m| m.contains("ynput") || (!m.contains("owner") && !m.contains("channel-key")));
    all
}

fn document(needs: &[Need]) -> (String, Policy) {
    let statements: Vec<_> = needs.iter().map(Need::statement).collect();
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(&text).unwrap();
    (text, policy)
}

#[test]
fn everything_needed_is_allowed_and_two_hundred_things_not_needed_are_not() {
    let needed = table(include_str!("roles/needed.txt"));
    let not_needed = table(include_str!("roles/not-needed.txt"));
    let pairs: usize = not_needed
        .iter()
        .map(|b| b.actions.len() * b.resources.len())
        .sum();
    assert!(pairs >= 200, "{pairs}");
    let all = combinations();
    assert_eq!(all.len(), 48 * (1 + 3 * 4), "every combination once");
    for made in all {
        let choices = choices(&made);
        for (of, name) in [
            (RoleUse::Queue, "queue"),
            (RoleUse::Fleet, "fleet"),
            (RoleUse::WorkerHost, "worker-host"),
        ] {
            let needs = choices.needs(of);
            let (text, policy) = document(&needs);
            assert!(counted(&text) < INLINE_LIMIT, "{made:?}");
            let mut sids: Vec<&String> = needs.iter().map(|n| &n.sid).collect();
            sids.sort();
            sids.dedup();
            assert_eq!(
                sids.len(),
                needs.len(),
                "Sids are unique in a document: {made:?}"
            );
            let judge = |block: &Block, wanted: bool| {
                for action in &block.actions {
                    for resource in &block.resources {
                        let is = decide([&policy], action, resource, &block.context);
                        let want = if wanted {
                            Decision::Allowed
                        } else {
                            Decision::NotAllowed
                        };
                        // An object is no bucket: a pair that no service knows is neither here nor there.
                        let no_pair =
                            wanted && action == "s3:ListBucket" && resource.contains("/object/");
                        assert!(
                            is == want || no_pair,
                            "{name} {made:?}: {action} on {resource} is {is:?}"
                        );
                    }
                }
            };
            for block in needed.iter().filter(|b| b.roles.iter().any(|r| r == name)) {
                let chosen = block
                    .when
                    .iter()
                    .any(|w| w == "always" || made.contains(w.as_str()));
                if chosen {
                    judge(block, true);
                }
            }
            for block in not_needed
                .iter()
                .filter(|b| b.roles.iter().any(|r| r == name))
            {
                judge(block, false);
            }
            // Each need is met by the document that the needs make, with its own examples.
            for need in &needs {
                assert_eq!(
                    need.met_by([&policy]),
                    Decision::Allowed,
                    "{made:?}: {}",
                    need.sid
                );
                for m in &need.examples {
                    let is = decide([&policy], &m.action, &m.resource, &m.context);
                    assert_eq!(is, Decision::Allowed, "{made:?}: {}", m.words());
                }
            }
        }
    }
}

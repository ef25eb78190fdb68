//! The secret that the studio file names exists, is not about to be deleted, and holds a value.

use super::prelude::*;
use crate::domain::fact::Fact;
use crate::domain::time::day_and_clock;
use crate::questions::{Part, SecretDetails};

pub(super) const CHECK: Check = Check {
    id: "worker-secret",
    title: "The secret with the workers' AYON key exists",
    why: "every session of the queue reads the key from it, and a secret that waits for its deletion hands out nothing",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Account(check),
};

fn check(view: &View) -> Vec<Finding> {
    let Some(place) = &view.config(Part::Secret).secret else {
        return Vec::new();
    };
    let (name, question) = (place.name(), SecretDetails(place.clone()));
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let finding = match fact {
        Fact::Absent => Finding::fail("missing", format!("There is no secret {name}"))
            .why(CHECK.why)
            .fix(Fix::setup("creates it where [server] secret is a name, and gives it the key that is held here")),
        Fact::Known(secret) => match (secret.deleted, &secret.current) {
            (Some(since), _) => {
                let since = day_and_clock(since);
                Finding::fail("deleted", format!("Secret {name} waits for its deletion since {since}"))
                    .why(CHECK.why)
                    .fix(format!("aws secretsmanager restore-secret --secret-id {name}"))
            }
            (None, None) => Finding::fail("empty", format!("Secret {name} holds no value"))
                .why(CHECK.why)
                .fix(Fix::setup("puts the key that is held here into it")),
            (None, Some(_)) => {
                let key = match (&secret.key, &place.key) {
                    (Some(there), Some(named)) if there.raw() != named => Some(there.long()),
                    (Some(there), None) if !there.raw().ends_with("alias/aws/secretsmanager") => {
                        Some(there.long())
                    }
                    _ => None,
                };
                match key {
                    Some(key) => Finding::warn(
                        "other-key",
                        format!("Secret {name} is encrypted with {key}, which the studio file does not say"),
                    )
                    .why("the queue role needs kms:Decrypt on that key, and setup gives it only what the studio file names")
                    .fix(format!("write secret_key = \"{key}\" next to [server] secret, as the key's whole ARN")),
                    None => Finding::ok(format!("Secret {name} exists and holds a value")),
                }
            }
        },
        _ => {
            let finding = Finding::unread(&format!("the secret {name}"), fact);
            return with_evidence(finding, evidence);
        }
    };
    vec![finding.from(evidence)]
}

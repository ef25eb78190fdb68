//! What the account asks of every session of Systems Manager: encryption by a KMS key, and when a session ends.

use url::Url;

use super::prelude::*;
use crate::derived::connections::tunnel;
use crate::domain::node::IDLE;
use crate::questions::SessionSettings;

pub const CHECK: Check = Check {
    id: "tunnel-settings",
    title: "The account's session preferences suit a tunnel",
    why: "sessions that are encrypted with a KMS key need a right to it at both ends, and one that ends early drops the connection",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, _: &Url) -> Vec<Finding> {
    if tunnel(view).is_none() {
        return Vec::new(); // tunnel-as-queue-role says that none is named
    }
    let fact = view.fact(&SessionSettings);
    let evidence = view.evidence(&SessionSettings);
    let Some(settings) = fact.known() else {
        return with_evidence(
            Finding::unread("the account's session preferences", fact),
            evidence,
        );
    };
    let idle = settings.idle.unwrap_or(IDLE);
    let longest = match settings.longest {
        Some(minutes) => format!(", and in any case after {minutes} minutes"),
        None => String::new(),
    };
    let ends = format!("A session ends after {idle} minutes without traffic{longest}");
    let finding = match &settings.key {
        Some(key) => {
            let line = format!("Sessions are encrypted with the KMS key {}", key.long());
            let alias = key.raw().contains("alias/");
            let fix = if alias {
                "a policy names no alias: give the queue role kms:GenerateDataKey on the key itself, or write the key's ARN into Session Manager's preferences; or take the key out there, which counts for every session of the account"
            } else {
                "see what tunnel-permissions says of the key; or take the key out of Session Manager's preferences, which counts for every session of the account"
            };
            Finding::warn("kms-key", line)
                .why(format!("the queue role and the machine's role both need the key, and the program at the worker's end must answer the challenge, as AWS's plugin does; {ends}"))
                .fix(fix)
        }
        None if idle < IDLE => Finding::warn("idle", ends)
            .why("publishing can be quiet for long: the tunnel would close in the middle of a job")
            .fix("raise the idle timeout in Session Manager's preferences to 20 minutes or more"),
        None => Finding::ok(ends),
    };
    vec![finding.from(evidence)]
}

//! The resource configuration is shared with Deadline Cloud, and the share is whole.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{AssociationState, Share};
use crate::questions::LatticeShares;

pub const CHECK: Check = Check {
    id: "lattice-share",
    title: "The resource configuration is shared with Deadline Cloud",
    why: "a fleet can use a configuration only while a share with fleets.deadline.amazonaws.com is active",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

const SHARE: &str = "share it in Resource Access Manager with the service principal fleets.deadline.amazonaws.com, your \
    account as the source, and external principals allowed";

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some((_, fact)) = configuration(view, key) else {
        return Vec::new(); // lattice-attachment says why
    };
    let Some(it) = fact.known() else {
        return Vec::new(); // lattice-configuration says why
    };
    let question = LatticeShares(it.arn.raw().to_owned());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(shares) = fact.known() else {
        return with_evidence(
            Finding::unread("the shares of the resource configuration", fact),
            evidence,
        );
    };
    let name = it.name.show();
    // One whole share is enough, whatever the others are.
    let judged = shares.iter().filter(|s| s.is_with_deadline());
    let judged = judged.map(|s| judge(s, it.arn.raw()));
    let best = judged.min_by_key(|f| std::cmp::Reverse(f.verdict));
    let finding = best.unwrap_or_else(|| {
        let line = format!("{name} is not shared with Deadline Cloud");
        let why = if shares.is_empty() {
            "it is in no share".to_owned()
        } else {
            format!("its share {} has another principal", shares[0].name.show())
        };
        Finding::fail("not-shared", line).why(why).fix(SHARE)
    });
    vec![finding.from(evidence)]
}

fn judge(share: &Share, configuration: &str) -> Finding {
    let name = share.name.show();
    if let Some(broken) = share.open(configuration) {
        let line = format!(
            "The share {name} is {}, so Deadline Cloud can't use it",
            broken.state.word()
        );
        let why = broken.words();
        if let AssociationState::Unknown(_) = broken.state {
            return Finding::unknown("association", line)
                .why(why)
                .fix("look at the share in Resource Access Manager");
        }
        if broken.is_coming() {
            return Finding::warn("not-associated", line)
                .why(why)
                .fix("wait a minute, then check again");
        }
        return Finding::fail("not-associated", line).why(why).fix(
            "`studiolink plan` shows what is to be associated again, `studiolink setup` does it",
        );
    }
    if !share.is_active() {
        let line = format!("The share {name} is {}", share.status.show());
        return Finding::fail("not-active", line)
            .why(CHECK.why)
            .fix("a share that stays PENDING or FAILED is to be made again");
    }
    if share.has_source() {
        return Finding::ok(format!(
            "The share {name} with Deadline Cloud is ACTIVE, its associations are ASSOCIATED"
        ));
    }
    Finding::warn("no-source", format!("The share {name} with Deadline Cloud names no source"))
        .why("without your account as its source, the service could be led to use it for another account")
        .fix("add your account as a source of the share")
}

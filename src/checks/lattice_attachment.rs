//! The fleet's workers get the resource configuration by which they reach the AYON server.

use super::prelude::*;
use crate::derived::lattice::{Which, attached, name, which};
use crate::derived::lattice_wanted::{Lack, wanted};
use crate::domain::ids::FleetKey;
use crate::questions::{FleetDetails, LatticeConfiguration, LatticeQuota, Part};

pub const CHECK: Check = Check {
    id: "lattice-attachment",
    title: "The fleet uses the resource configuration that leads to AYON",
    why: "only workers of a fleet that has it attached can resolve and reach its name",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

const ATTACH: &str = "attach it to the fleet in the console (VPC resource endpoints), or with UpdateFleet: its \
    configuration is replaced as a whole, so send back everything that GetFleet answers";

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some(which) = which(view, key) else {
        return Vec::new();
    };
    let evidence = view.evidence(&FleetDetails(key.clone()));
    let finding = match which {
        Which::One { id, attached: true } => {
            let question = LatticeConfiguration(id.clone());
            let fact = view.fact(&question);
            let is_named = view.config(Part::Server).lattice.configuration.is_some();
            // Unread, it may lead anywhere; unless the studio file says that it is AYON's.
            if fact.known().is_none() && !is_named {
                let what = format!("whether {id}, which the fleet uses, leads to AYON");
                return with_evidence(Finding::unread(&what, fact), view.evidence(&question));
            }
            let line = format!("Uses the resource configuration {}", name(view, &id));
            Finding::ok(line).why(
                "workers that were running before keep their old configuration until they scale in",
            )
        }
        Which::One {
            id,
            attached: false,
        } => return vec![missing(view, key, Some(&id)).from(evidence)],
        Which::None => return vec![missing(view, key, None).from(evidence)],
        Which::Several(ids) => {
            let line = format!(
                "Uses {} resource configurations, and nothing says which one is AYON's",
                ids.len()
            );
            Finding::unknown("several", line)
                .fix("write configuration = \"rcfg-…\" into [lattice] of the studio file")
        }
    };
    vec![finding.from(evidence)]
}

/// Setup attaches what exists, and makes what the studio file says enough of.
fn attach(view: &View) -> Fix {
    let choices = &view.config(Part::Server).lattice;
    if choices.configuration.is_some() || choices.target.is_some() {
        return Fix::setup("makes what is missing, and has the fleet use it");
    }
    format!("write target = \"ADDRESS\" of your load balancer or proxy in the VPC into [lattice] of the studio file, and setup makes the way to it; or {ATTACH}").into()
}

fn missing(view: &View, key: &FleetKey, id: Option<&str>) -> Finding {
    let taken = attached(view, key).unwrap_or_default();
    if taken.is_empty() {
        let line = match id {
            Some(id) => format!("Does not use the resource configuration {}", name(view, id)),
            None => "Uses no resource configuration".to_owned(),
        };
        let finding = Finding::fail("not-attached", line);
        // What setup can't put right is said where it is to be corrected.
        return match wanted(view, key) {
            Some(Err(Lack::Refused(why))) => finding
                .why(why)
                .fix("correct [lattice] in the studio file, or on the Server step"),
            _ => finding.why(CHECK.why).fix(attach(view)),
        };
    }
    for other in &taken {
        view.fact(&LatticeConfiguration(other.clone()));
    }
    let names: Vec<String> = taken.iter().map(|id| name(view, id).to_string()).collect();
    let names = names.join(", ");
    let what = id.map_or_else(|| "AYON's".to_owned(), |id| name(view, id).to_string());
    let quota = view.fact(&LatticeQuota);
    let room = match quota.known() {
        Some(most) if taken.len() < *most as usize => {
            return Finding::fail("not-attached", format!("Uses {names}, and not {what}"))
                .why(format!("the quota L-9F7AA0C8 lets a fleet use {most}"))
                .fix(attach(view));
        }
        Some(most) => {
            format!("the quota L-9F7AA0C8 lets a fleet use {most}, and it is taken by {names}")
        }
        None => {
            format!("it uses {names}; the quota L-9F7AA0C8 (1 unless raised) could not be read")
        }
    };
    Finding::fail("slot-taken", format!("Uses {names}, and not {what}"))
        .why(room)
        .fix("ask for more in Service Quotas (AWS Deadline Cloud, L-9F7AA0C8); or put AYON behind the same target, by a proxy or a GROUP; what is attached stays")
        .from(view.evidence(&LatticeQuota))
}

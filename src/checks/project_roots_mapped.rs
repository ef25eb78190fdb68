//! The roots of AYON's projects are where the storage profiles of the fleets that publish have them.

use std::collections::BTreeMap;

use url::Url;

use super::prelude::*;
use crate::derived::connections::publishing;
use crate::domain::ayon::platform;
use crate::domain::farm::Fleet;
use crate::domain::finding::Evidence;
use crate::domain::ids::{FarmId, QueueKey};
use crate::domain::storage::{StorageProfile as Profile, is_same_path};
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AyonProjects, Part, QueueDetails, StorageProfile};

pub(super) const CHECK: Check = Check {
    id: "project-roots-mapped",
    title: "AYON's project roots are where the storage profiles have them",
    why: "Deadline Cloud moves a job's files by the storage profiles, and AYON looks for them by its roots: where the two differ, \
        a publish step finds nothing, or writes where nobody looks",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

/// A fleet that publishes, with its profile and those that its queue lets submitters have.
struct OfFleet<'a> {
    name: Printable,
    fleet: &'a Fleet,
    profile: &'a Profile,
    submitters: Vec<&'a Profile>,
    evidence: Vec<Evidence>,
}

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let projects = AyonProjects(url.clone());
    let fact = view.fact(&projects);
    let mut findings = Vec::new();
    let mut fleets: BTreeMap<Printable, OfFleet> = BTreeMap::new();
    for queue in &view.config(Part::Queues).queues {
        for (key, fleet) in publishing(view, queue) {
            let Some(id) = &fleet.storage_profile else {
                continue; // where its hosts see the storage, no document says
            };
            let name = view.fleet_name(&key);
            let question = StorageProfile(key.farm.clone(), id.raw().to_owned());
            let found = view.fact(&question);
            let evidence = view.evidence(&question);
            let Some(profile) = found.known() else {
                let what = format!("the storage profile of fleet {name}");
                let unread = unread_or_gone(&what, found);
                findings.extend(unread.map(|f| f.about(name.to_string()).from(evidence)));
                continue;
            };
            let submitters = submitters(view, queue, id);
            fleets.entry(name.clone()).or_insert(OfFleet {
                name,
                fleet,
                profile,
                submitters,
                evidence: vec![evidence],
            });
        }
    }
    let Some(projects_read) = fact.known() else {
        return findings; // addon-queue says why
    };
    for of in fleets.values() {
        let Some(platform) = platform(&of.fleet.os) else {
            continue;
        };
        let before = findings.len();
        for project in &projects_read.read {
            for (root, paths) in &project.roots {
                let said = of_root(of, platform, paths).map(|finding| {
                    let root = Printable::short(root, 40);
                    (root, finding)
                });
                if let Some((root, Wrong { code, line, fix })) = said {
                    let project = project.name.show();
                    let line = format!("Root {root} of {project} {line}");
                    let finding = Finding::warn(code, line).why(CHECK.why).fix(fix);
                    let item = format!("{project}, {root}, {}", of.name);
                    findings.push(with(finding.about(item), of));
                }
            }
        }
        if findings.len() == before {
            let line = format!(
                "The roots of AYON's projects lie in storage profile {} of fleet {}",
                of.profile.name.show(),
                of.name
            );
            findings.push(with(Finding::ok(line).about(of.name.to_string()), of));
        }
    }
    let evidence = view.evidence(&projects);
    findings
        .into_iter()
        .map(|f| f.from(evidence.clone()))
        .collect()
}

fn with(finding: Finding, of: &OfFleet) -> Finding {
    let all = of.evidence.iter().cloned();
    all.fold(finding, Finding::from)
}

fn unread_or_gone(what: &str, fact: &crate::domain::fact::Fact<Profile>) -> Option<Finding> {
    if fact.is_absent() {
        return Some(
            Finding::warn("no-profile", format!("{} is not there", capitalized(what)))
                .why("the fleet names one that the farm does not have")
                .fix("give the fleet a storage profile of the farm, in the console"),
        );
    }
    Finding::unread(what, fact)
}

/// The other profiles that a job of the queue may be submitted with.
fn submitters<'a>(view: &View<'a>, queue: &QueueKey, own: &Untrusted) -> Vec<&'a Profile> {
    let details = view.fact(&QueueDetails(queue.clone())).known();
    let allowed = details.into_iter().flat_map(|q| &q.storage_profiles);
    let others = allowed.filter(|id| *id != own);
    let read = |id: &Untrusted| {
        let farm: FarmId = queue.farm.clone();
        let question = StorageProfile(farm, id.raw().to_owned());
        view.fact(&question).known()
    };
    others.filter_map(read).collect()
}

struct Wrong {
    code: &'static str,
    line: String,
    fix: String,
}

fn of_root(of: &OfFleet, own: &str, paths: &BTreeMap<String, String>) -> Option<Wrong> {
    let path = paths.get(own).filter(|p| !p.trim().is_empty())?; // project-roots says so
    let shown = Printable::short(path, 80);
    let profile = of.profile.name.show();
    for submitter in &of.submitters {
        let Some(theirs) = platform(&submitter.os).and_then(|p| paths.get(p)) else {
            continue;
        };
        let Some((location, rest)) = submitter.location_of(theirs) else {
            continue;
        };
        let Some(there) = of.profile.path_to(location.name.raw(), &rest) else {
            continue;
        };
        if is_same_path(&there, path, &of.fleet.os) {
            continue;
        }
        let (theirs, there) = (Printable::short(theirs, 80), Printable::short(&there, 80));
        let (name, place) = (submitter.name.show(), location.name.show());
        return Some(Wrong {
            code: "maps-elsewhere",
            line: format!(
                "is {shown} on workers of fleet {}, and files of {theirs} go to {there} there (location {place} of storage profiles {name} and {profile})",
                of.name
            ),
            fix: format!(
                "make the {own} path of the root {there}, in AYON's anatomy, or correct location {place} of storage profile {profile}"
            ),
        });
    }
    if of.profile.location_of(path).is_some() {
        return None;
    }
    let all: Vec<String> = of
        .profile
        .locations
        .iter()
        .map(|l| l.path.show().to_string())
        .collect();
    let has = if all.is_empty() {
        "names no place at all".to_owned()
    } else {
        format!("has {}", all.join(", "))
    };
    Some(Wrong {
        code: "not-in-profile",
        line: format!(
            "is {shown} on workers of fleet {}, whose storage profile {profile} {has}",
            of.name
        ),
        fix: format!(
            "add a location with {shown} to storage profile {profile}, or correct the {own} path of the root in AYON's anatomy; \
            where a host configuration script mounts it, both should say so"
        ),
    })
}

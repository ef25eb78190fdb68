//! The roots of AYON's projects are where the storage profiles of the fleets that publish have them.

use std::collections::BTreeMap;

use url::Url;

use super::prelude::*;
use crate::derived::connections::publishing;
use crate::domain::ayon::platform;
use crate::domain::farm::Fleet;
use crate::domain::finding::Evidence;
use crate::domain::ids::{FarmId, FleetKey};
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

/// A fleet that publishes, with its profile and those that its queues let submitters have.
struct OfFleet<'a> {
    name: Printable,
    fleet: &'a Fleet,
    profile: &'a Profile,
    submitters: BTreeMap<String, &'a Profile>,
    evidence: Vec<Evidence>,
}

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let projects = AyonProjects(url.clone());
    let fact = view.fact(&projects);
    let mut unread = BTreeMap::new();
    let mut fleets: BTreeMap<FleetKey, OfFleet> = BTreeMap::new();
    for queue in &view.config(Part::Queues).queues {
        let details = view.fact(&QueueDetails(queue.clone())).known();
        let allowed: Vec<&Untrusted> = details
            .into_iter()
            .flat_map(|q| &q.storage_profiles)
            .collect();
        for (key, fleet) in publishing(view, queue) {
            let Some(id) = &fleet.storage_profile else {
                continue; // where its hosts see the storage, no document says
            };
            let name = view.fleet_name(&key);
            let Some((profile, evidence)) = read(
                view,
                &key.farm,
                id,
                &format!("of fleet {name}"),
                &mut unread,
            ) else {
                continue;
            };
            let of = fleets.entry(key.clone()).or_insert(OfFleet {
                name,
                fleet,
                profile,
                submitters: BTreeMap::new(),
                evidence: vec![evidence],
            });
            for other in allowed.iter().filter(|other| **other != id) {
                let words = format!("{} of queue {}", other.show(), view.queue_name(queue));
                if let Some((profile, evidence)) = read(view, &key.farm, other, &words, &mut unread)
                {
                    of.submitters.insert(other.raw().to_owned(), profile);
                    of.evidence.push(evidence);
                }
            }
        }
    }
    let mut findings: Vec<Finding> = unread.into_values().collect();
    let Some(list) = fact.known() else {
        return findings; // addon-queue says why
    };
    for of in fleets.values() {
        let Some(platform) = platform(&of.fleet.os) else {
            continue;
        };
        let (mut wrong, mut compared) = (0_usize, 0_usize);
        for project in &list.read {
            for (root, paths) in &project.roots {
                if paths.get(platform).is_none_or(|p| p.trim().is_empty()) {
                    continue; // project-roots says so
                }
                compared += 1;
                let Some(Wrong { code, line, fix }) = of_root(of, platform, paths) else {
                    continue;
                };
                wrong += 1;
                let (root, project) = (Printable::short(root, 40), project.name.show());
                let line = format!("Root {root} of {project} {line}");
                let finding = Finding::warn(code, line).why(CHECK.why).fix(fix);
                let item = format!("{project}, {root}, {}", of.name);
                findings.push(with(finding.about(item), of));
            }
        }
        if wrong == 0 && compared > 0 {
            let line = format!(
                "The roots of AYON's projects lie in storage profile {} of fleet {} ({compared} compared)",
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

/// A profile; one that could not be read is told once.
fn read<'a>(
    view: &View<'a>,
    farm: &FarmId,
    id: &Untrusted,
    words: &str,
    unread: &mut BTreeMap<String, Finding>,
) -> Option<(&'a Profile, Evidence)> {
    let question = StorageProfile(farm.clone(), id.raw().to_owned());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    if let Some(profile) = fact.known() {
        return Some((profile, evidence));
    }
    let what = format!("storage profile {words}");
    let finding = if fact.is_absent() {
        let line = format!("{} does not exist", capitalized(&what));
        Some(
            Finding::warn("no-profile", line)
                .why("the farm does not have the one that is named")
                .fix("name a storage profile of the farm, in the console"),
        )
    } else {
        Finding::unread(&what, fact)
    };
    if let Some(finding) = finding {
        let finding = finding.about(id.show()).from(evidence);
        unread.entry(id.raw().to_owned()).or_insert(finding);
    }
    None
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
    for submitter in of.submitters.values() {
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

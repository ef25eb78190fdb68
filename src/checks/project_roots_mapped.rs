//! The roots of AYON's projects are where the storage profile of a fleet that publishes has them.

use std::collections::BTreeMap;

use super::prelude::*;
use crate::derived::connections::publishing;
use crate::derived::job_packages::server;
use crate::domain::ayon::platform;
use crate::domain::farm::OperatingSystem;
use crate::domain::finding::Evidence;
use crate::domain::ids::{FarmId, FleetKey, QueueKey};
use crate::domain::storage::{StorageProfile as Profile, is_same_path};
use crate::domain::subject::Subject;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AyonProjects, FleetDetails, QueueDetails, StorageProfile};

pub(super) const CHECK: Check = Check {
    id: "project-roots-mapped",
    title: "AYON's project roots are where the fleet's storage profile has them",
    why: "Deadline Cloud moves a job's files by the storage profiles, and AYON looks for them by its roots: where the two differ, \
        a publish step finds nothing, or writes where nobody looks",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Fleet(check),
};

/// Where the fleet's workers see the storage, and where those who submit to its queues see it.
struct Profiles<'a> {
    os: &'a OperatingSystem,
    own: &'a Profile,
    submitters: BTreeMap<String, &'a Profile>,
}

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let parents = view.parents(&Subject::Fleet(key.clone()));
    let queues = parents.into_iter().filter_map(|parent| match parent {
        Subject::Queue(queue) => Some(queue),
        _ => None,
    });
    let publishes = |queue: &&QueueKey| publishing(view, queue).iter().any(|(own, _)| own == key);
    let queues: Vec<&QueueKey> = queues.filter(publishes).collect();
    let fleet = view.fact(&FleetDetails(key.clone())).known();
    let profile = fleet.and_then(|f| f.storage_profile.as_ref());
    let (Some(url), Some(fleet), Some(id)) = (server(view), fleet, profile) else {
        return Vec::new(); // where its hosts see the storage, no document says
    };
    if queues.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut evidence = Vec::new();
    let Some(own) = read(view, &key.farm, id, &mut findings, &mut evidence) else {
        return findings;
    };
    let mut profiles = Profiles {
        os: &fleet.os,
        own,
        submitters: BTreeMap::new(),
    };
    for queue in queues {
        let details = view.fact(&QueueDetails(queue.clone())).known();
        let allowed = details.into_iter().flat_map(|q| &q.storage_profiles);
        for other in allowed.filter(|other| *other != id) {
            if profiles.submitters.contains_key(other.raw()) {
                continue;
            }
            if let Some(profile) = read(view, &key.farm, other, &mut findings, &mut evidence) {
                profiles.submitters.insert(other.raw().to_owned(), profile);
            }
        }
    }
    let projects = AyonProjects(url);
    evidence.push(view.evidence(&projects));
    let (Some(platform), Some(list)) = (platform(&fleet.os), view.fact(&projects).known()) else {
        return findings; // addon-queue says why
    };
    let with = |finding: Finding| evidence.iter().cloned().fold(finding, Finding::from);
    let (mut wrong, mut compared) = (0_usize, 0_usize);
    for project in &list.read {
        for (root, paths) in &project.roots {
            if paths.get(platform).is_none_or(|p| p.trim().is_empty()) {
                continue; // project-roots says so
            }
            compared += 1;
            let Some(Wrong { code, line, fix }) = of_root(&profiles, platform, paths) else {
                continue;
            };
            wrong += 1;
            let (root, project) = (Printable::short(root, 40), project.name.show());
            let line = format!("Root {root} of {project} {line}");
            let finding = Finding::warn(code, line).why(CHECK.why).fix(fix);
            findings.push(with(finding.about(format!("{project}, {root}"))));
        }
    }
    if wrong == 0 && compared > 0 {
        let name = own.name.show();
        let line = format!(
            "The roots of AYON's projects lie in its storage profile {name} ({compared} compared)"
        );
        findings.push(with(Finding::ok(line)));
    }
    findings
}

/// A profile; of one that could not be read the reason is a finding.
fn read<'a>(
    view: &View<'a>,
    farm: &FarmId,
    id: &Untrusted,
    findings: &mut Vec<Finding>,
    evidence: &mut Vec<Evidence>,
) -> Option<&'a Profile> {
    let question = StorageProfile(farm.clone(), id.raw().to_owned());
    let fact = view.fact(&question);
    let seen = view.evidence(&question);
    if let Some(profile) = fact.known() {
        evidence.push(seen);
        return Some(profile);
    }
    let what = format!("storage profile {}", id.show());
    let finding = if fact.is_absent() {
        let line = format!("{} does not exist", capitalized(&what));
        Some(
            Finding::warn("no-profile", line)
                .why("the fleet or its queue names one that the farm does not have")
                .fix("name a storage profile of the farm, in the console"),
        )
    } else {
        Finding::unread(&what, fact)
    };
    findings.extend(finding.map(|f| f.about(id.show()).from(seen)));
    None
}

struct Wrong {
    code: &'static str,
    line: String,
    fix: String,
}

fn of_root(
    profiles: &Profiles,
    platform_of_fleet: &str,
    paths: &BTreeMap<String, String>,
) -> Option<Wrong> {
    let path = paths.get(platform_of_fleet)?;
    let shown = Printable::short(path, 80);
    let profile = profiles.own.name.show();
    for submitter in profiles.submitters.values() {
        let Some(theirs) = platform(&submitter.os).and_then(|p| paths.get(p)) else {
            continue;
        };
        let Some((location, rest)) = submitter.location_of(theirs) else {
            continue;
        };
        let Some(there) = profiles.own.path_to(location.name.raw(), &rest) else {
            continue;
        };
        if is_same_path(&there, path, profiles.os) {
            continue;
        }
        let (theirs, there) = (Printable::short(theirs, 80), Printable::short(&there, 80));
        let (name, place) = (submitter.name.show(), location.name.show());
        return Some(Wrong {
            code: "maps-elsewhere",
            line: format!(
                "is {shown} on its workers, and files of {theirs} go to {there} there \
                (location {place} of storage profiles {name} and {profile})"
            ),
            fix: format!(
                "make the {platform_of_fleet} path of the root {there}, in AYON's anatomy, \
                or correct location {place} of storage profile {profile}"
            ),
        });
    }
    if profiles.own.location_of(path).is_some() {
        return None;
    }
    let all = profiles.own.locations.iter();
    let all: Vec<String> = all.map(|l| l.path.show().to_string()).collect();
    let has = if all.is_empty() {
        "names no place at all".to_owned()
    } else {
        format!("has {}", all.join(", "))
    };
    Some(Wrong {
        code: "not-in-profile",
        line: format!("is {shown} on its workers, and their storage profile {profile} {has}"),
        fix: format!(
            "add a location with {shown} to storage profile {profile}, or correct the {platform_of_fleet} path of the root in AYON's \
            anatomy; where a host configuration script mounts it, both should say so"
        ),
    })
}

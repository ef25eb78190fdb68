//! The connections as timelines: each hop in its order, from where it was seen, how long it took; what is wrong first has
//! its own findings above.

use super::super::model::Model;
use super::super::screen::{Block, Screen, Told};
use crate::connections;
use crate::derived::connections::{chosen, publishing};
use crate::domain::config::PathId;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::FleetKey;
use crate::domain::reach::Fit;
use crate::domain::subject::Subject;
use crate::domain::text::Printable;

/// Is it one of the hops' own checks?
pub(super) fn is_hop(finding: &Finding) -> bool {
    let mut all = connections::ALL.iter().flat_map(|leg| leg.hops());
    all.any(|hop| hop.id == finding.check)
}

/// Adds a timeline for each path, with the fleets that it is the same for.
pub(super) fn timelines(screen: &mut Screen, model: &Model) {
    let mut all: Vec<(PathId, Vec<Told>, Vec<Printable>)> = Vec::new();
    for (key, path) in ways(model) {
        let rows = rows(model, &key, path);
        let name = model.view().map(|v| v.fleet_name(&key)).unwrap_or_default();
        match all.iter_mut().find(|(p, r, _)| *p == path && *r == rows) {
            Some((_, _, names)) => names.push(name),
            None => all.push((path, rows, vec![name])),
        }
    }
    let several = all.len() > 1;
    for (path, rows, names) in all {
        if rows.is_empty() {
            continue;
        }
        // Where all go the same way nobody needs to be told who.
        if several || path != PathId::Direct {
            let names: Vec<&str> = names.iter().map(Printable::as_str).collect();
            let title = connections::path(path).title;
            screen.heading(format!("{title}, from {}", names.join(", ")));
        }
        screen.add(Block::Findings(rows));
        screen.blank();
    }
}

/// The fleets that publish, by the path that is chosen for them; those for which it can't work are told elsewhere.
fn ways(model: &Model) -> Vec<(FleetKey, PathId)> {
    let Some(view) = model.view() else {
        return Vec::new();
    };
    let mut list: Vec<(FleetKey, PathId)> = Vec::new();
    for queue in &model.draft.queues {
        for (key, _) in publishing(&view, queue) {
            let way = chosen(&view, &key).filter(|c| c.reach.fit != Fit::Impossible);
            if let Some(way) = way.filter(|_| !list.iter().any(|(k, _)| *k == key)) {
                list.push((key, way.path));
            }
        }
    }
    list
}

fn rows(model: &Model, key: &FleetKey, path: PathId) -> Vec<Told> {
    let legs = connections::path(path).legs.iter();
    let hops = legs.flat_map(|leg| leg.hops());
    let own = |f: &&Finding| match &f.subject {
        Subject::Connection(fleet) => fleet == key,
        _ => true,
    };
    let told = hops.filter_map(|hop| {
        let of_hop = model.findings().iter().filter(|f| f.check == hop.id);
        let worst = of_hop.filter(own).min_by_key(|f| f.verdict)?;
        Some(Told {
            about: Printable::default(),
            verdict: worst.verdict,
            message: with_time(worst),
            why: None,
            fix: None,
        })
    });
    told.collect()
}

/// From where it was seen and how long the longest of its calls took, where the sentence does not say it.
fn with_time(finding: &Finding) -> Printable {
    let said = finding.message.as_str();
    let calls = finding.evidence.iter().flat_map(|e| e.calls.iter());
    match calls.map(|c| c.millis).max() {
        Some(millis) if !said.contains(" ms") && finding.verdict != Verdict::NotReached => {
            format!("{said} ({}, {millis} ms)", finding.vantage.word()).into()
        }
        _ => finding.message.clone(),
    }
}

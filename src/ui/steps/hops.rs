//! The connections as timelines: each hop in its order, from where it was seen, how long it took; what is wrong first has
//! its own findings above.

use super::super::model::Model;
use super::super::screen::{Block, Screen, Told};
use crate::connections;
use crate::derived::connections::{Connection, connections as connections_of};
use crate::domain::call::Vantage;
use crate::domain::config::PathId;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;

/// Is it one of the hops' own checks?
pub(super) fn is_hop(finding: &Finding) -> bool {
    let legs = connections::ALL.iter().flat_map(|leg| leg.hops());
    let mut all = legs.chain(connections::from_worker());
    all.any(|hop| hop.id == finding.check)
}

/// Adds a timeline for each path, with the fleets that it is the same for.
pub(super) fn timelines(screen: &mut Screen, model: &Model) {
    let Some(view) = model.view() else {
        return;
    };
    let mut all: Vec<(PathId, Vec<Told>, Vec<Printable>)> = Vec::new();
    // Those that can't work are told elsewhere.
    for connection in connections_of(&view).iter().filter(|c| c.can_work()) {
        let (path, rows) = (connection.chosen.path, rows(model, connection));
        let name = view.fleet_name(&connection.key);
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

fn rows(model: &Model, connection: &Connection) -> Vec<Told> {
    let told = connections::timeline(connection, &model.findings().iter());
    let told = told.into_iter().map(|worst| Told {
        about: Printable::default(),
        verdict: worst.verdict,
        message: with_time(worst),
        why: None,
        fix: None,
    });
    told.collect()
}

/// From where it was seen and how long the longest of its calls took, where the sentence does not say it.
fn with_time(finding: &Finding) -> Printable {
    let said = finding.message.as_str();
    if finding.check == connections::ASKED.id {
        // At 80 columns the line of keys has no room for it.
        return match finding.verdict {
            Verdict::WorkerOnly => format!("{said}; o asks one").into(),
            _ => finding.message.clone(),
        };
    }
    if matches!(finding.vantage, Vantage::Worker(_)) {
        return format!("Worker: {said}").into();
    }
    match connections::millis(finding) {
        Some(millis) if !said.contains(" ms") && finding.verdict != Verdict::NotReached => {
            format!("{said} ({}, {millis} ms)", finding.vantage.word()).into()
        }
        _ => finding.message.clone(),
    }
}

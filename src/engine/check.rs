//! Check: every finding of a snapshot, in the order of the catalogue, then of the path.

use super::Purpose;
use crate::checks::{self, View};
use crate::domain::finding::Finding;
use crate::domain::studio::Studio;
use crate::domain::wanted::Wanted;
use crate::paths;

pub fn check_all(studio: &Studio, wanted: &Wanted, purpose: Purpose) -> Vec<Finding> {
    let view = View { studio, wanted };
    let chosen = checks::ALL
        .iter()
        .filter(|c| purpose == Purpose::Setup || c.in_audit());
    let mut findings: Vec<Finding> = chosen.flat_map(|c| c.check(&view)).collect();
    findings.extend(paths::of(wanted.server.path).check(studio, wanted));
    findings
}

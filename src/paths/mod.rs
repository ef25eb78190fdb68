//! One file per connection path from the workers to the AYON server. A path is pure: its live tests are data, and the
//! engine runs them. To add one, copy `direct.rs`; then a `mod` line and an entry in `ALL` here.

mod direct;
mod lan;
mod lattice;
mod ssm;
mod vpn;

use crate::domain::ask::Ask;
use crate::domain::change::Change;
use crate::domain::finding::{Finding, Topic, Verdict};
use crate::domain::probe::Probe;
use crate::domain::studio::Studio;
use crate::domain::text::Printable;
use crate::domain::config::{PathId, StudioConfig};

pub trait ConnectionPath: Sync {
    fn id(&self) -> PathId;
    fn title(&self) -> &'static str;
    /// What it is for, in a sentence.
    fn purpose(&self) -> &'static str;
    /// Is it built into this version? A path that is not says so wherever it is chosen.
    fn is_built(&self) -> bool {
        true
    }
    fn asks(&self, _studio: &Studio, _wanted: &StudioConfig) -> Vec<Ask> {
        Vec::new()
    }
    fn probes(&self, _studio: &Studio, _wanted: &StudioConfig) -> Vec<Probe> {
        Vec::new()
    }
    fn check(&self, studio: &Studio, wanted: &StudioConfig) -> Vec<Finding>;
    fn plan(&self, _studio: &Studio, _wanted: &StudioConfig) -> Vec<Change> {
        Vec::new()
    }
}

pub const ALL: &[&dyn ConnectionPath] = &[
    &direct::Direct,
    &vpn::Vpn,
    &lattice::Lattice,
    &ssm::Ssm,
    &lan::Lan,
];

pub fn of(id: PathId) -> &'static dyn ConnectionPath {
    ALL.iter().copied().find(|p| p.id() == id).unwrap_or(ALL[0])
}

fn says(check: &str, verdict: Verdict, says: impl Into<Printable>) -> Finding {
    Finding {
        check: check.to_owned(),
        topic: Topic::Server,
        verdict,
        could_fail: true,
        says: says.into(),
        why: None,
        fix: None,
        details: Vec::new(),
        sources: Vec::new(),
    }
}

/// The one finding of a path that this version can't walk: never OK, never silent.
fn not_built(path: &dyn ConnectionPath) -> Vec<Finding> {
    let finding = says(
        "connection-path",
        Verdict::Fail,
        format!(
            "The connection path \"{}\" is not built into this version",
            path.id().word()
        ),
    );
    vec![
        finding
            .why(format!(
                "{}; nothing was set up and nothing was tried for it",
                path.purpose()
            ))
            .fix(
                "set it up by hand, or choose path = \"direct\" where the server has a public name",
            ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_file_is_in_the_list_and_in_a_file() {
        for id in PathId::ALL {
            assert_eq!(of(*id).id(), *id);
            let file = format!("{}/src/paths/{}.rs", env!("CARGO_MANIFEST_DIR"), id.word());
            assert!(std::path::Path::new(&file).exists(), "{file}");
        }
        assert_eq!(ALL.len(), PathId::ALL.len());
    }
}

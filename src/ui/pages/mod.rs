//! The pages besides the wizard's steps: home, diagnose, audit, explain, runs. Each is a step of its own to the renderers; none
//! changes a studio. To add one, copy `runs.rs`; then a `mod` line, a place, and an entry in `Pages`.

mod audit;
mod diagnose;
mod explain;
mod finding;
mod home;
mod runs;

use super::steps::Step;
use crate::domain::finding::{Finding, Verdict};

/// Where somebody is: on one of these pages, or in the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    Home,
    #[default]
    Setup,
    Diagnose,
    Audit,
    Explain,
    Runs,
}

impl Place {
    pub fn title(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Setup => "setup",
            Self::Diagnose => "diagnose",
            Self::Audit => "audit",
            Self::Explain => "explain",
            Self::Runs => "runs",
        }
    }

    /// Does it show what was found, read as an audit reads?
    pub fn reads(self) -> bool {
        matches!(self, Self::Home | Self::Diagnose | Self::Audit)
    }
}

/// The pages with what they remember.
#[derive(Default)]
pub struct Pages {
    home: home::Home,
    diagnose: diagnose::Diagnose,
    audit: audit::Audit,
    explain: explain::Explain,
    runs: runs::Runs,
}

impl Pages {
    /// `None`: the wizard's own steps.
    pub fn at(&self, place: Place) -> Option<&dyn Step> {
        Some(match place {
            Place::Setup => return None,
            Place::Home => &self.home,
            Place::Diagnose => &self.diagnose,
            Place::Audit => &self.audit,
            Place::Explain => &self.explain,
            Place::Runs => &self.runs,
        })
    }

    pub fn at_mut(&mut self, place: Place) -> Option<&mut dyn Step> {
        Some(match place {
            Place::Setup => return None,
            Place::Home => &mut self.home,
            Place::Diagnose => &mut self.diagnose,
            Place::Audit => &mut self.audit,
            Place::Explain => &mut self.explain,
            Place::Runs => &mut self.runs,
        })
    }
}

/// `2 FAIL, 1 WARN, 14 OK`: so many of each, the worst first.
fn counted(findings: &[Finding]) -> String {
    let of = |v: &Verdict| findings.iter().filter(|f| f.verdict == *v).count();
    let counts = Verdict::ALL.iter().map(|v| (v, of(v)));
    let words = counts.filter(|(_, n)| *n > 0);
    let words: Vec<String> = words.map(|(v, n)| format!("{n} {}", v.word())).collect();
    words.join(", ")
}

//! What a role's documents say of its needs: its identity policies, and its permissions boundary.

use crate::domain::needs::Need;
use crate::domain::policy::{Decision, OpenCondition, Policy};
use crate::domain::role::Role;

/// Requests, each as action and resource, by what the documents say of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// A Deny statement forbids it.
    pub denied: Vec<String>,
    /// No policy allows it.
    pub lacking: Vec<String>,
    /// Whatever its policies say, its permissions boundary does not allow it.
    pub outside_boundary: Vec<String>,
    /// It depends on a condition that can't be evaluated from here.
    pub depends: Vec<String>,
    /// Those conditions.
    pub depends_on: Vec<OpenCondition>,
    /// Documents that could not be read, with the reason.
    pub unread: Vec<String>,
}

impl Access {
    /// What is not allowed, whatever the reason.
    pub fn wrong(&self) -> impl Iterator<Item = &String> {
        let outside = &self.outside_boundary;
        self.denied.iter().chain(outside).chain(&self.lacking)
    }

    pub fn is_right(&self) -> bool {
        let open = self.depends.iter().chain(&self.unread);
        self.wrong().chain(open).next().is_none()
    }
}

pub fn access(role: &Role, needs: &[Need]) -> Access {
    let (policies, unread) = role.policies();
    let mut out = Access {
        unread,
        ..Access::default()
    };
    let boundary = role.boundary_document().unwrap_or_else(|why| {
        out.unread.push(why);
        None
    });
    let all = || policies.iter().map(|(_, policy)| *policy);
    for need in needs {
        let own = need.judged(all(), None);
        // Without a boundary nothing is outside it.
        let inside = boundary.map(|b| need.judged([b], None));
        for (at, (words, own)) in own.into_iter().enumerate() {
            let inside = inside.as_ref().map_or(Decision::Allowed, |i| i[at].1);
            match (own, inside) {
                (Decision::Denied, _) => out.denied.push(words),
                (_, Decision::Denied | Decision::NotAllowed) => out.outside_boundary.push(words),
                (Decision::NotAllowed, _) => out.lacking.push(words),
                (Decision::Depends, _) | (_, Decision::Depends) => {
                    out.depends.push(words);
                    let both: Vec<&Policy> = all().chain(boundary).collect();
                    out.depends_on.extend(need.open_conditions(&both));
                }
                (Decision::Allowed, Decision::Allowed) => {}
            }
        }
    }
    out.depends_on.sort();
    out.depends_on.dedup();
    out
}

//! Our inline policy as it would be written, read by Access Analyzer: no error in it, and nothing that it must not grant.

use super::queue_role::{asks_for, needs_of};
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::choices::{RoleUse, UsedRole, roles_to_make, used_roles};
use crate::domain::documents::proposal;
use crate::domain::fact::Fact;
use crate::domain::lint::Weight;
use crate::domain::needs::Need;
use crate::domain::policy::Policy;
use crate::domain::simulated::not_needed;
use crate::domain::wanted::FleetRoles;

pub struct PolicyLint;

/// The text that the role's policy has once the plan is made, and the needs that it serves; `None`: there is none, and
/// none is needed.
fn text(view: &View, used: &UsedRole) -> Option<(String, Vec<Need>)> {
    let needs = needs_of(view, used);
    let policy = used.of.policy()?;
    let known = view.studio.role(&used.arn).known();
    let ours = match known.and_then(|role| role.inline.get(policy)) {
        Some(fact) => Some(fact.known()?.as_str()),
        None => None,
    };
    let (policies, fence) = match known {
        Some(role) => (role.policies().0, role.fence().unwrap_or(None)),
        None => {
            let new = view.wanted.roles.new.boundary.as_ref();
            let fence = new.and_then(|b| view.studio.boundaries.get(b)?.known());
            (Vec::new(), fence.and_then(|t| Policy::parse(t).ok()))
        }
    };
    let is_widened = used.of == RoleUse::Queue || view.wanted.roles.fleets == FleetRoles::Mend;
    let then = proposal(&needs, &policies, fence.as_ref(), (policy, ours)).after;
    let then = then.ok().flatten().filter(|_| is_widened);
    Some((then.or_else(|| ours.map(str::to_owned))?, needs))
}

/// The roles that have a policy of ours, or get one.
fn roles(view: &View) -> Vec<UsedRole> {
    let mut all = used_roles(view.studio, view.wanted);
    let new = roles_to_make(view.studio, view.wanted).into_iter();
    let new: Vec<UsedRole> = new
        .filter(|n| !all.iter().any(|u| u.arn == n.arn))
        .collect();
    all.extend(new);
    all
}

fn question(view: &View, used: &UsedRole) -> Option<Ask> {
    let arn = &used.arn;
    let region = view.studio.region.to_string();
    let (text, needs) = text(view, used)?;
    let more = not_needed(&needs, arn.partition(), arn.account(), &region);
    Some(Ask::PolicyLint(text, more))
}

impl Check for PolicyLint {
    fn id(&self) -> &'static str {
        "policy-lint"
    }
    fn title(&self) -> &'static str {
        "Access Analyzer finds no fault with studiolink's policies"
    }
    fn why(&self) -> &'static str {
        "IAM takes policies that do not say what was meant; Access Analyzer reads them before they are written"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }
    fn asks(&self, view: &View) -> Vec<Ask> {
        let lints: Vec<Ask> = roles(view)
            .iter()
            .filter_map(|u| question(view, u))
            .collect();
        asks_for(view, RoleUse::Queue)
            .into_iter()
            .chain(lints)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let of_role = |used: &UsedRole| {
            let ask = question(view, used)?;
            let Ask::PolicyLint(text, more) = &ask else {
                return None;
            };
            let nothing = Fact::NotAsked;
            let fact = view.studio.lints.get(text).unwrap_or(&nothing);
            let (name, ours) = (used.arn.name(), used.of.policy()?);
            let finding = match fact.known() {
                None => {
                    let problem = fact.problem()?;
                    says(
                        self,
                        Verdict::Skipped,
                        format!("{ours} of {name} was not read by Access Analyzer"),
                    )
                    .why(problem.because.as_str())
                    .fix("add access-analyzer:ValidatePolicy and access-analyzer:CheckAccessNotGranted to this identity, or go on without")
                }
                Some(lint) => {
                    let heavy: Vec<String> = lint
                        .flaws
                        .iter()
                        .filter(|f| f.weight <= Weight::SecurityWarning)
                        .map(|f| format!("{}: {}", f.code.show(), f.details.show()))
                        .collect();
                    let errors = lint.flaws.iter().any(|f| f.weight == Weight::Error);
                    if errors {
                        says(self, Verdict::Fail, format!("Access Analyzer finds errors in {ours} of {name}: {}", heavy.join("; ")))
                            .why(self.why())
                            .fix("look at the statements that were there before; studiolink adds its own and changes no other")
                    } else if lint.grants_more {
                        says(self, Verdict::Warn, format!("{ours} of {name} might grant more than its needs (Access Analyzer)"))
                            .why("writing to a channel, other buckets, secrets or IAM are not needed for it")
                            .fix("take the statements that are not studiolink's out of it, into a policy of their own")
                    } else if heavy.is_empty() {
                        says(self, Verdict::Ok, format!("Access Analyzer finds no fault with {ours} of {name}, and that it grants none of {} things that it must not", more.len()))
                    } else {
                        says(self, Verdict::Warn, format!("Access Analyzer on {ours} of {name}: {}", heavy.join("; ")))
                            .why(self.why())
                            .fix("look at the statements that were there before")
                    }
                    .details(lint.flaws.iter().map(|f| {
                        format!("{:?} {}: {}", f.weight, f.code.show(), f.details.show()).into()
                    }))
                }
            };
            Some(finding.from(Source::Fact(ask)))
        };
        roles(view).iter().filter_map(of_role).collect()
    }
}

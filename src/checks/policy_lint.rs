//! Our inline policy as it would be written, read by Access Analyzer: no error in it, and nothing that it must not grant.

use super::queue_role::each_role;
use super::queue_role_channels::policies_of;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::fact::Fact;
use crate::domain::lint::Weight;
use crate::domain::needs::{QUEUE_POLICY, of_channels, widened};
use crate::domain::simulated::not_needed;
use crate::domain::studio::Role;

pub struct PolicyLint;

/// The text that the role's policy has once the plan is made; `None`: there is none, and none is needed.
fn text(view: &View, role: &Role) -> Option<String> {
    let ours = match role.inline.get(QUEUE_POLICY) {
        Some(fact) => Some(fact.known()?.clone()),
        None => None,
    };
    let (policies, _) = policies_of(role);
    let others: Vec<_> = policies
        .into_iter()
        .filter(|(name, _)| name != QUEUE_POLICY)
        .map(|(_, policy)| policy)
        .collect();
    let account = view.wanted.channel_account.as_ref();
    let needs = of_channels(&view.wanted.channels, role.arn.partition(), account);
    match widened(&needs, &others, ours.as_deref()) {
        Ok(Some(then)) => Some(then),
        Ok(None) | Err(_) => ours,
    }
}

fn question(view: &View, role: &Role) -> Option<Ask> {
    let arn = &role.arn;
    let region = view.studio.region.to_string();
    let more = not_needed(view.wanted, arn.partition(), arn.account(), &region);
    Some(Ask::PolicyLint(text(view, role)?, more))
}

impl Check for PolicyLint {
    fn id(&self) -> &'static str {
        "policy-lint"
    }
    fn title(&self) -> &'static str {
        "Access Analyzer finds no fault with studiolink-queue"
    }
    fn why(&self) -> &'static str {
        "IAM takes policies that do not say what was meant; Access Analyzer reads them before they are written"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }
    fn asks(&self, view: &View) -> Vec<Ask> {
        let roles = super::queue_role::QueueRole.asks(view);
        let of = |q| {
            let arn = view.studio.queue(q).known()?.role_arn()?;
            question(view, view.studio.role(&arn).known()?)
        };
        let lints: Vec<Ask> = view.wanted.queues.iter().filter_map(of).collect();
        roles.into_iter().chain(lints).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(self, view, "its policy: role", |_, role| {
            let ask = question(view, role)?;
            let Ask::PolicyLint(text, _) = &ask else {
                return None;
            };
            let nothing = Fact::NotAsked;
            let fact = view.studio.lints.get(text).unwrap_or(&nothing);
            let name = role.arn.name();
            let finding = match fact.known() {
                None => {
                    let problem = fact.problem()?;
                    says(
                        self,
                        Verdict::Skipped,
                        format!("{QUEUE_POLICY} of {name} was not read by Access Analyzer"),
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
                        says(self, Verdict::Fail, format!("Access Analyzer finds errors in {QUEUE_POLICY} of {name}: {}", heavy.join("; ")))
                            .why(self.why())
                            .fix("look at the statements that were there before; studiolink adds its own and changes no other")
                    } else if lint.grants_more {
                        says(self, Verdict::Warn, format!("{QUEUE_POLICY} of {name} might grant more than reading the channels (Access Analyzer)"))
                            .why("writing to a channel, other buckets, secrets or IAM are not needed for it")
                            .fix("take the statements that are not studiolink's out of it, into a policy of their own")
                    } else if heavy.is_empty() {
                        says(self, Verdict::Ok, format!("Access Analyzer finds no fault with {QUEUE_POLICY} of {name}, and nothing that it must not grant"))
                    } else {
                        says(self, Verdict::Warn, format!("Access Analyzer on {QUEUE_POLICY} of {name}: {}", heavy.join("; ")))
                            .why(self.why())
                            .fix("look at the statements that were there before")
                    }
                    .details(lint.flaws.iter().map(|f| {
                        format!("{:?} {}: {}", f.weight, f.code.show(), f.details.show()).into()
                    }))
                }
            };
            Some(finding.from(Source::Fact(ask)))
        })
    }
}

//! The queue role by IAM's simulator: what it needs is allowed, boundaries included, and what it does not need is not.

use super::queue_role::each_role;
use super::queue_role_channels::policies_of;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::fact::Fact;
use crate::domain::ids::RoleArn;
use crate::domain::needs::of_channels;
use crate::domain::policy::Decision;
use crate::domain::simulated::{May, Said, needed, not_needed};
use crate::domain::studio::Role;

pub struct QueueRoleSimulated;

/// What the simulator does not see, said with whatever it says.
const UNSEEN: &str = "simulated, not tried: it sees no bucket policy, no key policy, no endpoint policy and no session policy";

fn question(view: &View, arn: &RoleArn) -> Ask {
    let mut all = needed(view.wanted, arn.partition());
    all.extend(not_needed(
        view.wanted,
        arn.partition(),
        arn.account(),
        &view.studio.region.to_string(),
    ));
    Ask::RoleMay(arn.clone(), all, view.wanted.channel_account.clone())
}

impl Check for QueueRoleSimulated {
    fn id(&self) -> &'static str {
        "queue-role-simulated"
    }
    fn title(&self) -> &'static str {
        "The queue role may do what it needs, and no more (simulated)"
    }
    fn why(&self) -> &'static str {
        "documents alone do not show a permissions boundary or an organisation's policy; and a role with more than it needs is a way in"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let roles = super::queue_role::QueueRole.asks(view);
        let known = view.wanted.queues.iter().filter_map(|q| {
            let arn = view.studio.queue(q).known()?.role_arn()?;
            view.studio.role(&arn).known()?;
            Some(question(view, &arn))
        });
        let known: Vec<Ask> = known.collect();
        roles.into_iter().chain(known).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(self, view, "what it may do: role", |_, role| {
            self.of_role(view, role)
        })
    }
}

impl QueueRoleSimulated {
    fn of_role(&self, view: &View, role: &Role) -> Option<Finding> {
        let name = role.arn.name();
        let ask = question(view, &role.arn);
        let nothing = Fact::NotAsked;
        let fact = view.studio.simulated.get(&role.arn).unwrap_or(&nothing);
        let Some(said) = fact.known() else {
            let problem = fact.problem()?;
            // A preflight that can't be made blocks nothing: the documents were read, and setup tries it out.
            let finding = says(
                self,
                Verdict::Skipped,
                format!("{name} was not simulated: {}", problem.because),
            )
            .why(problem.fix.as_str());
            return Some(finding.from(Source::Fact(ask)));
        };
        let find = |may: &May| said.iter().find(|s| s.may == *may);
        let needs = needed(view.wanted, role.arn.partition());
        let (account, region) = (role.arn.account(), view.studio.region.to_string());
        let spare = not_needed(view.wanted, role.arn.partition(), account, &region);
        // An answer about another list of channels says nothing of this one.
        if needs.iter().chain(&spare).any(|m| find(m).is_none()) {
            return None;
        }
        let refused: Vec<&Said> = needs
            .iter()
            .filter_map(find)
            .filter(|s| !s.allowed)
            .collect();
        let too_much: Vec<String> = spare
            .iter()
            .filter_map(find)
            .filter(|s| s.allowed)
            .map(|s| format!("{} on {}", s.may.action, s.may.resource))
            .collect();
        let finding = if refused.is_empty() {
            if too_much.is_empty() {
                let (needs, spare) = (needs.len(), spare.len());
                says(self, Verdict::Ok, format!("{name} may do the {needs} things that it needs, and none of {spare} asked about that it does not need (simulated)")).why(UNSEEN)
            } else {
                says(
                    self,
                    Verdict::Warn,
                    format!(
                        "{name} may do what it has no need of (simulated): {}",
                        too_much.join(", ")
                    ),
                )
                .why(self.why())
                .fix("narrow the policy that grants it; studiolink changes no policy but its own")
            }
        } else if !Self::documents_allow(view, role) {
            // That the documents lack it, `queue-role-channels` says, with the change that mends it.
            return None;
        } else {
            let what: Vec<String> = refused
                .iter()
                .map(|s| format!("{} on {}", s.may.action, s.may.resource))
                .collect();
            let (cause, fix) = Self::cause(role, &refused);
            says(
                self,
                Verdict::Fail,
                format!(
                    "{name} is refused what its documents allow (simulated): {}",
                    what.join(", ")
                ),
            )
            .why(cause)
            .fix(fix)
        };
        Some(finding.from(Source::Fact(ask)))
    }

    fn documents_allow(view: &View, role: &Role) -> bool {
        let (policies, _) = policies_of(role);
        let account = view.wanted.channel_account.as_ref();
        of_channels(&view.wanted.channels, role.arn.partition(), account)
            .iter()
            .all(|n| n.met_by(policies.iter().map(|(_, p)| p)) == Decision::Allowed)
    }

    fn cause(role: &Role, refused: &[&Said]) -> (String, String) {
        if refused.iter().any(|s| s.boundary == Some(false)) {
            let arn = role
                .boundary
                .as_ref()
                .map_or_else(|| "its boundary".to_owned(), |b| b.show().to_string());
            return (
                format!("the role's permissions boundary does not allow it: {arn}"),
                "have whoever keeps the boundary add it there; a policy of the role can't"
                    .to_owned(),
            );
        }
        if refused.iter().any(|s| s.organisation == Some(false)) {
            return (
                "a policy of the AWS organisation (SCP) does not allow it".to_owned(),
                "ask whoever keeps the organisation's policies".to_owned(),
            );
        }
        if refused.iter().any(|s| s.explicit) {
            return (
                "a Deny statement wins over every Allow".to_owned(),
                "find the Deny; whoever wrote it meant something by it".to_owned(),
            );
        }
        let missing: Vec<String> = refused
            .iter()
            .flat_map(|s| &s.missing)
            .map(|m| m.show().to_string())
            .collect();
        (
            format!("the simulator says no and not why; values that it did not have: {}", if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }),
            "compare with what setup tries out as the role itself; an organisation's policy is suspected".to_owned(),
        )
    }
}

//! The queue role by IAM's simulator: what it needs is allowed, boundaries included, and what it does not need is not.

use super::queue_role::{asks_for, each_role, needs_of, roles_for};
use super::queue_role_channels::judged;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::choices::{RoleUse, UsedRole, used_roles};
use crate::domain::fact::Fact;
use crate::domain::ids::RoleArn;
use crate::domain::simulated::{May, Said, not_needed};
use crate::domain::studio::Role;

pub struct QueueRoleSimulated;

const WHY: &str = "documents alone do not show an organisation's policy; and a role with more than it needs is a way in";

/// What the simulator does not see, said with whatever it says.
const UNSEEN: &str = "simulated, not tried: it sees no bucket policy, no key policy, no endpoint policy and no session policy";

/// What is asked: what it needs, and what it has no need of.
fn mays(view: &View, used: &UsedRole) -> (Vec<May>, Vec<May>) {
    let needs = needs_of(view, used);
    let arn = &used.arn;
    let region = view.studio.region.to_string();
    let spare = not_needed(&needs, arn.partition(), arn.account(), &region);
    let here = |m: May| m.carrying("aws:requestedregion", &region);
    let needs = needs.into_iter().flat_map(|n| n.examples).map(here);
    (needs.collect(), spare.into_iter().map(here).collect())
}

/// The question about one role. A role that is both a queue's and a fleet's is asked about both at once.
fn question(view: &View, arn: &RoleArn) -> Ask {
    let mut all: Vec<May> = Vec::new();
    for used in used_roles(view.studio, view.wanted)
        .iter()
        .filter(|u| u.arn == *arn)
    {
        let (needs, spare) = mays(view, used);
        for may in needs.into_iter().chain(spare) {
            if !all.contains(&may) {
                all.push(may);
            }
        }
    }
    Ask::RoleMay(arn.clone(), all)
}

/// For roles of that use: what tells which there are, and what is asked of each that could be read.
pub fn asks_simulated(view: &View, of: RoleUse) -> Vec<Ask> {
    let read = |u: &UsedRole| view.studio.role(&u.arn).known().is_some();
    let roles = roles_for(view, of).into_iter().filter(read);
    let questions: Vec<Ask> = roles.map(|u| question(view, &u.arn)).collect();
    asks_for(view, of).into_iter().chain(questions).collect()
}

impl Check for QueueRoleSimulated {
    fn id(&self) -> &'static str {
        "queue-role-simulated"
    }
    fn title(&self) -> &'static str {
        "The queue role may do what it needs, and no more (simulated)"
    }
    fn why(&self) -> &'static str {
        WHY
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_simulated(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Queue,
            "what it may do: role",
            |used, role| simulated(self, view, used, role),
        )
    }
}

/// What the simulator's answer comes to.
pub fn simulated(check: &dyn Check, view: &View, used: &UsedRole, role: &Role) -> Option<Finding> {
    let name = role.arn.name();
    let ask = question(view, &role.arn);
    let nothing = Fact::NotAsked;
    let fact = view.studio.simulated.get(&role.arn).unwrap_or(&nothing);
    let Some(said) = fact.known() else {
        let problem = fact.problem()?;
        // A preflight that can't be made blocks nothing: the documents were read, and setup tries it out.
        let finding = says(
            check,
            Verdict::Skipped,
            format!("{name} was not simulated: {}", problem.because),
        )
        .why(problem.fix.as_str());
        return Some(finding.from(Source::Fact(ask)));
    };
    let find = |may: &May| said.iter().find(|s| s.may == *may);
    let (needs, spare) = mays(view, used);
    // An answer about another list of channels says nothing of this one.
    if needs.iter().chain(&spare).any(|m| find(m).is_none()) {
        return None;
    }
    let refused: Vec<&Said> = needs
        .iter()
        .filter_map(find)
        .filter(|s| !s.allowed)
        .collect();
    let too_much = spare.iter().filter_map(find).filter(|s| s.allowed);
    let too_much: Vec<String> = too_much.map(|s| s.may.words()).collect();
    let documents = judged(role, &needs_of(view, used));
    let finding = if refused.is_empty() && too_much.is_empty() {
        let (needs, spare) = (needs.len(), spare.len());
        says(check, Verdict::Ok, format!("{name} may do the {needs} things that it needs, and none of {spare} asked about that it does not need (simulated)")).why(UNSEEN)
    } else if refused.is_empty() {
        let what = too_much.join(", ");
        says(
            check,
            Verdict::Warn,
            format!("{name} may do what it has no need of (simulated): {what}"),
        )
        .why(WHY)
        .fix("narrow the policy that grants it; studiolink changes no policy but its own")
    } else if documents.fenced.is_empty()
        && documents.wrong().next().is_some()
        && documents.unread.is_empty()
    {
        // That its own policies do not allow it, another check says, with the change that mends it.
        return None;
    } else {
        let what: Vec<String> = refused.iter().map(|s| s.may.words()).collect();
        let (verdict, cause, fix) = cause(role, &refused);
        let but = if !documents.fenced.is_empty() {
            "what it needs"
        } else if documents.unread.is_empty() {
            "what its documents allow"
        } else {
            "what it needs, and not all of its documents could be read"
        };
        let what = what.join(", ");
        says(
            check,
            verdict,
            format!("{name} is refused {but} (simulated): {what}"),
        )
        .why(cause)
        .fix(fix)
    };
    Some(finding.from(Source::Fact(ask)))
}

/// Why, where IAM tells; a verdict that is only suspected is no FAIL.
fn cause(role: &Role, refused: &[&Said]) -> (Verdict, String, String) {
    let any = |of: fn(&Said) -> bool| refused.iter().any(|s| of(s));
    let missing: Vec<String> = refused
        .iter()
        .flat_map(|s| &s.missing)
        .map(|m| m.show().to_string())
        .collect();
    // With values missing a condition may have spoken that a worker's request meets.
    let verdict = if missing.is_empty() {
        Verdict::Fail
    } else {
        Verdict::Warn
    };
    let unsure = if missing.is_empty() {
        String::new()
    } else {
        format!(
            "; the simulation did not have the values of {}",
            missing.join(", ")
        )
    };
    if any(|s| s.boundary == Some(false)) {
        let arn = role
            .boundary
            .as_ref()
            .map_or_else(|| "its boundary".to_owned(), |b| b.show().to_string());
        // The boundary is in the documents too, and IAM names it: no missing value is to blame.
        return (
            Verdict::Fail,
            format!("the role's permissions boundary does not allow it: {arn}{unsure}"),
            "have whoever keeps the boundary add it there; a policy of the role can't".to_owned(),
        );
    }
    if any(|s| s.organisation == Some(false)) {
        return (
            verdict,
            format!("a policy of the AWS organisation (SCP) does not allow it{unsure}"),
            "ask whoever keeps the organisation's policies".to_owned(),
        );
    }
    if any(|s| s.explicit) {
        return (
            verdict,
            format!("a Deny statement wins over every Allow{unsure}"),
            "find the Deny; whoever wrote it meant something by it".to_owned(),
        );
    }
    (
        Verdict::Warn,
        format!("the simulator says no and not why{unsure}; an organisation's policy is suspected"),
        "compare with what setup tries out as the role itself".to_owned(),
    )
}

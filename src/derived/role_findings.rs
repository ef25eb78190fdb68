//! Findings that several checks of roles make alike: what a role's documents say of its needs, whom it trusts, what
//! IAM's simulator answers.

use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Fix, Verdict};
use crate::domain::ids::{RoleArn, farm_arn};
use crate::domain::permission::{PermissionRequest, SimulationResult};
use crate::domain::policy::OpenCondition;
use crate::domain::problem::Problem;
use crate::domain::role::Role;
use crate::domain::text::Printable;
use crate::domain::trust::{PRINCIPALS, Trust, judge, principals, repaired};
use crate::questions::{RoleDocuments, View};

use super::our_policy::is_managed;
use super::role_access::{Access, access};
use super::role_use::{needs, role_use};
use super::simulation;

/// What to do where a condition decides that only a worker's own request meets.
pub const ON_A_CONDITION: &str =
    "nothing to do where workers work: their own requests carry what the condition asks for";

/// How a check speaks of what a role's documents lack.
pub struct Words {
    /// What is missing weighs so much.
    pub missing: Verdict,
    pub why: &'static str,
    pub fix: Fix,
    /// What to do where a condition decides.
    pub depends: &'static str,
    /// What the role can do, where nothing is missing.
    pub ok: &'static str,
}

/// Runs a judgement on a role that is used so and could be read. One that could not be read is UNKNOWN; one that does not
/// exist is for the checks `queue-role`, `fleet-role` and `worker-host-role` to say.
pub fn of_role(
    view: &View,
    arn: &RoleArn,
    of: RoleUse,
    judge: impl Fn(&UsedRole, &Role) -> Vec<Finding>,
) -> Vec<Finding> {
    let Some(used) = role_use(view, arn, of) else {
        return Vec::new();
    };
    let question = RoleDocuments(arn.clone());
    let fact = view.fact(&question);
    let findings = match fact {
        Fact::Known(role) => judge(&used, role),
        Fact::Absent => Vec::new(),
        fact => Finding::unread("the role", fact).into_iter().collect(),
    };
    let with = |f: Finding| f.from(view.evidence(&question));
    findings.into_iter().map(with).collect()
}

/// What changes a fleet's role; other farms may use it, so setup changes it only where the studio file says so.
pub fn fix_of_fleets(view: &View, fix: Fix) -> Fix {
    if is_managed(view, RoleUse::Fleet) {
        return fix;
    }
    let words = &fix.words;
    format!("write [iam] fleets = \"manage\" into the studio file, or press f on the roles page; then {words}").into()
}

/// A few requests in a sentence; many as a count, and all of them in the details.
fn counted(list: &[String], what: &str) -> (String, Vec<Printable>) {
    if list.len() <= 3 {
        (list.join(", "), Vec::new())
    } else {
        let lines = list.iter().map(Printable::from).collect();
        (format!("{} {what}", list.len()), lines)
    }
}

/// The finding that documents come to: a Deny before a lack, a lack before a doubt.
pub fn of_access(role: &Role, access: &Access, words: &Words) -> Finding {
    let unknown = |message: &str| {
        Finding::unknown("documents-unread", message)
            .why(access.unread.join("; "))
            .fix("add the iam:Get… permissions that the reason names, then check again")
    };
    if !access.denied.is_empty() {
        let (what, lines) = counted(&access.denied, "requests that it needs");
        Finding::new(words.missing, "denied", format!("A Deny statement forbids {what}"))
            .why("a Deny wins over every Allow, so adding permissions would not help")
            .fix("find the Deny statement in the role's own policies and ask its author: it was written on purpose")
            .details(lines)
    } else if !access.outside_boundary.is_empty() {
        let boundary = role.boundary.as_ref().map(|b| b.show().to_string());
        let (what, lines) = counted(&access.outside_boundary, "requests that it needs");
        Finding::new(
            words.missing,
            "outside-boundary",
            format!("The permissions boundary does not allow {what}"),
        )
        .why(format!(
            "a role can only do what its policies and its permissions boundary both allow; the boundary is {}",
            boundary.unwrap_or_default()
        ))
        .fix("ask the owner of the permissions boundary to add it there; a policy of the role can't")
        .details(lines)
    } else if !access.lacking.is_empty() && !access.unread.is_empty() {
        unknown("Not every policy could be read")
    } else if !access.lacking.is_empty() {
        let (what, lines) = counted(&access.lacking, "permissions that it needs");
        Finding::new(words.missing, "missing-permission", format!("Lacks {what}"))
            .why(words.why)
            .fix(words.fix.clone())
            .details(lines)
    } else if !access.unread.is_empty() {
        unknown("Not every policy could be read; one of those may forbid what the others allow")
    } else if !access.depends.is_empty() {
        let (what, lines) = counted(&access.depends, "requests that it needs");
        let denies: Vec<&OpenCondition> = access.depends_on.iter().filter(|c| c.denies).collect();
        let deciding: Vec<&OpenCondition> = if denies.is_empty() {
            access.depends_on.iter().collect()
        } else {
            denies.clone()
        };
        let mut keys: Vec<String> = deciding
            .iter()
            .map(|c| Printable::short(&c.key, 140).to_string())
            .collect();
        keys.dedup();
        let line = format!(
            "Whether it has {what} depends on {}, which can't be evaluated from here",
            keys.join(", ")
        );
        let finding = Finding::warn("depends", line).details(lines);
        if denies.is_empty() {
            let owner = keys
                .iter()
                .any(|k| k.eq_ignore_ascii_case("aws:ResourceAccount"));
            finding
                .why(if owner {
                    "a condition on aws:ResourceAccount needs the bucket's owner, which no call reveals"
                } else {
                    "the condition needs the worker's own request"
                })
                .fix(words.depends)
        } else {
            let named: Vec<String> = denies
                .iter()
                .filter_map(|c| c.sid.as_ref().map(|s| Printable::short(s, 60).to_string()))
                .collect();
            let named = if named.is_empty() {
                String::new()
            } else {
                format!(" ({})", named.join(", "))
            };
            finding
                .why(format!("a Deny statement{named} forbids it unless its conditions say otherwise; no Allow can help against a Deny"))
                .fix("ask its author whether workers of this queue are meant; setup tries it as the queue role before a queue relies on it")
        }
    } else {
        Finding::ok(format!("{} (read from its documents)", words.ok))
    }
}

/// What makes the role's trust policy right for this farm: setup, where it changes it.
pub fn fix_of_trust(view: &View, of: RoleUse, role: &Role, farm: &str) -> Fix {
    let who = principals(of).join(" and ");
    match repaired(role.trust.text(), of, farm, role.arn.account()) {
        Ok(_) => {
            let fix = Fix::setup(format!("adds {who} for {farm}; other statements stay"));
            if of == RoleUse::Fleet {
                fix_of_fleets(view, fix)
            } else {
                fix
            }
        }
        Err(e) => format!("change it in the IAM console, because setup does not: {e}").into(),
    }
}

/// Whom a queue's or a fleet's role trusts, and how that is fixed; one finding for each farm that uses it.
pub fn of_trust(view: &View, used: &UsedRole, role: &Role) -> Vec<Finding> {
    let policy = match role.trust.policy() {
        Ok(policy) => policy,
        Err(e) => {
            let finding = Finding::fail(
                "unreadable",
                format!("The trust policy can't be parsed: {e}"),
            )
            .fix("write the trust policy again in the IAM console");
            return vec![finding];
        }
    };
    let account = role.arn.account();
    let of_farm = |farm: &crate::domain::ids::FarmId| {
        let farm = farm_arn(view.region(), account, farm);
        let fix = fix_of_trust(view, used.of, role, &farm);
        match judge(policy, used.of, &farm, account) {
            Trust::Right => Finding::ok("Trusts Deadline Cloud for this farm (read from the document)"),
            Trust::Anybody => Finding::fail("anybody", "Everybody with an AWS account can assume it")
                .why("a statement of its trust policy allows sts:AssumeRole to the principal * without a condition")
                .fix(fix),
            Trust::TooWide => Finding::warn("too-wide", "Trusts Deadline Cloud of every account and farm")
                .why("without aws:SourceAccount and aws:SourceArn another account's Deadline Cloud could be led to use the role")
                .fix(fix),
            Trust::OnlyWorkers => Finding::warn("only-workers", format!("Trusts {} only", PRINCIPALS[0]))
                .why("AWS's guide lists both principals for a queue role; one sample works with this one alone")
                .fix(fix),
            Trust::Depends => Finding::unknown(
                "depends",
                "Whether it trusts Deadline Cloud depends on a condition that can't be evaluated from here",
            )
            .fix(fix),
            Trust::Denied => Finding::fail("denied", "A Deny statement forbids Deadline Cloud to assume it for this farm")
                .why("a Deny wins over every Allow, so adding a principal would not help")
                .fix(fix),
            Trust::Refused => Finding::fail(
                "refused",
                "Does not let Deadline Cloud assume it for this farm",
            )
            .why("a wrong farm or region in the trust policy, typical after a farm was recreated, \
                breaks every session although the role looks fine")
            .fix(fix),
        }
        .about(farm.rsplit('/').next().unwrap_or_default())
    };
    used.farms.iter().map(of_farm).collect()
}

/// What the simulator does not see, said with whatever it says.
const UNSEEN: &str = "simulated, not tried: it sees no bucket policy, no key policy, no endpoint policy and no session policy";

/// Why a simulation is worth having.
pub const WHY_SIMULATED: &str = "documents alone do not show an organization's policy; and a role with more than it needs is a way in";

/// The role by IAM's simulator, which is asked while its documents are read.
pub fn simulated(view: &View, arn: &RoleArn, of: RoleUse) -> Vec<Finding> {
    if role_use(view, arn, of).is_some() && simulation::is_settled(view) {
        view.fact(&simulation::question(view, arn));
    }
    of_role(view, arn, of, |used, role| of_simulation(view, used, role))
}

/// What the simulator's answer comes to.
fn of_simulation(view: &View, used: &UsedRole, role: &Role) -> Vec<Finding> {
    let question = simulation::question(view, &role.arn);
    let fact = view.fact(&question);
    let Some(results) = fact.known() else {
        // A simulation that can't be made blocks nothing: the documents were read, and setup tries it out.
        let skipped =
            |p: &Problem| Finding::skipped("not-simulated", "Not simulated by IAM").for_problem(p);
        let finding = fact.problem().map(skipped);
        let with = |f: Finding| f.from(view.evidence(&question));
        return finding.into_iter().map(with).collect();
    };
    let find = |r: &PermissionRequest| results.iter().find(|s| s.request == *r);
    let (needed, excess) = simulation::requests(view, used);
    let too_much = excess.iter().filter_map(find).filter(|s| s.allowed);
    let too_much: Vec<String> = too_much.map(|s| s.request.words()).collect();
    let refused = needed.iter().filter_map(find).filter(|s| !s.allowed);
    let refused: Vec<&SimulationResult> = refused.collect();
    let answered = needed.iter().chain(&excess).all(|r| find(r).is_some());
    let mut findings = Vec::new();
    if !too_much.is_empty() {
        let (what, lines) = counted(&too_much, "things");
        let line = format!("Has excess permissions (simulated): {what}");
        let finding = Finding::warn("excess", line)
            .why(WHY_SIMULATED)
            .fix("narrow the policy that grants it; studiolink changes no policy but its own");
        findings.push(finding.details(lines));
    }
    if !refused.is_empty() {
        findings.extend(of_refused(view, used, role, &refused));
    } else if !answered {
        let line = "IAM's simulator did not answer for every request";
        findings.push(Finding::unknown("partly-simulated", line).fix("check again"));
    } else if findings.is_empty() {
        let line = format!(
            "Can do the {} things that it needs, and none of {} that it does not (simulated)",
            needed.len(),
            excess.len()
        );
        findings.push(Finding::ok(line).why(UNSEEN));
    }
    let with = |f: Finding| f.from(view.evidence(&question));
    findings.into_iter().map(with).collect()
}

/// What it needs and is refused; nothing where another check says so already, with the change that fixes it.
fn of_refused(
    view: &View,
    used: &UsedRole,
    role: &Role,
    refused: &[&SimulationResult],
) -> Option<Finding> {
    let documents = access(role, &needs(view, used));
    let inside = documents.outside_boundary.is_empty();
    let all_read = documents.unread.is_empty();
    if inside && all_read && documents.wrong().next().is_some() {
        return None;
    }
    let words: Vec<String> = refused.iter().map(|s| s.request.words()).collect();
    let (verdict, cause, fix) = cause(role, refused);
    let but = if !inside {
        "what it needs"
    } else if all_read {
        "what its documents allow"
    } else {
        "what it needs, and not all of its documents could be read"
    };
    let (what, lines) = counted(&words, "requests");
    let line = format!("Is refused {but} (simulated): {what}");
    let finding = Finding::new(verdict, "refused", line);
    Some(finding.why(cause).fix(fix).details(lines))
}

/// Why, where IAM tells. What is only suspected is not FAIL.
fn cause(role: &Role, refused: &[&SimulationResult]) -> (Verdict, String, &'static str) {
    let any = |of: fn(&SimulationResult) -> bool| refused.iter().any(|s| of(s));
    let missing: Vec<String> = refused
        .iter()
        .flat_map(|s| &s.missing)
        .map(|m| m.show().to_string())
        .collect();
    // With values missing a condition may have decided that a worker's request meets.
    let (verdict, unsure) = if missing.is_empty() {
        (Verdict::Fail, String::new())
    } else {
        let missing = missing.join(", ");
        (
            Verdict::Warn,
            format!("; the simulation did not have the values of {missing}"),
        )
    };
    if any(|s| s.boundary == Some(false)) {
        let arn = role.boundary.as_ref();
        let arn = arn.map_or_else(|| "its boundary".to_owned(), |b| b.show().to_string());
        // The boundary is in the documents too, and IAM names it: no missing value is to blame.
        return (
            Verdict::Fail,
            format!("the role's permissions boundary does not allow it: {arn}{unsure}"),
            "ask the owner of the permissions boundary to add it there; a policy of the role can't",
        );
    }
    if any(|s| s.organization == Some(false)) {
        return (
            verdict,
            format!("a policy of the AWS organization (SCP) does not allow it{unsure}"),
            "ask the owner of the organization's policies",
        );
    }
    if any(|s| s.explicit) {
        return (
            verdict,
            format!("a Deny statement wins over every Allow{unsure}"),
            "find the Deny statement and ask its author: it was written on purpose",
        );
    }
    (
        Verdict::Warn,
        format!("the simulator says no and not why{unsure}; an organization's policy is suspected"),
        "compare with what setup tries as the role itself",
    )
}

//! What can be done about a role: the policy that it needs, or why it gets none. Whether its queues can have S3 channels
//! follows from it.

use serde_json::Value;

use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::config::NewRole;
use crate::domain::documents::Bars;
use crate::domain::fact::Fact;
use crate::domain::ids::{FarmId, RoleArn, farm_arn};
use crate::domain::needs::{INLINE_LIMIT, Need, QUEUE_POLICY, counted, narrowed};
use crate::domain::policy::{Decision, Policy};
use crate::domain::role::{PolicyText, Role};
use crate::domain::text::Printable;
use crate::domain::trust::whole;
use crate::questions::{Part, RoleDocuments, View};

use super::our_policy::{new_boundary, proposed, proposed_for_new};
use super::role_use::needs;
use super::wrong_owner::wrong_owner;

/// Our inline policy on a role, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEdit {
    pub before: Option<String>,
    pub after: Option<String>,
    pub because: Printable,
    pub warning: Option<&'static str>,
}

/// A role that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIamRole {
    pub trust: String,
    pub settings: NewRole,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleOutcome {
    /// The permissions exist, or the edit brings them: its queues can name S3 channels.
    pub ready: bool,
    pub create: Option<NewIamRole>,
    pub policy: Option<PolicyEdit>,
    pub unread: Vec<Printable>,
    pub refused: Vec<Printable>,
}

/// What becomes of a role that exists. Nothing is written over what was not read.
pub fn outcome(view: &View, used: &UsedRole) -> RoleOutcome {
    let mut out = RoleOutcome::default();
    let Some(policy) = used.of.policy() else {
        return out;
    };
    let arn = &used.arn;
    let fact = view.fact(&RoleDocuments(arn.clone()));
    let Some(role) = fact.known() else {
        let problem = fact.problem();
        out.unread
            .extend(problem.map(|p| format!("{}: {}", p.doing, p.because).into()));
        if fact.is_absent() {
            let fix = "set the queue's role in the console, or sign in to the role's own account";
            let words = format!("the role {arn} does not exist, and is not created: {fix}");
            out.refused.push(words.into());
        }
        return out;
    };
    of_existing(view, used, role, policy, &mut out);
    out
}

fn of_existing(
    view: &View,
    used: &UsedRole,
    role: &Role,
    policy: &'static str,
    out: &mut RoleOutcome,
) {
    let ours = role.inline.get(policy);
    // Without its list it is not known whether ours exists; nothing is written over what is not known.
    let unread = role
        .lists
        .problem()
        .or_else(|| ours.and_then(Fact::problem));
    if let Some(problem) = unread {
        let words = format!("{}: {}", problem.doing, problem.because);
        out.unread.push(words.into());
        return;
    }
    let of = format!("role {}", used.arn.name());
    let (policies, unread) = role.policies();
    let boundary = role.boundary_document();
    let all_read = unread.is_empty();
    let unread = unread.into_iter().chain(boundary.as_ref().err().cloned());
    out.unread
        .extend(unread.map(|why| Printable::from(format!("{of}: {why}"))));
    if let Some(why) = wrong_owner(view).filter(|_| used.of == RoleUse::Queue) {
        out.refused.push(
            format!(
                "{of} gets nothing and its queues no S3 channel, because {why}; \
            correct channel_account or bucket_owners"
            )
            .into(),
        );
        return;
    }
    let needs = needs(view, used);
    let read: Vec<&Policy> = policies.iter().map(|(_, p)| *p).collect();
    let met = |n: &Need| n.met_by(read.iter().copied()) == Decision::Allowed;
    // What a policy that was not read gives, ours need not give: nothing is decided before it is read.
    if !all_read && !needs.iter().all(met) {
        return;
    }
    let (proposal, before) = proposed(role, policy, &needs);
    if !says_what_bars(out, &of, &proposal.bars) {
        return;
    }
    match proposal.after {
        Ok(None) => {
            out.ready = true;
            if all_read {
                out.policy = doubled(role, policy, &needs);
            }
        }
        Ok(after) => {
            let size = size_after(role, policy, after.as_deref());
            if size > INLINE_LIMIT {
                out.refused.push(
                    format!(
                        "{policy} of {of} is not changed: its inline policies \
                    would have {size} characters, and IAM accepts {INLINE_LIMIT}; make one of the \
                    others a managed policy"
                    )
                    .into(),
                );
                return;
            }
            let unread_boundary = role.boundary.is_some() && boundary.is_err();
            out.ready = true;
            out.policy = Some(PolicyEdit {
                because: because(before, after.as_deref(), &proposal.free),
                before: before.map(str::to_owned),
                after,
                warning: unread_boundary.then_some(
                    "the role's permissions boundary could not be \
                    read; what it does not allow, this does not give",
                ),
            });
        }
        Err(e) => {
            let words = format!("{policy} of {of} is not changed: {e}");
            out.refused.push(words.into());
        }
    }
}

/// Our policy without what the role's others give anyway. An earlier run may have written it when it could not read them.
fn doubled(role: &Role, policy: &str, needs: &[Need]) -> Option<PolicyEdit> {
    let ours = role.inline.get(policy).and_then(Fact::known)?.text();
    let (policies, _) = role.policies();
    let others = policies.iter().filter(|(name, _)| *name != policy);
    let others: Vec<&Policy> = others.map(|(_, p)| *p).collect();
    let texts = role.inline.iter().chain(&role.attached);
    let texts = texts.filter(|(name, _)| *name != policy);
    let texts: Vec<&str> = texts.filter_map(|(_, f)| Some(f.known()?.text())).collect();
    // One that gives more than is needed ought to be narrowed some day; ours must still be there then.
    let exactly = |n: &Need| texts.iter().any(|t| allows_exactly(t, &n.resources));
    let given = |n: &&Need| n.met_by(others.iter().copied()) == Decision::Allowed && exactly(n);
    let (given, left): (Vec<&Need>, Vec<&Need>) = needs.iter().partition(given);
    let owned = |list: Vec<&Need>| list.into_iter().cloned().collect::<Vec<Need>>();
    let after = narrowed(ours, &owned(given), &owned(left))?;
    Some(PolicyEdit {
        before: Some(ours.to_owned()),
        after,
        because: "other policies of the role give this already".into(),
        warning: None,
    })
}

/// Has the document an Allow for these very resources?
fn allows_exactly(document: &str, resources: &[String]) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return false;
    };
    let list = |v: &Value| match v {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    list(&document["Statement"]).iter().any(|s| {
        let named = list(&s["Resource"]);
        let names = |r: &String| named.iter().any(|n| n.as_str() == Some(r));
        s["Effect"] == "Allow" && resources.iter().all(names)
    })
}

/// What becomes of a role that does not exist yet.
pub fn outcome_of_new(view: &View, used: &UsedRole, farm: &FarmId) -> RoleOutcome {
    let mut out = RoleOutcome::default();
    let arn = &used.arn;
    if let Some(why) = wrong_owner(view) {
        let name = arn.name();
        out.refused.push(format!("role {name} is not created, because {why}; correct channel_account or bucket_owners").into());
        return out;
    }
    let of = format!("the new role {}", arn.name());
    match new_boundary(view) {
        None => {}
        Some(Fact::Known(text)) => {
            if let Err(e) = text.policy() {
                let words = format!("{of} is not created: its permissions boundary: {e}");
                out.refused.push(words.into());
                return out;
            }
        }
        Some(Fact::Absent) => {
            out.refused.push(format!("{of} is not created: [iam.new_role] names a permissions boundary that does not exist").into());
            return out;
        }
        Some(fact) => {
            let problem = fact.problem();
            out.unread
                .extend(problem.map(|p| format!("{}: {}", p.doing, p.because).into()));
            return out;
        }
    }
    let proposal = proposed_for_new(view, used, QUEUE_POLICY);
    if !says_what_bars(&mut out, &of, &proposal.bars) {
        return out;
    }
    let farm = farm_arn(view.region(), arn.account(), farm);
    out.ready = true;
    out.create = Some(NewIamRole {
        trust: whole(RoleUse::Queue, &farm, arn.account()),
        settings: view.config(Part::Iam).iam.new_role.clone(),
    });
    if let Ok(Some(after)) = proposal.after {
        out.policy = Some(PolicyEdit {
            before: None,
            because: because(None, Some(&after), &proposal.free),
            after: Some(after),
            warning: None,
        });
    }
    out
}

/// Says what stands in the way of the needs; `false`: of a channel, so that the queues wait with it.
fn says_what_bars(out: &mut RoleOutcome, of: &str, bars: &Bars) -> bool {
    let fix = "ask its author to change it, then run this again";
    if !bars.channels.is_empty() {
        let why = bars.channels.join("; ");
        let words = format!("{of} gets nothing and its queues no S3 channel, because {why}; {fix}");
        out.refused.push(words.into());
    } else if !bars.others.is_empty() {
        let why = bars.others.join("; ");
        let words = format!("{of} is not given what would have no effect: {why}; {fix}");
        out.refused.push(words.into());
    }
    bars.channels.is_empty()
}

/// The size of the role's inline policies after the change, as IAM counts them.
fn size_after(role: &Role, policy: &str, after: Option<&str>) -> usize {
    let others = role.inline.iter().filter(|(n, _)| *n != policy);
    let others = others.filter_map(|(_, f)| f.known()).map(PolicyText::text);
    others.map(counted).sum::<usize>() + after.map_or(0, counted)
}

/// Which needs a change brings, in a sentence; everything that channels need is one reason.
fn because(before: Option<&str>, after: Option<&str>, needs: &[Need]) -> Printable {
    let meets = |text: Option<&str>, n: &Need| {
        let parsed = text.and_then(|t| Policy::parse(t).ok());
        parsed.is_some_and(|p| n.met_by([&p]) == Decision::Allowed)
    };
    let new = |n: &&Need| meets(after, n) && !meets(before, n);
    let new: Vec<&Need> = needs.iter().filter(new).collect();
    let mut reasons: Vec<String> = Vec::new();
    if new.iter().any(|n| n.is_of_channels()) {
        reasons.push(
            "conda on a worker reads the S3 channels as this role: GetObject for files, \
            ListBucket to tell missing from forbidden"
                .to_owned(),
        );
    }
    let others = new.iter().filter(|n| !n.is_of_channels());
    reasons.extend(others.map(|n| n.because.clone()));
    reasons.join("; ").into()
}

/// The name by which the change of our policy on a role is known.
pub fn policy_change_id(policy: &str, arn: &RoleArn) -> String {
    format!("{policy}/{}", arn.name())
}

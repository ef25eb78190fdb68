//! Deadline Cloud may assume the queue role, for this farm (field facts B1). Read from the document.

use super::fleet_role_needs::mend;
use super::queue_role::{asks_for, each_role};
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::ids::farm_arn;
use crate::domain::policy::Policy;
use crate::domain::studio::Role;
use crate::domain::trust::{PRINCIPALS, Trust, judge, mended, principals};

pub struct QueueRoleTrust;

impl Check for QueueRoleTrust {
    fn id(&self) -> &'static str {
        "queue-role-trust"
    }
    fn title(&self) -> &'static str {
        "The queue role trusts Deadline Cloud for this farm"
    }
    fn why(&self) -> &'static str {
        "a wrong farm or region in the trust policy, typical after a farm was recreated, breaks every session although the role looks fine"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Queue,
            "whom it trusts: role",
            |used, role| Some(trust_finding(self, view, used, role)),
        )
    }
}

/// Whom a queue's or a fleet's role trusts, and how that is mended.
pub fn trust_finding(check: &dyn Check, view: &View, used: &UsedRole, role: &Role) -> Finding {
    let name = role.arn.name();
    let why = "a wrong farm or region in the trust policy, typical after a farm was recreated, breaks every session although the role looks fine";
    let policy = match Policy::parse(&role.trust) {
        Ok(policy) => policy,
        Err(e) => {
            return says(
                check,
                Verdict::Fail,
                format!("The trust policy of {name} can't be read: {e}"),
            )
            .fix("write the trust policy again in the IAM console");
        }
    };
    let Some(key) = view.wanted.queues.first() else {
        return says(
            check,
            Verdict::Skipped,
            "There is no queue, so no farm to trust",
        );
    };
    let farm = farm_arn(&view.studio.region, role.arn.account(), &key.farm);
    let account = role.arn.account();
    let who = principals(used.of).join(" and ");
    let fix = match mended(&role.trust, used.of, &farm, account) {
        Ok(_) => {
            format!("setup merges it in: {who} may assume it, for {farm}; other statements stay")
        }
        Err(e) => format!("setup does not change it: {e}"),
    };
    let fix = if used.of == RoleUse::Fleet {
        mend(view, &fix)
    } else {
        fix
    };
    match judge(&policy, used.of, &farm, account) {
        Trust::Right => says(
            check,
            Verdict::Ok,
            format!("{name} trusts Deadline Cloud for this farm (read from the document)"),
        ),
        Trust::Anybody => says(check, Verdict::Fail, format!("{name} lets everybody with an AWS account assume it"))
            .why("a statement of its trust policy allows sts:AssumeRole to the principal * without a condition")
            .fix(fix),
        Trust::TooWide => says(
            check,
            Verdict::Warn,
            format!("{name} trusts Deadline Cloud of every account and farm"),
        )
        .why("without aws:SourceAccount and aws:SourceArn another account's Deadline Cloud could be led to use the role")
        .fix(fix),
        Trust::OnlyWorkers => says(check, Verdict::Warn, format!("{name} trusts {} only", PRINCIPALS[0]))
            .why("AWS's guide lists both principals for a queue role; one sample works with this one alone")
            .fix(fix),
        Trust::Depends => says(
            check,
            Verdict::Unknown,
            format!("Whether {name} trusts Deadline Cloud hangs on a condition that can't be judged from here"),
        )
        .fix(fix),
        Trust::Refused | Trust::Denied => says(
            check,
            Verdict::Fail,
            format!("{name} does not let Deadline Cloud assume it for this farm"),
        )
        .why(why)
        .fix(fix),
    }
}

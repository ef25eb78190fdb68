//! Each role trusts Deadline Cloud for the farms that use it: what is missing is merged in, what exists stays.

use crate::derived::our_policy::is_managed;
use crate::derived::role_use::role_uses;
use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::ids::{RoleArn, farm_arn};
use crate::domain::policy::Policy;
use crate::domain::risk::RiskKind;
use crate::domain::role::Role;
use crate::domain::text::Printable;
use crate::domain::trust::{Trust, judge, repaired};
use crate::questions::{RoleDocuments, View};
use crate::resources::{Change, TrustPolicy};

use super::role_permissions::roles;
use super::{Draft, Goal, nothing_manual};

pub(super) const GOAL: Goal = Goal {
    id: "role-trust",
    title: "Each role trusts Deadline Cloud for this farm",
    propose,
    manual: nothing_manual,
};

pub(super) fn trust_change_id(arn: &RoleArn) -> String {
    format!("trust/{}", arn.name())
}

fn propose(view: &View, draft: &mut Draft) {
    for arn in roles(view) {
        for used in role_uses(view, &arn) {
            // That a role could not be read, or does not exist, is said where its policies are planned. One that is a
            // queue's and a fleet's trusts both principals for the queue already.
            let done = draft.has(&trust_change_id(&arn));
            let role = view.fact(&RoleDocuments(arn.clone())).known();
            if let (Some(role), true, false) = (role, is_managed(view, used.of), done) {
                trust_change(view, draft, role, &used);
            }
        }
    }
}

/// What the role's trust policy lacks for the farms that use it, as one change; can it be assumed then?
pub(super) fn trust_change(view: &View, draft: &mut Draft, role: &Role, used: &UsedRole) -> bool {
    let (arn, account) = (&role.arn, role.arn.account());
    let mut text = role.trust.text().to_owned();
    let mut was_wide = false;
    let mut warnings: Vec<String> = Vec::new();
    for farm in &used.farms {
        let farm = farm_arn(view.region(), account, farm);
        was_wide |= Policy::parse(&text)
            .is_ok_and(|p| judge(&p, used.of, &farm, account) == Trust::TooWide);
        match repaired(&text, used.of, &farm, account) {
            Ok(None) => {}
            Ok(Some(after)) => {
                warnings.extend(others(&text, &farm));
                text = after;
            }
            Err(e) => {
                let name = arn.name();
                draft.refuse(format!(
                    "the trust policy of role {name} is not changed: {e}"
                ));
                return false;
            }
        }
    }
    if text == role.trust.text() {
        return true;
    }
    if was_wide {
        let who = if used.of == RoleUse::Fleet {
            "fleets"
        } else {
            "queues"
        };
        warnings.push(format!(
            "{who} of another farm can't use this role any more, unless their farm is named in it"
        ));
    }
    let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
    let change = Change::new(
        trust_change_id(arn),
        TrustPolicy { role: arn.clone() },
        Some(role.trust.text().to_owned()),
        Some(text),
        "Deadline Cloud must be able to assume the role for this farm; what is in its trust policy stays",
    );
    draft.add(change.risk(RiskKind::OtherFarms, warning));
    true
}

/// Another farm that the role trusts stays trusted; whether it still exists can't be told from here.
fn others(text: &str, farm: &str) -> Option<String> {
    let found = text
        .split('"')
        .find(|word| word.contains(":farm/farm-") && *word != farm)?;
    let shown = Printable::short(found, 100);
    Some(format!(
        "it still trusts {shown}; remove that in the IAM console if the farm is gone"
    ))
}

//! What the addon's publish and render steps ask of a worker, a fleet of the queue offers.

use url::Url;

use super::prelude::*;
use crate::derived::addon_places::{by_hand, fix};
use crate::derived::addon_roles::{Asks, Offer, asks, shown};
use crate::domain::addon::AddonField;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "addon-roles",
    title: "A fleet offers the attr.role that AYON's steps ask for",
    why: "a step whose attr.role no fleet of the queue declares is NOT_COMPATIBLE, and never runs",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, _: &Url) -> Vec<Finding> {
    asks(view).iter().filter_map(|a| of(view, a)).collect()
}

fn of(view: &View, asks: &Asks) -> Option<Finding> {
    let (place, shown_roles) = (asks.place.words(), shown(&asks.roles));
    let own = &view.config(Part::WorkerAttributes).worker_attributes;
    let (steps, own) = match asks.field {
        AddonField::RenderRoles => ("render", &own.render),
        _ => ("publish", &own.publish),
    };
    let finding = if asks.roles.is_empty() {
        // By the addon's published code, and OpenJD's rule for anyOf.
        Finding::fail(
            "empty",
            format!("AYON's {steps} steps ask for attr.role with no value ({place})"),
        )
        .why("the addon writes the list as it is (inferred from its code), and OpenJD refuses a template \
            whose anyOf is empty: no job is made")
    } else {
        match asks.offer {
            Offer::Unknown => return None,
            _ if !asks.is_here => return None, // addon-queue says where its jobs go
            Offer::Taken => {
                return Some(
                    Finding::ok(format!(
                        "A fleet offers attr.role = {shown_roles}, which AYON's {steps} steps ask for ({place})"
                    ))
                    .about(item(asks))
                    .from(asks.place.evidence.clone()),
                );
            }
            // fleet-attributes says of the same roles that they are not offered.
            _ if asks.roles == *own => return None,
            Offer::Studio(_) | Offer::Nobody => Finding::fail(
                "not-offered",
                format!(
                    "AYON's {steps} steps ask for attr.role = {shown_roles} ({place}), and no fleet of the queue offers it"
                ),
            )
            .why(CHECK.why),
        }
    };
    let field = asks.field.word();
    let finding = match &asks.offer {
        Offer::Studio(roles) => {
            let by_hand = by_hand(&asks.place, asks.field, &shown(roles));
            let by_setup = "writes what the studio file says and a fleet offers";
            finding.fix(fix(view, &asks.place, by_setup, &by_hand))
        }
        _ if asks.roles.is_empty() => finding.fix(format!(
            "in AYON, settings of {}, write the attr.role of a fleet that should take them into {field}",
            asks.place.at.settings_words()
        )),
        _ => finding.fix(format!(
            "declare it on a fleet (a [[connection]] has setup do it for publish steps), or write a fleet's own attr.role into \
            {field} of the addon, and into [worker_attributes] {steps}"
        )),
    };
    Some(finding.about(item(asks)).from(asks.place.evidence.clone()))
}

/// Both kinds of steps of a place are told apart.
fn item(asks: &Asks) -> String {
    match asks.field {
        AddonField::RenderRoles => format!("{}, render", asks.place.words()),
        _ => asks.place.words(),
    }
}

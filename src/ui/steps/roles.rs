//! 4. Roles: whom each role trusts and what it may do, in three grades that are never mixed up.

use super::super::model::Model;
use super::super::screen::{Block, Cell, Key, List, Screen, Tone};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::domain::ask::Ask;
use crate::domain::change::Thing;
use crate::domain::choices::{RoleUse, UsedRole, roles_to_make, used_roles};
use crate::domain::finding::{Finding, Source, Topic, Verdict, worst};
use crate::domain::ids::AccountId;
use crate::domain::probe::{Probe, Seen};
use crate::domain::config::FleetRoles;
use crate::ui::report::diff::diff;

pub struct Roles;

/// The checks behind each column.
const TRUST: &[&str] = &["queue-role-trust", "fleet-role", "worker-host-role"];
const READ: &[&str] = &[
    "queue-role-channels",
    "queue-role-needs",
    "queue-role-software",
    "fleet-role-needs",
    "worker-host-role",
];
const SIMULATED: &[&str] = &["queue-role-simulated", "fleet-role-simulated"];
const OF_FLEETS: &[&str] = &["fleet-role", "fleet-role-needs", "fleet-role-simulated"];
const TRIED: &[&str] = &[
    "channel-as-queue-role",
    "secret-as-queue-role",
    "tunnel-as-queue-role",
    "beside-channel",
];

/// Is a finding about this role?
fn is_about(model: &Model, used: &UsedRole, finding: &Finding) -> bool {
    let queue_uses = |key| {
        let studio = model.studio.as_ref();
        let role = studio.and_then(|s| s.queue(key).known()?.role_arn());
        used.of == RoleUse::Queue && role.as_ref() == Some(&used.arn)
    };
    finding.sources.iter().any(|s| match s {
        Source::Fact(Ask::Role(arn) | Ask::RoleMay(arn, _)) => *arn == used.arn,
        Source::Test(
            Probe::ChannelAsQueueRole(key, _)
            | Probe::BesideChannelAsQueueRole(key, _)
            | Probe::SecretAsQueueRole(key, _)
            | Probe::TunnelAsQueueRole(key, ..),
        ) => queue_uses(key),
        _ => false,
    })
}

fn row(model: &Model, used: &UsedRole, findings: &[Finding]) -> Vec<Cell> {
    let grade = |checks: &[&str]| {
        let about = findings
            .iter()
            .filter(|f| checks.contains(&f.check.as_str()) && is_about(model, used, f));
        worst(about).map_or_else(|| Cell::toned("-", Tone::Dim), Cell::verdict)
    };
    // Only a worker's own session has a fleet's credentials.
    let tried = match used.of {
        RoleUse::Queue => grade(TRIED),
        RoleUse::Fleet | RoleUse::WorkerHost => Cell::toned("worker only", Tone::Dim),
    };
    let by = match used.by.as_slice() {
        [] => used.of.word().to_owned(),
        [one] => format!("{} {one}", used.of.word()),
        [one, more @ ..] => format!("{} {one} and {} more", used.of.word(), more.len()),
    };
    vec![
        Cell::new(used.arn.name()),
        Cell::new(by),
        grade(TRUST),
        grade(READ),
        grade(SIMULATED),
        tried,
    ]
}

/// A bucket whose owner the studio file does not name, and the account that it was seen to belong to.
fn seen_owner(model: &Model) -> Option<(String, AccountId)> {
    let wanted = model.wanted();
    let readings = &model.studio.as_ref()?.readings;
    readings.iter().find_map(|(probe, reading)| {
        let (Probe::ChannelOwner(channel, _), Ok(Seen::Owner(Some(owner)))) =
            (probe, &reading.seen)
        else {
            return None;
        };
        let bucket = channel.bucket()?;
        let named = wanted.owner_of(bucket) == Some(owner);
        (!named).then(|| (bucket.to_owned(), owner.clone()))
    })
}

impl Step for Roles {
    fn title(&self) -> &'static str {
        "Roles"
    }

    fn word(&self, model: &Model) -> &'static str {
        if model.reached < 3 {
            "-"
        } else {
            word_of(model, Topic::Roles)
        }
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act { id: "fleets", .. } => {
                let roles = &mut model.draft.rest.roles;
                roles.fleets = match roles.fleets {
                    FleetRoles::Leave => FleetRoles::Manage,
                    FleetRoles::Manage => FleetRoles::Leave,
                };
            }
            Msg::Act { id: "owner", .. } => {
                if let Some((bucket, account)) = seen_owner(model) {
                    let words =
                        format!("The studio file will name {account} as the owner of {bucket}");
                    model.note = Some((Verdict::Ok, words.into()));
                    model.draft.rest.bucket_owners.insert(bucket, account);
                }
            }
            Msg::Act { id: "again", .. } => {
                model.forget(|a| matches!(a, Ask::Role(_) | Ask::RoleMay(..)));
                model.try_again(|p| p.vantage() == crate::domain::call::Vantage::QueueRole);
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("The studio's roles");
        screen.note =
            "read from documents, simulated by IAM, tried with a role's own credentials".into();
        let findings = model.of_topic(Topic::Roles);
        let wanted = model.wanted();
        if let Some(studio) = &model.studio {
            let used = used_roles(studio, &wanted);
            let new = roles_to_make(studio, &wanted).into_iter();
            let new = new.filter(|n| !used.iter().any(|u| u.arn == n.arn));
            let to_be_made = |new: UsedRole| {
                let queues: Vec<String> = new.by.iter().map(ToString::to_string).collect();
                let by = format!("to be made, queue {}", queues.join(", "));
                let mut cells = vec![Cell::new(new.arn.name()), Cell::new(by)];
                cells.extend(["-"; 4].map(|dash| Cell::toned(dash, Tone::Dim)));
                cells
            };
            let mut rows: Vec<Vec<Cell>> = new.map(to_be_made).collect();
            rows.extend(used.iter().map(|u| row(model, u, &findings)));
            if !rows.is_empty() {
                screen.add(Block::List(List {
                    id: "roles",
                    header: ["role", "of", "trust", "read", "simulated", "tried"]
                        .map(Into::into)
                        .to_vec(),
                    rows,
                    enter: None,
                    empty: "",
                    start: 0,
                }));
                screen.blank();
            }
            // Where nothing is wrong with them there is nothing to choose.
            let wrong = findings
                .iter()
                .any(|f| OF_FLEETS.contains(&f.check.as_str()) && f.verdict != Verdict::Ok);
            if wrong || wanted.roles.fleets == FleetRoles::Manage {
                let (words, label) = match wanted.roles.fleets {
                    FleetRoles::Leave => (
                        "The fleets' roles are left as they are: other farms may use them.",
                        "mend fleets",
                    ),
                    FleetRoles::Manage => (
                        "The fleets' roles are repaired too; other farms may use them.",
                        "leave fleets",
                    ),
                };
                screen.say_dim(words);
                screen.action("fleets", Key::Char('f'), label);
            }
        }
        if seen_owner(model).is_some() {
            screen.action("owner", Key::Char('o'), "name the owner");
        }
        screen.add(told(&findings));
        for change in model.plan().changes.iter().filter(|c| {
            matches!(
                c.thing,
                Thing::RolePolicy { .. }
                    | Thing::RoleTrust { .. }
                    | Thing::NewRole { .. }
                    | Thing::QueueRole { .. }
            )
        }) {
            screen.blank().heading(format!(
                "{}: what the review will propose",
                change.thing.words()
            ));
            screen.say_dim(change.because.clone());
            if let Some(warning) = &change.warning {
                screen.say(format!("note: {warning}"));
            }
            screen.add(Block::Diff {
                lines: diff(change),
                wrap: true,
            });
        }
        screen.action("again", Key::Char('r'), "look again");
        screen.next = Some("server");
        screen
    }
}

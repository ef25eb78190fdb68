//! 4. Roles: whom each role trusts and what it can do, in three grades that are never mixed up.

use std::collections::BTreeSet;

use super::super::model::Model;
use super::super::screen::{Block, Cell, Key, List, Screen, Tone};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::derived::role_use::{role_to_create, role_uses};
use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::config::FleetRoles;
use crate::domain::finding::{Finding, Grade, Topic, Verdict, worst};
use crate::domain::ids::{AccountId, RoleArn};
use crate::domain::subject::Subject;
use crate::probes::BucketOwner;
use crate::questions::{AnyQuestion, Demand, View};
use crate::resources::AnyResource;
use crate::ui::report::diff::diff;

pub(super) struct Roles;

/// The checks behind the column of trust policies.
const TRUST: &[&str] = &["queue-role-trust", "fleet-role", "worker-host-role"];
const OF_FLEETS: &[&str] = &["fleet-role", "fleet-role-needs", "fleet-role-simulated"];

fn row(view: &View, used: &UsedRole, findings: &[&Finding]) -> Vec<Cell> {
    let subject = Subject::Role(used.arn.clone());
    let queues: Vec<&Subject> = view.parents(&subject);
    let own = |f: &&&Finding| f.subject == subject;
    let cell = |about: Vec<&&Finding>| {
        let worst = worst(about.into_iter().copied());
        worst.map_or_else(|| Cell::toned("-", Tone::Dim), Cell::verdict)
    };
    let documents = |trust: bool| {
        let all = findings.iter().filter(own);
        let all = all.filter(|f| f.grade == Grade::Documents && TRUST.contains(&f.check) == trust);
        cell(all.collect())
    };
    let simulated = findings.iter().filter(own);
    let simulated = simulated.filter(|f| f.grade == Grade::Simulated);
    // What was tried as the role was tried for a queue. Only a worker's own session has a fleet's credentials.
    let tried = findings
        .iter()
        .filter(|f| f.grade == Grade::Tried && f.vantage.is_queue_role())
        .filter(|f| queues.contains(&&f.subject));
    let tried = match used.of {
        RoleUse::Queue => cell(tried.collect()),
        RoleUse::Fleet | RoleUse::WorkerHost => Cell::verdict(Verdict::WorkerOnly),
    };
    let by = match used.by.as_slice() {
        [] => used.of.word().to_owned(),
        [one] => format!("{} {one}", used.of.word()),
        [one, more @ ..] => format!("{} {one} and {} more", used.of.word(), more.len()),
    };
    vec![
        Cell::new(used.arn.name()),
        Cell::new(by),
        documents(true),
        documents(false),
        cell(simulated.collect()),
        tried,
    ]
}

/// A bucket whose owner the studio file does not name, and the account that it was seen to belong to.
fn seen_owner(model: &Model) -> Option<(String, AccountId)> {
    let config = model.config();
    let observations = &model.work.as_ref()?.snapshot().observations;
    let mut seen = observations.of::<BucketOwner>().iter();
    seen.find_map(|((probe, _), observation)| {
        let owner = observation.seen.as_ref().ok()?.as_ref()?;
        let bucket = probe.channel.bucket()?;
        let named = config.owner_of(bucket) == Some(owner);
        (!named).then(|| (bucket.to_owned(), owner.clone()))
    })
}

/// The roles in the order of the report: those to be created, then those that are used.
fn rows(model: &Model, view: &View, findings: &[&Finding]) -> Vec<Vec<Cell>> {
    let subjects = model.work.iter().flat_map(|w| w.inquiry().subjects());
    let roles: Vec<RoleArn> = subjects
        .filter_map(|s| match s {
            Subject::Role(arn) => Some(arn),
            _ => None,
        })
        .collect();
    let queues = &model.draft.queues;
    let new: BTreeSet<RoleArn> = queues
        .iter()
        .filter_map(|q| role_to_create(view, q))
        .collect();
    let mut rows = Vec::new();
    for arn in new.iter().chain(roles.iter().filter(|r| !new.contains(r))) {
        for used in role_uses(view, arn) {
            if new.contains(arn) {
                let queues: Vec<String> = used.by.iter().map(ToString::to_string).collect();
                let by = format!("to be created, queue {}", queues.join(", "));
                let mut cells = vec![Cell::new(arn.name()), Cell::new(by)];
                cells.extend(["-"; 4].map(|dash| Cell::toned(dash, Tone::Dim)));
                rows.push(cells);
            } else {
                rows.push(row(view, &used, findings));
            }
        }
    }
    rows
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
                let iam = &mut model.draft.rest.iam;
                iam.fleets = match iam.fleets {
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
            Msg::Act { id: "again", .. } => model.forget(&|d| match d {
                Demand::Question(question) => matches!(
                    question,
                    AnyQuestion::RoleDocuments(_) | AnyQuestion::RoleSimulation(_)
                ),
                Demand::Probe(_, from) => from.is_queue_role(),
            }),
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("The studio's roles");
        screen.note =
            "read from documents, simulated by IAM, tried with a role's own credentials".into();
        let findings = model.of_topic(Topic::Roles);
        let config = model.config();
        if let Some(view) = model.view() {
            let all: Vec<&Finding> = model.findings().iter().collect();
            let rows = rows(model, &view, &all);
            if !rows.is_empty() {
                screen.add(Block::List(List {
                    id: "roles",
                    header: ["role", "of", "trust", "policies", "simulated", "tried"]
                        .map(Into::into)
                        .to_vec(),
                    rows,
                    enter: None,
                    empty: "",
                    start: 0,
                    made: None,
                }));
                screen.blank();
            }
            // Where nothing is wrong with them there is nothing to choose.
            let wrong = findings
                .iter()
                .any(|f| OF_FLEETS.contains(&f.check) && f.verdict != Verdict::Ok);
            if wrong || config.iam.fleets == FleetRoles::Manage {
                let (words, label) = match config.iam.fleets {
                    FleetRoles::Leave => (
                        "The fleets' roles are left as they are: other farms may use them.",
                        "manage fleets",
                    ),
                    FleetRoles::Manage => (
                        "The fleets' roles are managed too; other farms may use them.",
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
        screen.add(told(findings));
        let plan = model.plan();
        let of_roles = |c: &&crate::resources::Change| {
            matches!(
                c.resource,
                AnyResource::InlinePolicy(_)
                    | AnyResource::TrustPolicy(_)
                    | AnyResource::IamRole(_)
                    | AnyResource::QueueRoleLink(_)
            )
        };
        for change in plan.changes.iter().filter(of_roles) {
            screen
                .blank()
                .heading(format!("{}: what the review will propose", change.words()));
            screen.say_dim(change.because.clone());
            if let Some(warning) = &change.warning {
                screen.say(format!("note: {warning}"));
            }
            screen.add(Block::Diff {
                lines: diff(change),
                wrap: true,
            });
        }
        screen.action("again", Key::Char('r'), "check again");
        screen.next = Some("server");
        screen
    }
}

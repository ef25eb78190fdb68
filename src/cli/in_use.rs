//! What a rollback leaves, because something that it does not undo uses it by now: a secret with another key, or of an
//! environment; the way of a fleet through VPC Lattice.

use url::Url;

use super::out::talk;
use crate::domain::fact::Fact;
use crate::domain::farm::QueueEnvironment;
use crate::domain::fleet_settings::read;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::lattice::configuration_id;
use crate::domain::worker_secret::SecretPlace;
use crate::engine::journal::{self, Header, to_undo};
use crate::questions::{
    AnyAnswer, AnyQuestion, FleetDetails, QueueEnvironments, QueueFleets, SecretDetails,
};
use crate::resources::{AnyResource, Change, Plan};
use crate::world::World;

/// Takes such changes out of the plan, says why, and returns them.
pub(super) async fn keep(world: &dyn World, header: &Header, plan: &mut Plan) -> Vec<Change> {
    let is_lattice = |c: &Change| {
        matches!(
            c.resource,
            AnyResource::ResourceGateway(_)
                | AnyResource::ResourceConfiguration(_)
                | AnyResource::ResourceShare(_)
                | AnyResource::ShareAssociations(_)
        )
    };
    let fleets = if plan.changes.iter().any(is_lattice) {
        fleet_that_stays(world, header, plan).await
    } else {
        None
    };
    let mut kept = Vec::new();
    for change in std::mem::take(&mut plan.changes) {
        let why = match &change.resource {
            AnyResource::AyonUserKey(r) => key_in_a_secret(world, header, &r.server),
            AnyResource::ShareAssociations(_) if serves_others(&change) => {
                Some("the share serves other configurations too".to_owned())
            }
            AnyResource::Secret(r) => secret(world, header, plan, &r.place).await,
            _ if is_lattice(&change) => fleets.clone(),
            _ => None,
        };
        match why {
            Some(why) => {
                talk(&format!("{} stays: {why}", change.words()));
                kept.push(change);
            }
            None => plan.changes.push(change),
        }
    }
    kept
}

async fn known<T>(
    world: &dyn World,
    question: impl Into<AnyQuestion>,
    of: impl Fn(AnyAnswer) -> Option<Fact<T>>,
) -> Fact<T> {
    let answered = world.look(&question.into()).await;
    of(answered.answer).unwrap_or(Fact::PENDING)
}

/// A member of a change's text that is a list of texts.
fn listed(text: Option<&String>, member: &str) -> Vec<String> {
    let value: Option<serde_json::Value> = text.and_then(|t| serde_json::from_str(t).ok());
    let list = value.and_then(|v| v[member].as_array().cloned());
    let list = list.unwrap_or_default().into_iter();
    list.filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// Would the share that stays lose Deadline Cloud, or its source, while it shares something else?
fn serves_others(change: &Change) -> bool {
    let count = |text: &Option<String>, member: &str| listed(text.as_ref(), member).len();
    let loses = |member| count(&change.after, member) < count(&change.before, member);
    count(&change.after, "resourceArns") > 0 && (loses("principals") || loses("sources"))
}

/// The resource configurations, by id, that a change deletes or no longer shares.
fn taken(change: &Change) -> Vec<String> {
    let shared = |text: &Option<String>| -> Vec<String> {
        let arns = listed(text.as_ref(), "resourceArns").into_iter();
        arns.map(|arn| configuration_id(&arn).to_owned()).collect()
    };
    match &change.resource {
        AnyResource::ResourceConfiguration(r) => r.id.iter().cloned().collect(),
        AnyResource::ResourceShare(_) => shared(&change.before),
        // Where it stays, but not its principal or its source, no fleet can use it either.
        AnyResource::ShareAssociations(_) => {
            [shared(&change.before), shared(&change.after)].concat()
        }
        _ => Vec::new(),
    }
}

/// A fleet that still uses a resource configuration of the run after the plan; or that this could not be read.
async fn fleet_that_stays(world: &dyn World, header: &Header, plan: &Plan) -> Option<String> {
    let own: Vec<String> = plan.changes.iter().flat_map(taken).collect();
    let unread = Some("whether a fleet uses it could not be read".to_owned());
    let mut fleets: Vec<FleetKey> = Vec::new();
    for queue in &header.queues {
        let list = known(world, QueueFleets(queue.clone()), |a| match a {
            AnyAnswer::QueueFleets(fact) => Some(fact),
            _ => None,
        });
        match list.await {
            Fact::Known(list) => fleets.extend(list.iter().map(|row| queue.fleet(&row.fleet))),
            Fact::Absent => {}
            _ => return unread,
        }
    }
    fleets.sort_unstable();
    fleets.dedup();
    for key in fleets {
        // This very plan may take it from the fleet.
        let then = plan.changes.iter().rev().find_map(|c| match &c.resource {
            AnyResource::FleetConfiguration(r) if r.fleet == key => c.after.as_deref(),
            _ => None,
        });
        let uses = match then {
            Some(text) => match read(text) {
                Ok((attached, _)) => attached,
                Err(_) => return unread,
            },
            None => {
                let fact = known(world, FleetDetails(key.clone()), |a| match a {
                    AnyAnswer::FleetDetails(fact) => Some(fact),
                    _ => None,
                });
                match fact.await {
                    Fact::Known(fleet) => {
                        let all = fleet.configurations.iter();
                        all.map(|c| c.raw().to_owned()).collect()
                    }
                    Fact::Absent => Vec::new(),
                    _ => return unread,
                }
            }
        };
        let is_own = |arn: &String| own.iter().any(|id| id == configuration_id(arn));
        if uses.iter().any(is_own) {
            return Some(format!(
                "fleet {} uses it, by another run or by hand",
                key.fleet
            ));
        }
    }
    None
}

/// A key that a later run has put into a secret, and no rollback has taken back: workers sign in with it.
fn key_in_a_secret(world: &dyn World, header: &Header, server: &Url) -> Option<String> {
    let Ok(journals) = journal::read_all(world.local()) else {
        return Some("whether a secret holds it could not be read".to_owned());
    };
    if let Some((id, _)) = journals.unreadable.first() {
        return Some(format!(
            "whether run {id} has put it into a secret could not be read"
        ));
    }
    let later = journals
        .runs
        .iter()
        .filter(|r| r.header.started > header.started);
    let mut later = later.filter(|r| r.header.undoes.is_none());
    later.find_map(|run| {
        let mut open = to_undo(run, &journals.runs);
        // A call whose answer was lost may have put it too.
        let in_doubt = run.entries.iter().filter(|e| e.came.is_none());
        let in_doubt = in_doubt.chain(run.may_be_done_late());
        open.extend(in_doubt.map(|e| e.change.clone()));
        let name = open.iter().find_map(|c| match &c.resource {
            AnyResource::SecretValue(v) if v.server == *server => Some(v.place.name()),
            _ => None,
        })?;
        let id = &run.header.id;
        Some(format!("run {id} has put a key into secret {name} since; undo that one first: studiolink rollback {id}"))
    })
}

/// A secret goes while it holds what the run has put, and no environment that stays reads it.
async fn secret(
    world: &dyn World,
    header: &Header,
    done: &Plan,
    place: &SecretPlace,
) -> Option<String> {
    let fact = known(world, SecretDetails(place.clone()), |a| match a {
        AnyAnswer::SecretDetails(fact) => Some(fact),
        _ => None,
    });
    let Fact::Known(there) = fact.await else {
        return None; // the change itself reads it again
    };
    if there.versions.len() > 1 {
        return Some("it got another key since".to_owned());
    }
    for queue in &header.queues {
        if let Some(name) = reads(world, done, queue, place).await {
            return Some(name);
        }
    }
    None
}

async fn reads(
    world: &dyn World,
    done: &Plan,
    queue: &QueueKey,
    place: &SecretPlace,
) -> Option<String> {
    let fact = known(world, QueueEnvironments(queue.clone()), |a| match a {
        AnyAnswer::QueueEnvironments(fact) => Some(fact),
        _ => None,
    });
    let list = match fact.await {
        Fact::Known(list) => list,
        Fact::Absent => return None,
        _ => return Some("whether an environment reads it could not be read".to_owned()),
    };
    // Those that this plan takes away come before the secret in it.
    let goes = |e: &QueueEnvironment| {
        done.changes.iter().any(|c| {
            matches!(&c.resource, AnyResource::EnvironmentTemplate(r) if r.id.as_ref() == Some(&e.id))
                && c.after.is_none()
        })
    };
    let mut read = list.iter().filter_map(Fact::known);
    let stays = read.find(|e| e.template.text.contains(place.name()) && !goes(e))?;
    Some(format!(
        "environment \"{}\" of {} reads it",
        stays.name.show(),
        queue.queue.brief()
    ))
}

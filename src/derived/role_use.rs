//! Which roles there are, what for, and what each needs: from the queues and fleets that use it, the farm's key, and the
//! studio file.

use crate::domain::choices::{Choices, RoleUse, UsedRole};
use crate::domain::config::PathId;
use crate::domain::farm::{Management, Queue};
use crate::domain::ids::{FarmId, QueueKey, RoleArn, partition_of};
use crate::domain::needs::Need;
use crate::domain::subject::Subject;
use crate::questions::{
    CallerIdentity, FarmDetails, FleetDetails, Part, QueueDetails, QueueFleets, RoleDocuments,
    SessionSettings, View,
};

use super::connections::tunnel;

/// The role that a queue has, or that setup creates for it.
pub fn role_of(view: &View, key: &QueueKey) -> Option<RoleArn> {
    let queue = view.fact(&QueueDetails(key.clone())).known()?;
    match queue.role_arn() {
        Some(arn) => Some(arn),
        None => role_to_create(view, key),
    }
}

/// The role that setup creates for a queue which has none, or whose role does not exist; `None`: it creates none.
pub fn role_to_create(view: &View, key: &QueueKey) -> Option<RoleArn> {
    let queue = view.fact(&QueueDetails(key.clone())).known()?;
    if let Some(named) = &queue.role {
        let arn: RoleArn = named.raw().parse().ok()?;
        let gone = view.fact(&RoleDocuments(arn.clone())).is_absent();
        let account = &view.fact(&CallerIdentity).known()?.account;
        return (gone && arn.account() == account.as_str()).then_some(arn);
    }
    let config = view.config(Part::Iam);
    if !needs_role(view) {
        return None;
    }
    let account = &view.fact(&CallerIdentity).known()?.account;
    let new = &config.iam.new_role;
    let own = || {
        let id = key.queue.as_str();
        format!("studiolink-queue-{}", &id[id.len() - 8..])
    };
    let name = new.name.clone().unwrap_or_else(own);
    let path = new.path.as_deref().unwrap_or("/");
    let partition = partition_of(view.region());
    format!("arn:{partition}:iam::{account}:role{path}{name}")
        .parse()
        .ok()
}

/// Does the studio file choose anything that a queue without a role could not have?
pub fn needs_role(view: &View) -> bool {
    for part in [Part::Channels, Part::Secret, Part::Tunnel] {
        view.config(part);
    }
    crate::domain::choices::needs_role(view.config(Part::Server))
}

fn uses(view: &View, key: &QueueKey, queue: &Queue, arn: &RoleArn) -> bool {
    match queue.role_arn() {
        Some(own) => own == *arn,
        None => role_to_create(view, key).as_ref() == Some(arn),
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// What the role is used for, each use once: queues first.
pub fn role_uses(view: &View, arn: &RoleArn) -> Vec<UsedRole> {
    let (mut by_queues, mut by_fleets) = (Vec::new(), Vec::new());
    let (mut queue_farms, mut fleet_farms) = (Vec::new(), Vec::new());
    let mut host = false;
    for parent in view.parents(&Subject::Role(arn.clone())) {
        match parent {
            Subject::Queue(key) => {
                by_queues.push(view.queue_name(key));
                push_new(&mut queue_farms, key.farm.clone());
            }
            Subject::Fleet(key) => {
                by_fleets.push(view.fleet_name(key));
                push_new(&mut fleet_farms, key.farm.clone());
            }
            Subject::Account => host = true,
            _ => {}
        }
    }
    let mut all = Vec::new();
    let mut add = |of, by, farms: Vec<FarmId>| {
        let arn = arn.clone();
        all.push(UsedRole { arn, of, by, farms });
    };
    if !by_queues.is_empty() {
        add(RoleUse::Queue, by_queues, queue_farms);
    }
    if !by_fleets.is_empty() {
        add(RoleUse::Fleet, by_fleets, fleet_farms);
    }
    if host {
        let farms = view.config(Part::Queues).queues.first();
        let farms = farms.map(|q| q.farm.clone()).into_iter().collect();
        add(RoleUse::WorkerHost, Vec::new(), farms);
    }
    all
}

/// The role's use by queues; one that the queue does not have yet counts as its own.
pub fn use_of_queue(view: &View, key: &QueueKey, arn: &RoleArn) -> UsedRole {
    role_use(view, arn, RoleUse::Queue).unwrap_or_else(|| UsedRole {
        arn: arn.clone(),
        of: RoleUse::Queue,
        by: vec![view.queue_name(key)],
        farms: vec![key.farm.clone()],
    })
}

/// The one use of that kind, where the role has it.
pub fn role_use(view: &View, arn: &RoleArn, of: RoleUse) -> Option<UsedRole> {
    role_uses(view, arn).into_iter().find(|used| used.of == of)
}

/// Everything that a role's needs follow from. What was not read brings no need, and the one who judges by it has to look
/// whether it was.
pub fn choices(view: &View, arn: &RoleArn) -> Option<Choices> {
    let config = view.config(Part::Channels);
    for part in [Part::Owners, Part::Secret, Part::Tunnel, Part::Server] {
        view.config(part);
    }
    let mut farm = None;
    let mut attachments = Vec::new();
    let (mut fleets, mut own_fleets) = (Vec::new(), Vec::new());
    let parents = view.parents(&Subject::Role(arn.clone()));
    // A role that nothing uses yet stands for one of a machine.
    if parents.is_empty() {
        own_fleets = customer_fleets(view);
    }
    for parent in parents {
        match parent {
            Subject::Queue(key) => {
                farm.get_or_insert_with(|| key.farm.clone());
                let Some(queue) = view.fact(&QueueDetails(key.clone())).known() else {
                    continue;
                };
                if let (true, Some(bucket), Some(prefix)) = (
                    uses(view, key, queue, arn),
                    &queue.attachments_bucket,
                    &queue.attachments_prefix,
                ) {
                    let one = (bucket.raw().to_owned(), prefix.raw().to_owned());
                    push_new(&mut attachments, one);
                }
            }
            Subject::Fleet(key) => {
                farm.get_or_insert_with(|| key.farm.clone());
                push_new(&mut fleets, key.fleet.clone());
            }
            // A machine's role is for the studio's own fleets, whichever role those have.
            Subject::Account => own_fleets = customer_fleets(view),
            _ => {}
        }
    }
    let first = || {
        view.config(Part::Queues)
            .queues
            .first()
            .map(|q| q.farm.clone())
    };
    let farm = farm.or_else(first)?;
    let details = view.fact(&FarmDetails(farm.clone())).known();
    let owners = config.s3_channels().filter_map(|c| {
        let bucket = c.bucket()?;
        Some((bucket.to_owned(), config.owner_of(bucket)?.clone()))
    });
    Some(Choices {
        partition: arn.partition().to_owned(),
        region: view.region().clone(),
        account: arn.account().to_owned(),
        channels: config.channels.clone(),
        owners: owners.collect(),
        channel_key: config.channel_key.clone(),
        secret: config.secret.clone(),
        tunnel: config
            .tunnel
            .clone()
            .filter(|_| config.chooses(PathId::Ssm)),
        session_key: session_key(view, arn),
        attachments,
        farm_key: details.and_then(|f| Some(f.key.as_ref()?.raw().to_owned())),
        farm,
        fleets,
        own_fleets,
    })
}

/// The key that sessions are encrypted with. An alias grants nothing in a policy, so it is none.
fn session_key(view: &View, arn: &RoleArn) -> Option<String> {
    tunnel(view)?;
    let settings = view.fact(&SessionSettings).known()?;
    let key = settings.key.as_ref()?.raw();
    if key.starts_with("arn:") {
        return key.contains(":key/").then(|| key.to_owned());
    }
    let id = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (partition, account, region) = (arn.partition(), arn.account(), view.region());
    id.then(|| format!("arn:{partition}:kms:{region}:{account}:key/{key}"))
}

/// The customer-managed fleets of the studio's queues.
fn customer_fleets(view: &View) -> Vec<crate::domain::ids::FleetId> {
    let mut own = Vec::new();
    for key in &view.config(Part::Queues).queues {
        let list = view.fact(&QueueFleets(key.clone())).known();
        for row in list.into_iter().flatten() {
            let fleet = key.fleet(&row.fleet);
            let details = view.fact(&FleetDetails(fleet)).known();
            if details.is_some_and(|f| f.management == Management::Customer) {
                push_new(&mut own, row.fleet.clone());
            }
        }
    }
    own
}

/// What the role needs for that use.
pub fn needs(view: &View, used: &UsedRole) -> Vec<Need> {
    let choices = choices(view, &used.arn);
    choices.map(|c| c.needs(used.of)).unwrap_or_default()
}

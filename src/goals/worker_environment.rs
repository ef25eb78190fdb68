//! The publish step finds the server and the key on the worker: each queue has one queue environment that gives both. One
//! that the studio has made itself stays as it is.

use std::collections::BTreeMap;

use crate::derived::conda_environment::environments;
use crate::derived::connections::connections;
use crate::derived::job_packages::is_named;
use crate::derived::lattice_wanted::{wanted, worker_url};
use crate::derived::role_use::role_of;
use crate::domain::call::Vantage;
use crate::domain::config::PathId;
use crate::domain::fact::Fact;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::{FleetId, QueueKey};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::risk::RiskKind;
use crate::domain::template::{API_KEY, SERVER_URL, Template};
use crate::domain::text::{Printable, Untrusted};
use crate::domain::worker_environment::{self, WorkerEnvironment};
use crate::domain::worker_secret::SecretPlace;
use crate::probes::{ReadSecret, has_no_credentials};
use crate::questions::{Part, QueueEnvironments, View};
use crate::resources::{AnyResource, Change, EnvironmentTemplate, Plan};

use super::fleet_roles::fleet_change_id;
use super::lattice_path::{id_of, will_use};
use super::queue_channels::{MOST_ENVIRONMENTS, may_be_customers, role_changes};
use super::worker_key::{secret_change_id, value_change_id, will_hold_key};
use super::{Draft, Goal, ManualStep};

pub const GOAL: Goal = Goal {
    id: "worker-environment",
    title: "The publish step finds the server and the key",
    propose,
    manual,
};

fn propose(view: &View, draft: &mut Draft) {
    refuse_paths(view, draft);
    let config = view.config(Part::Server);
    let secret = &view.config(Part::Secret).secret;
    let Some(secret) = secret.as_ref().filter(|_| is_named(&config.server.url)) else {
        return;
    };
    for key in &view.config(Part::Queues).queues {
        of_queue(view, draft, key, secret);
    }
}

/// A path that can't work is not set up as if it could.
fn refuse_paths(view: &View, draft: &mut Draft) {
    let config = view.config(Part::Server);
    // Direct never lacks a way in principle, so a studio with that path alone is not asked for its fleets here.
    let others = PathId::ALL
        .iter()
        .any(|p| *p != PathId::Direct && config.chooses(*p));
    if !is_named(&config.server.url) || !others {
        return;
    }
    for connection in connections(view).iter().filter(|c| !c.can_work()) {
        draft.refuse(format!(
            "Path \"{}\" does not lead from fleet {} to the server: {}",
            connection.chosen.path.word(),
            view.fleet_name(&connection.key),
            connection.chosen.reach.why
        ));
    }
}

/// Of a queue whose environments could all be read: those that parse. `None`: one can't be, and the plan says so.
pub(super) fn read_all<'a>(
    view: &View<'a>,
    draft: &mut Draft,
    key: &QueueKey,
) -> Option<Vec<(&'a QueueEnvironment, &'a Template)>> {
    let fact = view.fact(&QueueEnvironments(key.clone()));
    draft.problem(fact.problem());
    let list = fact.known()?;
    for environment in list {
        draft.problem(environment.problem());
    }
    let read: Vec<&QueueEnvironment> = list.iter().filter_map(Fact::known).collect();
    if read.len() < list.len() {
        return None;
    }
    let parsed = read
        .iter()
        .map(|e| Some((*e, e.template.parsed.as_ref().ok()?)));
    // Why it does not parse, queue-channels says.
    parsed.collect()
}

/// The id of the change that makes it, or changes it.
pub(super) fn environment_change_id(key: &QueueKey) -> String {
    format!("ayon-environment/{}", key.queue)
}

fn of_queue(view: &View, draft: &mut Draft, key: &QueueKey, secret: &SecretPlace) {
    let id = environment_change_id(key);
    if draft.wishes.left_out.contains(&id) {
        return;
    }
    let Some(all) = read_all(view, draft, key) else {
        return;
    };
    let name = view.queue_name(key);
    // A tunnel's own environment gives the server's address to some fleets, and is looked after by its own goal.
    let gives = |t: &Template| !t.opens_tunnel && (t.gives(SERVER_URL) || t.gives(API_KEY));
    let own = all.iter().find(|(_, t)| t.is_made_here && gives(t));
    // What the studio has made serves, or worker-environment says what it lacks.
    if own.is_none() && all.iter().any(|(_, t)| gives(t)) {
        return;
    }
    let Some(arn) = role_of(view, key) else {
        draft.refuse(format!(
            "queue {name} gets no environment with the server and the key: it has no role that could read the secret"
        ));
        return;
    };
    // Every session of the queue would fail; worker-key says what the secret lacks.
    if !will_hold_key(view, draft, secret) {
        return;
    }
    if let Some(problem) = denied(view, key, secret)
        && role_changes(draft, key, &arn).is_empty()
    {
        draft.refuse(format!(
            "queue {name} gets no environment with the server and the key: its role can't read the secret ({}), and this plan does not change the role",
            problem.because
        ));
        return;
    }
    let wanted = WorkerEnvironment {
        server: &view.config(Part::Server).server.url,
        servers: servers(view, draft, key),
        secret,
        region: view.region().as_str(),
    };
    let (wanted, kind) = (wanted.template(), worker_environment::KIND);
    let mut resource = EnvironmentTemplate {
        queue: key.clone(),
        id: None,
        name: Untrusted::new(worker_environment::NAME),
        priority: 0,
        template_type: kind,
    };
    let change = if let Some((environment, _)) = own {
        let text = &environment.template.text;
        if worker_environment::is_same(text, &wanted) {
            return;
        }
        resource.id = Some(environment.id.clone());
        resource.name = environment.name.clone();
        resource.priority = environment.priority;
        let because = "the studio file says something else of the server or the key than the environment that setup made";
        Change::new(id, resource, Some(text.clone()), Some(wanted), because)
    } else {
        if all.len() + planned(draft, key) >= MOST_ENVIRONMENTS {
            draft.refuse(format!("queue {name} has {} environments already, and the service accepts {MOST_ENVIRONMENTS}: none with the server and the key is added", all.len()));
            return;
        }
        let (priority, because) = place(draft, key, &all);
        resource.priority = priority;
        Change::new(id, resource, None, Some(wanted), because)
    };
    let warning = may_be_customers(view, key).then_some(
        "a customer-managed fleet is, or may be, associated with the queue: its hosts need a command named python, with boto3 or the aws command; \
        a worker agent from before May 2025 may not know openjd_redacted_env, and then writes the line with the key into its log",
    );
    let change = change.risk(RiskKind::UntestedWorkers, warning);
    let change = change.reads_secret(key.clone(), secret.clone());
    draft.add(
        change
            .named(name.to_width(40))
            .needs(needs(view, draft, key, secret)),
    );
}

/// The role was seen not to read the secret. That nobody has tried it, as in an audit, says nothing.
fn denied<'a>(view: &View<'a>, key: &QueueKey, secret: &SecretPlace) -> Option<&'a Problem> {
    let from = Vantage::QueueRole(key.clone());
    let seen = view.peek_seen(&ReadSecret(secret.clone()), &from).seen();
    let problem = seen.and_then(|o| o.problem());
    problem.filter(|p| p.kind == ProblemKind::Denied && !has_no_credentials(p))
}

/// The environments that this plan adds to the queue.
pub(super) fn planned(draft: &Draft, key: &QueueKey) -> usize {
    let adds = |c: &&Change| {
        matches!(&c.resource, AnyResource::EnvironmentTemplate(e) if e.queue == *key)
            && c.before.is_none()
    };
    draft.plan.changes.iter().filter(adds).count()
}

/// The fleets whose workers know the server by another address.
fn servers(view: &View, draft: &Draft, key: &QueueKey) -> BTreeMap<FleetId, String> {
    let mut all = BTreeMap::new();
    for connection in connections(view) {
        let by_lattice = connection.chosen.path == PathId::Lattice && connection.can_work();
        if !by_lattice || !connection.queues.contains(key) {
            continue;
        }
        let Some(Ok(wanted)) = wanted(view, &connection.key) else {
            continue;
        };
        // A worker can't resolve the address of a configuration that its fleet does not use.
        if !will_use(view, draft, &connection.key, &wanted) {
            continue;
        }
        if let Some(url) = worker_url(view, &id_of(&wanted)) {
            all.insert(connection.key.fleet.clone(), url);
        }
    }
    all
}

/// Before what makes conda environments or wraps what comes after it: then the host's own python reads the key, and the
/// packages' variables win where both set one.
pub(super) fn place(
    draft: &Draft,
    key: &QueueKey,
    all: &[(&QueueEnvironment, &Template)],
) -> (i32, Printable) {
    let rules = |(_, t): &&(&QueueEnvironment, &Template)| t.kind.is_conda() || t.wraps;
    let first = all.iter().filter(rules).min_by_key(|(e, _)| e.priority);
    let planned = draft.has(&format!("conda-environment/{}", key.queue));
    let words = "no environment of the queue gives a session the server's address or the key; it is made once the queue role was seen to read the secret";
    match first.map(|(e, _)| (e.priority, e.name.show())) {
        Some((0, other)) => (
            0,
            format!("{words}. It is entered after \"{other}\", which has priority 0: the python of that environment's packages reads the key where they bring one, and it needs boto3 or the aws command").into(),
        ),
        Some((priority, other)) => (
            priority - 1,
            format!("{words}. Priority {}: entered before \"{other}\", so that the host's own python reads the key", priority - 1).into(),
        ),
        None if planned => (0, format!("{words}. Priority 0: entered before the conda environment, so that the host's own python reads the key").into()),
        None => (1, words.into()),
    }
}

/// The changes of this plan that it waits for: the key, and the role that reads it.
fn needs(view: &View, draft: &Draft, key: &QueueKey, secret: &SecretPlace) -> Vec<String> {
    let role = role_of(view, key);
    let of_role = role.iter().flat_map(|arn| role_changes(draft, key, arn));
    let secrets = [secret_change_id(secret), value_change_id(secret)];
    let fleets = connections(view);
    let fleets = fleets.iter().filter(|c| c.queues.contains(key));
    let fleets = fleets.map(|c| fleet_change_id(&c.key));
    let more = secrets.into_iter().chain(fleets);
    let mut all: Vec<String> = more.filter(|id| draft.has(id)).chain(of_role).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn is_given(view: &View, plan: &Plan, key: &QueueKey) -> bool {
    let planned = environment_change_id(key);
    let parsed = environments(view, key);
    let mut parsed = parsed
        .iter()
        .filter_map(|e| e.template.parsed.as_ref().ok());
    plan.changes.iter().any(|c| c.id == planned)
        || parsed.any(|t| t.gives(SERVER_URL) && t.gives(API_KEY))
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let config = view.config(Part::Server);
    let server = &config.server;
    let queues = &view.config(Part::Queues).queues;
    // Where a secret is named, setup makes what is missing, or says why it does not.
    let named = view.config(Part::Secret).secret.is_some();
    if !queues.is_empty() && (named || queues.iter().all(|key| is_given(view, plan, key))) {
        return Vec::new();
    }
    let mut paste = vec!["AYON_HEADLESS_MODE=1".into()];
    if is_named(&server.url) {
        let url = server.url.as_str().trim_end_matches('/');
        paste.insert(0, format!("AYON_SERVER_URL={url}").into());
    }
    vec![ManualStep {
        for_whom: "the workers",
        what: "give the publish step the server and the key of a service user in its environment; \
            pass the key in a way that no log shows; setup does it where [server] secret names a secret, such as ayon/workers"
            .into(),
        paste,
    }]
}

//! What workers have told last, by the probe's jobs: which reading counts for a fleet, and what it rests on has changed since.

use std::collections::BTreeMap;

use super::addon_settings::{Addon, addon};
use super::conda_environment::conda_environments;
use super::connections::publishing;
use super::job_packages::{server, variant};
use crate::domain::ayon::Variant;
use crate::domain::channel::{Channel, is_same_place, split};
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::probe_reading::Reading;
use crate::domain::probe_run::{Basis, ProbeMark, ProbeRun, digest};
use crate::domain::subject::Subject;
use crate::domain::text::Untrusted;
use crate::questions::{
    AyonBundles, FleetDetails, LastProbes, Part, QueueDetails, QueueEnvironments, RoleDocuments,
    SecretDetails, View,
};

/// A worker's reading, the job that it is of, and what has happened since.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    pub run: &'a ProbeRun,
    pub reading: &'a Reading,
    pub since: Since,
}

/// The queues whose publish steps the fleet takes.
pub fn queues_of(view: &View, fleet: &FleetKey) -> Vec<QueueKey> {
    let parents = view.parents(&Subject::Connection(fleet.clone()));
    let queues = parents.into_iter().filter_map(|p| match p {
        Subject::Queue(key) => Some(key.clone()),
        _ => None,
    });
    queues.collect()
}

/// The queue's probes of the variant whose bundle is the studio's, newest first, as far as they are known.
pub fn probes<'a>(view: &View<'a>, queue: &QueueKey) -> impl Iterator<Item = &'a ProbeRun> {
    let own = variant(view.config(Part::Packages));
    let known = view.fact(&LastProbes(queue.clone())).known();
    let all = known.into_iter().flatten();
    all.filter(move |run| run.mark.variant == own)
}

/// The newest run of a fleet that counts for a reading. Of packages and the launcher a job without them says nothing.
pub fn newest<'a>(
    view: &View<'a>,
    queue: &QueueKey,
    fleet: &FleetKey,
    reading: &str,
) -> Option<&'a ProbeRun> {
    let needs_packages = matches!(reading, "conda" | "launcher" | "ayon");
    let counts = |r: &&ProbeRun| {
        r.fleet() == Some(&fleet.fleet) && r.is_whole() && (r.mark.conda || !needs_packages)
    };
    probes(view, queue).find(counts)
}

/// What a worker of the fleet said of it last, for that queue.
pub fn told<'a>(
    view: &View<'a>,
    queue: &QueueKey,
    fleet: &FleetKey,
    name: &str,
) -> Option<Told<'a>> {
    let run = newest(view, queue, fleet, name)?;
    let reading = run.readings().iter().find(|r| r.name == name)?;
    Some(Told {
        run,
        reading,
        since: since(view, queue, run, Basis::of(name)),
    })
}

/// What has happened since to what a reading rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    pub changed: Vec<Basis>,
    /// Of these it was not known then, or is not now.
    pub unsure: Vec<Basis>,
}

/// Which of these have changed since a probe was sent, and of which nobody can tell.
pub fn since(view: &View, queue: &QueueKey, run: &ProbeRun, bases: &[Basis]) -> Since {
    let mark = &run.mark;
    let mut out = Since::default();
    for basis in bases {
        let names: Vec<String> = match (basis, run.fleet()) {
            (Basis::Fleet, Some(fleet)) => vec![ProbeMark::fleet(fleet)],
            (Basis::Fleet, None) => {
                let all = mark.rests_on.keys().filter(|n| ProbeMark::is_fleet(n));
                all.cloned().collect()
            }
            (other, _) => vec![other.word().to_owned()],
        };
        // Only what is asked for is worked out.
        let now = digests(view, queue, mark.variant, *basis);
        let same = |n: &String| Some(mark.rests_on.get(n)? == now.get(n)?);
        if names.iter().any(|n| same(n) == Some(false)) {
            out.changed.push(*basis);
        } else if names.iter().any(|n| same(n).is_none()) {
            out.unsure.push(*basis);
        }
    }
    out
}

/// A worker that got its conda environment while the queue's list held the channel, and still does.
pub fn used_by_worker<'a>(
    view: &View<'a>,
    channel: &Channel,
) -> Option<(QueueKey, FleetKey, Told<'a>)> {
    let queues = view.config(Part::Queues).queues.iter();
    let mut found = queues.filter_map(|queue| {
        let lists = |list: &str| {
            split(list)
                .iter()
                .any(|c| is_same_place(c, channel.as_str()))
        };
        let environments = conda_environments(view, queue);
        let own = environments.iter();
        let mut own = own.filter_map(|(_, t)| t.channels.as_ref()?.as_deref());
        let by_queue = own.any(lists);
        let mut fleets = publishing(view, queue).into_iter();
        fleets.find_map(|(fleet, _)| {
            let told = told(view, queue, &fleet, "conda")?;
            // The addon's own list, where it has one, was the job's; where it can't be read, nobody knows which was.
            let listed = match addon(view, told.run.mark.variant) {
                Addon::Unread | Addon::Pending => false,
                Addon::Read(own) => {
                    let told = own.channels_in_jobs();
                    told.map_or(by_queue, |(_, list)| lists(&list))
                }
                Addon::None => by_queue,
            };
            let counts =
                listed && told.reading.made_environment() && told.since == Since::default();
            counts.then(|| (queue.clone(), fleet, told))
        })
    });
    found.next()
}

/// What a probe of the queue rests on, as digests. What is not known is left out: nothing can be said of its change.
pub fn rests_on(view: &View, queue: &QueueKey, of: Variant) -> BTreeMap<String, String> {
    let all = Basis::ALL.iter();
    all.flat_map(|basis| digests(view, queue, of, *basis))
        .collect()
}

fn digests(view: &View, queue: &QueueKey, of: Variant, basis: Basis) -> BTreeMap<String, String> {
    let text = match basis {
        Basis::Fleet => {
            let fleets = publishing(view, queue).into_iter();
            let known = fleets.filter_map(|(key, _)| {
                Some((ProbeMark::fleet(&key.fleet), digest(&fleet(view, &key)?)))
            });
            return known.collect();
        }
        Basis::Environments => environments(view, queue),
        Basis::Role => role(view, queue),
        Basis::Server => server(view).map(|url| url.to_string()),
        Basis::Secret => secret(view),
        Basis::Bundle => bundle(view, of),
    };
    let word = basis.word().to_owned();
    text.into_iter()
        .map(|t| (word.clone(), digest(&t)))
        .collect()
}

fn environments(view: &View, queue: &QueueKey) -> Option<String> {
    let list = view.fact(&QueueEnvironments(queue.clone())).known()?;
    let each = list.iter().map(|e| {
        let e = e.known()?;
        Some(format!(
            "{} {}\n{}\n",
            e.priority,
            e.name.raw(),
            e.template.text
        ))
    });
    each.collect()
}

fn role(view: &View, queue: &QueueKey) -> Option<String> {
    let details = view.fact(&QueueDetails(queue.clone())).known()?;
    let Some(arn) = details.role_arn() else {
        return Some("none".to_owned());
    };
    let role = view.fact(&RoleDocuments(arn)).known()?;
    let mut text = format!("{}\n{}\n", role.arn, role.trust.text());
    role.lists.known()?;
    for (name, policy) in role.inline.iter().chain(&role.attached) {
        text.push_str(name);
        text.push_str(policy.known()?.text());
    }
    if let Some(boundary) = &role.boundary {
        text.push_str(boundary.raw());
        text.push_str(role.boundary_policy.known()?.text());
    }
    Some(text)
}

fn secret(view: &View) -> Option<String> {
    let Some(place) = view.config(Part::Secret).secret.as_ref() else {
        return Some("none".to_owned());
    };
    let secret = view.fact(&SecretDetails(place.clone())).known()?;
    Some(format!("{} {:?}", place.id, secret.current))
}

/// The bundle of the variant, and what the addon puts into its jobs.
fn bundle(view: &View, of: Variant) -> Option<String> {
    let url = server(view)?;
    let bundles = view.fact(&AyonBundles(url)).known()?;
    let Some(bundle) = bundles.of(of) else {
        return Some("none".to_owned());
    };
    let mut text = serde_json::to_string(bundle).ok()?;
    match addon(view, of) {
        Addon::Unread | Addon::Pending => return None,
        Addon::None => {}
        Addon::Read(settings) => text.push_str(&serde_json::to_string(settings).ok()?),
    }
    Some(text)
}

/// What a fleet is; how many workers it has just now, and how it is doing, come and go.
fn fleet(view: &View, key: &FleetKey) -> Option<String> {
    let f = view.fact(&FleetDetails(key.clone())).known()?;
    let role = f.role.as_ref().map(Untrusted::raw);
    let roles: Vec<&str> = f.roles.iter().map(Untrusted::raw).collect();
    let lattice: Vec<&str> = f.configurations.iter().map(Untrusted::raw).collect();
    let script = f.host_script.as_ref().map(Untrusted::raw);
    Some(format!(
        "{:?} {:?} {:?} {roles:?} {role:?} {lattice:?} {script:?}",
        f.management, f.os, f.cpu
    ))
}

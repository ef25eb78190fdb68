//! Each queue has the studio file's channels, in its order: one value of one queue environment, or an environment where
//! there is none.

use std::collections::BTreeMap;

use crate::derived::asked_packages::asked_in_production;
use crate::derived::channel_gate;
use crate::derived::conda_environment::conda_environments;
use crate::derived::job_packages::job_packages;
use crate::derived::role_outcome::{RoleOutcome, outcome, outcome_of_new, policy_change_id};
use crate::derived::role_use::{role_of, use_of_queue};
use crate::derived::solve_questions::channels_read;
use crate::domain::channel::{Channel, is_same_place, join, merged, split};
use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::fact::Fact;
use crate::domain::farm::{Management, QueueEnvironment};
use crate::domain::ids::{QueueKey, RoleArn, farm_arn};
use crate::domain::needs::QUEUE_POLICY;
use crate::domain::risk::RiskKind;
use crate::domain::role::Role;
use crate::domain::secrets::has_secret;
use crate::domain::template::{CONSOLE_TEMPLATE, Template, TemplateType};
use crate::domain::template_edit::with_channels;
use crate::domain::text::{Printable, Untrusted, without_url_secrets};
use crate::domain::trust::{Trust, judge};
use crate::probes::judge as judge_solve;
use crate::questions::{
    CallerIdentity, FleetDetails, Part, QueueDetails, QueueEnvironments, QueueFleets,
    RoleDocuments, View,
};
use crate::resources::{Change, EnvironmentTemplate, Plan};

use super::new_queue_role::{link_change_id, parts_of_role, role_change_id};
use super::role_trust::trust_change_id;
use super::{Draft, Goal, ManualStep, Wishes};

pub(super) const GOAL: Goal = Goal {
    id: "queue-channels",
    title: "Each queue has the studio file's channels, in its order",
    propose,
    manual,
};

/// The service's quota of queue environments per queue (field facts A1).
pub(super) const MOST_ENVIRONMENTS: usize = 10;

/// One queue, and what is known of its role.
struct Queue<'a> {
    view: &'a View<'a>,
    key: &'a QueueKey,
    name: Printable,
    /// Its role could be read, so that the permissions for an S3 channel exist or come first.
    role: Ready,
    /// The changes that give the role what an S3 channel needs.
    role_changes: Vec<String>,
}

fn propose(view: &View, draft: &mut Draft) {
    // Queues may share a role: what becomes of it is worked out once.
    let mut roles: BTreeMap<RoleArn, OfRole> = BTreeMap::new();
    for key in &view.config(Part::Queues).queues {
        let fact = view.fact(&QueueDetails(key.clone()));
        if fact.is_absent() {
            let (farm, region) = (&key.farm, view.region());
            draft.refuse(format!(
                "farm {farm} in {region} has no queue {}",
                key.queue
            ));
            continue;
        }
        draft.problem(fact.problem());
        let arn = role_of(view, key);
        let needs_role = view.config(Part::Channels).s3_channels().next().is_some();
        let caller = view.fact(&CallerIdentity);
        if fact.known().is_some_and(|q| q.role.is_none()) && caller.known().is_none() {
            // Whose role it would be is not known.
            draft.problem(caller.problem());
        } else if fact.known().is_some() && arn.is_none() && needs_role {
            let name = view.queue_name(key);
            draft.refuse(format!(
                "queue {name} has no role that could read an S3 channel"
            ));
        }
        // Of a queue that was not read, it is not known which role it has.
        let without = if fact.known().is_some() {
            Ready::No
        } else {
            Ready::Unread
        };
        let queue = Queue {
            view,
            key,
            name: view.queue_name(key),
            role: arn.as_ref().map_or(without, |a| {
                let of = || OfRole::read(view, draft, key, a);
                let role = roles.entry(a.clone()).or_insert_with(of);
                role.ready(view, draft, key)
            }),
            role_changes: arn.map_or_else(Vec::new, |a| role_changes(draft, key, &a)),
        };
        let before = (draft.refusals, draft.plan.changes.len());
        queue.plan(draft);
        let refused = draft.refusals > before.0;
        if refused && draft.plan.changes.len() == before.1 {
            draft.stuck.insert(key.clone());
        }
    }
}

/// The changes of this plan that the queue's role waits for.
pub(super) fn role_changes(draft: &Draft, key: &QueueKey, arn: &RoleArn) -> Vec<String> {
    let ids = parts_of_role(arn).into_iter().chain([link_change_id(key)]);
    ids.filter(|id| draft.has(id)).collect()
}

/// What becomes of a role, for every queue that uses it.
struct OfRole<'a> {
    role: Option<&'a Role>,
    /// But for what was left out: its policies were read, and what it lacks is part of the plan.
    could_be: Ready,
    /// Something of that was left out.
    lacks: bool,
    /// A change of its trust policy was left out: then it counts as it is.
    trust_left_out: bool,
}

impl<'a> OfRole<'a> {
    fn read(view: &View<'a>, draft: &Draft, key: &QueueKey, arn: &RoleArn) -> Self {
        let used = use_of_queue(view, key, arn);
        let fact = view.fact(&RoleDocuments(arn.clone()));
        let outcome: RoleOutcome = if fact.is_absent() {
            outcome_of_new(view, &used, &key.farm)
        } else {
            outcome(view, &used)
        };
        let role = fact.known();
        let out = |id: String| draft.wishes.left_out.contains(&id);
        // What the role lacks for its channels and is left out, it still lacks.
        let lacks = out(policy_change_id(QUEUE_POLICY, arn))
            && (fact.is_absent() || lacks_channels(view, &used, role));
        Self {
            role,
            could_be: if outcome.ready {
                Ready::Yes
            } else if !outcome.unread.is_empty() && outcome.refused.is_empty() {
                Ready::Unread
            } else {
                Ready::No
            },
            lacks: out(role_change_id(arn)) || lacks,
            trust_left_out: out(trust_change_id(arn)),
        }
    }

    fn ready(&self, view: &View, draft: &Draft, key: &QueueKey) -> Ready {
        let linked = !draft.wishes.left_out.contains(&link_change_id(key));
        let trusted = !self.trust_left_out || is_trusted(view, key, self.role);
        if self.could_be != Ready::Yes {
            self.could_be
        } else if linked && trusted && !self.lacks {
            Ready::Yes
        } else {
            Ready::LeftOut
        }
    }
}

/// Can the queue name an S3 channel?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    Yes,
    No,
    /// A part of it was not read, so that nothing can be said.
    Unread,
    /// It could, and somebody left out what it takes: that is to be changed without those channels.
    LeftOut,
}

fn lacks_channels(view: &View, used: &UsedRole, role: Option<&Role>) -> bool {
    let mut needs = crate::derived::role_use::needs(view, used);
    needs.retain(crate::domain::needs::Need::is_of_channels);
    role.is_none_or(|role| !crate::derived::role_access::access(role, &needs).is_right())
}

fn is_trusted(view: &View, key: &QueueKey, role: Option<&Role>) -> bool {
    role.is_some_and(|role| {
        let account = role.arn.account();
        let farm = farm_arn(view.region(), account, &key.farm);
        let trust = role.trust.policy().ok();
        let trust = trust.map(|p| judge(p, RoleUse::Queue, &farm, account));
        matches!(
            trust,
            Some(Trust::Right | Trust::TooWide | Trust::OnlyWorkers)
        )
    })
}

impl Queue<'_> {
    fn plan(&self, draft: &mut Draft) {
        let fact = self.view.fact(&QueueEnvironments(self.key.clone()));
        let Some(list) = fact.known() else {
            draft.problem(fact.problem());
            return;
        };
        let unread: Vec<_> = list.iter().filter_map(Fact::problem).collect();
        if !unread.is_empty() {
            for problem in unread {
                draft.problem(Some(problem));
            }
            return;
        }
        let queue = &self.name;
        for environment in list.iter().filter_map(Fact::known) {
            if let Err(e) = &environment.template.parsed {
                let name = environment.name.show();
                draft.refuse(format!(
                    "queue {queue}: environment \"{name}\" can't be parsed, so no \
                    environment of the queue is changed: {e}"
                ));
                return;
            }
        }
        match conda_environments(self.view, self.key).as_slice() {
            [] => self.create(draft, list.len()),
            [(environment, template)] => self.edit(draft, environment, template),
            several => {
                let name = |(e, _): &(&QueueEnvironment, &Template)| {
                    format!("\"{}\" {}", e.name.show(), e.id)
                };
                let names: Vec<String> = several.iter().map(name).collect();
                let (count, names) = (several.len(), names.join(", "));
                draft.refuse(format!(
                    "queue {queue} has {count} conda environments ({names}); none is changed"
                ));
            }
        }
    }

    fn edit(&self, draft: &mut Draft, environment: &QueueEnvironment, template: &Template) {
        let (queue, name) = (&self.name, environment.name.show());
        let Some(today) = &template.channels else {
            draft.refuse(format!(
                "queue {queue}: \"{name}\" has no parameter CondaChannels; nothing is changed"
            ));
            return;
        };
        let today = split(today.as_deref().unwrap_or_default());
        let Some(desired) = self.possible(draft, &today) else {
            return;
        };
        let kind = environment.template.kind;
        let resource = EnvironmentTemplate {
            queue: self.key.clone(),
            id: Some(environment.id.clone()),
            name: environment.name.clone(),
            priority: environment.priority,
            template_type: kind,
        };
        let mut text = environment.template.text.clone();
        let listed = |w: &&&str| desired.iter().any(|d| is_same_place(d.as_str(), w));
        let removals = &draft.wishes.removals;
        let stuck = today
            .iter()
            .filter(|w| removals.names(w) && has_secret(w) && !listed(w));
        let stuck: Vec<String> = stuck.map(|w| without_url_secrets(w)).collect();
        for shown in stuck {
            draft.refuse(format!("queue {queue}: {shown} stays in \"{name}\": its address holds a password or token, which no journal keeps, so that taking it out could not be undone; take it out by hand"));
        }
        let mut chained: Option<String> = None;
        for edit in edits(&today, &desired, self.key, &draft.wishes) {
            let after = match with_channels(&text, kind, &edit.channels) {
                Ok(after) => after,
                Err(e) => {
                    draft.refuse(format!("queue {queue}: \"{name}\" is not changed: {e}"));
                    return;
                }
            };
            let before = std::mem::replace(&mut text, after.clone());
            let left = edit.leaving.and_then(|g| g.parse::<Channel>().ok());
            let leaving = left.map(|c| (self.key.clone(), c));
            draft.leaving.extend(leaving);
            let id = edit.id.clone();
            let change = Change::new(
                edit.id,
                resource.clone(),
                Some(before),
                Some(after),
                edit.because,
            );
            let change = change.named(self.name.to_width(40));
            let change = change.risk(RiskKind::RemovedChannel, edit.warning);
            // Each begins with the text that the one before it leaves.
            let change = self.adds(change, &edit.added).needs(chained.replace(id));
            draft.add(change);
        }
    }

    /// The desired channels. Where one of them is held back, nothing of the list is changed, for a list without it is
    /// another one than the studio asked for; unless somebody says that the rest is to be changed.
    fn possible(&self, draft: &mut Draft, today: &[&str]) -> Option<Vec<Channel>> {
        let desired = self.view.config(Part::Channels).channels.clone();
        let held = |c: &Channel| c.is_s3() && !today.iter().any(|t| is_same_place(t, c.as_str()));
        let (held, possible): (Vec<Channel>, Vec<Channel>) = match self.role {
            Ready::Yes => return Some(desired),
            Ready::No | Ready::Unread | Ready::LeftOut => desired.into_iter().partition(held),
        };
        if held.is_empty() {
            return Some(possible);
        }
        let queue = &self.name;
        let names: Vec<&str> = held.iter().map(Channel::as_str).collect();
        let names = names.join(", ");
        if self.role == Ready::LeftOut || draft.wishes.partial {
            draft.refuse(format!("queue {queue}: {names} is not added before its role could be read and given the permissions"));
            return Some(possible);
        }
        let words = format!(
            "queue {queue}: its channels are not changed, because {names} can't be added before \
                its role could be read and given the permissions; --partial changes the rest"
        );
        if self.role == Ready::Unread {
            draft.could_not_read(words);
        } else {
            draft.refuse(words);
        }
        None
    }

    /// The change with the channels that it adds: what it needs, and what is to be seen before it is made.
    fn adds(&self, change: Change, added: &[Channel]) -> Change {
        let s3 = added.iter().any(Channel::is_s3);
        let needs = self.role_changes.iter().filter(|_| s3).cloned();
        let permissions = s3 && !self.role_changes.is_empty();
        let risk = |c: &Channel| channel_gate::risk(self.view, self.key, c, permissions);
        let risk = added.iter().find_map(risk);
        let reads = added.iter().map(|c| (self.key.clone(), c.clone()));
        let change = change.reads(reads).needs(needs);
        change.risk(RiskKind::UnreadChannel, risk)
    }

    fn create(&self, draft: &mut Draft, existing: usize) {
        let id = format!("conda-environment/{}", self.key.queue);
        if draft.wishes.left_out.contains(&id) {
            return;
        }
        let queue = &self.name;
        if !draft.wishes.creates {
            draft.refuse(format!("queue {queue} has no conda environment, and none is made unasked: it may be without on purpose; --create-environment makes the console's default one"));
            return;
        }
        if existing >= MOST_ENVIRONMENTS {
            draft.refuse(format!("queue {queue} has {existing} environments already, and the service accepts {MOST_ENVIRONMENTS}"));
            return;
        }
        let Some(channels) = self.possible(draft, &[]).filter(|c| !c.is_empty()) else {
            return;
        };
        let template = match with_channels(CONSOLE_TEMPLATE, TemplateType::Yaml, &join(&channels)) {
            Ok(template) => template,
            Err(e) => {
                draft.refuse(format!(
                    "queue {queue}: no conda environment can be created: {e}"
                ));
                return;
            }
        };
        let resource = EnvironmentTemplate {
            queue: self.key.clone(),
            id: None,
            name: Untrusted::new("Conda"),
            priority: 1,
            template_type: TemplateType::Yaml,
        };
        let because = "the queue has no conda environment, so no job could install AYON; this is the console's default conda environment";
        let warning = may_be_customers(self.view, self.key).then_some(
            "a customer-managed fleet is, or may be, \
            associated with the queue; the console's command is only known to exist on \
            service-managed workers",
        );
        let change = Change::new(id, resource, None, Some(template), because);
        let change = change.named(self.name.to_width(40));
        let change = change.risk(RiskKind::UntestedWorkers, warning);
        draft.add(self.adds(change, &channels));
    }
}

/// A fleet that could not be read, or is of a kind that this version does not know, may be a customer's.
pub(super) fn may_be_customers(view: &View, key: &QueueKey) -> bool {
    let fleets = view.fact(&QueueFleets(key.clone())).known();
    fleets.is_none_or(|list| {
        list.iter().any(|row| {
            let fleet = view.fact(&FleetDetails(key.fleet(&row.fleet))).known();
            fleet.is_none_or(|f| f.management != Management::Service)
        })
    })
}

struct Edit {
    id: String,
    channels: String,
    because: Printable,
    warning: Option<Printable>,
    added: Vec<Channel>,
    /// The channel that is removed.
    leaving: Option<String>,
}

/// First what is added or moved, then each removal as a change of its own, because each takes something away from jobs.
fn edits(today: &[&str], desired: &[Channel], key: &QueueKey, wishes: &Wishes) -> Vec<Edit> {
    let mut edits = Vec::new();
    let desired: Vec<&str> = desired.iter().map(Channel::as_str).collect();
    let merged = merged(today, &desired);
    let leaves = |w: &&&str| {
        let listed = desired.iter().any(|d| is_same_place(d, w));
        !listed && wishes.removals.names(w) && !has_secret(w)
    };
    let leaving: Vec<&str> = merged.iter().filter(leaves).copied().collect();
    let left_out = &wishes.left_out;
    let list_id = format!("channels/{}", key.queue);
    let mut now = today.to_vec();
    if merged != today && !left_out.contains(&list_id) {
        let new = |w: &&&str| !today.contains(*w);
        let added: Vec<&str> = merged.iter().filter(new).copied().collect();
        let because = if added.is_empty() {
            "the channels' order decides which one a package comes from".to_owned()
        } else {
            let added = added.join(", ");
            format!("jobs must find their packages: adds {added} to the queue's channels")
        };
        now.clone_from(&merged);
        edits.push(Edit {
            id: list_id,
            channels: now.join(" "),
            because: because.into(),
            warning: None,
            added: added.iter().filter_map(|w| w.parse().ok()).collect(),
            leaving: None,
        });
    }
    for word in leaving {
        let shown = without_url_secrets(word);
        let id = format!("channels/{}/remove/{shown}", key.queue);
        if left_out.contains(&id) {
            continue;
        }
        now.retain(|w| *w != word);
        let shown = Printable::short(&shown, 80);
        edits.push(Edit {
            id,
            channels: now.join(" "),
            because: format!("the studio file does not list {shown}").into(),
            warning: Some(format!("jobs that install from {shown} will no longer find it").into()),
            added: Vec::new(),
            leaving: Some(word.to_owned()),
        });
    }
    edits
}

/// Was it seen that conda would not find what publish jobs ask for?
pub(super) fn is_in_no_channel(view: &View, key: &QueueKey) -> bool {
    let Some((question, report)) = channels_read(view, key) else {
        return false;
    };
    let judged = judge_solve(&question.solve.0, &question.from, report, &|_| None);
    judged.iter().any(|(_, a)| a.code == "not-found")
}

fn manual(view: &View, _: &Plan) -> Vec<ManualStep> {
    let queues = &view.config(Part::Queues).queues;
    let is_asked = |key: &QueueKey| asked_in_production(view, key).is_some_and(|a| a.is_right());
    if !queues.is_empty() && queues.iter().all(is_asked) {
        return Vec::new(); // AYON puts them into its jobs already
    }
    let step = match job_packages(view) {
        // A value that was just found wrong is not one to paste.
        Ok(packages) if queues.iter().any(|key| is_in_no_channel(view, key)) => ManualStep {
            for_whom: "the jobs",
            what: format!(
                "first choose a version that the channels have, in the studio file's pin or in AYON's bundle: {} is not there, as said above",
                packages.join(" ")
            )
            .into(),
            paste: Vec::new(),
        },
        Ok(packages) => ManualStep {
            for_whom: "the jobs",
            what: "set CondaPackages of the jobs that publish (the queue's default stays as it is)"
                .into(),
            paste: vec![packages.join(" ").into()],
        },
        Err(why) => {
            let package = view.config(Part::Packages).strategy.main_package();
            ManualStep {
                for_whom: "the jobs",
                what: format!(
                    "set CondaPackages of the jobs that publish to {package}==VERSION; \
                    the version is not known here: {why}"
                )
                .into(),
                paste: Vec::new(),
            }
        }
    };
    vec![step]
}

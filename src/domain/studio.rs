//! The studio as it was observed: facts, live readings, and the calls they rest on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::ask::{Answer, Answered, Ask, Variant};
use super::call::Call;
use super::change::{Change, Thing};
use super::dry_run::Platform;
use super::environment::TemplateType;
use super::fact::Fact;
use super::finding::Source;
use super::ids::{AccountId, FarmId, FleetId, QueueEnvironmentId, QueueKey, Region, RoleArn};
use super::lint::Lint;
use super::probe::{Probe, Reading};
use super::simulated::Said;
use super::text::Untrusted;

/// Who makes the calls, as STS names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: AccountId,
    pub arn: Untrusted,
}

/// What IAM's simulator says of the caller, action by action. Simulated, never verified.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rights {
    pub allowed: Vec<String>,
    pub refused: Vec<String>,
}

/// A row of a list: an id and the name that people gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub name: Untrusted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farm {
    pub id: FarmId,
    pub name: Untrusted,
    /// The customer's own KMS key, where the farm has one.
    #[serde(default)]
    pub key: Option<Untrusted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub name: Untrusted,
    pub status: String,
    pub blocked_reason: Option<String>,
    /// `None`: the queue has no role. Some text that is no role's ARN stays as it is.
    pub role: Option<Untrusted>,
    pub attachments_bucket: Option<Untrusted>,
    #[serde(default)]
    pub attachments_prefix: Option<Untrusted>,
}

impl Queue {
    pub fn role_arn(&self) -> Option<RoleArn> {
        self.role.as_ref().and_then(|r| r.raw().parse().ok())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Management {
    Service,
    Customer,
}

impl Management {
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "SMF",
            Self::Customer => "CMF",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueFleet {
    pub id: FleetId,
    /// `ACTIVE`, or the queue takes no worker of it.
    pub association: String,
    pub fleet: Fact<Fleet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    pub name: Untrusted,
    pub status: String,
    pub management: Management,
    pub os: String,
    /// `x86_64` or `arm64`, as AWS spells it; empty where it does not say.
    #[serde(default)]
    pub cpu: String,
    pub workers: i64,
    pub max_workers: i64,
    /// The values of `attr.role`; empty where the fleet declares none.
    pub roles: Vec<Untrusted>,
    /// The ARN of the role that its workers get.
    #[serde(default)]
    pub role: Option<Untrusted>,
}

impl Fleet {
    pub fn role_arn(&self) -> Option<RoleArn> {
        self.role.as_ref()?.raw().parse().ok()
    }

    /// What conda calls its workers; `None` where there is no package for such a machine, or AWS did not say.
    pub fn platform(&self) -> Option<Platform> {
        match (self.os.as_str(), self.cpu.as_str()) {
            ("LINUX", "arm64") => Some(Platform::LinuxArm),
            ("LINUX", "x86_64" | "") => Some(Platform::Linux64),
            ("WINDOWS", "x86_64" | "") => Some(Platform::Win64),
            _ => None,
        }
    }

    /// Does it take publish steps, which ask for one of these values of `attr.role`? A fleet that declares none takes
    /// only steps that ask for none.
    pub fn publishes(&self, roles: &[String]) -> bool {
        let offers = |w: &String| self.roles.iter().any(|r| w == r.raw());
        roles.is_empty() || roles.iter().any(offers)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEnvironment {
    pub id: QueueEnvironmentId,
    pub name: Untrusted,
    pub priority: i32,
    pub template_type: TemplateType,
    pub template: String,
}

/// A role with its documents as they are served, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub arn: RoleArn,
    pub trust: String,
    pub boundary: Option<Untrusted>,
    /// The boundary's own text; a boundary gives nothing and keeps out what it does not allow.
    #[serde(default)]
    pub fence: Fact<String>,
    pub inline: BTreeMap<String, Fact<String>>,
    pub attached: BTreeMap<String, Fact<String>>,
    /// Listing the policies may fail on its own, while the role itself was read.
    pub lists: Fact<()>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundles {
    pub production: Option<Bundle>,
    pub staging: Option<Bundle>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    pub name: Untrusted,
    pub installer: Option<Untrusted>,
    /// The version of the addon `deadline_cloud` in it.
    pub addon: Option<Untrusted>,
    /// The version of the addon `core` in it.
    #[serde(default)]
    pub core: Option<Untrusted>,
}

/// The settings of the addon `deadline_cloud` that beat a queue's defaults (field facts A2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonSettings {
    pub version: Untrusted,
    pub channels: Untrusted,
    pub packages: Untrusted,
    pub farm: Untrusted,
    pub queue: Untrusted,
}

/// The addon's field `conda_channels`, and whether the studio has set it: what is only the default follows the addon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonChannels {
    pub conda_channels: String,
    pub overridden: bool,
}

impl AddonChannels {
    /// As a change keeps and shows it.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueFacts {
    pub queue: Fact<Box<Queue>>,
    pub fleets: Fact<Vec<QueueFleet>>,
    /// In the order in which they run: by priority, the older first among equals.
    pub environments: Fact<Vec<Fact<QueueEnvironment>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Studio {
    pub region: Region,
    pub caller: Fact<Caller>,
    pub rights: Fact<Rights>,
    pub farms: Fact<Vec<Listed>>,
    pub farm_queues: BTreeMap<FarmId, Fact<Vec<Listed>>>,
    pub farm: BTreeMap<FarmId, Fact<Farm>>,
    pub queues: BTreeMap<QueueKey, QueueFacts>,
    pub roles: BTreeMap<RoleArn, Fact<Box<Role>>>,
    /// Boundaries that a new role may get, by ARN.
    #[serde(default)]
    pub boundaries: BTreeMap<String, Fact<String>>,
    /// By a policy's text.
    #[serde(default)]
    pub lints: BTreeMap<String, Fact<Lint>>,
    #[serde(default)]
    pub simulated: BTreeMap<RoleArn, Fact<Vec<Said>>>,
    pub bundles: Fact<Bundles>,
    pub addon: BTreeMap<Variant, Fact<AddonSettings>>,
    #[serde(default)]
    pub addon_channels: BTreeMap<Variant, Fact<AddonChannels>>,
    #[serde(skip)]
    pub readings: BTreeMap<Probe, Reading>,
    #[serde(skip)]
    pub evidence: BTreeMap<Ask, Vec<Call>>,
}

impl Studio {
    pub fn new(region: Region) -> Self {
        Self {
            region,
            caller: Fact::NotAsked,
            rights: Fact::NotAsked,
            farms: Fact::NotAsked,
            farm_queues: BTreeMap::new(),
            farm: BTreeMap::new(),
            queues: BTreeMap::new(),
            roles: BTreeMap::new(),
            boundaries: BTreeMap::new(),
            lints: BTreeMap::new(),
            simulated: BTreeMap::new(),
            bundles: Fact::NotAsked,
            addon: BTreeMap::new(),
            addon_channels: BTreeMap::new(),
            readings: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// Takes in what was answered.
    pub fn learn(&mut self, ask: &Ask, answered: Answered) {
        self.evidence.insert(ask.clone(), answered.calls);
        match (ask, answered.answer) {
            (_, Answer::Caller(fact)) => self.caller = fact,
            (_, Answer::Rights(fact)) => self.rights = fact,
            (_, Answer::Farms(fact)) => self.farms = fact,
            (Ask::Queues(farm), Answer::Queues(fact)) => {
                self.farm_queues.insert(farm.clone(), fact);
            }
            (Ask::Farm(farm), Answer::Farm(fact)) => {
                self.farm.insert(farm.clone(), fact);
            }
            (Ask::Queue(key), Answer::Queue(fact)) => self.queue_mut(key).queue = fact,
            (Ask::Fleets(key), Answer::Fleets(fact)) => self.queue_mut(key).fleets = fact,
            (Ask::Environments(key), Answer::Environments(fact)) => {
                self.queue_mut(key).environments = fact
            }
            (Ask::Environment(key, id), Answer::Environment(fact)) => {
                self.learn_environment(key, id, fact)
            }
            (Ask::Role(arn), Answer::Role(fact)) => {
                self.roles.insert(arn.clone(), fact);
            }
            (Ask::RolePolicy(arn, name), Answer::RolePolicy(fact)) => {
                self.learn_role_policy(arn, name, fact)
            }
            (Ask::RoleTrust(arn), Answer::RoleTrust(Fact::Known(text))) => {
                self.learn_trust(arn, text);
            }
            (Ask::PolicyLint(text, _), Answer::PolicyLint(fact)) => {
                self.lints.insert(text.clone(), fact);
            }
            (Ask::Boundary(arn), Answer::Boundary(fact)) => {
                self.boundaries.insert(arn.clone(), fact);
            }
            (Ask::RoleMay(arn, ..), Answer::RoleMay(fact)) => {
                self.simulated.insert(arn.clone(), fact);
            }
            (_, Answer::Bundles(fact)) => self.bundles = fact,
            (Ask::Addon(_, variant, _), Answer::Addon(fact)) => {
                self.addon.insert(*variant, fact);
            }
            (Ask::AddonChannels(_, variant, _), Answer::AddonChannels(fact)) => {
                self.addon_channels.insert(*variant, fact);
            }
            // An answer of another kind than its ask would be a fault of the world that gave it; nothing is learned.
            _ => {}
        }
    }

    fn learn_trust(&mut self, arn: &RoleArn, text: String) {
        if let Some(Fact::Known(role)) = self.roles.get_mut(arn) {
            role.trust = text;
        }
    }

    fn queue_mut(&mut self, key: &QueueKey) -> &mut QueueFacts {
        self.queues.entry(key.clone()).or_default()
    }

    fn learn_role_policy(&mut self, arn: &RoleArn, name: &str, fact: Fact<String>) {
        if let Some(Fact::Known(role)) = self.roles.get_mut(arn) {
            match fact {
                Fact::Absent => role.inline.remove(name),
                fact => role.inline.insert(name.to_owned(), fact),
            };
        }
    }

    fn learn_environment(
        &mut self,
        key: &QueueKey,
        id: &QueueEnvironmentId,
        fact: Fact<QueueEnvironment>,
    ) {
        let Fact::Known(list) = &mut self.queue_mut(key).environments else {
            return;
        };
        let at = list
            .iter()
            .position(|e| e.known().is_some_and(|e| e.id == *id));
        match (at, fact) {
            (Some(i), Fact::Absent) => {
                list.remove(i);
            }
            (Some(i), fact) => list[i] = fact,
            (None, Fact::Known(environment)) => {
                let i = list
                    .iter()
                    .position(|e| e.known().is_some_and(|e| e.priority > environment.priority))
                    .unwrap_or(list.len());
                list.insert(i, Fact::Known(environment));
            }
            (None, _) => {}
        }
    }

    /// The studio after a change. One function for the preview, for the sandbox, and for the property that
    /// planning after applying gives nothing.
    #[must_use]
    pub fn after(&self, change: &Change) -> Self {
        let mut next = self.clone();
        match &change.thing {
            Thing::Environment {
                queue,
                id,
                name,
                priority,
                template_type,
            } => {
                let id = id
                    .clone()
                    .unwrap_or_else(|| self.free_environment_id(queue));
                let fact = match &change.after {
                    Some(template) => Fact::Known(QueueEnvironment {
                        id: id.clone(),
                        name: name.clone(),
                        priority: *priority,
                        template_type: *template_type,
                        template: template.clone(),
                    }),
                    None => Fact::Absent,
                };
                next.learn_environment(queue, &id, fact);
            }
            Thing::RolePolicy { role, policy } => {
                let fact = change.after.clone().map_or(Fact::Absent, Fact::Known);
                next.learn_role_policy(role, policy, fact);
            }
            Thing::RoleTrust { role } => {
                if let Some(text) = &change.after {
                    next.learn_trust(role, text.clone());
                }
            }
            Thing::NewRole { role, boundary, .. } => {
                let made = change.after.clone().map(|trust| {
                    Box::new(Role {
                        arn: role.clone(),
                        trust,
                        boundary: boundary.as_ref().map(Untrusted::new),
                        fence: boundary
                            .as_ref()
                            .and_then(|b| self.boundaries.get(b).cloned())
                            .unwrap_or_default(),
                        inline: BTreeMap::new(),
                        attached: BTreeMap::new(),
                        lists: Fact::Known(()),
                    })
                });
                let fact = made.map_or(Fact::Absent, Fact::Known);
                next.roles.insert(role.clone(), fact);
            }
            Thing::QueueRole { queue } => {
                if let Fact::Known(q) = &mut next.queue_mut(queue).queue {
                    q.role = change.after.clone().map(Untrusted::new);
                }
            }
            Thing::AddonChannels { variant, .. } => {
                let then = change.after.as_deref().and_then(AddonChannels::of_text);
                if let (Some(then), Some(Fact::Known(settings))) =
                    (&then, next.addon.get_mut(variant))
                {
                    settings.channels = Untrusted::new(then.conda_channels.clone());
                }
                let fact = then.map_or(Fact::Absent, Fact::Known);
                next.addon_channels.insert(*variant, fact);
            }
        }
        next
    }

    /// An id that no environment of the queue has yet; the service makes up its own.
    fn free_environment_id(&self, queue: &QueueKey) -> QueueEnvironmentId {
        let taken: Vec<&QueueEnvironmentId> =
            self.environments(queue).iter().map(|e| &e.id).collect();
        (0..=10u32)
            .filter_map(|n| format!("queueenv-{:032x}", 0xf000_0000 + n).parse().ok())
            .find(|id| !taken.contains(&id))
            .unwrap_or_else(|| unreachable!("a queue holds ten environments"))
    }

    pub fn queue(&self, key: &QueueKey) -> &Fact<Box<Queue>> {
        self.queues.get(key).map_or(&Fact::NotAsked, |q| &q.queue)
    }

    pub fn fleets(&self, key: &QueueKey) -> &Fact<Vec<QueueFleet>> {
        self.queues.get(key).map_or(&Fact::NotAsked, |q| &q.fleets)
    }

    /// The environments that were read; see `QueueFacts::environments` for those that were not.
    pub fn environments(&self, key: &QueueKey) -> Vec<&QueueEnvironment> {
        let list = self.queues.get(key).and_then(|q| q.environments.known());
        list.into_iter().flatten().filter_map(Fact::known).collect()
    }

    pub fn role(&self, arn: &RoleArn) -> &Fact<Box<Role>> {
        self.roles.get(arn).unwrap_or(&Fact::NotAsked)
    }

    pub fn queue_name(&self, key: &QueueKey) -> super::text::Printable {
        self.queue(key)
            .known()
            .map_or_else(|| key.queue.brief().into(), |q| q.name.show())
    }

    pub fn farm_name(&self, farm: &FarmId) -> super::text::Printable {
        let read = self
            .farm
            .get(farm)
            .and_then(Fact::known)
            .map(|f| f.name.show());
        let listed = || {
            self.farms
                .known()?
                .iter()
                .find(|l| l.id == farm.as_str())
                .map(|l| l.name.show())
        };
        read.or_else(listed).unwrap_or_else(|| farm.brief().into())
    }

    /// The calls behind a finding.
    pub fn calls(&self, source: &Source) -> &[Call] {
        match source {
            Source::Fact(ask) => self.evidence.get(ask).map_or(&[], Vec::as_slice),
            Source::Test(probe) => self.readings.get(probe).map_or(&[], |r| r.calls.as_slice()),
        }
    }
}

/// A studio's AYON server, as a base for its REST calls: the path without `/api`, ending in a slash.
pub fn api_base(url: &Url) -> Url {
    let mut base = url.clone();
    let path = base
        .path()
        .trim_end_matches('/')
        .trim_end_matches("/api")
        .to_owned();
    base.set_path(&format!("{path}/"));
    base.set_query(None);
    base.set_fragment(None);
    base
}

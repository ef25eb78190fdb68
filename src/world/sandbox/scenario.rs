//! A scenario file: a studio in TOML, for the sandbox and for tests. A support case becomes a test by pasting one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::memory;
use super::truth::{
    SandboxAyon, SandboxChannel, SandboxEnvironment, SandboxFarm, SandboxLattice, SandboxNetwork,
    SandboxQueue, SandboxRole, Truth,
};
use crate::domain::addon::AddonSettings;
use crate::domain::ayon::{AyonUser, Bundle, Bundles, Desktop, Installer, Project, Variant};
use crate::domain::caller::Caller;
use crate::domain::config::StudioConfig;
use crate::domain::farm::{
    Association, AssociationStatus, CpuArchitecture, Fleet, FleetStatus, Management,
    OperatingSystem, Queue, QueueStatus,
};
use crate::domain::ids::{
    AccountId, FarmId, FleetId, FleetKey, QueueEnvironmentId, QueueId, QueueKey, Region, RoleArn,
};
use crate::domain::node::{ManagedNode, SessionPreferences};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::template::{Template, TemplateType};
use crate::domain::text::Untrusted;
use crate::world::local::files;

/// The scenarios that are built in, the default first.
pub const BUILT_IN: &[(&str, &str)] = &[
    (
        "studio",
        include_str!("../../../assets/sandbox/studio.toml"),
    ),
    (
        "mixed-fleets",
        include_str!("../../../assets/sandbox/mixed-fleets.toml"),
    ),
    (
        "hand-edited",
        include_str!("../../../assets/sandbox/hand-edited.toml"),
    ),
    (
        "no-environment",
        include_str!("../../../assets/sandbox/no-environment.toml"),
    ),
    (
        "lattice",
        include_str!("../../../assets/sandbox/lattice.toml"),
    ),
    (
        "no-key",
        include_str!("../../../assets/sandbox/no-key.toml"),
    ),
    (
        "two-environments",
        include_str!("../../../assets/sandbox/two-environments.toml"),
    ),
    (
        "wrong-trust",
        include_str!("../../../assets/sandbox/wrong-trust.toml"),
    ),
    (
        "no-role",
        include_str!("../../../assets/sandbox/no-role.toml"),
    ),
    (
        "boundary-role",
        include_str!("../../../assets/sandbox/boundary-role.toml"),
    ),
    (
        "foreign-channel",
        include_str!("../../../assets/sandbox/foreign-channel.toml"),
    ),
    (
        "few-permissions",
        include_str!("../../../assets/sandbox/few-permissions.toml"),
    ),
    (
        "strange-names",
        include_str!("../../../assets/sandbox/strange-names.toml"),
    ),
    (
        "addon-overrides",
        include_str!("../../../assets/sandbox/addon-overrides.toml"),
    ),
    (
        "wrong-pin",
        include_str!("../../../assets/sandbox/wrong-pin.toml"),
    ),
    (
        "many-queues",
        include_str!("../../../assets/sandbox/many-queues.toml"),
    ),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    /// Takes everything from another scenario, then what this one says.
    base: Option<String>,
    region: Option<Region>,
    account: Option<AccountId>,
    caller: Option<String>,
    millis: Option<u64>,
    #[serde(default)]
    denies: Vec<String>,
    /// The desired studio: a studiolink.toml as text.
    studiolink: Option<String>,
    farms: Option<Vec<FarmRow>>,
    fleets: Option<Vec<FleetRow>>,
    queues: Option<Vec<QueueRow>>,
    /// So many more queues like the first, for long lists.
    #[serde(default)]
    more_queues: u32,
    /// Does each of them have a role of its own, like the first's?
    #[serde(default)]
    own_roles: bool,
    environments: Option<BTreeMap<String, String>>,
    roles: Option<Vec<RoleRow>>,
    channels: Option<Vec<SandboxChannel>>,
    /// Managed policies that may be boundaries, by ARN.
    boundaries: Option<BTreeMap<String, String>>,
    /// ARNs in Secrets Manager.
    secrets: Option<Vec<String>>,
    /// The machines that Systems Manager manages, by id.
    nodes: Option<BTreeMap<String, ManagedNode>>,
    session_preferences: Option<SessionPreferences>,
    lattice: Option<SandboxLattice>,
    network: Option<SandboxNetwork>,
    ayon: Option<AyonRow>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FarmRow {
    id: FarmId,
    name: String,
    key: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetRow {
    id: FleetId,
    name: String,
    managed: Management,
    #[serde(default = "linux")]
    os: OperatingSystem,
    #[serde(default = "unstated")]
    cpu: CpuArchitecture,
    #[serde(default)]
    roles: Vec<String>,
    /// The ARN of the role that its workers get.
    role: Option<String>,
    #[serde(default = "active")]
    status: FleetStatus,
    #[serde(default = "ten")]
    max_workers: i64,
}

fn linux() -> OperatingSystem {
    OperatingSystem::Linux
}

fn unstated() -> CpuArchitecture {
    CpuArchitecture::Unknown(Untrusted::default())
}

fn active() -> FleetStatus {
    FleetStatus::Active
}

fn ten() -> i64 {
    10
}

fn idle() -> QueueStatus {
    QueueStatus::Idle
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueRow {
    id: QueueId,
    farm: FarmId,
    name: String,
    #[serde(default = "idle")]
    status: QueueStatus,
    blocked: Option<String>,
    role: Option<String>,
    attachments: Option<String>,
    attachments_prefix: Option<String>,
    #[serde(default)]
    fleets: Vec<FleetId>,
    /// What another than `ACTIVE` would be of those fleets.
    association: Option<AssociationStatus>,
    /// Names in `environments`, with a priority.
    #[serde(default)]
    environments: Vec<(String, i32)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRow {
    arn: RoleArn,
    trust: String,
    boundary: Option<String>,
    /// The boundary's text; left out where there is a boundary: nobody may read it.
    boundary_policy: Option<String>,
    #[serde(default)]
    inline: BTreeMap<String, String>,
    #[serde(default)]
    attached: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AyonRow {
    host: String,
    version: String,
    user: String,
    service: bool,
    days_left: i64,
    bundle: String,
    launcher: String,
    addon: String,
    core: Option<String>,
    #[serde(default)]
    conda_channels: String,
    /// What the addon puts into CondaPackages; unset, the bundle's launcher.
    conda_packages: Option<String>,
    /// Is an administrator of AYON signed in, besides the workers' key?
    #[serde(default)]
    admin: bool,
}

/// A scenario, ready to be opened.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub title: String,
    pub truth: Truth,
    pub config: StudioConfig,
}

fn problem(name: &str, because: impl Into<String>) -> Problem {
    Problem::new(
        ProblemKind::Local,
        format!(
            "The sandbox scenario {} can't be opened",
            crate::domain::text::Printable::short(name, 60)
        ),
        because,
        "`studiolink sandbox list` names those that are built in; a path to a .toml file works too",
    )
}

/// A scenario by its name, or by the path of a file.
pub fn open(name: &str) -> Result<Scenario, Problem> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(n, _)| *n == name) {
        return read(name, text);
    }
    if Path::new(name).extension().is_some_and(|e| e == "toml") {
        let bytes =
            files::read(Path::new(name))?.ok_or_else(|| problem(name, "there is no such file"))?;
        let text = String::from_utf8(bytes).map_err(|_| problem(name, "it is not a text file"))?;
        return read(name, &text);
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(n, _)| *n).collect();
    Err(problem(
        name,
        format!(
            "there is none of that name; built in are {}",
            known.join(", ")
        ),
    ))
}

/// A sandbox as an earlier session left it.
pub fn reopen(path: &Path) -> Result<Option<Truth>, Problem> {
    let Some(bytes) = files::read(path)? else {
        return Ok(None);
    };
    let truth = serde_json::from_slice(&bytes).map_err(|e| {
        Problem::new(
            ProblemKind::Local,
            format!("{} is not a sandbox's state", path.display()),
            e.to_string(),
            "name a file that --sandbox-state wrote, or one that is not there yet",
        )
    })?;
    Ok(Some(truth))
}

fn file(name: &str, text: &str) -> Result<File, Problem> {
    let mut file: File = toml::from_str(text).map_err(|e| problem(name, e.to_string()))?;
    let Some(base) = &file.base else {
        return Ok(file);
    };
    let (_, base_text) = BUILT_IN
        .iter()
        .find(|(n, _)| n == base)
        .ok_or_else(|| problem(name, format!("its base {base} is not built in")))?;
    let under = self::file(base, base_text)?;
    file.region = file.region.or(under.region);
    file.account = file.account.or(under.account);
    file.caller = file.caller.or(under.caller);
    file.millis = file.millis.or(under.millis);
    file.studiolink = file.studiolink.or(under.studiolink);
    file.farms = file.farms.or(under.farms);
    file.fleets = file.fleets.or(under.fleets);
    file.queues = file.queues.or(under.queues);
    // A role stands for the base's of the same ARN; the base's others stay.
    let own = file.roles.take().unwrap_or_default();
    let mut roles = under.roles.unwrap_or_default();
    roles.retain(|r| !own.iter().any(|o| o.arn == r.arn));
    roles.extend(own);
    file.roles = Some(roles);
    file.channels = file.channels.or(under.channels);
    file.secrets = file.secrets.or(under.secrets);
    file.nodes = file.nodes.or(under.nodes);
    file.session_preferences = file.session_preferences.or(under.session_preferences);
    file.lattice = file.lattice.or(under.lattice);
    file.network = file.network.or(under.network);
    file.boundaries = file.boundaries.or(under.boundaries);
    file.ayon = file.ayon.or(under.ayon);
    let mut environments = under.environments.unwrap_or_default();
    environments.extend(file.environments.take().unwrap_or_default());
    file.environments = Some(environments);
    Ok(file)
}

#[allow(clippy::too_many_lines)] // a line for each part of a scenario
pub fn read(name: &str, text: &str) -> Result<Scenario, Problem> {
    let file = file(name, text)?;
    let lack = |what: &str| problem(name, format!("it says nothing of {what}"));
    let region = file.region.ok_or_else(|| lack("region"))?;
    let account = file.account.ok_or_else(|| lack("account"))?;
    let ayon = file.ayon.ok_or_else(|| lack("ayon"))?;
    let config = StudioConfig::read(&file.studiolink.ok_or_else(|| lack("studiolink"))?)
        .map_err(|e| problem(name, format!("its studiolink text: {e}")))?;
    let caller = Caller {
        account: account.clone(),
        arn: Untrusted::new(file.caller.ok_or_else(|| lack("caller"))?),
    };
    let farms = file.farms.unwrap_or_default().into_iter();
    let farms = farms.map(|f| SandboxFarm {
        id: f.id,
        name: Untrusted::new(f.name),
        key: f.key.map(Untrusted::new),
    });
    let mut truth = Truth {
        scenario: name.to_owned(),
        region,
        account,
        caller,
        farms: farms.collect(),
        queues: BTreeMap::new(),
        queue_order: Vec::new(),
        fleets: BTreeMap::new(),
        roles: BTreeMap::new(),
        addon: BTreeMap::new(),
        channels: file.channels.unwrap_or_default(),
        ayon: sandbox_ayon(&ayon),
        boundaries: file.boundaries.unwrap_or_default(),
        kept_secrets: Vec::new(),
        storage_profiles: BTreeMap::new(),
        gone_buckets: BTreeSet::new(),
        jobs: BTreeMap::new(),
        probes: BTreeMap::new(),
        probe_queues: BTreeMap::new(),
        nodes: file.nodes.unwrap_or_default(),
        session_preferences: file.session_preferences.unwrap_or_default(),
        lattice: file.lattice.unwrap_or_default(),
        network: file.network.unwrap_or_default(),
        fleet_texts: BTreeMap::new(),
        host_scripts: BTreeMap::new(),
        denies: file.denies,
        millis: file.millis.unwrap_or(0),
        made: 0,
        local: memory::Kept::default(),
    };
    for arn in file.secrets.unwrap_or_default() {
        truth.add_secret(&arn);
    }
    for row in file.roles.unwrap_or_default() {
        let role = SandboxRole {
            trust: row.trust,
            boundary: row.boundary,
            boundary_policy: row.boundary_policy,
            inline: row.inline,
            attached: row.attached,
        };
        truth.roles.insert(row.arn, role);
    }
    let mut queues = file.queues.unwrap_or_default();
    if let Some(first) = queues.first().cloned() {
        for n in 0..file.more_queues {
            let mut more = QueueRow {
                id: format!("queue-{:032x}", 0x1_0000 + n)
                    .parse()
                    .map_err(|e: crate::domain::ids::NotAnId| problem(name, e.0))?,
                name: format!("{} {:03}", first.name, n + 2),
                ..first.clone()
            };
            if file.own_roles {
                more.role = own_role(&mut truth, first.role.as_deref(), n);
            }
            queues.push(more);
        }
    }
    let (fleets, texts) = (
        file.fleets.unwrap_or_default(),
        file.environments.unwrap_or_default(),
    );
    for row in queues {
        add_queue(name, &mut truth, row, &fleets, &texts)?;
    }
    let queue = config.queues.first();
    for variant in [Variant::Production, Variant::Staging] {
        let settings = AddonSettings {
            version: Untrusted::new(ayon.addon.clone()),
            channels: Untrusted::new(ayon.conda_channels.clone()),
            packages: Untrusted::new(
                ayon.conda_packages
                    .clone()
                    .unwrap_or_else(|| format!("ayon-launcher=={}", ayon.launcher)),
            ),
            job_parameters: Untrusted::new("[]"),
            farm: Untrusted::new(queue.map(|q| q.farm.to_string()).unwrap_or_default()),
            queue: Untrusted::new(queue.map(|q| q.queue.to_string()).unwrap_or_default()),
            publish_roles: Some(vec![Untrusted::new("publish")]),
            render_roles: Some(vec![Untrusted::new("render")]),
        };
        truth.addon.insert(variant, settings);
    }
    Ok(Scenario {
        title: file.title,
        truth,
        config,
    })
}

/// A copy of a role under another name.
fn own_role(truth: &mut Truth, first: Option<&str>, n: u32) -> Option<String> {
    let first: RoleArn = first?.parse().ok()?;
    let copy = truth.roles.get(&first)?.clone();
    let arn: RoleArn = format!("{first}{}", n + 2).parse().ok()?;
    truth.roles.insert(arn.clone(), copy);
    Some(arn.to_string())
}

fn sandbox_ayon(ayon: &AyonRow) -> SandboxAyon {
    let bundle = Bundle {
        name: Untrusted::new(ayon.bundle.clone()),
        installer: Some(Untrusted::new(ayon.launcher.clone())),
        addon: Some(Untrusted::new(ayon.addon.clone())),
        core: ayon.core.clone().map(Untrusted::new),
        packages: PLATFORMS
            .iter()
            .map(|p| ((*p).to_owned(), Untrusted::new(format!("ayon_{p}.zip"))))
            .collect(),
    };
    let installer = |platform: &&str| Installer {
        version: Untrusted::new(ayon.launcher.clone()),
        platform: Untrusted::new(*platform),
    };
    let desktop = Desktop {
        installers: PLATFORMS.iter().map(installer).collect(),
        packages: bundle.packages.values().cloned().collect(),
    };
    let paths = [
        ("linux", "/mnt/projects"),
        ("windows", "P:/projects"),
        ("darwin", "/Volumes/projects"),
    ];
    let paths = paths.map(|(p, path)| (p.to_owned(), path.to_owned()));
    let project = Project {
        name: Untrusted::new("fjord"),
        roots: [("work".to_owned(), paths.into())].into(),
        bundles: BTreeMap::new(),
    };
    SandboxAyon {
        host: ayon.host.clone(),
        version: ayon.version.clone(),
        user: ayon.user.clone(),
        service: ayon.service,
        key: "sandbox".to_owned(),
        days_left: ayon.days_left,
        in_dns: Some(super::SERVER),
        ahead: 0,
        bundles: Bundles {
            production: Some(bundle.clone()),
            staging: Some(Bundle {
                name: Untrusted::new("staging"),
                ..bundle
            }),
            others: BTreeMap::new(),
            devs: BTreeMap::new(),
        },
        users: [(
            ayon.user.clone(),
            AyonUser {
                service: ayon.service,
                active: true,
                own_key: ayon.service,
                keys: Vec::new(),
            },
        )]
        .into(),
        admin: ayon.admin,
        desktop,
        projects: vec![project],
        project_addon: BTreeMap::new(),
        dev_addon: BTreeMap::new(),
        pinned: BTreeSet::new(),
    }
}

const PLATFORMS: &[&str] = &["linux", "windows", "darwin"];

fn add_queue(
    name: &str,
    truth: &mut Truth,
    row: QueueRow,
    fleets: &[FleetRow],
    texts: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    let mut environments = Vec::new();
    for (text_name, priority) in &row.environments {
        let text = texts
            .get(text_name)
            .ok_or_else(|| problem(name, format!("it has no environment {text_name}")))?;
        truth.made += 1;
        let id: QueueEnvironmentId = format!("queueenv-{:032x}", truth.made)
            .parse()
            .map_err(|e: crate::domain::ids::NotAnId| problem(name, e.0))?;
        let kind = if text.trim_start().starts_with('{') {
            TemplateType::Json
        } else {
            TemplateType::Yaml
        };
        let title = Template::read(text, kind).map_or_else(|_| text_name.clone(), |t| t.name);
        environments.push(SandboxEnvironment {
            id,
            name: Untrusted::new(title),
            priority: *priority,
            kind,
            text: text.clone(),
        });
    }
    environments.sort_by_key(|e| e.priority);
    for id in &row.fleets {
        let f = fleets
            .iter()
            .find(|f| f.id == *id)
            .ok_or_else(|| problem(name, format!("it has no fleet {id}")))?;
        let fleet = Fleet {
            name: Untrusted::new(f.name.clone()),
            status: f.status.clone(),
            management: f.managed.clone(),
            os: f.os.clone(),
            cpu: f.cpu.clone(),
            workers: 0,
            max_workers: f.max_workers,
            roles: f.roles.iter().map(Untrusted::new).collect(),
            role: f.role.clone().map(Untrusted::new),
            message: None,
            configurations: Vec::new(),
            wants: None,
            storage_profile: None,
            host_script: None,
        };
        let key = FleetKey {
            farm: row.farm.clone(),
            fleet: id.clone(),
        };
        truth.fleets.insert(key, fleet);
    }
    let status = row.association.unwrap_or(AssociationStatus::Active);
    let association = |fleet: &FleetId| Association {
        fleet: fleet.clone(),
        status: status.clone(),
    };
    let queue = SandboxQueue {
        fleets: row.fleets.iter().map(association).collect(),
        environments,
        queue: Queue {
            name: Untrusted::new(row.name),
            status: row.status,
            blocked_reason: row.blocked.map(Untrusted::new),
            role: row.role.map(Untrusted::new),
            attachments_bucket: row.attachments.map(Untrusted::new),
            storage_profiles: Vec::new(),
            attachments_prefix: row.attachments_prefix.map(Untrusted::new),
        },
    };
    let key = QueueKey {
        farm: row.farm,
        queue: row.id,
    };
    truth.queue_order.push(key.clone());
    truth.queues.insert(key, queue);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_opens_and_every_file_is_listed() {
        for (name, _) in BUILT_IN {
            open(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        let folder =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sandbox")).unwrap();
        assert_eq!(folder.count(), BUILT_IN.len());
    }
}

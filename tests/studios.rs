//! Studios that are made, not chosen: one fault at a time, so that every check has a broken and a healthy case, and any
//! mixture of them (proptest), for which the same must hold: a plan that was applied leaves nothing to plan, a rollback
//! brings every byte back, nothing is called OK that was not read, and every finding is about something that is there.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::connected::{Dns, by_name, forwards, lattice, lattice_with, network_with, over_vpn};
use common::{apply_all, bytes, look, open, run};
use proptest::prelude::*;
use studiolink::domain::addon::AddonSettings;
use studiolink::domain::ayon::{DevBundle, Variant};
use studiolink::domain::call::Vantage;
use studiolink::domain::channel::{Channel, split};
use studiolink::domain::choices::Tunnel;
use studiolink::domain::config::{Location, PathId, Pin, StudioConfig};
use studiolink::domain::farm::{AssociationStatus, FleetStatus, Management, QueueStatus};
use studiolink::domain::finding::{Finding, Grade, Verdict};
use studiolink::domain::lattice::{AssociationState, LatticeStatus, Target};
use studiolink::domain::network::{RouteState, TunnelStatus};
use studiolink::domain::node::ManagedNode;
use studiolink::domain::template::{Template, TemplateType};
use studiolink::domain::text::Untrusted;
use studiolink::domain::vpc_dns::EndpointState;
use studiolink::domain::worker_secret::SecretPlace;
use studiolink::engine::apply::apply;
use studiolink::engine::journal::{self, to_undo};
use studiolink::engine::unheard;
use studiolink::engine::workflow::Workflow;
use studiolink::goals::Wishes;
use studiolink::probes::{ReadIndex, has_no_credentials};
use studiolink::questions::{Consent, Key, Purpose};
use studiolink::ui::report::checks::{Known, Says};
use studiolink::world::World as _;
use studiolink::world::sandbox::{Sandbox, SandboxEnvironment, SandboxRole, Truth};

/// One thing that is otherwise in a studio.
type Change = fn(&mut Truth, &mut StudioConfig);

/// Templates as the console, AWS's samples and studios have them.
fn template(truth: &mut Truth, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/environments");
    let text = fs::read_to_string(path.join(file)).unwrap();
    let environment = first(truth);
    environment.text = text;
    environment.kind = if Path::new(file).extension().is_some_and(|e| e == "json") {
        TemplateType::Json
    } else {
        TemplateType::Yaml
    };
}

fn first(truth: &mut Truth) -> &mut SandboxEnvironment {
    let queue = truth.queues.values_mut().next().unwrap();
    queue.environments.first_mut().unwrap()
}

fn role<'a>(truth: &'a mut Truth, name: &str) -> &'a mut SandboxRole {
    let mut roles = truth.roles.iter_mut();
    roles
        .find(|(arn, _)| arn.as_str().ends_with(name))
        .unwrap()
        .1
}

fn fleets(truth: &mut Truth, change: impl Fn(&mut studiolink::domain::farm::Fleet)) {
    truth.fleets.values_mut().for_each(change);
}

fn ynput(truth: &mut Truth) -> &mut studiolink::world::sandbox::SandboxChannel {
    let mut channels = truth.channels.iter_mut();
    channels.find(|c| c.channel.is_s3()).unwrap()
}

const HOST: &str = "arn:aws:iam::111122223333:role/WorkerHost";
const SECRET: &str = "arn:aws:secretsmanager:us-west-2:111122223333:secret:ayon/key-AbCdEf";

fn tunnel(t: &mut Truth, c: &mut StudioConfig, ping: &str, key: Option<&str>) {
    c.server.path = PathId::Ssm;
    c.server.location = Location::Ec2;
    let instance = "i-0123456789abcdef0".to_owned();
    let node = ManagedNode {
        ping: ping.into(),
        name: Some(Untrusted::new("ayon-server")),
        agent: Untrusted::new("3.3.1142.0"),
        last_ping: None,
    };
    t.nodes.insert(instance.clone(), node);
    t.session_preferences.key = key.map(Untrusted::new);
    c.tunnel = Some(Tunnel {
        instance,
        host: None,
        port: Some(5000),
    });
}

/// A storage profile on every fleet, with one place.
fn workers_see(truth: &mut Truth, path: &str) {
    for fleet in truth.fleets.values_mut() {
        fleet.storage_profile = Some(Untrusted::new("sp-1"));
    }
    let profile = serde_json::json!({
        "name": "workers",
        "os": "LINUX",
        "locations": [{ "name": "projects", "path": path }],
    });
    let profile = serde_json::from_value(profile).unwrap();
    truth.storage_profiles.insert("sp-1".to_owned(), profile);
}

/// A developer's bundle with settings of its own.
fn dev_bundle(t: &mut Truth, change: fn(&mut AddonSettings)) {
    let mut own = t.addon[&Variant::Production].clone();
    change(&mut own);
    let dev = DevBundle {
        addon: Some(own.version.clone()),
        user: Some(Untrusted::new("mia")),
    };
    t.ayon.bundles.devs.insert("dev-mia".to_owned(), dev);
    t.ayon.dev_addon.insert("dev-mia".to_owned(), own);
}

const CHANGES: &[(&str, Change)] = &[
    ("nothing", |_, _| {}),
    ("a dev bundle submits to the queue", |t, _| {
        dev_bundle(t, |_| {});
    }),
    ("a dev bundle names no queue", |t, _| {
        dev_bundle(t, |s| s.queue = Untrusted::new(""));
    }),
    ("a dev bundle submits elsewhere", |t, _| {
        dev_bundle(t, |s| {
            s.queue = Untrusted::new(format!("queue-{}", "8".repeat(32)));
        });
    }),
    ("a dev bundle names its own channels", |t, _| {
        dev_bundle(t, |s| s.channels = Untrusted::new("deadline-cloud"));
    }),
    ("a connection of a fleet that is not there", |_, c| {
        let fleet = format!("fleet-{}", "9".repeat(32)).parse().unwrap();
        c.connect(&fleet, PathId::Ssm, None);
    }),
    ("staging names no queue", |t, _| {
        let staging = t.addon.get_mut(&Variant::Staging).unwrap();
        staging.farm = Untrusted::new("");
        staging.queue = Untrusted::new("");
    }),
    ("the addon names a queue that is gone", |t, _| {
        for settings in t.addon.values_mut() {
            settings.farm = Untrusted::new(format!("farm-{}", "9".repeat(32)));
            settings.queue = Untrusted::new(format!("queue-{}", "9".repeat(32)));
        }
    }),
    (
        "the storage profile of the workers has the roots",
        |t, _| {
            workers_see(t, "/mnt/projects");
        },
    ),
    (
        "the storage profile of the workers has other places",
        |t, _| {
            workers_see(t, "/srv/projects");
        },
    ),
    ("the bucket of job attachments is gone", |t, _| {
        let queues = t.queues.values();
        let buckets = queues.filter_map(|q| q.queue.attachments_bucket.as_ref());
        t.gone_buckets = buckets.map(|b| b.raw().to_owned()).collect();
    }),
    ("a project submits elsewhere", |t, _| {
        let mut own = t.addon[&Variant::Production].clone();
        own.queue = Untrusted::new(format!("queue-{}", "8".repeat(32)));
        let name = t.ayon.projects[0].name.raw().to_owned();
        let of_project = t.ayon.project_addon.entry(name).or_default();
        of_project.insert(Variant::Production, own);
    }),
    ("publish steps ask for another role", |t, _| {
        for settings in t.addon.values_mut() {
            settings.publish_roles = Some(vec![Untrusted::new("ingest")]);
        }
    }),
    ("the bundles have packages for Windows alone", |t, _| {
        for bundle in [&mut t.ayon.bundles.production, &mut t.ayon.bundles.staging] {
            bundle
                .as_mut()
                .unwrap()
                .packages
                .retain(|p, _| p == "windows");
        }
    }),
    ("AYON has installers for Windows alone", |t, _| {
        t.ayon
            .desktop
            .installers
            .retain(|i| i.platform.raw() == "windows");
    }),
    ("a root has no path for Linux", |t, _| {
        let root = t.ayon.projects[0].roots.get_mut("work").unwrap();
        root.insert("linux".to_owned(), String::new());
    }),
    ("the queue is blocked", |t, _| {
        let queue = t.queues.values_mut().next().unwrap();
        queue.queue.status = QueueStatus::Blocked;
    }),
    ("the queue has no fleet", |t, _| {
        t.queues.values_mut().next().unwrap().fleets.clear();
    }),
    ("a fleet takes no more jobs", |t, _| {
        let queue = t.queues.values_mut().next().unwrap();
        queue.fleets[0].status = AssociationStatus::Stopped;
    }),
    ("the fleets are suspended", |t, _| {
        fleets(t, |f| f.status = FleetStatus::Suspended);
    }),
    ("the fleets may start no worker", |t, _| {
        fleets(t, |f| f.max_workers = 0);
    }),
    ("the fleets are the studio's own", |t, _| {
        fleets(t, |f| f.management = Management::Customer);
    }),
    ("no fleet declares attr.role", |t, _| {
        fleets(t, |f| f.roles.clear())
    }),
    ("the environment is AWS's sample in JSON", |t, _| {
        template(t, "console.json")
    }),
    ("the environment keeps its environments", |t, _| {
        template(t, "console-caching.yaml")
    }),
    ("the environment is written out", |t, _| {
        template(t, "inline.yaml")
    }),
    ("the environment has a guard", |t, _| {
        template(t, "inline-guarded.yaml")
    }),
    ("the environment is pip's", |t, _| template(t, "pip.yaml")),
    ("the environment is rez's", |t, _| template(t, "rez.yaml")),
    ("the environment is no template", |t, _| {
        first(t).text = "environment: [".to_owned()
    }),
    ("the queue's packages are no packages", |t, _| {
        let environment = first(t);
        environment.text =
            environment
                .text
                .replacen("default: \"\"", "default: \"ayon-launcher ==\"", 1);
    }),
    ("a channel's address holds a password", |t, _| {
        let environment = first(t);
        let from = "default: \"deadline-cloud\"";
        let to = "default: \"deadline-cloud https://me:pa)ss@conda.example.com/c https://conda.example.com/t/TOKEN/d\"";
        environment.text = environment.text.replace(from, to);
    }),
    ("commas stand in the channel list", |t, _| {
        let environment = first(t);
        let text = environment.text.replacen(
            "default: \"deadline-cloud\"",
            "default: \"deadline-cloud,conda-forge\"",
            1,
        );
        environment.text = text;
    }),
    ("nothing asks for the launcher", |t, _| {
        for settings in t.addon.values_mut() {
            settings.packages = Untrusted::new("");
        }
    }),
    ("the old channel comes first", |t, c| {
        let order = ["deadline-cloud", "deadline-cloud-v2"];
        let environment = first(t);
        let from = "default: \"deadline-cloud\"";
        let to = format!("default: \"{}\"", order.join(" "));
        environment.text = environment.text.replace(from, &to);
        let rest = c
            .channels
            .iter()
            .filter(|c| !order.contains(&c.as_str()))
            .cloned();
        let rest: Vec<Channel> = rest.collect();
        c.channels = order
            .iter()
            .map(|o| o.parse().unwrap())
            .chain(rest)
            .collect();
    }),
    ("there is no environment", |t, _| {
        t.queues.values_mut().next().unwrap().environments.clear();
    }),
    ("the queue has no role", |t, _| {
        t.queues.values_mut().next().unwrap().queue.role = None;
    }),
    ("the queue's role is gone", |t, _| {
        t.roles
            .retain(|arn, _| !arn.as_str().ends_with("QueueRole"));
    }),
    ("the queue role trusts another farm", |t, _| {
        let role = role(t, "QueueRole");
        role.trust = role.trust.replace("farm-0000", "farm-0bad");
    }),
    ("the queue role has no policy", |t, _| {
        role(t, "QueueRole").inline.clear()
    }),
    ("the queue role may do anything", |t, _| {
        let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        role(t, "QueueRole")
            .inline
            .insert("All".to_owned(), all.to_owned());
    }),
    ("the queue role is denied the channel", |t, _| {
        let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::ynput-conda-channel/*"}]}"#;
        role(t, "QueueRole")
            .inline
            .insert("No".to_owned(), deny.to_owned());
    }),
    ("our policy says too much", |t, _| {
        let more = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        role(t, "QueueRole")
            .inline
            .insert("studiolink-queue".to_owned(), more.to_owned());
    }),
    ("the fleets' role is gone", |t, _| {
        t.roles
            .retain(|arn, _| !arn.as_str().ends_with("FleetRole"));
    }),
    ("the fleets' role has no policy", |t, _| {
        let role = role(t, "FleetRole");
        role.inline.clear();
        role.attached.clear();
    }),
    ("the channel is not indexed", |t, _| {
        ynput(t).indexed = false
    }),
    ("the channel is another account's", |t, _| {
        ynput(t).owner = Some("999988887777".parse().unwrap());
    }),
    (
        "the channel is another account's, and open to us",
        |t, _| {
            let channel = ynput(t);
            channel.owner = Some("999988887777".parse().unwrap());
            channel.open_to_us = true;
        },
    ),
    ("the channel is public", |t, _| ynput(t).public = true),
    ("the channel is elsewhere", |t, _| {
        ynput(t).region = Some("eu-central-1".parse().unwrap());
    }),
    ("the channel holds nothing", |t, _| {
        ynput(t).packages.clear()
    }),
    ("the channel is not there", |t, _| {
        t.channels.retain(|c| !c.channel.is_s3())
    }),
    ("conda-forge is not reached", |t, _| {
        let mut channels = t.channels.iter_mut();
        channels.find(|c| !c.channel.is_s3()).unwrap().walled = true;
    }),
    ("the file names no owner", |_, c| c.channel_account = None),
    ("the pin is in no channel", |_, c| {
        c.pin = Pin::of_text("==9.9.9").unwrap()
    }),
    ("there is a secret", |t, c| {
        t.add_secret(SECRET);
        c.secret = Some(SecretPlace {
            id: SECRET.to_owned(),
            key: None,
        });
    }),
    ("the secret is not there", |_, c| {
        c.secret = Some(SecretPlace {
            id: SECRET.to_owned(),
            key: None,
        });
    }),
    ("the secret has no value", |t, c| {
        t.add_secret(SECRET);
        t.kept_secrets[0].current = None;
        c.secret = Some(SecretPlace {
            id: SECRET.to_owned(),
            key: None,
        });
    }),
    ("the secret waits for its deletion", |t, c| {
        t.add_secret(SECRET);
        t.kept_secrets[0].deleted = Some("2026-11-20T00:00:00Z".parse().unwrap());
        c.secret = Some(SecretPlace {
            id: SECRET.to_owned(),
            key: None,
        });
    }),
    ("a secret that setup makes", |t, c| {
        t.queues
            .values_mut()
            .for_each(|q| q.environments.retain(|e| e.name.raw() != "AYON"));
        c.secret = Some(SecretPlace {
            id: "ayon/workers".to_owned(),
            key: None,
        });
    }),
    ("no environment gives the server and the key", |t, _| {
        t.queues
            .values_mut()
            .for_each(|q| q.environments.retain(|e| e.name.raw() != "AYON"));
    }),
    ("the key stands in an environment", |t, _| {
        for environment in t.queues.values_mut().flat_map(|q| &mut q.environments) {
            let url = "AYON_SERVER_URL: https://ayon.example.com";
            let shown = format!("{url}\n    AYON_API_KEY: \"0123456789abcdef0123456789abcdef\"");
            environment.text = environment.text.replace(url, &shown);
        }
    }),
    ("AYON is not headless", |t, _| {
        for environment in t.queues.values_mut().flat_map(|q| &mut q.environments) {
            environment.text = environment.text.replace("MODE: \"1\"", "MODE: \"true\"");
        }
    }),
    ("the path is not built", |_, c| {
        c.server.path = PathId::Lattice
    }),
    ("the server has another name", |_, c| {
        c.server.url = "https://other.example.com".parse().unwrap();
    }),
    ("the server speaks plainly", |_, c| {
        c.server.url = "http://ayon.example.com".parse().unwrap();
    }),
    ("the key is an artist's", |t, _| t.ayon.service = false),
    ("the certificate is running out", |t, _| {
        t.ayon.days_left = 3
    }),
    ("the certificate has run out", |t, _| t.ayon.days_left = -1),
    ("this machine alone knows the server's name", |t, _| {
        t.ayon.in_dns = None;
    }),
    ("DNS leads elsewhere", |t, _| {
        t.ayon.in_dns = Some([10, 20, 1, 7].into());
    }),
    ("the server's clock is ahead", |t, _| t.ayon.ahead = 400),
    ("no bundle is in production", |t, _| {
        t.ayon.bundles.production = None
    }),
    ("the bundle has no launcher", |t, _| {
        t.ayon.bundles.production.as_mut().unwrap().installer = None;
    }),
    ("the bundle has another launcher", |t, _| {
        let bundle = t.ayon.bundles.production.as_mut().unwrap();
        bundle.installer = Some(Untrusted::new("1.5.0"));
    }),
    ("core and server do not go together", |t, _| {
        t.ayon.version = "1.3.0".to_owned();
    }),
    ("the addon names its own channels", |t, _| {
        for settings in t.addon.values_mut() {
            settings.channels = Untrusted::new("deadline-cloud");
        }
    }),
    ("a worker host is named", |_, c| {
        let arn = "arn:aws:iam::111122223333:role/NoSuchHost".parse().unwrap();
        c.iam.worker_hosts.push(arn);
    }),
    ("the worker host's role is there", |t, c| {
        let arn: studiolink::domain::ids::RoleArn = HOST.parse().unwrap();
        let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["deadline:CreateWorker","deadline:AssumeFleetRoleForWorker"],"Resource":"*"}]}"#;
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let role = SandboxRole {
            trust: trust.to_owned(),
            boundary: None,
            boundary_policy: None,
            inline: [("Host".to_owned(), may.to_owned())].into(),
            attached: BTreeMap::new(),
        };
        t.roles.insert(arn.clone(), role);
        c.iam.worker_hosts.push(arn);
    }),
    ("the fleets' role has a boundary", |t, _| {
        let role = role(t, "FleetRole");
        role.boundary = Some("arn:aws:iam::111122223333:policy/Edge".to_owned());
        let edge = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        role.boundary_policy = Some(edge.to_owned());
    }),
    ("an instance is the tunnel's end", |_, c| {
        c.server.path = PathId::Ssm;
        let instance = "i-0123456789abcdef0".to_owned();
        c.tunnel = Some(Tunnel {
            instance,
            host: None,
            port: None,
        });
    }),
    ("the tunnel's machine is online", |t, c| {
        tunnel(t, c, "Online", None)
    }),
    ("the tunnel's machine is lost", |t, c| {
        tunnel(t, c, "ConnectionLost", None)
    }),
    ("sessions are encrypted", |t, c| {
        tunnel(t, c, "Online", Some("0a1b2c3d-0000-4000-8000-000000000000"))
    }),
    ("the fleets go by VPC Lattice", lattice),
    ("the target lets the gateway in on no port", |t, c| {
        lattice(t, c);
        network_with(t, |n| n.groups[1].inbound.clear());
    }),
    ("the studio is behind a VPN", over_vpn),
    ("the file names a VPN that is not there", |t, c| {
        over_vpn(t, c);
        c.vpn.connection = Some("vpn-0fffffffffffffff0".to_owned());
    }),
    ("the file names a network that no route leads to", |t, c| {
        over_vpn(t, c);
        c.vpn.network = Some("203.0.113.0/24".parse().unwrap());
    }),
    ("both tunnels of the VPN are down", |t, c| {
        over_vpn(t, c);
        for tunnel in &mut t.network.vpns[0].tunnels {
            tunnel.status = TunnelStatus::Down;
        }
    }),
    ("the route to the studio is a blackhole", |t, c| {
        over_vpn(t, c);
        network_with(t, |n| n.tables[0].routes[1].state = RouteState::Blackhole);
    }),
    ("the fleets use another configuration alone", |t, c| {
        lattice_with(t, c, |configuration, _, _| {
            configuration.ports = vec![Untrusted::new("2049")]
        });
    }),
    ("no fleet has the configuration", |t, c| {
        lattice(t, c);
        fleets(t, |f| f.configurations.clear());
    }),
    ("the configuration may not be shared", |t, c| {
        lattice_with(t, c, |configuration, _, _| configuration.shareable = false);
    }),
    ("the configuration has failed", |t, c| {
        lattice_with(t, c, |configuration, _, _| {
            configuration.status = LatticeStatus::CreateFailed;
            configuration.failure = Some(Untrusted::new("the gateway has no address left"));
        });
    }),
    ("the share is suspended", |t, c| {
        lattice_with(t, c, |_, _, share| {
            share.associations[1].state = AssociationState::Suspended
        });
    }),
    ("the gateway can't find the name", |t, c| {
        lattice_with(t, c, |configuration, _, _| {
            configuration.target = Target::Name(Untrusted::new("ayon.nordlicht.lan"));
        });
    }),
    ("the workers' hosts entry is gone", |t, c| {
        lattice(t, c);
        t.host_scripts.clear();
    }),
    ("nobody in the VPC answers for the name", |t, c| {
        by_name(t, c, Dns::default());
    }),
    ("a rule forwards the name", |t, c| {
        by_name(t, c, forwards(EndpointState::Operational));
    }),
    ("a rule's endpoint is broken", |t, c| {
        by_name(t, c, forwards(EndpointState::ActionNeeded));
    }),
    ("the tunnel may be opened", |t, c| {
        c.server.path = PathId::Ssm;
        let instance = "i-0123456789abcdef0".to_owned();
        c.tunnel = Some(Tunnel {
            instance,
            host: None,
            port: None,
        });
        let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"}]}"#;
        role(t, "QueueRole")
            .inline
            .insert("Tunnel".to_owned(), may.to_owned());
    }),
    (
        "an environment sets the guard, and the fleets are the studio's",
        |t, _| {
            template(t, "inline-guarded.yaml");
            let first = first(t).clone();
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/environments/variables-only.yaml");
            let text = fs::read_to_string(path).unwrap();
            let queue = t.queues.values_mut().next().unwrap();
            let id = "queueenv-00000000000000000000000000000099".parse().unwrap();
            let early = SandboxEnvironment {
                id,
                name: Untrusted::new("Variables"),
                priority: 0,
                kind: TemplateType::Yaml,
                text,
            };
            queue.environments = vec![early, first];
            fleets(t, |f| f.management = Management::Customer);
        },
    ),
    ("an environment sets the guard too late", |t, _| {
        template(t, "inline-guarded.yaml");
        let first = first(t).clone();
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/environments/variables-only.yaml");
        let text = fs::read_to_string(path).unwrap();
        let queue = t.queues.values_mut().next().unwrap();
        let id = "queueenv-00000000000000000000000000000098".parse().unwrap();
        let early = SandboxEnvironment {
            id,
            name: Untrusted::new("Variables"),
            priority: 9,
            kind: TemplateType::Yaml,
            text,
        };
        queue.environments = vec![first, early];
    }),
    ("deadline:GetQueue is denied", |t, _| {
        t.denies.push("deadline:GetQueue".to_owned())
    }),
    ("deadline:GetFleet is denied", |t, _| {
        t.denies.push("deadline:GetFleet".to_owned())
    }),
    ("the environments' list is denied", |t, _| {
        t.denies.push("deadline:ListQueueEnvironments".to_owned());
    }),
    ("the roles are denied", |t, _| {
        t.denies.push("iam:GetRole".to_owned())
    }),
    ("simulation is denied", |t, _| {
        t.denies.push("iam:SimulatePrincipalPolicy".to_owned())
    }),
    ("the queue role's keys are denied", |t, _| {
        t.denies.push("deadline:AssumeQueueRoleForUser".to_owned());
    }),
];

const BASES: [&str; 2] = ["studio", "mixed-fleets"];

/// Checks that say nothing where nothing is wrong.
const SILENT: &[&str] = &[
    "channel-words",
    "server-url",
    "queue-packages",
    "channel-secrets",
    "channel-order",
    "channel-public",
    "connection-fleets",
    "worker-host-named",
];

/// Another spelling of the same studio: nothing is wrong with it.
const SAME: &[&str] = &[
    "the environment is AWS's sample in JSON",
    "the environment keeps its environments",
];

/// What the sandbox does not have, and the test that has it.
const ELSEWHERE: &[(&str, &str)] = &[
    ("caller-identity", "tests/cli.rs"),
    ("all-queues", "tests/peer/test_all.py"),
    ("studio-file-marks", "tests/reports.rs"),
    ("policy-lint", "tests/peer/test_roles.py"),
    ("tunnel-as-queue-role", "tests/judgement.rs"),
    ("server-port", "tests/peer/test_server.py"),
    ("server-info", "tests/peer/test_server.py"),
    ("fleet-workers", "tests/worker.rs"),
    ("worker-probe", "tests/worker.rs"),
    ("worker-python", "tests/worker.rs"),
    ("worker-disk", "tests/worker.rs"),
    ("worker-identity", "tests/worker.rs"),
    ("worker-conda", "tests/worker.rs"),
    ("worker-command", "tests/worker.rs"),
    ("worker-variables", "tests/worker.rs"),
    ("worker-name", "tests/worker.rs"),
    ("worker-port", "tests/worker.rs"),
    ("worker-certificate", "tests/worker.rs"),
    ("worker-info", "tests/worker.rs"),
    ("worker-key", "tests/worker.rs"),
    ("worker-bundle", "tests/worker.rs"),
    ("worker-launcher", "tests/worker.rs"),
    ("worker-roots", "tests/worker.rs"),
];

fn studio(base: &str, with: &[usize]) -> (Sandbox, StudioConfig) {
    let (world, mut config) = open(base);
    let mut truth = Truth::clone(&world.truth());
    for (n, at) in with.iter().enumerate() {
        // A queue has no two environments of one id, so each change is made once.
        if with[..n].contains(at) {
            continue;
        }
        // A change of what an earlier one took away changes nothing.
        let mut tried = (truth.clone(), config.clone());
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            CHANGES[*at].1(&mut tried.0, &mut tried.1);
        }));
        if made.is_ok() {
            (truth, config) = tried;
        }
    }
    (Sandbox::new(truth, None), config)
}

/// Every finding, of setup and of an audit, before and after the plan was applied.
async fn findings(before: &Workflow, world: &Sandbox, config: &StudioConfig) -> Vec<Finding> {
    let mut all = before.findings();
    common::make(world, config).await;
    all.extend(look(world, config).await.findings());
    all.extend(run(world, config, Purpose::AUDIT).await.findings());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_has_a_healthy_and_a_broken_case() {
    let mut seen: BTreeMap<&str, BTreeSet<Verdict>> = BTreeMap::new();
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut effect: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for base in BASES {
        for (at, (name, _)) in CHANGES.iter().enumerate() {
            let (world, config) = studio(base, &[at]);
            let before = look(&world, &config).await;
            learn(&mut known, &before, &world, &config).await;
            for finding in findings(&before, &world, &config).await {
                seen.entry(finding.check)
                    .or_default()
                    .insert(finding.verdict);
                let said = format!(
                    "{} {} {}",
                    finding.check,
                    finding.code,
                    finding.verdict.word()
                );
                effect
                    .entry(format!("{name}, {base}"))
                    .or_default()
                    .insert(said);
            }
        }
    }
    let lacks: Vec<String> = studiolink::checks::ALL
        .iter()
        .filter(|check| !ELSEWHERE.iter().any(|(id, _)| *id == check.id))
        .filter_map(|check| {
            let verdicts = seen.get(check.id).cloned().unwrap_or_default();
            let has = |some: &[Verdict]| some.iter().any(|v| verdicts.contains(v));
            let good = if SILENT.contains(&check.id) {
                !effect["nothing, studio"]
                    .iter()
                    .any(|said| said.starts_with(&format!("{} ", check.id)))
                    && !verdicts.is_empty()
            } else {
                has(&[Verdict::Ok]) && has(&[Verdict::Fail, Verdict::Warn, Verdict::ToDo])
            };
            (!good).then(|| format!("{}: {verdicts:?}", check.id))
        })
        .collect();
    assert!(lacks.is_empty(), "{lacks:#?}");
    for (id, file) in ELSEWHERE {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(id), "{file} does not name {id}");
    }
    // And no fault passes unseen.
    let unseen = CHANGES[1..].iter().map(|(name, _)| *name);
    let unseen: Vec<&str> = unseen
        .filter(|name| {
            SAME.contains(name)
                != BASES.iter().all(|base| {
                    effect[&format!("{name}, {base}")] == effect[&format!("nothing, {base}")]
                })
        })
        .collect();
    assert!(
        unseen.is_empty(),
        "these change no finding, or do and should not: {unseen:?}"
    );
    // What the checks' pages say comes from here.
    let text = serde_json::to_string_pretty(&known).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/checks.json");
    if std::env::var_os("STUDIOLINK_CHECKS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    let other = text.lines().zip(kept.lines()).find(|(a, b)| a != b);
    assert!(
        kept == text,
        "assets/checks.json is not true any more ({other:?}): STUDIOLINK_CHECKS=1 cargo test --locked --test studios every_check, \
        then studiolink checks --write docs/checks"
    );
}

/// What each check asks with, says and is cured by, before anything is changed.
async fn learn(
    known: &mut BTreeMap<String, Known>,
    work: &Workflow,
    world: &Sandbox,
    config: &StudioConfig,
) {
    let changes = &work.plan().changes;
    for finding in work.findings() {
        let own = known.entry(finding.check.to_owned()).or_default();
        let cure = changes
            .iter()
            .find(|c| Some(&c.id) == finding.cured_by.as_ref());
        if let Some(change) = cure {
            add(&mut own.changes, change.operation().to_owned());
        }
    }
    let consent = Consent {
        queue_role: true,
        session: true,
    };
    let tried = run(world, config, Purpose::Audit(consent)).await;
    for finding in tried.findings() {
        if !matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
            continue;
        }
        let own = known.entry(finding.check.to_owned()).or_default();
        let says = Says {
            code: finding.code.to_owned(),
            verdict: finding.verdict.word().to_owned(),
            message: timeless(finding.message.as_str()),
            fix: finding.fix.as_ref().map(|f| timeless(f.as_str())),
        };
        // One example of each: the least, so that it is the same in every run.
        let same = |s: &&mut Says| (&s.code, &s.verdict) == (&says.code, &says.verdict);
        match own.says.iter_mut().find(same) {
            Some(other) if *other <= says => {}
            Some(other) => *other = says,
            None => own.says.push(says),
        }
        own.says.sort();
    }
    let view = work.view();
    for subject in work.snapshot().roster.all() {
        for check in studiolink::checks::ALL {
            if check.kind() != subject.kind() {
                continue;
            }
            let reader = view.again();
            check.run(&reader, &subject);
            let (reads, _) = reader.recorded();
            let own = known.entry(check.id.to_owned()).or_default();
            for key in reads {
                let takes = match key {
                    Key::Question(question) => question.permissions(),
                    Key::Observation(probe, from) => probe.permissions(&from),
                    Key::Config(_) | Key::Parents(_) => &[],
                };
                for permission in takes {
                    add(&mut own.permissions, (*permission).to_owned());
                }
            }
        }
    }
}

fn add(list: &mut Vec<String>, one: String) {
    if let Err(at) = list.binary_search(&one) {
        list.insert(at, one);
    }
}

/// Without what is another tomorrow.
fn timeless(text: &str) -> String {
    let spans = regex::Regex::new(r"\b\d+ (ms|s|min|minutes|hours|days)\b").unwrap();
    let days = regex::Regex::new(r"\b20\d\d-\d\d-\d\d\b").unwrap();
    let text = spans.replace_all(text, "N $1");
    days.replace_all(&text, "DATE").into_owned()
}

fn worst_first(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|f| format!("{} {} {}: {}", f.verdict.word(), f.check, f.code, f.message))
        .collect()
}

async fn what_must_hold(base: &str, with: &[usize]) -> Result<(), TestCaseError> {
    let names: Vec<&str> = with.iter().map(|at| CHANGES[*at].0).collect();
    let (world, config) = studio(base, with);
    let before = bytes(&world);
    let work = look(&world, &config).await;
    prop_assert_eq!(
        bytes(&world),
        before.clone(),
        "looking changes nothing: {:?}",
        names
    );
    for finding in work.findings() {
        let said = format!(
            "{names:?}: {} {}: {}",
            finding.check, finding.code, finding.message
        );
        let there = work.snapshot().roster.all().contains(&finding.subject);
        prop_assert!(
            there,
            "about {:?}, which is not there: {}",
            finding.subject,
            said
        );
        if matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
            prop_assert!(
                finding.why.is_some() || finding.fix.is_some(),
                "no reason and no fix: {}",
                said
            );
        }
        // Nothing is OK where all that it rests on was refused.
        let calls: Vec<_> = finding
            .evidence
            .iter()
            .flat_map(|e| e.calls.iter())
            .collect();
        let refused =
            |c: &&studiolink::domain::call::Call| c.outcome.as_str().starts_with("AccessDenied");
        if finding.verdict == Verdict::Ok
            && !calls.is_empty()
            && finding.check != "queue-role-excess-read"
            && finding.check != "channel-public"
        {
            prop_assert!(
                !calls.iter().all(refused),
                "OK without having seen: {}",
                said
            );
        }
    }
    let changes = work.plan().changes.clone();
    let applied = apply_all(&world, &config, &changes, None).await;
    prop_assert!(applied.stop.is_none(), "{:?}: {:?}", names, applied.stop);
    let after = look(&world, &config).await;
    let again: Vec<_> = after
        .plan()
        .changes
        .iter()
        .map(|c| c.words().to_string())
        .collect();
    prop_assert!(
        again.is_empty(),
        "{:?}: planned again: {:?}; {:#?}",
        names,
        again,
        worst_first(&after.findings())
    );
    // What was promised as TO DO is done.
    // What a try promises is another try: it may find the next thing that is wrong.
    let promised = |f: &&Finding| f.verdict == Verdict::ToDo && f.grade != Grade::Tried;
    for promised in work.findings().iter().filter(promised) {
        let still = after.findings();
        let still = still.iter().filter(|f| {
            f.key() == promised.key() && matches!(f.verdict, Verdict::Fail | Verdict::Warn)
        });
        let still: Vec<String> = still.map(|f| f.message.to_string()).collect();
        prop_assert!(
            still.is_empty(),
            "{:?}: promised, and still so: {:?}",
            names,
            still
        );
    }
    let Some(id) = applied.run else {
        return Ok(());
    };
    let all = journal::read_all(world.local()).unwrap().runs;
    let back = to_undo(all.iter().find(|r| r.header.id == id).unwrap(), &all);
    let undone = apply_all(&world, &config, &back, Some(&id)).await;
    prop_assert!(undone.stop.is_none(), "{:?}: {:?}", names, undone.stop);
    // Deleted things come back under another id, and a secret's first value stays.
    let made = changes.iter().any(|c| {
        ["Create", "Delete", "PutSecretValue"]
            .iter()
            .any(|o| c.operation().starts_with(o))
    });
    if !made {
        prop_assert_eq!(bytes(&world), before, "{:?}", names);
    }
    Ok(())
}

/// What an unattended run must not do, whatever the studio is like: name a channel that the role can't be seen to read, or
/// take one away.
async fn what_it_must_not_do(base: &str, with: &[usize]) -> Result<(), TestCaseError> {
    let names: Vec<&str> = with.iter().map(|at| CHANGES[*at].0).collect();
    let (world, config) = studio(base, with);
    let named = |world: &Sandbox| -> Vec<BTreeSet<String>> {
        let truth = world.truth();
        let queues = truth.queues.values();
        let of = |q: &studiolink::world::sandbox::SandboxQueue| {
            let templates = q.environments.iter();
            let lists = templates.filter_map(|e| Template::read(&e.text, e.kind).ok()?.channels?);
            let words = lists.flat_map(|l| {
                let words = split(&l).into_iter().map(str::to_owned);
                words.collect::<Vec<_>>()
            });
            words.collect()
        };
        queues.map(of).collect()
    };
    let before = named(&world);
    let work = common::run_with(&world, &config, Purpose::Setup, Wishes::default()).await;
    let changes = work.plan().changes.clone();
    let mut context = common::context(&world, "test", &config).await;
    if let Some(rules) = &mut context.rules {
        rules.accepted.clear();
    }
    let stop = AtomicBool::new(false);
    let applied = apply(&world, &changes, &context, &stop, &unheard)
        .await
        .unwrap();
    prop_assert!(applied.stop.is_none(), "{:?}: {:?}", names, applied.stop);
    let keys: Vec<_> = world.truth().queues.keys().cloned().collect();
    for (at, after) in named(&world).iter().enumerate() {
        let gone: Vec<_> = before[at].difference(after).collect();
        prop_assert!(gone.is_empty(), "{:?}: taken away: {:?}", names, gone);
        for new in after.difference(&before[at]) {
            let channel: Channel = new.parse().unwrap();
            if !channel.is_s3() {
                continue;
            }
            let from = Vantage::QueueRole(keys[at].clone());
            let seen = world.try_out(&ReadIndex(channel).into(), &from).await;
            // Without credentials nobody can try it, and documents and simulator have allowed it.
            let untried = seen.problem().is_some_and(has_no_credentials);
            prop_assert!(
                seen.seen.is_ok() || untried,
                "{:?}: {} was added, and the role can't read it: {:?}",
                names,
                new,
                seen.problem()
            );
        }
    }
    for held in &applied.held {
        prop_assert!(!held.why.as_str().is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_must_hold_holds_for_any_mixture(
        base in prop::sample::select(vec!["studio", "mixed-fleets", "hand-edited", "addon-overrides"]),
        with in prop::collection::vec(0..CHANGES.len(), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(what_must_hold(base, &with))?;
        runtime.block_on(what_it_must_not_do(base, &with))?;
    }
}

/// Mixtures that the test above found once.
#[tokio::test(flavor = "multi_thread")]
async fn what_must_hold_holds_where_it_once_did_not() {
    let mixtures = [[
        "the channel is another account's, and open to us",
        "there is a secret",
        "there is no environment",
    ]];
    for mixture in mixtures {
        let at = |name: &str| CHANGES.iter().position(|c| c.0 == name).unwrap();
        let with = mixture.map(at);
        what_must_hold("studio", &with).await.unwrap();
        what_it_must_not_do("studio", &with).await.unwrap();
    }
}

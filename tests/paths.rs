//! What is set up for the paths to the server, and what is not: on the sandbox, one studio changed in one place each.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{changes, look, make, open};
use studiolink::domain::choices::Tunnel;
use studiolink::domain::config::{FleetConnection, Location, PathId, StudioConfig};
use studiolink::domain::fact::Fact;
use studiolink::domain::lattice::{
    LatticeStatus, ResourceConfiguration, Share, ShareAssociation, Target,
};
use studiolink::domain::text::Untrusted;
use studiolink::domain::worker_environment::{NAME, TUNNEL_NAME};
use studiolink::domain::worker_secret::SecretPlace;
use studiolink::engine::workflow::Workflow;
use studiolink::questions::QueueEnvironments;
use studiolink::resources::Change;
use studiolink::world::sandbox::{Sandbox, Truth};

fn edited(world: &Sandbox, change: impl Fn(&mut Truth)) -> Sandbox {
    let mut truth = Truth::clone(&world.truth());
    change(&mut truth);
    Sandbox::new(truth, None)
}

fn refused(work: &Workflow) -> Vec<String> {
    work.plan()
        .refused
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn calls(all: &[Change]) -> Vec<String> {
    all.iter()
        .map(|c| format!("{} {}", c.operation(), c.words()))
        .collect()
}

/// The environments of the queue by name, with their texts.
async fn environments(world: &Sandbox, config: &StudioConfig) -> Vec<(String, String)> {
    let work = look(world, config).await;
    let question = QueueEnvironments(config.queues[0].clone());
    let list = work
        .snapshot()
        .facts
        .get(&question)
        .unwrap()
        .known()
        .unwrap();
    let read = list.iter().filter_map(Fact::known);
    read.map(|e| (e.name.raw().to_owned(), e.template.text.clone()))
        .collect()
}

fn by_ssm(config: &mut StudioConfig) {
    config.server.path = PathId::Ssm;
    config.server.location = Location::Ec2;
    config.tunnel = Some(Tunnel {
        instance: "i-0a1b2c3d4e5f60718".to_owned(),
        host: None,
        port: Some(5000),
    });
}

#[tokio::test]
async fn the_key_has_a_secret_and_an_environment_once_and_the_studios_own_stays() {
    let (world, config) = open("no-key");
    let made = make(&world, &config).await;
    assert_eq!(made.stop, None);
    let names: Vec<String> = environments(&world, &config)
        .await
        .into_iter()
        .map(|e| e.0)
        .collect();
    assert_eq!(
        names,
        [NAME, "Conda"],
        "before what makes conda environments"
    );
    assert!(changes(&world, &config).await.is_empty());
    let secret = world.truth().kept_secrets[0].clone();
    assert_eq!(secret.name.raw(), "ayon/fjordlys/workers");
    assert_eq!(secret.versions.len(), 1);
    // The base scenario has an environment of its own: nothing is added to it.
    let (world, mut config) = open("studio");
    config.secret = Some(SecretPlace {
        id: "ayon/workers".to_owned(),
        key: None,
    });
    make(&world, &config).await;
    let after = environments(&world, &config).await;
    assert_eq!(after.iter().filter(|e| e.0 == "AYON").count(), 1);
    assert!(!after.iter().any(|e| e.1.contains("Made by studiolink.")));
}

#[tokio::test]
async fn an_environment_that_works_is_not_led_to_a_secret_without_a_key() {
    let (world, mut config) = open("no-key");
    make(&world, &config).await;
    let before = environments(&world, &config).await;
    config.secret = Some(SecretPlace {
        id: "arn:aws:secretsmanager:us-west-2:111122223333:secret:ayon/none-AbCdEf".to_owned(),
        key: None,
    });
    let work = look(&world, &config).await;
    assert!(
        !calls(&work.plan().changes)
            .iter()
            .any(|c| c.contains("QueueEnvironment"))
    );
    assert!(
        refused(&work)
            .iter()
            .any(|r| r.contains("there is no secret")),
        "{:?}",
        refused(&work)
    );
    assert_eq!(environments(&world, &config).await, before);
}

#[tokio::test]
async fn an_environment_waits_until_the_role_reads_the_secret() {
    let (world, config) = open("no-key");
    // Its boundary, which nobody here changes, allows nothing of it.
    let world = edited(&world, |t| {
        let boundary = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","logs:*"],"Resource":"*"}]}"#;
        for (arn, role) in &mut t.roles {
            if arn.as_str().contains("QueueRole") {
                role.boundary = Some("arn:aws:iam::111122223333:policy/B".to_owned());
                role.boundary_policy = Some(boundary.to_owned());
            }
        }
    });
    let made = make(&world, &config).await;
    let held: Vec<String> = made.held.iter().map(|h| h.why.to_string()).collect();
    let names: Vec<String> = environments(&world, &config)
        .await
        .into_iter()
        .map(|e| e.0)
        .collect();
    assert_eq!(names, ["Conda"], "{held:?}");
}

#[tokio::test]
async fn a_tunnel_and_the_key_are_two_environments_and_the_tunnel_goes_with_its_path() {
    let (world, mut config) = open("no-key");
    by_ssm(&mut config);
    // First without a key: only the tunnel is made.
    let no_key = config.secret.take();
    make(&world, &config).await;
    let names =
        |all: &[(String, String)]| -> Vec<String> { all.iter().map(|e| e.0.clone()).collect() };
    let first = environments(&world, &config).await;
    assert_eq!(names(&first), [TUNNEL_NAME, "Conda"]);
    config.secret = no_key;
    make(&world, &config).await;
    let both = environments(&world, &config).await;
    assert_eq!(both.len(), 3, "{:?}", names(&both));
    let tunnel = both.iter().find(|e| e.0 == TUNNEL_NAME).unwrap();
    assert_eq!(tunnel.1, first[0].1, "the tunnel's text is not the key's");
    assert!(changes(&world, &config).await.is_empty());
    // No fleet goes by it any more: left there, its address would win.
    config.server.path = PathId::Direct;
    make(&world, &config).await;
    let after = environments(&world, &config).await;
    assert!(!names(&after).contains(&TUNNEL_NAME.to_owned()) && after.len() == 2);
}

#[tokio::test]
async fn a_tunnel_to_something_else_is_no_tunnel_to_ayon() {
    let (world, mut config) = open("no-key");
    by_ssm(&mut config);
    let world = edited(&world, |t| {
        for queue in t.queues.values_mut() {
            let mut licence = queue.environments[0].clone();
            licence.id = "queueenv-000000000000000000000000000000aa".parse().unwrap();
            licence.name = Untrusted::new("Licences");
            licence.text = "specificationVersion: environment-2023-09\nenvironment:\n  name: Licences\n  script:\n    actions:\n      onEnter: {command: python, args: [\"{{Env.File.E}}\"]}\n    embeddedFiles:\n      - name: E\n        type: TEXT\n        data: |\n          print('openjd_env: LM=1') # AWS-StartPortForwardingSession\n          document = 'AWS-StartPortForwardingSession'\n".to_owned();
            queue.environments.push(licence);
        }
    });
    let planned = calls(&changes(&world, &config).await);
    assert!(
        planned.iter().any(|c| c.contains(TUNNEL_NAME)),
        "{planned:?}"
    );
}

/// The studio's own configuration for a file server, used by the publishing fleet.
fn with_taken_slot(t: &mut Truth) {
    let id = "rcfg-0123456789abcdef0";
    let arn = format!("arn:aws:vpc-lattice:us-west-2:111122223333:resourceconfiguration/{id}");
    let configuration = ResourceConfiguration {
        arn: Untrusted::new(&arn),
        name: Untrusted::new("projects-fsx"),
        status: LatticeStatus::Active,
        failure: None,
        kind: Untrusted::new("SINGLE"),
        protocol: None,
        ports: vec![Untrusted::new("2049")],
        gateway: None,
        target: Target::Name(Untrusted::new("fs.example.com")),
        shareable: true,
    };
    t.lattice
        .configurations
        .insert(id.to_owned(), configuration);
    for fleet in t.fleets.values_mut() {
        fleet.configurations = vec![Untrusted::new(&arn)];
    }
}

#[tokio::test]
async fn nothing_is_made_for_a_fleet_that_could_not_use_it() {
    let (world, config) = open("lattice");
    let world = edited(&world, with_taken_slot);
    let work = look(&world, &config).await;
    let planned = calls(&work.plan().changes);
    let parts = [
        "Gateway",
        "ResourceConfiguration",
        "ResourceShare",
        "UpdateFleet",
    ];
    assert!(
        !planned.iter().any(|c| parts.iter().any(|p| c.contains(p))),
        "{planned:?}"
    );
    assert!(
        refused(&work)
            .iter()
            .any(|r| r.contains("nothing is made for it")),
        "{:?}",
        refused(&work)
    );
    // The same where somebody leaves the fleet out.
    let (world, config) = open("lattice");
    let work = look(&world, &config).await;
    let fleet = work
        .plan()
        .changes
        .iter()
        .find(|c| c.id.starts_with("fleet/"))
        .unwrap();
    let without = common::plan_of(work.snapshot(), &config, &[&fleet.id]);
    let left = calls(&without.changes);
    assert!(
        !left.iter().any(|c| parts.iter().any(|p| c.contains(p))),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_share_of_that_name_that_is_left_over_is_used_and_not_doubled() {
    let (world, config) = open("lattice");
    let world = edited(&world, |t| {
        let share = Share {
            name: Untrusted::new("ayon-00000001"),
            arn: Untrusted::new("arn:aws:ram:us-west-2:111122223333:resource-share/old"),
            status: Untrusted::new("ACTIVE"),
            external: true,
            associations: Vec::<ShareAssociation>::new(),
        };
        t.lattice.shares.insert("rcfg-gone".to_owned(), vec![share]);
    });
    let work = look(&world, &config).await;
    assert!(refused(&work).is_empty(), "{:?}", refused(&work));
    let all = calls(&work.plan().changes);
    assert!(
        all.iter().any(|c| c.contains("AssociateResourceShare"))
            && !all.iter().any(|c| c.contains("CreateResourceShare")),
        "{all:?}"
    );
}

#[tokio::test]
async fn a_fleet_that_a_connection_names_gets_the_role_and_its_way_in_one_run() {
    let (world, mut config) = open("lattice");
    let world = edited(&world, |t| {
        for fleet in t.fleets.values_mut() {
            fleet.roles = vec![Untrusted::new("render")];
        }
    });
    let fleet = world.truth().fleets.keys().nth(1).unwrap().fleet.clone();
    config.server.path = PathId::Direct;
    config.server.location = Location::Ec2;
    config.connections = vec![FleetConnection {
        fleet: fleet.clone(),
        path: Some(PathId::Lattice),
        at: None,
    }];
    let made = make(&world, &config).await;
    assert_eq!(made.stop, None);
    let truth = world.truth();
    let there = truth
        .fleets
        .iter()
        .find(|(k, _)| k.fleet == fleet)
        .unwrap()
        .1;
    let roles: Vec<&str> = there.roles.iter().map(Untrusted::raw).collect();
    assert_eq!(
        (roles, there.configurations.len()),
        (vec!["render", "publish"], 1)
    );
    let updates = made
        .done
        .iter()
        .filter(|c| c.id.starts_with("fleet/"))
        .count();
    assert_eq!(updates, 1, "one UpdateFleet for both");
    assert!(changes(&world, &config).await.is_empty());
}

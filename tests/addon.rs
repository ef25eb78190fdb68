//! AYON's addon in step with the farm: each setting where its winning value stands, in both variants and in a project, with an
//! undo that gives back what was there.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{apply_all, bytes, look, make, of_check, open_with, plan_of, run_with};
use serde_json::json;
use studiolink::domain::addon::{AddonField, AddonSettings};
use studiolink::domain::ayon::Variant;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::finding::Verdict;
use studiolink::domain::text::Untrusted;
use studiolink::engine::journal::to_undo;
use studiolink::engine::workflow::Workflow;
use studiolink::goals::Wishes;
use studiolink::questions::Purpose;
use studiolink::resources::{AnyResource, Change};
use studiolink::world::World as _;
use studiolink::world::sandbox::{Sandbox, Truth};

const PROJECT: &str = "fjord";

/// The studio where an administrator of AYON is signed in and all is well, with something changed in it.
fn studio(change: impl FnOnce(&mut Truth)) -> (Sandbox, StudioConfig) {
    open_with("addon-overrides", |truth| {
        for settings in truth.addon.values_mut() {
            settings.channels = Untrusted::new("");
        }
        change(truth);
    })
}

/// A project's own settings in production.
fn of_project(truth: &mut Truth, set: &[(AddonField, serde_json::Value)]) {
    let mut own = truth.addon[&Variant::Production].clone();
    for (field, value) in set {
        own.set(*field, value);
    }
    let settings = truth.ayon.project_addon.entry(PROJECT.to_owned());
    settings.or_default().insert(Variant::Production, own);
}

fn of_addon(changes: &[Change]) -> Vec<&Change> {
    let own = |c: &&Change| matches!(c.resource, AnyResource::AddonSetting(_));
    changes.iter().filter(own).collect()
}

fn ids(work: &Workflow) -> Vec<String> {
    let own = of_addon(&work.plan().changes);
    own.into_iter().map(|c| c.id.clone()).collect()
}

/// What is said of a check, but for what is well.
fn said(work: &Workflow, check: &str) -> Vec<(Verdict, String)> {
    let findings = work.findings();
    let own = of_check(&findings, check);
    let wrong = own.iter().filter(|f| f.verdict != Verdict::Ok);
    wrong.map(|f| (f.verdict, f.message.to_string())).collect()
}

fn project(world: &Sandbox) -> AddonSettings {
    world.truth().ayon.project_addon[PROJECT][&Variant::Production].clone()
}

/// Applies the plan, sees that nothing is left to do, and rolls back to every byte.
async fn there_and_back(world: &Sandbox, config: &StudioConfig, check: &str) -> AddonSettings {
    let before = bytes(world);
    let made = make(world, config).await;
    assert!(made.stop.is_none(), "{:?}", made.stop);
    let after = look(world, config).await;
    assert_eq!(
        ids(&after),
        Vec::<String>::new(),
        "nothing is left to change"
    );
    assert_eq!(said(&after, check), []);
    let now = world.truth().addon[&Variant::Production].clone();
    let runs = studiolink::engine::journal::read_all(world.local())
        .unwrap()
        .runs;
    let undo: Vec<Change> = to_undo(runs.last().unwrap(), &runs);
    let back = apply_all(world, config, &undo, made.run.as_deref()).await;
    assert!(back.stop.is_none(), "{:?}", back.stop);
    assert!(bytes(world) == before, "every byte is back");
    now
}

#[tokio::test]
async fn a_project_whose_queue_is_gone_takes_the_studios_again() {
    let gone = format!("queue-{}", "9".repeat(32));
    for queue in [gone.as_str(), "queue-demo-show", ""] {
        let (world, config) = studio(|t| of_project(t, &[(AddonField::Queue, queue.into())]));
        let work = look(&world, &config).await;
        assert_eq!(ids(&work), ["ayon/production/fjord/queue"], "{queue}");
        let change = &of_addon(&work.plan().changes)[0];
        let words = "deadline_cloud 0.3.0 (production, project fjord) / queue_id";
        assert_eq!(change.words().as_str(), words);
        // The studio says the same, so the project's own value goes rather than being written anew.
        let after: serde_json::Value =
            serde_json::from_str(change.after.as_ref().unwrap()).unwrap();
        assert_eq!(after["overridden"], json!([]));
        let todo = said(&work, "addon-queue");
        assert_eq!(todo.len(), 1, "{todo:?}");
        assert_eq!(todo[0].0, Verdict::ToDo);
        there_and_back(&world, &config, "addon-queue").await;
    }
}

#[tokio::test]
async fn studio_and_project_go_together_and_the_project_follows() {
    let (world, config) = studio(|t| {
        for settings in t.addon.values_mut() {
            settings.queue = Untrusted::new("");
            settings.farm = Untrusted::new("");
        }
        of_project(t, &[(AddonField::Queue, "queue-demo-show".into())]);
    });
    let work = look(&world, &config).await;
    let own = of_addon(&work.plan().changes);
    assert_eq!(own.len(), 3);
    let project = own.iter().find(|c| c.id.contains(PROJECT)).unwrap();
    assert_eq!(
        project.needs,
        ["ayon/production/queue"],
        "it takes what the studio gets"
    );
    there_and_back(&world, &config, "addon-queue").await;
}

#[tokio::test]
async fn what_follows_from_a_queue_that_is_set_right_is_set_right_with_it() {
    let (world, config) = studio(|t| {
        let staging = t.addon.get_mut(&Variant::Staging).unwrap();
        staging.queue = Untrusted::new("queue-staging");
        staging.farm = Untrusted::new("farm-staging");
        staging.channels = Untrusted::new("deadline-cloud");
        staging.packages = Untrusted::new("blender");
        staging.publish_roles = Some(vec![Untrusted::new("ingest")]);
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work).len(), 4, "{:?}", ids(&work));
    there_and_back(&world, &config, "addon-roles").await;
}

#[tokio::test]
async fn a_project_that_has_set_the_very_value_of_the_studio_is_taken_along() {
    for pinned in [false, true] {
        let (world, config) = studio(|t| {
            for settings in t.addon.values_mut() {
                settings.queue = Untrusted::new("queue-gone");
            }
            if pinned {
                of_project(t, &[]);
                let place = (Variant::Production, Some(PROJECT.to_owned()));
                t.ayon.pinned.insert((place, AddonField::Queue));
            }
        });
        let work = look(&world, &config).await;
        let ids = ids(&work);
        assert_eq!(ids.len(), if pinned { 3 } else { 2 }, "{ids:?}");
        there_and_back(&world, &config, "addon-queue").await;
    }
}

#[tokio::test]
async fn another_queue_of_a_project_that_exists_is_its_own() {
    let (world, config) = studio(|t| {
        let other = t.queues.keys().next().unwrap().clone();
        let mut queue = t.queues[&other].clone();
        let mut key = other.clone();
        key.queue = format!("queue-{}", "7".repeat(32)).parse().unwrap();
        queue.queue.name = Untrusted::new("Show");
        t.queues.insert(key.clone(), queue);
        of_project(t, &[(AddonField::Queue, key.queue.as_str().into())]);
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work), Vec::<String>::new());
    let said = said(&work, "addon-queue");
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, Verdict::Warn);
}

#[tokio::test]
async fn the_channels_of_a_project_get_what_they_lack_and_keep_theirs() {
    let (world, config) = studio(|t| {
        let own = "s3://show-channel/own deadline-cloud";
        of_project(t, &[(AddonField::Channels, own.into())]);
    });
    let work = run_with(&world, &config, Purpose::Setup, Wishes::default()).await;
    let own = of_addon(&work.plan().changes);
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].id, "ayon/production/fjord/conda_channels");
    let after = own[0].after.as_ref().unwrap();
    assert!(
        after.contains("s3://show-channel/own") && after.contains("s3://ynput-conda-channel/ayon"),
        "{after}"
    );
    assert!(own[0].warning.is_none());
    // Somebody who says that others go is told what goes.
    let work = look(&world, &config).await;
    let warning = of_addon(&work.plan().changes)[0].warning.clone().unwrap();
    assert!(
        warning.as_str().contains("s3://show-channel/own"),
        "{warning}"
    );
    there_and_back(&world, &config, "addon-channels").await;
}

#[tokio::test]
async fn channels_in_an_extra_parameter_are_seen_and_changed_where_they_stand() {
    let rows = json!([{"name": "Priority", "value": "60"}, {"name": "CondaChannels", "value": "conda-forge"}]);
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.job_parameters = Untrusted::new(rows.to_string());
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work), ["ayon/production/conda_channels"]);
    let findings = work.findings();
    let told = of_check(&findings, "addon-channels");
    let wrong = told.iter().find(|f| f.verdict != Verdict::Ok).unwrap();
    assert!(
        wrong
            .message
            .as_str()
            .contains("CondaChannels = \"conda-forge\" (production)")
    );
    let now = there_and_back(&world, &config, "addon-channels").await;
    assert_eq!(
        now.channels.raw(),
        "",
        "the setting beside it stays as it was"
    );
    let now: serde_json::Value = serde_json::from_str(now.job_parameters.raw()).unwrap();
    assert_eq!(now[0], rows[0]);
    assert!(now[1]["value"].as_str().unwrap().contains("s3://"), "{now}");
}

#[tokio::test]
async fn packages_of_the_addon_take_the_place_of_the_queues_and_get_what_they_lack() {
    for (own, right, says) in [
        (
            "blender=4.2.* python=3.11",
            "blender=4.2.* python=3.11 ayon-launcher==1.6.1",
            "Nothing puts ayon-launcher==1.6.1",
        ),
        (
            "ayon-launcher=1.5.* blender",
            "ayon-launcher==1.6.1 blender",
            "ask for ayon-launcher=1.5.* and not ayon-launcher==1.6.1",
        ),
        (
            "blender ayon-launcher",
            "blender ayon-launcher==1.6.1",
            "ask for ayon-launcher and not ayon-launcher==1.6.1",
        ),
    ] {
        let (world, config) = studio(|t| {
            // What the queue's default names does not help.
            let queue = t.queues.values_mut().next().unwrap();
            for environment in &mut queue.environments {
                let from = "    default: \"\"";
                let to = "    default: \"ayon-launcher==1.6.1\"";
                environment.text = environment.text.replacen(from, to, 1);
            }
            let production = t.addon.get_mut(&Variant::Production).unwrap();
            production.packages = Untrusted::new(own);
        });
        let work = look(&world, &config).await;
        assert_eq!(ids(&work), ["ayon/production/conda_packages"], "{own}");
        let said = said(&work, "launcher-asked-for");
        assert!(said.len() == 1 && said[0].1.contains(says), "{said:?}");
        assert!(said[0].1.contains("(production)"), "{said:?}");
        let now = there_and_back(&world, &config, "launcher-asked-for").await;
        assert_eq!(now.packages.raw(), right);
    }
}

#[tokio::test]
async fn two_rows_of_the_extra_parameters_are_both_set_right_and_the_others_stay_out_of_it() {
    let rows = json!([
        {"name": "CondaPackages", "value": "blender"},
        {"name": "CondaChannels", "value": "conda-forge"},
        {"name": "LicenseToken", "value": "canary-token"},
    ]);
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.job_parameters = Untrusted::new(rows.to_string());
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work).len(), 2);
    let all = format!(
        "{:?} {:?} {:?}",
        work.plan(),
        work.findings(),
        work.manual_steps()
    );
    assert!(!all.contains("canary-token"), "{all}");
    let now = there_and_back(&world, &config, "launcher-asked-for").await;
    let now: serde_json::Value = serde_json::from_str(now.job_parameters.raw()).unwrap();
    assert_eq!(now[0]["value"], "blender ayon-launcher==1.6.1");
    assert!(now[1]["value"].as_str().unwrap().contains("s3://"));
    assert_eq!(now[2], rows[2]);
}

#[tokio::test]
async fn a_project_that_follows_the_studio_is_refused_nothing() {
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.packages = Untrusted::new("blender");
        production.channels = Untrusted::new("deadline-cloud");
        of_project(t, &[(AddonField::Queue, "queue-demo-show".into())]);
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work).len(), 3, "{:?}", ids(&work));
    assert!(work.plan().refused.is_empty(), "{:?}", work.plan().refused);
    there_and_back(&world, &config, "launcher-asked-for").await;
}

#[tokio::test]
async fn packages_that_were_not_solved_for_are_left_to_people() {
    // Another bundle's launcher than the one that the studio file pins.
    let (world, config) = studio(|t| {
        t.ayon.bundles.staging.as_mut().unwrap().installer = Some(Untrusted::new("1.7.0"));
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work), Vec::<String>::new());
    let refused = format!("{:?}", work.plan().refused);
    assert!(refused.contains("was not tried"), "{refused}");
    // And none without the channels that have them.
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.packages = Untrusted::new("blender");
        production.channels = Untrusted::new("deadline-cloud");
    });
    let work = look(&world, &config).await;
    let channels = "ayon/production/conda_channels";
    assert_eq!(ids(&work), [channels, "ayon/production/conda_packages"]);
    let plan = plan_of(work.snapshot(), &config, &[channels]);
    let left = of_addon(&plan.changes);
    assert!(
        left.iter().all(|c| !c.id.ends_with("conda_packages")),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_project_that_submits_elsewhere_keeps_the_studios_change_from_being_made() {
    let (world, mut config) = studio(|t| {
        let first = t.queues.keys().next().unwrap().clone();
        let mut other = first.clone();
        other.queue = format!("queue-{}", "7".repeat(32)).parse().unwrap();
        let queue = t.queues[&first].clone();
        t.queues.insert(other.clone(), queue);
        for settings in t.addon.values_mut() {
            settings.publish_roles = Some(vec![Untrusted::new("ingest")]);
        }
        of_project(t, &[(AddonField::Queue, other.queue.as_str().into())]);
    });
    config.worker_attributes.publish = vec!["publish".to_owned()];
    let work = look(&world, &config).await;
    // Staging has no such project.
    assert_eq!(ids(&work), ["ayon/staging/publish_host_requirement_roles"]);
    let refused = format!("{:?}", work.plan().refused);
    assert!(
        refused.contains("project fjord would follow, and its jobs go to another queue"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_waits_for_a_queue_is_not_set_without_it() {
    let (world, config) = studio(|t| {
        let staging = t.addon.get_mut(&Variant::Staging).unwrap();
        staging.queue = Untrusted::new("");
        staging.channels = Untrusted::new("deadline-cloud");
        staging.publish_roles = Some(vec![Untrusted::new("ingest")]);
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work).len(), 3);
    let plan = plan_of(work.snapshot(), &config, &["ayon/staging/queue"]);
    assert_eq!(of_addon(&plan.changes).len(), 0);
    // Where its jobs go today nobody knows, so nothing is claimed of the fleets there.
    let audit = common::run(&world, &config, Purpose::AUDIT).await;
    let findings = audit.findings();
    let own = of_check(&findings, "addon-roles");
    assert!(own.iter().all(|f| f.verdict == Verdict::Ok), "{own:?}");
}

#[tokio::test]
async fn a_blank_list_wins_over_the_queues_and_is_not_called_left_to_it() {
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.channels = Untrusted::new(" ");
        production.packages = Untrusted::new("  ");
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work).len(), 2);
    let now = there_and_back(&world, &config, "addon-channels").await;
    assert_eq!(now.packages.raw(), "ayon-launcher==1.6.1");
}

#[tokio::test]
async fn words_are_corrected_as_conda_splits_them() {
    for (own, right) in [
        (
            "ayon-launcher<1.6,>=1.2 blender",
            "ayon-launcher==1.6.1 blender",
        ),
        (
            "\"ayon-launcher==1.5.0\", blender",
            "ayon-launcher==1.6.1 blender",
        ),
        (
            "show::ayon-launcher=1.5.* blender",
            "show::ayon-launcher==1.6.1 blender",
        ),
    ] {
        let (world, config) = studio(|t| {
            let production = t.addon.get_mut(&Variant::Production).unwrap();
            production.packages = Untrusted::new(own);
        });
        let now = there_and_back(&world, &config, "launcher-asked-for").await;
        assert_eq!(now.packages.raw(), right);
    }
}

#[tokio::test]
async fn packages_that_fit_or_are_left_to_the_queue_are_left_alone() {
    for own in ["blender ayon-launcher=1.6", "ayon-launcher>=1.6,<2", ""] {
        let (world, config) = studio(|t| {
            let production = t.addon.get_mut(&Variant::Production).unwrap();
            production.packages = Untrusted::new(own);
        });
        let work = look(&world, &config).await;
        assert_eq!(ids(&work), Vec::<String>::new(), "{own}");
        let said = said(&work, "launcher-asked-for");
        // An empty list leaves it to the queue, which names nothing: that is said, and not changed.
        assert_eq!(said.len(), usize::from(own.trim().is_empty()), "{said:?}");
    }
}

#[tokio::test]
async fn steps_that_no_fleet_takes_ask_for_what_the_studio_file_says() {
    for (field, roles, says) in [
        (
            AddonField::PublishRoles,
            json!(["ingest"]),
            "AYON's publish steps ask for attr.role = ingest",
        ),
        (
            AddonField::PublishRoles,
            json!([]),
            "AYON's publish steps ask for attr.role with no value",
        ),
        (
            AddonField::RenderRoles,
            json!(["gpu"]),
            "AYON's render steps ask for attr.role = gpu",
        ),
    ] {
        let (world, mut config) = studio(|t| of_project(t, &[(field, roles.clone())]));
        config.worker_attributes.publish = vec!["publish".to_owned()];
        config.worker_attributes.render = vec!["render".to_owned()];
        let work = look(&world, &config).await;
        assert_eq!(
            ids(&work),
            [format!("ayon/production/fjord/{}", field.word())]
        );
        let said = said(&work, "addon-roles");
        assert!(said.len() == 1 && said[0].1.contains(says), "{said:?}");
        there_and_back(&world, &config, "addon-roles").await;
        let own = project(&world).value(field).unwrap();
        assert_eq!(own, roles, "undone to what it was");
    }
}

#[tokio::test]
async fn settings_that_a_projects_own_bundle_freezes_are_said_to_be_frozen() {
    let (world, config) = studio(|t| {
        of_project(t, &[(AddonField::Queue, "".into())]);
        let own = "__project__fjord__production";
        t.ayon.projects[0]
            .bundles
            .insert(Variant::Production, Untrusted::new(own));
        t.ayon
            .bundles
            .others
            .insert(own.to_owned(), Some(Untrusted::new("0.2.9")));
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work), Vec::<String>::new());
    let refused = work.plan().refused.iter().map(ToString::to_string);
    let refused: Vec<String> = refused.collect();
    assert!(
        refused
            .iter()
            .any(|r| r.contains("__project__fjord__production freezes them")),
        "{refused:?}"
    );
    let findings = work.findings();
    let own = of_check(&findings, "addon-queue");
    let own = own.iter().find(|f| f.verdict == Verdict::Warn).unwrap();
    let fix = own.fix.as_ref().unwrap();
    assert!(
        fix.as_str().contains("0.2.9 (production, project fjord)")
            && fix.as_str().contains("freezes"),
        "{fix}"
    );
}

#[tokio::test]
async fn a_value_with_a_password_stays_out_of_the_journal() {
    let rows = json!([{"name": "CondaChannels", "value": "https://me:canary@conda.example.com/c"}]);
    let (world, config) = studio(|t| {
        let production = t.addon.get_mut(&Variant::Production).unwrap();
        production.job_parameters = Untrusted::new(rows.to_string());
    });
    let work = look(&world, &config).await;
    assert_eq!(ids(&work), Vec::<String>::new());
    let all = format!(
        "{:?} {:?} {:?}",
        work.plan(),
        work.findings(),
        work.manual_steps()
    );
    assert!(!all.contains("canary"), "{all}");
    assert!(all.contains("holds a password or token"));
}

#[test]
fn a_journal_of_an_earlier_version_can_still_be_undone() {
    for (kind, before, after) in [
        (
            "addon-setting",
            r#"{"conda_channels":"a","overridden":false}"#,
            r#"{"conda_channels":"b","overridden":true}"#,
        ),
        (
            "addon-target",
            r#"{"farm_id":"","queue_id":"","overridden":[]}"#,
            r#"{"farm_id":"f","queue_id":"q","overridden":["farm_id","queue_id"]}"#,
        ),
    ] {
        let text = json!({
            "id": "ayon/production/x",
            "resource": { kind: { "server": "https://ayon.example.com/", "variant": "production", "version": "0.3.0" } },
            "before": before, "after": after, "because": "x", "warning": null, "needs": [],
        });
        assert!(AnyResource::knows(kind));
        let change: Change = serde_json::from_value(text).unwrap();
        let back = change.reverse();
        assert_eq!(back.after.as_deref(), Some(before));
        assert!(
            back.words()
                .as_str()
                .contains("deadline_cloud 0.3.0 (production)")
        );
        // As it is read today, with the list of what is set.
        let today = r#"{"conda_channels":"b","overridden":["conda_channels"]}"#;
        assert!(kind == "addon-target" || change.is_after(Some(today)));
    }
}

//! Where a job's files go and where AYON looks for them: storage profiles beside the roots of projects, the bucket of job attachments.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{look, of_check, open_with, run};
use studiolink::domain::farm::OperatingSystem;
use studiolink::domain::finding::Verdict;
use studiolink::domain::storage::{Location, StorageProfile};
use studiolink::domain::text::Untrusted;
use studiolink::questions::Purpose;
use studiolink::world::sandbox::Truth;

fn profile(name: &str, os: OperatingSystem, path: &str) -> StorageProfile {
    StorageProfile {
        name: Untrusted::new(name),
        os,
        locations: vec![Location {
            name: Untrusted::new("projects"),
            path: Untrusted::new(path),
        }],
    }
}

/// The workers' profile on every fleet, and the artists' beside it on the queue.
fn profiles(truth: &mut Truth, workers: &str, artists: &str) {
    let (own, theirs) = ("sp-1", "sp-2");
    let workers = profile("workers", OperatingSystem::Linux, workers);
    let artists = profile("artists", OperatingSystem::Windows, artists);
    truth.storage_profiles.insert(own.to_owned(), workers);
    truth.storage_profiles.insert(theirs.to_owned(), artists);
    for fleet in truth.fleets.values_mut() {
        fleet.storage_profile = Some(Untrusted::new(own));
    }
    for queue in truth.queues.values_mut() {
        queue.queue.storage_profiles = [own, theirs].map(Untrusted::new).into();
    }
}

/// What is said of the roots, in the sandbox's project: P:/projects, /mnt/projects.
async fn said(change: impl FnOnce(&mut Truth)) -> Vec<(Verdict, String, String)> {
    let (world, config) = open_with("studio", change);
    let work = look(&world, &config).await;
    let findings = work.findings();
    let own = of_check(&findings, "project-roots-mapped");
    own.iter()
        .map(|f| (f.verdict, f.code.to_string(), f.message.to_string()))
        .collect()
}

#[tokio::test]
async fn a_root_is_where_the_profile_has_it_or_the_difference_is_named() {
    assert!(said(|_| {}).await.is_empty(), "no profile, no claim");
    for (workers, artists, code, words) in [
        (
            "/mnt/projects",
            "P:\\projects",
            "ok",
            "lie in its storage profile workers",
        ),
        ("/mnt", "p:/", "ok", "lie in its storage profile workers"),
        (
            "/srv/projects",
            "P:\\projects",
            "maps-elsewhere",
            "files of P:/projects go to /srv/projects there",
        ),
        (
            "/mnt/projects",
            "P:\\",
            "maps-elsewhere",
            "go to /mnt/projects/projects there",
        ),
        (
            "/srv/projects",
            "Q:\\projects",
            "not-in-profile",
            "their storage profile workers has /srv/projects",
        ),
    ] {
        let told = said(|t| profiles(t, workers, artists)).await;
        assert!(!told.is_empty(), "{workers}");
        for (verdict, own, line) in &told {
            assert_eq!(own, code, "{line}");
            assert_eq!(*verdict == Verdict::Ok, code == "ok");
            assert!(line.contains(words), "{line}");
        }
    }
}

#[tokio::test]
async fn a_submitters_profile_that_could_not_be_read_is_said() {
    let told = said(|t| {
        profiles(t, "/mnt/projects", "P:\\projects");
        t.storage_profiles.remove("sp-2");
    });
    let told = told.await;
    let gone: Vec<_> = told.iter().filter(|(v, ..)| *v == Verdict::Warn).collect();
    assert_eq!(gone.len(), 1, "{told:?}");
    assert!(gone[0].2.contains("sp-2"), "{told:?}");
    assert!(
        said(|t| {
            profiles(t, "/srv/projects", "P:\\projects");
            t.ayon.projects.clear();
        })
        .await
        .is_empty(),
        "nothing was compared"
    );
}

#[tokio::test]
async fn a_profile_that_can_not_be_read_is_not_called_missing() {
    let gone = said(|t| {
        profiles(t, "/mnt/projects", "P:\\projects");
        t.storage_profiles.clear();
    });
    assert!(
        gone.await
            .iter()
            .all(|(v, code, _)| *v == Verdict::Warn && code == "no-profile")
    );
    let refused = said(|t| {
        profiles(t, "/mnt/projects", "P:\\projects");
        t.denies.push("deadline:GetStorageProfile".to_owned());
    });
    let refused = refused.await;
    assert!(!refused.is_empty());
    assert!(
        refused.iter().all(|(v, ..)| *v == Verdict::Unknown),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_bucket_of_job_attachments_that_is_gone_stops_every_job() {
    for gone in [false, true] {
        let (world, config) = open_with("studio", |t| {
            if gone {
                t.gone_buckets.insert("fjord-attachments".to_owned());
            }
        });
        let work = run(&world, &config, Purpose::AUDIT).await;
        let findings = work.findings();
        let own = of_check(&findings, "queue-attachments");
        assert_eq!(own.len(), 1);
        let expected = if gone { Verdict::Fail } else { Verdict::Ok };
        assert_eq!(own[0].verdict, expected, "{}", own[0].message);
    }
}

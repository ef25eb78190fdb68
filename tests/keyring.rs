//! The OS keyring for real. `.ci/run` starts this twice: where there is none, and inside a session with one.
//! Without `STUDIOLINK_KEYRING` it looks at nobody's keyring and does nothing.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use secrecy::{ExposeSecret as _, SecretString};
use studiolink::world::LocalState as _;
use studiolink::world::local::DiskState;

const URL: &str = "https://ayon.keyring-test.example/";

#[test]
fn a_key_is_kept_read_and_deleted_or_its_absence_is_explained() {
    let local = DiskState::new();
    match std::env::var("STUDIOLINK_KEYRING").as_deref() {
        Ok("real") => {
            local.keyring_delete(URL).unwrap();
            assert!(local.keyring_get(URL).unwrap().is_none());
            local
                .keyring_set(URL, &SecretString::from("canary-key".to_owned()))
                .unwrap();
            assert_eq!(
                local.keyring_get(URL).unwrap().unwrap().expose_secret(),
                "canary-key"
            );
            local.keyring_delete(URL).unwrap();
            assert!(local.keyring_get(URL).unwrap().is_none());
        }
        Ok("none") => {
            let problem = local
                .keyring_set(URL, &SecretString::from("canary-key".to_owned()))
                .unwrap_err();
            let text = problem.to_string();
            assert!(
                text.contains("no keyring to use") && text.contains("AYON_API_KEY"),
                "{text}"
            );
            assert!(!text.contains("canary-key"), "{text}");
        }
        _ => {}
    }
}

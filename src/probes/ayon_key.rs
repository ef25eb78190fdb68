//! Whose is the API key? `users/me`, with the key.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonKey(pub Url);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySeen {
    Owner {
        user: Untrusted,
        service: bool,
        admin: bool,
    },
    /// No key was given, so none was tried.
    NoKey { because: String },
}

impl Probe for AyonKey {
    type Observed = KeySeen;

    fn words(&self, _: &Vantage) -> String {
        "AYON accepts the API key".to_owned()
    }

    fn assess(&self, _: &Vantage, seen: &Observation<KeySeen>) -> Assessment {
        match &seen.seen {
            Ok(KeySeen::Owner {
                user,
                service: true,
                ..
            }) => Assessment::ok(format!(
                "The API key belongs to the service user {}, {} ms",
                user.show(),
                seen.millis
            )),
            Ok(KeySeen::Owner {
                user,
                service: false,
                ..
            }) => Assessment::warn(
                "no-service-user",
                format!("The API key belongs to {}, who is not a service user", user.show()),
            )
            .why("versions published with it are authored by that person: only a service user may act for others")
            .fix("create a service user in AYON and use its key"),
            Ok(KeySeen::NoKey { because }) => {
                Assessment::new(Verdict::Skipped, "no-key", "Not tried: whether AYON accepts the API key")
                    .why(format!("no API key was given: AYON_API_KEY is not set, and {because}"))
                    .fix("set AYON_API_KEY, or let `studiolink setup` store the key in the keyring")
            }
            Err(problem) => super::hop_problem(problem),
        }
    }
}

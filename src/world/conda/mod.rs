//! Conda channels: is the index there (`try_channel`), what is in it and would it solve (`read`, `solve`), where names
//! lead from here (`condarc`). rattler reads, caches and solves; `wire` stands between it and the network.

mod cache;
mod condarc;
mod locks;
pub mod progress;
mod read;
mod solve;
mod wire;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Record;
use crate::domain::call::{Call, Vantage};
use crate::domain::channel::Channel;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, without_url_secrets};

pub use cache::folder as cache_folder;
pub use condarc::Names;
pub use read::{Lent, read_and_solve};
pub use solve::{Records, made, solve, specs};
pub use wire::Sign;

pub async fn try_channel(
    record: &Record,
    client: &reqwest::Client,
    channel: &Channel,
    names: &Names,
) -> Result<(), Problem> {
    let doing = format!("Could not read the index of {channel}");
    let base = names.address(channel).unwrap_or_default();
    try_index(record, client, doing, &base, Vantage::Here).await
}

/// Is there an index under this address, for anybody who asks without credentials?
pub async fn try_index(
    record: &Record,
    client: &reqwest::Client,
    doing: String,
    base: &str,
    vantage: Vantage,
) -> Result<(), Problem> {
    if base.starts_with("oci://") {
        return Err(Problem::new(
            ProblemKind::Unreached,
            doing,
            "it is in a registry of container images, which studiolink does not read",
            "see in a job's log that a worker reads it",
        ));
    }
    if base.starts_with("file://") {
        return Err(Problem::new(
            ProblemKind::Unreached,
            doing,
            "it is a path on the worker's own disk",
            "see that the path is on every worker",
        ));
    }
    let url = format!("{base}/noarch/repodata.json");
    let began = Instant::now();
    let at = Timestamp::now();
    // The first bytes tell an index from a sign-in page; the rest, perhaps hundreds of megabytes, is dropped unread.
    let answer = async {
        let mut response = client
            .get(&url)
            .timeout(Duration::from_secs(5))
            .send()
            .await?;
        let first = if response.status().is_success() {
            response.chunk().await?
        } else {
            None
        };
        Ok::<_, reqwest::Error>((response.status(), first.unwrap_or_default()))
    }
    .await;
    let (outcome, result) = match &answer {
        Ok((status, first)) if status.is_success() => {
            if first.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
                ("OK".to_owned(), Ok(()))
            } else {
                let because = "what answers is not a channel index (a sign-in page, a proxy?)";
                (
                    "NoIndex".to_owned(),
                    Err(Problem::new(
                        ProblemKind::Invalid,
                        doing,
                        because,
                        "open the address in a browser and compare",
                    )),
                )
            }
        }
        Ok((status, _)) => {
            let status = status.as_u16();
            let kind = match status {
                404 | 410 => ProblemKind::Missing,
                401 | 403 => ProblemKind::Denied,
                408 | 429 => ProblemKind::Unreached,
                300..=499 => ProblemKind::Invalid,
                _ => ProblemKind::Unreached,
            };
            (
                format!("HTTP {status}"),
                Err(Problem::new(
                    kind,
                    doing,
                    format!("{} answered {status}", without_url_secrets(&url)),
                    "open the address in a browser and compare",
                )),
            )
        }
        Err(e) => {
            let words = super::net::http_words(e);
            (
                "NotReached".to_owned(),
                Err(Problem::new(
                    ProblemKind::Unreached,
                    doing,
                    format!("{} was not reached: {words}", without_url_secrets(base)),
                    "check this machine's network or proxy",
                )),
            )
        }
    };
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let call = Call {
        vantage,
        service: "https".to_owned(),
        operation: "GET repodata.json".to_owned(),
        about: Printable::short(&without_url_secrets(&url), 80),
        millis,
        outcome: outcome.into(),
        request_id: None,
        at,
    };
    record.add(call.clone());
    result.map_err(|p: Problem| p.seen(call))
}

//! Channels over https: is the index there. Reading and solving them comes with the conda work; until then a channel
//! is as good as its `noarch/repodata.json`.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Record;
use crate::domain::call::{Call, Vantage};
use crate::domain::channel::Channel;
use crate::domain::probe::Seen;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, without_url_secrets};

pub const DEFAULT_ALIAS: &str = "https://conda.anaconda.org";

/// The place where channel names live; conda's own variable moves it, for studios have mirrors.
pub fn alias() -> String {
    std::env::var("CONDA_CHANNEL_ALIAS")
        .ok()
        .filter(|a| !a.is_empty())
        .unwrap_or_else(|| DEFAULT_ALIAS.to_owned())
}

pub async fn try_channel(
    record: &Record,
    client: &reqwest::Client,
    channel: &Channel,
    alias: &str,
) -> Result<Seen, Problem> {
    let doing = format!("Could not read the index of {channel}");
    let base = channel.url(alias).unwrap_or_default();
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
                ("OK".to_owned(), Ok(Seen::Index { lists: None }))
            } else {
                let because = "what answers is no channel index (a sign-in page, a proxy?)";
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
                    format!("{} was not reached: {words}", without_url_secrets(&base)),
                    "check this machine's network or proxy",
                )),
            )
        }
    };
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let call = Call {
        vantage: Vantage::Here,
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

//! The fourth hop: it is AYON that answers.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::Hop;
use crate::probes::AyonInfo;

pub const CHECK: Check = Check {
    id: "server-info",
    title: "AYON answers /api/info",
    why: "a proxy page or another server is not AYON",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let probe = AyonInfo(url.clone());
    hop(view, url, Hop::Info, &probe)
}

//! The last hop: AYON accepts the API key, which belongs to a service user.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::Hop;
use crate::probes::AyonKey;

pub const CHECK: Check = Check {
    id: "server-key",
    title: "AYON accepts the API key",
    why: "without a valid key of a service user a worker can't publish in the artist's name",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let probe = AyonKey(url.clone());
    hop(view, url, Hop::Key, &probe)
}

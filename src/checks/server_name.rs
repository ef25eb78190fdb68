//! The first hop: the name resolves.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::{Hop, endpoint};
use crate::probes::Resolve;

pub const CHECK: Check = Check {
    id: "server-name",
    title: "The server's name resolves",
    why: "a name that does not resolve leads nowhere",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let (host, _) = endpoint(url);
    let probe = Resolve(host);
    hop(view, url, Hop::Name, &probe)
}

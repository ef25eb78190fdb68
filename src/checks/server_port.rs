//! The second hop: the port accepts connections.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::{Hop, endpoint};
use crate::domain::address::Scheme;
use crate::probes::Connect;

pub const CHECK: Check = Check {
    id: "server-port",
    title: "The server's port accepts connections",
    why: "a firewall or a stopped server shows here",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let (host, port) = endpoint(url);
    let probe = Connect(host, port, Scheme::of(url));
    hop(view, url, Hop::Port, &probe)
}

//! The third hop: the certificate is valid and trusted.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::{Hop, endpoint};
use crate::probes::Handshake;

pub const CHECK: Check = Check {
    id: "server-certificate",
    title: "The server's certificate is valid and trusted",
    why: "every client on a worker refuses a certificate that it does not trust",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    if url.scheme() != "https" {
        return Vec::new(); // server-url says that it is not encrypted
    }
    let (host, port) = endpoint(url);
    let probe = Handshake(host, port);
    hop(view, url, Hop::Certificate, &probe)
}

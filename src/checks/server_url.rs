//! What the server's address alone tells, which is never that all is well: a loopback or private address is not public, plain HTTP is not private.

use url::Url;

use super::prelude::*;
use crate::domain::address::{Near, near};
use crate::domain::config::Location;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "server-url",
    title: "The server's address suits where it is",
    why: "an address that only means something here reaches nothing from a worker",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

const SELF: &str = "on a worker it means the worker, where no AYON server runs";

fn is_private(host: &str) -> Option<&'static str> {
    const PRIVATE: &str = "it is a private address, to which no service-managed worker has a way";
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare == "localhost" || bare.ends_with(".localhost") {
        return Some(SELF);
    }
    Some(match near(bare.parse().ok()?)? {
        Near::Itself => SELF,
        Near::Private => PRIVATE,
    })
}

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let location = view.config(Part::Server).server.location;
    let host = url.host_str().unwrap_or_default();
    let mut findings = Vec::new();
    let is_public = matches!(location, Location::Public | Location::AyonCloud);
    match is_private(host) {
        Some(SELF) => {
            let finding = Finding::warn("loopback", format!("{host} means the machine itself"))
                .why(SELF)
                .fix("write the name that workers will use");
            findings.push(finding);
        }
        Some(why) if is_public => {
            let line = format!(
                "location is \"{}\", but {host} is not a public address",
                location.word()
            );
            let finding = Finding::warn("not-public", line).why(why);
            findings
                .push(finding.fix("write the name that workers will use, or location = \"lan\""));
        }
        _ => {}
    }
    if url.scheme() == "http" {
        let finding = Finding::warn(
            "plain-http",
            format!("{host} is reached over plain http://"),
        )
        .why("the API key crosses the network unencrypted");
        findings.push(finding.fix("put TLS in front of the AYON server and use https://"));
    }
    // Whether a name leads where the file says is server-name's to say, from what was seen.
    findings
}

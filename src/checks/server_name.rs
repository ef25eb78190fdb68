//! The first hop: the name resolves.

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::{Hop, endpoint};
use crate::domain::address::{Near, Scheme, near};
use crate::domain::call::Vantage;
use crate::domain::config::Location;
use crate::probes::Resolve;
use crate::questions::Part;

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
    let probe = Resolve(host, Scheme::of(url));
    let mut findings = hop(view, url, Hop::Name, &probe);
    findings.extend(leads_nowhere(view, &probe));
    findings
}

/// A name may be public and lead to a private address, however it is spelled: workers in AWS have no way there.
fn leads_nowhere(view: &View, probe: &Resolve) -> Option<Finding> {
    let location = view.config(Part::Server).server.location;
    let public = matches!(location, Location::Public | Location::AyonCloud);
    // An address in place of a name is server-url's to judge.
    if !public || probe.0.parse::<std::net::IpAddr>().is_ok() || probe.0 == "localhost" {
        return None;
    }
    let here = Vantage::Here;
    let addresses = view.peek_seen(probe, &here).value()?.addresses();
    let near: Option<Vec<Near>> = addresses.iter().map(|ip| near(*ip)).collect();
    let first = *near?.first()?;
    let what = match first {
        Near::Itself => "the machine itself",
        Near::Private => "a private address",
    };
    let line = format!(
        "{} leads to {what} ({}), and location is \"{}\"",
        probe.0,
        addresses.first()?,
        location.word()
    );
    let finding = Finding::warn("not-public", line)
        .why("seen from here it is not a public address: a service-managed worker has no way there, unless its own resolver answers otherwise")
        .fix("give the name that leads to a public address, or say where the server lives with location")
        .seen_from(&here);
    Some(finding.from(view.evidence_of(probe, &here)))
}

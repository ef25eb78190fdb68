//! What DNS says of the server's name, next to what this machine's resolver says: a name that only this machine's hosts file
//! knows leads no worker anywhere.

use std::net::IpAddr;

use url::Url;

use super::prelude::*;
use crate::derived::server_hops::endpoint;
use crate::domain::address::{Scheme, near};
use crate::domain::call::Vantage;
use crate::domain::config::PathId;
use crate::probes::{AskDns, Resolve};
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "server-dns",
    title: "DNS leads where this machine goes",
    why: "a worker asks DNS, and knows nothing of this machine's hosts file",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let (host, _) = endpoint(url);
    // On other paths a worker has its address in another way.
    let by_dns = view.config(Part::Server).chooses(PathId::Direct);
    if !by_dns || host.parse::<IpAddr>().is_ok() || host == "localhost" {
        return Vec::new();
    }
    let here = Vantage::Here;
    let (dns, resolve) = (AskDns(host.clone()), Resolve(host, Scheme::of(url)));
    // Where no name server answers, nothing is explained: what the resolver says counts, and server-name says it.
    let (Some(dns_seen), Some(resolved)) = (
        view.seen(&dns, &here).value(),
        view.seen(&resolve, &here).value(),
    ) else {
        return Vec::new();
    };
    let (host, server) = (&dns.0, dns_seen.server);
    let known = dns_seen.addresses();
    let gone_to = resolved.addresses();
    if gone_to.is_empty() {
        return Vec::new(); // left to a proxy
    }
    let finding = if server.is_loopback() {
        Finding::skipped("own-server", format!("Whether DNS knows {host} as this machine does was not seen: the name server that answers is this machine's own, {server}"))
            .why("such a one reads the hosts file too")
            .fix("ask the DNS of your workers: nslookup there, or `studiolink probe`")
    } else if known.is_empty() && gone_to.iter().all(|ip| near(*ip).is_some()) {
        Finding::skipped("private", format!("Name server {server} does not know {host}, which leads this machine to a private address"))
            .why("a VPN or a studio may have name servers of its own for such names; which of them a worker asks is not seen from here")
            .fix("ask the DNS of your workers: nslookup there, or `studiolink probe`")
    } else if known.is_empty() {
        let what = if dns_seen.exists {
            "no address of it"
        } else {
            "no such name"
        };
        Finding::warn("not-in-dns", format!("{host} resolves on this machine, and name server {server} knows {what}"))
            .why("this machine has it from its hosts file or from a source of its own; a worker asks the DNS of its VPC or of the internet, which is not seen from here")
            .fix("put the name into DNS, public for service-managed workers; or see why this machine alone knows it (/etc/hosts)")
    } else if !known
        .iter()
        .any(|ip| gone_to.iter().any(|to| near(*to) == near(*ip)))
    {
        let list = |all: &[IpAddr]| {
            let shown: Vec<String> = all.iter().take(3).map(ToString::to_string).collect();
            shown.join(", ")
        };
        Finding::warn("elsewhere", format!("{host} leads this machine to {}, and name server {server} says {}", list(gone_to), list(&known)))
            .why("what was tested from here is not what a worker meets, if its DNS says the same")
            .fix("see whether /etc/hosts names it, or a source of this machine's own; then compare with what a worker resolves")
    } else if known.iter().any(|ip| gone_to.contains(ip)) {
        Finding::ok(format!(
            "Name server {server} says the same of {host} as this machine's resolver"
        ))
    } else {
        // A name that stands for many machines is answered with other ones each time.
        Finding::ok(format!(
            "Name server {server} says other addresses of {host} than this machine's resolver, of the same kind"
        ))
    };
    let finding = finding.details(dns_seen.lines()).seen_from(&here);
    vec![
        finding
            .from(view.evidence_of(&resolve, &here))
            .from(view.evidence_of(&dns, &here)),
    ]
}

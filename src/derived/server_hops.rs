//! The hops of the direct way to the server, in order, and the first that is broken: what lies behind it is not reached.

use url::Url;

use crate::domain::address::Scheme;
use crate::domain::call::Vantage;
use crate::domain::finding::Verdict;
use crate::probes::{self, AyonInfo, Connect, Handshake, Probe, Resolve};
use crate::questions::View;

/// In the order in which they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    Name,
    Port,
    Certificate,
    Info,
    Key,
}

/// Host and port. Brackets belong to the URL, not to an IPv6 address.
pub fn endpoint(url: &Url) -> (String, u16) {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (host.to_owned(), url.port_or_known_default().unwrap_or(443))
}

/// The first hop before this one that is broken, in words.
pub fn broken_before(view: &View, url: &Url, hop: Hop) -> Option<String> {
    let (host, port) = endpoint(url);
    let is_before = |h: Hop| h < hop;
    let mut broken = None;
    if is_before(Hop::Name) {
        broken = broken.or_else(|| words_if_broken(view, &Resolve(host.clone(), Scheme::of(url))));
    }
    if is_before(Hop::Port) {
        broken =
            broken.or_else(|| words_if_broken(view, &Connect(host.clone(), port, Scheme::of(url))));
    }
    if is_before(Hop::Certificate) && url.scheme() == "https" {
        broken = broken.or_else(|| words_if_broken(view, &Handshake(host.clone(), port)));
    }
    if is_before(Hop::Info) {
        broken = broken.or_else(|| words_if_broken(view, &AyonInfo(url.clone())));
    }
    broken
}

fn words_if_broken<P: probes::Listed + Probe>(view: &View, probe: &P) -> Option<String> {
    let seen = view.seen(probe, &Vantage::Here).seen()?;
    // What a proxy takes over is not broken: what lies behind it is tested through the proxy.
    let broken = match probe.assess(&Vantage::Here, seen).verdict {
        Verdict::Fail => true,
        Verdict::Unknown => seen.problem().is_some(),
        _ => false,
    };
    broken.then(|| probe.words(&Vantage::Here))
}

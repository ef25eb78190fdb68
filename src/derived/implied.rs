//! The way to the server as a queue's own state implies it, for a studio without a studio file: what its environments tell the
//! sessions, and what its fleets are attached to. Everything here is inferred, and says from what.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use super::connections::publishing;
use super::lattice::attached;
use crate::domain::choices::Tunnel;
use crate::domain::config::{Location, PathId, StudioConfig};
use crate::domain::farm::Management;
use crate::domain::ids::QueueKey;
use crate::questions::{QueueEnvironments, View, VpnConnections};

/// What follows, and from what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Implied {
    pub server: Option<Url>,
    pub path: Option<PathId>,
    pub location: Option<Location>,
    pub tunnel: Option<Tunnel>,
    pub because: Vec<String>,
}

static SERVER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"AYON_SERVER_URL["']?\s*[:=]\s*["']?(https?://[^\s"'\\,}]+)"#)
        .unwrap_or_else(|_| unreachable!("it is a pattern"))
});
static NODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(m?i-[0-9a-f]{8,17})\b").unwrap_or_else(|_| unreachable!("it is a pattern"))
});
static PORT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"portNumber["']?\s*:\s*\[?\s*["']?(\d{1,5})"#)
        .unwrap_or_else(|_| unreachable!("it is a pattern"))
});
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"["']host["']\s*:\s*\[?\s*["']([^"']+)"#)
        .unwrap_or_else(|_| unreachable!("it is a pattern"))
});

/// What opens a tunnel names one of AWS's documents for it.
const FORWARDS: &str = "AWS-StartPortForwardingSession";

/// A tunnel's own end on the worker is not a server's address.
fn is_own_end(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
}

fn server_in(text: &str) -> Option<Url> {
    let found = SERVER.captures_iter(text);
    let mut urls = found.filter_map(|c| Url::parse(c.get(1)?.as_str()).ok());
    urls.find(|url| !is_own_end(url))
}

fn tunnel_in(text: &str) -> Option<Tunnel> {
    if !text.contains(FORWARDS) {
        return None;
    }
    let one = |pattern: &Regex| Some(pattern.captures(text)?.get(1)?.as_str().to_owned());
    Some(Tunnel {
        instance: one(&NODE)?,
        host: one(&HOST),
        port: one(&PORT).and_then(|p| p.parse().ok()),
    })
}

/// Of this queue, as far as its environments and fleets could be read.
pub fn implied(view: &View, queue: &QueueKey) -> Implied {
    let mut all = Implied::default();
    let environments = view.fact(&QueueEnvironments(queue.clone())).known();
    for fact in environments.into_iter().flatten() {
        let Some(environment) = fact.known() else {
            continue;
        };
        let (name, text) = (environment.name.show(), &environment.template.text);
        if let (None, Some(url)) = (&all.server, server_in(text)) {
            let line =
                format!("queue environment \"{name}\" tells sessions that the server is {url}");
            all.because.push(line);
            all.server = Some(url);
        }
        if let (None, Some(tunnel)) = (&all.tunnel, tunnel_in(text)) {
            all.because.push(format!(
                "queue environment \"{name}\" opens a tunnel to {} by Systems Manager: path ssm",
                tunnel.instance
            ));
            all.path = Some(PathId::Ssm);
            let is_own = tunnel.instance.starts_with("mi-");
            all.location = Some(if is_own { Location::Lan } else { Location::Ec2 });
            all.tunnel = Some(tunnel);
        }
    }
    for (key, fleet) in publishing(view, queue) {
        if attached(view, &key).is_some_and(|ids| !ids.is_empty()) && all.path.is_none() {
            all.because.push(format!(
                "fleet {} is attached to a resource configuration: path lattice",
                fleet.name.show()
            ));
            all.path = Some(PathId::Lattice);
            let vpns = view.fact(&VpnConnections).known();
            let has_vpn = vpns.is_some_and(|all| !all.is_empty());
            let (location, why) = if has_vpn {
                (Location::Lan, "there is a Site-to-Site VPN in this region")
            } else {
                (Location::Ec2, "no Site-to-Site VPN was seen in this region")
            };
            let word = location.word();
            all.because
                .push(format!("{why}: the server's location is taken for {word}"));
            all.location = Some(location);
        }
    }
    let by_name = |url: &Url| match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_private(),
        _ => false,
    };
    if all.path.is_none() && all.server.is_some() {
        let mut fleets = publishing(view, queue).into_iter();
        let own = fleets.any(|(_, f)| f.management == Management::Customer);
        let is_private = all.server.as_ref().is_some_and(by_name);
        let (path, location) = match (own, is_private) {
            (true, true) => (PathId::Lan, Location::Lan),
            (false, true) => (PathId::Direct, Location::Lan),
            (_, false) => (PathId::Direct, Location::Public),
        };
        let (path_word, word) = (path.word(), location.word());
        all.because.push(format!(
            "nothing else was seen on the way: path {path_word}, location {word}"
        ));
        all.path = Some(path);
        all.location = Some(location);
    }
    all
}

impl Implied {
    /// As a studio file would say it; `None`: nothing says where the server is.
    pub fn config(&self, queue: &QueueKey, named: Option<&Url>) -> Option<StudioConfig> {
        let mut config = StudioConfig {
            queues: vec![queue.clone()],
            ..StudioConfig::blank()
        };
        let behind = || {
            // The tunnel's end is known, the server's own name is not.
            let port = self.tunnel.as_ref()?.port.unwrap_or(5000);
            Url::parse(&format!("http://localhost:{port}")).ok()
        };
        config.server.url = named
            .cloned()
            .or_else(|| self.server.clone())
            .or_else(behind)?;
        config.server.path = self.path.unwrap_or(PathId::Direct);
        config.server.location = self.location.unwrap_or(Location::Public);
        config.tunnel.clone_from(&self.tunnel);
        Some(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_tunnels_are_found_as_people_write_them() {
        let url = |text: &str| server_in(text).map(|u| u.to_string());
        for text in [
            "  AYON_SERVER_URL: https://ayon.example.com\n",
            "AYON_SERVER_URL: \"https://ayon.example.com\"",
            "print('openjd_env: AYON_SERVER_URL=https://ayon.example.com')",
            r#""variables": {"AYON_SERVER_URL": "https://ayon.example.com"}"#,
        ] {
            assert_eq!(
                url(text).as_deref(),
                Some("https://ayon.example.com/"),
                "{text}"
            );
        }
        assert_eq!(url("AYON_SERVER_URL=http://127.0.0.1:{port}"), None);
        assert_eq!(url("AYON_SERVER_URL=http://localhost:1234"), None);
        let tunnel = tunnel_in(
            r#"request = {"Target": "i-0a1b2c3d4e5f60718", "DocumentName": "AWS-StartPortForwardingSession", "Parameters": {"portNumber": ["5000"]}}"#,
        );
        let tunnel = tunnel.unwrap();
        assert_eq!(
            (tunnel.instance.as_str(), tunnel.port),
            ("i-0a1b2c3d4e5f60718", Some(5000))
        );
        assert_eq!(tunnel_in("instance i-0a1b2c3d4e5f60718"), None);
    }
}

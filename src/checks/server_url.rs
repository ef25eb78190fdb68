//! What the server's address alone tells: a loopback or private address is not public, plain HTTP is not private.

use std::net::IpAddr;

use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::wanted::Location;

pub struct ServerUrl;

fn is_private(host: &str) -> Option<&'static str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare == "localhost" || bare.ends_with(".localhost") {
        return Some("it means the machine itself, so on a worker it means the worker");
    }
    match bare.parse::<IpAddr>().ok()? {
        ip if ip.is_loopback() => {
            Some("it means the machine itself, so on a worker it means the worker")
        }
        IpAddr::V4(ip)
            if ip.is_private()
                || ip.is_link_local()
                || (ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1])) =>
        {
            Some("it is a private address, which no service-managed worker can route to")
        }
        IpAddr::V6(ip)
            if (ip.segments()[0] & 0xfe00) == 0xfc00 || (ip.segments()[0] & 0xffc0) == 0xfe80 =>
        {
            Some("it is a private address, which no service-managed worker can route to")
        }
        _ => None,
    }
}

impl Check for ServerUrl {
    fn id(&self) -> &'static str {
        "server-url"
    }
    fn title(&self) -> &'static str {
        "The server's address suits where it lives"
    }
    fn why(&self) -> &'static str {
        "an address that only means something here reaches nothing from a worker"
    }
    fn topic(&self) -> Topic {
        Topic::Server
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        Vec::new()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let server = &view.wanted.server;
        let host = server.url.host_str().unwrap_or_default();
        let mut findings = Vec::new();
        if let (Some(why), Location::Public | Location::AyonCloud) =
            (is_private(host), server.location)
        {
            let finding = says(
                self,
                Verdict::Warn,
                format!(
                    "location is \"{}\", but {host} is not a public address",
                    server.location.word()
                ),
            )
            .why(why);
            findings
                .push(finding.fix("write the name that workers will use, or location = \"lan\""));
        }
        if server.url.scheme() == "http" {
            let finding = says(
                self,
                Verdict::Warn,
                format!("{host} is reached over plain http://"),
            )
            .why("the API key crosses the network in the clear");
            findings.push(finding.fix("put TLS in front of the AYON server and use https://"));
        }
        if findings.is_empty() {
            findings.push(says(
                self,
                Verdict::Ok,
                format!(
                    "{} suits location \"{}\"",
                    server.url,
                    server.location.word()
                ),
            ));
        }
        findings
    }
}

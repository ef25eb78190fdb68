//! What the name servers of this machine say of a name, record by record. Where a connection goes, the operating system's
//! resolver decides (`name.rs`): it also reads a hosts file, and may know other ways.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::probes::{DnsAnswer, DnsRecord, LeadsTo};

/// One name server has so long; so many are asked at most, within the deadline of a live test.
const EACH: Duration = Duration::from_millis(1_500);
const MOST: usize = 3;

/// As this machine's settings have them: /etc/resolv.conf, or the registry of Windows.
pub async fn ask_dns(host: &str) -> Result<DnsAnswer, Problem> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|e| {
        Problem::new(
            ProblemKind::Local,
            format!("DNS was not asked for {host}"),
            format!("this machine's name servers can't be read: {e}"),
            "see /etc/resolv.conf; what the operating system's resolver says counts",
        )
    })?;
    let own = config.name_servers();
    match behind_the_stub(own) {
        Some(behind) => ask(host, behind.name_servers()).await,
        None => ask(host, own).await,
    }
}

/// systemd-resolved answers on loopback, from /etc/hosts too; the servers that it asks stand in a file of its own.
fn behind_the_stub(own: &[NameServerConfig]) -> Option<ResolverConfig> {
    if !own.iter().all(|s| s.ip.is_loopback()) {
        return None;
    }
    let text = std::fs::read("/run/systemd/resolve/resolv.conf").ok()?;
    behind(&text)
}

#[cfg(unix)]
fn behind(text: &[u8]) -> Option<ResolverConfig> {
    let (config, _) = hickory_resolver::system_conf::parse_resolv_conf(text).ok()?;
    let some = !config.name_servers().is_empty();
    some.then_some(config)
}

#[cfg(not(unix))]
fn behind(_: &[u8]) -> Option<ResolverConfig> {
    None
}

/// The first of them that answers, as a resolver would.
async fn ask(host: &str, servers: &[NameServerConfig]) -> Result<DnsAnswer, Problem> {
    let lost = |because: String| {
        Problem::new(
            ProblemKind::Unreached,
            format!("No name server answered for {host}"),
            because,
            "what the operating system's resolver says counts; DNS is only asked to explain it",
        )
    };
    // With its last dot no search domain is added.
    let mut name = Name::from_utf8(host).map_err(|e| lost(e.to_string()))?;
    name.set_fqdn(true);
    let mut last = "this machine has no name server".to_owned();
    for server in servers.iter().take(MOST) {
        match tokio::time::timeout(EACH, ask_one(&name, server)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(e)) => last = format!("{}: {e}", server.ip),
            Err(_) => last = format!("{}: no answer in time", server.ip),
        }
    }
    Err(lost(last))
}

async fn ask_one(name: &Name, server: &NameServerConfig) -> Result<DnsAnswer, NetError> {
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server.clone()]);
    let provider = TokioRuntimeProvider::default();
    let mut builder = TokioResolver::builder_with_config(config, provider);
    let options = builder.options_mut();
    options.attempts = 1;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    let resolver = builder.build()?;
    let (v4, v6) = futures_util::future::join(
        resolver.lookup(name.clone(), RecordType::A),
        resolver.lookup(name.clone(), RecordType::AAAA),
    )
    .await;
    let (v4, v6) = (found(v4)?, found(v6)?);
    let exists = v4.is_some() || v6.is_some();
    let mut records: Vec<DnsRecord> = Vec::new();
    // Both answers begin with the same aliases.
    for record in v4.into_iter().chain(v6).flatten() {
        if !records.contains(&record) {
            records.push(record);
        }
    }
    Ok(DnsAnswer {
        server: server.ip,
        exists,
        records,
    })
}

/// `None`: there is no such name.
fn found(
    asked: Result<hickory_resolver::lookup::Lookup, NetError>,
) -> Result<Option<Vec<DnsRecord>>, NetError> {
    match asked {
        Ok(lookup) => Ok(Some(lookup.answers().iter().filter_map(record).collect())),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            Ok((none.response_code != ResponseCode::NXDomain).then(Vec::new))
        }
        Err(other) => Err(other),
    }
}

fn record(record: &Record) -> Option<DnsRecord> {
    let plain = |name: &Name| {
        let text = name.to_utf8();
        Untrusted::new(text.trim_end_matches('.'))
    };
    let leads_to = match &record.data {
        RData::A(ip) => LeadsTo::Address(IpAddr::V4(ip.0)),
        RData::AAAA(ip) => LeadsTo::Address(IpAddr::V6(ip.0)),
        RData::CNAME(other) => LeadsTo::Name(plain(&other.0)),
        _ => return None,
    };
    Some(DnsRecord {
        name: plain(&record.name),
        leads_to,
        ttl: record.ttl,
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_resolver::config::ConnectionConfig;
    use tokio::net::UdpSocket;

    use super::*;

    /// Type, TTL and data of a record; the name is the one of the question, or where the alias leads.
    type Row = (u8, u32, Vec<u8>);

    /// A name in the bytes of a message.
    fn bytes(name: &str) -> Vec<u8> {
        let mut all: Vec<u8> = Vec::new();
        for part in name.split('.') {
            all.push(u8::try_from(part.len()).unwrap());
            all.extend(part.as_bytes());
        }
        all.push(0);
        all
    }

    /// A name server on loopback, written by the bytes of RFC 1035. `answer` has the type that is asked for (1: A, 28: AAAA),
    /// and gives the response code and the rows.
    async fn name_server(answer: fn(u8) -> Option<(u8, Vec<Row>)>) -> NameServerConfig {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at: SocketAddr = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = &buffer[..length];
                let name = asked[12..].iter().position(|b| *b == 0).unwrap() + 13;
                let question = &asked[12..name + 4];
                let Some((code, rows)) = answer(asked[name + 1]) else {
                    continue;
                };
                let mut out = asked[..2].to_vec();
                out.extend([0x81, 0x80 | code, 0, 1, 0]);
                out.push(u8::try_from(rows.len()).unwrap());
                out.extend([0, 0, 0, 0]);
                out.extend(question);
                let mut owner = vec![0xc0, 12];
                for (kind, ttl, data) in rows {
                    out.extend(&owner);
                    out.extend([0, kind, 0, 1]);
                    out.extend(ttl.to_be_bytes());
                    out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                    out.extend(&data);
                    if kind == 5 {
                        owner = data;
                    }
                }
                socket.send_to(&out, from).await.unwrap();
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = at.port();
        NameServerConfig::new(at.ip(), true, vec![connection])
    }

    fn alias(kind: u8) -> Vec<Row> {
        let mut rows = vec![(5, 120, bytes("lb.example.net"))];
        if kind == 1 {
            rows.push((1, 30, vec![203, 0, 113, 9]));
        }
        rows
    }

    #[tokio::test]
    async fn the_whole_chain_is_told_with_its_lifetimes() {
        let server = name_server(|kind| Some((0, alias(kind)))).await;
        let answer = ask("ayon.example.com", &[server]).await.unwrap();
        let lines: Vec<String> = answer.lines().map(|l| l.to_string()).collect();
        let wanted = [
            "ayon.example.com CNAME lb.example.net, TTL 120 s",
            "lb.example.net A 203.0.113.9, TTL 30 s",
        ];
        assert_eq!(lines, wanted);
        assert!(answer.exists);
    }

    #[tokio::test]
    async fn no_such_name_is_told_from_a_name_without_an_address_and_from_no_answer() {
        let none = name_server(|_| Some((3, Vec::new()))).await;
        let answer = ask("ayon.example.com", &[none]).await.unwrap();
        assert!(!answer.exists && answer.records.is_empty());
        let empty = name_server(|_| Some((0, Vec::new()))).await;
        let answer = ask("ayon.example.com", &[empty]).await.unwrap();
        assert!(answer.exists && answer.records.is_empty());
        let silent = name_server(|_| None).await;
        let problem = ask("ayon.example.com", &[silent]).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unreached);
    }

    #[tokio::test]
    async fn a_server_that_is_silent_or_refuses_leaves_it_to_the_next() {
        let silent = name_server(|_| None).await;
        let refuses = name_server(|_| Some((5, Vec::new()))).await;
        let answers = name_server(|kind| Some((0, alias(kind)))).await;
        let answer = ask("ayon.example.com", &[silent, refuses, answers]).await;
        assert_eq!(
            answer.unwrap().addresses(),
            [IpAddr::from([203, 0, 113, 9])]
        );
    }
}

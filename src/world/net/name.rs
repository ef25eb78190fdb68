//! What a name resolves to, by this machine's resolver.

use std::net::IpAddr;

use crate::domain::probe::Seen;
use crate::domain::problem::{Problem, ProblemKind};

pub async fn try_name(host: &str) -> Result<Seen, Problem> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Seen::Addresses(vec![ip]));
    }
    let problem = |because: String| {
        Problem::new(
            ProblemKind::Missing,
            format!("{host} does not resolve from here"),
            because,
            "compare the server's name; if only workers resolve it, the path is not \"direct\"",
        )
    };
    let found = tokio::time::timeout(super::DEADLINE, tokio::net::lookup_host((host, 0))).await;
    match found {
        Err(_) => Err(problem(format!(
            "the resolver did not answer within {} s",
            super::DEADLINE.as_secs()
        ))),
        Ok(Err(e)) => Err(problem(e.to_string())),
        Ok(Ok(found)) => {
            let mut list: Vec<IpAddr> = Vec::new();
            for address in found {
                if !list.contains(&address.ip()) {
                    list.push(address.ip());
                }
            }
            if list.is_empty() {
                Err(problem(
                    "the resolver knows the name, and no address for it".to_owned(),
                ))
            } else {
                Ok(Seen::Addresses(list))
            }
        }
    }
}

//! What a name resolves to, by this machine's resolver.

use std::net::IpAddr;

use super::proxy::Proxy;
use crate::domain::address::Scheme;
use crate::domain::problem::{Problem, ProblemKind};
use crate::probes::Resolved;

/// Where the name leads, or that this machine leaves it to a proxy.
pub async fn try_name(host: &str, scheme: Scheme) -> Result<Resolved, Problem> {
    // A proxy is named for a host and a port; no list of exceptions names ports of one host apart.
    let proxy = Proxy::of(scheme, host, 443);
    match (addresses(host).await, proxy) {
        (Ok(addresses), _) => Ok(Resolved::To(addresses)),
        (Err(problem), Some(proxy)) => Ok(Resolved::ByProxy {
            proxy: proxy.words(),
            because: problem.because,
        }),
        (Err(problem), None) => Err(problem),
    }
}

/// What this machine's resolver answers.
pub async fn addresses(host: &str) -> Result<Vec<IpAddr>, Problem> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![ip]);
    }
    let problem = |kind, because: String| {
        Problem::new(
            kind,
            format!("{host} does not resolve from here"),
            because,
            "compare the server's name; if only workers resolve it, the path is not \"direct\"",
        )
    };
    let found = tokio::time::timeout(super::DEADLINE, tokio::net::lookup_host((host, 0))).await;
    match found {
        Err(_) => Err(problem(
            ProblemKind::Unreached,
            format!(
                "the resolver did not answer within {} s",
                super::DEADLINE.as_secs()
            ),
        )),
        // The system's resolver tells "try again" (EAI_AGAIN) from "no such name" by its text alone.
        Ok(Err(e)) if e.to_string().contains("emporary failure") => Err(problem(
            ProblemKind::Unreached,
            format!("no resolver answered: {e}"),
        )),
        Ok(Err(e)) => Err(problem(ProblemKind::Missing, e.to_string())),
        Ok(Ok(found)) => {
            let mut list: Vec<IpAddr> = Vec::new();
            for address in found {
                if !list.contains(&address.ip()) {
                    list.push(address.ip());
                }
            }
            if list.is_empty() {
                Err(problem(
                    ProblemKind::Missing,
                    "the resolver knows the name, and no address for it".to_owned(),
                ))
            } else {
                Ok(list)
            }
        }
    }
}

//! The server's certificate, from a TLS handshake.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::text::{Printable, Untrusted};

/// A certificate with fewer days than this gets a warning; issuers renew at 30.
const SOON: i64 = 21;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handshake(pub String, pub u16);

/// Why a certificate is not trusted, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub because: String,
    pub fix: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub names: Vec<Untrusted>,
    pub issuer: Untrusted,
    pub expires: Timestamp,
    /// Negative: it expired so many days ago.
    pub days_left: i64,
    /// Why this machine does not trust it for that name; `None`: it does.
    pub refused: Option<Refusal>,
    /// The proxy of this machine through which it was seen. One that opens TLS shows a certificate of its own.
    pub proxy: Option<Printable>,
}

impl Probe for Handshake {
    type Observed = Certificate;

    fn words(&self, _: &Vantage) -> String {
        format!("certificate of {}", self.0)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Certificate>) -> Assessment {
        let certificate = match &seen.seen {
            Ok(certificate) => certificate,
            Err(problem) => return super::hop_problem(problem),
        };
        let names = certificate.names.iter().take(3);
        let names: Vec<String> = names.map(|n| n.show().to_string()).collect();
        let names = names.join(", ");
        let day = certificate.expires.strftime("%Y-%m-%d");
        if certificate.days_left < 0 {
            return Assessment::fail(
                "expired",
                format!("The certificate for {names} expired on {day}"),
            )
            .why("every client on a worker refuses it")
            .fix("renew the certificate on the server");
        }
        let through = certificate.proxy.as_ref();
        let through = through.map_or_else(String::new, |p| format!(", through the proxy {p}"));
        if let Some(refused) = &certificate.refused {
            let line = format!("The certificate is not trusted: {}", refused.because);
            let why = format!(
                "it is for {names}, issued by {}{through}",
                certificate.issuer.show()
            );
            // A proxy that opens TLS shows a certificate of its own, and no worker is behind it.
            let seen = if certificate.proxy.is_some() {
                Assessment::unknown(refused.code, line).why(format!(
                    "{why}: it may be the proxy's own, for workers do not go through it"
                ))
            } else {
                Assessment::fail(refused.code, line).why(why)
            };
            return seen.fix(refused.fix);
        }
        let line = format!(
            "Certificate for {names}, valid until {day} ({} days){through}, {} ms",
            certificate.days_left, seen.millis
        );
        if certificate.days_left < SOON {
            return Assessment::warn("expires-soon", line)
                .why("it expires soon")
                .fix("check that its renewal works");
        }
        Assessment::ok(line)
    }
}

//! Direct HTTPS: the server has a public name, and workers reach it over the internet. Nothing to set up; five hops
//! to prove: name, port, certificate, AYON itself, the key.

use super::{ConnectionPath, Finding, PathId, Probe, Studio, Verdict, StudioConfig, says};
use crate::domain::finding::Source;
use crate::domain::probe::{Certificate, Reading, Seen};
use crate::domain::problem::ProblemKind;

/// A certificate with fewer days than this is warned about; issuers renew at 30.
const SOON: i64 = 21;

pub struct Direct;

fn endpoint(wanted: &StudioConfig) -> (String, u16) {
    let url = &wanted.server.url;
    // Brackets belong to the URL, not to an IPv6 address.
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    (host, url.port_or_known_default().unwrap_or(443))
}

impl ConnectionPath for Direct {
    fn id(&self) -> PathId {
        PathId::Direct
    }
    fn title(&self) -> &'static str {
        "Direct HTTPS"
    }
    fn purpose(&self) -> &'static str {
        "for AYON cloud, or a server with a public name"
    }

    fn probes(&self, _: &Studio, wanted: &StudioConfig) -> Vec<Probe> {
        let (host, port) = endpoint(wanted);
        let url = wanted.server.url.clone();
        let mut probes = vec![Probe::Name(host.clone()), Probe::Port(host.clone(), port)];
        if url.scheme() == "https" {
            probes.push(Probe::Certificate(host, port));
        }
        probes.extend([Probe::AyonInfo(url.clone()), Probe::AyonKey(url)]);
        probes
    }

    fn check(&self, studio: &Studio, wanted: &StudioConfig) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut broken: Option<String> = None;
        for probe in self.probes(studio, wanted) {
            let id = hop_id(&probe);
            let finding = match (studio.readings.get(&probe), &broken) {
                (None, _) => says(
                    id,
                    Verdict::Skipped,
                    format!("Not tried: {}", probe.words()),
                )
                .why("no live test was run"),
                // What lies behind a broken hop is not reached; saying "failed" of it would name the wrong place.
                (Some(_), Some(hop)) => says(
                    id,
                    Verdict::Skipped,
                    format!("Not reached: {}", probe.words()),
                )
                .why(format!("the hop before it is broken: {hop}")),
                (Some(reading), None) => {
                    let finding = judge(id, &probe, reading);
                    if matches!(finding.verdict, Verdict::Fail | Verdict::Unknown) {
                        broken = Some(probe.words());
                    }
                    finding
                }
            };
            findings.push(finding.from(Source::Test(probe)));
        }
        findings
    }
}

fn hop_id(probe: &Probe) -> &'static str {
    match probe {
        Probe::Name(_) => "server-name",
        Probe::Port(..) => "server-port",
        Probe::Certificate(..) => "server-certificate",
        Probe::AyonKey(_) => "server-key",
        _ => "server-info",
    }
}

fn judge(id: &str, probe: &Probe, reading: &Reading) -> Finding {
    let ms = reading.millis;
    match &reading.seen {
        Ok(Seen::Addresses(list)) => {
            let shown: Vec<String> = list.iter().take(4).map(ToString::to_string).collect();
            says(id, Verdict::Ok, format!("{} gives {}, {ms} ms", probe.words(), shown.join(", ")))
        }
        Ok(Seen::Connected(ip)) => says(id, Verdict::Ok, format!("{ip} accepts connections, {ms} ms")),
        Ok(Seen::Certificate(certificate)) => judge_certificate(id, certificate, ms),
        Ok(Seen::Ayon { version }) => says(id, Verdict::Ok, format!("AYON {} answers /api/info, {ms} ms", version.show())),
        Ok(Seen::Key { user, service: true, .. }) => says(id, Verdict::Ok, format!("The key belongs to the service user {}, {ms} ms", user.show())),
        Ok(Seen::Key { user, service: false, .. }) => says(id, Verdict::Warn, format!("The key belongs to {}, who is no service user", user.show()))
            .why("versions published with it are authored by that person: only a service user may act for others")
            .fix("make a service user in AYON and use its key"),
        Ok(Seen::NoKey { because }) => says(id, Verdict::Skipped, "Not tried: AYON knows the key")
            .why(format!("no API key was given: AYON_API_KEY is not set, and {because}"))
            .fix("set AYON_API_KEY, or let `studiolink setup` keep the key in the keyring"),
        // The tests of channels and secrets are no hops of a path.
        Ok(Seen::Index { .. } | Seen::CondaSolve(_) | Seen::Region(_) | Seen::Owner(_) | Seen::Beside(_) | Seen::Secret | Seen::Session { .. }) => says(id, Verdict::Unknown, "the test answered something else"),
        Err(problem) => {
            let verdict = if matches!(problem.kind, ProblemKind::Local | ProblemKind::Credentials | ProblemKind::Unreached) { Verdict::Unknown } else { Verdict::Fail };
            says(id, verdict, problem.doing.as_str()).why(problem.because.as_str()).fix(problem.fix.as_str())
        }
    }
}

fn judge_certificate(id: &str, certificate: &Certificate, ms: u64) -> Finding {
    let names: Vec<String> = certificate
        .names
        .iter()
        .take(3)
        .map(|n| n.show().to_string())
        .collect();
    let names = names.join(", ");
    let day = certificate.expires.strftime("%Y-%m-%d");
    if certificate.days_left < 0 {
        return says(
            id,
            Verdict::Fail,
            format!("The certificate for {names} expired on {day}"),
        )
        .why("every client on a worker refuses it")
        .fix("renew the certificate on the server");
    }
    if let Some(refused) = &certificate.refused {
        return says(id, Verdict::Fail, format!("The certificate is not trusted: {refused}"))
            .why(format!("it is for {names}, issued by {}", certificate.issuer.show()))
            .fix("use a certificate of a public issuer for this name; for a private CA set SSL_CERT_FILE here, and on the workers SSL_CERT_FILE, REQUESTS_CA_BUNDLE and AYON_CA_FILE");
    }
    let line = format!(
        "Certificate for {names}, valid until {day} ({} days), {ms} ms",
        certificate.days_left
    );
    if certificate.days_left < SOON {
        return says(id, Verdict::Warn, line)
            .why("it expires soon")
            .fix("see that its renewal works");
    }
    says(id, Verdict::Ok, line)
}

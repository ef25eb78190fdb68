//! Behind VPC Lattice a worker finds the server's own name: the fleet's host configuration script writes it, with the address of the
//! resource configuration, into the worker's hosts file.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::derived::lattice_wanted::{tls, worker_name, writes_hosts};
use crate::domain::config::LatticeTls;
use crate::domain::host_script::{names, own};
use crate::domain::ids::FleetKey;
use crate::questions::{FleetDetails, FleetSettings, Part};

pub const CHECK: Check = Check {
    id: "lattice-hosts",
    title: "Workers behind VPC Lattice find the server's own name",
    why: "VPC Lattice passes TLS through: the name that a worker asks for must be the certificate's, and lead to the resource configuration",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let config = view.config(Part::Server);
    let Some(((id, _), host)) = configuration(view, key).zip(config.server.url.domain()) else {
        return Vec::new(); // lattice-attachment says why; an address needs no name
    };
    match tls(&config.lattice) {
        LatticeTls::Hosts => {}
        LatticeTls::Plain | LatticeTls::PrivateCa => return Vec::new(), // workers ask for the configuration's own name
        LatticeTls::CustomDomain => {
            let line = format!(
                "Whether workers resolve {host} by the configuration's custom domain is not known"
            );
            return vec![
                Finding::unknown("custom-domain", line)
                    .why("nothing says that Deadline Cloud enables private DNS for it")
                    .fix("`studiolink probe` asks a worker"),
            ];
        }
    }
    let question = FleetSettings(key.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let os = view.fact(&FleetDetails(key.clone())).known().map(|f| &f.os);
    let (Some(settings), Some(os)) = (fact.known(), os) else {
        return with_evidence(
            Finding::unread("the fleet's host configuration script", fact),
            evidence,
        );
    };
    let body = settings.script.as_ref().map(|s| s.body.as_str());
    let ours = body
        .and_then(own)
        .filter(|lines| lines.contains(&worker_name(view, &id)));
    let finding = if ours.is_some() {
        Finding::ok(format!("The host configuration script leads {host} to {id}"))
            .why("that the script has run well, and that the name resolves, only a worker's own try tells")
    } else if body.is_some_and(|b| names(b, host, os)) {
        let line =
            format!("The studio's own lines of the fleet's host configuration script name {host}");
        Finding::ok(line).why(
            "whether they lead it to the resource configuration, only a worker's own try tells",
        )
    } else {
        let line =
            format!("The fleet's host configuration script gives workers no address of {host}");
        if writes_hosts(&config.lattice) {
            Finding::fail("no-entry", line)
                .why(CHECK.why)
                .fix(Fix::setup(
                    "writes the hosts entry by the fleet's host configuration script",
                ))
        } else {
            Finding::warn("no-entry", line)
                .why("whether workers ask for this name, or find it in another way, the studio file does not say")
                .fix("write tls = \"hosts\" into [lattice], then studiolink setup writes the entry; or choose another tls there")
        }
    };
    vec![finding.from(evidence)]
}

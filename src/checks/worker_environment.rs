//! A session of the queue has the AYON server's address and the key, and shows the key to nobody.

use super::prelude::*;
use crate::derived::conda_environment::environments;
use crate::derived::job_packages::is_named;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::QueueKey;
use crate::domain::template::{API_KEY, HEADLESS, SERVER_URL, Template};
use crate::domain::text::Printable;
use crate::questions::{Part, QueueEnvironments};

pub(super) const CHECK: Check = Check {
    id: "worker-environment",
    title: "A session gets the server's address and the key",
    why: "AYON's launcher ends with \"AYON Server URL is not set.\" or \"Missing API key\" where neither the queue nor the job gives them",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    if !is_named(&view.config(Part::Server).server.url) {
        return Vec::new();
    }
    let question = QueueEnvironments(key.clone());
    let fact = view.fact(&question);
    let Some(list) = fact.known() else {
        return Vec::new(); // conda-environment says why
    };
    let all = environments(view, key);
    if all.len() < list.len() || all.iter().any(|e| e.template.parsed.is_err()) {
        let words = "Whether the queue gives a session the server and the key is unknown: not every environment of it could be read";
        let finding = Finding::unknown("unread", words)
            .why("one that can't be read may give both, or change them")
            .fix("see what conda-environment says of it");
        return vec![finding.from(view.evidence(&question))];
    }
    let parsed = all
        .iter()
        .filter_map(|e| Some((*e, e.template.parsed.as_ref().ok()?)));
    let parsed: Vec<(&QueueEnvironment, &Template)> = parsed.collect();
    let named = view.config(Part::Secret).secret.is_some();
    let mut findings = vec![gives(&parsed, named)];
    for (environment, template) in &parsed {
        let name = environment.name.show();
        if template.shows_key {
            let finding = Finding::warn("key-shown", format!("\"{name}\" shows the AYON key: it stands in the template, or every session's log has it"))
                .why("everybody who may read the queue's environments or its logs has the key")
                .fix("take it out, and name [server] secret: setup then makes an environment that hides it; afterwards, make another key in AYON and revoke this one");
            findings.push(finding.about(environment.id.as_str()));
        }
        if let Some(value) = template.variables.get(HEADLESS).filter(|v| *v != "1") {
            let value = Printable::short(value, 20);
            let finding = Finding::warn("not-headless", format!("\"{name}\" sets {HEADLESS} to \"{value}\""))
                .why("only \"1\" makes AYON run without windows; anything else waits for somebody to click on a worker")
                .fix(format!("write {HEADLESS}: \"1\""));
            findings.push(finding.about(environment.id.as_str()));
        }
    }
    findings
        .into_iter()
        .map(|f| f.from(view.evidence(&question)))
        .collect()
}

fn gives(all: &[(&QueueEnvironment, &Template)], named: bool) -> Finding {
    // A tunnel of setup gives the address to the fleets that it names alone.
    let is_tunnel = |t: &Template| t.opens_tunnel && t.is_made_here;
    let tunnel = all.iter().find(|(_, t)| is_tunnel(t));
    let who = |name: &str| {
        let found = all.iter().find(|(_, t)| t.gives(name) && !is_tunnel(t));
        found.map(|(e, _)| e.name.show())
    };
    let fix = if named {
        Fix::setup("makes an environment that gives both")
    } else {
        "name [server] secret, such as ayon/workers: setup then makes an environment that gives both".into()
    };
    let own = "add the other one to it: setup leaves an environment of your own as it is; or take it out and name [server] secret, and setup makes one that gives both";
    match (who(SERVER_URL), who(API_KEY)) {
        (Some(server), Some(key)) if server.as_str() == key.as_str() => Finding::ok(format!(
            "Environment \"{server}\" gives a session the server's address and the key, by its text"
        )),
        (Some(server), Some(key)) => Finding::ok(format!(
            "Environments \"{server}\" and \"{key}\" give a session the server's address and the key, by their texts"
        )),
        (Some(server), None) => Finding::warn(
            "no-key",
            format!("\"{server}\" gives a session the server's address, and no environment of the queue gives it the key"),
        )
        .why(CHECK.why)
        .fix(own),
        (None, Some(key)) => Finding::warn(
            "no-server",
            format!("\"{key}\" gives a session the key, and no environment of the queue gives it the server's address"),
        )
        .why(CHECK.why)
        .fix(own),
        (None, None) => match tunnel {
            Some((e, _)) => Finding::warn(
                "no-key",
                format!("No environment of the queue gives a session the key; the server's address comes from \"{}\", for the tunnel's fleets alone", e.name.show()),
            )
            .why(CHECK.why)
            .fix(fix),
            None => Finding::warn(
                "neither",
                "No environment of the queue gives a session the server's address or the key",
            )
            .why("then each job has to bring both, or AYON's launcher ends with \"AYON Server URL is not set.\"")
            .fix(fix),
        },
    }
}

//! What the Server step asks of the chosen paths: where VPC Lattice leads and stands, where a tunnel ends, and in which secret
//! the workers' key lies. A value is taken by the rules of the studio file, or a note says what is wrong with it.

use super::super::model::Model;
use super::super::screen::{Block, Choice, Field, Screen, Takes};
use crate::domain::choices::Tunnel;
use crate::domain::config::{LatticeChoices, LatticeTls, PathId, Refused, lattice_of, tunnel_of};
use crate::domain::fact::Fact;
use crate::domain::finding::Verdict;
use crate::domain::worker_secret::{SecretPlace, is_name};
use crate::questions::AddressOwner;

/// Is it a field of these? Then it was taken, or a note says why not.
pub(super) fn set(model: &mut Model, field: &str, text: &str) -> bool {
    let text = text.trim();
    let rest = &mut model.draft.rest;
    let done = match field {
        "secret" => secret(text, rest.secret.as_ref()).map(|s| rest.secret = s),
        "target" | "vpc" | "subnets" | "security_groups" | "lattice-port" => {
            lattice(&rest.lattice, field, text).map(|l| rest.lattice = l)
        }
        "instance" | "ssm-port" => {
            tunnel(rest.tunnel.as_ref(), field, text).map(|t| rest.tunnel = t)
        }
        _ => return false,
    };
    if let Err((what, fix)) = done {
        model.note = Some((Verdict::Fail, format!("{what}: {fix}").into()));
    }
    true
}

type Wrong = (String, String);

fn wrong(refused: Refused) -> Wrong {
    (refused.what, refused.fix)
}

fn secret(text: &str, now: Option<&SecretPlace>) -> Result<Option<SecretPlace>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    // What is neither may be a key that was pasted here by mistake: it is not repeated.
    if !is_name(text) && !text.starts_with("arn:aws") {
        let fix = "write a name with a slash, such as ayon/workers, or the whole ARN of a secret";
        return Err(("That is not a secret".to_owned(), fix.to_owned()));
    }
    let key = now.filter(|s| s.id == text).and_then(|s| s.key.clone());
    let id = text.to_owned();
    Ok(Some(SecretPlace { id, key }))
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn quoted_list(text: &str) -> String {
    let all = text.split([',', ' ']).filter(|t| !t.is_empty());
    let all: Vec<String> = all.map(quoted).collect();
    format!("[{}]", all.join(", "))
}

/// A port is a number; anything else is refused as the text that it is.
fn number(text: &str) -> String {
    text.parse::<u16>()
        .map_or_else(|_| quoted(text), |n| n.to_string())
}

fn lattice(now: &LatticeChoices, field: &str, text: &str) -> Result<LatticeChoices, Wrong> {
    let mut then = now.clone();
    let key = if field == "lattice-port" {
        "port"
    } else {
        field
    };
    let typed = match key {
        _ if text.is_empty() => String::new(),
        "port" => format!("port = {}", number(text)),
        "target" | "vpc" => format!("{key} = {}", quoted(text)),
        _ => format!("{key} = {}", quoted_list(text)),
    };
    let read = lattice_of(&format!("[lattice]\n{typed}\n")).map_err(wrong)?;
    match key {
        "port" => then.port = read.port,
        "vpc" => then.vpc = read.vpc,
        "target" => {
            then.target = read.target;
            // The one is for what setup makes, the other for what exists.
            if then.target.is_some() {
                then.configuration = None;
            }
        }
        "subnets" => then.subnets = read.subnets,
        _ => then.security_groups = read.security_groups,
    }
    Ok(then)
}

fn tunnel(now: Option<&Tunnel>, field: &str, text: &str) -> Result<Option<Tunnel>, Wrong> {
    let instance = if field == "instance" {
        text
    } else {
        now.map(|t| t.instance.as_str()).unwrap_or_default()
    };
    if instance.is_empty() {
        return Ok(None);
    }
    let port = if field == "ssm-port" {
        text.to_owned()
    } else {
        now.and_then(|t| t.port)
            .map(|p| p.to_string())
            .unwrap_or_default()
    };
    let port = if port.is_empty() {
        String::new()
    } else {
        format!("port = {}\n", number(&port))
    };
    let text = format!("[ssm]\ninstance = {}\n{port}", quoted(instance));
    let read = tunnel_of(&text).map_err(wrong)?;
    let host = now.and_then(|t| t.host.clone());
    Ok(read.map(|t| Tunnel { host, ..t }))
}

/// `takes`: optional where a value follows from others, or is somebody's own to give.
fn field(
    id: &'static str,
    label: &'static str,
    value: String,
    (hint, takes): (&'static str, Takes),
) -> Block {
    Block::Field(Field {
        id,
        label,
        value: value.into(),
        secret: false,
        hint,
        takes,
        options: Vec::new(),
    })
}

/// The secret with the workers' key.
pub(super) fn key_field(screen: &mut Screen, model: &Model) {
    let value = model.draft.rest.secret.as_ref();
    let value = value.map(|s| s.name().to_owned()).unwrap_or_default();
    let hint = "of the workers' key: ayon/workers; empty: by hand";
    screen.add(field("secret", "Secret", value, (hint, Takes::Optional)));
}

/// What the chosen paths leave open.
/// Does nothing in this account hold the target?
fn is_beyond(model: &Model) -> bool {
    let target = model.config().lattice.target;
    target.is_some_and(|t| match model.fact(&AddressOwner(t.to_string())) {
        Fact::Known(all) => all.is_empty(),
        fact => fact.is_absent(),
    })
}

pub(super) fn fields(screen: &mut Screen, model: &Model) {
    let config = model.config();
    if config.chooses(PathId::Lattice) && config.lattice.configuration.is_none() {
        let LatticeChoices {
            target,
            vpc,
            subnets,
            security_groups,
            port,
            ..
        } = &config.lattice;
        let target = target.map(|t| t.to_string()).unwrap_or_default();
        let port = port.map(|p| p.to_string()).unwrap_or_default();
        screen.add(field(
            "target",
            "Target",
            target,
            (
                "address of your load balancer or proxy in the VPC",
                Takes::Whole,
            ),
        ));
        screen.add(field(
            "subnets",
            "Subnets",
            subnets.join(", "),
            ("of the gateway; empty: the target's own", Takes::Optional),
        ));
        // Asked only of one that no load balancer or proxy holds, which the plan says.
        if vpc.is_some() || is_beyond(model) {
            let vpc = vpc.clone().unwrap_or_default();
            screen.add(field(
                "vpc",
                "VPC",
                vpc,
                (
                    "for a target beyond your VPN, which is not proven",
                    Takes::Optional,
                ),
            ));
        }
        let groups = security_groups.join(", ");
        screen.add(field(
            "security_groups",
            "Groups",
            groups,
            ("security groups of the gateway, sg-…", Takes::Whole),
        ));
        screen.add(field(
            "lattice-port",
            "Port",
            port,
            ("empty: as the server's address says", Takes::Optional),
        ));
        let words = |t: &LatticeTls| match t {
            LatticeTls::Hosts => {
                "the server's name in each worker's hosts file. Work: none on the server; setup adds a script that runs as administrator on new workers"
            }
            LatticeTls::Plain => {
                "plain http:// to AYON's own port. Work: none; the key crosses your VPC unencrypted"
            }
            LatticeTls::PrivateCa => {
                "a certificate of your own CA for VPC Lattice's name. Work: a CA, a certificate to renew, the CA on every worker; parts of AYON ignore AYON_CA_FILE"
            }
            LatticeTls::CustomDomain => {
                "a custom domain. Work: a domain to verify, a configuration made by hand; that Deadline Cloud's workers resolve it is not proven"
            }
        };
        let chosen = config.lattice.tls.unwrap_or(LatticeTls::Hosts);
        let options = LatticeTls::ALL
            .iter()
            .map(|t| (t.word().into(), words(t).into()));
        screen.add(Block::Choice(Choice {
            id: "tls",
            label: "Certificate",
            options: options.collect(),
            chosen: LatticeTls::ALL
                .iter()
                .position(|t| *t == chosen)
                .unwrap_or(0),
        }));
    }
    if config.chooses(PathId::Ssm) {
        let tunnel = config.tunnel.as_ref();
        let instance = tunnel.map(|t| t.instance.clone()).unwrap_or_default();
        let port = tunnel
            .and_then(|t| t.port)
            .map(|p| p.to_string())
            .unwrap_or_default();
        screen.add(field(
            "instance",
            "Instance",
            instance,
            ("i-… or mi-…, where the tunnel ends", Takes::Whole),
        ));
        screen.add(field(
            "ssm-port",
            "Port",
            port,
            ("of AYON's plain listener there, often 5000", Takes::Whole),
        ));
    }
}

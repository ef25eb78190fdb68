//! The queue environment that gives a worker's session the AYON server and its key. One Python file serves Linux and
//! Windows; the key is read on the worker, as the queue role, and stands in no template.

use std::collections::BTreeMap;

use serde_json::json;
use url::Url;

use super::choices::Tunnel;
use super::ids::FleetId;
use super::template::TemplateType;
use super::worker_secret::SecretPlace;

const TEMPLATE: &str = include_str!("../../assets/environments/ayon.yaml");
const TUNNEL: &str = include_str!("../../assets/environments/ayon-tunnel.yaml");
/// The line that lets a variable be hidden. It is not known whether the service takes it (field facts A2).
const EXTENSION: &str = "extensions: [REDACTED_ENV_VARS]\n";

/// How the environment is called in the queue.
pub const NAME: &str = "AYON";
pub const TUNNEL_NAME: &str = "AYON tunnel";
pub const KIND: TemplateType = TemplateType::Yaml;

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerEnvironment<'a> {
    pub server: &'a Url,
    /// By fleet: another address than the server's own.
    pub servers: BTreeMap<FleetId, String>,
    pub secret: &'a SecretPlace,
    /// The farm's.
    pub region: &'a str,
}

impl WorkerEnvironment<'_> {
    pub fn template(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let servers = self.servers.iter();
        let servers: BTreeMap<&str, &str> =
            servers.map(|(f, url)| (f.as_str(), url.as_str())).collect();
        let servers = serde_json::to_string(&servers).unwrap_or_default();
        let server = self.server.as_str().trim_end_matches('/');
        TEMPLATE
            .replace("__SERVERS__", &servers)
            .replace("__SERVER__", &quoted(server))
            .replace("__SECRET__", &quoted(&self.secret.id))
            .replace("__REGION__", &quoted(self.secret.region(self.region)))
    }
}

/// The environment that opens a tunnel of Systems Manager on the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelEnvironment<'a> {
    pub tunnel: &'a Tunnel,
    /// Of AYON, at the tunnel's end.
    pub port: u16,
    pub region: &'a str,
    /// The fleets whose workers open it.
    pub fleets: Vec<FleetId>,
}

impl TunnelEnvironment<'_> {
    pub fn template(&self) -> String {
        let Tunnel { instance, host, .. } = self.tunnel;
        let mut parameters = json!({ "portNumber": [self.port.to_string()] });
        if let Some(host) = host {
            parameters["host"] = json!([host]);
        }
        let fleets: Vec<&str> = self.fleets.iter().map(FleetId::as_str).collect();
        TUNNEL
            .replace("__TARGET__", &json!(instance).to_string())
            .replace("__DOCUMENT__", &json!(self.tunnel.document()).to_string())
            .replace("__PARAMETERS__", &parameters.to_string())
            .replace("__REGION__", &json!(self.region).to_string())
            .replace("__FLEETS__", &json!(fleets).to_string())
    }
}

/// The line that a service which refuses extensions does not get; `None`: the text has none of ours.
pub fn extension_of(text: &str) -> Option<&'static str> {
    text.contains(EXTENSION).then(|| EXTENSION.trim_end())
}

/// The template for a service that refuses extensions.
pub fn without_extension(text: &str) -> Option<String> {
    text.contains(EXTENSION)
        .then(|| text.replacen(EXTENSION, "", 1))
}

/// Do two templates say the same, but for that line?
pub fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| without_extension(text).unwrap_or_else(|| text.to_owned());
    one == other || (one.contains(super::template::MADE_HERE) && plain(one) == plain(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::template::{Template, validate};

    fn template(servers: &[(&str, &str)]) -> String {
        let secret = SecretPlace {
            id: "ayon/workers".to_owned(),
            key: None,
        };
        let servers = servers
            .iter()
            .map(|(f, u)| (f.parse().unwrap(), (*u).to_owned()));
        WorkerEnvironment {
            server: &"https://ayon.example.com/".parse().unwrap(),
            servers: servers.collect(),
            secret: &secret,
            region: "us-west-2",
        }
        .template()
    }

    #[test]
    fn the_service_would_take_it_with_and_without_the_extension() {
        let fleet = "fleet-00000000000000000000000000000001";
        let whole = template(&[(fleet, "http://rcfg-1.example:5000")]);
        validate(&whole, KIND).unwrap();
        let plain = without_extension(&whole).unwrap();
        validate(&plain, KIND).unwrap();
        assert!(is_same(&whole, &plain) && !is_same(&whole, &template(&[])));
        let read = Template::read(&whole, KIND).unwrap();
        assert!(read.is_made_here && read.gives("AYON_API_KEY") && !read.shows_key);
        let url = read.variables.get("AYON_SERVER_URL").map(String::as_str);
        assert_eq!(url, Some("https://ayon.example.com"));
        assert!(!whole.contains("__S"), "every place is filled: {whole}");
    }

    #[test]
    fn the_tunnel_has_every_place_filled_and_is_taken() {
        let tunnel = Tunnel {
            instance: "mi-0a1b2c3d4e5f60718".to_owned(),
            host: Some("10.0.0.5".to_owned()),
            port: Some(5000),
        };
        let text = TunnelEnvironment {
            tunnel: &tunnel,
            port: 5000,
            region: "us-west-2",
            fleets: vec!["fleet-00000000000000000000000000000001".parse().unwrap()],
        }
        .template();
        validate(&text, KIND).unwrap();
        let unfilled = text
            .lines()
            .any(|l| l.trim_end().ends_with("__") && !l.contains("__file__"));
        assert!(
            !unfilled && text.contains(r#""host":["10.0.0.5"]"#),
            "{text}"
        );
        assert!(Template::read(&text, KIND).unwrap().is_made_here);
    }
}

//! What AYON hands out to launchers, and its projects with their roots.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::client::{Client, Key, Question, get};
use super::{IN_PATH, Record};
use crate::domain::ayon::{Desktop, Installer, Project, Projects, Variant};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;

pub async fn look_desktop(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Desktop> {
    let doing = "Could not read AYON's installers and dependency packages";
    let ask = |path: &str| Question {
        doing,
        path: path.to_owned(),
        key: Some(Key::Worker(key)),
    };
    let (installers, packages) = join(
        get(record, client, url, ask("api/desktop/installers")),
        get(record, client, url, ask("api/desktop/dependencyPackages")),
    )
    .await;
    let read = installers.and_then(|installers| {
        let packages = packages?;
        let rows = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
        let lacks = || no_list(doing);
        let installers = rows(&installers, "installers").ok_or_else(lacks)?;
        let packages = rows(&packages, "packages").ok_or_else(lacks)?;
        let text = |row: &Value, name: &str| row.get(name)?.as_str().map(Untrusted::new);
        let installer = |row: &Value| {
            Some(Installer {
                version: text(row, "version")?,
                platform: text(row, "platform")?,
            })
        };
        Ok(Desktop {
            installers: installers.iter().filter_map(installer).collect(),
            packages: packages
                .iter()
                .filter_map(|p| text(p, "filename"))
                .collect(),
        })
    });
    read.into()
}

fn no_list(doing: &str) -> Problem {
    let fix = "compare the AYON server's version with one that studiolink knows (1.15)";
    Problem::new(
        ProblemKind::Invalid,
        doing,
        "the answer has no such list",
        fix,
    )
}

/// So many projects are read, so many of them at once.
const PROJECTS: usize = 50;
const AT_ONCE: usize = 8;

pub async fn look_projects(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Projects> {
    let doing = "Could not read AYON's projects";
    let ask = |path: String| Question {
        doing,
        path,
        key: Some(Key::Worker(key)),
    };
    let read = async {
        let list = get(record, client, url, ask("api/projects".to_owned())).await?;
        let rows = list.get("projects").and_then(Value::as_array);
        let rows = rows.ok_or_else(|| no_list(doing))?;
        let active = |row: &&Value| {
            row.get("active") != Some(&Value::Bool(false))
                && row.get("library") != Some(&Value::Bool(true))
        };
        let names = rows.iter().filter(active);
        let mut names: Vec<&str> = names.filter_map(|row| row.get("name")?.as_str()).collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(PROJECTS);
        let one = |name: &str| {
            let (encoded, name) = (
                percent_encoding::utf8_percent_encode(name, IN_PATH).to_string(),
                Untrusted::new(name),
            );
            async move {
                let path = format!("api/projects/{encoded}");
                let project = get(record, client, url, ask(path)).await?;
                let roots = project.pointer("/config/roots").and_then(Value::as_object);
                let paths = |root: &Value| -> BTreeMap<String, String> {
                    let all = root.as_object().into_iter().flatten();
                    let text =
                        all.filter_map(|(p, path)| Some((p.clone(), path.as_str()?.to_owned())));
                    text.collect()
                };
                let roots = roots.into_iter().flatten();
                let own = |variant: &Variant| {
                    let bundle = project.pointer(&format!("/data/bundle/{}", variant.word()))?;
                    Some((*variant, Untrusted::new(bundle.as_str()?)))
                };
                Ok(Project {
                    name,
                    bundles: Variant::ALL.iter().filter_map(own).collect(),
                    roots: roots.map(|(n, root)| (n.clone(), paths(root))).collect(),
                })
            }
        };
        let some = names.into_iter().take(PROJECTS).map(one);
        let read: Vec<Result<Project, Problem>> =
            stream::iter(some).buffered(AT_ONCE).collect().await;
        let read: Result<Vec<Project>, Problem> = read.into_iter().collect();
        Ok::<_, Problem>(Projects { read: read?, more })
    };
    read.await.into()
}

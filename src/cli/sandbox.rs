//! `studiolink sandbox list`.

use serde_json::json;

use super::Failure;
use super::args::{Args, Format, Sandbox, SandboxCommand};
use super::out::data;
use crate::domain::exit::Exit;
use crate::ui::report::json as json_report;
use crate::world::sandbox::scenario::{BUILT_IN, open};

pub(super) fn run(args: &Args, sandbox: &Sandbox) -> Result<Exit, Failure> {
    let SandboxCommand::List = sandbox.what;
    let mut rows = Vec::new();
    for (name, _) in BUILT_IN {
        rows.push((*name, open(name)?.title));
    }
    if args.format == Format::Json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, title)| json!({ "name": name, "title": title }))
            .collect();
        data(
            &json!({ "schema": json_report::SCHEMA, "kind": "scenarios", "scenarios": rows })
                .to_string(),
        );
    } else {
        let rows: Vec<String> = rows
            .iter()
            .map(|(name, title)| format!("{name:<18}{title}"))
            .collect();
        data(&rows.join("\n"));
    }
    Ok(Exit::Clean)
}

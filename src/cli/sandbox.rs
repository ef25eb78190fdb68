//! `studiolink sandbox list`.

use serde_json::json;

use super::args::{Args, Format, Sandbox, SandboxCommand};
use super::out::data;
use super::{FINE, Failure};
use crate::world::sandbox::scenario::{BUILT_IN, open};

pub fn run(args: &Args, sandbox: &Sandbox) -> Result<u8, Failure> {
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
        data(&json!({ "schema": 1, "kind": "scenarios", "scenarios": rows }).to_string());
    } else {
        let rows: Vec<String> = rows
            .iter()
            .map(|(name, title)| format!("{name:<18}{title}"))
            .collect();
        data(&rows.join("\n"));
    }
    Ok(FINE)
}

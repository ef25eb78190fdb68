//! `studiolink checks`: what is checked, and why. Needs no studio and no network.

use serde_json::json;

use super::Failure;
use super::args::{self, Args, Format};
use super::out::data;
use crate::checks::{ALL, by_id};
use crate::domain::exit::Exit;
use crate::domain::text::Printable;
use crate::questions::Check;
use crate::ui::report::{checks as report, json as json_report};
use crate::world::local::files;

pub(super) fn run(args: &Args, command: &args::Checks) -> Result<Exit, Failure> {
    if let Some(folder) = &command.write {
        for check in ALL {
            let path = folder.join(format!("{}.md", check.id));
            files::write_whole(&path, &report::page(check))
                .map_err(|p| Failure::Usage(p.to_string()))?;
        }
        data(&format!("{} pages in {}", ALL.len(), folder.display()));
        return Ok(Exit::Clean);
    }
    let one = command.id.as_deref().map(named).transpose()?;
    if args.format == Format::Json {
        let list = one.map_or_else(|| ALL.to_vec(), |c| vec![c]);
        let list: Vec<serde_json::Value> = list.into_iter().map(report::json_of).collect();
        let parts = json!({ "checks": list });
        data(&json_report::document("checks", None, None, Exit::Clean, parts).to_string());
        return Ok(Exit::Clean);
    }
    match one {
        Some(check) => data(report::page(check).trim_end()),
        None => data(report::list(ALL).trim_end()),
    }
    Ok(Exit::Clean)
}

/// The check of that id, or which one may be meant.
pub(super) fn named(id: &str) -> Result<&'static Check, Failure> {
    by_id(id).ok_or_else(|| {
        let near = ALL
            .iter()
            .min_by_key(|c| strsim::damerau_levenshtein(c.id, id));
        let near = near.filter(|c| strsim::damerau_levenshtein(c.id, id) < 5);
        let fix = near.map_or_else(
            || "`studiolink checks` lists them".to_owned(),
            |c| format!("did you mean {}? `studiolink checks` lists them", c.id),
        );
        let id = Printable::short(id, 60);
        Failure::Usage(format!("there is no check {id}\n  fix   {fix}"))
    })
}

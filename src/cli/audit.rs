//! `studiolink audit`: the checks, read-only. It starts no session with the queue role's credentials.

use serde_json::json;

use super::args::{Args, Format};
use super::out::{data, ink};
use super::setup::calls;
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::finding::exit_code;
use crate::engine::check::check_all;
use crate::engine::observe::observe;
use crate::engine::{Purpose, unheard};
use crate::ui::report::{json as json_report, text};

pub async fn run(args: &Args) -> Result<u8, Failure> {
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let wanted = open::needed(args, &file)?;
    let world = open::world(args, Some(&wanted)).await?;
    let studio = stop
        .or(observe(world.as_ref(), &wanted, Purpose::Audit, &unheard))
        .await
        .ok_or(Failure::Interrupted)?;
    calls(args, world.as_ref(), 0);
    let findings = check_all(&studio, &wanted, Purpose::Audit);
    let exit = exit_code(&findings);
    if args.format == Format::Json {
        let parts = json!({ "findings": json_report::findings(&findings, &studio) });
        data(&json_report::document("audit", &studio, exit, parts).to_string());
    } else {
        data(&text::findings(&findings, &studio, ink(args), args.verbose));
    }
    Ok(exit)
}

//! `studiolink plan`: what would be changed, and nothing is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, ink, talk};
use super::setup::calls;
use super::stop::Stop;
use super::{COULD_NOT_LOOK, FINDINGS, FINE, Failure, open};
use crate::domain::change::Plan;
use crate::domain::ids::{AccountId, Region};
use crate::domain::config::StudioConfig;
use crate::engine::observe::observe;
use crate::engine::plan::plan;
use crate::engine::{Purpose, unheard};
use crate::paths;
use crate::ui::report::{json as json_report, text};
use crate::world::local::files;

/// A plan in a file: with whom and where it may be made, and what is looked at afterwards.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    pub schema: u32,
    pub account: AccountId,
    pub region: Region,
    pub wanted: StudioConfig,
    pub plan: Plan,
}

pub async fn run(args: &Args, command: &args::Plan) -> Result<u8, Failure> {
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let wanted = open::needed(args, &file)?;
    let world = open::world(args, Some(&wanted)).await?;
    let studio = stop
        .or(observe(world.as_ref(), &wanted, Purpose::Audit, &unheard))
        .await
        .ok_or(Failure::Interrupted)?;
    calls(args, world.as_ref(), 0);
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    let path = paths::of(wanted.server.path);
    if !path.is_built() {
        talk(&format!(
            "the connection path \"{}\" is not built into this version; the plan has the rest",
            path.id().word()
        ));
    }
    let exit = if !plan.unread.is_empty() {
        COULD_NOT_LOOK
    } else if !plan.changes.is_empty() || !plan.refused.is_empty() || !path.is_built() {
        FINDINGS
    } else {
        FINE
    };
    if args.format == Format::Json {
        let parts = json!({ "changes": json_report::changes(&plan), "unread": plan.unread, "refused": plan.refused });
        data(&json_report::document("plan", &studio, exit, parts).to_string());
    } else {
        data(&text::plan(&plan, ink(args)));
    }
    if let Some(out) = &command.out {
        let Some(caller) = studio.caller.known() else {
            talk("the plan was not kept: it is not known who is signed in");
            return Ok(COULD_NOT_LOOK);
        };
        let saved = Saved {
            schema: 1,
            account: caller.account.clone(),
            region: studio.region.clone(),
            wanted,
            plan,
        };
        let written =
            serde_json::to_string_pretty(&saved).map_err(|e| Failure::Usage(e.to_string()))?;
        files::write_whole(out, &(written + "\n"))?;
        talk(&format!(
            "kept in {}; make it with: studiolink apply {} --yes",
            out.display(),
            out.display()
        ));
    }
    Ok(exit)
}

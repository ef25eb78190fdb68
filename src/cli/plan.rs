//! `studiolink plan`: what would be changed, and nothing is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::{self, Args, Format, Language};
use super::out::{data, ink, talk};
use super::setup::{account, observed_by, wishes};
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::ids::{AccountId, Region};
use crate::domain::needs::{FLEET_POLICY, QUEUE_POLICY};
use crate::domain::text::Printable;
use crate::engine::journal::unknown_kind;
use crate::questions::Purpose;
use crate::resources::{AnyResource, Plan};
use crate::ui::report::code::{self, Export};
use crate::ui::report::json::{Document, PlanJson};
use crate::ui::report::{json as json_report, text};
use crate::world::local::files;

/// What this version writes and reads.
const SCHEMA: u64 = 3;

/// A plan in a file: with whom and where it may be applied, and what is checked afterwards.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    schema: u64,
    pub account: AccountId,
    pub region: Region,
    pub config: StudioConfig,
    pub plan: Plan,
}

impl Saved {
    pub(super) fn new(
        account: AccountId,
        region: Region,
        config: StudioConfig,
        plan: Plan,
    ) -> Self {
        Self {
            schema: SCHEMA,
            account,
            region,
            config,
            plan,
        }
    }

    /// Of another version, or with a kind of thing that this version does not know, nothing is applied: part of a plan is
    /// not the plan.
    pub(super) fn read(path: &std::path::Path, bytes: &[u8]) -> Result<Self, Failure> {
        let file = path.display();
        let value: Value = serde_json::from_slice(bytes).map_err(|e| {
            Failure::Usage(format!(
                "{file} is not a plan: {e}\n  fix   make one: studiolink plan --out FILE"
            ))
        })?;
        match value["schema"].as_u64() {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(Failure::Usage(format!(
                    "{file} has format version {other}; this studiolink reads version \
                        {SCHEMA}\n  fix   apply it with the studiolink that wrote it, or make a \
                        new plan"
                )));
            }
            None => {
                return Err(Failure::Usage(format!(
                    "{file} is not a plan: it names no schema\n  fix   make one: studiolink plan --out FILE"
                )));
            }
        }
        let mut changes = value["plan"]["changes"].as_array().into_iter().flatten();
        if let Some(kind) = changes.find_map(unknown_kind) {
            return Err(Failure::Usage(format!(
                "{file} holds a change of the kind {kind}, which this studiolink does not know; \
                    nothing was applied\n  fix   apply it with the studiolink that wrote it, or \
                    make a new plan"
            )));
        }
        let saved: Result<Self, String> = serde_json::from_value(value).map_err(|e| e.to_string());
        saved
            .and_then(Self::whole)
            .map_err(|e| {
                Failure::Usage(format!(
                    "{file} is not a plan: {e}; nothing was applied\n  fix   make one: studiolink plan --out FILE"
                ))
            })
    }

    /// A plan that was cut or edited: a change without what it needs would do harm.
    fn whole(self) -> Result<Self, String> {
        if self.config.queues.is_empty() {
            return Err("it names no queue".to_owned());
        }
        let not_ours = self.plan.changes.iter().find(|c| match &c.resource {
            AnyResource::InlinePolicy(p) => {
                ![QUEUE_POLICY, FLEET_POLICY].contains(&p.policy.as_str())
            }
            _ => false,
        });
        if let Some(change) = not_ours {
            let words = change.words();
            return Err(format!(
                "it changes {words}, and studiolink changes no policy but its own"
            ));
        }
        let mut before: BTreeSet<&str> = BTreeSet::new();
        for change in &self.plan.changes {
            if let Some(need) = change.needs.iter().find(|n| !before.contains(n.as_str())) {
                return Err(format!(
                    "the change {} needs {}, which does not come before it",
                    Printable::short(&change.id, 100),
                    Printable::short(need, 100)
                ));
            }
            if !before.insert(&change.id) {
                let id = Printable::short(&change.id, 100);
                return Err(format!("the change {id} is in it twice"));
            }
        }
        Ok(self)
    }
}

pub(super) async fn run(args: &Args, command: &args::Plan) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    if let Some(out) = &command.out {
        files::check_writable(out).map_err(|p| Failure::Usage(p.to_string()))?;
    }
    if command.export.is_some() && args.format == Format::Json {
        let fix = "leave one of them out: code is no document of studiolink's";
        return Err(Failure::Usage(format!(
            "--export and --format json ask for two different things\n  fix   {fix}"
        )));
    }
    let file = open::studio_file(args)?;
    let config = open::needed(args, &file)?;
    let world = open::world(args, Some(&config)).await?;
    let wishes = wishes(&command.wishes);
    let what = (open::plan_catalogues(), Purpose::AUDIT, wishes);
    let work = observed_by(args, world.as_ref(), &config, what, &stop).await?;
    let plan = work.plan().clone();
    let manual = work.manual_steps();
    let held_back = !plan.refused.is_empty();
    let mut exit = Exit::Clean
        .and_if(work.names_unknown_queue(), Exit::Usage)
        .and_if(held_back, Exit::Problem)
        .and_if(!plan.unread.is_empty(), Exit::NotChecked)
        .and_if(!plan.changes.is_empty(), Exit::Pending);
    let (account, region) = (account(work.snapshot()), work.snapshot().region.clone());
    if command.out.is_some() && account.is_none() {
        exit = exit.and(Exit::NotChecked);
    }
    // Saved first: a failure is a document of its own, and none comes after the plan's.
    if let Some(out) = &command.out {
        match &account {
            None => talk("the plan was not saved: it is not known who is signed in"),
            Some(account) => {
                let saved = Saved::new(account.clone(), region.clone(), config, plan.clone());
                let written = serde_json::to_string_pretty(&saved)
                    .map_err(|e| Failure::Usage(e.to_string()))?;
                // An --out that can't be written is wrong input.
                files::write_whole(out, &(written + "\n"))
                    .map_err(|p| Failure::Usage(p.to_string()))?;
                let out = out.display();
                let sandbox = open::sandbox_flags(args);
                talk(&format!(
                    "saved in {out}; apply it with: studiolink apply {out} --yes{sandbox}"
                ));
            }
        }
    }
    if let Some(language) = command.export {
        let export = Export {
            plan: &plan,
            snapshot: work.snapshot(),
            account: account.as_ref(),
            region: &region,
            is_sandbox: !open::sandbox_flags(args).is_empty(),
            manual: manual
                .iter()
                .map(|step| format!("{}: {}", step.for_whom, step.what).into())
                .collect(),
        };
        data(&match language {
            Language::Terraform => code::terraform(&export),
            Language::Cloudformation => code::cloudformation(&export),
            Language::Cli => code::commands(&export),
        });
    } else if args.format == Format::Json {
        let parts = PlanJson {
            changes: json_report::changes(&plan),
            unread: &plan.unread,
            refused: &plan.refused,
            manual: json_report::manual_steps(&manual),
        };
        data(&Document::new("plan", account.as_ref(), Some(&region), exit, parts).text());
    } else {
        data(&text::plan(&plan, ink(args)));
        if !plan.changes.is_empty() && !manual.is_empty() {
            data(&text::manual_steps(&manual, ink(args)));
        }
    }
    Ok(exit)
}

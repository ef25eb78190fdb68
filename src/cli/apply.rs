//! `studiolink apply`: makes a kept plan, or that of the studio file. Each thing is read again before it is changed,
//! so an old plan stops where the world has moved.

use std::collections::BTreeSet;

use super::args::{self, Args};
use super::out::talk;
use super::plan::Saved;
use super::setup::{calls, make};
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::problem::{Problem, ProblemKind};
use crate::engine::observe::observe;
use crate::engine::plan::plan;
use crate::engine::verify::IAM_PATIENCE;
use crate::engine::{Purpose, unheard};
use crate::world::local::files;

pub async fn run(args: &Args, command: &args::Apply) -> Result<u8, Failure> {
    if !command.yes {
        return Err(Failure::Usage("apply writes to AWS without asking\n  fix   look at `studiolink plan` first, then add --yes; `studiolink setup` asks".to_owned()));
    }
    let stop = Stop::listen();
    let saved = command.file.as_deref().map(read).transpose()?;
    let wanted = match &saved {
        Some(saved) => saved.wanted.clone(),
        None => open::needed(args, &open::studio_file(args)?)?,
    };
    let world = open::world(args, Some(&wanted)).await?;
    let world = world.as_ref();
    let studio = stop
        .or(observe(world, &wanted, Purpose::Setup, &unheard))
        .await
        .ok_or(Failure::Interrupted)?;
    calls(args, world, 0);
    let plan = match saved {
        Some(saved) => {
            let same = studio
                .caller
                .known()
                .is_none_or(|c| c.account == saved.account)
                && studio.region == saved.region;
            if !same {
                let because = format!(
                    "it is for account {} in {}; this is {} in {}",
                    saved.account,
                    saved.region,
                    studio
                        .caller
                        .known()
                        .map_or("unknown", |c| c.account.as_str()),
                    studio.region
                );
                return Err(Problem::new(
                    ProblemKind::Local,
                    "The plan is for another place",
                    because,
                    "choose its --profile and --region, or make a new plan",
                )
                .into());
            }
            saved.plan
        }
        None => plan(&studio, &wanted, &BTreeSet::new()),
    };
    if plan.changes.is_empty() {
        talk("nothing to change");
    }
    let made = make(
        args,
        world,
        &studio,
        &wanted,
        &plan,
        ("apply --yes", IAM_PATIENCE),
        &stop,
    )
    .await?;
    made.print(args, "apply");
    Ok(made.exit)
}

fn read(path: &std::path::Path) -> Result<Saved, Failure> {
    let bytes = files::read(path)?.ok_or_else(|| {
        Failure::Usage(format!(
            "There is no plan {}\n  fix   make one: studiolink plan --out {}",
            path.display(),
            path.display()
        ))
    })?;
    let saved: Saved = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::Usage(format!("{} is not a plan: line {}, column {}: {e}\n  fix   make one: studiolink plan --out FILE", path.display(), e.line(), e.column())))?;
    if saved.schema != 1 {
        return Err(Failure::Usage(format!(
            "{} has schema {}; this studiolink reads schema 1\n  fix   use the studiolink that wrote it",
            path.display(),
            saved.schema
        )));
    }
    Ok(saved)
}

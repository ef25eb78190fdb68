//! `studiolink apply`: applies a kept plan, or that of the studio file. Each thing is read again before it is changed,
//! so an old plan stops where somebody else has changed something.

use super::args::{self, Args};
use super::plan::Saved;
use super::setup::{How, account, make, observed, wishes};
use super::stop::Stop;
use super::{Failure, ask, open};
use crate::domain::exit::Exit;
use crate::domain::problem::{Problem, ProblemKind};
use crate::questions::Purpose;
use crate::world::local::files;

pub(super) async fn run(args: &Args, command: &args::Apply) -> Result<Exit, Failure> {
    let wished = &command.wishes;
    let wished = wished.partial
        || wished.remove_channels
        || wished.create_environment
        || wished.unproven_key;
    if command.file.is_some() && wished {
        return Err(Failure::Usage(
            "a saved plan is applied as it is\n  fix   give --partial, --remove-channels, --create-environment and --unproven-key to `studiolink plan --out`"
                .to_owned(),
        ));
    }
    let saved = command.file.as_deref().map(read).transpose()?;
    let asks = !command.yes;
    if asks && !ask::is_answered(args) {
        let writes = if args.sandbox.is_some() {
            "apply changes the sandbox's studio"
        } else {
            "apply writes to AWS"
        };
        return Err(Failure::Usage(format!(
            "{writes}, and there is no terminal to ask on\n  fix   look at `studiolink plan` first, then add --yes"
        )));
    }
    let stop = Stop::listen();
    let config = match &saved {
        Some(saved) => saved.config.clone(),
        None => open::needed(args, &open::studio_file(args)?)?,
    };
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let wishes = wishes(&command.wishes);
    let mut work = observed(args, world, &config, Purpose::Setup, wishes, &stop).await?;
    let plan = match saved {
        Some(saved) => {
            let (here, region) = (account(work.snapshot()), &work.snapshot().region);
            let same = here.as_ref().is_none_or(|a| *a == saved.account) && *region == saved.region;
            if !same {
                let here = here.map_or_else(|| "unknown".to_owned(), |a| a.to_string());
                let because = format!(
                    "it is for account {} in {}; this is {here} in {region}",
                    saved.account, saved.region
                );
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    "The plan is for another place",
                    because,
                    "choose its --profile and --region, or make a new plan",
                )
                .into());
            }
            saved.plan
        }
        None => work.plan().clone(),
    };
    let made = make(
        args,
        world,
        &mut work,
        &plan,
        How {
            command: "apply",
            insist: &command.insist,
            asks,
        },
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
    Saved::read(path, &bytes)
}

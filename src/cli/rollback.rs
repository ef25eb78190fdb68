//! `studiolink rollback`: shows what a run changed, then restores exactly what it had found.

use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::args::{self, Args, Format};
use super::out::{data, ink, talk};
use super::setup::{calls, progress, undo_stop_words};
use super::stop::Stop;
use super::{Failure, ask, in_use, open};
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::login::LOGIN_FIX;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::engine::apply::{self, RunContext};
use crate::engine::journal::{self, Header, Journals, Run, stays, to_undo};
use crate::engine::rollback::{cannot_undo, chosen};
use crate::engine::settle;
use crate::questions::{AnyAnswer, CallerIdentity, QueueDetails};
use crate::resources::{AnyResource, Change, Plan, Propagation};
use crate::ui::report::{json as json_report, text};
use crate::world::aws::Login;
use crate::world::local::DiskState;
use crate::world::real::RealWorld;
use crate::world::{LocalState, World};

pub(super) async fn run(args: &Args, command: &args::Rollback) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let sandbox = args
        .sandbox
        .as_deref()
        .map(|name| open::sandbox(args, name))
        .transpose()?;
    let local: &dyn LocalState = match &sandbox {
        Some(sandbox) => sandbox.local(),
        None => &DiskState::new(),
    };
    let journals = journal::read_all(local)?;
    let Some(run) = chosen(&journals, command.run.as_deref())? else {
        say_nothing(args);
        return Ok(Exit::Clean);
    };
    let header = run.header.clone();
    let Journals { mut runs, .. } = journals;
    if let Some(undoes) = &header.undoes {
        return Err(Problem::new(
            ProblemKind::Invalid,
            format!("Run {} is itself a rollback of {undoes}", header.id),
            "a rollback can't be rolled back",
            "run `studiolink setup` or `studiolink apply` again",
        )
        .into());
    }
    let mut plan = of_run(&runs, &header.id);
    let asks = !command.yes;
    if asks && !ask::is_answered(args) {
        return preview(args, &header, &plan, &runs);
    }
    let real;
    let world: &dyn World = if let Some(sandbox) = &sandbox {
        sandbox
    } else {
        real = connect(args, &header).await?;
        real.as_ref()
    };
    let mut context = context_of(args, "rollback", &header, world).await?;
    let mut unread = Vec::new();
    // What was cut short, or got no answer, is read first: it may have been done, and then it is to be undone too.
    if let Some(run) = find(&runs, &header.id) {
        let settled = settle::settle_run(world, run, &context).await?;
        if let Some(stop) = settled.stop {
            talk(&undo_stop_words(&stop));
            return Ok(stop.exit());
        }
        unread = settled.unread;
        for words in &unread {
            talk(&format!("UNKNOWN  {words}"));
        }
        runs = journal::read_all(world.local())?.runs;
        plan = of_run(&runs, &header.id);
    }
    leave_out(&mut plan, &command.skip)?;
    let mut kept = keep_used_roles(world, &header, &mut plan).await;
    kept.extend(in_use::keep(world, &header, &mut plan).await);
    if asks {
        sign_in(world, &plan).await?;
    }
    let unsigned = keep_unsigned(world, &mut plan).await;
    let remains = !unsigned.is_empty();
    kept.extend(unsigned);
    show(args, &header, &plan, &runs);
    confirmed(asks, &plan).await?;
    let final_ones = find(&runs, &header.id).map(|run| stays(run, &runs));
    let staying = final_ones.unwrap_or_default().into_iter().chain(&kept);
    let staying: Vec<String> = staying.map(|c| c.words().to_string()).collect();
    let unsure = Exit::Clean.and_if(!unread.is_empty(), Exit::NotChecked);
    let unsure = unsure.and_if(remains, Exit::Problem);
    if plan.changes.is_empty() {
        if args.format == Format::Json {
            let parts = json!({ "undoes": header.id, "run": null, "plan": [], "stays": staying, "unread": unread, "stopped": null });
            print(&header, unsure, parts);
        }
        return Ok(unsure);
    }
    context.undoes = Some(header.id.clone());
    let applied = apply::apply(world, &plan.changes, &context, &stop.flag, &progress).await?;
    calls(args, world, 0);
    let exit = applied.stop.as_ref().map_or(Exit::Clean, apply::Stop::exit);
    let exit = exit.and(unsure);
    let stays = Staying {
        staying: &staying,
        unread: &unread,
    };
    tell(args, &header, &plan, &applied, &stays, exit);
    Ok(exit)
}

/// What is not undone.
struct Staying<'a> {
    staying: &'a [String],
    unread: &'a [Printable],
}

/// What came of it.
fn tell(
    args: &Args,
    header: &Header,
    plan: &Plan,
    applied: &apply::Applied,
    stays: &Staying<'_>,
    exit: Exit,
) {
    let stopped = applied.stop.as_ref().map(undo_stop_words);
    if args.format == Format::Json {
        let parts = json!({
            "undoes": header.id,
            "run": applied.run,
            "plan": json_report::changes(plan),
            "stays": stays.staying,
            "unread": stays.unread,
            "stopped": stopped,
        });
        print(header, exit, parts);
    } else if let Some(words) = stopped {
        talk(&words);
    } else {
        let but = if stays.staying.is_empty() {
            String::new()
        } else {
            format!(", but for what stays: {}", stays.staying.join("; "))
        };
        talk(&format!("run {} is undone{but}", header.id));
    }
}

/// A yes, where somebody is asked.
async fn confirmed(asks: bool, plan: &Plan) -> Result<(), Failure> {
    if !asks || plan.changes.is_empty() {
        return Ok(());
    }
    let question = match plan.changes.len() {
        1 => "Undo this change?".to_owned(),
        n => format!("Undo these {n} changes?"),
    };
    if ask::confirm(question).await? {
        return Ok(());
    }
    let words = "nothing was undone\n  fix   answer yes to undo it";
    Err(Failure::Usage(words.to_owned()))
}

fn say_nothing(args: &Args) {
    if args.format == Format::Json {
        let parts = json!({ "undoes": null, "run": null, "plan": [], "stopped": null });
        let region = args.region.as_ref();
        data(&json_report::document("rollback", None, region, Exit::Clean, parts).to_string());
    } else {
        data("nothing to undo");
    }
}

/// What would be undone, without --yes.
fn preview(args: &Args, header: &Header, plan: &Plan, runs: &[Run]) -> Result<Exit, Failure> {
    show(args, header, plan, runs);
    if let Some(entry) = find(runs, &header.id).and_then(|r| r.in_doubt().next()) {
        let operation = entry.change.operation();
        talk(&format!(
            "note: {operation} of this run is in doubt; undoing reads it again first"
        ));
    }
    let in_doubt = find(runs, &header.id).is_some_and(|r| r.in_doubt().next().is_some());
    let nothing = plan.changes.is_empty() && !in_doubt;
    let exit = if nothing { Exit::Clean } else { Exit::Usage };
    if args.format == Format::Json {
        let stopped = (!nothing).then_some("--yes was not given");
        let parts = json!({ "undoes": header.id, "run": null, "plan": json_report::changes(plan), "stopped": stopped });
        print(header, exit, parts);
    }
    if nothing {
        return Ok(exit);
    }
    let words = "nothing was undone\n  fix   look at the changes above, then add --yes";
    Err(Failure::Usage(words.to_owned()))
}

pub(super) async fn connect(args: &Args, header: &Header) -> Result<Arc<dyn World>, Failure> {
    let file = open::studio_file(args).ok().and_then(|f| f.config);
    let login = open::login(args, None)?;
    // The run's own region counts before the environment's, because its resources are there.
    let login = Login {
        region: args.region.clone().or(Some(header.region.clone())),
        profile: login.profile.or(file.and_then(|c| c.profile)),
        ..login
    };
    let world: Arc<dyn World> = Arc::new(RealWorld::connect(&login, args.allow_http).await?);
    args.opened.keep(&world);
    Ok(world)
}

/// The changes that somebody wants to leave as they are, by id.
fn leave_out(plan: &mut Plan, skip: &[String]) -> Result<(), Failure> {
    for id in skip {
        if !plan.changes.iter().any(|c| c.id == *id) {
            let ids: Vec<&str> = plan.changes.iter().map(|c| c.id.as_str()).collect();
            return Err(Failure::Usage(format!(
                "--skip: no change {} is to be undone\n  fix   the changes are {}",
                Printable::short(id, 100),
                ids.join(", ")
            )));
        }
    }
    plan.changes.retain(|c| !skip.contains(&c.id));
    Ok(())
}

/// The AYON server where an administrator alone may undo this.
fn of_ayon(change: &Change) -> Option<&Url> {
    match &change.resource {
        AnyResource::AddonSetting(setting) => Some(&setting.server),
        AnyResource::AyonUserKey(key) => Some(&key.server),
        _ => None,
    }
}

/// The AYON servers whose settings are to be undone.
fn ayon_servers(plan: &Plan) -> Vec<Url> {
    let mut servers = Vec::new();
    for change in &plan.changes {
        if let Some(server) = of_ayon(change)
            && !servers.contains(server)
        {
            servers.push(server.clone());
        }
    }
    servers
}

/// Asks for a login where AYON's settings can't be read without.
async fn sign_in(world: &dyn World, plan: &Plan) -> Result<(), Failure> {
    for server in ayon_servers(plan) {
        let own = plan.changes.iter().find(|c| of_ayon(c) == Some(&server));
        if let Some(change) = own
            && unreadable(world, change).await.is_some()
        {
            // A key is an administrator's to delete; settings are a manager's too.
            let who = match &change.resource {
                AnyResource::AyonUserKey(_) => "an administrator",
                _ => "an administrator or manager",
            };
            ask::sign_in(world, &server, ("undoing what was changed there", who)).await?;
        }
    }
    Ok(())
}

/// Why an AYON setting can't be read, and so not be undone; `None`: it can.
async fn unreadable(world: &dyn World, change: &Change) -> Option<String> {
    match world.look(&change.resource.question()).await.answer {
        AnyAnswer::AddonOwn(fact) => fact.why_unread(),
        AnyAnswer::AyonUserKeys(fact) => fact.why_unread(),
        _ => None,
    }
}

/// An AYON setting that can't be undone now does not keep the rest from it, but for the roles: while AYON names the channels,
/// its jobs need what lets the role read them. What was taken out of the plan.
async fn keep_unsigned(world: &dyn World, plan: &mut Plan) -> Vec<Change> {
    let mut kept = Vec::new();
    let all = std::mem::take(&mut plan.changes);
    for change in all {
        let why = match of_ayon(&change) {
            Some(_) => unreadable(world, &change).await,
            None => None,
        };
        match why {
            None => plan.changes.push(change),
            Some(why) => {
                talk(&format!(
                    "NOT DONE  {}  {}\n  why   {why}\n  fix   {LOGIN_FIX}; then roll the run back again",
                    change.operation(),
                    change.words()
                ));
                kept.push(change);
            }
        }
    }
    if kept.is_empty() {
        return kept;
    }
    let of_a_role = |c: &Change| c.resource.propagation() != Propagation::Nothing;
    let all = std::mem::take(&mut plan.changes);
    let (roles, rest): (Vec<Change>, Vec<Change>) = all.into_iter().partition(of_a_role);
    plan.changes = rest;
    for change in &roles {
        talk(&format!(
            "NOT DONE  {}  {}\n  why   jobs that AYON submits need it while AYON's conda_channels stay as they are",
            change.operation(),
            change.words()
        ));
    }
    kept.extend(roles);
    kept
}

/// Who goes back to a run, at the place where it was made.
pub(super) async fn context_of(
    args: &Args,
    command: &str,
    header: &Header,
    world: &dyn World,
) -> Result<RunContext, Failure> {
    let caller = match world.look(&CallerIdentity.into()).await.answer {
        AnyAnswer::CallerIdentity(fact) => fact,
        _ => Fact::PENDING,
    };
    let endpoint = open::endpoint(args);
    let context = RunContext::new(command, &caller, &header.queues, endpoint.as_deref())?;
    same_place(header, &context, world)?;
    Ok(context)
}

fn same_place(header: &Header, context: &RunContext, world: &dyn World) -> Result<(), Failure> {
    if context.caller.account != header.account || *world.region() != header.region {
        let because = format!(
            "the run was in account {}, region {}; this is account {}, region {}",
            header.account,
            header.region,
            context.caller.account,
            world.region()
        );
        return Err(Problem::new(
            ProblemKind::Invalid,
            format!("Run {} was made at another place", header.id),
            because,
            "choose the --profile and --region of the run",
        )
        .into());
    }
    Ok(())
}

fn print(header: &Header, exit: Exit, parts: serde_json::Value) {
    let (account, region) = (Some(&header.account), &header.region);
    data(&json_report::document("rollback", account, Some(region), exit, parts).to_string());
}

/// A role that a queue of the run uses by now, no matter who gave it to it, is not deleted; nor where that can't be read. The
/// changes that are taken out of the plan for it.
async fn keep_used_roles(world: &dyn World, header: &Header, plan: &mut Plan) -> Vec<Change> {
    let makes = |c: &Change| matches!(c.resource, AnyResource::IamRole(_));
    if !plan.changes.iter().any(makes) {
        return Vec::new();
    }
    // This very run may restore a queue's old role first.
    let gets_back = |key: &QueueKey| {
        let is_link =
            |c: &Change| matches!(&c.resource, AnyResource::QueueRoleLink(l) if l.queue == *key);
        plan.changes.iter().any(is_link)
    };
    let mut queues = Vec::new();
    for key in header.queues.iter().filter(|q| !gets_back(q)) {
        let answered = world.look(&QueueDetails(key.clone()).into()).await;
        queues.push(match answered.answer {
            AnyAnswer::QueueDetails(fact) => fact,
            _ => Fact::PENDING,
        });
    }
    let keeps = |change: &Change| match &change.resource {
        AnyResource::IamRole(r) => queues.iter().any(|queue| match queue {
            Fact::Known(queue) => queue.role_arn().as_ref() == Some(&r.role),
            Fact::Absent => false,
            _ => true,
        }),
        _ => false,
    };
    let all = std::mem::take(&mut plan.changes);
    let (kept, rest): (Vec<Change>, Vec<Change>) = all.into_iter().partition(keeps);
    plan.changes = rest;
    for change in &kept {
        talk(&format!(
            "{} stays: a queue uses it, or could not be read",
            change.words()
        ));
    }
    kept
}

fn find<'a>(runs: &'a [Run], id: &str) -> Option<&'a Run> {
    runs.iter().find(|r| r.header.id == id)
}

fn of_run(runs: &[Run], id: &str) -> Plan {
    let changes = find(runs, id).map(|r| to_undo(r, runs)).unwrap_or_default();
    Plan {
        changes,
        ..Plan::default()
    }
}

fn show(args: &Args, header: &Header, plan: &Plan, runs: &[Run]) {
    if args.format == Format::Text {
        let day = crate::domain::time::day_and_clock(header.started);
        talk(&format!("run {} of {day}", header.id));
        data(&if plan.changes.is_empty() {
            "nothing to undo".to_owned()
        } else {
            text::rollback(plan, ink(args))
        });
    }
    let stay = find(runs, &header.id).map(|run| stays(run, runs));
    let stay = stay.unwrap_or_default();
    let all = plan.changes.iter().chain(stay);
    for words in cannot_undo(all) {
        talk(&format!("not undone by this: {words}"));
    }
}

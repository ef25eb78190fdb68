//! `studiolink rotate-key`: another AYON key for the workers, given or made in AYON. The new key is tried at the server, put into the secret, and
//! read as the queue role; then it is said what to revoke.

use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::args::{self, Args, Format};
use super::out::{data, talk};
use super::setup::{How, make, observed, stop_words};
use super::stop::Stop;
use super::{Failure, ask, open};
use crate::derived::connections::goes_another_way;
use crate::domain::ayon::AyonUser;
use crate::domain::call::Vantage;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::login::LOGIN_FIX;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::domain::worker_secret::{SecretPlace, WorkerSecret};
use crate::engine::workflow::Workflow;
use crate::goals::Wishes;
use crate::probes::{AyonKey, KeySeen, ReadSecret};
use crate::questions::{AnyAnswer, AyonUserKeys, Purpose, SecretDetails, Snapshot};
use crate::resources::{AyonUserKey, Change, Plan, SecretValue};
use crate::ui::report::json as json_report;
use crate::world::World;

/// Where an unattended run has the new key from: no key is ever an argument.
const VARIABLE: &str = "AYON_NEW_API_KEY";

pub(super) async fn run(args: &Args, command: &args::RotateKey) -> Result<Exit, Failure> {
    let config = open::needed(args, &open::studio_file(args)?)?;
    let Some(place) = config.secret.clone() else {
        return Err(Failure::Usage(
            "The studio file names no secret with the workers' key\n  fix   write secret = \"ayon/workers\" (or the ARN of yours) into [server], then run `studiolink setup`"
                .to_owned(),
        ));
    };
    let asks = !command.yes;
    if asks && !ask::is_answered(args) {
        let fix = if command.make_for.is_some()
            || std::env::var(VARIABLE).is_ok_and(|k| !k.trim().is_empty())
        {
            "add --yes".to_owned()
        } else {
            format!("set {VARIABLE} to the new key, and add --yes")
        };
        return Err(Failure::Usage(format!(
            "rotate-key writes to AWS Secrets Manager, and there is no terminal to ask on\n  fix   {fix}"
        )));
    }
    let stop = Stop::listen();
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let url = &config.server.url;
    let Some(user) = &command.make_for else {
        let key = new_key(url.host_str().unwrap_or_default(), asks).await?;
        world.hold_key(url, Some(key)).await;
        return put(
            args,
            world,
            &config,
            &place,
            (asks, command.unproven_key),
            None,
            &stop,
        )
        .await;
    };
    let new = match make_in_ayon(args, world, &config, user, asks, &stop).await? {
        Ok(new) => new,
        Err(exit) => return Ok(exit),
    };
    let done = put(
        args,
        world,
        &config,
        &place,
        (asks, false),
        Some(&new),
        &stop,
    )
    .await;
    if !matches!(done, Ok(Exit::Clean)) {
        talk(&format!(
            "The new key \"{}\" of {user} stays in AYON; where no worker uses it, `studiolink rollback {}` deletes it",
            new.label, new.run
        ));
    }
    done
}

/// A key that was made in AYON by a run of this command.
struct New {
    user: String,
    label: String,
    run: String,
    /// What else the user is accepted with.
    others: Vec<Printable>,
}

/// Another key for that service user, held for this session. `Err`: how far the run came.
async fn make_in_ayon(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    user: &str,
    asks: bool,
    stop: &Stop,
) -> Result<Result<New, Exit>, Failure> {
    let url = &config.server.url;
    if std::env::var(VARIABLE).is_ok_and(|k| !k.trim().is_empty()) {
        return Err(Failure::Usage(format!(
            "--make-for makes a new key, and {VARIABLE} gives one\n  fix   leave out one of the two"
        )));
    }
    let there = user_of(world, url, user, asks).await?;
    let label = format!(
        "studiolink {}",
        world.local().now().strftime("%Y-%m-%d %H:%M:%S")
    );
    let resource = AyonUserKey {
        server: url.clone(),
        user: user.to_owned(),
        label: label.clone(),
    };
    let because =
        "the workers get a key of their own making; the others of this user stay as they are";
    let change = Change::new(
        format!("ayon-key/{user}"),
        resource,
        None,
        Some(label.clone()),
        because,
    );
    let mut work = looked_at(args, world, config, stop).await?;
    let made = make(
        args,
        world,
        &mut work,
        &plan_of(change),
        How::plain("rotate-key", asks),
        stop,
    )
    .await?;
    if let Some(stopped) = &made.applied.stop {
        talk(&stop_words(stopped));
        return Ok(Err(stopped.exit()));
    }
    let Some(run) = made.applied.run else {
        return Ok(Err(made.exit.and(Exit::NotChecked)));
    };
    let labels = there.keys.iter().map(|k| k.label.show());
    let labels = labels.map(|l| Printable::from(format!("\"{l}\"")));
    let own = there.own_key.then(|| "the one without a label".into());
    let others = labels.chain(own).collect();
    Ok(Ok(New {
        user: user.to_owned(),
        label,
        run,
        others,
    }))
}

/// The service user, read with an administrator's login, which is asked for where none is given.
async fn user_of(
    world: &dyn World,
    url: &Url,
    user: &str,
    asks: bool,
) -> Result<AyonUser, Failure> {
    let question = AyonUserKeys(url.clone(), user.to_owned()).into();
    let look = async || match world.look(&question).await.answer {
        AnyAnswer::AyonUserKeys(fact) => fact,
        _ => Fact::PENDING,
    };
    let mut fact = look().await;
    if asks && matches!(fact, Fact::NotAsked(_)) {
        ask::sign_in(world, url, ("making a key there", "an administrator")).await?;
        fact = look().await;
    }
    let refused = |kind, because: String, fix: &str| {
        Err(Failure::from(Problem::new(
            kind,
            "No key is made",
            because,
            fix,
        )))
    };
    let shown = Printable::short(user, 60);
    match fact {
        Fact::Known(it) if !it.service => refused(
            ProblemKind::Invalid,
            format!("{shown} is not a service user: workers would publish in that name"),
            "name a service user; AYON makes one under Studio settings, Users",
        ),
        Fact::Known(it) if !it.active => refused(
            ProblemKind::Invalid,
            format!("{shown} is switched off in AYON, which would accept no key of it"),
            "activate the user in AYON, or name another one",
        ),
        Fact::Known(it) => Ok(it),
        Fact::Absent => refused(
            ProblemKind::Missing,
            format!("AYON has no user {shown}"),
            "name a service user; AYON makes one under Studio settings, Users",
        ),
        Fact::Denied(problem) | Fact::NoAnswer(problem) => Err(Failure::from(*problem)),
        Fact::NotAsked(_) => refused(
            ProblemKind::Credentials,
            "no login of an AYON administrator is given".to_owned(),
            LOGIN_FIX,
        ),
    }
}

async fn looked_at(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    stop: &Stop,
) -> Result<Workflow, Failure> {
    observed(args, world, config, Purpose::Setup, Wishes::default(), stop).await
}

fn plan_of(change: Change) -> Plan {
    Plan {
        changes: vec![change],
        ..Plan::default()
    }
}

/// The key that is held goes into the secret, where AYON accepts it; then it is read back.
async fn put(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    place: &SecretPlace,
    (asks, unproven): (bool, bool),
    new: Option<&New>,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let url = &config.server.url;
    let mut work = looked_at(args, world, config, stop).await?;
    let unproven = unproven && goes_another_way(&work.view());
    let owner = match owner(work.snapshot(), url) {
        Err(Failure::Problem(problem, _)) if unproven && problem.kind == ProblemKind::Unreached => {
            talk(&format!(
                "the new key was not tried: {}; `studiolink probe` asks a worker whether AYON takes it",
                problem.because
            ));
            None
        }
        owner => {
            let owner = owner?;
            talk(&format!(
                "AYON accepts the new key: it is of the service user {owner}"
            ));
            Some(owner)
        }
    };
    // What is held must be the key that was just made, never the one of before.
    if let (Some(new), Some(owner)) = (new, &owner)
        && owner.as_str() != new.user
    {
        return Err(Failure::from(Problem::new(
            ProblemKind::Invalid,
            "The key is not rotated",
            format!(
                "the key that is held is of {owner}, and the new one was made for {}",
                new.user
            ),
            "give the user's exact name, and run it again",
        )));
    }
    let secret = held(work.snapshot(), place)?;
    let change = change(place, &secret, url, owner.as_ref());
    let version = change.after.clone().unwrap_or_default();
    let made = make(
        args,
        world,
        &mut work,
        &plan_of(change),
        How::plain("rotate-key", asks),
        stop,
    )
    .await?;
    if let Some(stopped) = &made.applied.stop {
        talk(&stop_words(stopped));
    }
    let put = made.applied.stop.is_none() && made.applied.held.is_empty();
    let read: Vec<(Printable, bool)> = if put {
        read_back(&work, place, &version)
    } else {
        Vec::new()
    };
    let is_read = put && !read.is_empty() && read.iter().all(|(_, right)| *right);
    let stopped = made
        .applied
        .stop
        .as_ref()
        .map(crate::engine::apply::Stop::exit);
    let exit = stopped.unwrap_or(if is_read {
        Exit::Clean
    } else {
        Exit::NotChecked
    });
    let told = Told {
        place,
        read: &read,
        is_read,
        put,
        owner: owner.as_ref(),
        new,
    };
    tell(args, &told);
    if args.format == Format::Json {
        let seen = read
            .iter()
            .map(|(queue, right)| json!({ "queue": queue, "new_version_is_read": right }));
        let parts = json!({
            "secret": place.name(),
            "version": version,
            "owner": owner,
            "run": made.applied.run,
            "made_in_ayon": new.map(|n| json!({ "label": n.label, "run": n.run, "others": n.others })),
            "read": seen.collect::<Vec<_>>(),
        });
        let (account, region) = (made.account.as_ref(), Some(&made.region));
        data(&json_report::document("rotate-key", account, region, exit, parts).to_string());
    }
    Ok(exit)
}

/// Typed, pasted, or of the environment.
async fn new_key(host: &str, asks: bool) -> Result<SecretString, Failure> {
    let given = std::env::var(VARIABLE).ok();
    let given = given.filter(|k| !k.trim().is_empty());
    let typed = match given {
        Some(key) => key,
        None if asks => ask::hidden(format!("New API key of a service user of {host}:")).await?,
        None => String::new(),
    };
    let key = typed.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(Failure::Usage(format!(
            "No new key was given{}\n  fix   make one in AYON for the service user, and type it, or set {VARIABLE}",
            if key.is_empty() {
                ""
            } else {
                ": a key has no spaces"
            }
        )));
    }
    Ok(SecretString::from(key.to_owned()))
}

/// A key that AYON does not accept, or of somebody other than a service user, is not given to workers.
fn owner(snapshot: &Snapshot, url: &url::Url) -> Result<Printable, Failure> {
    let doing = "The key is not rotated";
    let seen = snapshot
        .observations
        .get(&AyonKey(url.clone()), &Vantage::Here);
    let refused = |kind, because: String, fix: &str| {
        Err(Failure::from(Problem::new(kind, doing, because, fix)))
    };
    match seen.map(|o| &o.seen) {
        Some(Ok(KeySeen::Owner {
            user,
            service: true,
            ..
        })) => Ok(user.show()),
        Some(Ok(KeySeen::Owner { user, .. })) => refused(
            ProblemKind::Invalid,
            format!(
                "the new key is of {}, who is not a service user: workers would publish in that name",
                user.show()
            ),
            "give the key of a service user",
        ),
        // A key that is refused was the wrong one to give.
        Some(Err(problem)) if problem.kind == ProblemKind::Denied => {
            Err(Failure::Problem(problem.clone(), Exit::Usage))
        }
        Some(Err(problem)) => Err(Failure::from((**problem).clone())),
        _ => refused(
            ProblemKind::Unreached,
            "the new key was not tried at the AYON server".to_owned(),
            "look at `studiolink audit`: is the server reached from here?",
        ),
    }
}

/// The secret as it is; one that does not exist is setup's to make.
fn held(snapshot: &Snapshot, place: &SecretPlace) -> Result<WorkerSecret, Failure> {
    let name = place.name();
    let refused = |kind, because: String, fix: String| {
        Err(Failure::from(Problem::new(
            kind,
            "The key is not rotated",
            because,
            fix,
        )))
    };
    match snapshot.facts.get(&SecretDetails(place.clone())) {
        Some(Fact::Known(secret)) if secret.deleted.is_some() => refused(
            ProblemKind::Invalid,
            format!("secret {name} is scheduled for deletion"),
            format!("`aws secretsmanager restore-secret --secret-id {name}` keeps it"),
        ),
        Some(Fact::Known(secret)) => Ok(secret.clone()),
        Some(Fact::Absent) => refused(
            ProblemKind::Missing,
            format!("there is no secret {name}"),
            "run `studiolink setup`: it makes the secret, and gives it the key that is held here"
                .to_owned(),
        ),
        other => match other.and_then(Fact::problem) {
            Some(problem) => Err(Failure::from(problem.clone())),
            None => refused(
                ProblemKind::Unreached,
                format!("secret {name} was not read"),
                "run it again".to_owned(),
            ),
        },
    }
}

fn change(
    place: &SecretPlace,
    secret: &WorkerSecret,
    url: &url::Url,
    owner: Option<&Printable>,
) -> Change {
    let resource = SecretValue {
        place: place.clone(),
        server: url.clone(),
        back: false,
    };
    let id = format!("secret-value/{}", place.name());
    let because = match owner {
        Some(owner) => format!("the workers get another key of {owner}"),
        None => "the workers get another key, which was not tried".to_owned(),
    };
    // Its own id: what somebody else puts at the same moment is not taken for it.
    let after = Some(uuid::Uuid::new_v4().to_string());
    Change::new(id, resource, secret.current.clone(), after, because)
}

/// Is the new version what each queue's role is handed out?
fn read_back(
    work: &crate::engine::workflow::Workflow,
    place: &SecretPlace,
    version: &str,
) -> Vec<(Printable, bool)> {
    let (view, snapshot) = (work.view(), work.snapshot());
    let queues = work.config().queues.iter();
    let seen = queues.map(|key| {
        let from = Vantage::QueueRole(key.clone());
        let seen = snapshot.observations.get(&ReadSecret(place.clone()), &from);
        let right = seen.is_some_and(|o| matches!(&o.seen, Ok(read) if read == version));
        (view.queue_name(key), right)
    });
    seen.collect()
}

/// What came of it.
struct Told<'a> {
    place: &'a SecretPlace,
    read: &'a [(Printable, bool)],
    is_read: bool,
    put: bool,
    owner: Option<&'a Printable>,
    new: Option<&'a New>,
}

fn tell(args: &Args, told: &Told) {
    let (name, owner) = (told.place.name(), told.owner);
    let say = |words: &str| {
        if args.format == Format::Text {
            data(words);
        } else {
            talk(words);
        }
    };
    for (queue, right) in told.read {
        say(&if *right {
            format!("OK       the role of queue {queue} is handed out the new version of {name}")
        } else {
            format!(
                "UNKNOWN  it was not seen that the role of queue {queue} is handed out the new version of {name}"
            )
        });
    }
    if !told.put {
        return;
    }
    if let (true, Some(owner)) = (told.is_read, owner) {
        let others = told.new.map_or(&[][..], |n| n.others.as_slice());
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        let has = match others.as_slice() {
            [] => String::new(),
            others => format!(" {owner} has besides: {}.", others.join(", ")),
        };
        say(&format!(
            "Next: revoke the old key of {owner} in AYON (Studio settings, Users), when the sessions that began before now have ended. AYON may accept it for 10 minutes more.{has}"
        ));
    } else if told.is_read {
        say(
            "Keep the old key until `studiolink probe` has told that AYON takes the new one from a worker",
        );
    } else {
        say("Keep the old key until the new one was seen: `studiolink audit` says what is wrong");
    }
    say(&format!(
        "The keyring of this machine was not changed; `studiolink rollback` puts the version before of {name} back in force, for as long as AYON accepts its key."
    ));
}

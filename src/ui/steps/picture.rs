//! The connection, drawn as far as it is known: fleets, queue role, channels, the way, the server; the broken place marked.

use super::super::model::Model;
use super::super::screen::{Block, Cell, Part, Screen, Tone};
use crate::connections::{self, told_by_workers};
use crate::derived::connections::connections as connections_of;
use crate::derived::job_packages::is_named;
use crate::derived::role_use::role_of;
use crate::derived::solve_questions::active_fleets;
use crate::domain::config::PathId;
use crate::domain::farm::{Fleet, Management};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::QueueKey;
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::questions::QueueDetails;
use crate::ui::diagram::Lane;
use url::Url;

/// Adds the picture of the first queue; nothing where too little is known.
pub(super) fn draw(screen: &mut Screen, model: &Model) {
    let Some(parts) = parts(model) else {
        return;
    };
    screen.add(Block::Picture(parts)).blank();
}

/// What is to be seen of a part.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    /// Its answers are on their way.
    Waiting,
    Verdict(Verdict),
}

fn part(drawn: impl Into<Printable>, said: impl Into<Printable>, seen: Seen) -> Part {
    let word = match seen {
        Seen::Nothing => Cell::new(""),
        Seen::Waiting => Cell::toned("....", Tone::Dim),
        Seen::Verdict(v) => Cell::toned(v.word(), v.into()),
    };
    Part {
        drawn: drawn.into(),
        said: said.into(),
        word,
    }
}

fn parts(model: &Model) -> Option<Vec<Part>> {
    let view = model.view()?;
    let key = model.draft.queues.first()?;
    let config = model.config();
    let fleets = publishers(model, key);
    let mut list = Vec::new();
    let channels: Vec<_> = config.channels.iter().filter(|c| c.is_s3()).collect();
    for (n, channel) in channels.iter().enumerate() {
        let about = |f: &&Finding| {
            f.subject == Subject::Channel((*channel).clone())
                || (f.check == "channel-as-queue-role"
                    && f.message.as_str().contains(channel.as_str()))
        };
        let verdict = worst(model, about);
        let drawn = if n == 0 {
            format!("{fleets} ──reads──▸ {channel}")
        } else {
            format!("       ├──reads──▸ {channel}")
        };
        list.push(part(drawn, format!("{fleets} reads {channel}"), verdict));
    }
    if channels.is_empty() {
        list.push(part(fleets.clone(), fleets.clone(), Seen::Nothing));
    }
    let role = role_of(&view, key);
    let (name, verdict) = match &role {
        Some(arn) => {
            let about = |f: &&Finding| f.subject == Subject::Role(arn.clone());
            (arn.name().to_owned(), worst(model, about))
        }
        None if model.fact(&QueueDetails(key.clone())).known().is_some() => {
            ("none".to_owned(), Seen::Verdict(Verdict::Fail))
        }
        None => ("that was not read".to_owned(), worst(model, |_| false)),
    };
    list.push(part(
        format!("       │ queue role {name}"),
        format!("as queue role {name}"),
        verdict,
    ));
    let url = &config.server.url;
    if !is_named(url) {
        return Some(list);
    }
    let findings: Vec<&Finding> = model.findings().iter().collect();
    let drawn = crate::ui::diagram::of(&view, &findings).connections;
    // One way for all, which is tested from here, is drawn with what was seen of it.
    let plain = |l: &Lane| l.boxes.len() == 2 && l.boxes[1].name.as_str() == connections::SERVER;
    if drawn.len() > 1 || drawn.iter().any(|l| !plain(l)) {
        list.extend(drawn.iter().flat_map(lane));
        return Some(list);
    }
    let path = match drawn.first() {
        Some(lane) => connections::PATHS.iter().find(|p| p.title == lane.path)?,
        None => connections::path(config.server.path),
    };
    list.extend(tested(model, path, url));
    Some(list)
}

/// The way that is tested from here: the first hop that is broken, and the server.
fn tested(model: &Model, path: &connections::Path, url: &Url) -> Vec<Part> {
    let mut list = Vec::new();
    let of_legs = |f: &&Finding| {
        path.legs
            .iter()
            .flat_map(|l| l.hops())
            .any(|h| h.id == f.check)
    };
    let way = if path.id == PathId::Direct {
        Seen::Nothing
    } else {
        worst(model, of_legs)
    };
    list.push(part(
        format!("       │ {}", path.title),
        format!("by {}", path.title),
        way,
    ));
    let hops = path.legs.iter().flat_map(|leg| leg.hops());
    let hops = hops.chain(connections::FROM_WORKER.iter().copied());
    let of_check = |id: &'static str| {
        let about = move |f: &&Finding| f.check == id && f.code != "not-public";
        let mut found = model.findings().iter().filter(about);
        found.find(|f| is_broken(f.verdict))
    };
    let broken = hops.clone().find_map(|hop| of_check(hop.id));
    let server = url.as_str().trim_end_matches('/').to_owned();
    match broken {
        Some(finding) => {
            list.push(part(
                format!("       ╳ {}", finding.message),
                format!("broken here: {}", finding.message),
                Seen::Verdict(finding.verdict),
            ));
            list.push(part(
                server.clone(),
                server,
                Seen::Verdict(Verdict::NotReached),
            ));
        }
        // By these nothing of the server itself was seen.
        None if !matches!(path.id, PathId::Direct | PathId::Lan) => {
            list.push(part("       ▾", "", Seen::Nothing));
            let all = model.view().map(|view| connections_of(&view));
            let told = all.iter().flatten();
            let told = told.filter_map(|c| told_by_workers(c, model.findings().iter()));
            let seen = Seen::Verdict(told.min().unwrap_or(Verdict::WorkerOnly));
            list.push(part(server.clone(), server, seen));
        }
        None => {
            let of_server = |f: &&Finding| hops.clone().any(|h| h.id == f.check);
            list.push(part("       ▾", "", Seen::Nothing));
            let verdict = worst(model, of_server);
            list.push(part(server.clone(), server, verdict));
        }
    }
    list
}

/// A connection as `diagram` draws it, in lines.
fn lane(lane: &Lane) -> Vec<Part> {
    let mut list = Vec::new();
    let Some((first, rest)) = lane.boxes.split_first() else {
        return list;
    };
    let who = format!("{} by {}", first.name, lane.path);
    list.push(part(format!("       │ {who}"), who, Seen::Nothing));
    for stop in rest {
        // What is not made yet has no name.
        let what = if stop.which.as_str().is_empty() {
            stop.name.to_string()
        } else {
            format!("{}: {}", stop.name, stop.which)
        };
        let mark = match stop.state {
            _ if stop.name.as_str() == connections::SERVER => "▾",
            Some(Verdict::Fail) => "╳",
            _ => "│",
        };
        list.push(part(
            format!("       {mark} {what}"),
            what,
            stop.state.map_or(Seen::Nothing, Seen::Verdict),
        ));
    }
    list
}

fn is_broken(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail)
}

/// The worst that is said of it; of what nothing is said, nothing is known.
fn worst<'a>(model: &'a Model, about: impl Fn(&&'a Finding) -> bool) -> Seen {
    let all = model.findings().iter().filter(about);
    let counts = all.filter(|f| !matches!(f.verdict, Verdict::Skipped | Verdict::NotReached));
    match counts.map(|f| f.verdict).min() {
        Some(verdict) => Seen::Verdict(verdict),
        None if model.waiting.is_empty() => Seen::Verdict(Verdict::Unknown),
        None => Seen::Waiting,
    }
}

/// The fleets that publish, by name and kind.
fn publishers(model: &Model, key: &QueueKey) -> String {
    let Some(view) = model.view() else {
        return "The queue's workers".to_owned();
    };
    let roles = model.config().worker_attributes.publish;
    let fleets = active_fleets(&view, key).unwrap_or_default();
    let known: Vec<&Fleet> = fleets.iter().filter_map(|(_, f)| f.known()).collect();
    let publishing = known.iter().filter(|f| f.publishes(&roles));
    let name = |f: &&Fleet| {
        let kind = match f.management {
            Management::Service => " (SMF)",
            Management::Customer => " (CMF)",
            Management::Unknown(_) => "",
        };
        format!("{}{kind}", f.name.show())
    };
    let names: Vec<String> = publishing.map(name).take(3).collect();
    if names.is_empty() {
        "The queue's workers".to_owned()
    } else {
        names.join(", ")
    }
}

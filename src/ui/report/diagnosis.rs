//! Why can't a worker reach the server? Each connection as a timeline of hops, the broken one marked, and one paragraph at the end.

use std::fmt::Write as _;

use super::baseline::without_numbers;
use super::json::{ConnectionJson, FindingJson};
use super::text::Ink;
use crate::connections;
use crate::derived::connections::connections as connections_of;
use crate::domain::call::Vantage;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::questions::View;

/// A way to the server, with the fleets that it is the same for.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    pub path: &'static str,
    pub fleets: Vec<Printable>,
    pub hops: Vec<&'a Finding>,
    /// Why the fleet can't go that way at all, where it can't.
    pub impossible: Option<&'static str>,
}

impl<'a> Way<'a> {
    /// The first hop that is broken: what lies behind it says nothing.
    pub fn broken(&self) -> Option<(usize, &'a Finding)> {
        let all = self.hops.iter().copied().enumerate();
        all.clone()
            .find(|(_, f)| matches!(f.verdict, Verdict::Fail | Verdict::ToDo))
            .or_else(|| {
                let mut all = all;
                all.find(|(_, f)| f.verdict == Verdict::Unknown)
            })
    }

    pub fn is_broken(&self) -> bool {
        let broken = self.broken();
        self.impossible.is_some() || broken.is_some_and(|(_, f)| f.verdict != Verdict::Unknown)
    }

    /// What is said where no hop is broken: has a worker told each hop that a worker can tell, as it is now? That one ran at all
    /// proves none of them.
    pub fn told_by_worker(&self) -> bool {
        let is_theirs = |f: &&&Finding| connections::FROM_WORKER.iter().any(|h| h.id == f.check);
        let mut theirs = self.hops.iter().filter(is_theirs).peekable();
        theirs.peek().is_some() && theirs.all(|f| f.verdict == Verdict::Ok)
    }

    /// What is said of the hops behind a broken one: what AWS tells of each is judged by itself, and the others were not reached.
    pub fn behind(&self, broken: usize) -> Option<String> {
        let behind = self.hops.iter().skip(broken + 1);
        let not_reached = behind.filter(|f| f.verdict == Verdict::NotReached).count();
        match not_reached {
            0 => None,
            1 => Some(
                "One hop behind it was not reached, and can be judged only when it works again."
                    .to_owned(),
            ),
            n => Some(format!(
                "{n} hops behind it were not reached, and can be judged only when it works again."
            )),
        }
    }

    /// The first hop that nobody has tried, where no worker has told that all is well behind it.
    pub fn untried(&self) -> Option<(usize, &'a Finding)> {
        let mut all = self.hops.iter().copied().enumerate();
        let first = all.find(|(_, f)| f.verdict == Verdict::Skipped);
        first.filter(|_| !self.told_by_worker())
    }

    fn title(&self) -> String {
        let names: Vec<&str> = self.fleets.iter().map(Printable::as_str).collect();
        format!("{}, from {}", self.path, names.join(", "))
    }
}

/// The ways of the studio's publishing fleets.
pub fn ways<'a>(view: &View, findings: &[&'a Finding]) -> Vec<Way<'a>> {
    let mut all: Vec<Way> = Vec::new();
    for connection in connections_of(view) {
        let hops = if connection.can_work() {
            connections::timeline(&connection, &findings.iter().copied())
        } else {
            Vec::new()
        };
        let way = Way {
            path: connections::path(connection.chosen.path).title,
            fleets: vec![view.fleet_name(&connection.key)],
            hops,
            impossible: (!connection.can_work()).then_some(connection.chosen.reach.why),
        };
        let keys = |w: &Way<'a>| -> Vec<(&'a str, Verdict, String)> {
            let each = w.hops.iter();
            each.map(|f| (f.check, f.verdict, f.message.to_string()))
                .collect()
        };
        let same = all.iter_mut().find(|w| {
            w.path == way.path && w.impossible == way.impossible && keys(w) == keys(&way)
        });
        match same {
            Some(same) => same.fleets.extend(way.fleets),
            None => all.push(way),
        }
    }
    all
}

/// A table of its hops. `from`: only those that were seen from there; all are judged.
pub fn table(way: &Way, ink: Ink, from: &dyn Fn(&Vantage) -> bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", ink.strong(&way.title()));
    if let Some(why) = way.impossible {
        let _ = writeln!(
            out,
            "  {}  can't lead there: {why}",
            ink.verdict(Verdict::Fail)
        );
    }
    let broken = way.broken().map(|(at, _)| at);
    let shown = way.hops.iter().enumerate();
    for (n, hop) in shown.filter(|(_, hop)| from(&hop.vantage)) {
        let mark = if broken == Some(n) { ">" } else { " " };
        let was_tried = !matches!(hop.verdict, Verdict::NotReached | Verdict::WorkerOnly);
        let millis = connections::millis(hop).filter(|_| was_tried);
        let millis = millis.map_or_else(String::new, |ms| format!("{ms} ms"));
        let word = ink.verdict(hop.verdict);
        let pad = " ".repeat(WORD.saturating_sub(hop.verdict.word().len()));
        let label = format!(
            "{mark}{:>2}  {word}{pad}  {:10}  {millis:>8}  ",
            n + 1,
            hop.vantage.word()
        );
        let columns = 5 + WORD + 2 + 10 + 2 + 8 + 2;
        let _ = writeln!(out, "{}", ink.folded(&label, columns, hop.message.as_str()));
    }
    out
}

/// The longest word of a verdict that a hop has.
const WORD: usize = 11;

/// What is to be said of a whole connection. OK is no word for it: only a worker can tell that, and then it is confirmed.
#[derive(Debug)]
pub struct Conclusion {
    pub verdict: Verdict,
    /// As a paragraph begins.
    head: &'static str,
    pub message: Printable,
    pub why: Option<Printable>,
    pub behind: Option<String>,
    pub fix: Option<Printable>,
}

const ASK_A_WORKER: &str =
    "ask a worker: `studiolink probe`, or Ask a worker on Home; it is billed where AWS runs it";

pub fn conclusion(way: &Way) -> Conclusion {
    let of = |verdict, head, message: Printable| Conclusion {
        verdict,
        head,
        message,
        why: None,
        behind: None,
        fix: None,
    };
    if let Some(why) = way.impossible {
        return Conclusion {
            why: Some(why.into()),
            fix: Some("choose another path for the fleet: studiolink setup, step 5".into()),
            ..of(
                Verdict::Fail,
                "Broken",
                format!("{} can't lead there", way.path).into(),
            )
        };
    }
    if let Some((at, hop)) = way.broken() {
        let head = match hop.verdict {
            Verdict::Unknown => "Not known",
            _ => "Broken",
        };
        return Conclusion {
            why: hop.why.clone(),
            behind: way.behind(at),
            fix: hop.fix.clone(),
            ..of(
                hop.verdict,
                head,
                format!("hop {}, {}", at + 1, hop.message).into(),
            )
        };
    }
    if way.told_by_worker() {
        let message = "a worker reached the server, and has told so";
        return of(Verdict::Confirmed, "Whole", message.into());
    }
    if !way.hops.iter().any(|f| f.verdict == Verdict::Ok) {
        let message = "no hop of the connection was seen";
        return of(Verdict::Unknown, "Not known", message.into());
    }
    let (verdict, message, why) = match way.untried() {
        Some((at, hop)) => (
            Verdict::Unknown,
            format!(
                "nothing is seen to be broken, but hop {} was not tried",
                at + 1
            ),
            hop.why.clone(),
        ),
        None => (
            Verdict::WorkerOnly,
            "nothing is seen to be broken, and no worker has told of it yet".to_owned(),
            None,
        ),
    };
    Conclusion {
        why,
        fix: Some(ASK_A_WORKER.into()),
        ..of(verdict, "Not confirmed", message.into())
    }
}

/// One paragraph: what is broken, why, and what to do.
pub fn paragraph(way: &Way, ink: Ink) -> String {
    let mut out = String::new();
    let fleets: Vec<&str> = way.fleets.iter().map(Printable::as_str).collect();
    let said = conclusion(way);
    let line = format!("{} for {}: {}", said.head, fleets.join(", "), said.message);
    let _ = writeln!(out, "{}", ink.folded("", 0, &line));
    for (label, text) in [("why", &said.why), ("fix", &said.fix)] {
        if let Some(text) = text {
            let label = format!("  {label}   ");
            let _ = writeln!(out, "{}", ink.folded(&label, label.len(), text.as_str()));
        }
    }
    if let Some(words) = said.behind {
        let _ = writeln!(out, "  {words}");
    }
    out
}

pub fn json_of<'a>(ways: &'a [Way<'a>]) -> Vec<ConnectionJson<'a>> {
    let one = |way: &'a Way<'a>| ConnectionJson {
        path: way.path,
        fleets: &way.fleets,
        impossible: way.impossible,
        broken: way.broken().map(|(at, _)| at),
        hops: way.hops.iter().map(|f| FindingJson::from(*f)).collect(),
    };
    ways.iter().map(one).collect()
}

/// The hops that have changed since the round before, each with what it was.
pub fn flips<'a>(
    before: &[(String, Verdict, String)],
    way: &Way<'a>,
) -> Vec<(&'a Finding, Option<Verdict>)> {
    let was = |f: &Finding| before.iter().find(|(check, ..)| check == f.check);
    let has_changed = |f: &&Finding| match was(f) {
        Some((_, verdict, words)) => {
            *verdict != f.verdict || (f.verdict.is_bad() && *words != without_numbers(f))
        }
        None => !before.is_empty(),
    };
    let changed = way.hops.iter().copied().filter(has_changed);
    changed.map(|f| (f, was(f).map(|(_, v, _)| *v))).collect()
}

/// Latencies as a line of blocks, the newest last; a gap where a round saw none.
pub fn sparkline(millis: &[Option<u64>]) -> String {
    /// Below this nobody feels a difference.
    const LEAST: u64 = 200;
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = millis.iter().flatten().max().copied().unwrap_or_default();
    let most = most.max(LEAST);
    let block = |ms: u64| {
        let at = usize::try_from(ms * 7 / most).unwrap_or_default();
        BLOCKS[at.min(7)]
    };
    millis.iter().map(|ms| ms.map_or('·', block)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(check: &'static str, verdict: Verdict) -> Finding {
        Finding {
            check,
            ..Finding::new(verdict, "x", format!("{check} says"))
                .why("because")
                .fix("do this")
        }
    }

    const PLAIN: Ink = Ink {
        colour: false,
        width: Some(80),
    };

    #[test]
    fn the_first_broken_hop_is_marked_and_the_paragraph_is_about_it() {
        let hops = [
            hop("name", Verdict::Ok),
            hop("share", Verdict::Unknown),
            hop("tunnels", Verdict::Fail),
            hop("port", Verdict::NotReached),
        ];
        let way = Way {
            path: "Site-to-Site VPN",
            fleets: vec!["Publish".into()],
            hops: hops.iter().collect(),
            impossible: None,
        };
        assert!(way.is_broken());
        let table = table(&way, PLAIN, &|_| true);
        let marked: Vec<&str> = table.lines().filter(|l| l.starts_with('>')).collect();
        assert_eq!(marked.len(), 1);
        assert!(
            marked[0].contains("FAIL") && marked[0].contains("tunnels says"),
            "{table}"
        );
        let said = paragraph(&way, PLAIN);
        assert!(
            said.contains("Broken for Publish: hop 3, tunnels says")
                && said.contains("fix   do this"),
            "{said}"
        );
        assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    }

    #[test]
    fn what_is_not_known_is_not_called_broken_and_what_no_worker_told_is_not_called_whole() {
        let unknown = [hop("name", Verdict::Ok), hop("share", Verdict::Unknown)];
        let way = |hops: &'static [Finding]| Way {
            path: "Direct HTTPS",
            fleets: vec!["Publish".into()],
            hops: hops.iter().collect(),
            impossible: None,
        };
        let unknown = way(Box::leak(Box::new(unknown)));
        assert!(!unknown.is_broken());
        assert!(paragraph(&unknown, PLAIN).starts_with("Not known for Publish: hop 2"));
        let fine = way(Box::leak(Box::new([hop("name", Verdict::Ok)])));
        let said = paragraph(&fine, PLAIN);
        assert!(
            said.starts_with("Not confirmed") && said.contains("no worker has told"),
            "{said}"
        );
    }

    #[test]
    fn a_sparkline_shows_the_slow_and_the_lost() {
        assert_eq!(sparkline(&[Some(1), Some(800), None, Some(400)]), "▁█·▄");
        assert_eq!(sparkline(&[Some(15), Some(15)]), "▁▁");
        assert_eq!(sparkline(&[]), "");
    }
}

//! An audit compared with an earlier one: what is new, what has become worse or better, what is gone. The earlier one is the JSON that
//! `studiolink audit --format json` printed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::json::SCHEMA;
use crate::domain::finding::{Finding, Since, Verdict};
use crate::domain::text::{Printable, Untrusted};

/// What a finding is about: check, kind and id of the subject, item.
type About = (String, String, String, String);

/// A finding of the earlier report.
#[derive(Debug, Clone)]
pub struct Row {
    pub about: About,
    pub code: String,
    pub verdict: Verdict,
    /// The studio file left it aside then.
    aside: bool,
    pub name: Printable,
    pub message: Printable,
    /// What it says, without the numbers that change by themselves.
    plain: String,
}

#[derive(Debug, Clone)]
pub struct Baseline {
    rows: BTreeMap<About, Vec<Row>>,
    /// The accounts and regions that it is of.
    places: Vec<(String, String)>,
}

/// What the earlier report has and this one has not.
#[derive(Debug, Default)]
pub struct Gone {
    /// The check has spoken of the same thing, or of its subject, and does not say it any more.
    pub fixed: Vec<Row>,
    /// Whether it is still so was not seen now.
    pub unseen: Vec<Row>,
}

impl Baseline {
    pub fn read(text: &str) -> Result<Self, String> {
        let whole: Value =
            serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
        if whole["kind"] != "audit" {
            return Err("it is not a report of `studiolink audit --format json`".to_owned());
        }
        if whole["schema"] != SCHEMA {
            return Err(format!(
                "it has schema {}, and this studiolink reads schema {SCHEMA}",
                Printable::short(&whole["schema"].to_string(), 10)
            ));
        }
        let list = whole["findings"].as_array().ok_or("it has no findings")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shown = |value: &Value| Untrusted::new(text(value)).show();
        let mut rows: BTreeMap<About, Vec<Row>> = BTreeMap::new();
        for (n, it) in list.iter().enumerate() {
            let verdict = it["was"].as_str().or_else(|| it["verdict"].as_str());
            let verdict = verdict.and_then(Verdict::of_id).ok_or_else(|| {
                format!("its finding {} has no verdict that is known here", n + 1)
            })?;
            let subject = &it["subject"];
            let about = (
                text(&it["check"]),
                text(&subject["kind"]),
                subject_key(
                    &text(&subject["kind"]),
                    text(&subject["id"]),
                    shown(&it["name"]).as_str(),
                ),
                text(&it["item"]),
            );
            let row = Row {
                about: about.clone(),
                code: text(&it["code"]),
                verdict,
                aside: it["was"].is_string(),
                name: shown(&it["name"]),
                message: shown(&it["message"]),
                plain: plain(it["message"].as_str().unwrap_or_default()),
            };
            rows.entry(about).or_default().push(row);
        }
        let some = |value: &Value| value.as_str().map(str::to_owned);
        let place = |it: &Value| some(&it["account"]).zip(some(&it["region"]));
        let places = match whole["places"].as_array() {
            Some(all) => all.iter().filter_map(place).collect(),
            None => place(&whole).into_iter().collect(),
        };
        Ok(Self { rows, places })
    }

    /// Why it says nothing of what was looked at, which is known by account and region; `None`: it does, of some of it at least.
    pub fn is_of_another(&self, met: &[(String, String)]) -> Option<String> {
        if self.places.is_empty() {
            return Some("it names no account: nobody was signed in when it was made".to_owned());
        }
        let is_met = |own: &(String, String)| met.contains(own);
        if met.is_empty() || self.places.iter().any(is_met) {
            return None;
        }
        let (account, region) = &self.places[0];
        let (account, region) = (Printable::short(account, 40), Printable::short(region, 40));
        let (now, now_region) = &met[0];
        Some(if account.as_str() == now {
            format!("it is of region {region}, and this is {now_region}")
        } else {
            format!("it is of account {account}, and this is {now}")
        })
    }

    /// Takes the row out that a finding continues, and says what has become of it.
    pub fn since(&mut self, finding: &Finding) -> Since {
        let verdict = finding.was.unwrap_or(finding.verdict);
        let Some(rows) = self.rows.get_mut(&about(finding)) else {
            return Since::New;
        };
        let same = rows.iter().position(|r| r.code == finding.code);
        let at = same.or_else(|| (!rows.is_empty()).then_some(0));
        let Some(row) = at.map(|at| rows.remove(at)) else {
            return Since::New;
        };
        if verdict.is_unseen() {
            return if row.verdict == verdict {
                Since::Same
            } else {
                Since::Unseen
            };
        }
        // That it was left aside then, or could not be seen, excuses nothing that is open now.
        let excused = (row.aside && finding.was.is_none()) || row.verdict.is_unseen();
        if excused && verdict.is_bad() {
            return Since::New;
        }
        let other = same.is_none() || row.plain != without_numbers(finding);
        match weight(verdict).cmp(&weight(row.verdict)) {
            std::cmp::Ordering::Greater => Since::Worse,
            std::cmp::Ordering::Less => Since::Better,
            std::cmp::Ordering::Equal if verdict.is_bad() && other => Since::Changed,
            std::cmp::Ordering::Equal => Since::Same,
        }
    }

    /// What no finding of now has continued.
    pub fn gone(self, heard: &Heard) -> Gone {
        let mut gone = Gone::default();
        let rows = self.rows.into_values().flatten();
        for row in rows.filter(|r| r.verdict.is_bad()) {
            let (check, _, subject, _) = &row.about;
            let of = (check.as_str(), subject.clone());
            if heard.spoke.contains(&of) && !heard.blind.contains(&of) {
                gone.fixed.push(row);
            } else {
                gone.unseen.push(row);
            }
        }
        gone
    }
}

/// Which checks spoke of what. A check that could not see all of a subject has not seen that something is gone.
#[derive(Debug, Default)]
pub struct Heard<'a> {
    blind: BTreeSet<(&'a str, String)>,
    spoke: BTreeSet<(&'a str, String)>,
}

impl Heard<'_> {
    pub fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut heard = Self::default();
        findings.into_iter().for_each(|f| heard.hear(f));
        heard
    }

    pub fn hear(&mut self, finding: &Finding) {
        let verdict = finding.was.unwrap_or(finding.verdict);
        let list = if verdict.is_unseen() {
            &mut self.blind
        } else {
            &mut self.spoke
        };
        list.insert((finding.check, about(finding).2));
    }
}

fn about(finding: &Finding) -> About {
    let item = finding.item.as_ref();
    let kind = finding.subject.kind().word();
    (
        finding.check.to_owned(),
        kind.to_owned(),
        subject_key(kind, finding.subject.id(), finding.name.as_str()),
        item.map(ToString::to_string).unwrap_or_default(),
    )
}

/// Every account has the same id: its heading tells which of several it is.
fn subject_key(kind: &str, id: String, name: &str) -> String {
    if kind == "account" {
        format!("{id} {name}")
    } else {
        id
    }
}

/// How bad it is.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail | Verdict::ToDo => 2,
        Verdict::Warn => 1,
        _ => 0,
    }
}

/// Times, days and counts go on by themselves.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What a finding says, without the numbers that change by themselves.
pub fn without_numbers(finding: &Finding) -> String {
    plain(finding.message.as_str())
}

/// Does it count where only what is new or worse counts?
pub fn is_news(finding: &Finding) -> bool {
    matches!(
        finding.since,
        None | Some(Since::New | Since::Worse | Since::Changed)
    )
}

/// For people: what is gone, and how many of each.
pub fn text<'a>(gone: &Gone, findings: impl IntoIterator<Item = &'a Finding>) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for (word, list) in [("FIXED", &gone.fixed), ("NOT SEEN NOW", &gone.unseen)] {
        for row in list {
            let _ = writeln!(
                out,
                "{word}  {}: {} (was {})",
                row.name,
                row.message,
                row.verdict.word()
            );
        }
    }
    let mut counts: BTreeMap<Since, usize> = BTreeMap::new();
    let mut unseen = gone.unseen.len();
    for finding in findings {
        match finding.since {
            // What is well, and was not in the earlier report, is not worth a word.
            Some(Since::New) if !finding.verdict.is_bad() => {}
            Some(Since::Same) if !finding.verdict.is_bad() => {}
            Some(Since::Unseen) => unseen += 1,
            Some(since) => *counts.entry(since).or_default() += 1,
            None => {}
        }
    }
    let counts = counts.iter().map(|(since, n)| (*n, since.word()));
    let counts = counts.chain([(gone.fixed.len(), "fixed"), (unseen, "not seen now")]);
    let words: Vec<String> = counts
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    let line = if words.is_empty() {
        "nothing has changed".to_owned()
    } else {
        words.join(", ")
    };
    let _ = writeln!(out, "since the baseline: {line}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::subject::Subject;
    use crate::ui::report::json;

    fn found(verdict: Verdict, code: &'static str, item: &str) -> Finding {
        Finding {
            check: "a",
            subject: Subject::Account,
            name: "this identity".into(),
            ..Finding::new(verdict, code, "said").about(item)
        }
    }

    fn earlier(findings: &[Finding]) -> Baseline {
        let parts = serde_json::json!({ "findings": json::findings(findings) });
        let document = json::document("audit", None, None, crate::domain::exit::Exit::Clean, parts);
        Baseline::read(&document.to_string()).unwrap()
    }

    #[test]
    fn each_change_has_its_word() {
        let before = [
            found(Verdict::Warn, "x", "same"),
            found(Verdict::Warn, "x", "worse"),
            found(Verdict::Fail, "x", "better"),
            found(Verdict::Warn, "x", "changed"),
            found(Verdict::Warn, "x", "gone"),
            found(Verdict::Ok, "ok", "turned bad"),
        ];
        let now = [
            (found(Verdict::Warn, "x", "same"), Since::Same),
            (found(Verdict::Fail, "y", "worse"), Since::Worse),
            (found(Verdict::Ok, "ok", "better"), Since::Better),
            (found(Verdict::Warn, "y", "changed"), Since::Changed),
            (found(Verdict::Fail, "x", "turned bad"), Since::Worse),
            (found(Verdict::Warn, "x", "new"), Since::New),
        ];
        let mut baseline = earlier(&before);
        for (finding, since) in &now {
            assert_eq!(baseline.since(finding), *since, "{:?}", finding.item);
        }
        let list: Vec<Finding> = now.into_iter().map(|(f, _)| f).collect();
        let gone = baseline.gone(&Heard::of(&list));
        assert_eq!((gone.fixed.len(), gone.unseen.len()), (1, 0));
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_called_fixed() {
        let baseline = earlier(&[found(Verdict::Warn, "x", "gone")]);
        let gone = baseline.gone(&Heard::of(&[found(Verdict::Unknown, "denied", "")]));
        assert_eq!((gone.fixed.len(), gone.unseen.len()), (0, 1));
        let baseline = earlier(&[found(Verdict::Warn, "x", "gone")]);
        assert_eq!(
            baseline.gone(&Heard::default()).unseen.len(),
            1,
            "the check did not run"
        );
    }

    #[test]
    fn an_ignored_finding_is_compared_by_what_it_is() {
        let mut ignored = found(Verdict::Ignored, "x", "i");
        ignored.was = Some(Verdict::Warn);
        let mut baseline = earlier(&[found(Verdict::Warn, "x", "i")]);
        assert_eq!(baseline.since(&ignored), Since::Same);
        // That it was left aside then excuses nothing now.
        let mut baseline = earlier(&[ignored.clone()]);
        assert_eq!(baseline.since(&found(Verdict::Warn, "x", "i")), Since::New);
        let mut baseline = earlier(&[ignored.clone()]);
        assert_eq!(baseline.since(&ignored), Since::Same);
    }

    #[test]
    fn more_of_the_same_is_news_and_a_clock_that_goes_on_is_not() {
        let lacks = |what: &str| Finding {
            check: "a",
            ..Finding::new(Verdict::Fail, "missing", what)
        };
        let mut baseline = earlier(&[lacks("Lacks s3:ListBucket, since 3 days")]);
        assert_eq!(
            baseline.since(&lacks("Lacks s3:ListBucket, since 14 days")),
            Since::Same
        );
        let mut baseline = earlier(&[lacks("Lacks s3:ListBucket")]);
        assert_eq!(
            baseline.since(&lacks("Lacks s3:ListBucket, s3:GetObject")),
            Since::Changed
        );
        for blind in [Verdict::Unknown, Verdict::WorkerOnly, Verdict::Skipped] {
            let mut baseline = earlier(&[found(Verdict::Fail, "x", "i")]);
            assert_eq!(baseline.since(&found(blind, "y", "i")), Since::Unseen);
            let mut baseline = earlier(&[found(blind, "y", "i")]);
            assert_eq!(baseline.since(&found(Verdict::Fail, "x", "i")), Since::New);
        }
    }

    #[test]
    fn another_file_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "not JSON"),
            (r#"{"kind":"plan"}"#, "not a report"),
            (r#"{"kind":"audit","schema":1}"#, "schema 1"),
            (r#"{"kind":"audit","schema":2}"#, "no findings"),
            (
                r#"{"kind":"audit","schema":2,"findings":[{"verdict":"fine"}]}"#,
                "finding 1",
            ),
        ] {
            let refused = Baseline::read(text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}

//! What a studio says of findings in its file: `[[ignore]]` leaves one aside for a reason, until a day; `[[confirmed]]` says who has
//! looked at one by hand, and when. Neither makes it OK.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::finding::{Finding, Grade, Severity, Topic, Verdict, is_expired};
use super::subject::Subject;
use super::text::{Printable, without_url_secrets};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The check's id.
    pub check: String,
    /// A subject by its id or name; without one, every subject.
    pub subject: Option<String>,
    pub code: Option<String>,
    /// Of several things of the subject, this one.
    pub item: Option<String>,
    pub says: Says,
    /// Where it stands in the studio file.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Says {
    Ignore {
        reason: String,
        expires: Option<Date>,
    },
    Confirmed {
        by: String,
        on: Date,
    },
}

impl Mark {
    /// As the file writes it.
    pub fn table(&self) -> &'static str {
        match self.says {
            Says::Ignore { .. } => "[[ignore]]",
            Says::Confirmed { .. } => "[[confirmed]]",
        }
    }

    fn words(&self) -> String {
        format!("{} of line {} ({})", self.table(), self.line, self.item())
    }

    /// What tells it from the others, wherever it stands in the file.
    fn item(&self) -> String {
        let all = [
            Some(&self.check),
            self.subject.as_ref(),
            self.code.as_ref(),
            self.item.as_ref(),
        ];
        let all = all.into_iter().flatten();
        let all = all.map(|t| Printable::short(&without_url_secrets(t), 80).to_string());
        all.collect::<Vec<_>>().join(", ")
    }

    fn fits(&self, finding: &Finding) -> bool {
        let subject = self.subject.as_ref();
        let of_subject =
            subject.is_none_or(|s| *s == finding.subject.id() || s == finding.name.as_str());
        let code = self.code.as_ref();
        let item = self.item.as_ref();
        let own = finding.item.as_ref().map(Printable::as_str);
        finding.check == self.check
            && of_subject
            && code.is_none_or(|c| c == finding.code)
            && item.is_none_or(|i| Some(i.as_str()) == own)
    }

    fn is_expired(&self, today: Date) -> bool {
        matches!(self.says, Says::Ignore { expires: Some(day), .. } if day < today)
    }

    /// What is not well, and can be left aside or be looked at by hand. What could not be seen only a mark takes that names this
    /// very code; and who has looked at one thing by hand has not looked at another.
    fn takes(&self, finding: &Finding) -> bool {
        let by_hand = matches!(self.says, Says::Confirmed { .. });
        let named = self.code.is_some();
        match finding.verdict {
            Verdict::Fail | Verdict::Warn => !by_hand || named,
            Verdict::Unknown => named && !is_expired(finding),
            Verdict::WorkerOnly => by_hand,
            _ => false,
        }
    }

    fn put_on(&self, finding: &mut Finding) {
        let (verdict, words) = match &self.says {
            Says::Ignore { reason, expires } => {
                let until = expires.map_or_else(String::new, |day| format!(" until {day}"));
                (Verdict::Ignored, format!("ignored{until}: {reason}"))
            }
            Says::Confirmed { by, on } => (
                Verdict::Confirmed,
                format!("looked at by hand by {by} on {on}"),
            ),
        };
        finding.was = Some(finding.verdict);
        finding.verdict = verdict;
        finding.details.push(words.clone().into());
        finding.why = Some(match &finding.why {
            Some(why) => format!("{words}; {why}").into(),
            None => words.into(),
        });
    }
}

/// The studio's marks while findings come in.
#[derive(Debug)]
pub struct Marks<'a> {
    list: &'a [Mark],
    today: Date,
    used: Vec<bool>,
    /// The checks that could not say everything.
    open: BTreeSet<&'static str>,
    /// Something could not be seen: what depends on it was not found either.
    blind: bool,
}

impl<'a> Marks<'a> {
    pub fn new(marks: &'a [Mark], today: Date) -> Self {
        Self {
            list: marks,
            today,
            used: vec![false; marks.len()],
            open: BTreeSet::new(),
            blind: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first mark that fits counts; every one that fits is of use.
    pub fn put_on(&mut self, finding: &mut Finding) {
        let verdict = finding.verdict;
        if verdict.is_unseen() {
            self.open.insert(finding.check);
        }
        self.blind |= verdict == Verdict::Unknown;
        for (mark, used) in self.list.iter().zip(&mut self.used) {
            // The first that fits has put its own word in place of the verdict.
            let takes = finding.was.is_some() || mark.takes(finding);
            if mark.fits(finding) && takes && !mark.is_expired(self.today) {
                *used = true;
                if finding.was.is_none() {
                    mark.put_on(finding);
                }
            }
        }
    }

    /// What is wrong with the marks themselves. `whole`: all that the file names was checked, by every check.
    pub fn findings(&self, whole: bool) -> Vec<Finding> {
        let each = self.list.iter().zip(&self.used);
        each.filter_map(|(mark, used)| self.of(mark, *used, whole))
            .collect()
    }

    fn of(&self, mark: &Mark, used: bool, whole: bool) -> Option<Finding> {
        let words = mark.words();
        let finding = if mark.is_expired(self.today) {
            let Says::Ignore {
                expires: Some(day), ..
            } = &mark.says
            else {
                return None;
            };
            Finding::warn("expired", format!("{words} has expired, on {day}"))
                .why("what it left aside counts again")
                .fix("fix what it left aside, or give it a later day and a reason that still holds")
        } else if !used && whole && !self.blind && !self.open.contains(mark.check.as_str()) {
            Finding::warn("matches-nothing", format!("{words} fits nothing that was found"))
                .why("what it left aside is gone, or its check, subject or code is written differently: it would hide the next one")
                .fix("take it out of the studio file; `studiolink audit --format json` has checks, subjects and codes as they are written")
        } else {
            return None;
        };
        Some(Finding {
            check: CHECK_ID,
            topic: Topic::Identity,
            severity: Severity::Warn,
            grade: Grade::Documents,
            subject: Subject::Account,
            details: vec![format!("line {}", mark.line).into()],
            ..finding.about(mark.item())
        })
    }
}

/// The check that these findings are of.
pub const CHECK_ID: &str = "studio-file-marks";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: &'static str, code: &'static str, verdict: Verdict) -> Finding {
        Finding {
            check,
            name: "Lighting".into(),
            ..Finding::new(verdict, code, "said")
        }
    }

    fn ignore(check: &str, code: Option<&str>, expires: Option<Date>) -> Mark {
        Mark {
            check: check.to_owned(),
            subject: Some("Lighting".to_owned()),
            code: code.map(str::to_owned),
            item: None,
            says: Says::Ignore {
                reason: "a test queue".to_owned(),
                expires,
            },
            line: 7,
        }
    }

    const TODAY: Date = jiff::civil::date(2026, 11, 30);

    #[test]
    fn an_ignored_finding_keeps_what_it_was_and_another_code_counts() {
        let marks = [ignore("a", Some("x"), None)];
        let mut all = Marks::new(&marks, TODAY);
        let mut one = found("a", "x", Verdict::Fail);
        let mut other = found("a", "y", Verdict::Fail);
        let mut well = found("a", "x", Verdict::Ok);
        for finding in [&mut one, &mut other, &mut well] {
            all.put_on(finding);
        }
        assert_eq!(
            (one.verdict, one.was),
            (Verdict::Ignored, Some(Verdict::Fail))
        );
        assert_eq!((other.verdict, other.was), (Verdict::Fail, None));
        assert_eq!(well.verdict, Verdict::Ok);
        assert!(
            one.why
                .as_ref()
                .is_some_and(|w| w.as_str().contains("a test queue"))
        );
        assert!(all.findings(true).is_empty());
    }

    #[test]
    fn one_that_has_expired_or_fits_nothing_is_said_and_hides_nothing() {
        let day = |d| Some(jiff::civil::date(2026, 11, d));
        let marks = [
            ignore("a", None, day(29)),
            ignore("b", None, day(30)),
            ignore("c", None, None),
        ];
        let mut all = Marks::new(&marks, TODAY);
        let mut one = found("a", "x", Verdict::Warn);
        let mut last_day = found("b", "x", Verdict::Warn);
        all.put_on(&mut one);
        all.put_on(&mut last_day);
        assert_eq!(
            (one.verdict, last_day.verdict),
            (Verdict::Warn, Verdict::Ignored)
        );
        let codes: Vec<&str> = all.findings(true).iter().map(|f| f.code).collect();
        assert_eq!(codes, ["expired", "matches-nothing"]);
        // Where not all was looked at, nothing is claimed of what was not found.
        assert_eq!(all.findings(false).len(), 1);
        all.put_on(&mut found("c", "denied", Verdict::Skipped));
        assert_eq!(all.findings(true).len(), 1);
    }

    #[test]
    fn what_was_looked_at_by_hand_is_not_called_ok() {
        let by_hand = |code: Option<&str>| Mark {
            says: Says::Confirmed {
                by: "Mia".to_owned(),
                on: TODAY,
            },
            ..ignore("a", code, None)
        };
        for (verdict, code, taken) in [
            (Verdict::WorkerOnly, None, true),
            (Verdict::Fail, None, false),
            (Verdict::Fail, Some("x"), true),
            (Verdict::Unknown, None, false),
        ] {
            let marks = [by_hand(code)];
            let mut all = Marks::new(&marks, TODAY);
            let mut one = found("a", "x", verdict);
            all.put_on(&mut one);
            assert_eq!(
                one.verdict == Verdict::Confirmed,
                taken,
                "{verdict:?} {code:?}"
            );
            assert_eq!(one.was.is_some(), taken);
        }
    }

    #[test]
    fn what_could_not_be_seen_is_left_aside_by_its_own_code_alone_and_keeps_others_from_being_called_gone()
     {
        for (code, taken) in [(None, false), (Some("denied"), true)] {
            let marks = [ignore("a", code, None), ignore("b", None, None)];
            let mut all = Marks::new(&marks, TODAY);
            let mut one = found("a", "denied", Verdict::Unknown);
            all.put_on(&mut one);
            assert_eq!(one.verdict == Verdict::Ignored, taken);
            assert!(all.findings(true).is_empty());
        }
    }

    #[test]
    fn a_password_in_a_subject_is_not_told() {
        let mut mark = ignore("a", None, None);
        mark.subject = Some("https://mia:canary@conda.example.com/c".to_owned());
        let marks = [mark];
        let told = format!("{:?}", Marks::new(&marks, TODAY).findings(true));
        assert!(
            !told.contains("canary") && told.contains("conda.example.com"),
            "{told}"
        );
    }
}

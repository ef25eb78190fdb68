//! One finding with all that is known of it: for diagnose and audit alike.

use super::super::model::{Aim, Model};
use super::super::report::text;
use super::super::screen::{Block, Key, Screen, Told};
use super::super::wizard::Effect;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::domain::time::day_and_clock;

/// Which one is shown, through every answer that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    aim: Aim,
    code: &'static str,
}

impl Shown {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            aim: Aim::of(finding),
            code: finding.code,
        }
    }

    /// The same one; where what is the case has changed, what is said of it now.
    pub(super) fn find<'a>(&self, findings: &'a [Finding]) -> Option<&'a Finding> {
        let same = findings
            .iter()
            .find(|f| self.aim.is(f) && f.code == self.code);
        same.or_else(|| findings.iter().find(|f| self.aim.is(f)))
    }
}

pub(super) const FIX: &str = "fix";

/// `f` leads to the page of the wizard where the change is reviewed.
pub(super) fn act(id: &str, finding: Option<&Finding>) -> Vec<Effect> {
    match finding {
        Some(f) if id == FIX && f.by_setup => vec![Effect::Review(Aim::of(f))],
        _ => Vec::new(),
    }
}

pub(super) fn view(model: &Model, shown: &Shown) -> Screen {
    let Some(finding) = shown.find(model.audited()) else {
        let mut screen = Screen::over("finding", "This is not said any more");
        screen.say("What was read since says nothing of it: Esc goes back to the list.");
        return screen;
    };
    let mut screen = Screen::over("finding", finding.name.clone());
    screen.add(Block::Findings(vec![Told {
        about: Printable::default(),
        verdict: finding.verdict,
        message: finding.message.clone(),
        why: finding.why.clone(),
        fix: finding.fix.clone(),
    }]));
    for line in &finding.details {
        screen.say(format!("  {line}"));
    }
    screen.blank();
    let title = crate::checks::by_id(finding.check).map_or("", |c| c.title);
    screen.say_dim(format!(
        "check {}, code {}: {title}",
        finding.check, finding.code
    ));
    screen.say_dim(format!(
        "grade: {}; seen from: {}",
        finding.grade.word(),
        finding.vantage.word()
    ));
    let calls = finding.evidence.iter().flat_map(|e| e.calls.iter());
    if let Some(last) = calls.map(|c| c.at).max() {
        screen.say_dim(format!("last read {}", day_and_clock(last)));
    }
    for line in text::evidence(finding, true) {
        screen.say_dim(format!("seen  {line}"));
    }
    if finding.by_setup && finding.verdict.is_bad() {
        screen.action(FIX, Key::Char('f'), "fix this");
    }
    if matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
        screen.blank();
        screen.say_dim("To leave it aside with a reason, in the studio file:");
        let lines = mark(finding).into_iter().map(Printable::from);
        screen.add(Block::PasteLines(lines.collect()));
    }
    screen
}

/// The lines of the studio file that leave it aside.
fn mark(finding: &Finding) -> Vec<String> {
    let text = |t: &str| toml::Value::String(t.to_owned()).to_string();
    let mut lines = vec![
        "[[ignore]]".to_owned(),
        format!("check = {}", text(finding.check)),
        format!("subject = {}", text(&finding.subject.id())),
        format!("code = {}", text(finding.code)),
    ];
    lines.extend(
        finding
            .item
            .as_ref()
            .map(|i| format!("item = {}", text(i.as_str()))),
    );
    lines.push("reason = \"\"".to_owned());
    lines
}

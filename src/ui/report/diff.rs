//! A change as a unified diff. The lines are others' text, so they are made printable; nothing is left out.

use similar::{ChangeTag, TextDiff};

use crate::domain::text::{Printable, without_url_secrets};
use crate::resources::Change;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Hunk,
    Context,
    Removed,
    Added,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub kind: LineKind,
    /// Without its sign.
    pub text: Printable,
}

impl LineKind {
    pub fn sign(self) -> char {
        match self {
            Self::Hunk => ' ',
            Self::Context => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

impl DiffLine {
    /// As a unified diff has it: the sign and the line; a hunk's head has no sign.
    pub fn whole(&self) -> String {
        if self.kind == LineKind::Hunk {
            self.text.to_string()
        } else {
            format!("{}{}", self.kind.sign(), self.text)
        }
    }
}

/// Line ends that differ are differences too, and a `\r` is shown as `^M`.
pub fn diff(change: &Change) -> Vec<DiffLine> {
    let (before, after) = change.readable();
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let header = hunk.header().to_string();
        lines.push(DiffLine {
            kind: LineKind::Hunk,
            text: header.trim().into(),
        });
        for row in hunk.iter_changes() {
            let kind = match row.tag() {
                ChangeTag::Delete => LineKind::Removed,
                ChangeTag::Insert => LineKind::Added,
                ChangeTag::Equal => LineKind::Context,
            };
            let text = row.value();
            lines.push(DiffLine {
                kind,
                text: masked(text.strip_suffix('\n').unwrap_or(text)),
            });
            if row.missing_newline() && kind != LineKind::Context {
                lines.push(DiffLine {
                    kind: LineKind::Hunk,
                    text: "@@ no newline at the end @@".into(),
                });
            }
        }
    }
    lines
}

/// A channel's URL may hold a password or a token: kept whole in the journal, masked wherever it is shown.
fn masked(line: &str) -> Printable {
    Printable::new(without_url_secrets(line))
}

/// How many lines go and come.
pub fn size(change: &Change) -> (usize, usize) {
    let lines = diff(change);
    let count = |kind| lines.iter().filter(|l| l.kind == kind).count();
    (count(LineKind::Removed), count(LineKind::Added))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::template::TemplateType;
    use crate::domain::text::Untrusted;
    use crate::resources::EnvironmentTemplate;

    fn change(before: &str, after: &str) -> Change {
        let queue = "farm-00000000000000000000000000000001/queue-00000000000000000000000000000001";
        let resource = EnvironmentTemplate {
            queue: queue.to_owned().try_into().unwrap(),
            id: None,
            name: Untrusted::new("Conda"),
            priority: 1,
            template_type: TemplateType::Yaml,
        };
        let text = |t: &str| Some(t.to_owned());
        Change::new("k", resource, text(before), text(after), "b")
    }

    #[test]
    fn a_password_in_a_channel_is_masked_and_an_escape_is_made_visible() {
        let old = "a: 1\nd: https://me:hunter2@h/c https://h/t/to-k3n/c\n";
        let lines = diff(&change(old, "a: 1\nd: \u{1b}[31mx\n"));
        let text: Vec<String> = lines.iter().map(DiffLine::whole).collect();
        assert_eq!(
            text[1..],
            [
                " a: 1",
                "-d: https://h/c https://h/t/********/c",
                "+d: ^[[31mx"
            ]
        );
    }

    #[test]
    fn a_line_end_that_changes_is_a_change() {
        let lines = diff(&change("a\r\nb\n", "a\nb\n"));
        assert_eq!(
            (lines[1].whole().as_str(), lines[2].whole().as_str()),
            ("-a^M", "+a")
        );
        assert_eq!(size(&change("a\n", "a\nb\n")), (0, 1));
    }
}

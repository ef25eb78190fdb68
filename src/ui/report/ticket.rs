//! An audit as Markdown, for a ticket.

use std::fmt::Write as _;

use super::markdown::plain;
use super::{Audit, by_subject, text};
use crate::domain::finding::Verdict;
use crate::domain::time::day_and_clock;

pub fn ticket(audit: &Audit) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# studiolink audit\n");
    let _ = writeln!(
        out,
        "Account {}, region {}, {}, studiolink {}: {}.",
        plain(&audit.account()),
        plain(&audit.region()),
        day_and_clock(audit.at),
        env!("CARGO_PKG_VERSION"),
        audit.ended()
    );
    let _ = writeln!(out, "\n{}\n", text::summary(audit.findings.iter().copied()));
    if let Some(drift) = &audit.drift {
        for line in drift.lines() {
            let _ = writeln!(out, "- {}", plain(line));
        }
        let _ = writeln!(out);
    }
    for group in by_subject(audit.findings.iter().copied()) {
        let Some(first) = group.first() else {
            continue;
        };
        let _ = writeln!(out, "## {}\n", plain(first.name.as_str()));
        for finding in &group {
            let since = finding
                .since
                .map(|s| format!(" ({})", s.word()))
                .unwrap_or_default();
            let _ = writeln!(
                out,
                "- **{}**{since} {}",
                finding.verdict.word(),
                plain(finding.message.as_str())
            );
            for (label, more) in [("why", &finding.why), ("fix", &finding.fix)] {
                if let Some(more) = more {
                    let _ = writeln!(out, "  - {label}: {}", plain(more.as_str()));
                }
            }
            if finding.verdict != Verdict::Ok {
                for line in text::evidence(finding, false) {
                    let _ = writeln!(out, "  - seen: {}", plain(&line));
                }
                let _ = writeln!(
                    out,
                    "  - check: `{}`, code `{}`",
                    finding.check, finding.code
                );
            }
        }
        let _ = writeln!(out);
    }
    out.trim_end().to_owned()
}

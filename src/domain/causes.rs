//! From the lines of a failed job's log to what they come from. What is known stands in `assets/causes.toml`, with its
//! sources; a line that nothing there fits is not explained.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Regex, RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use super::secrets::without_log_secrets;
use super::text::Printable;

words!(
    /// Where in a job's life it shows.
    Stage {
        Conda = "conda", Ayon = "ayon", Network = "network", Aws = "aws", Deadline = "deadline", Host = "host",
        Tunnel = "tunnel", Storage = "storage"
    }
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Causes {
    pub as_of: String,
    cause: Vec<Cause>,
}

/// One cause, and the lines that show it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Permanent, as a check's.
    pub id: String,
    pub stage: Stage,
    /// Its lines only say that something failed.
    #[serde(default)]
    symptom: bool,
    patterns: Vec<String>,
    /// A line that this fits is none of it.
    #[serde(default)]
    unless: Option<String>,
    #[serde(rename = "cause")]
    words: String,
    fix: String,
    pub source: String,
    /// The checks that look at the same thing.
    pub checks: Vec<String>,
}

/// A cause that a log shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    pub id: &'static str,
    pub stage: Stage,
    /// The first line that shows it, counted from 1.
    pub line: usize,
    pub quote: Printable,
    /// How many lines show it.
    pub lines: usize,
    pub cause: Printable,
    pub fix: Printable,
    pub source: &'static str,
    pub checks: &'static [String],
}

struct Known {
    causes: Causes,
    /// Every pattern of every cause, in the order of the file.
    set: RegexSet,
    /// By pattern: its cause.
    of: Vec<usize>,
    each: Vec<Regex>,
    /// By cause.
    unless: Vec<Option<Regex>>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let text = include_str!("../../assets/causes.toml");
    let causes: Causes =
        toml::from_str(text).unwrap_or_else(|e| unreachable!("assets/causes.toml: {e}"));
    let (mut of, mut patterns) = (Vec::new(), Vec::new());
    for (at, cause) in causes.cause.iter().enumerate() {
        for pattern in &cause.patterns {
            of.push(at);
            patterns.push(format!("(?i){pattern}"));
        }
    }
    let set = RegexSetBuilder::new(&patterns).size_limit(64 << 20).build();
    let bad = |e: regex::Error| -> ! { unreachable!("assets/causes.toml: {e}") };
    let each = patterns
        .iter()
        .map(|p| Regex::new(p).unwrap_or_else(|e| bad(e)));
    let unless = causes.cause.iter().map(|c| {
        let text = c.unless.as_ref()?;
        Some(Regex::new(&format!("(?i){text}")).unwrap_or_else(|e| bad(e)))
    });
    Known {
        unless: unless.collect(),
        each: each.collect(),
        set: set.unwrap_or_else(|e| bad(e)),
        of,
        causes,
    }
});

pub fn known() -> &'static Causes {
    &KNOWN.causes
}

impl Causes {
    pub fn all(&self) -> &[Cause] {
        &self.cause
    }
}

/// The time and the colours that a log puts around its lines: Deadline's, CloudWatch's, Python's, openjd's.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    let clock = r"^\d+:\d\d:\d\d\.\d+\s+";
    let day =
        r"^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[.,\d]*\s*(Z|UTC|[+-]\d\d:?\d\d)?\]?:?\s*";
    Regex::new(&format!("{day}|{clock}")).unwrap_or_else(|e| unreachable!("a constant: {e}"))
});

static COLOURS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").unwrap_or_else(|e| unreachable!("a constant: {e}"))
});

/// The longest line that is looked at; a longer one is cut there. No message of the ones that are known is longer.
const LONGEST: usize = 4_000;
/// The columns of a quoted line.
const QUOTED: usize = 240;

struct Hit {
    cause: usize,
    line: usize,
    quote: String,
    lines: usize,
    names: BTreeMap<&'static str, String>,
}

/// The causes that a log shows, in the order of their first lines.
pub fn explain<'a>(log: impl IntoIterator<Item = &'a str>) -> Vec<Explained> {
    let known = &*KNOWN;
    let mut hits: Vec<Hit> = Vec::new();
    for (at, line) in log.into_iter().enumerate() {
        let cut = line.floor_char_boundary(LONGEST);
        let plain = COLOURS.replace_all(&line[..cut], "");
        let plain = TIME.replace(plain.trim(), "");
        let plain = plain.trim();
        // The first in the file is the most precise. Of two on one line, the second is only its wider kind.
        let wide = |pattern: &usize| known.causes.cause[known.of[*pattern]].symptom;
        let matches = known.set.matches(plain);
        let counts = |pattern: &usize| {
            let unless = known.unless[known.of[*pattern]].as_ref();
            !unless.is_some_and(|u| u.is_match(plain))
        };
        let Some(pattern) = matches.iter().filter(counts).min_by_key(|p| (wide(p), *p)) else {
            continue;
        };
        let cause = known.of[pattern];
        if let Some(hit) = hits.iter_mut().find(|h| h.cause == cause) {
            hit.lines += 1;
            continue;
        }
        let regex = &known.each[pattern];
        let groups = regex.captures(plain);
        let names = regex.capture_names().flatten().map(|name| {
            let found = groups.as_ref().and_then(|g| g.name(name));
            (name, found.map_or("", |m| m.as_str().trim()).to_owned())
        });
        hits.push(Hit {
            cause,
            line: at + 1,
            quote: plain.to_owned(),
            lines: 1,
            names: names.collect(),
        });
    }
    let is_symptom = |h: &Hit| known.causes.cause[h.cause].symptom;
    let of = |h: &Hit| known.causes.cause[h.cause].stage;
    let explained: Vec<Stage> = hits.iter().filter(|h| !is_symptom(h)).map(of).collect();
    hits.retain(|h| !is_symptom(h) || !explained.contains(&of(h)));
    hits.iter().map(explained_by).collect()
}

fn explained_by(hit: &Hit) -> Explained {
    let cause = &KNOWN.causes.cause[hit.cause];
    Explained {
        id: &cause.id,
        stage: cause.stage,
        line: hit.line,
        quote: Printable::short(&without_log_secrets(&hit.quote), QUOTED),
        lines: hit.lines,
        cause: filled(&cause.words, &hit.names),
        fix: filled(&cause.fix, &hit.names),
        source: &cause.source,
        checks: &cause.checks,
    }
}

/// `{name}` is what the line has there. A name that another pattern of the cause would have filled is left out.
fn filled(template: &str, names: &BTreeMap<&str, String>) -> Printable {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        if let Some(value) = names.get(name) {
            text.push_str(&Printable::short(&without_log_secrets(value), 80).to_string());
        }
        rest = tail;
    }
    text.push_str(rest);
    let text = text.trim().trim_end_matches(':').to_owned();
    text.into()
}

/// The lines of a log, as it was saved: plain text, or what `aws logs get-log-events` prints.
pub fn lines_of(text: &str) -> Vec<String> {
    if text.trim_start().starts_with('{')
        && let Ok(document) = serde_json::from_str::<serde_json::Value>(text)
        && let Some(events) = document["events"].as_array()
    {
        let messages = events.iter().filter_map(|e| e["message"].as_str());
        let lines = messages.flat_map(|m| m.lines().map(str::to_owned));
        return lines.collect();
    }
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&'static str> {
        explain(text.lines()).iter().map(|e| e.id).collect()
    }

    #[test]
    fn what_only_says_that_it_failed_is_told_where_nothing_says_why() {
        let failed = "openjd_fail: Environment solve failed";
        assert_eq!(ids(failed), ["solve-failed"]);
        let why = format!("No candidates were found for maya 2030.*.\n{failed}");
        assert_eq!(ids(&why), ["no-candidates"]);
    }

    #[test]
    fn times_and_colours_are_no_part_of_a_line_and_values_are_filled_in() {
        let line = "\u{1b}[31m2026-11-30T02:43:16.120Z No candidates were found for houdini 22.0.*.\u{1b}[0m";
        let all = explain([line, line]);
        assert_eq!((all[0].line, all[0].lines), (1, 2));
        assert_eq!(
            all[0].cause.as_str(),
            "No channel of the job has houdini 22.0.*, for this platform and with this channel priority"
        );
        assert_eq!(
            all[0].quote.as_str(),
            "No candidates were found for houdini 22.0.*."
        );
    }

    #[test]
    fn a_quoted_line_shows_no_secret_and_no_escape() {
        let line = "Invalid API key for https://mia:hunter22@ayon.example.com AYON_API_KEY=0123456789abcdef \u{7}token: abcdefgh";
        for (line, secret) in [
            (
                "Missing API key Authorization: Bearer eyJhbGciOi",
                "eyJhbGciOi",
            ),
            (
                "Missing API key authorization: ApiKey 0123456789",
                "0123456789",
            ),
            ("Missing API key --password hunter22", "hunter22"),
            (
                "Missing API key AYON_API_KEY 0123456789abcdef",
                "0123456789abcdef",
            ),
            ("Missing API key b'x-api-key': b'0123456789'", "0123456789"),
            (
                r#"Missing API key {"SecretString\":\"0123456789"}"#,
                "0123456789",
            ),
        ] {
            let quote = explain([line])[0].quote.to_string();
            assert!(!quote.contains(secret), "{quote}");
        }
        let action = "AccessDenied: not authorized to perform: secretsmanager:GetSecretValue";
        assert_eq!(explain([action])[0].quote.as_str(), action);
        let quote = explain([line])[0].quote.to_string();
        for secret in ["hunter22", "0123456789abcdef", "abcdefgh", "\u{7}"] {
            assert!(!quote.contains(secret), "{quote}");
        }
    }

    #[test]
    fn what_aws_prints_of_a_log_is_read_as_its_lines() {
        let text = r#"{"events":[{"timestamp":1,"message":"one"},{"message":"two\nthree"}],"nextForwardToken":"f/1"}"#;
        assert_eq!(lines_of(text), ["one", "two", "three"]);
        assert_eq!(lines_of("{ not json\nx"), ["{ not json", "x"]);
    }

    #[test]
    fn each_entry_is_whole_and_its_placeholders_are_names_of_its_patterns() {
        let known = known();
        assert!(known.all().len() >= 40);
        let mut ids: Vec<&str> = known.all().iter().map(|c| c.id.as_str()).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id is given twice");
        for cause in known.all() {
            assert!(!cause.source.is_empty() && !cause.fix.is_empty());
            for text in [&cause.words, &cause.fix] {
                for name in text.split('{').skip(1) {
                    let name = name.split('}').next().unwrap();
                    let group = format!("(?P<{name}>");
                    assert!(
                        cause.patterns.iter().any(|p| p.contains(&group)),
                        "{}: {name}",
                        cause.id
                    );
                }
            }
        }
    }
}

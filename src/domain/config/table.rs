//! A table of `studiolink.toml` that is read key by key: each with its place, and none left over unread.

use std::fmt;
use std::ops::Range;
use strsim::damerau_levenshtein;

use toml_edit::{Item, TableLike};

use super::Refused;
use crate::domain::text::Printable;

/// A table that is being read: what it was asked for is ticked off, and what is left over is refused.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) name: &'a str,
    pub(super) table: &'a dyn TableLike,
    pub(super) place: Range<usize>,
    pub(super) asked: Vec<&'static str>,
}

pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

pub(super) fn refuse(
    text: &str,
    at: usize,
    what: impl Into<String>,
    fix: impl Into<String>,
) -> Refused {
    let (line, column) = position(text, at);
    Refused {
        line,
        column,
        what: what.into(),
        fix: fix.into(),
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        text: &'a str,
        name: &'a str,
        item: &'a Item,
        place: Range<usize>,
    ) -> Result<Self, Refused> {
        let at = item.span().map_or(place.start, |s| s.start);
        let table = item.as_table_like().ok_or_else(|| {
            refuse(
                text,
                at,
                format!("`{name}` is {}, not a table", item.type_name()),
                format!("write it as [{name}]"),
            )
        })?;
        Ok(Self {
            text,
            name,
            table,
            place: item.span().unwrap_or(place),
            asked: Vec::new(),
        })
    }

    pub(super) fn spot(&self, key: &str) -> usize {
        let item = self.table.get(key).and_then(Item::span);
        item.or_else(|| self.table.get_key_value(key).and_then(|(k, _)| k.span()))
            .map_or(self.place.start, |s| s.start)
    }

    pub(super) fn wrong(
        &self,
        key: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Refused {
        refuse(self.text, self.spot(key), what, fix)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, Refused> {
        self.asked.push(key);
        match self.table.get(key) {
            None => Ok(None),
            Some(item) => item.as_str().map(Some).ok_or_else(|| {
                self.wrong(
                    key,
                    format!("`{key}` is {}, not a text", item.type_name()),
                    format!("write {key} = \"…\""),
                )
            }),
        }
    }

    pub(super) fn port(&mut self, key: &'static str) -> Result<Option<u16>, Refused> {
        self.asked.push(key);
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        let number = item.as_integer().and_then(|n| u16::try_from(n).ok());
        number.filter(|n| *n > 0).map(Some).ok_or_else(|| {
            let shown = Printable::short(item.to_string().trim(), 40);
            self.wrong(
                key,
                format!("`{key}` can't be {shown}"),
                format!("write a port, such as {key} = 5000"),
            )
        })
    }

    pub(super) fn needed(&mut self, key: &'static str, example: &str) -> Result<&'a str, Refused> {
        self.text(key)?
            .ok_or_else(|| self.missing(key, &format!("\"{example}\"")))
    }

    /// A key that has to be there, or is there under another spelling.
    pub(super) fn missing(&self, key: &str, example: &str) -> Refused {
        let mut others = self.table.iter().map(|(other, _)| other);
        let unread = |other: &&str| !self.asked.contains(other) && is_near(other, key);
        if let Some(other) = others.find(unread) {
            return self.unknown(other, format!("did you mean `{key}`?"));
        }
        let name = self.name;
        refuse(
            self.text,
            self.place.start,
            format!("[{name}] has no `{key}`"),
            format!("add {key} = {example}"),
        )
    }

    fn unknown(&self, key: &str, fix: String) -> Refused {
        let (name, _) = self.table.get_key_value(key).unzip();
        let at = name
            .and_then(toml_edit::Key::span)
            .map_or_else(|| self.spot(key), |s| s.start);
        let place = if self.name.is_empty() {
            "at the top".to_owned()
        } else {
            format!("in [{}]", self.name)
        };
        refuse(self.text, at, format!("unknown key `{key}` {place}"), fix)
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        key: &str,
        text: &str,
        fix: &str,
    ) -> Result<T, Refused>
    where
        T::Err: fmt::Display,
    {
        text.parse()
            .map_err(|e: T::Err| self.wrong(key, format!("{key}: {e}"), fix))
    }

    pub(super) fn texts(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Vec<(&'a str, usize)>>, Refused> {
        self.asked.push(key);
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        let list = item.as_array().ok_or_else(|| {
            self.wrong(
                key,
                format!("`{key}` is {}, not a list of texts", item.type_name()),
                format!("write {key} = [\"…\"]"),
            )
        })?;
        let mut out = Vec::new();
        for v in list {
            let at = v.span().map_or_else(|| self.spot(key), |s| s.start);
            let text = v.as_str().ok_or_else(|| {
                refuse(
                    self.text,
                    at,
                    format!("`{key}` holds {}, not a text", v.type_name()),
                    "put it in quotes",
                )
            })?;
            out.push((text, at));
        }
        Ok(Some(out))
    }

    /// An ARN of that service, as a text.
    pub(super) fn arn(
        &mut self,
        key: &'static str,
        service: &str,
        example: &str,
    ) -> Result<Option<String>, Refused> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let good = parts[0] == "arn"
            && parts.get(2) == Some(&service)
            && parts.get(5).is_some_and(|r| !r.is_empty())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"*?$".contains(&b))
            && parts.get(5).is_some_and(|rest| whole_name(service, rest));
        if good {
            return Ok(Some(text.to_owned()));
        }
        // What is not an ARN at all may be a key that was pasted here by mistake: it is not repeated.
        let shown = if text.starts_with("arn:") {
            format!(": \"{}\"", Printable::short(text, 80))
        } else {
            String::new()
        };
        Err(self.wrong(
            key,
            format!("`{key}` is not an ARN of {service}{shown}"),
            format!("write it as {example}"),
        ))
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        of: fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        of(text).map(Some).ok_or_else(|| {
            self.wrong(
                key,
                format!("`{key}` can't be \"{text}\""),
                format!("one of {}", words.join(", ")),
            )
        })
    }

    /// Nothing may stand in the table that was not asked for.
    pub(super) fn finish(self) -> Result<(), Refused> {
        for (key, _) in self.table.iter() {
            if !self.asked.contains(&key) {
                let near = self
                    .asked
                    .iter()
                    .min_by_key(|a| damerau_levenshtein(a, key))
                    .filter(|a| is_near(a, key));
                let fix = near.map_or_else(
                    || format!("known here: {}", self.asked.join(", ")),
                    |n| format!("did you mean `{n}`?"),
                );
                return Err(self.unknown(key, fix));
            }
        }
        Ok(())
    }
}

fn is_near(one: &str, other: &str) -> bool {
    damerau_levenshtein(one, other) < 3
}

/// An alias grants nothing in a policy, and a secret's name without its six letters matches no secret.
fn whole_name(service: &str, rest: &str) -> bool {
    match service {
        "kms" => rest.starts_with("key/"),
        "secretsmanager" => rest.rsplit_once('-').is_some_and(|(name, six)| {
            name.starts_with("secret:")
                && six.len() == 6
                && six.bytes().all(|b| b.is_ascii_alphanumeric())
        }),
        _ => true,
    }
}

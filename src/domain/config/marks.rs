//! `[[ignore]]` and `[[confirmed]]` of the studio file.

use jiff::civil::Date;
use toml_edit::{Document, Item};

use super::Refused;
use super::table::{Reader, position, refuse};
use crate::domain::mark::{Mark, Says};

pub(super) const TABLES: [&str; 2] = ["ignore", "confirmed"];

pub(super) fn read(text: &str, document: &Document<String>) -> Result<Vec<Mark>, Refused> {
    let mut all = Vec::new();
    for name in TABLES {
        let Some(item) = document.get(name) else {
            continue;
        };
        let list = item.as_array_of_tables().ok_or_else(|| {
            let at = item.span().map_or(0, |s| s.start);
            refuse(
                text,
                at,
                format!("`{name}` is not a list of tables"),
                format!("write one [[{name}]] for each finding"),
            )
        })?;
        for table in list {
            let place = table.span().unwrap_or(0..0);
            let (line, _) = position(text, place.start);
            let item = Item::Table(table.clone());
            let label = if name == "ignore" {
                "[ignore]"
            } else {
                "[confirmed]"
            };
            let mut reader = Reader::new(text, label, &item, place)?;
            let check =
                reader.needed("check", "the check's id, as `studiolink checks` lists it")?;
            let check = check.to_owned();
            let mut text_of = |key| reader.text(key).map(|t| t.map(str::to_owned));
            let (subject, code, of) = (text_of("subject")?, text_of("code")?, text_of("item")?);
            let says = if name == "ignore" {
                let empty = reader.text("reason")?.is_some_and(|r| r.trim().is_empty());
                if empty {
                    return Err(reader.wrong(
                        "reason",
                        "`reason` is empty",
                        "say why it is left aside",
                    ));
                }
                Says::Ignore {
                    reason: reader
                        .needed(
                            "reason",
                            "why it is left aside, for those who read it later",
                        )?
                        .to_owned(),
                    expires: day(&mut reader, "expires")?,
                }
            } else {
                let by = reader.needed("by", "who has looked at it")?.to_owned();
                let on = day(&mut reader, "on")?;
                let on = on.ok_or_else(|| {
                    reader.wrong(
                        "on",
                        "`on` is missing".to_owned(),
                        "write the day, as on = \"2026-11-30\"",
                    )
                })?;
                Says::Confirmed { by, on }
            };
            reader.finish()?;
            all.push(Mark {
                check,
                subject,
                code,
                item: of,
                says,
                line,
            });
        }
    }
    all.sort_by_key(|m| m.line);
    Ok(all)
}

/// A date of TOML's, or one in quotes.
fn day(reader: &mut Reader, key: &'static str) -> Result<Option<Date>, Refused> {
    let item = reader.table.get(key);
    reader.asked.push(key);
    let Some(item) = item else {
        return Ok(None);
    };
    let written = item
        .as_str()
        .map(str::to_owned)
        .or_else(|| item.as_datetime().map(ToString::to_string));
    let read = written.and_then(|w| w.parse::<Date>().ok());
    read.map(Some).ok_or_else(|| {
        reader.wrong(
            key,
            format!("`{key}` is not a date"),
            "write a date, as 2026-12-31",
        )
    })
}

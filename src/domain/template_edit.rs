//! Queue environment templates, edited at one value and nowhere else.

use std::str::FromStr;

use serde_json::Value;
use yaml_edit::{Document, YamlNode};

use super::template::{CHANNELS, TEMPLATE_LIMIT, TemplateError, TemplateType, parse, validate};

/// The same text with another default for `CondaChannels`. Comments, quotes, order, indentation and line ends stay.
pub fn with_channels(
    text: &str,
    kind: TemplateType,
    channels: &str,
) -> Result<String, TemplateError> {
    let before = parse(text, kind)?;
    let edited = splice(text, kind, channels)?;
    let mut wanted = before;
    let parameters = wanted
        .get_mut("parameterDefinitions")
        .and_then(Value::as_array_mut)
        .ok_or(TemplateError::NoChannels)?;
    let parameter = parameters
        .iter_mut()
        .find(|p| p.get("name").and_then(Value::as_str) == Some(CHANNELS))
        .ok_or(TemplateError::NoChannels)?;
    // Seen with openjd-model 0.8: it takes a default that the parameter's own constraints forbid. The service does not.
    if let Some(allowed) = parameter.get("allowedValues").and_then(Value::as_array)
        && !allowed.iter().any(|v| v.as_str() == Some(channels))
    {
        return Err(TemplateError::Invalid(
            "its allowedValues do not hold that list of channels".to_owned(),
        ));
    }
    if let Some(most) = parameter.get("maxLength").and_then(Value::as_u64)
        && channels.chars().count() as u64 > most
    {
        return Err(TemplateError::Invalid(format!("its maxLength is {most}")));
    }
    parameter["default"] = Value::String(channels.to_owned());
    // The proof that nothing else changed: both texts are read again, and differ in this one value.
    if parse(&edited, kind)? != wanted {
        return Err(TemplateError::NotEditable(
            "stands in a form that can't be edited without touching more than its value",
        ));
    }
    let length = edited.chars().count();
    if length > TEMPLATE_LIMIT {
        return Err(TemplateError::TooLong(length));
    }
    // The service has taken the template as it is. Where this program's own model does not (it may be newer), it can't judge
    // the edited one either: that differs in one value.
    if validate(text, kind).is_ok() {
        validate(&edited, kind)?;
    }
    Ok(edited)
}

/// The one document of a YAML text: behind its directives and its `---`, before its `...`.
fn body(text: &str) -> std::ops::Range<usize> {
    let (mut start, mut end, mut at) = (0, text.len(), 0);
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_start_matches('\u{feff}').trim_end();
        let marks = |mark: &str| plain == mark || plain.starts_with(&format!("{mark} "));
        if !begun && marks("---") {
            start = at + line.len();
            begun = true;
        } else if begun && marks("...") || (!begun && plain == "...") {
            end = at;
            break;
        } else if !plain.is_empty() && !plain.starts_with(['%', '#']) {
            begun = true;
        }
        at += line.len();
    }
    start..end.max(start)
}

fn splice(text: &str, kind: TemplateType, channels: &str) -> Result<String, TemplateError> {
    if kind == TemplateType::Yaml {
        let body = body(text);
        if body != (0..text.len()) {
            let edited = splice_document(&text[body.clone()], kind, channels)?;
            return Ok(format!(
                "{}{edited}{}",
                &text[..body.start],
                &text[body.end..]
            ));
        }
    }
    splice_document(text, kind, channels)
}

fn splice_document(
    text: &str,
    kind: TemplateType,
    channels: &str,
) -> Result<String, TemplateError> {
    let document =
        Document::from_str(text).map_err(|e| TemplateError::Unparsable(e.to_string()))?;
    let parameters = document
        .get_sequence("parameterDefinitions")
        .ok_or(TemplateError::NoChannels)?;
    let parameter = parameters
        .values()
        .find_map(|node| {
            node.as_mapping()
                .filter(|m| {
                    m.get("name")
                        .is_some_and(|n| n.as_scalar().is_some_and(|s| s.as_string() == CHANNELS))
                })
                .cloned()
        })
        .ok_or(TemplateError::NoChannels)?;
    let Some(entry) = parameter.find_entry_by_key("default") else {
        let name = parameter.get("name").ok_or(TemplateError::NoChannels)?;
        return Ok(insert_default(
            text,
            kind,
            end_of(&name),
            parameter.is_flow_style(),
            channels,
        ));
    };
    let value = entry.value_node().ok_or(TemplateError::NotEditable(
        "is empty in a way that can't be edited",
    ))?;
    if value.is_alias() {
        return Err(TemplateError::NotEditable(
            "is an alias (*name): it would change wherever the anchor is used",
        ));
    }
    let range = value.byte_range();
    let (start, end) = (range.start as usize, range.end as usize);
    let old = &text[start..end];
    if value.is_tagged() || old.starts_with(['&', '!']) {
        return Err(TemplateError::NotEditable("carries an anchor or a tag"));
    }
    if value.is_mapping() || value.is_sequence() {
        return Err(TemplateError::NotEditable("is not text"));
    }
    let kept = &old[old.trim_end().len()..];
    let spaced = if old.trim().is_empty() { " " } else { "" };
    Ok(format!(
        "{}{spaced}{}{kept}{}",
        &text[..start],
        scalar(old.trim(), kind, channels),
        &text[end..]
    ))
}

fn end_of(node: &YamlNode) -> usize {
    node.byte_range().end as usize
}

/// The value in the quotes that stood there; a folded or literal block becomes one quoted line.
fn scalar(old: &str, kind: TemplateType, channels: &str) -> String {
    // A comment behind a block's header stays behind the value.
    if kind == TemplateType::Yaml && old.starts_with(['|', '>']) {
        let header = old.lines().next().unwrap_or_default();
        let comment = header.find(" #").map_or("", |at| header[at..].trim());
        let quoted = serde_json::Value::String(channels.to_owned()).to_string();
        return if comment.is_empty() {
            quoted
        } else {
            format!("{quoted}  {comment}")
        };
    }
    let double = || serde_json::Value::String(channels.to_owned()).to_string();
    match (kind, old.chars().next()) {
        (TemplateType::Yaml, Some('\'')) => format!("'{}'", channels.replace('\'', "''")),
        (TemplateType::Yaml, Some(c)) if !matches!(c, '"' | '|' | '>') && is_plain(channels) => {
            channels.to_owned()
        }
        _ => double(),
    }
}

/// Can stand without quotes, in block and in flow style alike.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    first
        && !word
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains([',', '[', ']', '{', '}', '"', '\''])
}

/// A default where there is none: right after the parameter's name, in the same style.
fn insert_default(
    text: &str,
    kind: TemplateType,
    name_end: usize,
    flow: bool,
    channels: &str,
) -> String {
    let quoted = serde_json::Value::String(channels.to_owned()).to_string();
    let name_end = text[..name_end].trim_end().len();
    if flow || kind == TemplateType::Json {
        let key = if kind == TemplateType::Json {
            "\"default\""
        } else {
            "default"
        };
        return format!(
            "{}, {key}: {quoted}{}",
            &text[..name_end],
            &text[name_end..]
        );
    }
    let line_start = text[..name_end].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[name_end..]
        .find('\n')
        .map_or(text.len(), |i| name_end + i + 1);
    // The column of `name`: what stands before it is spaces and the dash of the list.
    let column = text[line_start..]
        .find("name")
        .unwrap_or(0)
        .min(name_end - line_start);
    let column = text[line_start..line_start + column].chars().count();
    let line = &text[line_start..line_end];
    let newline = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
    let before = if line.ends_with('\n') { "" } else { newline };
    format!(
        "{}{before}{}default: {quoted}{newline}{}",
        &text[..line_end],
        " ".repeat(column),
        &text[line_end..]
    )
}

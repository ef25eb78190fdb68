//! The one place that knows a secret in an address: user and password, a token in the path, a query. Addresses are shown
//! without them, and texts are kept in plans and journals with a mark in their place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

const MARK: &str = "${secret:";

/// One address in a text, as places in it.
struct Address {
    /// User and password, with what they hold unescaped; without the `@`.
    user: Option<Range<usize>>,
    /// `/t/TOKEN/channel`, as anaconda.org and its like take it.
    token: Option<Range<usize>>,
    /// A query or a fragment, without its mark: a presigned one is a credential.
    query: Option<Range<usize>>,
    end: usize,
}

/// The address whose scheme ends at `from`.
fn address(text: &str, from: usize) -> Address {
    let rest = &text[from..];
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '`');
    let mut stop = rest.find(ends).unwrap_or(rest.len());
    // Another address may follow without a space.
    stop = rest[..stop].find("://").unwrap_or(stop);
    let whole = &rest[..stop];
    let authority = &whole[..whole.find(['/', '?', '#']).unwrap_or(whole.len())];
    // A password may hold what should have been escaped: a slash, a bracket, a quote, another @.
    let looks_like_user = || {
        let after = authority.split_once(':')?.1;
        let is_port = after.chars().all(|c| c.is_ascii_digit());
        if is_port { None } else { whole.rfind('@') }
    };
    let at = authority.rfind('@').or_else(looks_like_user);
    let begins = at.map_or(0, |at| at + 1);
    let closes = |c: char| matches!(c, '\'' | '<' | '>' | ')' | '}' | ']' | ',' | ';');
    let host = &whole[begins..];
    // An IPv6 address stands in brackets of its own.
    let skip = if host.starts_with('[') {
        host.find(']').map_or(0, |i| i + 1)
    } else {
        0
    };
    let end = find_outside_marks(host, skip, closes).map_or(whole.len(), |i| begins + i);
    let place = &whole[begins..end];
    let query = place.find(['?', '#']).map(|i| begins + i + 1);
    let path_end = query.map_or(end, |q| q - 1);
    let token = whole[begins..path_end].find("/t/").map(|i| {
        let start = begins + i + 3;
        let length = whole[start..path_end].find('/').unwrap_or(path_end - start);
        from + start..from + start + length
    });
    Address {
        user: at.map(|at| from..from + at),
        token: token.filter(|t| !t.is_empty()),
        query: query
            .map(|q| from + q..from + end)
            .filter(|q| !q.is_empty()),
        end: from + end,
    }
}

/// The first such character from there on that does not belong to a mark.
fn find_outside_marks(text: &str, from: usize, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let mut at = from;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(MARK) {
            at += text[at..].find('}')? + 1;
        } else if wanted(c) {
            return Some(at);
        } else {
            at += c.len_utf8();
        }
    }
    None
}

fn addresses(text: &str) -> Vec<Address> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let found = address(text, from + at + 3);
        from = found.end.max(from + at + 3);
        all.push(found);
    }
    all
}

/// The same text as it may be shown: without user, password, query and fragment, and with stars for a token. Libraries put
/// whole addresses into their error texts.
pub fn without_url_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for found in addresses(text) {
        if let Some(user) = found.user {
            out.push_str(&text[from..user.start]);
            from = user.end + 1;
        }
        if let Some(token) = found.token {
            out.push_str(&text[from..token.start]);
            out.push_str("********");
            from = token.end;
        }
        if let Some(query) = found.query {
            out.push_str(&text[from..query.start - 1]);
            from = query.end;
        }
    }
    out.push_str(&text[from..]);
    rattler_redaction::redact_signatures_in_text(&out, rattler_redaction::DEFAULT_REDACTION_STR)
        .into_owned()
}

/// The same for a line of a log, where a value stands next to its name in many ways: `AYON_API_KEY=…`, `--password …`,
/// `"SecretString\": \"…"`, `Authorization: Bearer …`, `b'x-api-key': b'…'`.
pub fn without_log_secrets(line: &str) -> String {
    let line = without_url_secrets(line);
    // What stands after the beginning of a key is the key, or its first lines run together.
    let line = match line.split_once("PRIVATE KEY-----") {
        Some((before, _)) => format!("{before}PRIVATE KEY----- ********"),
        None => line,
    };
    let line = SCHEME_AND_SECRET.replace_all(&line, "${scheme} ********");
    NAMED_SECRET
        .replace_all(&line, "${name}${name2}${between}${between2}********")
        .into_owned()
}

static SCHEME_AND_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#"(?i)\b(?P<scheme>bearer|apikey|basic)\s+[^\s"',;\\]{6,}"#;
    Regex::new(text).unwrap_or_else(|e| unreachable!("a constant: {e}"))
});

static NAMED_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let name = "(?P<name>[a-z0-9_-]*(api[_-]?key|access[_-]?key|secret[_-]?key|tokenvalue|token|password|passwd|psk|pre[_-]?shared[_-]?key|secret|secretstring)";
    // A sign and quotes, or after an option or a variable in capitals a space alone.
    let sign = r#"(?P<between>[\\"']*\s*[:=]\s*b?[\\"']*)"#;
    let value = r#"[^\s"',;\\]{6,}"#;
    let signed = format!("(?i){name}){sign}{value}");
    let spaced = r"(?P<name2>--[a-z-]*(?:password|token|secret|key)|\b[A-Z0-9_]*(?:API_KEY|TOKEN|PASSWORD|SECRET)|\b[Xx]-[Aa][Pp][Ii]-[Kk][Ee][Yy])(?P<between2> )[^\s]{6,}";
    Regex::new(&format!("{signed}|(?-i:{spaced})"))
        .unwrap_or_else(|e| unreachable!("a constant: {e}"))
});

/// What must not be kept of a text: each secret of its addresses, in their order.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let all = addresses(text).into_iter();
    all.flat_map(|a| [a.user, a.token, a.query])
        .flatten()
        .collect()
}

/// Does it hold a secret in an address?
pub fn has_secret(text: &str) -> bool {
    !secrets(text).is_empty()
}

/// The addresses of a text that hold a secret, as they may be shown.
pub fn addresses_with_secrets(text: &str) -> Vec<String> {
    let mut shown = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '"') {
        if has_secret(word) {
            let one = without_url_secrets(word.trim_matches(['\'', ',', '[', ']']));
            if !shown.contains(&one) {
                shown.push(one);
            }
        }
    }
    shown
}

/// Tells a few secrets of one text apart, and says nothing of them.
fn mark(secret: &str) -> String {
    let hash = Sha256::digest(secret.as_bytes());
    format!("{MARK}{:02x}{:02x}}}", hash[0], hash[1])
}

/// The text as plans and journals keep it: a mark in place of each secret.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in secrets(text) {
        let secret = &text[range.clone()];
        out.push_str(&text[from..range.start]);
        // What is masked already stays.
        out.push_str(&if secret.starts_with(MARK) {
            secret.to_owned()
        } else {
            mark(secret)
        });
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// A masked text with its secrets, which are taken from what the service has now. `Err`: one of them is not there any more.
pub fn unmasked(text: &str, now: &str) -> Result<String, String> {
    if !text.contains(MARK) {
        return Ok(text.to_owned());
    }
    let mut known: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for range in secrets(now) {
        let secret = &now[range];
        known
            .entry(mark(secret))
            // Two that can't be told apart are both unknown.
            .and_modify(|k| *k = k.filter(|other| *other == secret))
            .or_insert(Some(secret));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find('}').map_or(from.len(), |i| i + 1);
        match known.get(&from[..end]) {
            Some(Some(secret)) => out.push_str(secret),
            _ => return Err(from[..end].to_owned()),
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_lose_user_and_query() {
        assert_eq!(
            without_url_secrets(
                "GET https://me:pw@b.s3.amazonaws.com/n/repodata.json?X-Amz-Signature=abc&y (403)"
            ),
            "GET https://b.s3.amazonaws.com/n/repodata.json (403)"
        );
        assert_eq!(
            without_url_secrets("no url here? none"),
            "no url here? none"
        );
        assert_eq!(
            without_url_secrets("(https://a/?k=1) and http://b#f"),
            "(https://a/) and http://b"
        );
    }

    const SPELLED: &[&str] = &[
        "https://me:SECRET@conda.example.com/c",
        "https://me:(SECRET)@conda.example.com/c",
        "https://me:a)SECRET@conda.example.com/c",
        "https://me:a]b}SECRET@conda.example.com/c",
        "https://me:a/SECRET@conda.example.com/c",
        "https://me:it'sSECRET@conda.example.com/c",
        "https://me:a@SECRET@conda.example.com/c",
        "https://SECRET@conda.example.com/c",
        "https://conda.example.com/t/SECRET/c",
        "https://conda.example.com/t/SECRET",
        "https://conda.example.com/c?token=SECRET",
        "https://conda.example.com/c#SECRET",
        "ftp://me:SECRET@conda.example.com/c",
        "https://me:SECRET@[::1]:8443/c",
        "https://me:SECRET@conda.example.com:8443/t/SECRET/c?x=SECRET",
    ];

    #[test]
    fn however_it_is_spelled_it_is_not_shown_and_not_kept_and_comes_back() {
        for url in SPELLED {
            for text in [
                (*url).to_owned(),
                format!("default: \"conda-forge {url} s3://b/c\""),
                format!("--channels {url},https://other.example.com/d"),
                format!("[{url}] ({url}) '{url}'"),
            ] {
                let shown = without_url_secrets(&text);
                assert!(!shown.contains("SECRET"), "{text}: {shown}");
                assert!(
                    shown.contains("conda.example.com") || shown.contains("[::1]"),
                    "{shown}"
                );
                let kept = masked(&text);
                assert!(!kept.contains("SECRET"), "{text}: {kept}");
                assert_eq!(masked(&kept), kept, "masked once");
                assert_eq!(unmasked(&kept, &text).as_ref(), Ok(&text));
                assert!(unmasked(&kept, "nothing of it").is_err());
                assert!(has_secret(&text), "{text}");
            }
        }
        for plain in [
            "https://conda.example.com:8443/c",
            "https://[::1]:8443/c",
            "s3://b-1/conda/t",
            "https://conda.example.com/@scope/c",
            "no address, me:pw@host",
            "a://b://c",
        ] {
            assert!(!has_secret(plain), "{plain}");
            assert_eq!(
                (without_url_secrets(plain), masked(plain)),
                (plain.to_owned(), plain.to_owned())
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_masked_and_comes_back(text in "[ a-z:/@?#\"'(){}\\[\\]$,.\u{e9}]{0,60}") {
            let kept = masked(&text);
            prop_assert_eq!(unmasked(&kept, &text), Ok(text));
        }
    }
}

//! Text that others wrote, text that may be shown, and text that never is.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use super::secrets::without_url_secrets;

/// Text from AWS, DNS or AYON, kept as it came. It has no `Display`: it is shown only as [`Printable`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Hash)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came: to compare and to send back, never to show.
    pub fn raw(&self) -> &str {
        &self.0
    }

    pub fn show(&self) -> Printable {
        Printable::short(&self.0, 60)
    }

    /// A sentence or an ARN, which a name's length would cut.
    pub fn long(&self) -> Printable {
        Printable::short(&self.0, 400)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({})", self.show())
    }
}

/// One line that is safe on a terminal: controls, bidi and zero-width marks are made visible, line ends are spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Printable(String);

impl Printable {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(made_visible(text.as_ref()).into_owned())
    }

    /// At most `columns` wide, ended by `…` where something was left out.
    pub fn short(text: &str, columns: usize) -> Self {
        Self(shortened(&made_visible(text), columns))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn columns(&self) -> usize {
        self.0.width()
    }

    #[must_use]
    pub fn to_width(&self, columns: usize) -> Self {
        Self(shortened(&self.0, columns))
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Printable {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Printable {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn made_visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(' '),
            '\u{0}'..='\u{1f}' => {
                out.push('^');
                out.push(char::from(b'@' + c as u8));
            }
            '\u{7f}' => out.push_str("^?"),
            c if c.is_control() || is_hidden(c) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_move_the_cursor_is_made_visible() {
        assert_eq!(
            Printable::new("a\u{1b}[31mred\u{7}").as_str(),
            "a^[[31mred^G"
        );
        assert_eq!(
            Printable::new("x\u{202e}txt.exe\u{200b}").as_str(),
            "x<U+202E>txt.exe<U+200B>"
        );
        assert_eq!(
            Printable::new("two\r\nlines\nhere").as_str(),
            "two lines here"
        );
        assert_eq!(Printable::new("c1 \u{9b}31m").as_str(), "c1 <U+009B>31m");
    }

    #[test]
    fn long_and_wide_names_are_cut_at_graphemes() {
        assert_eq!(
            Printable::short(&"x".repeat(300), 10).as_str(),
            "xxxxxxxxx…"
        );
        assert_eq!(Printable::short("照明照明照明", 7).as_str(), "照明照…");
        assert_eq!(Printable::short("abc", 0).as_str(), "");
    }

    proptest! {
        #[test]
        fn no_control_survives(text in any::<String>(), columns in 0usize..40) {
            let shown = Printable::new(&text);
            prop_assert!(!shown.as_str().chars().any(|c| c.is_control() || is_hidden(c)));
            prop_assert!(Printable::short(&text, columns).columns() <= columns);
        }
    }
}

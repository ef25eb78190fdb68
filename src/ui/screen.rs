//! A page as a value: what is said, what can be chosen, which keys work. No colours, no rectangles. The full screen,
//! the plain mode and the snapshots all render this.

use super::report::diff::DiffLine;
use crate::domain::finding::Verdict;
use crate::domain::text::Printable;

/// How a part of a row is to be read; a renderer may colour it, and loses nothing where it can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    Strong,
    /// Not the reader's to act on.
    Dim,
    Good,
    Doubtful,
    Bad,
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::Good,
            Verdict::Warn | Verdict::Unknown => Self::Doubtful,
            Verdict::Fail => Self::Bad,
            Verdict::ToDo => Self::Strong,
            Verdict::WorkerOnly
            | Verdict::NotReached
            | Verdict::Confirmed
            | Verdict::Ignored
            | Verdict::Skipped => Self::Dim,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: Printable,
    pub tone: Tone,
}

impl Cell {
    pub fn new(text: impl Into<Printable>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    pub fn toned(text: impl Into<Printable>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    pub fn verdict(verdict: Verdict) -> Self {
        Self::toned(verdict.word(), verdict.into())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub id: &'static str,
    pub header: Vec<Printable>,
    pub rows: Vec<Vec<Cell>>,
    /// The action of Enter on a row; `None`: the rows are only for looking.
    pub enter: Option<&'static str>,
    /// Said where there is no row.
    pub empty: &'static str,
    /// Where the cursor begins.
    pub start: usize,
    /// The row that the page has just made: the cursor goes there once.
    pub made: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub id: &'static str,
    pub label: &'static str,
    pub value: Printable,
    /// Typed blind, never shown.
    pub secret: bool,
    pub hint: &'static str,
    pub takes: Takes,
    /// What is known that could be typed; → at the end of the text completes to the first that begins so.
    pub options: Vec<String>,
}

/// How a field takes its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takes {
    /// When it is entered.
    #[default]
    Whole,
    /// The same, and it may stay empty: nobody is led to it.
    Optional,
    /// With every letter, as a filter does.
    Each,
    /// When it is entered; and it was just opened to be typed into.
    AtOnce,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub id: &'static str,
    pub label: &'static str,
    pub options: Vec<(Printable, Printable)>,
    pub chosen: usize,
}

/// A finding as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it is about, as people call it; empty where the page says it.
    pub about: Printable,
    pub verdict: Verdict,
    pub message: Printable,
    pub why: Option<Printable>,
    pub fix: Option<Printable>,
}

impl Told {
    /// A problem, as a page shows it.
    pub fn problem(verdict: Verdict, problem: &crate::domain::problem::Problem) -> Self {
        Self {
            about: Printable::default(),
            verdict,
            message: problem.doing.as_str().into(),
            why: Some(problem.because.as_str().into()),
            fix: Some(problem.fix.as_str().into()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Folds at words.
    Text(Cell),
    Blank,
    Heading(Printable),
    /// A line to copy: never folded in the middle of a word, never shortened.
    Paste(Printable),
    /// Lines that are copied as one.
    PasteLines(Vec<Printable>),
    List(List),
    Field(Field),
    Choice(Choice),
    Findings(Vec<Told>),
    Diff {
        lines: Vec<DiffLine>,
        wrap: bool,
    },
    /// Drawn line by line, with a state at the right; said as sentences where nothing can be drawn.
    Picture(Vec<Part>),
    /// A word, what, and figures at the right.
    Progress(Vec<(Cell, Printable, Printable)>),
}

/// One line of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub drawn: Printable,
    /// The same in words; empty: there is nothing to say of it.
    pub said: Printable,
    pub word: Cell,
}

/// A key that works on this page, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    pub id: &'static str,
    pub key: Key,
    pub label: &'static str,
    /// Acts on the row under the cursor of the page's list.
    pub on_row: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Left,
    Right,
    Space,
}

impl Key {
    pub fn name(self) -> String {
        match self {
            Self::Char(c) => c.to_string(),
            Self::Left => "←".to_owned(),
            Self::Right => "→".to_owned(),
            Self::Space => "Space".to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    pub title: Printable,
    /// Which page of its step it is, where it lies over the step's own; empty: the step's own. Esc leaves it.
    pub over: &'static str,
    /// At the right of the title.
    pub note: Printable,
    pub blocks: Vec<Block>,
    pub actions: Vec<Action>,
    /// What Enter does where no row takes it; `None`: there is no way on yet.
    pub next: Option<&'static str>,
    /// The page asks for a confirmation, at its top: that is in view, wherever somebody had scrolled to.
    pub confirms: bool,
}

impl Screen {
    pub fn new(title: impl Into<Printable>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// A page that lies over its step's own.
    pub fn over(id: &'static str, title: impl Into<Printable>) -> Self {
        Self {
            over: id,
            ..Self::new(title)
        }
    }

    /// What of the page is worth copying: the lines to paste, then the commands that fixes name in backticks.
    pub fn copies(&self) -> Vec<String> {
        let mut list: Vec<String> = Vec::new();
        let mut add = |text: &str| {
            if !text.is_empty() && !list.iter().any(|l| l == text) {
                list.push(text.to_owned());
            }
        };
        for block in &self.blocks {
            match block {
                Block::Paste(text) => add(text.as_str().trim()),
                Block::PasteLines(lines) => {
                    let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
                    add(&lines.join("\n"));
                }
                _ => {}
            }
        }
        for block in &self.blocks {
            let texts: Vec<&str> = match block {
                Block::Text(cell) => vec![cell.text.as_str()],
                Block::Findings(list) => {
                    let fixes = list.iter().filter_map(|t| t.fix.as_ref());
                    fixes.map(Printable::as_str).collect()
                }
                _ => Vec::new(),
            };
            for text in texts {
                text.split('`').skip(1).step_by(2).for_each(&mut add);
            }
        }
        list
    }

    pub fn say(&mut self, text: impl Into<Printable>) -> &mut Self {
        self.blocks.push(Block::Text(Cell::new(text)));
        self
    }

    pub fn say_dim(&mut self, text: impl Into<Printable>) -> &mut Self {
        self.blocks.push(Block::Text(Cell::toned(text, Tone::Dim)));
        self
    }

    pub fn heading(&mut self, text: impl Into<Printable>) -> &mut Self {
        self.blocks.push(Block::Heading(text.into()));
        self
    }

    pub fn blank(&mut self) -> &mut Self {
        self.blocks.push(Block::Blank);
        self
    }

    pub fn add(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }

    pub fn action(&mut self, id: &'static str, key: Key, label: &'static str) -> &mut Self {
        self.actions.push(Action {
            id,
            key,
            label,
            on_row: false,
        });
        self
    }

    pub fn row_action(&mut self, id: &'static str, key: Key, label: &'static str) -> &mut Self {
        self.actions.push(Action {
            id,
            key,
            label,
            on_row: true,
        });
        self
    }

    pub fn lists(&self) -> impl Iterator<Item = &List> {
        self.blocks.iter().filter_map(|b| {
            if let Block::List(l) = b {
                Some(l)
            } else {
                None
            }
        })
    }

    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.blocks.iter().filter_map(|b| {
            if let Block::Field(f) = b {
                Some(f)
            } else {
                None
            }
        })
    }

    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.blocks.iter().filter_map(|b| {
            if let Block::Choice(c) = b {
                Some(c)
            } else {
                None
            }
        })
    }
}

/// Text folded at words to a width, never at a hyphen: names and ids have them. A word longer than a line is cut.
pub fn fold(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1))
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    let lines = textwrap::wrap(text, options);
    lines
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_folds_at_words() {
        assert_eq!(
            fold("s3:ListBucket is missing, so S3 answers", 20),
            ["s3:ListBucket is", "missing, so S3", "answers"]
        );
        assert_eq!(fold("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(fold("", 4), [""]);
    }

    proptest! {
        #[test]
        fn folding_loses_nothing_but_spaces(text in "[a-z 照明]{0,60}", width in 2usize..30) {
            let folded: String = fold(&text, width).concat();
            prop_assert_eq!(folded.replace(' ', ""), text.replace(' ', ""));
        }
    }
}

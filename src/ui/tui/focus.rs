//! Where the keys go on a page: one of its lists, fields or choices, or the page itself. Pure.

use std::collections::HashMap;

use super::keymap::Input;
use crate::ui::screen::{Action, Block, Field, Key, List, Screen, Takes};
use crate::ui::wizard::Msg;

/// What can have the focus, in the page's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    List(&'a List),
    Field(&'a Field),
    Choice(&'a crate::ui::screen::Choice),
}

impl Item<'_> {
    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::List(l) => l.id,
            Self::Field(f) => f.id,
            Self::Choice(c) => c.id,
        }
    }
}

pub(super) fn items(screen: &Screen) -> Vec<Item<'_>> {
    let mut found = Vec::new();
    for block in &screen.blocks {
        match block {
            Block::List(l) if !l.rows.is_empty() => found.push(Item::List(l)),
            Block::Field(f) => found.push(Item::Field(f)),
            Block::Choice(c) => found.push(Item::Choice(c)),
            _ => {}
        }
    }
    found
}

#[derive(Debug, Clone, Default)]
pub struct Edit {
    pub field: &'static str,
    pub text: Vec<char>,
    pub at: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Focus {
    /// `None`: the page itself.
    item: Option<&'static str>,
    rows: HashMap<&'static str, usize>,
    /// The rows that the cursor was sent to.
    sent: HashMap<&'static str, usize>,
    pub edit: Option<Edit>,
    pub scroll: usize,
    /// The page follows what has the focus until somebody scrolls.
    pub follow: bool,
    fresh: bool,
    /// The lists and the fields of the page. A field that a key has just opened gets the focus, where the lists are the same.
    before: Option<(Vec<&'static str>, Vec<&'static str>)>,
    /// How many lines of the page are seen at once.
    pub height: usize,
    /// What stands where on the screen, for the mouse.
    pub hits: Vec<Hit>,
}

/// A part of a line of the screen, and what a click on it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub line: u16,
    pub from: u16,
    pub to: u16,
    pub what: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Row(&'static str, usize),
    Field(&'static str),
    Choice(&'static str, usize),
    Step(usize),
}

/// What came of a key: messages for the wizard, or a wish that only the full screen knows.
#[derive(Debug, PartialEq, Eq)]
pub enum Took {
    Msgs(Vec<Wish>),
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Act {
        id: &'static str,
        row: Option<usize>,
    },
    Set {
        field: &'static str,
        text: String,
    },
    Choose {
        choice: &'static str,
        at: usize,
    },
    Next,
    Back,
    Forward,
    GoTo(usize),
    Escape,
    Quit,
    Help,
    Log,
    Details,
    Copy,
}

impl From<Wish> for Option<Msg> {
    fn from(wish: Wish) -> Self {
        Some(match wish {
            Wish::Act { id, row } => Msg::Act { id, row },
            Wish::Set { field, text } => Msg::Set { field, text },
            Wish::Choose { choice, at } => Msg::Choose { choice, at },
            Wish::Next => Msg::Next,
            Wish::Back => Msg::Back,
            Wish::Forward => Msg::Forward,
            Wish::GoTo(step) => Msg::GoTo(step),
            Wish::Escape => Msg::Escape,
            Wish::Quit => Msg::Quit,
            Wish::Help | Wish::Log | Wish::Details | Wish::Copy => return None,
        })
    }
}

impl Focus {
    /// For a page that was just opened.
    pub fn new() -> Self {
        Self {
            fresh: true,
            follow: true,
            ..Self::default()
        }
    }

    /// Chooses where the keys go first, and keeps within what the page has now.
    pub fn settle(&mut self, screen: &Screen) {
        let items = items(screen);
        if self
            .item
            .is_some_and(|id| !items.iter().any(|i| i.id() == id))
        {
            self.item = None;
            self.edit = None;
            self.fresh = true;
        }
        // A list that is still being read is waited for: the keys should not go elsewhere first.
        let list_to_come = screen.lists().any(|l| l.rows.is_empty());
        if self.fresh && !items.is_empty() {
            let list = items.iter().find(|i| matches!(i, Item::List(_)));
            // An empty field above the list is what the page needs first.
            let needed = items.iter().take_while(|i| !matches!(i, Item::List(_))).find(|i| {
                matches!(i, Item::Field(f) if f.value.as_str().is_empty() && !f.secret && f.takes == Takes::Whole)
            });
            let empty = items
                .iter()
                .find(|i| matches!(i, Item::Field(f) if f.value.as_str().is_empty() && !f.secret && f.takes != Takes::Optional));
            if list.is_some() || !list_to_come {
                self.fresh = false;
                self.item = needed.or(list).or(empty).map(Item::id);
            }
        }
        let lists: Vec<&'static str> = screen.lists().map(|l| l.id).collect();
        let fields: Vec<&'static str> = screen.fields().map(|f| f.id).collect();
        let at_once = screen.fields().find(|f| f.takes == Takes::AtOnce);
        let opened = match &self.before {
            Some((same, before)) if *same == lists => {
                fields.iter().find(|f| !before.contains(f)).copied()
            }
            Some((_, before)) => at_once.map(|f| f.id).filter(|f| !before.contains(f)),
            None => at_once.map(|f| f.id),
        };
        // Who turns a choice stays at it, whatever fields that opens.
        let turns = self.item.is_some_and(|id| {
            items
                .iter()
                .any(|i| matches!(i, Item::Choice(c) if c.id == id))
        });
        if let Some(opened) = opened.filter(|_| !turns) {
            self.item = Some(opened);
            self.edit = None;
            self.follow = true;
        }
        self.before = Some((lists, fields));
        for item in &items {
            if let Item::List(list) = item {
                match list.made {
                    Some(made) if self.sent.insert(list.id, made) != Some(made) => {
                        self.rows.insert(list.id, made);
                        self.follow = true;
                    }
                    Some(_) => {}
                    None => {
                        self.sent.remove(list.id);
                    }
                }
            }
            if let Item::List(list) = item
                && let Some(row) = self.rows.get_mut(list.id)
            {
                *row = (*row).min(list.rows.len() - 1);
            }
        }
    }

    pub fn is_on(&self, id: &str) -> bool {
        self.item == Some(id)
    }

    pub fn is_typing(&self, screen: &Screen) -> bool {
        matches!(self.current(screen), Some(Item::Field(_)))
    }

    /// Where the list begins, until somebody moves.
    pub fn row(&self, list: &List) -> usize {
        let last = list.rows.len().saturating_sub(1);
        self.rows
            .get(list.id)
            .copied()
            .unwrap_or(list.start)
            .min(last)
    }

    fn current<'a>(&self, screen: &'a Screen) -> Option<Item<'a>> {
        let id = self.item?;
        items(screen).into_iter().find(|i| i.id() == id)
    }

    /// A row moved with its content: the cursor goes along.
    fn go_with(&mut self, action: &Action, list: &List) {
        let rows = list.rows.len();
        let row = self.row(list);
        match action.id {
            "up" => {
                self.rows.insert(list.id, row.saturating_sub(1));
            }
            "down" => {
                self.rows
                    .insert(list.id, (row + 1).min(rows.saturating_sub(1)));
            }
            _ => {}
        }
    }

    fn step(&mut self, screen: &Screen, forward: bool) {
        let items = items(screen);
        let at = self
            .item
            .and_then(|id| items.iter().position(|i| i.id() == id));
        // The page itself stands behind the last item.
        let places = items.len() + 1;
        let now = at.unwrap_or(items.len());
        let next = if forward {
            (now + 1) % places
        } else {
            (now + places - 1) % places
        };
        self.item = items.get(next).map(Item::id);
        self.follow = true;
    }

    fn take_edit(&mut self) -> Vec<Wish> {
        match self.edit.take() {
            Some(edit) => vec![Wish::Set {
                field: edit.field,
                text: edit.text.into_iter().collect(),
            }],
            None => Vec::new(),
        }
    }

    /// What would complete the text under the cursor to something that is known.
    pub fn completion(&self, field: &Field) -> Option<String> {
        let edit = self.edit.as_ref().filter(|e| e.field == field.id)?;
        if edit.at < edit.text.len() || edit.text.is_empty() {
            return None;
        }
        let text: String = edit.text.iter().collect();
        field
            .options
            .iter()
            .find_map(|o| o.strip_prefix(&text).filter(|rest| !rest.is_empty()))
            .map(str::to_owned)
    }

    fn editing(&mut self, field: &Field) -> &mut Edit {
        if self.edit.as_ref().is_none_or(|e| e.field != field.id) {
            let text: Vec<char> = if field.secret {
                Vec::new()
            } else {
                field.value.as_str().chars().collect()
            };
            self.edit = Some(Edit {
                field: field.id,
                at: text.len(),
                text,
            });
        }
        self.edit.get_or_insert_with(Edit::default)
    }

    /// The text was refused: it stays where it was typed, to be repaired.
    pub fn refused(&mut self, field: &'static str, text: &str, secret: bool) {
        let text: Vec<char> = if secret {
            Vec::new()
        } else {
            text.chars().collect()
        };
        self.item = Some(field);
        self.edit = Some(Edit {
            field,
            at: text.len(),
            text,
        });
    }

    /// What was pasted goes into the field that has the focus; otherwise why it does not.
    pub fn paste(&mut self, screen: &Screen, text: &str) -> Result<(), &'static str> {
        let Some(Item::Field(field)) = self.current(screen) else {
            return Err("What was pasted goes into a field: Tab leads to one");
        };
        if text.trim().lines().count() > 1 {
            return Err("Several lines were pasted, and a field takes one: nothing was taken");
        }
        let edit = self.editing(field);
        for c in text.trim().chars().filter(|c| !c.is_control()) {
            edit.text.insert(edit.at, c);
            edit.at += 1;
        }
        self.follow = true;
        Ok(())
    }

    /// The wheel: the page scrolls, wherever the focus is.
    pub fn wheel(&mut self, up: bool) {
        self.follow = false;
        self.scroll = if up {
            self.scroll.saturating_sub(3)
        } else {
            self.scroll + 3
        };
    }

    /// A click: what it chooses. A row that has the cursor already is picked by a second click.
    pub fn click(&mut self, screen: &Screen, column: u16, line: u16) -> Vec<Wish> {
        let on = |h: &&Hit| h.line == line && (h.from..h.to).contains(&column);
        let Some(hit) = self.hits.iter().find(on).copied() else {
            return Vec::new();
        };
        let mut wishes = self.take_edit();
        match hit.what {
            Target::Step(step) => wishes.push(Wish::GoTo(step)),
            Target::Field(field) => self.item = Some(field),
            Target::Choice(choice, at) => {
                self.item = Some(choice);
                wishes.push(Wish::Choose { choice, at });
            }
            Target::Row(id, row) => {
                let list = screen.lists().find(|l| l.id == id);
                let again = self.item == Some(id) && list.is_some_and(|l| self.row(l) == row);
                self.item = Some(id);
                self.rows.insert(id, row);
                if let (true, Some(enter)) = (again, list.and_then(|l| l.enter)) {
                    wishes.push(Wish::Act {
                        id: enter,
                        row: Some(row),
                    });
                }
            }
        }
        wishes
    }

    pub fn input(&mut self, screen: &Screen, input: Input) -> Took {
        if matches!(input, Input::Tab | Input::BackTab) {
            self.fresh = false;
        }
        let current = self.current(screen);
        if let Some(Item::Field(field)) = current
            && let Some(took) = self.in_field(screen, field, input)
        {
            return took;
        }
        let wishes = match (input, current) {
            (Input::Tab, _) => {
                let wishes = self.take_edit();
                self.step(screen, true);
                wishes
            }
            (Input::BackTab, _) => {
                let wishes = self.take_edit();
                self.step(screen, false);
                wishes
            }
            (Input::Up | Input::Down, Some(Item::List(list))) => {
                let (row, last) = (self.row(list), list.rows.len() - 1);
                let next = if input == Input::Up {
                    row.saturating_sub(1)
                } else {
                    (row + 1).min(last)
                };
                if next == row {
                    // At the list's end the page goes on scrolling, so that what is below can be read.
                    self.scroll_by(input);
                } else {
                    self.rows.insert(list.id, next);
                    self.follow = true;
                }
                Vec::new()
            }
            (Input::Home, Some(Item::List(list))) => {
                self.rows.insert(list.id, 0);
                self.follow = true;
                Vec::new()
            }
            (Input::End, Some(Item::List(list))) => {
                self.rows.insert(list.id, list.rows.len() - 1);
                self.follow = true;
                Vec::new()
            }
            (Input::Left, Some(Item::Choice(c))) if c.chosen > 0 => vec![Wish::Choose {
                choice: c.id,
                at: c.chosen - 1,
            }],
            (Input::Right, Some(Item::Choice(c))) if c.chosen + 1 < c.options.len() => {
                vec![Wish::Choose {
                    choice: c.id,
                    at: c.chosen + 1,
                }]
            }
            (Input::Left | Input::Right, Some(Item::Choice(_))) => Vec::new(),
            (Input::Up, Some(Item::Choice(_))) => {
                self.step(screen, false);
                Vec::new()
            }
            (Input::Down, Some(Item::Choice(_))) => {
                self.step(screen, true);
                Vec::new()
            }
            (Input::Enter, Some(Item::List(list))) if list.enter.is_some() => vec![Wish::Act {
                id: list.enter.unwrap_or_default(),
                row: Some(self.row(list)),
            }],
            (Input::Enter, _) => vec![Wish::Next],
            (Input::Escape, _) => vec![Wish::Escape],
            (Input::PageUp | Input::PageDown, Some(Item::List(list)))
                if self.height > 0 && list.rows.len() > self.height =>
            {
                self.page_in(list, input == Input::PageUp);
                Vec::new()
            }
            (
                Input::Up
                | Input::Down
                | Input::PageUp
                | Input::PageDown
                | Input::Home
                | Input::End,
                _,
            ) => {
                self.scroll_by(input);
                Vec::new()
            }
            (Input::Left, _) => self.act(screen, Key::Left),
            (Input::Right, _) => self.act(screen, Key::Right),
            (Input::Char(' '), _) => self.act(screen, Key::Space),
            (Input::Char(c), _) => self.letter(screen, c),
            _ => return Took::Ignored,
        };
        Took::Msgs(wishes)
    }

    /// A letter outside of a field: the page's own, else what it means everywhere.
    fn letter(&mut self, screen: &Screen, c: char) -> Vec<Wish> {
        let acted = self.act(screen, Key::Char(c));
        match c {
            _ if !acted.is_empty() => acted,
            '?' => vec![Wish::Help],
            'l' => vec![Wish::Log],
            'd' => vec![Wish::Details],
            'q' => vec![Wish::Quit],
            'c' => vec![Wish::Copy],
            '[' => vec![Wish::Back],
            ']' => vec![Wish::Forward],
            '1'..='9' => vec![Wish::GoTo(c as usize - '1' as usize)],
            // An unknown key still cancels what waited for `y`.
            _ => vec![Wish::Act { id: "", row: None }],
        }
    }

    /// A page up or down in a list that is longer than the screen.
    fn page_in(&mut self, list: &List, up: bool) {
        let (row, last) = (self.row(list), list.rows.len() - 1);
        let page = self.height.saturating_sub(2).max(1);
        let next = if up {
            row.saturating_sub(page)
        } else {
            (row + page).min(last)
        };
        self.rows.insert(list.id, next);
        self.follow = true;
    }

    fn act(&mut self, screen: &Screen, key: Key) -> Vec<Wish> {
        let Some(action) = screen.actions.iter().find(|a| a.key == key) else {
            return Vec::new();
        };
        if !action.on_row {
            return vec![Wish::Act {
                id: action.id,
                row: None,
            }];
        }
        // What acts on a row needs one that is marked.
        let Some(Item::List(list)) = self.current(screen) else {
            return Vec::new();
        };
        let row = Some(self.row(list));
        self.go_with(action, list);
        vec![Wish::Act { id: action.id, row }]
    }

    fn scroll_by(&mut self, input: Input) {
        self.follow = false;
        // Before the first frame nobody knows how high the page is.
        let page = match self.height {
            0 => 10,
            height => height.saturating_sub(1).max(1),
        };
        self.scroll = match input {
            Input::Up => self.scroll.saturating_sub(1),
            Input::PageUp => self.scroll.saturating_sub(page),
            Input::Down => self.scroll + 1,
            Input::PageDown => self.scroll + page,
            Input::Home => 0,
            _ => usize::MAX / 2,
        };
    }

    fn in_field(&mut self, screen: &Screen, field: &Field, input: Input) -> Option<Took> {
        let typed = match input {
            Input::Char(c) => {
                let edit = self.editing(field);
                edit.text.insert(edit.at, c);
                edit.at += 1;
                true
            }
            Input::Backspace => {
                let edit = self.editing(field);
                if edit.at > 0 {
                    edit.at -= 1;
                    edit.text.remove(edit.at);
                }
                true
            }
            Input::Delete => {
                let edit = self.editing(field);
                if edit.at < edit.text.len() {
                    edit.text.remove(edit.at);
                }
                true
            }
            Input::Clear => {
                let edit = self.editing(field);
                edit.text.clear();
                edit.at = 0;
                true
            }
            Input::Right if self.completion(field).is_some() => {
                let rest = self.completion(field).unwrap_or_default();
                let edit = self.editing(field);
                edit.text.extend(rest.chars());
                edit.at = edit.text.len();
                true
            }
            Input::Left | Input::Right | Input::Home | Input::End => {
                let edit = self.editing(field);
                edit.at = match input {
                    Input::Left => edit.at.saturating_sub(1),
                    Input::Right => (edit.at + 1).min(edit.text.len()),
                    Input::Home => 0,
                    _ => edit.text.len(),
                };
                false
            }
            Input::Enter => {
                let wishes = self.take_edit();
                // Back to the page's list, where there is one; else to the page itself.
                self.item = screen.lists().find(|l| !l.rows.is_empty()).map(|l| l.id);
                return Some(Took::Msgs(wishes));
            }
            Input::Escape => {
                self.edit = None;
                // Back to the page's list, where the keys of its rows work.
                self.item = screen.lists().find(|l| !l.rows.is_empty()).map(|l| l.id);
                // A field that was only opened to be typed into closes again.
                let closed = (field.takes == Takes::AtOnce).then(|| Wish::Set {
                    field: field.id,
                    text: String::new(),
                });
                return Some(Took::Msgs(closed.into_iter().collect()));
            }
            Input::Up => {
                let wishes = self.take_edit();
                self.step(screen, false);
                return Some(Took::Msgs(wishes));
            }
            Input::Down => {
                let wishes = self.take_edit();
                self.step(screen, true);
                return Some(Took::Msgs(wishes));
            }
            _ => return None,
        };
        // What is typed is seen, wherever the page was scrolled to.
        self.follow = true;
        let wishes = match &self.edit {
            Some(edit) if typed && field.takes == Takes::Each => {
                vec![Wish::Set {
                    field: edit.field,
                    text: edit.text.iter().collect(),
                }]
            }
            _ => Vec::new(),
        };
        Some(Took::Msgs(wishes))
    }
}

//! What can be answered on a page, numbered.

use crate::engine::workflow::Phase;
use crate::ui::pages::Place;
use crate::ui::screen::{Block, Key, Screen};
use crate::ui::wizard::{Msg, Wizard};

#[derive(Debug, Clone)]
pub(super) enum Does {
    Say(Msg),
    Row {
        id: &'static str,
        rows: usize,
    },
    Field {
        field: &'static str,
        secret: bool,
    },
    Choice {
        choice: &'static str,
    },
    Details,
    Calls,
    /// The page is read out as it is by now.
    Again,
}

#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub label: String,
    /// The key that does it on the full screen works here too.
    pub key: Option<char>,
    pub does: Does,
}

pub(super) fn picks(wizard: &Wizard, screen: &Screen) -> Vec<Pick> {
    let mut picks = Vec::new();
    let mut add = |label: String, does: Does| {
        picks.push(Pick {
            label,
            key: None,
            does,
        })
    };
    if let Some(next) = screen.next {
        add(format!("next: {next}"), Does::Say(Msg::Next));
    }
    for block in &screen.blocks {
        match block {
            Block::List(l) if l.enter.is_some() && !l.rows.is_empty() => {
                let what = l
                    .header
                    .iter()
                    .find(|h| !h.as_str().is_empty())
                    .map_or("row", |h| h.as_str());
                add(
                    format!("pick a {what}"),
                    Does::Row {
                        id: l.enter.unwrap_or_default(),
                        rows: l.rows.len(),
                    },
                );
            }
            Block::Field(f) => add(
                format!("set {}", f.label.to_lowercase()),
                Does::Field {
                    field: f.id,
                    secret: f.secret,
                },
            ),
            Block::Choice(c) => add(
                format!("change \"{}\"", c.label.to_lowercase()),
                Does::Choice { choice: c.id },
            ),
            _ => {}
        }
    }
    let rows = screen
        .lists()
        .find(|l| !l.rows.is_empty())
        .map_or(0, |l| l.rows.len());
    for action in &screen.actions {
        // A diff is never cut here, so there is nothing to wrap.
        if action.id == "wrap" {
            continue;
        }
        let label = match action.id {
            "left" => "previous change",
            // Here one question confirms it.
            "arm" => "apply all",
            _ => action.label,
        };
        let does = match (action.on_row, rows) {
            (true, 0) => continue,
            (true, rows) => Does::Row {
                id: action.id,
                rows,
            },
            (false, _) => Does::Say(Msg::Act {
                id: action.id,
                row: None,
            }),
        };
        let key = if let Key::Char(c) = action.key {
            Some(c)
        } else {
            None
        };
        picks.push(Pick {
            label: label.to_owned(),
            key,
            does,
        });
    }
    let mut add = |label: &str, does: Does| {
        picks.push(Pick {
            label: label.to_owned(),
            key: None,
            does,
        });
    };
    if wizard.model.is_watching() {
        add("look again", Does::Again);
    }
    add("details", Does::Details);
    add("calls", Does::Calls);
    if wizard.has_back() {
        add("back", Does::Say(Msg::Back));
    }
    if !matches!(
        wizard.model.phase(),
        Phase::Verifying { .. } | Phase::Refused(_)
    ) {
        add("quit", Does::Say(quit(wizard)));
    }
    picks
}

/// Home and what it opens are left as on the screen; the wizard at once.
fn quit(wizard: &Wizard) -> Msg {
    match wizard.place {
        Place::Setup => Msg::Interrupt,
        _ => Msg::Quit,
    }
}

/// By its number, or by the first letters of one label.
pub(super) fn chosen<'a>(picks: &'a [Pick], answer: &str) -> Result<&'a Pick, String> {
    if let Ok(n) = answer.parse::<usize>() {
        return n
            .checked_sub(1)
            .and_then(|i| picks.get(i))
            .ok_or_else(|| format!("There is no {n}: type a number from 1 to {}.", picks.len()));
    }
    let mut letters = answer.chars();
    if let (Some(c), None) = (letters.next(), letters.next())
        && let Some(pick) = picks.iter().find(|p| p.key == Some(c))
    {
        return Ok(pick);
    }
    let answer = answer.to_lowercase();
    let fits: Vec<&Pick> = picks
        .iter()
        .filter(|p| !answer.is_empty() && p.label.to_lowercase().starts_with(&answer))
        .collect();
    match fits.as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "Type a number from 1 to {}, or the first letters of a choice.",
            picks.len()
        )),
        several => Err(format!(
            "That could be: {}.",
            several
                .iter()
                .map(|p| p.label.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

//! The README's pictures: screens of the sandbox as SVG, drawn from what the terminal would show. `STUDIOLINK_PICTURES=1 cargo test
//! --locked --lib pictures` writes them; without that the test says where one is no longer true.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::*;

/// Columns and lines, in units of the picture.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 14.0;

impl Play {
    fn buffer(&mut self) -> Buffer {
        self.app.theme = Theme { colour: true };
        let mut terminal = Terminal::new(TestBackend::new(self.width, self.height)).unwrap();
        self.app
            .draw(&mut terminal, self.driver.log().as_ref())
            .unwrap();
        terminal.backend().buffer().clone()
    }
}

fn colour(cell: &Cell) -> &'static str {
    let dim = cell.modifier.contains(Modifier::DIM);
    match cell.fg {
        Color::Green => "#7ec699",
        Color::Yellow => "#e5c07b",
        Color::Red => "#f08080",
        Color::Magenta => "#d7a0e6",
        Color::Cyan => "#7fc8d8",
        _ if dim => "#8a919c",
        _ => "#d7dae0",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A run of cells that look the same.
fn span(out: &mut String, (from, cells): (usize, &[&Cell])) {
    let text: String = cells.iter().map(|c| c.symbol()).collect();
    if text.trim().is_empty() {
        return;
    }
    let bold = cells[0].modifier.contains(Modifier::BOLD);
    let weight = if bold { " font-weight=\"bold\"" } else { "" };
    let x = MARGIN + f32::from(u16::try_from(from).unwrap()) * CELL.0;
    let _ = write!(
        out,
        "<tspan x=\"{x:.1}\" fill=\"{}\"{weight}>{}</tspan>",
        colour(cells[0]),
        escaped(&text)
    );
}

fn svg(buffer: &Buffer, title: &str) -> String {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let whole = (
        f32::from(width) * CELL.0 + 2.0 * MARGIN,
        f32::from(height) * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" \
         role=\"img\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2027\"/>\n",
        whole.0,
        whole.1,
        escaped(title)
    );
    for row in 0..height {
        let cells: Vec<&Cell> = (0..width).map(|x| &buffer[(x, row)]).collect();
        let y = MARGIN + f32::from(row) * CELL.1 + 13.0;
        let _ = write!(out, "<text xml:space=\"preserve\" y=\"{y:.0}\">");
        let mut from = 0;
        for at in 1..=cells.len() {
            let same = |a: &Cell, b: &Cell| (a.fg, a.modifier) == (b.fg, b.modifier);
            if at == cells.len() || !same(cells[at], cells[from]) {
                span(&mut out, (from, &cells[from..at]));
                from = at;
            }
        }
        out.push_str("</text>\n");
    }
    out + "</svg>\n"
}

/// Days and clocks differ from run to run; nothing else may.
fn without_days(text: &str) -> String {
    let days = regex::Regex::new(r"\d{4}-\d\d-\d\d|\(\d+ days\)|\d\d:\d\d:\d\d").unwrap();
    days.replace_all(text, "DAY").into_owned()
}

fn check(play: &mut Play, name: &str, title: &str) -> Option<String> {
    let now = svg(&play.buffer(), title);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/screens/{name}.svg"));
    if std::env::var_os("STUDIOLINK_PICTURES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
        return None;
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    (without_days(&then) != without_days(&now)).then(|| name.to_owned())
}

#[tokio::test]
async fn the_pictures_of_the_readme_are_what_the_screen_shows() {
    let mut other = Vec::new();
    let mut home = Play::home("studio", true).await;
    other.extend(check(
        &mut home,
        "home",
        "Home: what can be done, and the state of each",
    ));
    let mut setup = Play::open("studio", true, false).await;
    setup.keys("⏎⏎").await;
    other.extend(check(
        &mut setup,
        "channels",
        "Step 3 of 7: the channels of the queue environment",
    ));
    setup.keys("⏎⏎⏎→").await;
    other.extend(check(
        &mut setup,
        "review",
        "Step 6 of 7: every change as a diff",
    ));
    let mut broken = Play::home("studio", true).await;
    broken
        .sandbox
        .edit(|t| "moved.example.com".clone_into(&mut t.ayon.host));
    broken.keys("↓⏎r").await;
    other.extend(check(
        &mut broken,
        "diagnose",
        "A connection, hop by hop, with the broken one marked",
    ));
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in ["home", "channels", "review", "diagnose"] {
        if !readme.contains(&format!("docs/screens/{name}.svg")) {
            other.push(format!("{name} is not in the README"));
        }
    }
    assert!(
        other.is_empty(),
        "not true any more: {other:?}; STUDIOLINK_PICTURES=1 cargo test --locked --lib pictures draws them again"
    );
}

//! The connections as a diagram: one layout, of boxes from the workers to the server, drawn for a terminal, as Mermaid and
//! as SVG. The state of each box is a word; colour is never needed.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::connections;
use crate::derived::connections::{Connection, connections as connections_of};
use crate::derived::job_packages::server;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::questions::View;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagram {
    pub connections: Vec<Lane>,
}

/// The connection of one or more fleets that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    pub path: &'static str,
    pub boxes: Vec<Stop>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    pub name: Printable,
    pub which: Printable,
    /// `None`: there is nothing to say.
    #[serde(serialize_with = "as_id")]
    pub state: Option<Verdict>,
}

fn stop(name: impl Into<Printable>, which: impl Into<Printable>, state: Option<Verdict>) -> Stop {
    Stop {
        name: name.into(),
        which: which.into(),
        state,
    }
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // serde's own signature
fn as_id<S: Serializer>(state: &Option<Verdict>, to: S) -> Result<S::Ok, S::Error> {
    state.map(Verdict::id).serialize(to)
}

impl Diagram {
    /// Is one of the connections broken somewhere?
    pub fn is_broken(&self) -> bool {
        let mut boxes = self.connections.iter().flat_map(|lane| &lane.boxes);
        boxes.any(Stop::is_broken)
    }
}

impl Stop {
    fn word(&self) -> &'static str {
        self.state.map_or("", Verdict::word)
    }

    fn is_broken(&self) -> bool {
        self.state == Some(Verdict::Fail)
    }
}

/// As it was seen.
pub fn of(view: &View, findings: &[&Finding]) -> Diagram {
    let mut lanes: Vec<(Vec<String>, Lane)> = Vec::new();
    for connection in connections_of(view) {
        let Some(lane) = lane(view, &connection, findings) else {
            continue;
        };
        let name = view.fleet_name(&connection.key).to_string();
        match lanes.iter_mut().find(|(_, l)| *l == lane) {
            Some((names, _)) => names.push(name),
            None => lanes.push((vec![name], lane)),
        }
    }
    let connections = lanes.into_iter().map(|(names, mut lane)| {
        lane.boxes[0].name = names.join(", ").into();
        lane
    });
    Diagram {
        connections: connections.collect(),
    }
}

fn lane(view: &View, connection: &Connection, findings: &[&Finding]) -> Option<Lane> {
    let url = server(view)?;
    let chosen = connection.chosen;
    let path = connections::path(chosen.path);
    let own = |f: &&Finding| connection.tells(f);
    let by_workers = connections::told_by_workers(connection, findings.iter().copied());
    let mut boxes = vec![stop("", chosen.place.words(), None)];
    let mut broken = false;
    if connection.can_work() {
        for point in path.legs.iter().flat_map(|leg| leg.stops) {
            let of_stop = findings
                .iter()
                .copied()
                .filter(own)
                .filter(|f| point.hops.iter().any(|h| h.id == f.check));
            let mut worst = of_stop.map(|f| f.verdict).min();
            if point.name == connections::SERVER {
                worst = worst.into_iter().chain(by_workers).min();
            }
            // A leg that says nothing does not apply.
            if let Some(state) = worst {
                broken |= state == Verdict::Fail;
                boxes.push(stop(
                    point.name,
                    (point.which)(view, &connection.key),
                    Some(state),
                ));
            }
        }
    } else {
        boxes.push(stop(
            format!("{}: does not lead there", path.title),
            chosen.reach.why,
            Some(Verdict::Fail),
        ));
        broken = true;
    }
    if boxes
        .last()
        .is_none_or(|b| b.name.as_str() != connections::SERVER)
    {
        let state = if broken {
            Verdict::NotReached
        } else {
            by_workers.unwrap_or(Verdict::WorkerOnly)
        };
        boxes.push(stop(
            connections::SERVER,
            url.as_str().trim_end_matches('/'),
            Some(state),
        ));
    }
    Some(Lane {
        path: path.title,
        boxes,
    })
}

/// How boxes are drawn in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    Unicode,
    Ascii,
}

/// So wide is a box at most, with the state next to it below 80 columns.
const WIDEST: usize = 60;

/// For a terminal or a text file, below 80 columns.
pub fn text(diagram: &Diagram, lines: Lines) -> String {
    let (h, v, corners, arrow) = match lines {
        Lines::Unicode => ("─", "│", ["┌", "┐", "└", "┘"], "▼"),
        Lines::Ascii => ("-", "|", ["+", "+", "+", "+"], "v"),
    };
    let mut out = String::new();
    for lane in &diagram.connections {
        let _ = writeln!(out, "{}", lane.path);
        let content = |b: &Stop| {
            let mut rows = crate::ui::screen::fold(b.name.as_str(), WIDEST);
            if !b.which.as_str().is_empty() {
                rows.extend(crate::ui::screen::fold(b.which.as_str(), WIDEST));
            }
            rows
        };
        let all: Vec<Vec<String>> = lane.boxes.iter().map(content).collect();
        let columns = |t: &String| Printable::new(t).columns();
        let width = all.iter().flatten().map(columns).max().unwrap_or(0);
        for (n, (stop, rows)) in lane.boxes.iter().zip(&all).enumerate() {
            if n > 0 {
                let _ = writeln!(out, "    {v}\n    {arrow}");
            }
            let edge = |left: &str, right: &str| format!("  {left}{}{right}", h.repeat(width + 2));
            let _ = writeln!(out, "{}", edge(corners[0], corners[1]));
            for (i, row) in rows.iter().enumerate() {
                let gap = " ".repeat(width - columns(row));
                let state = if i == 0 {
                    format!(" {}", stop.word())
                } else {
                    String::new()
                };
                let _ = writeln!(out, "{}", format!("  {v} {row}{gap} {v}{state}").trim_end());
            }
            let _ = writeln!(out, "{}", edge(corners[2], corners[3]));
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// Nothing of a name may start markup of its own.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in Printable::new(text).as_str().chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// In a quoted label Mermaid takes `#` as the start of a code, `&` and quotes as its own.
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in Printable::new(text).as_str().chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' | '{' | '}' | '[' | ']' | '|' => {
                let _ = write!(out, "#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// For the studio's documentation.
pub fn mermaid(diagram: &Diagram) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (n, lane) in diagram.connections.iter().enumerate() {
        for (i, stop) in lane.boxes.iter().enumerate() {
            let mut lines = vec![label(stop.name.as_str())];
            for more in [stop.which.as_str(), stop.word()] {
                if !more.is_empty() {
                    lines.push(label(more));
                }
            }
            let _ = writeln!(out, "    c{n}s{i}[\"{}\"]", lines.join("<br/>"));
        }
        for i in 1..lane.boxes.len() {
            let by = if i == 1 {
                format!("|\"{}\"|", label(lane.path))
            } else {
                String::new()
            };
            let _ = writeln!(out, "    c{n}s{} -->{by} c{n}s{i}", i - 1);
        }
        let broken = lane.boxes.iter().position(Stop::is_broken);
        if let Some(i) = broken {
            let _ = writeln!(
                out,
                "    style c{n}s{i} stroke-width:4px,stroke-dasharray:6 3"
            );
        }
    }
    out.trim_end().to_owned()
}

/// A picture of its own: no font, no script, no address of anywhere else.
pub fn svg(diagram: &Diagram) -> String {
    const BOX: usize = 460;
    const LINE: usize = 20;
    const GAP: usize = 34;
    const LEFT: usize = 20;
    let mut body = String::new();
    let mut y = 20;
    let mut put = |x: usize, y: usize, more: &str, text: &str| {
        let _ = writeln!(
            body,
            "<text x=\"{x}\" y=\"{y}\"{more}>{}</text>",
            escaped(text)
        );
    };
    let mut shapes = String::new();
    for lane in &diagram.connections {
        put(LEFT, y + 14, " font-weight=\"bold\"", lane.path);
        y += 28;
        for (i, stop) in lane.boxes.iter().enumerate() {
            let names = crate::ui::screen::fold(stop.name.as_str(), WIDEST);
            let which = crate::ui::screen::fold(stop.which.as_str(), WIDEST);
            let height = 12 + LINE * (names.len() + which.len());
            if i > 0 {
                let x = LEFT + 30;
                let _ = writeln!(
                    shapes,
                    "<path d=\"M{x} {} V{} M{} {} L{x} {} L{} {}\" fill=\"none\" stroke=\"#333\" stroke-width=\"2\"/>",
                    y - GAP,
                    y - 3,
                    x - 5,
                    y - 10,
                    y - 2,
                    x + 5,
                    y - 10
                );
            }
            let broken = stop.is_broken();
            let dash = if broken {
                " stroke-dasharray=\"6 3\""
            } else {
                ""
            };
            let _ = writeln!(
                shapes,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{BOX}\" height=\"{height}\" rx=\"6\" fill=\"#fff\" \
                stroke=\"#333\" stroke-width=\"{}\"{dash}/>",
                if broken { 3 } else { 1 }
            );
            let grey = " fill=\"#555\"";
            let rows = names
                .iter()
                .map(|n| (n, ""))
                .chain(which.iter().map(|w| (w, grey)));
            for (n, (row, more)) in rows.enumerate() {
                put(LEFT + 12, y + LINE * (n + 1), more, row);
            }
            put(
                LEFT + BOX + 14,
                y + height / 2 + 5,
                " font-weight=\"bold\"",
                stop.word(),
            );
            y += height + GAP;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 {y}\" width=\"640\" height=\"{y}\" \
        font-family=\"sans-serif\" font-size=\"14\" role=\"img\">\n<title>How workers reach the AYON server</title>\n\
        <rect width=\"640\" height=\"{y}\" fill=\"#fff\"/>\n{shapes}{body}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagram() -> Diagram {
        Diagram {
            connections: vec![Lane {
                path: "VPC Lattice",
                boxes: vec![
                    stop("Publish \"A\" <b>", "service-managed workers", None),
                    stop(
                        "resource gateway",
                        "ayon-gateway (rgw-0a1b2c3d4e5f60718)",
                        Some(Verdict::Ok),
                    ),
                    stop(
                        "Site-to-Site VPN",
                        "studio (vpn-0a1b2c3d4e5f60718)",
                        Some(Verdict::Fail),
                    ),
                    stop(
                        "AYON server",
                        "https://ayon.nordlicht.lan",
                        Some(Verdict::NotReached),
                    ),
                ],
            }],
        }
    }

    #[test]
    fn the_terminal_has_boxes_below_80_columns() {
        let text = text(&diagram(), Lines::Unicode);
        assert!(
            text.lines().all(|l| Printable::new(l).columns() < 80),
            "{text}"
        );
        insta::assert_snapshot!(text);
        let plain = super::text(&diagram(), Lines::Ascii);
        assert!(plain.is_ascii(), "{plain}");
    }

    #[test]
    fn names_start_no_markup() {
        let mermaid = mermaid(&diagram());
        assert!(mermaid.contains("Publish #34;A#34; #60;b#62;"), "{mermaid}");
        insta::assert_snapshot!(mermaid);
        let svg = svg(&diagram());
        assert!(
            svg.contains("Publish &quot;A&quot; &lt;b&gt;") && !svg.contains("<b>"),
            "{svg}"
        );
        assert!(
            !svg.contains("<script") && svg.matches("http").count() == 2,
            "one of them is the server's"
        );
    }
}

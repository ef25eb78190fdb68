//! `studiolink diagram`: the connections of the studio, drawn as they are seen now. Read-only, as an audit is.

use serde_json::json;

use super::args::{self, Args, Format};
use super::open::catalogues;
use super::out::{data, talk};
use super::setup::{account, calls, told_while};
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::exit::Exit;
use crate::domain::finding::could_not_check;
use crate::engine::Progress;
use crate::engine::drive::observe;
use crate::engine::workflow::Workflow;
use crate::questions::{Purpose, View};
use crate::ui::diagram::{self, Lines};
use crate::ui::report::json as json_report;

pub(super) async fn run(args: &Args, command: &args::Diagram) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let config = open::needed(args, &file)?;
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let mut work = Workflow::audit(catalogues(), world.region().clone(), config.clone());
    let tell = |progress: Progress| {
        if let Progress::WaitingFor(words) = progress {
            talk(words.as_str());
        }
    };
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    calls(args, world, 0);
    let view = View::new(work.snapshot(), &config, Purpose::AUDIT);
    let findings: Vec<_> = work.observed_findings().collect();
    let drawn = diagram::of(&view, &findings);
    let exit = Exit::Clean
        .and_if(stop.is_asked(), Exit::Interrupted)
        .and_if(work.names_unknown_queue(), Exit::Usage)
        .and_if(drawn.is_broken(), Exit::Problem)
        .and_if(could_not_check(findings.iter().copied()), Exit::NotChecked);
    if drawn.connections.is_empty() && args.format != Format::Json {
        talk("nothing to draw: no fleet that publishes is known, or no server is named");
        return Ok(exit);
    }
    match args.format {
        Format::Text => {
            let lines = if command.ascii {
                Lines::Ascii
            } else {
                Lines::Unicode
            };
            data(&diagram::text(&drawn, lines));
        }
        Format::Mermaid => data(&diagram::mermaid(&drawn)),
        Format::Svg => data(&diagram::svg(&drawn)),
        Format::Json => {
            let parts = json!({ "connections": drawn.connections });
            let (account, region) = (account(work.snapshot()), &work.snapshot().region);
            let document =
                json_report::document("diagram", account.as_ref(), Some(region), exit, parts);
            data(&document.to_string());
        }
        // Refused before anything was opened.
        Format::Sarif | Format::Junit | Format::Markdown | Format::Html => {}
    }
    Ok(exit)
}

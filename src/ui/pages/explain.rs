//! What a failed job's log comes from: of a file on this machine, or of a job of the queue.

use super::super::model::{Log, Model};
use super::super::probing::{failed_log, told_not_compatible};
use super::super::report::explain::studio_says;
use super::super::screen::{Block, Field, Key, Screen, Takes, Told};
use super::super::steps::Step;
use super::super::wizard::{Effect, Msg};
use crate::domain::causes::explain;
use crate::domain::fact::Fact;
use crate::domain::finding::Verdict;
use crate::domain::ids::JobId;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::JobRun;

#[derive(Debug, Default)]
pub(super) struct Explain {
    /// As it was typed.
    asked: String,
    job: Option<JobId>,
}

impl Step for Explain {
    fn title(&self) -> &'static str {
        "Explain"
    }

    fn word(&self, _: &Model) -> &'static str {
        "-"
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        let asked = match msg {
            Msg::Set { field: "log", text } => text.trim().to_owned(),
            Msg::Act { id: "again", .. } => self.asked.clone(),
            Msg::Act { id: "another", .. } => String::new(),
            _ => return Vec::new(),
        };
        model.log = None;
        self.job = None;
        self.asked.clone_from(&asked);
        if asked.is_empty() {
            return Vec::new();
        }
        if !asked.starts_with("job-") {
            return vec![Effect::ReadLog(asked)];
        }
        match asked.parse::<JobId>() {
            Ok(job) => {
                self.job = Some(job.clone());
                let requests = model.ask_job(&job);
                requests.into_iter().map(Effect::Work).collect()
            }
            Err(why) => {
                model.note = Some((Verdict::Fail, why.to_string().into()));
                Vec::new()
            }
        }
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("What does a failed job's log come from?");
        screen.add(Block::Field(Field {
            id: "log",
            label: "File or job id",
            value: Untrusted::new(self.asked.as_str()).show(),
            secret: false,
            hint: "the log as a file of this machine, or job-... of a queue that the studio file names",
            takes: if self.asked.is_empty() {
                Takes::AtOnce
            } else {
                Takes::Whole
            },
            options: Vec::new(),
        }));
        screen.blank();
        match (&self.job, &model.log) {
            (Some(job), _) => Self::of_job(&mut screen, model, job),
            (None, Some((name, log))) if *name == self.asked => told(&mut screen, model, log),
            (None, _) if !self.asked.is_empty() => {
                screen.say("Reading ...");
            }
            (None, _) => {
                screen.say_dim("Nothing is sent anywhere: a file is read here; of a job, AWS is asked for its sessions and their logs.");
            }
        }
        if !self.asked.is_empty() {
            screen.action("again", Key::Char('r'), "read again");
            screen.action("another", Key::Char('n'), "another");
        }
        screen
    }
}

impl Explain {
    fn of_job(screen: &mut Screen, model: &Model, id: &JobId) {
        let mut problem = None;
        for queue in &model.draft.queues {
            match model.fact(&JobRun(queue.clone(), id.clone())) {
                Fact::Known(job) => {
                    let status = job.status.word();
                    screen.say(format!("Job {}: {status}", id.brief()));
                    screen.blank();
                    if let Some(told) = told_not_compatible(job) {
                        screen.add(Block::Findings(vec![told]));
                        return;
                    }
                    return told(screen, model, &failed_log(job).map_err(Box::new));
                }
                Fact::Denied(p) | Fact::NoAnswer(p) => problem = Some(p),
                Fact::Absent | Fact::NotAsked(_) => {}
            }
        }
        let asked = |q: &crate::domain::ids::QueueKey| JobRun(q.clone(), id.clone());
        let is_open = |q| {
            model
                .waiting
                .contains_key(&crate::questions::Demand::Question(asked(q).into()))
        };
        if model.draft.queues.iter().any(is_open) {
            screen.say("Reading the job's sessions and their logs ...");
        } else if let Some(problem) = problem {
            screen.add(Block::Findings(vec![Told::problem(
                Verdict::Unknown,
                problem,
            )]));
        } else {
            screen.say("No queue of the studio file has this job: compare its id in the monitor.");
        }
    }
}

fn told(screen: &mut Screen, model: &Model, log: &Log) {
    let lines = match log {
        Ok(lines) => lines,
        Err(problem) => {
            screen.add(Block::Findings(vec![Told::problem(Verdict::Fail, problem)]));
            return;
        }
    };
    let causes = explain(lines.iter().map(String::as_str));
    if causes.is_empty() {
        screen.say(format!(
            "None of the causes that are known here fits one of the {} lines.",
            lines.len()
        ));
        return;
    }
    for cause in causes {
        let says = model.reads().then(|| studio_says(&cause, model.audited()));
        screen.add(Block::Findings(vec![Told {
            about: Printable::default(),
            verdict: Verdict::Fail,
            message: cause.cause,
            why: Some(format!("line {}: {}", cause.line, cause.quote).into()),
            fix: Some(cause.fix),
        }]));
        for (verdict, words) in says.into_iter().flatten() {
            let word = verdict.map_or_else(String::new, |v| format!("{}  ", v.word()));
            screen.say(format!("        now  {word}{words}"));
        }
        screen.say_dim(format!("        from {}", cause.source));
    }
}

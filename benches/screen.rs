//! `cargo bench --bench screen`: how long a key press waits for its frame while 200 results stream in.
//! Prints figures; asserts nothing, for a machine's speed is no fault of a change.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench prints its figures

use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use studiolink::domain::ask::{Answer, Answered, Ask};
use studiolink::domain::call::Vantage;
use studiolink::domain::probe::{Probe, Reading, Seen};
use studiolink::engine::Purpose;
use studiolink::engine::observe::needed;
use studiolink::ui::draft::Draft;
use studiolink::ui::model::Model;
use studiolink::ui::tui::{App, Input, Theme};
use studiolink::ui::wizard::Msg;
use studiolink::world::World as _;
use studiolink::world::sandbox::{Sandbox, scenario};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut scenario = scenario::open("hand-edited").unwrap();
    scenario.truth.millis = 0;
    for n in 0..200 {
        scenario
            .wanted
            .channels
            .push(format!("https://conda{n}.example.com/c").parse().unwrap());
    }
    let sandbox = Sandbox::new(scenario.truth, None);
    let mut app = App::new(
        Model::new(Draft::new(Some(&scenario.wanted), None), false, None),
        Theme { colour: true },
    );
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    app.tell(Msg::Start);
    app.tell(Msg::SignedIn(
        1,
        Ok(("bench".into(), sandbox.region().clone())),
    ));
    for _ in 0..3 {
        // Every fact is answered before the stream of live tests begins.
        let model = &app.wizard.model;
        let (asks, _) = needed(
            model.studio.as_ref().unwrap(),
            &model.wanted(),
            Purpose::Setup,
        );
        let generation = model.generation;
        for ask in asks {
            let answered = runtime.block_on(sandbox.look(&ask));
            app.tell(Msg::Learned(generation, ask, Box::new(answered)));
        }
        app.tell(Msg::Next);
    }
    let asks: Vec<Ask> = vec![Ask::Caller];
    let generation = app.wizard.model.generation;
    let answer = Answered {
        answer: Answer::Caller(app.wizard.model.studio.as_ref().unwrap().caller.clone()),
        calls: Vec::new(),
    };
    app.tell(Msg::Learned(generation, asks[0].clone(), Box::new(answer)));

    let mut waits: Vec<Duration> = Vec::new();
    let mut frames: Vec<Duration> = Vec::new();
    for n in 0..200 {
        let probe = Probe::ChannelHere(format!("https://conda{n}.example.com/c").parse().unwrap());
        let reading = Reading {
            vantage: Vantage::Here,
            millis: 40,
            seen: Ok(Seen::Index { lists: None }),
            calls: Vec::new(),
        };
        let began = Instant::now();
        app.tell(Msg::Read(generation, probe, Box::new(reading)));
        app.draw(&mut terminal, None).unwrap();
        frames.push(began.elapsed());
        let began = Instant::now();
        let (msgs, _) = app.key(if n % 2 == 0 { Input::Down } else { Input::Up });
        for msg in msgs {
            app.tell(msg);
        }
        app.draw(&mut terminal, None).unwrap();
        waits.push(began.elapsed());
    }
    println!("at {}", Timestamp::now().strftime("%Y-%m-%d %H:%MZ"));
    report("key press to frame", &mut waits);
    report("result to frame", &mut frames);
    // The worst a key can meet: it comes just after a result, and waits for that frame and its own.
    println!(
        "worst key during the stream: {:.2} ms (target 16 ms)",
        (waits.last().unwrap().as_secs_f64() + frames.last().unwrap().as_secs_f64()) * 1e3
    );
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |q: usize| times[(times.len() * q / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.2} ms, 99 % {:.2} ms, worst {:.2} ms, of {}",
        at(50),
        at(99),
        at(100),
        times.len()
    );
}

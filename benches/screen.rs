//! `cargo bench --bench screen`: how long a key press waits for its frame while 200 results stream in, and on a farm of
//! 300 queues; and how long the first frame takes. Prints figures; asserts nothing, because a machine's speed is not the
//! fault of a change.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench prints its figures

use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use studiolink::cli::catalogues;
use studiolink::domain::call::Vantage;
use studiolink::engine::workflow::Request;
use studiolink::probes::{AnyProbe, IndexSeen, Listed as _, Observation, ReadIndex};
use studiolink::ui::draft::Draft;
use studiolink::ui::model::Model;
use studiolink::ui::tui::{App, Input, Theme};
use studiolink::ui::wizard::Wizard;
use studiolink::ui::wizard::{Effect, Msg};
use studiolink::world::World as _;
use studiolink::world::sandbox::{Sandbox, scenario};

struct Bench {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    app: App,
    terminal: Terminal<TestBackend>,
}

impl Bench {
    fn new(name: &str, more_channels: usize) -> Self {
        let mut scenario = scenario::open(name).unwrap();
        scenario.truth.millis = 0;
        for n in 0..more_channels {
            let channel = format!("https://conda{n}.example.com/c").parse().unwrap();
            scenario.config.channels.push(channel);
        }
        let draft = Draft::new(Some(&scenario.config), None);
        let began = Instant::now();
        let model = Model::new(draft, false, None, catalogues());
        let mut app = App::new(Wizard::new(model), Theme { colour: true });
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        app.draw(&mut terminal, None).unwrap();
        println!(
            "{name}: first frame {:.2} ms",
            began.elapsed().as_secs_f64() * 1e3
        );
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            sandbox: Sandbox::new(scenario.truth, None),
            app,
            terminal,
        }
    }

    /// Signs in and answers everything but the channels that are to stream in.
    fn settle(&mut self, msg: Msg) {
        let mut queue = vec![msg];
        while let Some(msg) = queue.pop() {
            for effect in self.app.tell(msg) {
                let Effect::Work(request) = effect else {
                    continue;
                };
                queue.extend(self.answer(request));
            }
        }
    }

    fn answer(&self, request: Request) -> Option<Msg> {
        let world = &self.sandbox;
        Some(match request {
            Request::Ask(n, question) => {
                let answered = self.runtime.block_on(world.look(&question));
                Msg::Learned(n, question, Box::new(answered))
            }
            Request::Try(_, AnyProbe::ReadIndex(ReadIndex(c)), _)
                if c.as_str().contains("conda") && c.as_str().contains("example.com") =>
            {
                return None;
            }
            Request::Try(n, probe, from) => {
                let seen = self.runtime.block_on(world.try_out(&probe, &from));
                Msg::Observed(n, probe, from, Box::new(seen))
            }
            _ => return None,
        })
    }

    fn open(&mut self, page: usize) {
        let region = self.sandbox.region().clone();
        self.settle(Msg::Start);
        self.settle(Msg::SignedIn(1, Ok(("bench".into(), region))));
        for _ in 0..page {
            self.settle(Msg::Next);
        }
        self.app.draw(&mut self.terminal, None).unwrap();
    }

    fn press(&mut self, key: Input) -> Duration {
        let began = Instant::now();
        let (msgs, _) = self.app.key(key);
        for msg in msgs {
            self.app.tell(msg);
        }
        self.app.draw(&mut self.terminal, None).unwrap();
        began.elapsed()
    }
}

fn main() {
    println!("at {}", Timestamp::now().strftime("%Y-%m-%d %H:%MZ"));
    let mut bench = Bench::new("hand-edited", 200);
    bench.open(2);
    let (mut waits, mut frames) = (Vec::new(), Vec::new());
    for n in 0..200 {
        let probe = ReadIndex(format!("https://conda{n}.example.com/c").parse().unwrap());
        let seen = Observation {
            at: Timestamp::now(),
            millis: 40,
            seen: Ok(ReadIndex::seen(IndexSeen { lists: None })),
            calls: [].into(),
        };
        let began = Instant::now();
        let msg = Msg::Observed(0, probe.any(), Vantage::Here, Box::new(seen));
        bench.app.tell(msg);
        bench.app.draw(&mut bench.terminal, None).unwrap();
        frames.push(began.elapsed());
        waits.push(bench.press(if n % 2 == 0 { Input::Down } else { Input::Up }));
    }
    report("key press to frame", &mut waits);
    report("result to frame", &mut frames);
    // The worst a key can meet: it comes just after a result, and waits for that frame and its own.
    let worst = waits.last().unwrap().as_secs_f64() + frames.last().unwrap().as_secs_f64();
    println!(
        "worst key during the stream: {:.2} ms (target 16 ms)",
        worst * 1e3
    );

    let mut bench = Bench::new("many-queues", 0);
    bench.open(1);
    let press = |n| bench.press(if n % 3 == 0 { Input::Up } else { Input::Down });
    let mut waits: Vec<Duration> = (0..200).map(press).collect();
    report("key press on a farm of 300 queues", &mut waits);
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

//! Every step in its states, as the screen shows it, on the sandbox; the plain rendering stands next to it.
//! The whole app runs: wizard, driver, world; only the terminal is a test's.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::app::App;
use super::keymap::Input;
use super::overlay::Overlay;
use super::theme::Theme;
use crate::cli::catalogues;
use crate::domain::caller::Caller;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::ids::Region;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::engine::workflow::Request;
use crate::engine::{ChangeState, Progress};
use crate::questions::AnyQuestion;
use crate::resources::Plan;
use crate::ui::draft::Draft;
use crate::ui::driver::{Driver, Outside, SignedIn};
use crate::ui::model::Model;
use crate::ui::plain::render;
use crate::ui::wizard::{Msg, Wizard};
use crate::world::World;
use crate::world::sandbox::{Sandbox, scenario};

struct Bench {
    sandbox: Arc<Sandbox>,
    fails: bool,
}

impl Outside for Bench {
    fn profiles(&self) -> BoxFuture<'_, Result<Vec<String>, Problem>> {
        async { Ok(vec!["default".to_owned(), "studio-admin".to_owned()]) }.boxed()
    }
    fn connect(
        &self,
        profile: Option<String>,
        _: Option<Region>,
    ) -> BoxFuture<'_, Result<SignedIn, Problem>> {
        async move {
            if self.fails {
                return Err(Problem::new(
                    ProblemKind::Credentials,
                    "Could not find out who is signed in",
                    "the credentials of profile \"studio-admin\" have expired",
                    "sign in again: aws sso login --profile studio-admin",
                ));
            }
            let world: Arc<dyn World> = self.sandbox.clone();
            Ok((
                world,
                profile.unwrap_or_else(|| "studio-admin".to_owned()).into(),
            ))
        }
        .boxed()
    }
    fn endpoint(&self) -> Option<String> {
        None
    }
    fn save(&self, _: &StudioConfig) -> Result<(), Problem> {
        Ok(())
    }
    fn read_log(&self, _: &str) -> Result<Vec<String>, Problem> {
        let line = "CondaToolchain: PackagesNotFoundError: The following packages are not available from current channels";
        Ok(vec!["starting".to_owned(), line.to_owned()])
    }
    fn export(
        &self,
        _: &Caller,
        _: &Region,
        _: &StudioConfig,
        _: &Plan,
    ) -> Result<Printable, Problem> {
        Ok("studiolink.plan.json".into())
    }
}

struct Play {
    sandbox: Arc<Sandbox>,
    app: App,
    driver: Driver,
    from: UnboundedReceiver<Msg>,
    width: u16,
    height: u16,
    code: Option<Exit>,
}

impl Play {
    async fn open(name: &str, from_file: bool, fails: bool) -> Self {
        Self::begin(name, from_file, fails, Wizard::new).await
    }

    async fn begin(name: &str, from_file: bool, fails: bool, first: fn(Model) -> Wizard) -> Self {
        let mut scenario = scenario::open(name).unwrap();
        scenario.truth.millis = 0;
        let sandbox = Arc::new(Sandbox::new(scenario.truth, None));
        let (to, from) = unbounded_channel();
        let driver = Driver::new(
            Arc::new(Bench {
                sandbox: sandbox.clone(),
                fails,
            }),
            to,
        );
        let draft = Draft::new(from_file.then_some(&scenario.config), None);
        let model = Model::new(draft, false, Some("studiolink.toml".into()), catalogues());
        let app = App::new(first(model), Theme { colour: false });
        let mut play = Self {
            sandbox,
            app,
            driver,
            from,
            width: 80,
            height: 24,
            code: None,
        };
        play.tell(Msg::Start).await;
        // Profiles and the key come when they come; nothing on the screen waits for them.
        while let Ok(Some(msg)) =
            tokio::time::timeout(Duration::from_millis(150), play.from.recv()).await
        {
            play.tell(msg).await;
        }
        play
    }

    async fn tell(&mut self, msg: Msg) {
        let mut queue = vec![msg];
        loop {
            for msg in queue.drain(..) {
                for effect in self.app.tell(msg) {
                    self.code = self
                        .driver
                        .run(effect, &self.app.wizard.model)
                        .or(self.code);
                }
            }
            let patience = Duration::from_millis(if self.app.wizard.is_waiting() {
                2_000
            } else {
                20
            });
            match tokio::time::timeout(patience, self.from.recv()).await {
                Ok(Some(msg)) => queue.push(msg),
                _ => return,
            }
        }
    }

    async fn keys(&mut self, keys: &str) {
        for c in keys.chars() {
            let input = match c {
                '⏎' => Input::Enter,
                '⇥' => Input::Tab,
                '⎋' => Input::Escape,
                '↑' => Input::Up,
                '↓' => Input::Down,
                '←' => Input::Left,
                '→' => Input::Right,
                '⇟' => Input::PageDown,
                '⌫' => Input::Clear,
                c => Input::Char(c),
            };
            let (msgs, _) = self.app.key(input);
            for msg in msgs {
                self.tell(msg).await;
            }
        }
    }

    fn screen(&mut self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(self.width, self.height)).unwrap();
        self.app
            .draw(&mut terminal, self.driver.log().as_ref())
            .unwrap();
        let text = terminal.backend().to_string();
        let lines: Vec<&str> = text
            .lines()
            .map(|l| l.split("\" Hidden by multi-width").next().unwrap_or(l))
            .map(|l| l.trim_matches('"').trim_end())
            .collect();
        lines.join("\n")
    }

    fn plain(&self) -> String {
        render::lines(&self.app.wizard, &self.app.wizard.view()).join("\n")
    }

    fn at(mut self, width: u16, height: u16) -> Self {
        (self.width, self.height) = (width, height);
        self
    }
}

/// Days, run ids and clocks differ from run to run; nothing else may.
fn steady(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            let bare = word.trim_end_matches([',', ')', '.', ';']);
            let digits = bare.bytes().filter(u8::is_ascii_digit).count();
            let is_day = bare.len() == 10 && digits == 8 && bare.matches('-').count() == 2;
            let is_run =
                bare.len() == 15 && bare.starts_with("20") && bare.matches('-').count() == 3;
            let tail = &word[bare.len()..];
            words.push(if is_day {
                format!("DAY-------{tail}")
            } else if is_run {
                format!("RUN------------{tail}")
            } else {
                word.to_owned()
            });
        }
        out.push(words.join(" "));
    }
    out.join("\n")
}

macro_rules! shows {
    ($play:expr, $name:literal) => {
        insta::assert_snapshot!($name, steady(&$play.screen()));
    };
}

#[path = "pages_tests.rs"]
mod pages_tests;
#[path = "pictures_tests.rs"]
mod pictures_tests;

#[tokio::test]
async fn a_fresh_studio_from_its_file_to_its_end() {
    let mut play = Play::open("studio", true, false).await;
    shows!(play, "identity_80");
    play.keys("⏎").await;
    shows!(play, "queue_80");
    play.keys("⏎").await;
    shows!(play, "channels_80");
    insta::assert_snapshot!("channels_plain", steady(&play.plain()));
    play.keys("⏎").await;
    shows!(play, "roles_80");
    play.keys("⏎").await;
    shows!(play, "server_80");
    play.keys("⏎").await;
    shows!(play, "review_80");
    play.keys("→").await;
    shows!(play, "review_second_80");
    play.keys("w").await;
    shows!(play, "review_wrapped_80");
    play.keys("a").await;
    shows!(play, "review_armed_80");
    play.keys("x").await;
    assert!(!play.screen().contains("CONFIRM"), "any other key disarms");
    // Who has read the diff to its end confirms what is on the screen.
    for (width, height) in [(80, 24), (60, 15)] {
        play = play.at(width, height);
        play.keys("⇟⇟⇟⇟⇟").await;
        assert!(!play.screen().contains("CONFIRM"));
        play.keys("a").await;
        let screen = play.screen();
        assert!(screen.contains("CONFIRM"), "{screen}");
        play.keys("x").await;
    }
    play = play.at(80, 24);
    play.keys("ay").await;
    shows!(play, "made_80");
    insta::assert_snapshot!("made_plain", steady(&play.plain()));
    let mut play = play.at(120, 40);
    shows!(play, "made_120");
    play.keys("q").await;
    assert_eq!(play.code, Some(Exit::Clean));
}

#[tokio::test]
async fn the_wide_screen_has_the_steps_and_the_live_checks_beside() {
    let mut play = Play::open("studio", true, false).await.at(120, 40);
    play.keys("⏎⏎").await;
    shows!(play, "channels_120");
    play.keys("⏎⏎").await;
    shows!(play, "server_120");
    play.keys("⏎").await;
    shows!(play, "review_120");
}

#[tokio::test]
async fn without_a_file_everything_is_picked() {
    let mut play = Play::open("studio", false, false).await;
    play.keys("⏎").await;
    shows!(play, "farms_80");
    play.keys("⏎").await;
    shows!(play, "queues_80");
    play.keys("⏎⏎").await;
    let screen = play.screen();
    for channel in [
        "deadline-cloud-v2",
        "s3://ynput-conda-channel/ayon",
        "conda-forge",
    ] {
        assert!(
            screen.contains(channel),
            "the proposal has {channel}:\n{screen}"
        );
    }
    play.keys("⏎⏎").await;
    shows!(play, "server_empty_80");
    play.keys("nonsense⏎").await;
    shows!(play, "server_refused_80");
    play.keys("⌫https://ayon.example.com⏎").await;
    assert!(
        play.screen().contains("AYON 1.15.18 answers"),
        "{}",
        play.screen()
    );
    play.keys("⏎ay").await;
    assert!(play.screen().contains("DONE"), "{}", play.screen());
    play.keys("q").await;
    assert_eq!(play.code, Some(Exit::Clean));
}

#[tokio::test]
async fn what_is_wrong_is_said_first() {
    for (name, keys, part) in [
        (
            "wrong-trust",
            "⏎⏎⏎⇟",
            "Does not let Deadline Cloud assume it",
        ),
        ("mixed-fleets", "⏎⏎⇟⇟", "customer-managed fleet"),
        (
            "two-environments",
            "⏎⏎",
            "The queue has 2 conda environments",
        ),
        ("no-environment", "⏎⏎", "The queue has no conda environment"),
        ("few-permissions", "", "iam:PutRolePolicy"),
        ("hand-edited", "⏎⏎", "was not in the list: it stays"),
    ] {
        let mut play = Play::open(name, true, false).await;
        play.keys(keys).await;
        let screen = steady(&play.screen());
        let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{name}: {screen}");
        insta::assert_snapshot!(format!("wrong_{name}"), screen);
    }
}

#[tokio::test]
async fn what_is_under_way_is_said() {
    // The world is never asked: every page as it is before its answers come.
    let scenario = scenario::open("studio").unwrap();
    let sandbox = Arc::new(Sandbox::new(scenario.truth, None));
    let (to, from) = unbounded_channel();
    let region = sandbox.region().clone();
    let driver = Driver::new(
        Arc::new(Bench {
            sandbox: sandbox.clone(),
            fails: false,
        }),
        to,
    );
    let model = Model::new(
        Draft::new(Some(&scenario.config), None),
        false,
        None,
        catalogues(),
    );
    let app = App::new(Wizard::new(model), Theme { colour: false });
    let mut play = Play {
        sandbox,
        app,
        driver,
        from,
        width: 80,
        height: 24,
        code: None,
    };
    play.app.tell(Msg::Start);
    shows!(play, "waiting_identity_80");
    play.app
        .tell(Msg::SignedIn(1, Ok(("studio-admin".into(), region))));
    for step in ["queue", "channels", "roles", "server", "review"] {
        // What was asked on an earlier page is the older question, by the clock too.
        std::thread::sleep(Duration::from_millis(5));
        play.app.wizard.at += 1;
        play.app.wizard.model.reached = play.app.wizard.at;
        play.app.tell(Msg::Tick);
        insta::assert_snapshot!(format!("waiting_{step}_80"), steady(&play.screen()));
    }
    for (key, part) in [
        (Input::Enter, "Answers are still on their way"),
        (Input::Char('a'), "Still checking"),
        (Input::Char('y'), "Still checking"),
    ] {
        let (msgs, _) = play.app.key(key);
        for msg in msgs {
            play.app.tell(msg);
        }
        assert!(play.screen().contains(part), "{}", play.screen());
    }
    assert_eq!(
        play.app.wizard.at, 5,
        "nothing is made while the plan may yet change"
    );
}

#[tokio::test]
async fn what_a_run_waits_for_is_said() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎⏎⏎a").await;
    // Its answers are not taken in: the run stands at its first change.
    let (msgs, _) = play.app.key(Input::Char('y'));
    for msg in msgs {
        play.app.tell(msg);
    }
    let first = play.app.wizard.model.progress[0].0.clone();
    let heard = |state| Progress::Change {
        at: 0,
        change: Box::new(first.clone()),
        state,
    };
    for (progress, is_said) in [
        (heard(ChangeState::UnderWay), false),
        (
            Progress::WaitingFor("the fleet is UPDATE_IN_PROGRESS, 12 s".into()),
            true,
        ),
        (heard(ChangeState::Done { millis: 7 }), false),
    ] {
        play.app.tell(Msg::Progress(progress));
        let screen = play.screen();
        assert_eq!(
            screen.contains("the fleet is UPDATE_IN_PROGRESS, 12 s"),
            is_said,
            "{screen}"
        );
    }
}

#[tokio::test]
async fn a_plan_that_changed_since_it_was_armed_is_not_made() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎⏎⏎a").await;
    assert!(play.screen().contains("CONFIRM"), "{}", play.screen());
    let key = play.app.wizard.model.plan().changes[0].id.clone();
    play.app.wizard.model.leave_out(|out| {
        out.insert(key);
    });
    play.app.wizard.model.changed();
    play.keys("y").await;
    assert!(
        play.screen()
            .contains("The plan has changed since you pressed a"),
        "{}",
        play.screen()
    );
    assert_eq!(play.app.wizard.at, 5, "nothing was made");
    play.keys("d⎋y").await;
    assert_eq!(play.app.wizard.at, 5, "and `y` applies nothing any more");
}

#[tokio::test]
async fn another_queue_gets_its_own_proposal() {
    let mut play = Play::open("many-queues", false, false).await;
    play.keys("⏎⏎⏎⏎").await;
    assert!(
        play.app.wizard.model.draft.only_proposed && play.app.wizard.at == 2,
        "{}",
        play.screen()
    );
    play.keys("[↓⏎").await;
    assert_eq!(play.app.wizard.model.draft.channels, None);
    play.keys("⏎").await;
    assert!(play.app.wizard.model.draft.channels.is_some());
}

#[tokio::test]
async fn a_denied_write_stops_and_says_what_is_left() {
    let mut play = Play::open("few-permissions", true, false).await;
    play.keys("⏎⏎⏎⏎⏎ay").await;
    shows!(play, "denied_80");
    play.keys("q").await;
    assert_eq!(play.code, Some(Exit::Failed));
}

#[tokio::test]
async fn another_accounts_channel_ends_with_the_statement_for_its_owner() {
    let mut play = Play::open("foreign-channel", true, false).await.at(100, 60);
    play.keys("⏎⏎⏎⏎⏎ay").await;
    shows!(play, "foreign_100");
    play.keys("q").await;
    assert_eq!(play.code, Some(Exit::Problem));
}

#[tokio::test]
async fn what_was_held_back_is_made_when_somebody_insists() {
    let mut play = Play::open("foreign-channel", true, false).await.at(100, 60);
    // From the second of two changes, of which one is left when the page is opened again.
    play.keys("⏎⏎⏎⏎⏎→ay").await;
    assert!(play.screen().contains("HELD BACK   UpdateQueueEnvironment"));
    play.keys("[").await;
    assert!(
        play.screen().contains("It is held back"),
        "{}",
        play.screen()
    );
    play.keys("i").await;
    assert!(play.screen().contains("You insist"), "{}", play.screen());
    play.keys("ay").await;
    let screen = play.screen();
    assert!(
        screen.contains("DONE        UpdateQueueEnvironment"),
        "{screen}"
    );
}

#[tokio::test]
async fn a_failed_sign_in_is_one_clear_sentence() {
    let mut play = Play::open("studio", true, true).await;
    shows!(play, "sign_in_failed_80");
    play.keys("⏎").await;
    assert_eq!(
        play.app.wizard.at, 0,
        "there is no way on without an identity"
    );
    play.keys("qq").await;
    assert_eq!(play.code, Some(Exit::Interrupted));
}

#[tokio::test]
async fn strange_names_show_harmlessly() {
    let mut play = Play::open("strange-names", true, false).await;
    play.keys("⏎").await;
    shows!(play, "strange_names_80");
    let all = play.screen() + &play.plain();
    assert!(!all.chars().any(|c| c.is_control() && c != '\n'), "{all}");
    assert!(!all.contains('\u{202e}') && !all.contains('\u{200b}'));
}

#[tokio::test]
async fn three_hundred_queues_are_filtered() {
    let mut play = Play::open("many-queues", false, false).await;
    play.keys("⏎⏎").await;
    shows!(play, "many_queues_80");
    play.keys("⇥⇥277").await;
    assert!(play.screen().contains("1 of 300"), "each letter filters");
    play.keys("⏎").await;
    shows!(play, "many_queues_filtered_80");
}

#[tokio::test]
async fn overlays_lie_over_the_page_and_go_again() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎?").await;
    shows!(play, "help_80");
    play.keys("?").await;
    play.keys("d").await;
    let details = play.screen();
    assert!(
        details.contains("check  queue-channels") && details.contains("seen"),
        "{details}"
    );
    play.keys("⎋l").await;
    assert_eq!(play.app.overlay, Some(Overlay::Log));
    assert!(play.screen().contains("GET api/"), "{}", play.screen());
    play.keys("⎋").await;
    assert_eq!(play.app.overlay, None);
}

#[tokio::test]
async fn packages_and_their_version_are_chosen_and_completed() {
    let mut play = Play::open("wrong-pin", true, false).await;
    play.keys("⏎⏎").await;
    // YNPUT's channel, the strategy, the version.
    play.keys("⇥⇥→").await;
    assert_eq!(play.app.wizard.model.config().strategy.word(), "publish");
    play.keys("←i").await;
    assert!(
        play.screen().contains("the AYON launcher, run headless"),
        "{}",
        play.screen()
    );
    play.keys("i⇥⌫==1").await;
    assert!(
        play.screen().contains("==1.6.2  → completes"),
        "{}",
        play.screen()
    );
    play.keys("→⏎").await;
    assert_eq!(play.app.wizard.model.config().pin.text(), "==1.6.2");
    let findings = play.app.wizard.model.findings();
    let of = |v: &str| {
        findings
            .iter()
            .any(|f| f.check == "conda-solve" && f.message.as_str().contains(v))
    };
    let said: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
    assert!(of("win-64: conda stops"), "{said:#?}");
    play.keys("⇥⇥⇥⌫newest⏎").await;
    assert!(
        play.screen().contains("is not a version"),
        "{}",
        play.screen()
    );
}

#[tokio::test]
async fn a_long_download_has_a_bar_and_it_goes_with_the_answer() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎").await;
    let on_its_way = crate::domain::conda_solve::Download {
        waits: false,
        what: "https://h.example.com/c/linux-64/repodata.json.zst".into(),
        got: 30_000_000,
        of: Some(60_000_000),
    };
    play.tell(Msg::Downloads(vec![on_its_way])).await;
    let screen = play.screen();
    assert!(
        screen.contains("[##########..........]") && screen.contains("30.0 MB of 60.0 MB"),
        "{screen}"
    );
    assert!(screen.contains("Esc stops it"), "{screen}");
    play.tell(Msg::Downloads(Vec::new())).await;
    assert!(!play.screen().contains("Esc stops it"));
}

#[tokio::test]
async fn while_no_worker_takes_a_probe_the_workers_are_listed_again() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎⏎").await;
    let model = &mut play.app.wizard.model;
    let queue = model.config().queues[0].clone();
    let job = "job-00000000000000000000000000000009"
        .parse::<crate::domain::ids::JobId>()
        .unwrap();
    model.watch(vec![(queue, job)], true);
    let since = model.now;
    let listed = |requests: Vec<Request>| {
        let asks = |r: &Request| matches!(r, Request::Ask(_, AnyQuestion::FleetWorkers(_)));
        requests.iter().filter(|r| asks(r)).count()
    };
    for (after, waits, expected) in [
        (10, true, 0),
        (61, true, 1),
        (90, true, 0),
        (130, false, 0),
        (140, true, 1),
    ] {
        model.now = since + after * 1_000;
        model.probes.jobs[0].heard.is_waiting = waits;
        model.waiting.clear();
        assert_eq!(listed(model.look_at_probes()), expected, "after {after} s");
    }
}

#[tokio::test]
async fn an_administrators_login_gives_the_addon_the_list() {
    let mut play = Play::open("addon-overrides", true, false).await;
    play.keys("⏎⏎⏎⏎⏎").await;
    let keys: Vec<String> = play
        .app
        .wizard
        .model
        .plan()
        .changes
        .iter()
        .map(|c| c.id.clone())
        .collect();
    assert!(
        keys.iter().any(|k| k == "ayon/production/conda_channels"),
        "{keys:?}"
    );
    assert!(
        keys.iter().any(|k| k == "ayon/staging/conda_channels"),
        "{keys:?}"
    );
    // Without the channel on the queue the addon must not get it: its value would win.
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎⏎").await;
    play.keys("u").await;
    assert!(
        play.screen().contains("Your AYON name"),
        "{}",
        play.screen()
    );
}

#[tokio::test]
async fn channels_are_moved_added_and_removed() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎").await;
    play.keys("↓↓↓KK").await;
    let order = |play: &Play| {
        play.app
            .wizard
            .model
            .config()
            .channels
            .iter()
            .map(|c| c.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&play)[1], "conda-forge");
    play.keys("x").await;
    assert_eq!(order(&play).len(), 3);
    play.keys("atwo words⏎").await;
    assert!(
        play.screen().contains("a space ends a channel"),
        "{}",
        play.screen()
    );
    play.keys("⌫https://conda.example.com/x⏎").await;
    assert_eq!(
        order(&play).last().unwrap(),
        "https://conda.example.com/x",
        "{}",
        play.screen()
    );
    play.keys("p").await;
    assert_eq!(order(&play).len(), 4, "the proposal comes back");
}

#[tokio::test]
async fn no_colour_loses_no_word() {
    let mut play = Play::open("mixed-fleets", true, false).await;
    play.keys("⏎⏎").await;
    let without = play.screen();
    play.app.theme = Theme { colour: true };
    assert_eq!(play.screen(), without);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn drawing_at_any_size_and_after_any_keys_never_panics(width in 1u16..140, height in 1u16..50, keys in "[⏎⇥⎋↑↓←→⇟aynxKJpwqdl?k 1e\\[\\]/c]{0,30}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut play = Play::open("hand-edited", true, false).await.at(width, height);
            for key in keys.chars() {
                play.keys(&key.to_string()).await;
                play.screen();
                play.plain();
            }
        });
    }
}

#[tokio::test]
async fn escape_closes_and_the_brackets_and_digits_change_the_step() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎").await;
    assert_eq!(play.app.wizard.at, 3);
    play.keys("⎋⎋").await;
    assert_eq!(play.app.wizard.at, 3, "Esc closes and nothing more");
    play.keys("[").await;
    assert_eq!(play.app.wizard.at, 2);
    play.keys("]").await;
    assert_eq!(play.app.wizard.at, 3);
    play.keys("1").await;
    assert_eq!(play.app.wizard.at, 0);
    play.keys("7").await;
    assert_eq!(play.app.wizard.at, 0, "what was not reached comes later");
    assert!(play.screen().contains("Apply comes later"));
    play.keys("d⎋").await;
    assert_eq!((play.app.overlay, play.app.wizard.at), (None, 0));
}

#[tokio::test]
async fn details_are_searched_and_copied() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎d").await;
    let before = play.screen();
    play.keys("/simulated⏎").await;
    let found = play.screen();
    assert!(
        found.contains("\"simulated\": ") && found != before,
        "{found}"
    );
    let first = play.app.search.at;
    play.keys("n").await;
    assert!(first.is_some() && play.app.search.at > first);
    play.keys("N").await;
    assert_eq!(play.app.search.at, first);
    play.keys("/nowhere-to-be-found⏎").await;
    assert!(play.screen().contains("is not in it"));
    let (_, next) = play.app.key(Input::Char('c'));
    let super::app::Loop::Copy(text) = next else {
        panic!("nothing was copied");
    };
    assert!(text.contains("grade") && text.lines().count() > 20);
}

#[tokio::test]
async fn values_of_the_last_page_are_copied_one_by_one() {
    let mut play = Play::open("foreign-channel", true, false).await;
    play.keys("⏎⏎⏎⏎⏎ay").await;
    let mut copied = Vec::new();
    for _ in 0..3 {
        match play.app.key(Input::Char('c')).1 {
            super::app::Loop::Copy(text) => copied.push(text),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        copied[..2],
        ["[", "{"],
        "the statement for the owner, line by line"
    );
    assert!(copied[2].contains("Allow"), "{copied:?}");
}

#[tokio::test]
async fn the_mouse_chooses_rows_steps_and_choices() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎").await;
    let at = |screen: &str, part: &str| {
        let (line, text) = screen
            .lines()
            .enumerate()
            .find(|(_, l)| l.contains(part))
            .unwrap();
        let before = text.split(part).next().unwrap();
        let column = unicode_width::UnicodeWidthStr::width(before);
        (
            u16::try_from(column + 1).unwrap(),
            u16::try_from(line).unwrap(),
        )
    };
    let click = |(column, row): (u16, u16)| crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column,
        row,
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    let screen = play.screen();
    let (msgs, _) = play.app.mouse(click(at(&screen, "conda-forge")));
    assert!(msgs.iter().all(|m| matches!(m, Msg::Disarm)));
    assert!(
        play.screen().contains("▸ 4  conda-forge"),
        "{}",
        play.screen()
    );
    // A choice takes the option under the pointer.
    let (msgs, _) = play.app.mouse(click(at(&screen, "components")));
    let chosen = msgs.iter().any(|m| matches!(m, Msg::Choose { at: 2, .. }));
    assert!(chosen, "{msgs:?}");
    // A step that was seen before.
    let (msgs, _) = play.app.mouse(click(at(&screen, " 1 OK")));
    assert!(msgs.iter().any(|m| matches!(m, Msg::GoTo(0))), "{msgs:?}");
    // Nothing is where nothing stands.
    let (msgs, _) = play.app.mouse(click((79, 2)));
    assert!(msgs.iter().all(|m| matches!(m, Msg::Disarm)));
}

#[tokio::test]
async fn several_lines_are_not_pasted_and_an_old_error_goes_with_the_text() {
    let mut play = Play::open("studio", true, false).await;
    play.keys("⏎⏎⏎⏎").await;
    assert_eq!(play.app.wizard.at, 4);
    let paste = |play: &mut Play, text: &str| {
        let screen = play.app.wizard.view();
        play.app.focus.paste(&screen, text)
    };
    assert!(paste(&mut play, "x").is_err(), "no field has the focus");
    play.keys("⇥⇥").await;
    assert!(paste(&mut play, "https://a.example.com\nhttps://b.example.com").is_err());
    assert!(!play.screen().contains("b.example.com"));
    play.keys("⌫not an address⏎").await;
    assert!(play.screen().contains("FAIL"), "{}", play.screen());
    play.keys("x").await;
    assert!(play.app.wizard.model.note.is_none(), "{}", play.screen());
    // The login opens with the cursor in it.
    play.keys("⎋⎋u").await;
    assert!(
        play.screen().contains(" ▸ Your AYON name"),
        "{}",
        play.screen()
    );
}

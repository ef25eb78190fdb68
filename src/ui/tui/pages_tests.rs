//! Home and the pages that read: what each shows of a studio, the way to a fix, and what repeats.

use super::*;
use crate::domain::call::Vantage;
use crate::ui::pages::Place;

impl Play {
    /// Home, with a studio file.
    pub(super) async fn home(name: &str, from_file: bool) -> Self {
        Self::begin(name, from_file, false, Wizard::at_home).await
    }

    fn place(&self) -> Place {
        self.app.wizard.place
    }
}

#[tokio::test]
async fn home_says_the_state_of_everything_and_leads_to_each_page() {
    let mut play = Play::home("wrong-trust", true).await;
    shows!(play, "home_80");
    play.keys("↓⏎").await;
    assert_eq!(play.place(), Place::Diagnose);
    shows!(play, "diagnose_80");
    play.keys("⎋").await;
    assert_eq!(play.place(), Place::Home);
    // The cursor is where it was.
    play.keys("↓⏎").await;
    assert_eq!(play.place(), Place::Audit);
    shows!(play, "audit_80");
    play.keys("⎋↓↓⏎").await;
    assert_eq!(play.place(), Place::Explain);
    play.keys("/tmp/session.log⏎").await;
    shows!(play, "explain_80");
    play.keys("⎋↓⏎").await;
    assert_eq!(play.place(), Place::Runs);
    assert!(
        play.screen().contains("no run is kept"),
        "{}",
        play.screen()
    );
    play.keys("[").await;
    assert_eq!(play.place(), Place::Home);
    play.keys("q").await;
    assert_eq!(
        play.code,
        Some(Exit::Clean),
        "nothing was begun that could be lost"
    );
}

#[tokio::test]
async fn a_finding_shows_its_evidence_and_leads_to_the_change_that_cures_it() {
    let mut play = Play::home("wrong-trust", true).await;
    play.keys("↓↓⏎⏎").await;
    let screen = play.screen();
    for part in [
        "why",
        "fix   run studiolink setup",
        "check queue-channels, code differs",
        "seen  aws: deadline",
        "[[ignore]]",
        "f fix this",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    play.keys("f").await;
    assert_eq!((play.place(), play.app.wizard.at), (Place::Setup, 5));
    let screen = play.screen();
    assert!(screen.contains("changes, nothing written yet"), "{screen}");
    assert!(
        screen.contains("▸ 3  UpdateQueueEnvironment"),
        "the change that cures it: {screen}"
    );
    // Esc leads back to the finding; somebody who walks on through the steps has left it.
    play.keys("⎋").await;
    assert_eq!(play.place(), Place::Audit);
    assert!(
        play.screen().contains("check queue-channels"),
        "{}",
        play.screen()
    );
    play.keys("f").await;
    // Back through the steps, and before the first of them there is home, with what it said before.
    play.keys("[[[[[[").await;
    assert_eq!(play.place(), Place::Home);
    assert!(play.screen().contains("FAIL"), "{}", play.screen());
}

/// What was applied is still said by somebody who leaves from home, and with the same exit code.
#[tokio::test]
async fn a_run_that_was_left_for_home_is_not_forgotten() {
    let mut play = Play::home("wrong-pin", true).await;
    play.keys("⏎⏎⏎⏎⏎⏎ay").await;
    let ended = crate::ui::wizard::exit(&play.app.wizard.model);
    assert!(
        play.app.wizard.model.applied().is_some(),
        "{}",
        play.screen()
    );
    play.keys("[[[[[[[q").await;
    assert_eq!(play.place(), Place::Home);
    assert_eq!(play.code, Some(ended));
    let words = crate::ui::farewell::farewell(&play.app.wizard.model);
    assert!(
        words.contains("applied before: run") && !words.contains("nothing was changed"),
        "{words}"
    );
}

#[tokio::test]
async fn the_list_is_filtered_and_shows_what_is_fine_when_asked() {
    let mut play = Play::home("wrong-trust", true).await;
    play.keys("↓↓⏎").await;
    let bad = play.app.wizard.view().lists().next().unwrap().rows.len();
    play.keys("a").await;
    let all = play.app.wizard.view().lists().next().unwrap().rows.len();
    assert!(all > bad, "{all} {bad}");
    let findings = play.app.wizard.model.audited().len();
    assert_eq!(all, findings);
    play.keys("⇥⇥ynput").await;
    let some = play.app.wizard.view().lists().next().unwrap().rows.len();
    assert!(some > 0 && some < all, "{some}");
}

#[tokio::test]
async fn a_repeated_diagnosis_says_which_hop_has_changed_and_when() {
    let mut play = Play::home("studio", true).await;
    play.keys("↓⏎w").await;
    assert!(play.app.wizard.ticks(), "the clock runs");
    let before = play.screen();
    assert!(!before.contains("since"), "{before}");
    play.sandbox
        .edit(|t| "moved.example.com".clone_into(&mut t.ayon.host));
    for _ in 0..2 {
        let now = play.app.wizard.model.now + 31_000;
        let effects = play.app.wizard.update(now, Msg::Tick);
        for effect in effects {
            play.driver.run(effect, &play.app.wizard.model);
        }
        while let Ok(Some(msg)) =
            tokio::time::timeout(Duration::from_millis(200), play.from.recv()).await
        {
            let effects = play.app.wizard.update(now, msg);
            for effect in effects {
                play.driver.run(effect, &play.app.wizard.model);
            }
        }
    }
    let after = play.screen();
    assert!(after.contains("since") && after.contains("FAIL"), "{after}");
    let hops = play.app.wizard.model.findings().iter();
    assert!(hops.filter(|f| f.vantage == Vantage::Here).count() > 0);
}

#[tokio::test]
async fn without_a_studio_file_home_says_what_is_lacking() {
    let mut play = Play::home("studio", false).await;
    let screen = play.screen();
    assert!(
        screen.contains("no queue is chosen yet") && screen.contains("set one up first"),
        "{screen}"
    );
    play.keys("↓↓↓⏎").await;
    assert_eq!(play.place(), Place::Home, "a worker is asked for a queue");
    assert!(play.screen().contains("set one up first"));
    play.keys("↑↑↑⏎").await;
    assert_eq!(play.place(), Place::Setup);
}

#[tokio::test]
async fn asking_a_worker_is_a_page_of_the_wizard() {
    let mut play = Play::home("studio", true).await;
    play.keys("↓↓↓⏎").await;
    assert_eq!((play.place(), play.app.wizard.at), (Place::Setup, 4));
    let screen = play.screen();
    assert!(screen.contains("billed"), "{screen}");
}

#[tokio::test]
async fn plain_mode_has_the_same_pages() {
    let mut play = Play::home("wrong-trust", true).await;
    assert!(play.plain().starts_with("Page: home."), "{}", play.plain());
    play.keys("↓⏎").await;
    let plain = play.plain();
    assert!(
        plain.contains("hop by hop") && plain.contains("Page: diagnose."),
        "{plain}"
    );
}

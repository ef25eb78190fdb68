//! The built binary in a terminal of its own: its screen is read, keys are pressed, and the terminal that it leaves
//! behind is looked at.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    seen: Arc<Mutex<(vt100::Parser, Vec<u8>)>>,
    folder: tempfile::TempDir,
}

fn nonzero(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    fn start(program: &str, args: &[&str], env: &[(&str, &str)], (cols, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.cwd(folder.path());
        for (name, value) in [
            ("HOME", folder.path().to_str().unwrap()),
            ("TERM", "xterm-256color"),
            ("PATH", "/usr/bin:/bin"),
            ("PS1", "$ "),
        ]
        .iter()
        .chain(env)
        {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new(Mutex::new((
            vt100::Parser::new(nonzero(rows), nonzero(cols), 0),
            Vec::new(),
        )));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let told = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                let mut seen = told.lock().unwrap();
                seen.0.process(&buffer[..n]);
                seen.1.extend_from_slice(&buffer[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            child,
            master: pair.master,
            keys,
            seen,
            folder,
        }
    }

    fn studiolink(args: &[&str], at: (u16, u16)) -> Self {
        Self::start(env!("CARGO_BIN_EXE_studiolink"), args, &[], at)
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().0.screen().contents()
    }

    fn wait_for(&self, part: &str) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(part) {
                return screen;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "never saw {part:?}:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.master.resize(size(cols, rows)).unwrap();
        self.seen
            .lock()
            .unwrap()
            .0
            .screen_mut()
            .set_size(nonzero(rows), nonzero(cols));
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn end(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(50));
                return status.exit_code();
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it does not end:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Main screen, cursor shown, paste mode off: what a shell expects.
    fn is_restored(&self) {
        let seen = self.seen.lock().unwrap();
        let screen = seen.0.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "paste mode is on");
    }
}

#[test]
fn the_wizard_is_walked_to_its_end_by_keyboard() {
    for at in [(80, 24), (120, 40)] {
        let mut t = Terminal::studiolink(&["--sandbox", "--studio", "studiolink.toml"], at);
        // Home is the first page, and its first task is the wizard.
        t.wait_for("queue Lighting");
        t.press("\r");
        t.wait_for("Signed in to account 111122223333");
        t.press("\r");
        t.wait_for("Exists in farm Fjordlys VFX");
        t.press("\r");
        t.wait_for("s3://ynput-conda");
        t.press("\r");
        t.wait_for("The studio's roles");
        t.press("\r");
        t.wait_for("AYON 1.15.18 answers /api/info");
        t.press("\r");
        t.wait_for("2 changes, nothing written yet");
        assert!(
            !t.folder.path().join("studiolink.toml").exists(),
            "nothing is written before it is confirmed"
        );
        t.press("a");
        t.wait_for("CONFIRM");
        t.press("y");
        let screen = t.wait_for("Still open");
        assert!(
            screen.contains("DONE") && screen.contains("PutRolePolicy"),
            "{screen}"
        );
        t.press("q");
        assert_eq!(t.end(), 0);
        t.is_restored();
        let file = std::fs::read_to_string(t.folder.path().join("studiolink.toml")).unwrap();
        assert!(file.contains("s3://ynput-conda-channel/ayon"), "{file}");
    }
}

#[test]
fn resizing_never_breaks_a_screen() {
    let mut t = Terminal::studiolink(&["setup", "--sandbox=hand-edited"], (80, 24));
    // One key after the other: a page that is still reading takes none.
    t.wait_for("are allowed");
    t.press("\r");
    t.wait_for("▸2");
    t.press("\r");
    t.wait_for("▸3 Channels");
    for (cols, rows) in [(40, 10), (20, 5), (3, 2), (1, 1), (200, 60), (120, 40)] {
        t.resize(cols, rows);
        std::thread::sleep(Duration::from_millis(120));
    }
    t.wait_for(" 1 Identity");
    t.resize(80, 24);
    t.wait_for("▸3 Channels");
    t.press("\u{3}");
    assert_eq!(t.end(), 130);
    t.is_restored();
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    for (way, code) in [("qq", 130), ("\u{3}", 130)] {
        let mut t = Terminal::studiolink(&["setup", "--sandbox"], (80, 24));
        t.wait_for("Signed in");
        t.press(way);
        assert_eq!(t.end(), code, "{way:?}");
        t.is_restored();
    }
    for signal in ["-TERM", "-HUP"] {
        let mut t = Terminal::studiolink(&["setup", "--sandbox"], (80, 24));
        t.wait_for("Signed in");
        t.signal(signal);
        assert_eq!(t.end(), 130, "{signal}");
        t.is_restored();
    }
}

#[test]
fn suspended_and_resumed_it_draws_again() {
    let mut t = Terminal::start("/bin/bash", &["--norc", "-i"], &[], (80, 24));
    t.wait_for("$ ");
    // The shell's own line editor has a paste mode too; here only ours is looked at.
    t.press("bind 'set enable-bracketed-paste off'; echo plain-$((1+1))\r");
    t.wait_for("plain-2");
    t.press(&format!(
        "{} setup --sandbox\r",
        env!("CARGO_BIN_EXE_studiolink")
    ));
    t.wait_for("Signed in");
    t.press("\u{1a}");
    t.wait_for("Stopped");
    t.is_restored();
    t.press("fg\r");
    t.wait_for("step 1 of 7");
    t.press("qq");
    // What is typed before the wizard has ended is the wizard's to read.
    let began = Instant::now();
    while t.seen.lock().unwrap().0.screen().alternate_screen() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not end");
        std::thread::sleep(Duration::from_millis(15));
    }
    std::thread::sleep(Duration::from_millis(300));
    t.press("echo code=$?\r");
    t.wait_for("code=130");
    t.is_restored();
}

/// Started in a terminal by the test below; alone it does nothing.
#[test]
fn child_that_panics() {
    if std::env::var_os("STUDIOLINK_CHILD").is_some() {
        studiolink::ui::tui::install_panic_hook();
        let _guard = studiolink::ui::tui::Guard::enter().unwrap();
        panic!("on purpose");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_speaks() {
    let me = std::env::current_exe().unwrap();
    let mut t = Terminal::start(
        me.to_str().unwrap(),
        &["--exact", "child_that_panics", "--nocapture"],
        &[("STUDIOLINK_CHILD", "1")],
        (80, 24),
    );
    assert_ne!(t.end(), 0);
    t.is_restored();
    assert!(
        t.screen().contains("on purpose"),
        "the message is on the normal screen:\n{}",
        t.screen()
    );
}

#[test]
fn no_terminal_and_a_dumb_one_get_plain_lines() {
    // Home is left as any page is read; a wizard that is left has done nothing of what it was for.
    for (args, code) in [(&["--sandbox"][..], 0), (&["setup", "--sandbox"], 130)] {
        let bin = env!("CARGO_BIN_EXE_studiolink");
        let mut t = Terminal::start(bin, args, &[("TERM", "dumb")], (80, 24));
        t.wait_for("What now?");
        assert!(
            !t.seen.lock().unwrap().1.contains(&0x1b),
            "no escape sequence"
        );
        t.press("quit\r");
        assert_eq!(t.end(), code, "{args:?}");
    }
}

#[test]
fn strange_names_send_nothing_to_the_terminal() {
    let mut t = Terminal::studiolink(&["setup", "--sandbox=strange-names"], (80, 24));
    t.wait_for("Signed in");
    t.press("\r");
    t.wait_for("<U+202E>");
    t.press("\u{3}");
    t.end();
    let seen = t.seen.lock().unwrap();
    let bytes = String::from_utf8_lossy(&seen.1);
    assert!(
        !bytes.contains("\u{1b}]0;title")
            && !bytes.contains('\u{202e}')
            && !bytes.contains("\u{1b}[31mred")
    );
}

//! The loop: keys, answers, a clock only while something is under way, signals. It draws after each batch, and waits
//! for nothing else.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt as _;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::draw::{View, draw};
use super::focus::{Focus, Took, Wish};
use super::keymap::{Input, input};
use super::overlay::Overlay;
use super::terminal::{self, Guard};
use super::theme::Theme;
use crate::domain::exit::Exit;
use crate::domain::finding::Verdict;
use crate::ui::driver::{Driver, Outside};
use crate::ui::farewell::farewell;
use crate::ui::wizard::{Msg, Wizard};

/// The clock's pace while something is under way.
const TICK: Duration = Duration::from_millis(500);

pub struct App {
    pub wizard: Wizard,
    pub focus: Focus,
    pub overlay: Option<Overlay>,
    pub overlay_scroll: usize,
    /// Which page lies over the step's own.
    over: &'static str,
    pub theme: Theme,
    pub search: Search,
    /// The overlay's lines, as they were last drawn.
    overlay_text: Vec<String>,
    /// How many lines of an overlay are seen at once.
    overlay_height: usize,
    /// Which of the page's values is copied next.
    copies: usize,
    began: Instant,
}

/// A search in an overlay.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub text: String,
    pub typing: bool,
    /// The line that was found last.
    pub at: Option<usize>,
}

impl Search {
    pub fn finds(&self, line: &str) -> bool {
        !self.text.is_empty() && line.to_lowercase().contains(&self.text.to_lowercase())
    }
}

/// What a key wants of the loop beyond the wizard.
#[derive(Debug, PartialEq, Eq)]
pub enum Loop {
    On,
    Suspend,
    Redraw,
    /// To the terminal's clipboard.
    Copy(String),
}

impl App {
    pub fn new(wizard: Wizard, theme: Theme) -> Self {
        Self {
            wizard,
            focus: Focus::new(),
            overlay: None,
            overlay_scroll: 0,
            over: "",
            theme,
            search: Search::default(),
            overlay_text: Vec::new(),
            overlay_height: 10,
            copies: 0,
            began: Instant::now(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// One message through the wizard; the effects that it asks for.
    pub fn tell(&mut self, msg: Msg) -> Vec<crate::ui::wizard::Effect> {
        let before = (self.wizard.place, self.wizard.at, self.over);
        let set = if let Msg::Set { field, text } = &msg {
            Some((*field, text.clone()))
        } else {
            None
        };
        let now = self.now();
        let effects = self.wizard.update(now, msg);
        let screen = self.wizard.view();
        self.over = screen.over;
        if (self.wizard.place, self.wizard.at, self.over) != before {
            self.focus = Focus::new();
            self.copies = 0;
        }
        self.focus.settle(&screen);
        let refused = matches!(self.wizard.model.note, Some((Verdict::Fail, _)));
        if let Some((field, text)) = set.filter(|_| refused) {
            let secret = screen.fields().any(|f| f.id == field && f.secret);
            self.focus.refused(field, &text, secret);
        }
        effects
    }

    /// One key: what the wizard is to be told, and what the loop is to do.
    pub fn key(&mut self, key: Input) -> (Vec<Msg>, Loop) {
        match key {
            Input::Interrupt => return (vec![Msg::Interrupt], Loop::On),
            Input::Suspend => return (Vec::new(), Loop::Suspend),
            Input::Redraw => return (Vec::new(), Loop::Redraw),
            _ => {}
        }
        if self.overlay.is_some() {
            return (Vec::new(), self.overlay_key(key));
        }
        let screen = self.wizard.view();
        let typing = self.focus.is_typing(&screen);
        let Took::Msgs(wishes) = self.focus.input(&screen, key) else {
            return (Vec::new(), Loop::On);
        };
        // What was wrong with the old text says nothing of the new one.
        if typing {
            self.wizard.model.note = None;
        }
        self.wish(&screen, wishes)
    }

    /// What came of a key or a click.
    fn wish(&mut self, screen: &crate::ui::screen::Screen, wishes: Vec<Wish>) -> (Vec<Msg>, Loop) {
        let mut msgs = Vec::new();
        let mut next = Loop::On;
        if !wishes.iter().any(|w| matches!(w, Wish::Act { .. })) {
            msgs.push(Msg::Disarm);
        }
        for wish in wishes {
            self.overlay = match wish {
                Wish::Help => Some(Overlay::Help),
                Wish::Log => Some(Overlay::Log),
                Wish::Details => Some(Overlay::Details),
                _ => self.overlay,
            };
            if wish == Wish::Copy {
                next = self.copy(screen);
            }
            self.search = Search::default();
            // The newest calls are at the end.
            self.overlay_scroll = if wish == Wish::Log { usize::MAX } else { 0 };
            msgs.extend(Option::<Msg>::from(wish));
        }
        (msgs, next)
    }

    /// The next value of the page; the status line says which it was.
    fn copy(&mut self, screen: &crate::ui::screen::Screen) -> Loop {
        let all = screen.copies();
        let Some(text) = all.get(self.copies % all.len().max(1)) else {
            let words = "There is nothing to copy on this page";
            self.wizard.model.note = Some((Verdict::Skipped, words.into()));
            return Loop::On;
        };
        let which = if all.len() > 1 {
            format!(
                " ({} of {}, c again for the next)",
                self.copies % all.len() + 1,
                all.len()
            )
        } else {
            String::new()
        };
        self.copies += 1;
        self.copied(&format!("{text}{which}"));
        Loop::Copy(text.clone())
    }

    fn copied(&mut self, what: &str) {
        let words = format!("Copied, where the terminal allows it (OSC 52): {what}");
        self.wizard.model.note = Some((Verdict::Ok, words.into()));
    }

    /// One event of the mouse.
    pub fn mouse(&mut self, event: MouseEvent) -> (Vec<Msg>, Loop) {
        let up = match event.kind {
            MouseEventKind::ScrollUp => true,
            MouseEventKind::ScrollDown => false,
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                let screen = self.wizard.view();
                let wishes = self.focus.click(&screen, event.column, event.row);
                return self.wish(&screen, wishes);
            }
            _ => return (Vec::new(), Loop::On),
        };
        if self.overlay.is_none() {
            self.focus.wheel(up);
        } else if up {
            self.overlay_scroll = self.overlay_scroll.saturating_sub(3);
        } else {
            self.overlay_scroll = self.overlay_scroll.saturating_add(3);
        }
        (Vec::new(), Loop::On)
    }

    /// The next line of the overlay that holds what is searched for, or the one before.
    fn find(&mut self, forward: bool) {
        let lines = self.overlay_text.iter().enumerate();
        let found: Vec<usize> = lines
            .filter(|(_, l)| self.search.finds(l))
            .map(|(n, _)| n)
            .collect();
        let next = match (self.search.at, forward) {
            // The first one from where the eye is.
            (None, _) => {
                let below = found.iter().find(|n| **n >= self.overlay_scroll);
                below.or(found.first())
            }
            (Some(at), true) => found.iter().find(|n| **n > at).or(found.first()),
            (Some(at), false) => found.iter().rev().find(|n| **n < at).or(found.last()),
        };
        match next {
            Some(line) => {
                self.overlay_scroll = *line;
                self.search.at = Some(*line);
                self.wizard.model.note = None;
            }
            None => {
                let words = format!("\"{}\" is not in it", self.search.text);
                self.wizard.model.note = Some((Verdict::Skipped, words.into()));
            }
        }
    }

    fn overlay_key(&mut self, key: Input) -> Loop {
        if self.search.typing {
            match key {
                Input::Char(c) => self.search.text.push(c),
                Input::Backspace => drop(self.search.text.pop()),
                Input::Clear => self.search.text.clear(),
                Input::Escape => self.search = Search::default(),
                Input::Enter => {
                    self.search.typing = false;
                    self.find(true);
                }
                _ => {}
            }
            return Loop::On;
        }
        let page = self.overlay_height.saturating_sub(1).max(1);
        self.overlay_scroll = match key {
            Input::Up => self.overlay_scroll.saturating_sub(1),
            Input::Down => self.overlay_scroll.saturating_add(1),
            Input::PageUp => self.overlay_scroll.saturating_sub(page),
            Input::PageDown | Input::Char(' ') => self.overlay_scroll.saturating_add(page),
            Input::Home => 0,
            Input::End => usize::MAX,
            Input::Char('/') => {
                self.search = Search {
                    typing: true,
                    ..Search::default()
                };
                self.overlay_scroll
            }
            Input::Char('n') => {
                self.find(true);
                self.overlay_scroll
            }
            Input::Char('N') => {
                self.find(false);
                self.overlay_scroll
            }
            Input::Char('c') => {
                let text = self.overlay_text.join("\n");
                self.copied(&format!("{} lines", self.overlay_text.len()));
                return Loop::Copy(text);
            }
            Input::Escape | Input::Enter | Input::Char('q' | '?' | 'l' | 'd') => {
                self.overlay = None;
                self.wizard.model.note = None;
                0
            }
            _ => self.overlay_scroll,
        };
        Loop::On
    }

    pub fn draw<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        log: Option<&crate::ui::driver::CallLog>,
    ) -> Result<(), B::Error> {
        let screen = self.wizard.view();
        self.focus.settle(&screen);
        let calls = if self.overlay == Some(Overlay::Log) {
            log.map(|l| l.recent(500)).unwrap_or_default()
        } else {
            Vec::new()
        };
        let total_calls = log.map_or(0, crate::ui::driver::CallLog::total);
        let view = View {
            wizard: &self.wizard,
            screen: &screen,
            theme: self.theme,
            overlay: self.overlay,
            overlay_scroll: self.overlay_scroll,
            calls: &calls,
            total_calls,
            search: &self.search,
        };
        let focus = &mut self.focus;
        let mut over = None;
        terminal.draw(|frame| over = draw(frame, &view, focus))?;
        if let Some(over) = over {
            self.overlay_scroll = self.overlay_scroll.min(over.most);
            self.overlay_text = over.text;
            self.overlay_height = over.height;
        }
        Ok(())
    }
}

/// Runs the wizard on the terminal until it ends: how it ended, and what it leaves to read on the normal screen.
pub async fn run(
    wizard: Wizard,
    outside: Arc<dyn Outside>,
    colour: bool,
) -> io::Result<(Exit, String)> {
    let (to, mut from) = unbounded_channel();
    let driver = Driver::new(outside, to);
    let mut app = App::new(wizard, Theme { colour });
    let guard = Guard::enter()?;
    let mut screen = terminal::screen()?;
    // The first frame needs nobody's answer.
    app.draw(&mut screen, None)?;
    let code = the_loop(&mut app, &driver, &mut screen, &mut from).await;
    drop(guard);
    driver.leave().await;
    Ok((code?, farewell(&app.wizard.model)))
}

async fn the_loop(
    app: &mut App,
    driver: &Driver,
    screen: &mut terminal::Screen,
    from: &mut UnboundedReceiver<Msg>,
) -> io::Result<Exit> {
    let mut keys = EventStream::new();
    let mut signals = Signals::listen()?;
    let mut queue = vec![Msg::Start];
    let mut is_gone = false;
    loop {
        for msg in queue.drain(..) {
            for effect in app.tell(msg) {
                if let Some(code) = driver.run(effect, &app.wizard.model) {
                    return Ok(code);
                }
            }
        }
        if let (Err(e), false) = (app.draw(screen, driver.log().as_ref()), is_gone) {
            // The terminal went away: a run under way still finishes its call and its journal.
            if !app.wizard.is_applying() {
                return Err(e);
            }
            is_gone = true;
            queue.push(Msg::Interrupt);
            continue;
        }
        let waiting = app.wizard.ticks();
        tokio::select! {
            // Keys come first: a press is on screen before the next batch of answers.
            biased;
            key = keys.next(), if !is_gone => match key {
                Some(Ok(event)) => {
                    let (msgs, mut next) = on_event(app, event);
                    queue.extend(msgs);
                    // A burst of keys is drawn once; a key that opens a page is told before the next one is read.
                    while queue.iter().all(|m| matches!(m, Msg::Disarm)) && next == Loop::On {
                        // Polled by this task, never by a stranger's waker, or later keys would wake nobody.
                        let event = tokio::select! {
                            biased;
                            event = keys.next() => event,
                            () = std::future::ready(()) => break,
                        };
                        let Some(Ok(event)) = event else { break };
                        let (msgs, then) = on_event(app, event);
                        queue.extend(msgs);
                        next = then;
                    }
                    match next {
                        Loop::On => {}
                        Loop::Redraw => terminal::anew(screen)?,
                        Loop::Copy(text) => terminal::copy(&text)?,
                        Loop::Suspend => {
                            suspend(screen)?;
                            keys = EventStream::new();
                        }
                    }
                }
                // The terminal is gone: end as by SIGHUP.
                Some(Err(_)) | None => {
                    is_gone = true;
                    queue.push(Msg::Interrupt);
                }
            },
            signal = signals.next() => match signal {
                Signal::End => queue.push(Msg::Interrupt),
                Signal::Stop => {
                    suspend(screen)?;
                    keys = EventStream::new();
                }
                Signal::Continue => {
                    terminal::anew(screen)?;
                }
            },
            msg = from.recv() => {
                queue.extend(msg);
                // Everything that has come by now is drawn once.
                while let Ok(more) = from.try_recv() {
                    queue.push(more);
                }
            }
            () = tokio::time::sleep(TICK), if waiting => {
                queue.push(Msg::Downloads(driver.downloads()));
                queue.push(Msg::Tick);
            }
        }
    }
}

fn on_event(app: &mut App, event: Event) -> (Vec<Msg>, Loop) {
    match event {
        Event::Key(key) => input(key).map_or_else(|| (Vec::new(), Loop::On), |i| app.key(i)),
        Event::Mouse(event) => app.mouse(event),
        Event::Paste(text) => {
            let screen = app.wizard.view();
            app.wizard.model.note = match app.focus.paste(&screen, &text) {
                Ok(()) => None,
                Err(why) => Some((Verdict::Warn, why.into())),
            };
            (Vec::new(), Loop::On)
        }
        _ => (Vec::new(), Loop::On),
    }
}

/// Gives the terminal back, stops as the shell expects, and takes it again when it goes on.
fn suspend(screen: &mut terminal::Screen) -> io::Result<()> {
    terminal::restore();
    #[cfg(unix)]
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
    let guard = Guard::enter()?;
    // The guard in `run` still restores at the end; this one must not do it now.
    std::mem::forget(guard);
    terminal::anew(screen)
}

enum Signal {
    End,
    Stop,
    Continue,
}

#[cfg(unix)]
struct Signals {
    term: tokio::signal::unix::Signal,
    hup: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    cont: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            cont: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.term.recv() => Signal::End,
            _ = self.hup.recv() => Signal::End,
            _ = self.int.recv() => Signal::End,
            _ = self.stop.recv() => Signal::Stop,
            _ = self.cont.recv() => Signal::Continue,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }
}

//! Ctrl-C and its relatives while no screen is ours: before the first change they end at once, during the changes
//! they end after the call that is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::domain::exit::Exit;

#[derive(Clone, Default)]
pub(super) struct Stop {
    pub flag: Arc<AtomicBool>,
    asked: Arc<Notify>,
}

impl Stop {
    /// Begins to listen.
    pub(super) fn listen() -> Self {
        let stop = Self::default();
        let told = stop.clone();
        let mut signals = Signals::listen();
        tokio::spawn(async move {
            loop {
                signals.next().await;
                if told.flag.swap(true, Ordering::SeqCst) {
                    // Whatever is under way: the journal knows it, and the next run looks at it first.
                    super::out::talk("ended at once; the next run looks at what was under way");
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
                told.asked.notify_waiters();
                super::out::talk("stopping after the current call; once more ends at once");
            }
        });
        stop
    }

    pub(super) fn is_asked(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// The work's result, or `None` as soon as somebody wants to stop. Only for work that writes nothing.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let asked = self.asked.notified();
        if self.flag.load(Ordering::SeqCst) {
            return None;
        }
        tokio::select! {
            done = work => Some(done),
            () = asked => None,
        }
    }
}

/// Listened to from the beginning, so that none is missed between two.
struct Signals {
    #[cfg(unix)]
    all: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let all = kinds.into_iter().filter_map(|kind| signal(kind).ok());
        Self { all: all.collect() }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        let each = self.all.iter_mut().map(|s| Box::pin(s.recv()));
        let each: Vec<_> = each.collect();
        if each.is_empty() {
            std::future::pending::<()>().await;
        }
        futures_util::future::select_all(each).await;
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

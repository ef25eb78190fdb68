//! Ctrl-C and its relatives while no screen is ours: before the first change they end at once, during the changes
//! they end after the call that is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

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
        tokio::spawn(async move {
            loop {
                signal().await;
                told.flag.store(true, Ordering::SeqCst);
                told.asked.notify_waiters();
                super::out::talk("stopping after the current call");
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

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        std::future::pending::<()>().await;
        return;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
        _ = hup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

//! The OS keyring, for the AYON API key. It may ask the desktop, so each use has a thread and a deadline of its own.

use secrecy::{ExposeSecret as _, SecretString};
use std::sync::mpsc;
use std::time::Duration;

use keyring::{Entry, Error};

use crate::domain::problem::{Problem, ProblemKind};

const SERVICE: &str = "studiolink";
/// An unlock dialog takes a person's time; a keyring that is not there answers at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn on_its_own<T: Send + 'static>(
    url: &str,
    doing: &'static str,
    work: impl FnOnce(Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, Problem> {
    let url = url.to_owned();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = send.send(Entry::new(SERVICE, &url).and_then(work));
    });
    let fix = "set AYON_API_KEY in the environment for this run, or start a keyring (GNOME Keyring, KWallet)";
    match receive.recv_timeout(PATIENCE) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::NoEntry)) => Err(Problem::new(
            ProblemKind::Missing,
            doing,
            "the keyring has no key for this server",
            fix,
        )),
        Ok(Err(e)) => Err(Problem::new(
            ProblemKind::Local,
            doing,
            format!("there is no keyring to use on this machine: {e}"),
            fix,
        )),
        Err(_) => Err(Problem::new(
            ProblemKind::Unreached,
            doing,
            format!("the keyring did not answer within {} s", PATIENCE.as_secs()),
            fix,
        )),
    }
}

pub(super) fn get(url: &str) -> Result<Option<SecretString>, Problem> {
    match on_its_own(url, "Could not read the AYON key from the keyring", |e| {
        e.get_password()
    }) {
        Ok(key) => Ok(Some(SecretString::from(key))),
        Err(p) if p.kind == ProblemKind::Missing => Ok(None),
        Err(p) => Err(p),
    }
}

pub(super) fn set(url: &str, key: &SecretString) -> Result<(), Problem> {
    let key = key.expose_secret().to_owned();
    on_its_own(
        url,
        "Could not keep the AYON key in the keyring",
        move |e| e.set_password(&key),
    )
}

pub(super) fn delete(url: &str) -> Result<(), Problem> {
    match on_its_own(url, "Could not take the AYON key out of the keyring", |e| {
        e.delete_credential()
    }) {
        Err(p) if p.kind == ProblemKind::Missing => Ok(()),
        other => other,
    }
}

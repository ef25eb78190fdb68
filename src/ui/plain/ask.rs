//! Questions on a terminal outside of the wizard: a yes, an administrator's login. Each waits for the terminal, so it belongs on
//! a thread of its own.

use std::io::{self, Write as _};

use crate::domain::login::AyonLogin;

/// Only `yes` or `y` is a yes; the end of input is none.
pub fn confirm(question: &str) -> io::Result<bool> {
    let mut err = io::stderr().lock();
    write!(err, "{question} yes/no ")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// `None`: an empty name and an empty key. An interrupted question is an error of that kind.
pub fn login() -> io::Result<Option<AyonLogin>> {
    let name = inquire::Text::new("AYON user name (empty: an API key):");
    let name = name.prompt().map_err(of_inquire)?;
    if name.trim().is_empty() {
        let key = hidden("API key (empty: go on without):")?;
        let key = key.trim().to_owned();
        return Ok((!key.is_empty()).then(|| AyonLogin::Key(key.into())));
    }
    let password = hidden("Password:")?;
    Ok(Some(AyonLogin::Password {
        name: name.trim().to_owned(),
        password: password.into(),
    }))
}

/// What is typed is not shown.
pub fn hidden(label: &str) -> io::Result<String> {
    inquire::Password::new(label)
        .without_confirmation()
        .with_display_mode(inquire::PasswordDisplayMode::Hidden)
        .prompt()
        .map_err(of_inquire)
}

fn of_inquire(error: inquire::InquireError) -> io::Error {
    use inquire::InquireError as E;
    match error {
        E::OperationInterrupted | E::OperationCanceled => io::ErrorKind::Interrupted.into(),
        other => io::Error::other(other),
    }
}

//! How an administrator of AYON signs in: never with the worker's key.

use secrecy::SecretString;

use super::problem::{Problem, ProblemKind};

/// What to do where none is given.
pub const LOGIN_FIX: &str = "set AYON_ADMIN_KEY (or AYON_ADMIN_USER and AYON_ADMIN_PASSWORD), or give your login on the \
    server page of `studiolink setup`";

/// What opens a new SSO session of AWS.
const SSO_LOGIN: &str = "aws sso login --profile ";

/// Nobody is signed in because the SSO session of that profile has ended.
pub fn sso_expired(profile: &str) -> Problem {
    Problem::new(
        ProblemKind::Credentials,
        format!("Your SSO session for profile {profile} has expired"),
        "nobody is signed in to AWS, so nothing was read",
        format!("{SSO_LOGIN}{profile}"),
    )
}

/// The profile whose SSO session has to be opened again, where that is the problem.
pub fn profile_of_sso(problem: &Problem) -> Option<&str> {
    problem.fix.strip_prefix(SSO_LOGIN)
}

#[derive(Debug, Clone)]
pub enum AyonLogin {
    /// A personal API key, or the token of a session.
    Key(SecretString),
    Password {
        name: String,
        password: SecretString,
    },
}

//! How an administrator of AYON signs in: never with the worker's key.

use secrecy::SecretString;

/// What to do where none is given.
pub const LOGIN_FIX: &str = "set AYON_ADMIN_KEY (or AYON_ADMIN_USER and AYON_ADMIN_PASSWORD), or give your login on the \
    server page of `studiolink setup`";

#[derive(Debug, Clone)]
pub enum AyonLogin {
    /// A personal API key, or the token of a session.
    Key(SecretString),
    Password {
        name: String,
        password: SecretString,
    },
}

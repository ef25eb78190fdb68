//! How an administrator of AYON signs in: never with the worker's key.

use super::text::Secret;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AyonLogin {
    /// A personal API key, or the token of a session.
    Key(Secret<String>),
    Password {
        name: String,
        password: Secret<String>,
    },
}

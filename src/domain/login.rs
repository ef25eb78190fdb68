//! How an administrator of AYON signs in: never with the worker's key.

use secrecy::SecretString;

#[derive(Debug, Clone)]
pub enum AyonLogin {
    /// A personal API key, or the token of a session.
    Key(SecretString),
    Password {
        name: String,
        password: SecretString,
    },
}

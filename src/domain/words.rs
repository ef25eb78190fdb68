//! Enums of words: those that a file, a flag or we spell in one way, and those that AWS spells and may add to.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

/// Words of a service. A word that this version does not know is kept as it came: the service may add some.
macro_rules! service_words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name { $($variant,)+ Unknown(Untrusted) }

        impl $name {
            pub fn word(&self) -> Printable {
                match self {
                    $(Self::$variant => Printable::from($word),)+
                    Self::Unknown(text) if text.raw().is_empty() => Printable::from("not stated"),
                    Self::Unknown(text) => text.show(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text { $($word => Self::$variant,)+ other => Self::Unknown(Untrusted::new(other)) }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                match value {
                    $($name::$variant => $word.to_owned(),)+
                    $name::Unknown(text) => text.raw().to_owned(),
                }
            }
        }
    };
}

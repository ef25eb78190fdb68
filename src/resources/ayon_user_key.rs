//! A labelled API key of an AYON user. Its value is made up where it is sent from, held for this session, and never read
//! back: AYON keeps a hash of it. The label tells whether it exists, and undoing deletes it.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{AsCode, Change, Found, Resource, Step, Touched, changed, other_answer, told};
use crate::domain::ayon::LabelledKey;
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, AyonUserKeys, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AyonUserKey {
    pub server: Url,
    pub user: String,
    /// Its text as well: a key of that label exists, or does not.
    pub label: String,
}

impl AyonUserKey {
    pub fn keys(&self) -> AyonUserKeys {
        AyonUserKeys(self.server.clone(), self.user.clone())
    }
}

impl Resource for AyonUserKey {
    fn words(&self) -> Printable {
        format!("API key \"{}\" of the AYON user {}", self.label, self.user).into()
    }

    fn question(&self) -> AnyQuestion {
        self.keys().into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::AyonUserKeys(fact) = answer else {
            return Err(other_answer());
        };
        let user = told(fact, "Could not read the API keys of the AYON user")?;
        let own = |k: &LabelledKey| k.label.raw() == self.label;
        let is_there = user.is_some_and(|u| u.keys.iter().any(own));
        Ok(Found::text(is_there.then(|| self.label.clone())))
    }

    fn service(&self) -> &'static str {
        "ayon"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "POST apikeys",
            Step::Delete => "DELETE apikeys",
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => {
                "undo: deletes the key; AYON may accept it for 10 minutes more"
            }
            Step::Delete => "no undo: a key can't be read back",
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        (step == Step::Delete).then_some("a deleted key can't be read back; make another one")
    }

    fn is_final(&self, step: Step) -> bool {
        step == Step::Delete
    }

    fn lock(&self, _: &AccountId, _: &Region) -> String {
        format!("ayon-{}", self.server.host_str().unwrap_or("server"))
    }

    fn readable(&self, text: &str) -> String {
        format!("label   {text}\nkey     hidden: made here, and kept by nobody but the secret\n")
    }

    fn as_code(&self, _: &Change, _: &Snapshot) -> AsCode {
        AsCode::by_hand(format!(
            "make the {} in AYON, or let `studiolink apply` do it: a key is no part of any code",
            self.words()
        ))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        if let Some(user) = snapshot.facts.known_mut(&self.keys()) {
            user.keys.retain(|k| k.label.raw() != self.label);
            user.keys.extend(text.map(|label| LabelledKey {
                id: Untrusted::new(""),
                label: Untrusted::new(label),
            }));
        }
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([self.keys().into()])
    }
}

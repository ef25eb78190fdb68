//! One file per kind of thing that is changed: the question that tells what it is now, its diff, the names of its calls,
//! its undo, what it locks, and what the studio looks like after it. The calls themselves are the world's. Nothing here
//! does IO.
//!
//! To add one, copy `trust_policy.rs`, the shortest; then a `mod` line and an entry in the list below. The compiler then
//! names the one function in the world and the one in the sandbox that make the change.

mod addon_setting;
mod as_code;
mod ayon_user_key;
mod change;
mod environment_template;
mod fleet_configuration;
mod fleet_script;
mod iam_role;
mod inline_policy;
mod plan;
mod probe_job;
mod queue_role_link;
mod resource_configuration;
mod resource_gateway;
mod resource_share;
mod secret;
mod secret_value;
mod share_associations;
mod trust_policy;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::fact::{Fact, NotAsked};
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::questions::{AnyAnswer, AnyQuestion, Key, Snapshot};

pub use as_code::{AsCode, Call, Calls, Guard, Hashicorp, Node, Wait};
pub use change::{Change, Piece, Step, fill, pieces, placeholder};
pub use plan::{LeftAlong, Plan};
pub use secret::{DESCRIPTION, RECOVERY_DAYS};
pub use share_associations::MEMBERS;

/// What AWS assigns to a thing when it is created, by name.
pub type Outputs = BTreeMap<String, String>;

/// What a thing is now: its text, and what AWS has assigned to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// `None`: it does not exist.
    pub text: Option<String>,
    pub outputs: Outputs,
    pub ready: Ready,
}

/// Some services take a change first, and say later what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ready {
    #[default]
    Yes,
    NotYet(Printable),
    Failed(Printable),
}

impl Found {
    pub fn text(text: Option<String>) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// What was changed about a role, and so what may take a while to be true everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Propagation {
    Nothing,
    /// What it can do.
    Permissions,
    /// Whom it trusts, or that it exists at all.
    Trust,
}

/// A thing with one text in the cloud, which exists or does not.
pub trait Resource: Send + Sync {
    fn words(&self) -> Printable;

    /// What tells its text now: read just before the change, and after a call that did not answer.
    fn question(&self) -> AnyQuestion;

    /// Its text, out of the answer to that question.
    fn found(&self, answer: AnyAnswer, change: &Change) -> Result<Found, Problem>;

    /// The service whose permission the call takes.
    fn service(&self) -> &'static str;

    /// The call, as the service names it.
    fn operation(&self, step: Step) -> &'static str;

    /// What undoing costs, for the review page.
    fn undo(&self, step: Step) -> &'static str;

    /// What can't be undone, where there is something.
    fn cannot_undo(&self, _step: Step) -> Option<&'static str> {
        None
    }

    /// What is sent in its place where the service refuses the text.
    fn otherwise(&self, _after: &str) -> Option<Printable> {
        None
    }

    /// No call would restore what was there.
    fn is_final(&self, _step: Step) -> bool {
        false
    }

    /// One run at a time holds this.
    fn lock(&self, account: &AccountId, region: &Region) -> String;

    /// Is its text JSON? Then it is compared by what it says, because the service may lay it out differently.
    fn is_json(&self) -> bool {
        false
    }

    /// Do two texts say the same?
    fn is_same(&self, one: &str, other: &str) -> bool {
        one == other || (self.is_json() && json_equal(one, other))
    }

    /// The text as people read it.
    fn readable(&self, text: &str) -> String {
        if self.is_json() {
            laid_out(text)
        } else {
            text.to_owned()
        }
    }

    /// Its text in a snapshot; only for texts that may hold secrets, which are put back from it.
    fn now(&self, _snapshot: &Snapshot) -> Option<String> {
        None
    }

    /// The same change as code, for studios that change nothing by hand.
    fn as_code(&self, change: &Change, snapshot: &Snapshot) -> AsCode;

    /// The studio after a change to that text.
    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>);

    /// What a change to it touches: facts that it changes, and what must be seen again after it.
    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched>;

    fn propagation(&self) -> Propagation {
        Propagation::Nothing
    }

    /// The service takes a change first, and says later what came of it.
    fn waits(&self) -> bool {
        false
    }

    /// The change is undone: what it is called then, where that is another call.
    fn turn_back(&mut self) {}

    /// Takes in what AWS assigned when it was created.
    fn learn(&mut self, _outputs: &Outputs) {}
}

/// What a change does to something that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// `apply_to` says what it is afterwards.
    Changed(Key),
    /// It must be asked or tried again.
    Stale(Key),
}

macro_rules! resources {
    ($($name:ident in $module:ident $(or $former:literal)?),+ $(,)?) => {
        $(pub use $module::$name;)+

        /// Any of the things that are changed, as a value.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum AnyResource { $($(#[serde(alias = $former)])? $name($name)),+ }

        $(
            impl From<$name> for AnyResource {
                fn from(resource: $name) -> Self {
                    Self::$name(resource)
                }
            }
        )+

        impl AnyResource {
            pub const NAMES: &'static [&'static str] = &[$(stringify!($module)),+];
            /// What journals of earlier versions call some of them.
            const FORMER: &'static [&'static str] = &[$($($former,)?)+];

            /// As journals and plan files name it.
            pub fn kind(&self) -> String {
                let module = match self { $(Self::$name(_) => stringify!($module)),+ };
                module.replace('_', "-")
            }

            fn inner(&self) -> &dyn Resource {
                match self { $(Self::$name(resource) => resource),+ }
            }

            fn inner_mut(&mut self) -> &mut dyn Resource {
                match self { $(Self::$name(resource) => resource),+ }
            }
        }
    };
}

resources! {
    IamRole in iam_role,
    InlinePolicy in inline_policy,
    TrustPolicy in trust_policy,
    QueueRoleLink in queue_role_link,
    EnvironmentTemplate in environment_template,
    AddonSetting in addon_setting or "addon-target",
    Secret in secret,
    SecretValue in secret_value,
    AyonUserKey in ayon_user_key,
    ProbeJob in probe_job,
    ResourceGateway in resource_gateway,
    ResourceConfiguration in resource_configuration,
    ResourceShare in resource_share,
    ShareAssociations in share_associations,
    FleetConfiguration in fleet_configuration,
    FleetScript in fleet_script,
}

impl AnyResource {
    /// Is that a kind that this version knows?
    pub fn knows(kind: &str) -> bool {
        Self::NAMES.iter().any(|n| n.replace('_', "-") == kind) || Self::FORMER.contains(&kind)
    }

    pub fn words(&self) -> Printable {
        self.inner().words()
    }

    pub fn question(&self) -> AnyQuestion {
        self.inner().question()
    }

    pub fn lock(&self, account: &AccountId, region: &Region) -> String {
        self.inner().lock(account, region)
    }

    pub fn propagation(&self) -> Propagation {
        self.inner().propagation()
    }

    pub fn waits(&self) -> bool {
        self.inner().waits()
    }

    pub fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        self.inner().touches(snapshot)
    }

    pub fn turn_back(&mut self) {
        self.inner_mut().turn_back();
    }

    pub fn learn(&mut self, outputs: &Outputs) {
        self.inner_mut().learn(outputs);
    }
}

/// `apply_to` says what the answers to these are afterwards.
fn changed(questions: impl IntoIterator<Item = AnyQuestion>) -> Vec<Touched> {
    let keys = questions.into_iter().map(Key::Question);
    keys.map(Touched::Changed).collect()
}

/// The members of both, the second's where both have one.
fn merged(one: &serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    let mut all = one.as_object().cloned().unwrap_or_default();
    if let serde_json::Value::Object(more) = more {
        all.extend(more);
    }
    serde_json::Value::Object(all)
}

/// A text as JSON, for a preview; null where there is none.
fn parsed(text: Option<&str>) -> serde_json::Value {
    let value = text.and_then(|t| serde_json::from_str(t).ok());
    value.unwrap_or_default()
}

/// The member of a JSON object that is text; "" where it is none.
fn text_at<'a>(value: &'a serde_json::Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The texts of a member that is an array.
fn texts_at<'a>(
    value: &'a serde_json::Value,
    member: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let all = value[member].as_array().into_iter().flatten();
    all.filter_map(serde_json::Value::as_str)
}

/// What AYON tells its administrators alone.
fn told<T>(fact: Fact<T>, doing: &str) -> Result<Option<T>, Problem> {
    if matches!(fact, Fact::NotAsked(_)) {
        return Err(Problem::new(
            ProblemKind::Denied,
            doing,
            "no login of an AYON administrator is given",
            crate::domain::login::LOGIN_FIX,
        ));
    }
    needed(fact)
}

/// A fact as a change needs it: what could not be read stops the change.
fn needed<T>(fact: Fact<T>) -> Result<Option<T>, Problem> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Absent => Ok(None),
        Fact::Denied(problem) | Fact::NoAnswer(problem) => Err(*problem),
        Fact::NotAsked(NotAsked::Declined(reason)) => Err(Problem::new(
            ProblemKind::Denied,
            "Could not read it again before the change",
            reason.as_str(),
            "give the login that is missing, then run it again",
        )),
        Fact::NotAsked(_) => Err(bug("it was not asked for")),
    }
}

fn other_answer() -> Problem {
    bug("the answer belongs to another question")
}

fn bug(because: &str) -> Problem {
    Problem::new(
        ProblemKind::Local,
        "Could not read it again before the change",
        because,
        "this is a bug in studiolink; please report it",
    )
}

/// Two JSON texts that say the same, however they are laid out.
fn json_equal(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    parse(one).is_some() && parse(one) == parse(other)
}

/// JSON laid out; any other text as it is.
fn laid_out(text: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(text).ok();
    let pretty = value.and_then(|v| serde_json::to_string_pretty(&v).ok());
    pretty.map_or_else(|| text.to_owned(), |p| p + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/resources");
        let own = ["as_code.rs", "mod.rs", "change.rs", "plan.rs"];
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| !own.contains(&f.as_str()))
            .map(|f| f.replace(".rs", ""))
            .collect();
        files.sort();
        let mut names = AnyResource::NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(
            files, names,
            "a resource's file and its entry in the list go together"
        );
    }
}

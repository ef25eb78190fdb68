//! Queue environment templates, recognised by their structure. They are edited in `template_edit.rs`.

use std::collections::{BTreeMap, BTreeSet};

use openjd_model::{CallerLimits, DocumentType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conda_solve::{Engine, Priority};

/// The service's limit on a template, in characters (field facts A1).
pub const TEMPLATE_LIMIT: usize = 15_000;

/// The console's own kind, for a queue that has no conda environment at all.
pub const CONSOLE_TEMPLATE: &str = include_str!("../../assets/environments/console.yaml");

/// The extensions that the service may accept; a template that uses another one is not ours to judge.
const EXTENSIONS: [&str; 4] = [
    "TASK_CHUNKING",
    "REDACTED_ENV_VARS",
    "FEATURE_BUNDLE_1",
    "EXPR",
];

pub(super) const CHANNELS: &str = "CondaChannels";
const PACKAGES: &str = "CondaPackages";
const GUARD: &str = "DISABLE_CONDA_ENV";
/// What AYON's launcher needs of a session.
pub const SERVER_URL: &str = "AYON_SERVER_URL";
pub const API_KEY: &str = "AYON_API_KEY";
pub const HEADLESS: &str = "AYON_HEADLESS_MODE";
/// How the description of an environment begins that setup made, and keeps.
pub const MADE_HERE: &str = "Made by studiolink.";

/// For the console's default conda environment, and where nothing tells: sources disagree, so both are tried.
pub const BELIEVED: [Priority; 2] = [Priority::Strict, Priority::Flexible];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TemplateType {
    Yaml,
    Json,
}

impl TemplateType {
    fn document(self) -> DocumentType {
        match self {
            Self::Yaml => DocumentType::Yaml,
            Self::Json => DocumentType::Json,
        }
    }
}

/// The families of queue environment (field facts A3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Console,
    ConsoleCaching,
    Inline,
    InlineCaching,
    PyRattler,
    /// Carries conda's parameters, but runs nothing that is known here.
    UnknownConda,
    Rez,
    Pip,
    Other,
}

impl Kind {
    pub fn words(self) -> &'static str {
        match self {
            Self::Console => "the console's default",
            Self::ConsoleCaching => "the console's default, with kept environments",
            Self::Inline => "inline conda",
            Self::InlineCaching => "inline conda with kept environments",
            Self::PyRattler => "py-rattler",
            Self::UnknownConda => "conda of an unknown kind",
            Self::Rez => "rez",
            Self::Pip => "pip",
            Self::Other => "not conda",
        }
    }

    pub fn is_conda(self) -> bool {
        !matches!(self, Self::Rez | Self::Pip | Self::Other)
    }

    /// The solver behind it.
    pub fn engine(self) -> Engine {
        match self {
            Self::Inline | Self::InlineCaching => Engine::Conda,
            _ => Engine::Rattler,
        }
    }

    /// Runs `conda-queue-env-enter`, which is only known to be on service-managed workers.
    pub fn needs_service_worker(self) -> bool {
        matches!(self, Self::Console | Self::ConsoleCaching)
    }
}

/// What an environment does to the guard of those that are entered after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardSet {
    Set,
    Unset,
}

/// What a template says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a question of its own
pub struct Template {
    pub kind: Kind,
    pub name: String,
    /// `None`: the parameter is missing. `Some(None)`: it exists and has no default.
    pub channels: Option<Option<String>>,
    pub packages: Option<Option<String>>,
    /// Asks `DISABLE_CONDA_ENV` before it does anything, as publish hosts need.
    pub has_guard: bool,
    /// Sets `DISABLE_CONDA_ENV` for what is entered after it, or takes it away again.
    pub sets_guard: Option<GuardSet>,
    /// How much the order of channels counts, the believed one first (field facts A3, A4).
    pub priorities: Vec<Priority>,
    /// Setup made it.
    pub is_made_here: bool,
    /// What it sets by itself.
    pub variables: BTreeMap<String, String>,
    /// Of AYON's variables, those that its programs tell OpenJD, as far as their text shows.
    pub told: BTreeSet<&'static str>,
    /// The key stands in its text, or in the log of every session.
    pub shows_key: bool,
    /// It opens a port by Systems Manager.
    pub opens_tunnel: bool,
    /// It wraps the actions of what is entered after it (RFC 0008 of OpenJD).
    pub wraps: bool,
}

/// Why a template can't be read or won't be edited. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template can't be parsed: {0}")]
    Unparsable(String),
    #[error("it has no parameter CondaChannels")]
    NoChannels,
    #[error("its CondaChannels default {0}")]
    NotEditable(&'static str),
    #[error("the edited template would not be valid: {0}")]
    Invalid(String),
    #[error("the edited template would have {0} characters; the service takes 15,000")]
    TooLong(usize),
}

pub(super) fn parse(text: &str, kind: TemplateType) -> Result<Value, TemplateError> {
    openjd_model::template::parse::document_string_to_object(
        text,
        kind.document(),
        &CallerLimits::default(),
    )
    .map_err(|e| TemplateError::Unparsable(first_line(&e.to_string())))
}

fn first_line(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .take(3)
        .collect();
    lines.join("; ")
}

/// The text must be an environment template that the service's model accepts.
pub fn validate(text: &str, kind: TemplateType) -> Result<(), TemplateError> {
    let length = text.chars().count();
    if length > TEMPLATE_LIMIT {
        return Err(TemplateError::TooLong(length));
    }
    let value = parse(text, kind)?;
    openjd_model::template::parse::decode_environment_template(value, Some(&EXTENSIONS))
        .map_err(|e| TemplateError::Invalid(first_line(&e.to_string())))?;
    Ok(())
}

impl Template {
    pub fn read(text: &str, kind: TemplateType) -> Result<Self, TemplateError> {
        let value = parse(text, kind)?;
        let environment = value
            .get("environment")
            .and_then(Value::as_object)
            .ok_or_else(|| TemplateError::Unparsable("it has no environment".to_owned()))?;
        let parameter = |name: &str| {
            let found = value
                .get("parameterDefinitions")
                .and_then(Value::as_array)?
                .iter()
                .find(|p| p.get("name").and_then(Value::as_str) == Some(name))?;
            Some(
                found
                    .get("default")
                    .map(|d| d.as_str().map_or_else(|| d.to_string(), str::to_owned)),
            )
        };
        let script = environment.get("script").cloned().unwrap_or_default();
        let ran = Ran::of(&script);
        let kind = recognise(&ran, &parameter);
        Ok(Self {
            kind,
            name: environment
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            channels: parameter(CHANNELS),
            packages: parameter(PACKAGES),
            has_guard: ran.asks_guard(),
            sets_guard: ran.sets_guard(kind).or_else(|| {
                let variables = environment.get("variables")?;
                variables.get(GUARD).map(|_| GuardSet::Set)
            }),
            priorities: priorities(kind, &script, &parameter),
            is_made_here: environment
                .get("description")
                .and_then(Value::as_str)
                .is_some_and(|d| d.starts_with(MADE_HERE)),
            opens_tunnel: ran.words().contains("StartPortForwardingSession"),
            told: ran.tells(),
            shows_key: ran.shows_key()
                || environment
                    .get("variables")
                    .is_some_and(|v| v.get(API_KEY).is_some()),
            variables: variables(environment.get("variables")),
            wraps: value
                .get("extensions")
                .and_then(Value::as_array)
                .is_some_and(|all| all.iter().any(|e| e == "WRAP_ACTIONS")),
        })
    }
}

impl Template {
    /// Does a session have that variable of AYON's by it?
    pub fn gives(&self, name: &str) -> bool {
        self.variables.contains_key(name) || self.told.contains(name)
    }
}

fn variables(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    pairs.map(|(name, v)| (name.clone(), text(v))).collect()
}

/// What a script runs: its commands with their arguments, and the text of the files that it carries. What a file is called
/// says nothing, nor does a comment.
struct Ran {
    commands: Vec<String>,
    lines: Vec<String>,
}

impl Ran {
    fn of(script: &Value) -> Self {
        let actions = script.get("actions").and_then(Value::as_object);
        let mut commands = Vec::new();
        let mut lines = Vec::new();
        for action in actions.into_iter().flat_map(|a| a.values()) {
            let text = |v: &Value| v.as_str().map(str::to_owned);
            let command = action.get("command").and_then(text);
            let args = action.get("args").and_then(Value::as_array);
            let args = args.into_iter().flatten().filter_map(text);
            let all: Vec<String> = command.clone().into_iter().chain(args).collect();
            commands.extend(command);
            lines.push(all.join(" "));
        }
        let files = script.get("embeddedFiles").and_then(Value::as_array);
        let data = files.into_iter().flatten();
        for text in data.filter_map(|f| f.get("data")?.as_str()) {
            let code = text.lines().filter(|l| {
                let line = l.trim_start();
                let comment =
                    line.starts_with('#') || line.to_ascii_lowercase().starts_with("rem ");
                !comment && !line.starts_with("::")
            });
            lines.extend(code.map(str::to_owned));
        }
        Self { commands, lines }
    }

    fn words(&self) -> String {
        self.lines.join("\n")
    }

    /// Is this program run? A file of that name with an ending is another one.
    fn runs(&self, program: &str) -> bool {
        let is_it = |command: &String| {
            let name = command.rsplit(['/', '\\']).next().unwrap_or_default();
            name == program || name == format!("{program}.exe")
        };
        let named = |line: &String| {
            line.match_indices(program).any(|(at, _)| {
                let after = line[at + program.len()..].chars().next();
                let before = line[..at].chars().next_back();
                let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                !after.is_some_and(word) && !before.is_some_and(word)
            })
        };
        self.commands.iter().any(is_it) || self.lines.iter().any(named)
    }

    /// One of conda's family makes or enters an environment.
    fn runs_conda(&self) -> bool {
        const TOOLS: [&str; 4] = ["conda", "mamba", "micromamba", "pixi"];
        const VERBS: [&str; 7] = [
            "create", "install", "activate", "env", "update", "run", "shell",
        ];
        self.lines.iter().any(|line| {
            let words: Vec<&str> = line
                .split(|c: char| {
                    c.is_whitespace()
                        || matches!(
                            c,
                            '"' | '\'' | ',' | '[' | ']' | '(' | ')' | ';' | '&' | '|'
                        )
                })
                .filter(|w| !w.is_empty())
                .collect();
            words.iter().enumerate().any(|(at, word)| {
                let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
                let name = name.trim_end_matches(".exe").trim_end_matches(".bat");
                let mut rest = words[at + 1..].iter().take(3);
                TOOLS.contains(&name) && rest.any(|w| VERBS.contains(w))
            })
        })
    }

    fn uses(&self, parameter: &str) -> bool {
        let words = self.words();
        words.contains(&format!("Param.{parameter}"))
            || words.contains(&format!("RawParam.{parameter}"))
    }

    /// Does a line ask for the guard? One that tells OpenJD of it does not.
    fn asks_guard(&self) -> bool {
        let asks = |l: &&String| l.contains(GUARD) && told(l).is_none();
        self.lines.iter().any(|l| asks(&l))
    }

    /// A program may put the line together from parts: where it names the variable and speaks to OpenJD, it counts.
    fn tells(&self) -> BTreeSet<&'static str> {
        if !self.lines.iter().any(|l| sets(l)) {
            return BTreeSet::new();
        }
        let named = |name: &&str| self.lines.iter().any(|l| l.contains(*name));
        [SERVER_URL, API_KEY, HEADLESS]
            .into_iter()
            .filter(named)
            .collect()
    }

    /// A line that tells OpenJD the key without hiding it.
    fn shows_key(&self) -> bool {
        let open = |l: &String| l.contains(API_KEY) && l.contains("openjd_env");
        self.lines.iter().any(open)
    }

    /// What OpenJD is told of the guard, last of all. A program may put the line together from parts, which can't be told
    /// from here: where an environment of another kind names the guard and speaks to OpenJD, it counts as setting it.
    fn sets_guard(&self, kind: Kind) -> Option<GuardSet> {
        let mut named = self.lines.iter().rev().filter(|l| l.contains(GUARD));
        if let Some(last) = named.find_map(|l| told(l)) {
            return Some(last);
        }
        let parts =
            !kind.is_conda() && self.words().contains(GUARD) && self.lines.iter().any(|l| sets(l));
        parts.then_some(GuardSet::Set)
    }
}

/// Does it tell OpenJD a variable, openly or hidden?
fn sets(line: &str) -> bool {
    line.contains("openjd_env") || line.contains("openjd_redacted_env")
}

/// What a line tells OpenJD, in whatever spelling: `openjd_env: NAME=VALUE`, the whole as a JSON string, hidden, taken away.
fn told(line: &str) -> Option<GuardSet> {
    let before = &line[..line.find(GUARD)?];
    if before.contains("openjd_unset_env") {
        Some(GuardSet::Unset)
    } else if sets(before) {
        Some(GuardSet::Set)
    } else {
        None
    }
}

/// By what is run. A parameter alone says nothing: others may share it, as a licence environment does.
fn recognise(ran: &Ran, parameter: &dyn Fn(&str) -> Option<Option<String>>) -> Kind {
    let words = ran.words();
    if ran.runs("conda-queue-env-enter") {
        return if words.contains("--persist-envs-hashed") {
            Kind::ConsoleCaching
        } else {
            Kind::Console
        };
    }
    let has_channels = parameter(CHANNELS).is_some();
    let has_either = has_channels || parameter(PACKAGES).is_some();
    if has_either && words.contains("rattler") {
        return Kind::PyRattler;
    }
    if ran.runs_conda() && (has_either || words.contains("create")) {
        return if words.contains("Param.NamedCondaEnv") {
            Kind::InlineCaching
        } else {
            Kind::Inline
        };
    }
    // What takes a list of channels, and hands it to something, is conda's of some kind.
    if has_channels && (ran.uses(CHANNELS) || ran.lines.is_empty()) {
        return Kind::UnknownConda;
    }
    match () {
        () if parameter("RezPackages").is_some() || parameter("RezRequires").is_some() => Kind::Rez,
        () if parameter("PipPackages").is_some() || parameter("PipInstall").is_some() => Kind::Pip,
        () => Kind::Other,
    }
}

/// What the template itself says, else what its kind is believed to do. AWS's newer pages and the command's own options
/// say strict for the console's default conda environment; an older page says flexible. conda's own default is flexible.
fn priorities(
    kind: Kind,
    script: &Value,
    parameter: &dyn Fn(&str) -> Option<Option<String>>,
) -> Vec<Priority> {
    let text = script.to_string().to_ascii_lowercase();
    let said = [
        "--channel-priority",
        "--strict-channel-priority",
        "channel_priority",
    ]
    .iter()
    .find_map(|option| {
        let after = &text[text.find(option)? + option.len()..];
        if *option == "--strict-channel-priority" {
            return Some(Priority::Strict);
        }
        let word = after
            .split(|c: char| !c.is_ascii_alphabetic())
            .find(|w| !w.is_empty())?;
        match word {
            // conda's older spelling.
            "false" => Some(Priority::Disabled),
            "true" => Some(Priority::Flexible),
            word => Priority::of_word(word),
        }
    });
    if let Some(said) = said {
        return vec![said];
    }
    if let Some(default) = parameter("ChannelPriority") {
        let word = default.unwrap_or_default().to_ascii_lowercase();
        return vec![Priority::of_word(&word).unwrap_or(Priority::Strict)];
    }
    match kind {
        Kind::Inline | Kind::InlineCaching => vec![Priority::Flexible],
        Kind::PyRattler => vec![Priority::Strict],
        _ => BELIEVED.to_vec(),
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;

//! A conda solve: would conda on a worker find and install what is asked for, from these channels in this order? The
//! question and its answer are data. Reading and solving belong to the world, the words to the live test.

use humansize::{DECIMAL, FormatSizeOptions, format_size};
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::text::{Printable, Untrusted};

words!(
    /// What a fleet's workers are, as conda names it.
    Platform { Linux64 = "linux-64", LinuxArm = "linux-aarch64", Win64 = "win-64" }
);
words!(
    /// How much the order of the channels counts (field facts A4). Strict: only the first channel that knows a name.
    /// Flexible: a later channel only where the earlier ones have no version that fits. Disabled: the best version
    /// anywhere.
    Priority { Strict = "strict", Flexible = "flexible", Disabled = "disabled" }
);

words!(
    /// Which program solves on the worker: they treat a strict priority differently.
    Engine { Rattler = "rattler", Conda = "conda" }
);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CondaSolve {
    pub channels: Vec<Channel>,
    /// As a job's CondaPackages names them.
    pub packages: Vec<String>,
    pub platforms: Vec<Platform>,
    pub engine: Engine,
    /// The first is believed to be the worker's; the others are what sources that disagree say.
    pub priorities: Vec<Priority>,
    /// The platforms of fleets that take publish steps; elsewhere a failure is not fatal.
    pub publishing: Vec<Platform>,
    /// The channels are those that the AYON addon puts into its jobs, not the queue's.
    pub for_addon: bool,
    /// Why the pinned version is not known; then the newest is asked for, to see what the channels have.
    pub unpinned: Option<String>,
}

/// What was read and solved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SolveReport {
    /// In the order of the question.
    pub channels: Vec<ChannelSeen>,
    /// Platform by platform, and in each the priorities in the order of the question.
    pub solves: Vec<Solve>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelSeen {
    pub channel: Channel,
    /// The address that its name stands for, where that is not plain; no query, no secret.
    pub at: Option<Printable>,
    /// This machine's own settings lead there; a worker may go another way.
    #[serde(default)]
    pub by_settings: bool,
    /// `None`: only a worker can read it.
    pub subdirs: Option<Vec<SubdirSeen>>,
    /// The versions of the packages that were asked for, newest first, whatever the platform.
    pub versions: Vec<(String, Vec<Untrusted>)>,
}

/// One channel's folder for one platform, or for all (`noarch`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SubdirSeen {
    pub subdir: String,
    pub state: SubdirState,
    /// Names of packages.
    pub names: usize,
    /// Builds, where they were all read; a large channel is read only as far as a solve needs.
    pub packages: Option<usize>,
    pub newest: Option<jiff::Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubdirState {
    /// It has packages.
    Present,
    Empty,
    /// The answer was that it is not there.
    Missing,
    /// 401 or 403: forbidden is not missing.
    Forbidden(u16),
    /// It sends readers to another host, which was not followed.
    Redirected(Printable),
    Unparsable(Printable),
    /// It grew beyond what an index may be.
    TooLarge(Printable),
    Unreached(Printable),
}

impl SubdirState {
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Present | Self::Empty | Self::Missing)
    }

    pub fn words(&self) -> String {
        match self {
            Self::Present => "present".to_owned(),
            Self::Empty => "empty".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::Forbidden(status) => format!("forbidden ({status})"),
            Self::Redirected(to) => format!("redirected to {to}"),
            Self::Unparsable(why) => format!("unparsable: {why}"),
            Self::TooLarge(why) => format!("too large: {why}"),
            Self::Unreached(why) => format!("not reached: {why}"),
        }
    }
}

impl ChannelSeen {
    /// What stops conda at this channel: the first folder that can't be used. Only `noarch` may not be missing.
    pub fn obstacle(&self, platform: Platform) -> Option<&SubdirSeen> {
        self.subdirs.iter().flatten().find(|s| {
            let ours = s.subdir == "noarch" || s.subdir == platform.word();
            ours && (!s.state.is_read()
                || (s.subdir == "noarch" && s.state == SubdirState::Missing))
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Solve {
    pub platform: Platform,
    pub priority: Priority,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Dependencies before those that need them.
    Found(Vec<Resolved>),
    NotFound(Vec<Reason>),
    /// The question itself can't be solved: a package spec that conda would not take.
    NotTried(Printable),
    /// No answer came of it: the solver took too long, or what it needed could not be read.
    CouldNot(Printable),
}

/// One package that would be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resolved {
    pub name: String,
    pub version: Untrusted,
    pub build: Untrusted,
    pub subdir: String,
    /// In bytes, where the index says it.
    pub size: Option<u64>,
    /// Its place in the list of channels.
    pub channel: usize,
}

/// Why nothing was found. `wanted_by`: the package that needs it; `None`: it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Reason {
    /// No channel that was read has a package of that name for this platform.
    NoName {
        name: String,
        spec: String,
        wanted_by: Option<String>,
        /// Where it is for another platform: channel and folder.
        elsewhere: Vec<(usize, String)>,
    },
    /// The name exists, a version that fits is not.
    NoVersion {
        name: String,
        spec: String,
        wanted_by: Option<String>,
        /// Nearest first: version and channel.
        nearest: Vec<(Untrusted, usize)>,
    },
    /// A version that fits exists, but in a channel behind the first one that knows the name.
    Shadowed {
        name: String,
        spec: String,
        wanted_by: Option<String>,
        by: usize,
        there: usize,
    },
    /// The worker itself lacks it: a virtual package such as `__glibc`.
    Worker {
        name: String,
        spec: String,
        wanted_by: Option<String>,
    },
    /// Each exists, and they do not go together; the solver's own words.
    Conflict(Printable),
}

impl Solve {
    pub fn download(&self) -> Option<(u64, usize)> {
        let Outcome::Found(list) = &self.outcome else {
            return None;
        };
        let unknown = list.iter().filter(|r| r.size.is_none()).count();
        Some((list.iter().filter_map(|r| r.size).sum(), unknown))
    }
}

/// One file of an index on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    pub what: Printable,
    pub got: u64,
    /// `None`: the server does not say.
    pub of: Option<u64>,
    /// It has not begun: another process holds what it needs.
    pub waits: bool,
}

/// Bytes as people write them, in units of 1,000.
pub fn size_words(bytes: u64) -> String {
    // Three digits say enough.
    let places = usize::from(matches!(bytes, 1_000_000..100_000_000 | 1_000_000_000..));
    let units = FormatSizeOptions::from(DECIMAL)
        .decimal_places(places)
        .decimal_zeroes(places);
    format_size(bytes, units)
}

//! The command line, from which help, completions and the man page are made.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::domain::ayon::Variant;
use crate::domain::exit::Exit;
use crate::domain::ids::{FarmId, FleetId, JobId, QueueId, Region};
use crate::domain::risk::RiskKind;

/// By command: a line and what it does.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("", "studiolink", "opens the wizard"),
    (
        "",
        "studiolink --sandbox",
        "tries it on a studio in memory, without AWS",
    ),
    (
        "setup",
        "studiolink setup",
        "walks through it, and asks before it changes anything",
    ),
    (
        "setup",
        "studiolink setup --plain",
        "the same as lines of text, for screen readers",
    ),
    (
        "setup",
        "studiolink setup --yes --wait 30",
        "unattended; waits half an hour for a bucket's owner",
    ),
    (
        "plan",
        "studiolink plan --out change.json",
        "shows the changes, and keeps them for apply",
    ),
    (
        "apply",
        "studiolink apply change.json",
        "asks, then makes exactly these changes",
    ),
    (
        "apply",
        "studiolink apply --yes",
        "unattended, what the studio file says now",
    ),
    (
        "audit",
        "studiolink audit",
        "checks everything; exit 1 where something is wrong",
    ),
    (
        "audit",
        "studiolink audit --format json > today.json",
        "the same for a program, with every call",
    ),
    (
        "audit",
        "studiolink audit --baseline yesterday.json",
        "what has changed since; only what is new or worse ends with 1",
    ),
    (
        "audit",
        "studiolink audit --fail-on fail --format junit > audit.xml",
        "for CI; --format sarif is for code scanning",
    ),
    (
        "audit",
        "studiolink audit --all --profiles studio-a,studio-b --regions us-west-2,eu-west-1",
        "every queue of every farm there",
    ),
    (
        "audit",
        "studiolink audit --redact --format html > audit.html",
        "a page to share: names, ids and addresses are masked",
    ),
    (
        "diagnose",
        "studiolink diagnose",
        "which hop to the server is broken, and what to do",
    ),
    (
        "diagnose",
        "studiolink diagnose --watch 10",
        "the same every 10 seconds, with what has changed",
    ),
    (
        "checks",
        "studiolink checks addon-queue",
        "what it looks at, and why",
    ),
    (
        "diagram",
        "studiolink diagram",
        "the connections as boxes, for a terminal",
    ),
    (
        "diagram",
        "studiolink diagram --format mermaid > connections.mmd",
        "for the studio's documentation; --format svg is a picture",
    ),
    (
        "probe",
        "studiolink probe",
        "asks, then starts a worker and shows what it sees",
    ),
    (
        "probe",
        "studiolink probe --job job-…",
        "reads one that was sent before",
    ),
    (
        "explain",
        "studiolink explain session.log",
        "what a failed job's log comes from; - reads stdin",
    ),
    (
        "explain",
        "studiolink explain --job job-…",
        "finds the session that failed, and reads its log",
    ),
    (
        "explain",
        "aws logs get-log-events … | studiolink explain - --offline",
        "without looking at the studio",
    ),
    (
        "rollback",
        "studiolink rollback",
        "undoes the last run, after a question",
    ),
    (
        "rollback",
        "studiolink rollback 2026-11-27-b1d9 --yes",
        "that run, unattended",
    ),
    (
        "rotate-key",
        "studiolink rotate-key",
        "asks for the new key, tries it, and puts it into the secret",
    ),
    (
        "runs",
        "studiolink runs",
        "what was changed from this machine",
    ),
    (
        "runs",
        "studiolink runs 2026-11-27-b1d9 --export run.jsonl",
        "carries a run over to another machine",
    ),
    (
        "policy",
        "studiolink policy --for setup",
        "the IAM policy that setup needs",
    ),
    (
        "init",
        "studiolink init --farm farm-… --queue queue-… --server https://ayon.example.com",
        "writes studiolink.toml",
    ),
    ("sandbox", "studiolink sandbox list", "the studios to try"),
    (
        "completions",
        "studiolink completions bash > ~/.local/share/bash-completion/completions/studiolink",
        "for bash",
    ),
    ("man", "studiolink man setup | man -l -", "reads a page"),
];

/// The examples of a command; of the program itself.
pub(super) fn examples(command: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let own = EXAMPLES
        .iter()
        .filter(|(c, ..)| *c == command.unwrap_or_default());
    own.map(|(_, line, what)| (*line, *what)).collect()
}

fn with_examples(command: &'static str, before: &str) -> String {
    let mut text = before.to_owned();
    let all = examples((!command.is_empty()).then_some(command));
    if !all.is_empty() {
        text += "Examples:\n";
    }
    for (line, what) in all {
        let _ = writeln!(text, "  {line}\n      {what}");
    }
    text.trim_end().to_owned()
}

/// Which exit code wins.
pub(super) const PRECEDENCE: &str = "When several apply: 130, 4, 2, 1, 3, 10.";

/// The table of exit codes, as help and man page show it.
fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "  {:<4} {}", exit.code(), exit.words());
    }
    text + PRECEDENCE + "\nWithout a command the wizard opens."
}

#[allow(clippy::struct_excessive_bools)] // one for each flag
#[derive(Debug, Parser)]
#[command(
    name = "studiolink",
    version,
    about = "Links an AWS Deadline Cloud queue to AYON: conda channels, IAM roles and the way to the server",
    max_term_width = 100
)]
#[command(
    after_help = with_examples("", &(exit_codes() + "\n\n"))
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The wizard as lines of text (as in `setup --plain`)
    #[arg(long)]
    pub plain: bool,
    /// AWS profile of the shared config (otherwise AWS_PROFILE, the studio file, `default`)
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region (otherwise AWS_REGION, the studio file, the profile)
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<Region>,
    /// Another address for all AWS services, for tests
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AWS_ENDPOINT_URL",
        hide_env_values = true
    )]
    pub endpoint_url: Option<String>,
    /// The farm, instead of the studio file's
    #[arg(long, global = true, value_name = "FARM_ID")]
    pub farm: Option<FarmId>,
    /// The queue, instead of the studio file's
    #[arg(long, global = true, value_name = "QUEUE_ID")]
    pub queue: Option<QueueId>,
    /// The studio file [default: studiolink.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub studio: Option<PathBuf>,
    /// A studio held in memory instead of AWS and AYON; `studiolink sandbox list` names them
    #[arg(long, global = true, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "studio")]
    pub sandbox: Option<String>,
    /// Keeps the sandbox in this file between commands
    #[arg(long, global = true, value_name = "FILE")]
    pub sandbox_state: Option<PathBuf>,
    /// Sends AYON keys over plain http:// to public addresses too, where everybody on the way reads them
    #[arg(long, global = true)]
    pub allow_http: bool,
    /// What is printed on stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// No colours (also NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Masks accounts, hosts, addresses, names and ids, each the same way throughout: for sharing a report
    #[arg(long, global = true)]
    pub redact: bool,
    /// Shows every call on stderr, and the evidence of what is fine too
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What the command has opened
    #[arg(skip)]
    pub opened: super::open::Opened,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// For `diagram`
    Mermaid,
    /// For `diagram`
    Svg,
    /// For `audit`: SARIF 2.1.0, for code scanning
    Sarif,
    /// For `audit`: JUnit XML, for CI
    Junit,
    /// For `audit`: for a ticket
    Markdown,
    /// For `audit`: one page that needs nothing else
    Html,
}

impl Format {
    /// What a command prints.
    pub fn of(command: Option<&Command>) -> &'static [Self] {
        match command {
            Some(Command::Diagram(_)) => &[Self::Text, Self::Json, Self::Mermaid, Self::Svg],
            Some(Command::Audit(_)) => &[
                Self::Text,
                Self::Json,
                Self::Sarif,
                Self::Junit,
                Self::Markdown,
                Self::Html,
            ],
            _ => &[Self::Text, Self::Json],
        }
    }

    pub fn word(self) -> String {
        let value = self.to_possible_value();
        value.map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

/// What makes an audit end with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only FAIL
    Fail,
    /// FAIL or WARN
    Warn,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walks through linking a queue; with --yes applies what the studio file says, unattended
    #[command(after_help = with_examples("setup", ""))]
    Setup(Setup),
    /// Shows what would be changed, as a diff
    #[command(after_help = with_examples("plan", ""))]
    Plan(Plan),
    /// Applies a saved plan, or that of the studio file
    #[command(after_help = with_examples("apply", ""))]
    Apply(Apply),
    /// Checks the queue, its roles, its channels and the server; changes nothing
    #[command(after_help = with_examples("audit", ""))]
    Audit(Audit),
    /// Lists the checks, or shows one
    #[command(after_help = with_examples("checks", ""))]
    Checks(Checks),
    /// Why can't a worker reach the server? Each hop as it is seen now; changes nothing
    #[command(after_help = with_examples("diagnose", ""))]
    Diagnose(Diagnose),
    /// Draws how the workers reach the server, with what is seen of each part
    #[command(after_help = with_examples("diagram", ""))]
    Diagram(Diagram),
    /// Asks a worker: a small job tells what a publish step would meet there; starts a billed worker, and asks first
    #[command(after_help = with_examples("probe", ""))]
    Probe(Probe),
    /// Says what a failed job's log comes from, and whether the studio shows the same now
    #[command(after_help = with_examples("explain", ""))]
    Explain(Explain),
    /// Restores what a run has changed
    #[command(after_help = with_examples("rollback", ""))]
    Rollback(Rollback),
    /// Gives the workers another AYON key: tries it, puts it into the secret, reads it as the queue role
    RotateKey(RotateKey),
    /// Lists the runs, or shows one as Markdown
    #[command(after_help = with_examples("runs", ""))]
    Runs(Runs),
    /// Prints the smallest IAM policy with which you may run a command here
    #[command(after_help = with_examples("policy", ""))]
    Policy(Policy),
    /// What the sandbox can open
    #[command(after_help = with_examples("sandbox", ""))]
    Sandbox(Sandbox),
    /// Prints a completion script for a shell
    #[command(after_help = with_examples("completions", ""))]
    Completions { shell: clap_complete::Shell },
    /// Writes a studio file from a queue as it is, for a file to begin with
    #[command(after_help = with_examples("init", ""))]
    Init(Init),
    /// Prints the man page of the program, or of a command
    #[command(after_help = with_examples("man", ""))]
    Man {
        /// The command
        page: Option<String>,
    },
}

#[derive(Debug, Default, ClapArgs)]
pub struct Setup {
    /// Questions and answers as lines of text, for screen readers and slow lines
    #[arg(long)]
    pub plain: bool,
    /// Asks nothing: applies what the studio file says
    #[arg(long, conflicts_with = "plain")]
    pub yes: bool,
    /// With --yes: tries again as the queue role for so many minutes, while a bucket's owner grants it access
    #[arg(long, value_name = "MINUTES", requires = "yes", value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub wait: Option<u64>,
    #[command(flatten)]
    pub insist: Insist,
    #[command(flatten)]
    pub wishes: Wishes,
}

/// What an unattended run does not do by itself.
#[derive(Debug, Default, Clone, ClapArgs)]
pub struct Insist {
    /// Makes a change also where its risk would hold it back: `unread-channel`, a channel that the queue role can't be seen
    /// to read, so that every job of the queue may stop
    #[arg(long, value_name = "RISK", value_parser = risk)]
    pub accept_risk: Vec<RiskKind>,
}

/// What is planned besides what the studio file lists.
#[derive(Debug, Default, Clone, ClapArgs)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub struct Wishes {
    /// Changes a queue's channels also where some of them are held back
    #[arg(long)]
    pub partial: bool,
    /// Takes channels out of the queue that the studio file does not list; otherwise they stay
    #[arg(long)]
    pub remove_channels: bool,
    /// Creates the console's default conda environment on a queue that has none
    #[arg(long)]
    pub create_environment: bool,
    /// Gives workers the AYON key also where this machine does not reach the server (paths lattice, ssm, vpn), so that whose it is was
    /// not seen; `studiolink probe` proves it then
    #[arg(long)]
    pub unproven_key: bool,
}

fn variant(text: &str) -> Result<Variant, String> {
    Variant::of_word(text).ok_or_else(|| format!("one of {}", Variant::WORDS.join(", ")))
}

fn risk(text: &str) -> Result<RiskKind, String> {
    let held: Vec<RiskKind> = RiskKind::ALL
        .iter()
        .copied()
        .filter(|r| r.breaks_jobs())
        .collect();
    held.iter()
        .copied()
        .find(|r| r.word() == text)
        .ok_or_else(|| {
            let words: Vec<&str> = held.iter().map(|r| r.word()).collect();
            format!("no change is held back for it; write {}", words.join(", "))
        })
}

/// What a plan is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Terraform, with import blocks for what exists
    Terraform,
    /// A template for new things
    Cloudformation,
    /// A script of the aws CLI
    Cli,
}

#[derive(Debug, ClapArgs)]
pub struct Plan {
    /// Keeps the plan in a file, for `studiolink apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Prints the plan as code: what the language can't express follows as commands, in comments
    #[arg(long, value_enum, value_name = "LANGUAGE", conflicts_with = "redact")]
    pub export: Option<Language>,
    #[command(flatten)]
    pub wishes: Wishes,
}

#[derive(Debug, ClapArgs)]
pub struct Apply {
    /// A plan that `studiolink plan --out` wrote
    pub file: Option<PathBuf>,
    /// Applies it without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub insist: Insist,
    #[command(flatten)]
    pub wishes: Wishes,
}

#[derive(Debug, ClapArgs)]
pub struct Audit {
    /// Runs this check alone; several times, or with commas, for several (`studiolink checks` lists them)
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leaves this check out
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// What makes it end with 1
    #[arg(long, value_enum, default_value_t = FailOn::Warn)]
    pub fail_on: FailOn,
    /// An earlier `audit --format json`: says what is new, worse, better and gone; only what is new or worse makes it end with 1
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Every queue of every farm; what the studio file says counts for the queues that it names
    #[arg(long, conflicts_with_all = ["as_queue_role", "open_session"])]
    pub all: bool,
    /// With --all: what the studio file says counts for every queue, not only for those that it names
    #[arg(long, requires = "all")]
    pub like_file: bool,
    /// With --all: in these profiles of the AWS configuration
    #[arg(long, value_name = "PROFILES", value_delimiter = ',', requires = "all")]
    pub profiles: Vec<String>,
    /// With --all: in these regions
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', requires = "all")]
    pub regions: Vec<Region>,
    /// With --all: of these farms alone
    #[arg(long, value_name = "FARM_IDS", value_delimiter = ',', requires = "all")]
    pub farms: Vec<FarmId>,
    #[command(flatten)]
    pub tries: Tries,
}

/// What a command that reads alone tries besides, because somebody asks for it. It is written into a journal (`studiolink runs`).
#[derive(Debug, Default, Clone, Copy, ClapArgs)]
pub struct Tries {
    /// Takes the queue role's credentials (deadline:AssumeQueueRoleForUser), and reads channels, secret and job attachments with them
    #[arg(long)]
    pub as_queue_role: bool,
    /// Opens a session of Systems Manager as the queue role, sends one request through it, and ends it
    #[arg(long)]
    pub open_session: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Diagnose {
    /// Only the hops that were seen from there; `worker` asks first whether one is to be asked again (a probe, which is billed)
    #[arg(long, value_enum, value_name = "PLACE")]
    pub from: Option<SeenFrom>,
    /// Without a studio file: the AYON server's address, where no queue environment names it
    #[arg(long, value_name = "URL")]
    pub server: Option<url::Url>,
    /// With --from worker: sends the probe without asking
    #[arg(long)]
    pub yes: bool,
    /// Repeats it every so many seconds until it is stopped, and says what has changed
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30", value_parser = clap::value_parser!(u64).range(1..=86_400),
        conflicts_with = "open_session")]
    pub watch: Option<u64>,
    /// Opens a session of Systems Manager as the queue role, sends one request through it, and ends it; written into a journal
    /// (`studiolink runs`)
    #[arg(long)]
    pub open_session: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeenFrom {
    /// This machine
    Here,
    /// What AWS's services say
    Aws,
    /// What workers have told, in the newest probes
    Worker,
}

#[derive(Debug, ClapArgs)]
pub struct Checks {
    /// The check's id
    pub id: Option<String>,
    /// Writes a page for each check into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "id")]
    pub write: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Diagram {
    /// Boxes of + - | in place of lines
    #[arg(long)]
    pub ascii: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Init {
    /// The AYON server's address
    #[arg(long, value_name = "URL")]
    pub server: Option<url::Url>,
    /// YNPUT's channel, where it is another one
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<crate::domain::channel::Channel>,
}

#[derive(Debug, ClapArgs)]
pub struct Rollback {
    /// The run's id; without it, the last run that has something to undo
    pub run: Option<String>,
    /// Undoes it without asking
    #[arg(long)]
    pub yes: bool,
    /// Leaves this change as it is now, and undoes the others; several times for several
    #[arg(long, value_name = "CHANGE_ID")]
    pub skip: Vec<String>,
}

#[derive(Debug, Clone, ClapArgs)]
pub struct Probe {
    /// Without asking: starts a worker, which is billed
    #[arg(long)]
    pub yes: bool,
    /// Only for this fleet's system; the job may still run on another fleet that a publish step fits
    #[arg(long, value_name = "FLEET_ID")]
    pub fleet: Option<FleetId>,
    /// Whose addon settings and bundle are asked for [default: the bundle's that the studio file pins]
    #[arg(long, value_name = "VARIANT", value_parser = variant)]
    pub variant: Option<Variant>,
    /// Leaves the conda packages out, so that a fault of theirs hides no other
    #[arg(long)]
    pub without_conda: bool,
    /// Sends another one, also while one is under way
    #[arg(long)]
    pub again: bool,
    /// Looks so long
    #[arg(long, value_name = "MINUTES", default_value_t = LOOKS, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub minutes: u64,
    /// A probe's job that was sent before: reads it, and sends none
    #[arg(long, value_name = "JOB_ID", conflicts_with_all = ["fleet", "variant", "without_conda", "again"])]
    pub job: Option<JobId>,
}

impl Probe {
    /// Of every fleet that publishes, as a publish step would find it.
    pub fn of(yes: bool) -> Self {
        Self {
            yes,
            fleet: None,
            variant: None,
            without_conda: false,
            again: false,
            minutes: LOOKS,
            job: None,
        }
    }
}

/// For so many minutes a probe is looked at.
const LOOKS: u64 = 30;

#[derive(Debug, ClapArgs)]
pub struct Explain {
    /// The log, as text or as `aws logs get-log-events` prints it; `-` is stdin
    #[arg(
        value_name = "LOGFILE",
        required_unless_present = "job",
        conflicts_with = "job"
    )]
    pub log: Option<PathBuf>,
    /// A job of the studio's queues, whose failed session is read
    #[arg(long, value_name = "JOB_ID", conflicts_with = "offline")]
    pub job: Option<JobId>,
    /// Does not look at the studio
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, ClapArgs)]
pub struct RotateKey {
    /// Without asking; the new key is that of AYON_NEW_API_KEY, unless --make-for makes it
    #[arg(long)]
    pub yes: bool,
    /// Makes the new key in AYON, for this service user, with your own login (AYON_ADMIN_KEY)
    #[arg(long, value_name = "AYON_USER")]
    pub make_for: Option<String>,
    /// Puts the key also where workers reach the server (paths lattice, ssm, vpn) and this machine does not, so that whose it is was
    /// not seen; `studiolink probe` proves it then
    #[arg(long, conflicts_with = "make_for")]
    pub unproven_key: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Runs {
    /// The run's id
    pub run: Option<String>,
    /// Writes the run's journal to a file, for another machine; it holds the old texts, and no secret
    #[arg(long, value_name = "FILE", requires = "run", conflicts_with = "import")]
    pub export: Option<PathBuf>,
    /// Takes in a journal that another machine has exported, so that its run can be undone from here
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub import: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Policy {
    /// The command that is to be run, or the kind of role whose needs are printed
    #[arg(long = "for", value_enum, value_name = "WHAT")]
    pub what: PolicyFor,
    /// The queue's role; several times for several. Without it the policy names every role
    #[arg(long, value_name = "ROLE_ARN")]
    pub role: Vec<crate::domain::ids::RoleArn>,
    /// With --for setup: the queue has no role yet, and setup is to create one
    #[arg(long)]
    pub new_role: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    Setup,
    Audit,
    /// For `probe` and `explain --job`
    Probe,
    /// What a queue's role needs for the choices of the studio file
    QueueRole,
    /// What the role of a fleet needs
    FleetRole,
    /// What the role of the studio's own machines needs
    WorkerHost,
}

#[derive(Debug, ClapArgs)]
pub struct Sandbox {
    #[command(subcommand)]
    pub what: SandboxCommand,
}

#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Lists the scenarios that --sandbox=NAME can open
    List,
}

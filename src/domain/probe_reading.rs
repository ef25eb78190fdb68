//! What the probe prints on a worker, a line for each reading, and what that means.

use serde_json::{Map, Value};

use super::finding::{Assessment, Verdict};
use super::secrets::without_log_secrets;
use super::text::{Printable, Untrusted};
use super::time::CLOCKS_AGREE;

const MARK: &str = "studiolink-probe ";
/// From so many seconds on, a start that downloads is worth a word: each new worker spends them, and is billed.
const SLOW_START: i64 = 300;
/// Inferred from AYON's code (field facts, section 0).
const FROM_SERVER: &str = "a new worker gets addons and dependency package of the bundle from the AYON server, over this connection: \
    the copy that jobs carry as attachments is unpacked where the launcher does not look (inferred from AYON's code)";

/// One line of the probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub name: String,
    pub ok: bool,
    facts: Map<String, Value>,
}

/// The readings in a log, in their order. A line that is none, or of another version, is left out.
pub fn readings<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Reading> {
    let read = |line: &str| {
        let at = line.find(MARK)?;
        let value: Value = serde_json::from_str(line[at + MARK.len()..].trim()).ok()?;
        let Value::Object(facts) = value else {
            return None;
        };
        (facts.get("v")? == 1).then_some(())?;
        Some(Reading {
            name: facts.get("reading")?.as_str()?.to_owned(),
            ok: facts.get("ok")?.as_bool()?,
            facts,
        })
    };
    lines.into_iter().filter_map(read).collect()
}

/// Is the line one that only programs read?
pub fn is_reading(line: &str) -> bool {
    line.contains(MARK)
}

impl Reading {
    fn text(&self, name: &str) -> Printable {
        let text = self.facts.get(name).and_then(Value::as_str);
        Untrusted::new(without_log_secrets(text.unwrap_or_default())).show()
    }

    fn texts(&self, name: &str) -> Printable {
        let list = self.facts.get(name).and_then(Value::as_array);
        let each = list.into_iter().flatten().filter_map(Value::as_str);
        let each: Vec<String> = each.map(without_log_secrets).collect();
        Printable::short(&each.join(", "), 160)
    }

    fn number(&self, name: &str) -> i64 {
        self.facts
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        self.facts.get(name).and_then(Value::as_bool) == Some(true)
    }

    fn error(&self) -> Printable {
        self.text("error")
    }

    /// What it means, among the others of its run. `None`: it only frames them.
    pub fn assess(&self, all: &[Self]) -> Option<Assessment> {
        let has_ayon = has_ayon(all);
        Some(match self.name.as_str() {
            "worker" => self.worker(),
            "conda" => self.conda(all),
            "launcher" => self.launcher(),
            "variables" => self.variables(has_ayon),
            "dns" | "tcp" | "tls" | "info" => self.hop(),
            "key" => self.key(),
            "bundle" => self.bundle(),
            "ayon" => self.ayon(),
            "roots" => self.roots(),
            "disk" => self.disk(),
            "identity" => self.identity(),
            _ => return None,
        })
    }

    fn worker(&self) -> Assessment {
        if !self.ok {
            return Assessment::fail("no-python", "The worker has no Python: nothing else could be read")
                .fix("install Python 3 for the job user, or give the step a conda environment with python");
        }
        let (os, release, python) = (self.text("os"), self.text("release"), self.text("python"));
        Assessment::ok(format!(
            "{os} {release}, Python {python}, region {}",
            self.text("region")
        ))
    }

    /// Did conda make what the job asked for? A probe that was not told what that is proves nothing.
    pub fn made_environment(&self) -> bool {
        self.ok && self.number("asked") > 0
    }

    fn conda(&self, all: &[Self]) -> Assessment {
        // One that stands in the active environment is that environment's.
        let prefix = self.text("prefix");
        let mut launchers = all.iter().filter(|r| r.name == "launcher" && r.ok);
        let own_ayon = launchers.any(|l| {
            prefix.as_str().is_empty() || !l.text("path").as_str().starts_with(prefix.as_str())
        });
        if !self.ok && own_ayon {
            return Assessment::ok(
                "No conda environment of the job's, and none is needed: the worker has an ayon of its own",
            );
        }
        let lacking = self.texts("lacking");
        if !lacking.as_str().is_empty() {
            let line = format!(
                "The conda environment that is active lacks what the job asks for: {lacking}"
            );
            return Assessment::warn("other-environment", line)
                .why(format!("it is {prefix}; one that conda makes for the job has what the job asks for"))
                .fix("see that no environment of conda is active where the job user's sessions begin, and that DISABLE_CONDA_ENV is not set for this step");
        }
        let nothing_asked =
            self.ok && self.number("asked") == 0 && self.facts.contains_key("asked");
        if nothing_asked && own_ayon {
            return Assessment::ok(
                "The job asks conda for nothing, and the worker has an ayon of its own",
            );
        }
        if nothing_asked {
            return Assessment::unknown(
                "nothing-asked",
                format!("Whether conda makes environments was not seen: the job asked for no package, and {prefix} is active"),
            )
            .fix("name packages in the addon's conda_packages or the queue's default, then probe again");
        }
        if !self.ok {
            return Assessment::warn("no-environment", format!("No conda environment: {}", self.error()))
                .why("packages of a channel, ayon-launcher among them, are not there for the step")
                .fix("see that the step's packages are not empty, and that DISABLE_CONDA_ENV is not set for it");
        }
        let named = self.facts.get("named").and_then(|n| n.get("ayon-launcher"));
        let launcher = named.and_then(Value::as_str).map_or_else(
            || "without ayon-launcher".to_owned(),
            |v| format!("ayon-launcher {}", Printable::short(v, 30)),
        );
        Assessment::ok(
            format!(
                "conda made the environment: {} packages, {launcher}, from {}",
                self.number("packages"),
                self.texts("channels")
            ) + &match self.text("priority") {
                p if p.as_str().is_empty() => String::new(),
                p => format!(", channel priority {p}"),
            },
        )
    }

    fn launcher(&self) -> Assessment {
        if self.ok && self.facts.contains_key("python") && self.text("python").as_str().is_empty() {
            return Assessment::warn("no-python-command", format!("ayon is {}, and there is no command python on PATH", self.text("path")))
                .why("AYON's publish step calls python before it calls ayon")
                .fix("put python into the packages (it comes from conda-forge); on your own workers, a python onto the job user's PATH");
        }
        if self.ok {
            return Assessment::ok(format!("ayon is {}", self.text("path")));
        }
        Assessment::fail("not-on-path", "There is no ayon on PATH")
            .why("a publish step ends with \"ayon: command not found\"")
            .fix("put ayon-launcher into the addon's conda_packages; on your own workers, onto the job user's PATH")
    }

    /// The name of the role whose session it is.
    pub fn session_role(&self) -> Option<String> {
        let arn = self.facts.get("arn")?.as_str()?;
        let (_, rest) = arn.split_once(":assumed-role/")?;
        Some(rest.split('/').next().unwrap_or(rest).to_owned())
    }

    /// Does the session tell conda environments to make none? An environment's script tests for 1 or true.
    pub fn is_conda_disabled(&self) -> bool {
        let set = self.facts.get("disable_conda_env").and_then(Value::as_str);
        !matches!(set.unwrap_or_default(), "" | "0" | "false")
    }

    fn variables(&self, has_ayon: bool) -> Assessment {
        let disabled = self.text("disable_conda_env");
        let folders = self.facts.get("folders").and_then(Value::as_object);
        let shut: Vec<&str> = folders
            .into_iter()
            .flatten()
            .filter(|(_, writable)| **writable == Value::Bool(false))
            .map(|(name, _)| name.as_str())
            .collect();
        let lacks = |what: &str, name: &str| {
            Assessment::fail("no-variable", format!("{what} is not given: {name} is not set"))
                .fix("name [server] secret, and run setup: its queue environment gives server and key; see worker-environment")
        };
        if !self.is("url") {
            return lacks("The server's address", "AYON_SERVER_URL");
        }
        if !self.is("key") {
            return lacks("The key", "AYON_API_KEY");
        }
        let headless = self.text("headless");
        if headless.as_str() != "1" {
            return Assessment::fail("not-headless", format!("AYON_HEADLESS_MODE is \"{headless}\""))
                .why("only \"1\" makes AYON run without windows; anything else waits for somebody to click on a worker")
                .fix("set AYON_HEADLESS_MODE to 1 in a queue environment");
        }
        if !shut.is_empty() {
            let names = Printable::short(&shut.join(", "), 120);
            return Assessment::fail(
                "not-writable",
                format!("The job user can't write to the folder of {names}"),
            )
            .fix("point them at folders that the job user may write; setup's environment does");
        }
        if self.is_conda_disabled() && !has_ayon {
            return Assessment::warn("conda-disabled", format!("DISABLE_CONDA_ENV is \"{disabled}\" in this session"))
                .why("a guarded conda environment makes no environment then; it has to be set on the studio's own publish machines alone");
        }
        Assessment::ok(
            "The session has the server's address, the key, AYON_HEADLESS_MODE=1 and folders it can write",
        )
    }

    fn hop(&self) -> Assessment {
        let (what, fine) = match self.name.as_str() {
            "dns" => (
                "The worker does not resolve the server's name",
                format!(
                    "{} resolves to {}",
                    self.text("host"),
                    self.texts("addresses")
                ),
            ),
            "tcp" => (
                "The worker does not reach the server's port",
                format!(
                    "{} accepts connections on port {}",
                    self.text("address"),
                    self.number("port")
                ),
            ),
            "tls" => (
                "The worker does not trust the server's certificate",
                format!(
                    "The certificate is trusted: by {}, for {}, until {}",
                    self.text("issuer"),
                    self.texts("names"),
                    self.text("until")
                ),
            ),
            _ => (
                "What answers the worker is not AYON",
                format!("AYON {} answers", self.text("version")),
            ),
        };
        let ahead = self.number("clock_ahead");
        if self.ok && ahead.unsigned_abs() > CLOCKS_AGREE {
            return Assessment::warn("clock", format!("{fine}, and the worker's clock is {} s {} the server's", ahead.abs(), if ahead > 0 { "behind" } else { "ahead of" }))
                .why("signed calls are refused from five minutes on, and what is published has a wrong time")
                .fix("let the worker's clock be set by NTP (169.254.169.123 in AWS)");
        }
        if self.ok {
            return Assessment::ok(format!("{fine}, {} ms", self.number("ms")));
        }
        let why = if self.error().as_str().is_empty() {
            format!("HTTP {}", self.number("status"))
        } else {
            self.error().to_string()
        };
        Assessment::fail("broken", what)
            .why(why)
            .fix("compare with the same hop from here in `studiolink audit`: where that one is OK, the worker's network differs")
    }

    /// What AYON said, where it said something else than it should.
    fn status_words(&self) -> String {
        match self.number("status") {
            0 => self.error().to_string(),
            status => format!("HTTP {status}: {}", self.text("detail")),
        }
    }

    fn key(&self) -> Assessment {
        let user = self.text("user");
        if self.ok {
            return Assessment::ok(format!("The key is of the service user {user}"));
        }
        match self.number("status") {
            200 => Assessment::fail(
                "not-service",
                format!("The key is of {user}, who is not a service user"),
            )
            .why("versions would be published in that name")
            .fix("studiolink rotate-key gives the workers another key"),
            401 | 403 => Assessment::fail("refused", "AYON does not accept the worker's key")
                .why(self.status_words())
                .fix("studiolink rotate-key gives the workers another key"),
            _ => Assessment::unknown(
                "unread",
                "Whether AYON accepts the worker's key is not known",
            )
            .why(self.status_words())
            .fix("probe again; look at the AYON server's log where it stays"),
        }
    }

    fn bundle(&self) -> Assessment {
        let (variant, name) = (self.text("variant"), self.text("name"));
        let (asked, project) = (self.text("asked_for"), self.text("project"));
        if self.number("status") == 200 && !asked.as_str().is_empty() && !self.ok {
            return Assessment::fail("named-bundle", format!("The server has no bundle {asked}, which AYON_STUDIO_BUNDLE_NAME names"))
                .why("the launcher takes the bundle of that name, and ends where there is none")
                .fix("correct it where it is set, or leave it out: then the launcher takes the production bundle");
        }
        if self.ok && asked.as_str().is_empty() && !project.as_str().is_empty() {
            return Assessment::warn("project-bundle", format!("AYON_BUNDLE_NAME names {project}, and AYON_STUDIO_BUNDLE_NAME is not set"))
                .why("AYON_BUNDLE_NAME is a project's bundle: where it names one of the studio's, the launcher drops it, and takes the production bundle without a word")
                .fix("set AYON_STUDIO_BUNDLE_NAME to pin the studio's bundle");
        }
        let uses_staging = matches!(self.text("staging").as_str(), "1" | "true");
        if self.ok
            && asked.as_str().is_empty()
            && uses_staging != (variant.as_str() == "staging")
            && self.facts.contains_key("staging")
        {
            let (is, other) = if uses_staging {
                ("is set", "staging")
            } else {
                ("is not set", "production")
            };
            return Assessment::warn("other-variant", format!("AYON_USE_STAGING {is}: a publish step runs the {other} bundle, and the {variant} one was asked for"))
                .why("the step itself gives no variant (inferred from the addon's code): what the session says decides")
                .fix("set AYON_USE_STAGING to 1 for staging jobs alone, in a queue environment of their own");
        }
        if self.ok {
            let installer = self.text("installer");
            let which = if asked.as_str().is_empty() {
                format!("The {variant} bundle {name}")
            } else {
                format!("Bundle {asked}")
            };
            return Assessment::ok(format!("{which} has launcher {installer}"));
        }
        if self.number("status") != 200 {
            return Assessment::unknown("unread", "The server's bundles could not be read")
                .why(self.status_words());
        }
        Assessment::fail("no-bundle", format!("The server has no {variant} bundle"))
            .why("the launcher ends with \"No studio bundle is set as production\"")
            .fix("set one in AYON")
    }

    fn ayon(&self) -> Assessment {
        if self.ok {
            let seconds = self.number("seconds");
            let said = format!("ayon starts without windows in {seconds} s");
            if !self.is("downloaded") {
                return Assessment::ok(said);
            }
            let said = format!("{said}, and had to download first");
            // Where the launcher does not say how long it took to distribute, the whole start counts.
            let distributed = self.facts.get("distributed").and_then(Value::as_i64);
            let took = distributed.unwrap_or(seconds);
            let it = if took >= SLOW_START {
                Assessment::warn("slow-download", said)
                    .fix("a path to the server with more throughput (step 5 of setup compares them); on machines that stay, AYON_LAUNCHER_STORAGE_DIR on a disk that lasts")
            } else {
                Assessment::ok(said)
            };
            return it.why(FROM_SERVER);
        }
        if self.error().as_str() == "ayon is not on PATH" {
            return Assessment::fail("not-on-path", "ayon was not started: it is not on PATH")
                .why("a publish step ends with \"ayon: command not found\"")
                .fix("see the reading of the launcher");
        }
        let said = Printable::short(self.said().as_str(), 600);
        let why = if said.as_str().is_empty() {
            self.error()
        } else {
            said
        };
        Assessment::fail(
            "not-started",
            format!("ayon does not start: exit code {}", self.number("exit")),
        )
        .why(why)
        .fix("`studiolink explain --job` says what it comes from: the launcher's last lines are in the log")
    }

    /// The last lines of what it started.
    fn said(&self) -> String {
        let list = self.facts.get("said").and_then(Value::as_array);
        let each = list.into_iter().flatten().filter_map(Value::as_str);
        let each: Vec<String> = each.map(without_log_secrets).collect();
        each.join(" / ")
    }

    fn roots(&self) -> Assessment {
        let rows = self.facts.get("roots").and_then(Value::as_array);
        let rows: Vec<&Value> = rows.into_iter().flatten().collect();
        let named = |which: &dyn Fn(&Value) -> bool| {
            let word = |row: &Value, name: &str| {
                Printable::short(row[name].as_str().unwrap_or_default(), 60)
            };
            let these = rows.iter().filter(|r| which(r));
            let these: Vec<String> = these
                .map(|r| {
                    format!(
                        "{} of {} ({})",
                        word(r, "root"),
                        word(r, "project"),
                        word(r, "path")
                    )
                })
                .collect();
            these.join(", ")
        };
        let missing = named(&|r| r["there"] != true);
        if !missing.is_empty() {
            return Assessment::warn("no-root", format!("Not on the worker: root {missing}"))
                .why("a publish step writes there, unless job attachments carry its files")
                .fix("mount it (host configuration script, storage profile), and give the anatomy a root for this system");
        }
        let shut = named(&|r| r["writable"] != true);
        if !shut.is_empty() {
            return Assessment::warn(
                "read-only",
                format!("The job user can't write to root {shut}"),
            )
            .why("a publish step writes there, unless job attachments carry its files")
            .fix("see who owns the share, and which user the queue's jobs run as (jobRunAsUser)");
        }
        let unread = self.number("unread");
        if self.ok && unread == 0 {
            let count = rows.len();
            return Assessment::ok(format!(
                "{count} roots are there and can be written, of the first projects"
            ));
        }
        Assessment::unknown(
            "unread",
            format!("The roots of {unread} projects could not be read from AYON"),
        )
        .why(self.status_words())
    }

    fn disk(&self) -> Assessment {
        if !self.facts.contains_key("free_mb") {
            return Assessment::unknown("unread", "How much of the disk is free was not read")
                .why(self.error());
        }
        let words = format!("{} MB of the disk are free", self.number("free_mb"));
        if self.ok {
            Assessment::ok(words)
        } else {
            Assessment::warn("little", words).fix("give the fleet a larger root volume")
        }
    }

    fn identity(&self) -> Assessment {
        if self.ok {
            return Assessment::ok(format!("The session is {}", self.text("arn")));
        }
        Assessment::skipped(
            "unread",
            format!(
                "Which identity the session has was not read: {}",
                self.error()
            ),
        )
    }
}

/// Did the worker find an ayon? A studio's own publish machines may bring one without conda.
pub fn has_ayon(readings: &[Reading]) -> bool {
    readings.iter().any(|r| r.name == "launcher" && r.ok)
}

/// Did the probe come to its end? What is missing in between was then not to be read.
pub fn is_whole(readings: &[Reading]) -> bool {
    readings.iter().any(|r| r.name == "end")
}

/// The worst of the readings; `None`: none has a meaning.
pub fn worst(readings: &[Reading]) -> Option<Verdict> {
    readings
        .iter()
        .filter_map(|r| r.assess(readings))
        .map(|a| a.verdict)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<Reading> {
        readings([line])
    }

    #[test]
    fn a_line_of_the_probe_is_found_behind_a_time_and_others_are_left() {
        let line = r#"2026/11/30 04:00:00+00:00 studiolink-probe {"v":1,"reading":"dns","ok":true,"host":"ayon","addresses":["10.0.0.1"],"ms":3}"#;
        let all = read(line);
        assert_eq!(all.len(), 1);
        let said = all[0].assess(&all).unwrap();
        assert_eq!(
            (said.verdict, said.message.as_str()),
            (Verdict::Ok, "ayon resolves to 10.0.0.1, 3 ms")
        );
        for other in [
            "studiolink-probe {",
            r#"studiolink-probe {"v":2,"reading":"dns","ok":true}"#,
            r#"studiolink-probe {"v":1,"reading":"dns"}"#,
            "studiolink-probe []",
            "echo studiolink-probes",
        ] {
            assert!(read(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn what_a_worker_prints_is_not_trusted() {
        let line = r#"studiolink-probe {"v":1,"reading":"info","ok":true,"version":"1.0\u001b[2J\u0007","ms":-1}"#;
        let said = read(line)[0].assess(&[]).unwrap().message.to_string();
        assert!(said.chars().all(|c| !c.is_control()), "{said:?}");
    }

    #[test]
    fn a_slow_start_that_downloads_is_a_warning_and_a_quick_one_says_what_it_cost() {
        let of = |downloaded: bool, seconds: i64| {
            let line = format!(
                r#"studiolink-probe {{"v":1,"reading":"ayon","ok":true,"seconds":{seconds},"downloaded":{downloaded}}}"#
            );
            read(&line)[0].assess(&[]).unwrap()
        };
        assert_eq!(of(true, 740).verdict, Verdict::Warn);
        assert_eq!(of(true, 740).code, "slow-download");
        assert_eq!(of(true, 40).verdict, Verdict::Ok);
        assert!(of(true, 40).why.unwrap().as_str().contains("inferred"));
        // A slow machine is not a slow download.
        assert_eq!(of(false, 740).verdict, Verdict::Ok);
    }

    #[test]
    fn a_server_without_a_key_is_a_lack_of_the_key() {
        let line = r#"studiolink-probe {"v":1,"reading":"variables","ok":false,"url":true,"key":false,"headless":"1"}"#;
        let said = read(line)[0].assess(&[]).unwrap();
        assert_eq!(said.verdict, Verdict::Fail);
        assert!(said.message.as_str().contains("AYON_API_KEY"));
        assert_eq!(worst(&read(line)), Some(Verdict::Fail));
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn what_could_not_be_read_is_unknown_and_no_refusal() {
        for (facts, verdict) in [
            (
                r#""reading":"key","ok":false,"status":503"#,
                Verdict::Unknown,
            ),
            (
                r#""reading":"key","ok":false,"error":"timed out""#,
                Verdict::Unknown,
            ),
            (r#""reading":"key","ok":false,"status":401"#, Verdict::Fail),
            (
                r#""reading":"bundle","ok":false,"status":403"#,
                Verdict::Unknown,
            ),
            (
                r#""reading":"bundle","ok":false,"status":200"#,
                Verdict::Fail,
            ),
            (
                r#""reading":"roots","ok":false,"roots":[],"unread":3"#,
                Verdict::Unknown,
            ),
            (
                r#""reading":"roots","ok":true,"roots":[{"there":true,"writable":false}]"#,
                Verdict::Warn,
            ),
            (
                r#""reading":"disk","ok":false,"error":"x""#,
                Verdict::Unknown,
            ),
        ] {
            let line = format!(r#"studiolink-probe {{"v":1,{facts}}}"#);
            assert_eq!(worst(&read(&line)), Some(verdict), "{facts}");
        }
    }
}

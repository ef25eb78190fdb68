//! The lines that setup writes into host configuration scripts: run by dash and bash, with stand-ins for what only a worker
//! has; the PowerShell ones are parsed, and were never run. And the probe, whose scripts run first in its job.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::path::Path;
use std::process::{Command, Output};

use studiolink::domain::farm::OperatingSystem;
use studiolink::domain::host_script::{block, with};
use tree_sitter::Parser;

const NAME: &str = "rcfg-0a1b2c3d4e5f60718.resource-endpoints.deadline.us-west-2.amazonaws.com";
const HOST: &str = "ayon.studio.example";

/// The script with a hosts file of the test's own, and a `getent` that answers so.
fn run(shell: &str, own: &str, getent: &str, folder: &Path) -> (Output, String) {
    let lines = block(&OperatingSystem::Linux, NAME, HOST).unwrap();
    let script = with(Some(own), Some(&lines), &OperatingSystem::Linux).unwrap();
    let hosts = folder.join("hosts");
    std::fs::write(
        &hosts,
        "127.0.0.1 localhost\n10.0.0.1 old.example # studiolink\n",
    )
    .unwrap();
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, text) in [("getent", getent), ("sleep", "#!/bin/sh\nexit 0\n")] {
        let file = bin.join(name);
        std::fs::write(&file, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
    }
    let script = script.replace("/etc/hosts", &hosts.to_string_lossy());
    let file = folder.join("script.sh");
    std::fs::write(&file, script).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.to_string_lossy());
    let done = Command::new(shell)
        .arg(&file)
        .env("PATH", path)
        .output()
        .unwrap();
    (done, std::fs::read_to_string(hosts).unwrap())
}

fn shells() -> Vec<&'static str> {
    let there = |s: &&str| Path::new(s).exists();
    ["/bin/dash", "/bin/bash"]
        .into_iter()
        .filter(there)
        .collect()
}

#[test]
fn the_servers_name_is_written_once_and_the_studios_own_lines_run() {
    let resolves = format!("#!/bin/sh\n[ \"$2\" = {NAME} ] && echo '10.1.2.3 STREAM x'\n");
    assert!(!shells().is_empty());
    for shell in shells() {
        let folder = tempfile::tempdir().unwrap();
        let own = "#!/bin/bash\nset -e\necho own line\nexit 0\n";
        let (done, hosts) = run(shell, own, &resolves, folder.path());
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && said.contains("own line"),
            "{shell}: {said}"
        );
        assert_eq!(
            hosts,
            format!("127.0.0.1 localhost\n10.1.2.3 {HOST} # studiolink\n"),
            "{shell}"
        );
    }
}

#[test]
fn a_name_that_does_not_resolve_makes_no_worker_fail() {
    for shell in shells() {
        for getent in ["#!/bin/sh\nexit 2\n", "#!/bin/sh\nkill $$\n"] {
            let folder = tempfile::tempdir().unwrap();
            let (done, hosts) = run(
                shell,
                "#!/bin/bash -e\necho own line\n",
                getent,
                folder.path(),
            );
            let said = String::from_utf8_lossy(&done.stdout);
            assert!(done.status.success(), "{shell}: {said}");
            assert!(
                said.contains("does not resolve") && said.contains("own line"),
                "{shell}: {said}"
            );
            assert!(hosts.contains("old.example"), "what was there stays");
        }
    }
}

#[test]
fn the_lines_for_windows_are_powershell() {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_powershell::LANGUAGE.into())
        .unwrap();
    let lines = block(&OperatingSystem::Windows, NAME, HOST).unwrap();
    let own = "Write-Output 'studio'\r\n";
    let script = with(Some(own), Some(&lines), &OperatingSystem::Windows).unwrap();
    let tree = parser.parse(&script, None).unwrap();
    assert!(
        !tree.root_node().has_error(),
        "{}",
        tree.root_node().to_sexp()
    );
    // The parser does refuse what is none.
    let broken = script.replacen("catch {", "catch", 1);
    assert!(parser.parse(broken, None).unwrap().root_node().has_error());
}

/// The probe as a worker runs it, with this PATH.
fn probe(shell: &str, path: &str, folder: &Path) -> Vec<serde_json::Value> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/probe");
    let done = Command::new(shell)
        .arg(assets.join("probe.sh"))
        .args([assets.join("probe.py").as_os_str(), "staging".as_ref()])
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("AYON_SERVER_URL", "http://127.0.0.1:9")
        .env("AYON_API_KEY", "0123456789abcdefCANARY789abcdef0")
        .env("AYON_HEADLESS_MODE", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(!said.contains("CANARY"), "{said}");
    let lines = said
        .lines()
        .filter_map(|l| l.strip_prefix("studiolink-probe "));
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn the_probe_runs_under_each_shell_and_says_so_where_there_is_no_python() {
    for shell in shells() {
        let folder = tempfile::tempdir().unwrap();
        let read = probe(shell, "/usr/local/bin:/usr/bin:/bin", folder.path());
        let of = |name: &str| read.iter().find(|r| r["reading"] == name);
        if of("worker").unwrap()["ok"] == true {
            assert_eq!(of("variables").unwrap()["key"], true);
            assert_eq!(of("tcp").unwrap()["ok"], false, "nothing listens on port 9");
            assert!(of("info").is_none(), "nothing is asked behind a broken hop");
            assert!(of("begin").unwrap()["variant"] == "staging");
        }
        assert!(of("end").is_some());
        assert!(read.iter().all(|r| r["v"] == 1 && r["ok"].is_boolean()));
        // The folder is as it was: a probe leaves nothing behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let empty = folder.path().join("no-programs");
        std::fs::create_dir(&empty).unwrap();
        let read = probe(shell, &empty.to_string_lossy(), folder.path());
        assert_eq!(read[0]["error"], "no python on PATH");
        assert_eq!(read.last().unwrap()["reading"], "end");
    }
}

#[test]
fn the_probe_for_windows_is_powershell() {
    let mut parser = Parser::new();
    let language = tree_sitter_powershell::LANGUAGE.into();
    parser.set_language(&language).unwrap();
    let text = include_str!("../assets/probe/probe.ps1");
    assert!(!parser.parse(text, None).unwrap().root_node().has_error());
}

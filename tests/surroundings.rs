//! Odd surroundings: variables that name what is not there, folders that can't be written, locales that nobody has. Each is
//! a sentence and an exit code; none is a panic.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::process::{Command, Output, Stdio};

const STUDIO: &str = r#"schema = 1
[aws]
region = "us-west-2"
[queue]
farm = "farm-00000000000000000000000000000001"
queue = "queue-00000000000000000000000000000001"
[conda]
channels = ["deadline-cloud", "https://127.0.0.1:9/channel"]
[server]
url = "http://127.0.0.1:9"
"#;

/// Nothing listens on port 9 of loopback, so nothing leaves it.
fn run(command: &[&str], variables: &[(&str, &str)]) -> Output {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("studiolink.toml"), STUDIO).unwrap();
    std::fs::write(place.path().join("empty"), "").unwrap();
    let home = place.path().display().to_string();
    Command::new(env!("CARGO_BIN_EXE_studiolink"))
        .args(command)
        .args(["--endpoint-url", "http://127.0.0.1:9"])
        .current_dir(place.path())
        .env_clear()
        .env("HOME", &home)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("CONDA_CHANNEL_ALIAS", "http://127.0.0.1:9")
        .env("AYON_API_KEY", "k")
        .envs(
            variables
                .iter()
                .map(|(k, v)| (*k, v.replace("$HOME", &home))),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

const ODD: &[(&str, &str)] = &[
    ("SSL_CERT_FILE", "/nonexistent"),
    ("SSL_CERT_FILE", "/etc"),
    ("SSL_CERT_FILE", "$HOME/empty"),
    ("SSL_CERT_DIR", "/nonexistent"),
    ("SSL_CERT_FILE", ""),
    ("AWS_CA_BUNDLE", "/nonexistent"),
    ("AWS_CONFIG_FILE", "/etc"),
    ("AWS_CONFIG_FILE", "/nonexistent"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/etc"),
    ("AWS_PROFILE", "nobody"),
    ("AWS_REGION", "no region"),
    ("AWS_REGION", ""),
    ("AWS_ENDPOINT_URL", "not a url"),
    ("AWS_RETRY_MODE", "sometimes"),
    ("AWS_MAX_ATTEMPTS", "many"),
    ("HTTPS_PROXY", "::::"),
    ("HTTP_PROXY", "http://[bad"),
    ("ALL_PROXY", "socks9://x"),
    ("NO_PROXY", "%%%"),
    ("HOME", ""),
    ("HOME", "/proc/nowhere"),
    ("XDG_CACHE_HOME", "/proc/nowhere"),
    ("XDG_STATE_HOME", "/proc/nowhere"),
    ("XDG_STATE_HOME", "relative"),
    ("RATTLER_CACHE_DIR", "/proc/nowhere"),
    ("TMPDIR", "/nonexistent"),
    ("CONDARC", "/etc"),
    ("CONDARC", "$HOME/empty"),
    ("CONDA_CHANNEL_ALIAS", ":::"),
    ("LANG", "xx_YY.nothing"),
    ("LC_ALL", "\u{fffd}"),
    ("TZ", "Nowhere/Bad"),
    ("TERM", ""),
    ("COLUMNS", "-1"),
    ("NO_COLOR", "1"),
    ("AYON_API_KEY", "caf\u{e9}\n"),
    ("AYON_ADMIN_KEY", "\u{1}"),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),
];

#[test]
fn no_variable_and_no_folder_makes_it_panic() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((name, value)) = ODD.get(at) else {
                        return;
                    };
                    for command in [&["audit"][..], &["plan"], &["setup", "--plain"], &["runs"]] {
                        let done = run(command, &[(name, value)]);
                        let said = String::from_utf8_lossy(&done.stderr).into_owned();
                        let code = done.status.code();
                        let known = [0, 1, 2, 3, 4, 10, 130];
                        assert!(
                            code.is_some_and(|c| known.contains(&c)) && !said.contains("panicked"),
                            "{name}={value} {command:?}: {code:?} {said}"
                        );
                    }
                }
            });
        }
    });
}

#[test]
fn certificates_that_are_not_there_are_named_with_their_variable() {
    for value in ["/nonexistent", "$HOME/empty"] {
        let done = run(&["audit"], &[("SSL_CERT_FILE", value)]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(said.contains("SSL_CERT_FILE = "), "{said}");
        assert!(said.contains(value.trim_start_matches("$HOME")), "{said}");
        assert_eq!(done.status.code(), Some(4));
    }
}

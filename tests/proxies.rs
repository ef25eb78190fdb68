//! A workstation that reaches the world by a proxy: the live tests go through it, name it, and claim nothing of what only the
//! proxy sees. The names here are no names of DNS (a label of 64 characters), so that nothing is asked of a resolver.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::Value;
use wiremock::ResponseTemplate;

mod web;

/// What a finding says: verdict, message, why, fix.
struct Said(Value);

impl Said {
    fn of(&self, check: &str) -> (String, String) {
        let all = self.0["findings"].as_array().unwrap();
        let found = all.iter().find(|f| f["check"] == check);
        let found = found.unwrap_or_else(|| panic!("no finding of {check}: {}", self.0));
        let words = ["message", "why", "fix"].map(|k| found[k].as_str().unwrap_or_default());
        (
            found["verdict"].as_str().unwrap().to_owned(),
            words.join(" | "),
        )
    }
}

fn audit(url: &str, variables: &[(&str, &str)]) -> Said {
    let place = tempfile::tempdir().unwrap();
    let studio = format!(
        r#"schema = 1
[aws]
region = "us-west-2"
[queue]
farm = "farm-00000000000000000000000000000001"
queue = "queue-00000000000000000000000000000001"
[conda]
channels = ["deadline-cloud"]
[server]
url = "{url}"
"#
    );
    std::fs::write(place.path().join("studiolink.toml"), studio).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_studiolink"))
        .args([
            "audit",
            "--format",
            "json",
            "--endpoint-url",
            "http://127.0.0.1:9",
        ])
        .current_dir(place.path())
        .env_clear()
        .env("HOME", place.path())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AYON_API_KEY", "canary-key")
        .env("NO_PROXY", "127.0.0.1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(
        !text.contains("pass-canary"),
        "the proxy's password: {text}"
    );
    Said(serde_json::from_str(&text).unwrap())
}

/// A proxy that answers CONNECT with that line, and then as the host itself would not: in plain words. What it was asked.
fn proxy(answer: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let mut asked = [0; 4096];
            let n = stream.read(&mut asked).unwrap_or(0);
            let _ = tell.send(String::from_utf8_lossy(&asked[..n]).into_owned());
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(b"plain words\r\n\r\n");
        }
    });
    (address.to_string(), told)
}

fn no_name() -> String {
    format!("{}.fjord.example", "a".repeat(64))
}

#[test]
fn a_name_that_only_the_proxy_resolves_is_unknown_and_the_rest_is_tested_through_it() {
    let (address, told) = proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    let variable = format!("http://proxy-user:pass-canary@{address}");
    let said = audit(
        &format!("https://{}", no_name()),
        &[("HTTPS_PROXY", &variable)],
    );
    let shown = format!("{address} (HTTPS_PROXY)");
    let (verdict, words) = said.of("server-name");
    assert_eq!(verdict, "unknown");
    assert!(words.contains(&shown), "{words}");
    let (verdict, words) = said.of("server-port");
    assert_eq!(verdict, "ok", "{words}");
    assert!(
        words.contains("through the proxy") && words.contains(&shown),
        "{words}"
    );
    let asked: Vec<String> = told.try_iter().collect();
    let connects = format!("CONNECT {}:443 ", no_name());
    assert!(asked.iter().any(|a| a.starts_with(&connects)), "{asked:?}");
    let signed = |a: &String| a.to_lowercase().contains("proxy-authorization: basic ");
    assert!(asked.iter().all(signed), "{asked:?}");
    assert!(asked.iter().all(|a| !a.contains("canary-key")), "{asked:?}");
}

#[test]
fn a_proxy_that_refuses_is_not_the_servers_failure() {
    for (answer, because) in [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "the proxy refuses to connect there",
        ),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "asks for a name and a password",
        ),
    ] {
        let (address, _told) = proxy(answer);
        let variable = format!("http://{address}");
        let said = audit(
            &format!("https://{}", no_name()),
            &[("HTTPS_PROXY", &variable)],
        );
        let (verdict, words) = said.of("server-port");
        assert_eq!(verdict, "unknown", "{words}");
        assert!(
            words.contains(because) && words.contains(&address),
            "{words}"
        );
    }
}

#[test]
fn over_plain_http_the_proxy_asks_and_no_key_is_given_to_an_address_that_is_not_seen() {
    let server = web::serve(|_| {
        ResponseTemplate::new(200).set_body_raw(r#"{"version":"1.15.18"}"#, "application/json")
    });
    let said = audit(
        &format!("http://{}", no_name()),
        &[("HTTP_PROXY", &server.url)],
    );
    assert_eq!(said.of("server-name").0, "unknown");
    let (verdict, words) = said.of("server-port");
    assert_eq!(verdict, "skipped", "{words}");
    assert!(words.contains("(HTTP_PROXY)"), "{words}");
    let (verdict, words) = said.of("server-info");
    assert_eq!(verdict, "ok", "{words}");
    let (verdict, words) = said.of("server-key");
    assert_eq!(verdict, "unknown", "{words}");
    assert!(words.contains("--allow-http"), "{words}");
    let sent = |r: &wiremock::Request| format!("{:?}", r.headers).contains("canary-key");
    assert!(
        !server.asked().iter().any(sent),
        "the key went over plain http"
    );
}

#[test]
fn a_host_that_no_proxy_names_is_reached_without() {
    let variables = [
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("NO_PROXY", "127.0.0.1,.fjord.example"),
    ];
    let said = audit(&format!("https://{}", no_name()), &variables);
    let (verdict, words) = said.of("server-name");
    assert_eq!(verdict, "fail", "{words}");
    assert!(!words.contains("proxy"), "{words}");
}

//! The built binary in a folder of its own.
#![allow(dead_code, clippy::unwrap_used)] // each test file takes what it needs

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Place(pub(crate) tempfile::TempDir);

/// The sandbox, kept beside a studio file of its own.
pub(crate) const KEPT: [&str; 5] = [
    "--sandbox",
    "--sandbox-state",
    "s.json",
    "--studio",
    "f.toml",
];

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studiolink"));
        command.args(args).current_dir(self.0.path()).env_clear();
        command.env("HOME", self.0.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A studio file, set up in the sandbox, with more at its end.
    pub(crate) fn set_up(&self, more: &str) {
        let done = self.run(&[&["setup", "--yes"][..], &KEPT].concat());
        assert!(code(&done) <= 1, "{}", err(&done));
        self.edit("f.toml", |text| format!("{text}\n{more}"));
    }

    pub(crate) fn edit(&self, name: &str, change: impl Fn(&str) -> String) {
        let file = self.file(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, change(&text)).unwrap();
    }

    /// The sandbox refuses that call from now on.
    pub(crate) fn deny(&self, permission: &str) {
        self.edit("s.json", |text| {
            let mut truth: Value = serde_json::from_str(text).unwrap();
            assert!(truth["denies"].is_array());
            truth["denies"] = serde_json::json!([permission]);
            truth.to_string()
        });
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", out(output)))
}

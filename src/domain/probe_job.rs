//! The probe: a small job that tells, from a worker, what a publish step would meet there. Its template is `assets/probe`;
//! what it prints is read in `probe_reading`.

use serde_json::{Value, json};

use super::ayon::Variant;
use super::farm::OperatingSystem;

/// The job's own parameter, by which it is found again: a search of jobs knows no tags.
pub const PARAMETER: &str = "StudiolinkProbe";
pub const NAME: &str = "studiolink probe";
/// Seconds until the action is stopped: AYON may have to download hundreds of megabytes first.
pub const TIMEOUT: u32 = 1_200;
pub const PRIORITY: i64 = 75;

const PYTHON: &str = include_str!("../../assets/probe/probe.py");
const SHELL: &str = include_str!("../../assets/probe/probe.sh");
const POWERSHELL: &str = include_str!("../../assets/probe/probe.ps1");

/// As an attribute of workers spells it.
pub fn family(os: &OperatingSystem) -> String {
    os.word().as_str().to_ascii_lowercase()
}

/// The job template: host requirements as the publish step has them, besides the operating system. `packages`: what conda is asked
/// for, which the worker compares with what it finds.
pub fn template(os: &OperatingSystem, roles: &[String], variant: Variant, packages: &str) -> Value {
    // Two braces would begin an expression of OpenJD, which no name of a package has.
    let packages = if packages.contains("{{") {
        ""
    } else {
        packages
    };
    let windows = *os == OperatingSystem::Windows;
    let mut attributes = Vec::new();
    // Of a system that this version does not know the family has no name here.
    if !matches!(os, OperatingSystem::Unknown(_)) {
        attributes.push(json!({ "name": "attr.worker.os.family", "anyOf": [family(os)] }));
    }
    if !roles.is_empty() {
        attributes.push(json!({ "name": "attr.role", "anyOf": roles }));
    }
    let python = json!({ "name": "Probe", "type": "TEXT", "filename": "probe.py", "data": PYTHON });
    let (run, command, args) = if windows {
        (
            json!({ "name": "Run", "type": "TEXT", "filename": "probe.ps1", "data": POWERSHELL }),
            "powershell.exe",
            json!([
                "-NoProfile",
                "-ExecutionPolicy",
                "Bypass",
                "-File",
                "{{Task.File.Run}}",
                "{{Task.File.Probe}}",
                variant.word(),
                packages
            ]),
        )
    } else {
        (
            json!({ "name": "Run", "type": "TEXT", "filename": "probe.sh", "runnable": true, "data": SHELL }),
            "{{Task.File.Run}}",
            json!(["{{Task.File.Probe}}", variant.word(), packages]),
        )
    };
    json!({
        "specificationVersion": "jobtemplate-2023-09",
        "name": NAME,
        "description": "What a worker sees of conda, AYON and the studio's storage. Leaves nothing behind.",
        "parameterDefinitions": [{ "name": PARAMETER, "type": "STRING", "default": "" }],
        "steps": [{
            "name": "Probe",
            "hostRequirements": { "attributes": attributes },
            "script": {
                "actions": { "onRun": { "command": command, "args": args, "timeout": TIMEOUT } },
                "embeddedFiles": [run, python],
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_keeps_to_openjd_for_each_system() {
        for os in [OperatingSystem::Linux, OperatingSystem::Windows] {
            let template = template(
                &os,
                &["publish".to_owned()],
                Variant::Staging,
                "ayon-launcher==1.6.1 python=3.11",
            );
            let text = template.to_string();
            let value = openjd_model::template::parse::document_string_to_object(
                &text,
                openjd_model::DocumentType::Json,
                &openjd_model::CallerLimits::default(),
            );
            let limits = openjd_model::CallerLimits::default();
            openjd_model::template::parse::decode_job_template(value.unwrap(), None, &limits)
                .unwrap();
        }
    }
}

//! Each word of the queue's channel list is a channel that what makes the environment takes.

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::domain::channel::{Channel, NotAChannel, split};
use crate::domain::conda_solve::Engine;
use crate::domain::ids::QueueKey;
use crate::domain::secrets::addresses_with_secrets;
use crate::domain::text::Printable;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "channel-words",
    title: "Each word of the queue's list is a channel that workers can use",
    why: "conda and rattler stop at the first channel that they can't read, and each job of the queue with them",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let found = conda_environments(view, key);
    let [(environment, template)] = found.as_slice() else {
        return Vec::new(); // conda-environment says why
    };
    let Some(list) = template.channels.as_ref().and_then(|c| c.as_deref()) else {
        return Vec::new();
    };
    let name = environment.name.show();
    let engine = template.kind.engine();
    let evidence = view.evidence(&QueueEnvironments(key.clone()));
    let findings = split(list)
        .into_iter()
        .filter_map(|word| of_word(word, engine));
    findings
        .map(|(word, f)| {
            f.details([format!("in CondaChannels of \"{name}\"").into()])
                .about(word.to_string())
                .from(evidence.clone())
        })
        .collect()
}

fn of_word(word: &str, engine: Engine) -> Option<(Printable, Finding)> {
    // A password in an address is channel-secrets' to say.
    if !addresses_with_secrets(word).is_empty() {
        return None;
    }
    let shown = Printable::short(word, 80);
    let finding = match word.parse::<Channel>() {
        Ok(channel) if channel.is_oci() && engine == Engine::Conda => {
            Finding::fail("oci", format!("conda reads no oci:// registry: {shown}"))
                .why("this environment is made by conda; rattler and mamba read such registries")
                .fix("name the channel's https:// or s3:// address")
        }
        Ok(channel) if channel.as_str() == "defaults" && engine == Engine::Rattler => {
            Finding::warn("defaults", "rattler takes \"defaults\" for a channel of that name")
                .why("conda knows it as a list of Anaconda's channels; this environment is made by rattler, which is inferred")
                .fix("name the channels themselves, such as https://repo.anaconda.com/pkgs/main")
        }
        Ok(_) => return None,
        Err(NotAChannel { why, .. }) => {
            let line = format!("\"{shown}\" is not a channel: {why}");
            let fix = if word.contains(',') && !word.contains("://") {
                format!("write them with spaces between: {}", word.replace(',', " "))
            } else {
                "take it out of the queue's list, or correct it".to_owned()
            };
            Finding::warn("no-channel", line)
                .why(format!("{}. A worker looks for a channel of that name", CHECK.why))
                .fix(fix)
        }
    };
    Some((shown, finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Verdict;

    #[test]
    fn what_takes_a_word_decides() {
        for (word, engine, expected) in [
            ("conda-forge", Engine::Conda, None),
            ("conda-forge/label/dev", Engine::Rattler, None),
            ("/mnt/channel", Engine::Conda, None),
            ("s3://bucket", Engine::Rattler, None),
            ("https://h.example.com:8443/a,b/c", Engine::Conda, None),
            ("https://me:pw@h.example.com/c", Engine::Conda, None),
            ("oci://ghcr.io/mirrors/conda-forge", Engine::Rattler, None),
            (
                "oci://ghcr.io/mirrors/conda-forge",
                Engine::Conda,
                Some(Verdict::Fail),
            ),
            ("defaults", Engine::Conda, None),
            ("defaults", Engine::Rattler, Some(Verdict::Warn)),
            ("nodefaults", Engine::Conda, Some(Verdict::Warn)),
            (
                "deadline-cloud,conda-forge",
                Engine::Rattler,
                Some(Verdict::Warn),
            ),
            ("ftp://h/c", Engine::Conda, Some(Verdict::Warn)),
            ("conda.example.com/c", Engine::Conda, Some(Verdict::Warn)),
        ] {
            let found = of_word(word, engine).map(|(_, f)| f.verdict);
            assert_eq!(found, expected, "{word} {engine:?}");
        }
    }
}

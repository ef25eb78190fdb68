//! The profiles of the shared AWS config, by name.

use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source::load;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_types::os_shim_internal::{Env, Fs};

use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;

async fn sections() -> Result<EnvConfigSections, Problem> {
    let broken = |text: String| {
        Problem::new(
            ProblemKind::Credentials,
            "The AWS config files can't be read",
            text,
            "fix ~/.aws/config (or the file that AWS_CONFIG_FILE names)",
        )
    };
    let source = load(&Env::real(), &Fs::real(), &EnvConfigFiles::default())
        .await
        .map_err(|e| broken(DisplayErrorContext(&e).to_string()))?;
    EnvConfigSections::parse(source).map_err(|e| broken(DisplayErrorContext(&e).to_string()))
}

/// All profiles, by name.
pub async fn list() -> Result<Vec<String>, Problem> {
    let sections = sections().await?;
    let mut names: Vec<String> = sections.profiles().map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// A profile that is not there is said before any call, with those that are.
pub async fn check(profile: &str) -> Result<(), Problem> {
    let sections = sections().await?;
    if sections.get_profile(profile).is_some() {
        return Ok(());
    }
    let mut names: Vec<&str> = sections.profiles().collect();
    names.sort_unstable();
    let known = if names.is_empty() {
        "the AWS config has no profile at all".to_owned()
    } else {
        format!("the AWS config has: {}", names.join(", "))
    };
    Err(Problem::new(
        ProblemKind::Credentials,
        format!(
            "There is no AWS profile \"{}\"",
            Printable::short(profile, 60)
        ),
        known,
        "choose one of these with --profile, or make it with `aws configure sso`",
    ))
}

//! From an SDK error to a `Problem`, in one place. Codes decide, never a message's text; the one exception is the
//! clock, for which AWS has no code of its own.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::caller::What;
use crate::domain::call::EXPIRED;
use crate::domain::ids::Region;
use crate::domain::login::{profile_of_sso, sso_expired};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, without_url_secrets};

type Failure<E> = SdkError<E, HttpResponse>;

/// `last` is the status of the last attempt, for a call that ended without an answer of its own.
pub(super) fn code_of<E: ProvideErrorMetadata>(error: &Failure<E>, last: Option<u16>) -> String {
    if let Some(code) = error.code() {
        return code.to_owned();
    }
    match error {
        SdkError::TimeoutError(_) if last == Some(429) => "Throttled".to_owned(),
        SdkError::TimeoutError(_) => "Timeout".to_owned(),
        SdkError::DispatchFailure(f) if f.is_timeout() => "Timeout".to_owned(),
        SdkError::DispatchFailure(_) => "NotReached".to_owned(),
        SdkError::ConstructionFailure(_) => "NotSent".to_owned(),
        other => other.raw_response().map_or_else(
            || "NoAnswer".to_owned(),
            |r| format!("HTTP {}", r.status().as_u16()),
        ),
    }
}

/// IAM's name for the permission that an S3 operation needs; elsewhere both names are the same.
fn permission(service: &str, operation: &str) -> String {
    match (service, operation) {
        ("s3", "HeadBucket") => "s3:ListBucket".to_owned(),
        _ => format!("{service}:{operation}"),
    }
}

/// The codes that mean the same of every service.
fn by_code(
    code: &str,
    said: &str,
    what: &What<'_>,
    profile: &str,
    region: &Region,
) -> Option<Problem> {
    let problem =
        |kind, because: String, fix: String| Problem::new(kind, what.doing.clone(), because, fix);
    match code {
        code if EXPIRED.contains(&code) => {
            Some(problem(
                ProblemKind::Credentials,
                format!("the credentials of profile \"{profile}\" have expired"),
                format!("sign in again: aws sso login --profile {profile}"),
            ))
        }
        "RequestTimeTooSkewed" | "RequestExpired" => Some(skewed(what)),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "InvalidSignature"
            if said.contains("Signature not yet current") || said.contains("Signature expired") =>
        {
            Some(skewed(what))
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidSignature"
        | "AuthFailure"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => {
            Some(problem(
                ProblemKind::Credentials,
                format!("AWS does not accept the credentials of profile \"{profile}\" ({code})"),
                "check the access key and secret of the profile, or sign in again with another --profile".to_owned(),
            ))
        }
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            Some(problem(
                ProblemKind::Invalid,
                format!(
                    "its bucket is in another region than {region}, and conda on a worker asks in the farm's region"
                ),
                "keep the channel in a bucket of the farm's region, or use its https:// form"
                    .to_owned(),
            ))
        }
        _ => None,
    }
}

pub(super) fn problem_of<E>(
    error: &Failure<E>,
    last: Option<u16>,
    what: &What<'_>,
    profile: &str,
    region: &Region,
) -> Problem
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|r| r.status().as_u16());
    let code = code_of(error, last);
    let said = error
        .message()
        .map(|m| Printable::short(&without_url_secrets(m), 240).to_string())
        .unwrap_or_default();
    let problem =
        |kind, because: String, fix: String| Problem::new(kind, what.doing.clone(), because, fix);
    let named = format!("{}:{}", what.service, what.operation);
    if let Some(credentials) = cause::<CredentialsError>(error) {
        return credentials_problem(credentials, what, profile);
    }
    if let Some(problem) = by_code(&code, &said, what, profile, region) {
        return problem;
    }
    let missing_code = [
        "ResourceNotFoundException",
        "NoSuchEntity",
        "NoSuchEntityException",
        "NoSuchBucket",
        "NoSuchKey",
        "NotFound",
    ]
    .contains(&code.as_str())
        // EC2 has a code of its own for each kind of thing.
        || code.ends_with(".NotFound");
    // The JSON services answer a refusal with 400 and this code.
    let denied_code = ["AccessDenied", "AccessDeniedException"].contains(&code.as_str());
    let status = if denied_code { Some(403) } else { status };
    match status {
        _ if missing_code || status == Some(404) => problem(
            ProblemKind::Missing,
            format!("{} answered that it does not exist ({code})", what.service),
            "compare the id or name, the region and the account".to_owned(),
        ),
        _ if code.contains("Throttl")
            || code == "TooManyRequestsException"
            || code == "SlowDown"
            || status == Some(429) =>
        {
            problem(
                ProblemKind::Unreached,
                format!(
                    "{} asked to slow down, and went on asking after every retry ({code})",
                    what.service
                ),
                "run it again in a minute".to_owned(),
            )
        }
        Some(401 | 403) => {
            let permission = permission(what.service, what.operation);
            let fix = format!("add {permission} to this identity, then check again");
            let because = format!(
                "this identity (profile \"{profile}\") is not allowed to call {permission} ({code})"
            );
            problem(ProblemKind::Denied, because, fix).lacking(permission)
        }
        Some(400..=499) => {
            let told = if said.is_empty() {
                String::new()
            } else {
                format!(": {said}")
            };
            problem(
                ProblemKind::Invalid,
                format!("{named} was refused ({code}){told}"),
                "look at the reason; nothing was changed by this call".to_owned(),
            )
        }
        Some(status) => problem(
            ProblemKind::Unreached,
            format!(
                "{} answered with an error of its own after every retry (HTTP {status}, {code})",
                what.service
            ),
            "run it again later; AWS's health page may tell more".to_owned(),
        ),
        None => unreached(error, what, region, &code),
    }
}

fn skewed(what: &What<'_>) -> Problem {
    Problem::new(
        ProblemKind::Credentials,
        what.doing.clone(),
        "AWS refuses the signature's time: this machine's clock is off by more than 5 minutes",
        "set the clock (timedatectl set-ntp true), then check again",
    )
}

fn unreached<E: std::error::Error + Send + Sync + 'static>(
    error: &Failure<E>,
    what: &What<'_>,
    region: &Region,
    code: &str,
) -> Problem {
    let chain = Printable::short(&without_url_secrets(&root_cause(error)), 160);
    let service = what.service;
    let (because, fix) = if code == "Timeout" {
        (
            format!("{service} in {region} did not answer in time"),
            "check the network, a proxy and --endpoint-url, then run it again".to_owned(),
        )
    } else {
        (
            format!("{service} in {region} was not reached: {chain}"),
            format!(
                "check the network, --region and --endpoint-url; {service} may not exist in region {region}"
            ),
        )
    };
    Problem::new(ProblemKind::Unreached, what.doing.clone(), because, fix)
}

/// Why there are no credentials at all.
pub(super) fn no_credentials(error: &CredentialsError, profile: &str) -> Problem {
    let chain = DisplayErrorContext(error).to_string();
    let chain = Printable::short(&without_url_secrets(&chain), 400).to_string();
    let lower = chain.to_lowercase();
    let gone = ["expired", "invalid token", "no such file", "not found"];
    if lower.contains("sso") && gone.iter().any(|w| lower.contains(w)) {
        return sso_expired(profile);
    }
    let doing = "Nobody is signed in to AWS";
    let because = match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            format!("no credentials were found for profile \"{profile}\"")
        }
        CredentialsError::ProviderTimedOut(_) => {
            "the source of the credentials did not answer in time".to_owned()
        }
        _ => {
            let chain = Printable::short(&chain, 200);
            format!("the credentials of profile \"{profile}\" could not be loaded: {chain}")
        }
    };
    let fix = format!(
        "sign in: aws sso login --profile {profile}; or choose another --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    );
    Problem::new(ProblemKind::Credentials, doing, because, fix)
}

fn credentials_problem(error: &CredentialsError, what: &What<'_>, profile: &str) -> Problem {
    let problem = no_credentials(error, profile);
    let because = if profile_of_sso(&problem).is_some() {
        problem.doing
    } else {
        problem.because
    };
    Problem::new(
        ProblemKind::Credentials,
        what.doing.clone(),
        because,
        problem.fix,
    )
}

fn cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut at = Some(error);
    while let Some(e) = at {
        if let Some(found) = e.downcast_ref::<T>() {
            return Some(found);
        }
        at = e.source();
    }
    None
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

//! From profile, region and endpoint to clients: the SDK's own retry, timeouts, and a fix for custom endpoints.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::Semaphore;

use super::{AT_ONCE, Aws};
use crate::domain::ids::Region;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;

/// How to sign in. `None`: as the environment and the shared config say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub profile: Option<String>,
    pub region: Option<Region>,
    pub endpoint: Option<String>,
}

tokio::task_local! {
    /// The HTTP status of the last attempt of the call under way. A call that runs out of time while a service asks
    /// it to slow down was throttled, not unanswered.
    pub(super) static LAST_STATUS: Cell<Option<u16>>;
}

/// Credentials until shortly before they expire; then their source is asked once more, and what it gives is kept in turn. A
/// source may start a process, or ask somebody for a code.
#[derive(Debug)]
struct Kept {
    now: tokio::sync::Mutex<Credentials>,
    source: SharedCredentialsProvider,
}

/// How long a connection and one attempt of a call may take.
const CONNECT: Duration = Duration::from_millis(3_100);
const ATTEMPT: Duration = Duration::from_secs(6);

/// As long before its end credentials are not begun with any more.
const SPARE: Duration = Duration::from_mins(5);

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let lasts = |end: SystemTime| end > SystemTime::now() + SPARE;
        future::ProvideCredentials::new(async move {
            // Held across the question, so that calls which start together ask once.
            let mut now = self.now.lock().await;
            if !now.expiry().is_none_or(lasts) {
                *now = self.source.provide_credentials().await?;
            }
            Ok(now.clone())
        })
    }
}

#[derive(Debug)]
struct Attempts;

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().status().as_u16();
        // Outside of a call of ours there is nobody to tell.
        let _ = LAST_STATUS.try_with(|last| last.set(Some(status)));
        Ok(())
    }
}

/// That nobody is signed in is said once, before each call says it by itself. What was given then is what the first calls
/// use: a source may ask somebody for a code each time.
async fn with_credentials(config: SdkConfig, profile: &str) -> Result<SdkConfig, Problem> {
    let Some(source) = config.credentials_provider() else {
        return Ok(config);
    };
    let given = source.provide_credentials().await;
    let first = given.map_err(|e| super::problem::no_credentials(&e, profile))?;
    let now = tokio::sync::Mutex::new(first);
    let kept = SharedCredentialsProvider::new(Kept { now, source });
    Ok(config.into_builder().credentials_provider(kept).build())
}

fn check_endpoint(endpoint: Option<&str>) -> Result<(), Problem> {
    if let Some(url) = endpoint
        && url::Url::parse(url)
            .ok()
            .is_none_or(|u| !matches!(u.scheme(), "http" | "https") || u.host_str().is_none())
    {
        let shown = Printable::short(&crate::domain::text::without_url_secrets(url), 60);
        return Err(Problem::new(
            ProblemKind::Credentials,
            "The endpoint URL can't be used",
            format!("\"{shown}\" is not an http:// or https:// URL"),
            "correct --endpoint-url or AWS_ENDPOINT_URL, or leave it out",
        ));
    }
    Ok(())
}

/// Refuses a region that AWS does not have. One that was added since is found in DNS.
async fn check_region(region: &Region) -> Result<(), Problem> {
    let known = crate::domain::known::regions();
    let name = region.to_string();
    if known.know(&name) {
        return Ok(());
    }
    let tail = if name.starts_with("cn-") { ".cn" } else { "" };
    let host = format!("sts.{name}.amazonaws.com{tail}");
    let Err(problem) = crate::world::net::addresses(&host).await else {
        return Ok(());
    };
    let meant = known.nearest(&name);
    let meant = meant.map_or_else(
        || "write the region's code, such as us-west-2".to_owned(),
        |r| format!("did you mean {r}?"),
    );
    Err(Problem::new(
        ProblemKind::Invalid,
        format!("AWS has no region {name}"),
        format!(
            "it is not among those of {}, and {host} does not resolve: {}",
            known.as_of, problem.because
        ),
        meant,
    ))
}

/// The clients for one sign-in. Nothing is sent yet; a wrong profile or region shows here, the rest at the first call.
pub async fn connect(login: &Login) -> Result<Aws, Problem> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(Duration::from_secs(20))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(
            RetryConfig::adaptive()
                .with_max_attempts(4)
                .with_initial_backoff(Duration::from_millis(100)),
        )
        .timeout_config(timeouts)
        .app_name(
            aws_config::AppName::new("studiolink")
                .unwrap_or_else(|_| unreachable!("a plain word is an app name")),
        );
    if let Some(profile) = &login.profile {
        super::profiles::check(profile).await?;
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &login.region {
        loader = loader.region(aws_config::Region::new(region.to_string()));
    }
    if let Some(endpoint) = &login.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    let given = config.region().map(|r| r.as_ref().to_owned());
    let region: Region = match given {
        None => {
            return Err(Problem::new(
                ProblemKind::Credentials,
                "No AWS region is set",
                "neither a flag, the environment, the studio file nor the profile names one",
                "add --region us-west-2 (or yours), or set AWS_REGION",
            ));
        }
        Some(text) => text.parse().map_err(|e: crate::domain::ids::NotAnId| {
            Problem::new(
                ProblemKind::Credentials,
                "The AWS region can't be used",
                e.0,
                "write the region's code, such as us-west-2",
            )
        })?,
    };
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ATTEMPT)
        .user_agent(crate::world::net::USER_AGENT)
        .build()
        .map_err(|e| crate::world::net::no_client(&e))?;
    let custom = config.endpoint_url().is_some();
    if !custom {
        check_region(&region).await?;
    }
    check_endpoint(config.endpoint_url())?;
    let profile = login
        .profile
        .clone()
        .or_else(|| std::env::var("AWS_PROFILE").ok())
        .unwrap_or_else(|| "default".to_owned());
    let config = with_credentials(config, &profile).await?;
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        .interceptor(Attempts)
        .force_path_style(custom)
        .build();
    Ok(Aws {
        region,
        profile,
        path_style: custom,
        sts: aws_sdk_sts::Client::from_conf(
            aws_sdk_sts::config::Builder::from(&config)
                .interceptor(Attempts)
                .build(),
        ),
        s3: aws_sdk_s3::Client::from_conf(s3),
        plain,
        config,
        permits: Semaphore::new(AT_ONCE),
        queue_roles: tokio::sync::Mutex::default(),
        left: super::sessions::Left::default(),
    })
}

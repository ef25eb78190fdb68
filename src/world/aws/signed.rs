//! Calls of services that have no client crate here: signed by the SDK's own signer, sent as JSON or as a form, read as
//! text. A crate of each would cost a minute of every cold build, for a handful of calls.

use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata as _};
use aws_types::request_id::RequestId;
use serde_json::Value;

use super::Aws;
use super::caller::What;
use super::client::LAST_STATUS;
use crate::domain::problem::{Problem, ProblemKind};
use crate::world::Record;

/// One call, before it is signed. It may hold a secret that is put, so it can't be printed.
#[derive(Clone)]
pub(super) struct Request {
    /// As SigV4 and the endpoint's host spell it.
    pub service: &'static str,
    /// What an endpoint of AWS's has before the service's name, with its dot; a custom endpoint has none.
    pub prefix: &'static str,
    pub method: http::Method,
    /// After the endpoint, without its first slash, its parts percent-encoded.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Request {
    /// JSON 1.1, where a header names the operation.
    pub(super) fn json(service: &'static str, target: &str, body: &Value) -> Self {
        Self {
            service,
            prefix: "",
            method: http::Method::POST,
            path: String::new(),
            headers: vec![
                ("content-type", "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target", target.to_owned()),
            ],
            body: body.to_string(),
        }
    }

    /// The query protocol: the operation and its parameters as a form.
    pub(super) fn form(service: &'static str, fields: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        Self {
            service,
            prefix: "",
            method: http::Method::POST,
            path: String::new(),
            headers: vec![("content-type", kind.to_owned())],
            body: form.finish(),
        }
    }
}

/// Where a service is that has one place for a whole partition: its host, and the region that its requests are signed for.
fn global(service: &str, region: &str) -> Option<(&'static str, &'static str)> {
    let partition = match region {
        r if r.starts_with("cn-") => 1,
        r if r.starts_with("us-gov-") => 2,
        _ => 0,
    };
    let places = match service {
        "iam" => [
            ("iam.amazonaws.com", "us-east-1"),
            ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ],
        "route53" => [
            ("route53.amazonaws.com", "us-east-1"),
            ("route53.amazonaws.com.cn", "cn-northwest-1"),
            ("route53.us-gov.amazonaws.com", "us-gov-west-1"),
        ],
        _ => return None,
    };
    Some(places[partition])
}

/// How EC2 says no, and how IAM does.
#[derive(Debug, serde::Deserialize)]
struct XmlErrors {
    #[serde(rename = "Errors")]
    all: Option<XmlAll>,
    #[serde(rename = "Error")]
    one: Option<XmlError>,
}

impl XmlErrors {
    fn read(text: &str) -> Option<XmlError> {
        let errors: Self = quick_xml::de::from_str(text).ok()?;
        errors.one.or(errors.all.map(|all| all.one))
    }
}

#[derive(Debug, serde::Deserialize)]
struct XmlAll {
    #[serde(rename = "Error")]
    one: XmlError,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct XmlError {
    code: String,
    #[serde(default)]
    message: String,
}

/// An answer, whatever its status. It may hold secrets, as the keys of a VPN, so it can't be printed.
pub(super) struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub(super) fn request_id(&self) -> Option<&str> {
        let header = |name: &str| self.headers.get(name)?.to_str().ok();
        header("x-amzn-requestid").or_else(|| header("x-amz-request-id"))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The error's name, from the header or the body: `com.amazonaws.ssm#TargetNotConnected`, or the last word alone.
    pub(super) fn code(&self) -> Option<String> {
        let header = self.headers.get("x-amzn-errortype");
        let header = header.and_then(|v| v.to_str().ok()).map(str::to_owned);
        let body = self.json();
        let body = body["__type"].as_str().or_else(|| body["code"].as_str());
        let xml = || XmlErrors::read(&self.text).map(|e| e.code);
        let name = header.or_else(|| body.map(str::to_owned)).or_else(xml)?;
        let name = name.split(':').next().unwrap_or_default();
        Some(name.rsplit('#').next().unwrap_or_default().to_owned())
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    Unsigned,
    TimedOut,
    /// In words without the address.
    Unreached(String),
}

/// Everything that signing and sending takes, so that a call can go on where nobody waits for it any more.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    pub client: reqwest::Client,
    pub credentials: Credentials,
    pub region: String,
    /// A custom endpoint, for every service.
    pub endpoint: Option<String>,
}

impl Signer {
    fn address(&self, request: &Request) -> String {
        let region = &self.region;
        let tail = if region.starts_with("cn-") { ".cn" } else { "" };
        let own = self
            .endpoint
            .as_deref()
            .map(|e| e.trim_end_matches('/').to_owned());
        let base = own.unwrap_or_else(|| {
            let (prefix, service) = (request.prefix, request.service);
            match global(service, region) {
                Some((host, _)) => format!("https://{host}"),
                None => format!("https://{prefix}{service}.{region}.amazonaws.com{tail}"),
            }
        });
        format!("{base}/{}", request.path)
    }

    /// The headers that sign a request.
    fn sign(
        &self,
        service: &str,
        method: &str,
        address: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Result<Vec<(String, String)>, Lost> {
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(global(service, &self.region).map_or(self.region.as_str(), |(_, r)| r))
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| Lost::Unsigned)?
            .into();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new(method, address, headers, body);
        let signed = signable.and_then(|signable| sign(signable, &params));
        let (instructions, _) = signed.map_err(|_| Lost::Unsigned)?.into_parts();
        let own = instructions.headers();
        Ok(own.map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    /// The headers that sign the upgrade of a websocket: with the host alone, and an empty body.
    pub(super) fn upgrade(
        &self,
        service: &str,
        address: &str,
    ) -> Result<Vec<(String, String)>, Lost> {
        // The signer knows http and https; the host and the path are the same.
        let address = address.replacen("ws", "http", 1);
        self.sign(service, "GET", &address, &[], "")
    }

    pub(super) async fn send(&self, request: &Request) -> Result<Answer, Lost> {
        let address = self.address(request);
        let (method, body) = (request.method.as_str(), request.body.as_str());
        let signature = self.sign(request.service, method, &address, &request.headers, body)?;
        let mut sending = self
            .client
            .request(request.method.clone(), &address)
            .body(request.body.clone());
        for (name, value) in &request.headers {
            sending = sending.header(*name, value);
        }
        for (name, value) in &signature {
            sending = sending.header(name, value);
        }
        let lost = |e: reqwest::Error| {
            if e.is_timeout() {
                Lost::TimedOut
            } else {
                Lost::Unreached(crate::world::net::http_words(&e.without_url()))
            }
        };
        let answer = sending.send().await.map_err(lost)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(lost)?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }
}

/// What was answered with success.
pub(super) struct Body {
    pub text: String,
    id: Option<String>,
}

impl Body {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl RequestId for Body {
    fn request_id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

pub(super) type Failure = SdkError<ErrorMetadata, HttpResponse>;

fn outcome(sent: Result<Answer, Lost>) -> Result<Body, Failure> {
    let answer = sent.map_err(|lost| match lost {
        Lost::Unsigned => SdkError::construction_failure("the request can't be signed"),
        Lost::TimedOut => SdkError::timeout_error("no answer in time"),
        Lost::Unreached(why) => SdkError::dispatch_failure(ConnectorError::io(why.into())),
    })?;
    // Outside of a call of ours there is nobody to tell.
    let _ = LAST_STATUS.try_with(|last| last.set(Some(answer.status)));
    if (200..300).contains(&answer.status) {
        return Ok(Body {
            id: answer.request_id().map(str::to_owned),
            text: answer.text,
        });
    }
    let body = answer.json();
    let xml = XmlErrors::read(&answer.text);
    let said = body["message"]
        .as_str()
        .or_else(|| body["Message"].as_str());
    let said = said.map(str::to_owned).or_else(|| xml.map(|e| e.message));
    let mut error = ErrorMetadata::builder();
    if let Some(code) = answer.code() {
        error = error.code(code);
    }
    if let Some(said) = said {
        error = error.message(said);
    }
    let mut response = http::Response::builder().status(answer.status);
    if let Some(headers) = response.headers_mut() {
        *headers = answer.headers;
    }
    let response = response.body(SdkBody::from(answer.text));
    let raw = response.ok().and_then(|r| HttpResponse::try_from(r).ok());
    Err(match raw {
        Some(raw) => SdkError::service_error(error.build(), raw),
        None => {
            SdkError::dispatch_failure(ConnectorError::other("an answer that is none".into(), None))
        }
    })
}

/// What may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    No,
    /// It was lost, or the service failed.
    Lost,
    /// The service asked to slow down, and so it will take the call later.
    Slower,
}

fn again(result: &Result<Body, Failure>) -> Again {
    match result {
        Ok(_) | Err(SdkError::ConstructionFailure(_)) => Again::No,
        Err(SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)) => Again::Lost,
        Err(error) => {
            let status = error.raw_response().map_or(0, |r| r.status().as_u16());
            let slow = error.code().is_some_and(|c| {
                c.contains("Throttl") || c == "TooManyRequestsException" || c == "SlowDown"
            });
            if slow || status == 429 {
                Again::Slower
            } else if status >= 500 {
                Again::Lost
            } else {
                Again::No
            }
        }
    }
}

/// Somewhere between half of it and the whole: calls that were refused together do not come back together.
fn with_jitter(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u128() % 1_000;
    let part = u32::try_from(random).unwrap_or_default();
    pause / 2 + (pause / 2) * part / 1_000
}

/// How long a call may take with all its tries, as the clients of the SDK have it. A write that is asked to slow down may
/// take its time; a read that gets no answer says so soon.
#[derive(Debug, Clone, Copy)]
struct Patience {
    tries: u32,
    deadline: Duration,
}

const READ: Patience = Patience {
    tries: 4,
    deadline: Duration::from_secs(20),
};
const WRITE: Patience = Patience {
    tries: 7,
    deadline: Duration::from_mins(1),
};
/// Between two tries, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// What an answer may take that comes to the last try.
const SLOWEST: Duration = Duration::from_secs(2);

impl Aws {
    /// The caller's own signer.
    pub(super) async fn own_signer(&self) -> Result<Signer, Failure> {
        let source = self.config.credentials_provider();
        let source = source.ok_or_else(|| SdkError::construction_failure("no credentials"))?;
        let credentials = source.provide_credentials().await;
        Ok(self.signer_with(credentials.map_err(SdkError::construction_failure)?))
    }

    pub(super) fn signer_with(&self, credentials: Credentials) -> Signer {
        Signer {
            client: self.plain.clone(),
            credentials,
            region: self.region.to_string(),
            endpoint: self.config.endpoint_url().map(str::to_owned),
        }
    }

    /// A call that may be made twice, as the caller, sent again where it was lost or the service asked to slow down: one that
    /// only reads, or one whose token makes the second the same as the first.
    pub(super) async fn read(
        &self,
        record: &Record,
        what: What<'_>,
        request: &Request,
    ) -> Result<Body, Problem> {
        self.read_as(record, what, request, self.own_signer()).await
    }

    /// A write as the caller, whose repetition means the same.
    pub(super) async fn write(
        &self,
        record: &Record,
        what: What<'_>,
        request: &Request,
    ) -> Result<Body, Problem> {
        let sending = self.send_patiently(request, self.own_signer(), WRITE);
        self.call(record, what, sending).await
    }

    /// The same as whom the signer signs for.
    pub(super) async fn read_as(
        &self,
        record: &Record,
        what: What<'_>,
        request: &Request,
        signer: impl Future<Output = Result<Signer, Failure>>,
    ) -> Result<Body, Problem> {
        let sending = self.send_patiently(request, signer, READ);
        self.call(record, what, sending).await
    }

    async fn send_patiently(
        &self,
        request: &Request,
        signer: impl Future<Output = Result<Signer, Failure>>,
        patience: Patience,
    ) -> Result<Body, Failure> {
        let sending = async {
            let signer = signer.await?;
            let (began, mut lost, mut pause) = (Instant::now(), 1, Duration::from_millis(100));
            loop {
                let result = outcome(signer.send(request).await);
                let wait = with_jitter(pause);
                let goes_on = match again(&result) {
                    Again::No => false,
                    Again::Lost => lost < patience.tries,
                    // Until its time is over; then the refusal itself is the answer.
                    Again::Slower => began.elapsed() + wait + SLOWEST < patience.deadline,
                };
                if !goes_on {
                    return result;
                }
                lost += u32::from(again(&result) == Again::Lost);
                tokio::time::sleep(wait).await;
                pause = (pause * 3).min(LONGEST_PAUSE);
            }
        };
        let within = tokio::time::timeout(patience.deadline, sending).await;
        within.unwrap_or_else(|_| Err(SdkError::timeout_error("no answer in time")))
    }
}

/// An answer of success that can't be read is said as such, never taken for an empty one.
pub(super) fn unreadable(doing: &str) -> Problem {
    Problem::new(
        ProblemKind::Invalid,
        doing,
        "the service's answer can't be read",
        "check --endpoint-url: is this AWS?",
    )
}

//! Systems Manager: may the queue role start a port-forwarding session and end it? Nothing is sent through it, and the
//! token and the address that come with it are dropped.
//!
//! Two calls are all that is needed before the path `ssm` is built, so they are signed here with the SDK's own signer,
//! and the service's crate, a minute of every cold build, waits for that path.

use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Aws;
use crate::domain::call::{Call, Vantage};
use crate::domain::choices::Tunnel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::probes::SessionSeen;
use crate::world::Record;

const SERVICE: &str = "ssm";
const DEADLINE: Duration = Duration::from_secs(4);

/// Everything that one call needs, so that it can go on where nobody waits for it any more.
#[derive(Clone)]
struct Sender {
    client: reqwest::Client,
    credentials: Credentials,
    endpoint: String,
    region: String,
    record: Record,
    queue: QueueKey,
    about: String,
}

impl Sender {
    fn problem(&self, kind: ProblemKind, operation: &str, because: String, fix: &str) -> Problem {
        let doing = format!(
            "Could not call {operation} on {} as the queue role",
            self.about
        );
        Problem::new(kind, doing, because, fix)
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Problem> {
        let (began, at) = (Instant::now(), Timestamp::now());
        let answered = tokio::time::timeout(DEADLINE, self.send(operation, body)).await;
        let sent = answered.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        let (outcome, request_id, result) = match sent {
            Ok((200, id, body)) => ("OK".to_owned(), id, Ok(body)),
            Ok((status, id, body)) => {
                // `com.amazonaws.ssm#TargetNotConnected`, or the last word alone.
                let kind = body["__type"].as_str().unwrap_or_default();
                let code = kind.rsplit('#').next().unwrap_or_default().to_owned();
                let code = if code.is_empty() {
                    format!("HTTP {status}")
                } else {
                    code
                };
                let result = Err(self.refused(operation, &code, &body));
                (code, id, result)
            }
            Err(why) => {
                let because = format!("Systems Manager was not reached: {why}");
                let fix = "check the network, a proxy and --endpoint-url, then run it again";
                let problem = self.problem(ProblemKind::Unreached, operation, because, fix);
                ("NotReached".to_owned(), None, Err(problem))
            }
        };
        let call = Call {
            vantage: Vantage::QueueRole(self.queue.clone()),
            service: SERVICE.to_owned(),
            operation: operation.to_owned(),
            about: Printable::short(&self.about, 80),
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome: Printable::short(&outcome, 60),
            request_id: request_id.map(|id| Printable::short(&id, 64)),
            at,
        };
        self.record.add(call.clone());
        result.map_err(|p| p.seen(call))
    }

    fn refused(&self, operation: &str, code: &str, body: &Value) -> Problem {
        let said = body["message"].as_str().or(body["Message"].as_str());
        let said = Printable::short(said.unwrap_or("no reason given"), 200);
        match code {
            // The lack is the queue role's, not the caller's: no permission of ours is named.
            "AccessDeniedException" | "AccessDenied" => self.problem(
                ProblemKind::Denied,
                operation,
                "Systems Manager refused the queue role: its own policies or an organization's policy".to_owned(),
                "setup gives the role what it lacks (check queue-role-needs)",
            ),
            "TargetNotConnected" => self.problem(
                ProblemKind::Invalid,
                operation,
                format!("{} is not connected to Systems Manager", self.about),
                "see that its SSM agent runs, reaches ssm and ssmmessages on 443, and has AmazonSSMManagedInstanceCore",
            ),
            "ThrottlingException" => self.problem(
                ProblemKind::Unreached,
                operation,
                "Systems Manager asked to slow down".to_owned(),
                "run it again in a minute",
            ),
            _ => self.problem(
                ProblemKind::Invalid,
                operation,
                format!("ssm:{operation} was refused ({code}): {said}"),
                "look at the reason; [ssm] of the studio file names the instance",
            ),
        }
    }

    async fn send(
        &self,
        operation: &str,
        body: &Value,
    ) -> Result<(u16, Option<String>, Value), String> {
        let body = body.to_string();
        let target = format!("AmazonSSM.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| "the request can't be signed".to_owned())?
            .into();
        let signable = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", &self.endpoint, headers.into_iter(), signable);
        let signed = request.and_then(|request| sign(request, &params));
        let (instructions, _) = signed
            .map_err(|_| "the request can't be signed".to_owned())?
            .into_parts();
        let mut request = self.client.post(&self.endpoint).body(body.clone());
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        // What reqwest says of an error may hold the address; it has no query, and nothing that signs.
        let answer = request
            .send()
            .await
            .map_err(|e| e.without_url().to_string())?;
        let status = answer.status().as_u16();
        let id = answer.headers().get("x-amzn-requestid");
        let id = id.and_then(|v| v.to_str().ok()).map(str::to_owned);
        let text = answer
            .text()
            .await
            .map_err(|e| e.without_url().to_string())?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok((status, id, body))
    }
}

impl Aws {
    pub async fn open_session(
        &self,
        record: &Record,
        client: &reqwest::Client,
        queue: &QueueKey,
        tunnel: &Tunnel,
        port: u16,
    ) -> Result<SessionSeen, Problem> {
        let credentials = self.queue_role(record, queue).await?.credentials;
        let region = self.region.to_string();
        let own = self.config.endpoint_url().map(str::to_owned);
        let sender = Sender {
            client: client.clone(),
            credentials,
            endpoint: own.unwrap_or_else(|| format!("https://ssm.{region}.amazonaws.com/")),
            region,
            record: record.clone(),
            queue: queue.clone(),
            about: tunnel.instance.clone(),
        };
        let mut parameters = json!({ "portNumber": [port.to_string()] });
        if let Some(host) = &tunnel.host {
            parameters["host"] = json!([host]);
        }
        let start = json!({ "Target": tunnel.instance, "DocumentName": tunnel.document(), "Parameters": parameters });
        let started = sender.call("StartSession", &start).await?;
        let end = json!({ "SessionId": started["SessionId"] });
        // Also where nobody waits for the answer any more, the session is ended.
        let ending = tokio::spawn(async move { sender.call("TerminateSession", &end).await });
        let ended = match ending.await {
            Ok(Ok(_)) => Some(true),
            Ok(Err(p)) if p.kind == ProblemKind::Denied => Some(false),
            _ => None,
        };
        Ok(SessionSeen { ended })
    }
}

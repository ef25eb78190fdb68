//! Systems Manager: may the queue role start a port-forwarding session, does AYON answer through it, and may the role end
//! it? The token that comes with it is kept in memory until the channel is open.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use super::Aws;
use super::signed::{Lost, Request, Signer};
use crate::domain::call::{Call, Vantage};
use crate::domain::choices::Tunnel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};
use crate::probes::{Carried, SessionSeen};
use crate::world::Record;
use crate::world::net::channel;

const SERVICE: &str = "ssm";
const DEADLINE: Duration = Duration::from_secs(4);
/// The upgrade, and the exchange through the channel, each.
const CHANNEL: Duration = Duration::from_secs(5);

/// Everything that one call needs, so that it can go on where nobody waits for it any more.
#[derive(Clone)]
struct Sender {
    signer: Signer,
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
        let request = Request::json(SERVICE, &format!("AmazonSSM.{operation}"), body);
        let answered = tokio::time::timeout(DEADLINE, self.signer.send(&request)).await;
        let sent = answered.unwrap_or(Err(Lost::TimedOut));
        let id = sent.as_ref().ok().and_then(|a| a.request_id());
        let id = id.map(str::to_owned);
        let (outcome, request_id, result) = match sent {
            Ok(answer) if answer.status == 200 => ("OK".to_owned(), id, Ok(answer.json())),
            Ok(answer) => {
                let code = answer.code().filter(|c| !c.is_empty());
                let code = code.unwrap_or_else(|| format!("HTTP {}", answer.status));
                let result = Err(self.refused(operation, &code, &answer.json()));
                (code, id, result)
            }
            Err(lost) => {
                let why = match lost {
                    Lost::Unsigned => "the request can't be signed".to_owned(),
                    Lost::TimedOut => "no answer in time".to_owned(),
                    Lost::Unreached(why) => why,
                };
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
                "setup gives the role what it lacks (check tunnel-permissions)",
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
}

impl Aws {
    /// Waits for the ends of sessions whose test ran out of time: each call has its own deadline.
    pub async fn leave(&self) {
        let left = self.left.lock().map(|mut l| std::mem::take(&mut *l));
        for ending in left.into_iter().flatten() {
            let _ = ending.await;
        }
    }

    /// One request through a session of the queue role's own.
    pub async fn open_session(
        &self,
        record: &Record,
        queue: &QueueKey,
        tunnel: &Tunnel,
        url: &Url,
    ) -> Result<SessionSeen, Problem> {
        let credentials = self.queue_role(record, queue).await?.credentials;
        let sender = Sender {
            signer: self.signer_with(credentials),
            record: record.clone(),
            queue: queue.clone(),
            about: tunnel.instance.clone(),
        };
        let port = url.port_or_known_default().unwrap_or(443);
        let mut parameters = json!({ "portNumber": [port.to_string()] });
        if let Some(host) = &tunnel.host {
            parameters["host"] = json!([host]);
        }
        let start = json!({ "Target": tunnel.instance, "DocumentName": tunnel.document(), "Parameters": parameters });
        let mut started = sender.call("StartSession", &start).await?;
        let ending = Ending {
            sender: sender.clone(),
            left: self.left.clone(),
            body: json!({ "SessionId": started["SessionId"] }),
        };
        let token = started["TokenValue"].take();
        let token = token.as_str().unwrap_or_default().to_owned().into();
        let address = started["StreamUrl"].as_str().unwrap_or_default().to_owned();
        let carried = sender
            .carry(token, address, url, &started["SessionId"])
            .await;
        Ok(SessionSeen {
            carried,
            ended: ending.end().await,
            id: Untrusted::new(started["SessionId"].as_str().unwrap_or_default()),
        })
    }
}

/// The ends of sessions that nobody waits for any more; the program waits for them before it ends.
pub(super) type Left = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// A session that was started is ended, also where nobody waits for the answer any more.
struct Ending {
    sender: Sender,
    left: Left,
    body: Value,
}

impl Ending {
    /// The call goes on also where nobody waits for its answer: the program waits for it before it ends.
    fn spawn(&mut self) -> oneshot::Receiver<Result<Value, Problem>> {
        let (sender, body) = (self.sender.clone(), std::mem::take(&mut self.body));
        let (tell, told) = oneshot::channel();
        let ending = tokio::spawn(async move {
            let _ = tell.send(sender.call("TerminateSession", &body).await);
        });
        if let Ok(mut left) = self.left.lock() {
            left.push(ending);
        }
        told
    }

    async fn end(mut self) -> Option<bool> {
        match self.spawn().await {
            Ok(Ok(_)) => Some(true),
            Ok(Err(p)) if p.kind == ProblemKind::Denied => Some(false),
            _ => None,
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.body.is_null() && tokio::runtime::Handle::try_current().is_ok() {
            drop(self.spawn());
        }
    }
}

impl Sender {
    /// The upgrade of the data channel is signed too, with the host alone.
    fn opening(&self, token: SecretString, address: String) -> Result<channel::Opening, Printable> {
        let headers = self.signer.upgrade("ssmmessages", &address);
        let headers = headers.map_err(|_| Printable::from("the request can't be signed"))?;
        Ok(channel::Opening {
            address,
            token,
            headers,
        })
    }

    /// A new token for the same session. With temporary credentials that may be refused (field facts E).
    async fn resume(&self, session: &Value) -> Result<channel::Opening, Printable> {
        let body = json!({ "SessionId": session });
        let mut again = self
            .call("ResumeSession", &body)
            .await
            .map_err(|p| p.because)?;
        let token = again["TokenValue"].take();
        let token = token.as_str().unwrap_or_default().to_owned();
        let address = again["StreamUrl"].as_str().unwrap_or_default().to_owned();
        self.opening(token.into(), address)
    }

    async fn carry(
        &self,
        token: SecretString,
        address: String,
        url: &Url,
        session: &Value,
    ) -> Carried {
        let (began, at) = (Instant::now(), Timestamp::now());
        let resume = || self.resume(session).boxed();
        let carried = match self.opening(token, address) {
            Err(why) => Carried::Broken(why),
            Ok(opening) => {
                let info = crate::domain::ayon::api_base(url).join("api/info");
                let info = info.unwrap_or_else(|_| url.clone());
                judged(channel::get(opening, &info, CHANNEL, &resume).await)
            }
        };
        self.record.add(Call {
            vantage: Vantage::QueueRole(self.queue.clone()),
            service: "ssmmessages".to_owned(),
            operation: "OpenDataChannel".to_owned(),
            about: Printable::short(&self.about, 80),
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome: outcome(&carried).into(),
            request_id: None,
            at,
        });
        carried
    }
}

fn judged(got: Result<channel::Got, channel::Trouble>) -> Carried {
    use channel::Trouble as T;
    match got {
        Ok(got) => match crate::world::ayon::version_of(got.status, &got.body) {
            Ok(version) => Carried::Ayon {
                version,
                agent: got.agent,
                multiplexed: got.mode == channel::Mode::Multiplexed,
            },
            Err(why) => Carried::NotAyon(why),
        },
        Err(T::Refused(401 | 403, why)) => Carried::Forbidden(why),
        Err(T::Refused(status, why)) => {
            Carried::Broken(format!("the upgrade was answered with HTTP {status}: {why}").into())
        }
        Err(T::Unreached(why)) => Carried::Broken(why),
        Err(T::Garbled(why)) => {
            Carried::Broken(format!("what came is not the protocol: {why}").into())
        }
        Err(T::Encrypted) => Carried::Encrypted,
        Err(T::PortRefused) => Carried::PortRefused,
        Err(T::Closed(why)) => Carried::Closed(why),
        Err(T::Silent(what)) => Carried::Silent(what.into()),
        Err(T::NotHttp(why)) => Carried::NotAyon(why),
    }
}

fn outcome(carried: &Carried) -> &'static str {
    match carried {
        Carried::Ayon { .. } | Carried::NotAyon(_) => "OK",
        Carried::PortRefused => "ConnectToPortError",
        Carried::Encrypted => "KMSEncryption",
        Carried::Forbidden(_) => "Forbidden",
        Carried::Closed(_) => "Closed",
        Carried::Silent(_) => "Timeout",
        Carried::Broken(_) => "NotReached",
    }
}

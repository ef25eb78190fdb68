//! The data channel of a Session Manager session that forwards a port: a websocket, frames, a handshake, then the bytes of
//! one connection, as they are or as smux. One HTTP request goes through it, which proves the tunnel as far as AYON.

mod frame;
mod order;
mod smux;

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FusedFuture as _, FutureExt as _};
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use url::Url;

use self::frame::Payload;
use self::order::{Came, Order};
use super::{io_words, port, tls};
use crate::domain::address::Scheme;
use crate::domain::node::at_least;
use crate::domain::text::{Printable, without_url_secrets};

/// The version that this client claims: agents decide by it what they say. The least that AWS still supports.
const CLIENT: &str = "1.2.764.0";
/// From this agent on, connections are multiplexed.
const MULTIPLEXES: &str = "3.0.196.1";
/// As much as AWS's own client puts into a frame.
const PIECE: usize = 1_024;
const BUFFER: usize = 64 * 1_024;
/// How often the clock is looked at for frames that were lost.
const TICK: Duration = Duration::from_millis(100);
/// An answer of `/api/info` has some kilobytes.
const MOST_BODY: usize = 1 << 20;

/// What StartSession answered, and the headers that sign the upgrade.
pub struct Opening {
    pub address: String,
    pub token: SecretString,
    pub headers: Vec<(String, String)>,
}

/// How bytes go through the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mode {
    /// One connection, its bytes as they are.
    Basic,
    Multiplexed,
}

/// Where the exchange ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The upgrade to a websocket was answered with this status.
    Refused(u16, Printable),
    Unreached(Printable),
    /// The agent asks for encryption with the account's KMS key.
    Encrypted,
    /// The agent answers, and could not connect to the port behind it.
    PortRefused,
    /// The other side closed the channel, with its reason.
    Closed(Printable),
    /// Nothing was heard in time; what was waited for.
    Silent(&'static str),
    /// What came is not the protocol.
    Garbled(Printable),
    /// Through the channel something answered, and not in HTTP.
    NotHttp(Printable),
}

/// What answered through the tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub status: u16,
    pub body: String,
    pub agent: Printable,
    pub mode: Mode,
}

/// What the handshake told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Agent {
    version: Printable,
    mode: Mode,
}

/// Asks for the session's channel again, after the service has closed it, as it does about every hour.
pub type Resume<'a> = &'a (dyn Fn() -> BoxFuture<'a, Result<Opening, Printable>> + Send + Sync);

/// A channel that is closed again and again is not taken up for ever.
const RESUMES: usize = 3;

/// One GET of that URL through the channel. The channel is closed afterwards, whatever came of it.
pub async fn get(
    opening: Opening,
    url: &Url,
    within: Duration,
    resume: Resume<'_>,
) -> Result<Got, Trouble> {
    let opened = tokio::time::timeout(within, open(&opening)).await;
    let silent = Trouble::Silent("the data channel's upgrade");
    let socket = opened.unwrap_or(Err(silent))?;
    exchange(socket, &opening.token, url, within, resume).await
}

/// With TLS or, on loopback, without.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

type Socket = WebSocketStream<Box<dyn Wire>>;

async fn open(opening: &Opening) -> Result<Socket, Trouble> {
    let unreached =
        |why: &str| Trouble::Unreached(Printable::short(&without_url_secrets(why), 160));
    let address =
        Url::parse(&opening.address).map_err(|_| unreached("its address is not a URL"))?;
    let host = address.host_str().unwrap_or_default().to_owned();
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let secure = address.scheme() == "wss";
    let loopback = bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    if !secure && !loopback {
        return Err(unreached(
            "its address is not wss://, and the session's token is not sent in the clear",
        ));
    }
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    let number = address.port_or_known_default().unwrap_or(443);
    let (stream, _) = port::connect_as_calls_do(scheme, &bare, number)
        .await
        .map_err(|p| unreached(&p.because))?;
    let mut request = opening
        .address
        .as_str()
        .into_client_request()
        .map_err(|e| unreached(&e.to_string()))?;
    for (name, value) in &opening.headers {
        let name =
            http::HeaderName::try_from(name.as_str()).map_err(|e| unreached(&e.to_string()))?;
        let value =
            http::HeaderValue::try_from(value.as_str()).map_err(|e| unreached(&e.to_string()))?;
        request.headers_mut().insert(name, value);
    }
    let trouble = |e: WsError| match e {
        WsError::Http(answer) => {
            let said = answer
                .body()
                .as_deref()
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            Trouble::Refused(answer.status().as_u16(), Printable::short(&said, 160))
        }
        other => unreached(&other.to_string()),
    };
    if !secure {
        let stream: Box<dyn Wire> = Box::new(stream);
        let opened = tokio_tungstenite::client_async(request, stream).await;
        return opened.map(|(s, _)| s).map_err(trouble);
    }
    let config = tls::client_config().map_err(|p| unreached(&p.because))?;
    let name =
        rustls::pki_types::ServerName::try_from(bare).map_err(|e| unreached(&e.to_string()))?;
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|e| unreached(&io_words(&e)))?;
    let stream: Box<dyn Wire> = Box::new(stream);
    let opened = tokio_tungstenite::client_async(request, stream).await;
    opened.map(|(s, _)| s).map_err(trouble)
}

async fn exchange(
    socket: Socket,
    token: &SecretString,
    url: &Url,
    within: Duration,
    resume: Resume<'_>,
) -> Result<Got, Trouble> {
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let (told, agent) = tokio::sync::watch::channel(None);
    let pumping = pump(socket, token, theirs, told, resume).fuse();
    let fetching = fetch(ours, url);
    tokio::pin!(pumping);
    let mut fetching = Box::pin(fetching);
    let both = async {
        tokio::select! {
            ended = &mut pumping => {
                let trouble = ended.err().unwrap_or_else(|| Trouble::Closed(Printable::default()));
                // The last bytes may be here already, when the channel closes behind them.
                let rest = tokio::time::timeout(TICK, &mut fetching).await;
                rest.ok().and_then(Result::ok).ok_or(trouble)
            }
            got = &mut fetching => got.map_err(Trouble::NotHttp),
        }
    };
    let got = tokio::time::timeout(within, both).await;
    drop(fetching);
    // The channel says goodbye; nobody waits for long.
    if !pumping.is_terminated() && matches!(got, Ok(Ok(_))) {
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut pumping).await;
    }
    let agent = agent.borrow().clone();
    let (status, body) = match got {
        Ok(got) => got?,
        Err(_) if agent.is_none() => return Err(Trouble::Silent("the agent's handshake")),
        Err(_) => return Err(Trouble::Silent("the server behind the agent")),
    };
    let agent = agent.ok_or_else(|| Trouble::Garbled("an answer before the handshake".into()))?;
    Ok(Got {
        status,
        body,
        agent: agent.version,
        mode: agent.mode,
    })
}

/// The flags of a payload of that kind.
const DISCONNECT: u32 = 1;
const TERMINATE: u32 = 2;
const PORT_REFUSED: u32 = 3;

/// The number of the one connection: a client's are odd, and the first is 3, as AWS's client has it.
const STREAM: u32 = 3;

/// One connection through the channel: what was agreed, and where the bytes are.
struct Forwarding {
    socket: Socket,
    local: DuplexStream,
    order: Order,
    reader: smux::Reader,
    agent: Option<Agent>,
    /// Known when the handshake is complete.
    mode: Option<Mode>,
    told: tokio::sync::watch::Sender<Option<Agent>>,
}

fn garbled(why: &str) -> Trouble {
    Trouble::Garbled(Printable::short(why, 160))
}

fn closed(why: &str) -> Trouble {
    Trouble::Closed(Printable::short(why, 160))
}

/// The first words on a channel: the token that says which session it is of.
fn hello(token: &SecretString) -> Message {
    let hello = json!({
        "MessageSchemaVersion": "1.0",
        "RequestId": uuid::Uuid::new_v4().to_string(),
        "TokenValue": token.expose_secret(),
        "ClientId": uuid::Uuid::new_v4().to_string(),
        "ClientVersion": CLIENT,
    });
    Message::text(hello.to_string())
}

/// Moves bytes between the channel and one connection, until the connection ends here.
async fn pump(
    socket: Socket,
    token: &SecretString,
    local: DuplexStream,
    told: tokio::sync::watch::Sender<Option<Agent>>,
    resume: Resume<'_>,
) -> Result<(), Trouble> {
    let mut forwarding = Forwarding {
        socket,
        local,
        order: Order::default(),
        reader: smux::Reader::default(),
        agent: None,
        mode: None,
        told,
    };
    forwarding.say(hello(token)).await?;
    let mut buffer = vec![0u8; PIECE];
    let mut tick = tokio::time::interval(TICK);
    let mut resumed = 0;
    loop {
        let reads = forwarding.mode.is_some() && !forwarding.order.paused;
        let ended = tokio::select! {
            message = forwarding.socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    forwarding.heard(&bytes).await?;
                    continue;
                }
                Some(Ok(Message::Close(why))) => {
                    closed(&why.map(|w| w.reason.to_string()).unwrap_or_default())
                }
                Some(Ok(_)) => continue,
                Some(Err(e)) => lost(&e),
                None => closed(""),
            },
            read = forwarding.local.read(&mut buffer), if reads => match read.unwrap_or(0) {
                0 => return forwarding.end().await,
                n => {
                    forwarding.forward(&buffer[..n]).await?;
                    continue;
                }
            },
            _ = tick.tick() => {
                if let Some(bytes) = forwarding.order.overdue(Instant::now()) {
                    forwarding.say(Message::binary(bytes)).await?;
                }
                continue;
            }
        };
        // The websocket is gone, and the session is not: before the handshake there is nothing to go on with.
        if forwarding.mode.is_none() || resumed == RESUMES {
            return Err(ended);
        }
        resumed += 1;
        forwarding.again(resume).await.map_err(|why| match why {
            Some(why) => closed(&format!("{}; it could not be resumed: {why}", said(&ended))),
            None => ended,
        })?;
    }
}

/// The reason of a channel's end, in words.
fn said(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Closed(why) | Trouble::Unreached(why) => why.to_string(),
        _ => String::new(),
    }
}

fn lost(error: &WsError) -> Trouble {
    Trouble::Unreached(Printable::short(&error.to_string(), 160))
}

impl Forwarding {
    /// On a new websocket, with a new token: what was not acknowledged is sent once more.
    async fn again(&mut self, resume: Resume<'_>) -> Result<(), Option<Printable>> {
        let opening = resume().await.map_err(Some)?;
        self.socket = open(&opening).await.map_err(|t| Some(said(&t).into()))?;
        self.say(hello(&opening.token)).await.map_err(|_| None)?;
        for bytes in self.order.unacknowledged() {
            self.say(Message::binary(bytes)).await.map_err(|_| None)?;
        }
        Ok(())
    }

    async fn say(&mut self, message: Message) -> Result<(), Trouble> {
        self.socket.send(message).await.map_err(|e| lost(&e))
    }

    async fn send(&mut self, what: Payload, payload: Vec<u8>) -> Result<(), Trouble> {
        let bytes = self.order.send(Instant::now(), what, payload);
        self.say(Message::binary(bytes)).await
    }

    async fn forward(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let payload = match self.mode {
            Some(Mode::Multiplexed) => smux::encode(smux::Command::Data, STREAM, bytes),
            _ => bytes.to_vec(),
        };
        self.send(Payload::Output, payload).await
    }

    /// The connection ended here: it is closed there, and the session with it.
    async fn end(&mut self) -> Result<(), Trouble> {
        let flag = |n: u32| n.to_be_bytes().to_vec();
        match self.mode {
            Some(Mode::Multiplexed) => {
                let close = smux::encode(smux::Command::Close, STREAM, b"");
                self.send(Payload::Output, close).await?;
            }
            _ => self.send(Payload::Flag, flag(DISCONNECT)).await?,
        }
        self.send(Payload::Flag, flag(TERMINATE)).await?;
        let _ = self.socket.close(None).await;
        Ok(())
    }

    async fn heard(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let (came, answers) = self.order.take(bytes).map_err(garbled)?;
        for answer in answers {
            self.say(Message::binary(answer)).await?;
        }
        for one in came {
            match one {
                Came::Closed(why) => return Err(closed(&why)),
                Came::Payload(what, payload) => self.take(what, &payload).await?,
            }
        }
        Ok(())
    }

    async fn take(&mut self, what: Payload, payload: &[u8]) -> Result<(), Trouble> {
        match what {
            Payload::HandshakeRequest => {
                let (answer, heard) = shake(payload).map_err(garbled)?;
                self.send(Payload::HandshakeResponse, answer).await?;
                self.agent = Some(heard.ok_or(Trouble::Encrypted)?);
            }
            Payload::HandshakeComplete => {
                let heard = self.agent.clone();
                let heard =
                    heard.ok_or_else(|| garbled("a handshake that ends before it began"))?;
                self.mode = Some(heard.mode);
                self.told.send_replace(Some(heard));
                if self.mode == Some(Mode::Multiplexed) {
                    let open = smux::encode(smux::Command::Open, STREAM, b"");
                    self.send(Payload::Output, open).await?;
                }
            }
            Payload::Flag if *payload == PORT_REFUSED.to_be_bytes() => {
                return Err(Trouble::PortRefused);
            }
            Payload::Output => self.deliver(payload).await?,
            Payload::Error => return Err(closed(&String::from_utf8_lossy(payload))),
            _ => {}
        }
        Ok(())
    }

    /// What can't be delivered any more is of no use to anybody.
    async fn deliver(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        match self.mode {
            Some(Mode::Basic) => drop(self.local.write_all(payload).await),
            Some(Mode::Multiplexed) => {
                for (command, stream, data) in self.reader.take(payload).map_err(garbled)? {
                    match command {
                        _ if stream != STREAM => {}
                        smux::Command::Data => drop(self.local.write_all(&data).await),
                        smux::Command::Close => drop(self.local.shutdown().await),
                        smux::Command::Open | smux::Command::Nothing => {}
                    }
                }
            }
            None => return Err(garbled("output before the handshake")),
        }
        Ok(())
    }
}

/// The answer to the agent's handshake, and what it told; `None`: it asks for an encryption that is not done here.
fn shake(request: &[u8]) -> Result<(Vec<u8>, Option<Agent>), &'static str> {
    let request: Value =
        serde_json::from_slice(request).map_err(|_| "a handshake that is not JSON")?;
    let version = request["AgentVersion"].as_str().unwrap_or_default();
    let actions = request["RequestedClientActions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut encrypted = false;
    let answer = |action: &Value| {
        let name = action["ActionType"].as_str().unwrap_or_default();
        let port = action["ActionParameters"]["SessionType"] == "Port";
        let (status, why) = match name {
            "SessionType" if port => (1, ""),
            "KMSEncryption" => (3, "this client does not encrypt"),
            _ => (3, "this client does not know the action"),
        };
        encrypted |= name == "KMSEncryption";
        json!({ "ActionType": name, "ActionStatus": status, "ActionResult": null, "Error": why })
    };
    let processed: Vec<Value> = actions.iter().map(answer).collect();
    let response =
        json!({ "ClientVersion": CLIENT, "ProcessedClientActions": processed, "Errors": [] });
    let mode = if at_least(version, MULTIPLEXES) == Some(true) {
        Mode::Multiplexed
    } else {
        Mode::Basic
    };
    let agent = Agent {
        version: Printable::short(version, 40),
        mode,
    };
    Ok((
        response.to_string().into_bytes(),
        (!encrypted).then_some(agent),
    ))
}

/// One GET over a connection that is already made. `Err`: what answered does not speak HTTP, or not TLS for this name.
async fn fetch(connection: DuplexStream, url: &Url) -> Result<(u16, String), Printable> {
    let words = |e: &dyn std::fmt::Display| Printable::short(&e.to_string(), 160);
    if url.scheme() != "https" {
        return ask(connection, url).await;
    }
    let config = tls::client_config().map_err(|p| words(&p.because))?;
    let host = url.host_str().unwrap_or_default();
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let name = rustls::pki_types::ServerName::try_from(bare).map_err(|e| words(&e))?;
    let secured = tokio_rustls::TlsConnector::from(config)
        .connect(name, connection)
        .await;
    ask(secured.map_err(|e| words(&io_words(&e)))?, url).await
}

async fn ask<C>(connection: C, url: &Url) -> Result<(u16, String), Printable>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let words = |e: &dyn std::fmt::Display| Printable::short(&e.to_string(), 160);
    let (mut sender, link) = hyper::client::conn::http1::handshake(TokioIo::new(connection))
        .await
        .map_err(|e| words(&e))?;
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let request = http::Request::get(url.path())
        .header("host", host)
        .header("user-agent", super::USER_AGENT)
        .header("accept", "application/json")
        .header("connection", "close")
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|e| words(&e))?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(|e| words(&e))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MOST_BODY)
            .collect()
            .await
            .map_err(|e| words(&e))?;
        Ok((
            status,
            String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        ))
    };
    // The link moves the bytes; it ends with the answer, or before it.
    let mut asking = std::pin::pin!(asking);
    let mut link = std::pin::pin!(link);
    tokio::select! {
        answered = &mut asking => answered,
        ended = &mut link => match ended {
            Ok(()) => asking.await,
            Err(e) => Err(words(&e)),
        },
    }
}

#[cfg(test)]
mod tests;

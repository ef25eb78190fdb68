//! Against an agent on loopback that follows the protocol's table by hand. The peer tests exchange with one that shares no
//! code with this.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::frame::{ACKNOWLEDGE, CLOSED, Frame, INPUT, OUTPUT};
use super::*;

/// What the agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Answers(&'static str),
    /// As the first frame after the handshake.
    RefusesPort,
    Encrypts,
    /// With these words.
    Closes(&'static str),
    Forbids,
    SaysNothing,
    /// Talks, and not in the protocol.
    Babbles,
    /// Drops our first frame of data, once.
    Forgets,
}

const INFO: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"version\":\"1.15.0\"}";

fn frame(kind: &str, sequence: i64, what: Payload, payload: &[u8]) -> Message {
    let frame = Frame {
        kind: kind.to_owned(),
        sequence,
        flags: 0,
        id: uuid::Uuid::new_v4(),
        created: 0,
        what,
        payload: payload.to_vec(),
    };
    Message::binary(frame.encode())
}

async fn agent(does: Does, version: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, does, version).await
    });
    address
}

#[allow(clippy::too_many_lines)] // the protocol, from top to bottom
async fn serve(stream: TcpStream, does: Does, version: &str) -> Option<()> {
    #[allow(clippy::result_large_err)] // the crate's own signature
    let upgrade = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        assert!(
            request.headers().contains_key("authorization"),
            "the upgrade is signed"
        );
        if does == Does::Forbids {
            let refused = http::Response::builder().status(403);
            return Err(refused.body(Some("not allowed".to_owned())).unwrap());
        }
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, upgrade)
        .await
        .ok()?;
    let hello = socket.next().await?.ok()?.into_text().ok()?;
    let hello: Value = serde_json::from_str(&hello).unwrap();
    assert_eq!(hello["TokenValue"], "CANARY-token");
    if does == Does::SaysNothing {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    if does == Does::Babbles {
        socket.send(Message::binary(b"hello".to_vec())).await.ok()?;
    }
    let mut actions = vec![
        json!({ "ActionType": "SessionType", "ActionParameters": { "SessionType": "Port", "Properties": {} } }),
    ];
    if does == Does::Encrypts {
        actions.insert(
            0,
            json!({ "ActionType": "KMSEncryption", "ActionParameters": { "KMSKeyId": "x" } }),
        );
    }
    let request = json!({ "AgentVersion": version, "RequestedClientActions": actions }).to_string();
    socket
        .send(frame(
            OUTPUT,
            0,
            Payload::HandshakeRequest,
            request.as_bytes(),
        ))
        .await
        .ok()?;
    let multiplexed = at_least(version, MULTIPLEXES) == Some(true);
    let (mut next, mut forgot, mut asked) = (1, does != Does::Forgets, Vec::new());
    let mut reader = smux::Reader::default();
    loop {
        let Message::Binary(bytes) = socket.next().await?.ok()? else {
            continue;
        };
        let got = Frame::decode(&bytes).unwrap();
        if got.kind == ACKNOWLEDGE {
            continue;
        }
        assert_eq!(got.kind, INPUT);
        if got.what == Payload::Output && !forgot {
            forgot = true;
            continue;
        }
        let about = json!({ "AcknowledgedMessageSequenceNumber": got.sequence }).to_string();
        socket
            .send(frame(ACKNOWLEDGE, 0, Payload::Other(0), about.as_bytes()))
            .await
            .ok()?;
        match got.what {
            Payload::HandshakeResponse => {
                let response: Value = serde_json::from_slice(&got.payload).unwrap();
                let status =
                    |n: usize| response["ProcessedClientActions"][n]["ActionStatus"].as_i64();
                assert_eq!(status(0), Some(if does == Does::Encrypts { 3 } else { 1 }));
                socket
                    .send(frame(OUTPUT, next, Payload::HandshakeComplete, b"{}"))
                    .await
                    .ok()?;
                next += 1;
                if does == Does::RefusesPort {
                    socket
                        .send(frame(OUTPUT, next, Payload::Flag, &[0, 0, 0, 3]))
                        .await
                        .ok()?;
                }
                if let Does::Closes(why) = does {
                    let why = json!({ "Output": why }).to_string();
                    socket
                        .send(frame(CLOSED, 0, Payload::Other(0), why.as_bytes()))
                        .await
                        .ok()?;
                }
            }
            Payload::Output => {
                if multiplexed {
                    for (command, stream, data) in reader.take(&got.payload).unwrap() {
                        assert_eq!(stream % 2, 1, "a client's streams are odd");
                        if command == smux::Command::Data {
                            asked.extend(data);
                        }
                    }
                } else {
                    asked.extend(&got.payload);
                }
                let whole = asked.ends_with(b"\r\n\r\n");
                if let (true, Does::Answers(_) | Does::Forgets) = (whole, does) {
                    let text = String::from_utf8(std::mem::take(&mut asked)).unwrap();
                    assert!(text.starts_with("GET /api/info HTTP/1.1\r\n"), "{text}");
                    assert!(!text.to_lowercase().contains("api-key"), "{text}");
                    let answer = if let Does::Answers(answer) = does {
                        answer
                    } else {
                        INFO
                    };
                    // In two frames, the second one first.
                    let (one, two) = answer.as_bytes().split_at(answer.len() / 2);
                    let wrap = |data: &[u8]| {
                        if multiplexed {
                            smux::encode(smux::Command::Data, STREAM, data)
                        } else {
                            data.to_vec()
                        }
                    };
                    socket
                        .send(frame(OUTPUT, next + 1, Payload::Output, &wrap(two)))
                        .await
                        .ok()?;
                    socket
                        .send(frame(OUTPUT, next, Payload::Output, &wrap(one)))
                        .await
                        .ok()?;
                    next += 2;
                }
            }
            _ => {}
        }
    }
}

fn refuses() -> BoxFuture<'static, Result<Opening, Printable>> {
    async { Err("not in this test".into()) }.boxed()
}

/// Leaves the websocket half way through its answer, as the service does about every hour, and continues the
/// session on the next one.
async fn leaving_agent(version: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let multiplexed = at_least(version, MULTIPLEXES) == Some(true);
        let (one, two) = INFO.as_bytes().split_at(INFO.len() / 2);
        let wrap = |data: &[u8]| {
            if multiplexed {
                smux::encode(smux::Command::Data, STREAM, data)
            } else {
                data.to_vec()
            }
        };
        let connect = async |token: &str| {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let hello = socket.next().await.unwrap().unwrap().into_text().unwrap();
            let hello: Value = serde_json::from_str(&hello).unwrap();
            assert_eq!(hello["TokenValue"], token);
            socket
        };
        let mut socket = connect("CANARY-token").await;
        let actions =
            json!([{ "ActionType": "SessionType", "ActionParameters": { "SessionType": "Port" } }]);
        let request = json!({ "AgentVersion": version, "RequestedClientActions": actions });
        let request = request.to_string();
        let shake = frame(OUTPUT, 0, Payload::HandshakeRequest, request.as_bytes());
        socket.send(shake).await.unwrap();
        let mut asked: Vec<u8> = Vec::new();
        let mut last = 0;
        while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
            let Some(Ok(Message::Binary(bytes))) = socket.next().await else {
                continue;
            };
            let got = Frame::decode(&bytes).unwrap();
            match got.what {
                Payload::HandshakeResponse => {
                    let done = frame(OUTPUT, 1, Payload::HandshakeComplete, b"{}");
                    socket.send(done).await.unwrap();
                }
                Payload::Output => asked.extend(&got.payload),
                _ => {}
            }
            last = got.sequence;
        }
        // The request itself is not acknowledged before the websocket is gone: it comes once more.
        socket
            .send(frame(OUTPUT, 2, Payload::Output, &wrap(one)))
            .await
            .unwrap();
        socket.close(None).await.unwrap();
        let mut socket = connect("CANARY-second").await;
        let mut repeated = Vec::new();
        while !repeated.contains(&last) {
            if let Some(Ok(Message::Binary(bytes))) = socket.next().await {
                repeated.push(Frame::decode(&bytes).unwrap().sequence);
            }
        }
        socket
            .send(frame(OUTPUT, 3, Payload::Output, &wrap(two)))
            .await
            .unwrap();
        while socket.next().await.is_some() {}
    });
    address
}

#[tokio::test]
async fn a_session_that_is_left_half_way_is_resumed() {
    for version in [OLD, NEW] {
        let address = leaving_agent(version).await;
        let opening = move |token: &str| Opening {
            address: format!("ws://{address}/v1/data-channel/x"),
            token: token.to_owned().into(),
            headers: Vec::new(),
        };
        let url = Url::parse("http://ayon.lan:5000/api/info").unwrap();
        let resume = || async move { Ok(opening("CANARY-second")) }.boxed();
        let within = Duration::from_secs(3);
        let got = get(opening("CANARY-token"), &url, within, &resume)
            .await
            .unwrap();
        assert_eq!(got.body, "{\"version\":\"1.15.0\"}", "{version}");
        // Where it can't be resumed, both reasons are said.
        let address = leaving_agent(version).await;
        let opening = Opening {
            address: format!("ws://{address}/v1/data-channel/x"),
            token: "CANARY-token".to_owned().into(),
            headers: Vec::new(),
        };
        let lost = get(opening, &url, within, &refuses).await;
        let Err(Trouble::Closed(why)) = lost else {
            panic!("{lost:?}")
        };
        assert!(
            why.as_str()
                .contains("could not be resumed: not in this test"),
            "{why}"
        );
    }
}

async fn come_of(does: Does, version: &'static str) -> Result<Got, Trouble> {
    let address = agent(does, version).await;
    let opening = Opening {
        address: format!("ws://{address}/v1/data-channel/x?role=publish_subscribe"),
        token: "CANARY-token".to_owned().into(),
        headers: vec![("authorization".to_owned(), "AWS4-HMAC-SHA256 x".to_owned())],
    };
    let url = Url::parse("http://ayon.lan:5000/api/info").unwrap();
    let got = get(opening, &url, Duration::from_secs(2), &refuses).await;
    assert!(!format!("{got:?}").contains("CANARY"), "{got:?}");
    got
}

const OLD: &str = "3.0.196.0";
const NEW: &str = "3.3.987.0";

#[tokio::test]
async fn a_request_goes_through_in_both_modes() {
    for (version, mode) in [(OLD, Mode::Basic), (NEW, Mode::Multiplexed)] {
        let got = come_of(Does::Answers(INFO), version).await.unwrap();
        assert_eq!(
            (got.status, got.body.as_str()),
            (200, "{\"version\":\"1.15.0\"}")
        );
        assert_eq!((got.agent.as_str(), got.mode), (version, mode));
        let got = come_of(Does::Forgets, version).await;
        assert!(got.is_ok(), "what was lost is sent again: {got:?}");
    }
}

#[tokio::test]
async fn each_trouble_has_its_own_name() {
    assert_eq!(
        come_of(Does::RefusesPort, OLD).await,
        Err(Trouble::PortRefused)
    );
    assert_eq!(come_of(Does::Encrypts, NEW).await, Err(Trouble::Encrypted));
    assert_eq!(
        come_of(Does::Forbids, NEW).await,
        Err(Trouble::Refused(403, "not allowed".into()))
    );
    assert_eq!(
        come_of(Does::Closes("no plugin Port"), NEW).await,
        Err(Trouble::Closed("no plugin Port".into()))
    );
    assert_eq!(
        come_of(Does::SaysNothing, NEW).await,
        Err(Trouble::Silent("the agent's handshake"))
    );
    let babbled = come_of(Does::Babbles, NEW).await;
    assert!(matches!(babbled, Err(Trouble::Garbled(_))), "{babbled:?}");
    let ssh = come_of(Does::Answers("SSH-2.0-OpenSSH_9.2\r\n"), OLD).await;
    assert!(matches!(ssh, Err(Trouble::NotHttp(_))), "{ssh:?}");
    // Nothing of the session goes to an address in the clear.
    let opening = Opening {
        address: "ws://example.com/v1/data-channel/x".to_owned(),
        token: "CANARY-token".to_owned().into(),
        headers: Vec::new(),
    };
    let url = Url::parse("http://ayon.lan:5000/api/info").unwrap();
    let clear = get(opening, &url, Duration::from_secs(2), &refuses).await;
    assert!(matches!(clear, Err(Trouble::Unreached(_))), "{clear:?}");
}

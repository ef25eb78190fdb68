//! The order of a data channel: numbers in each direction, acknowledgements, and what is sent again. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::frame::{ACKNOWLEDGE, CLOSED, Frame, INPUT, OUTPUT, PAUSE, Payload, START};

/// So many frames may be ahead of the one that is waited for.
const AHEAD: i64 = 10_000;
/// A frame that was not acknowledged by then is sent again; the time doubles up to a second.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LAST_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Unacknowledged {
    bytes: Vec<u8>,
    since: Instant,
    wait: Duration,
}

/// What came in, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    Payload(Payload, Vec<u8>),
    /// The channel ends, and why.
    Closed(String),
}

#[derive(Debug, Default)]
pub(super) struct Order {
    next_in: i64,
    next_out: i64,
    early: BTreeMap<i64, Frame>,
    unacknowledged: BTreeMap<i64, Unacknowledged>,
    /// The other side asked to wait.
    pub paused: bool,
}

fn milliseconds() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

impl Order {
    /// The bytes to send, kept until they are acknowledged.
    pub(super) fn send(&mut self, now: Instant, what: Payload, payload: Vec<u8>) -> Vec<u8> {
        let sequence = self.next_out;
        let frame = Frame {
            kind: INPUT.to_owned(),
            sequence,
            flags: u64::from(sequence == 0),
            id: uuid::Uuid::new_v4(),
            created: milliseconds(),
            what,
            payload,
        };
        self.next_out += 1;
        let bytes = frame.encode();
        let kept = Unacknowledged {
            bytes: bytes.clone(),
            since: now,
            wait: FIRST_WAIT,
        };
        self.unacknowledged.insert(sequence, kept);
        bytes
    }

    /// What the other side has not acknowledged: after a channel was opened again it is sent once more.
    pub(super) fn unacknowledged(&self) -> Vec<Vec<u8>> {
        self.unacknowledged
            .values()
            .map(|u| u.bytes.clone())
            .collect()
    }

    /// What a frame brings, and the bytes that answer it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(Vec<Came>, Vec<Vec<u8>>), &'static str> {
        let frame = Frame::decode(bytes)?;
        match frame.kind.as_str() {
            ACKNOWLEDGE => {
                let about: Value = serde_json::from_slice(&frame.payload)
                    .map_err(|_| "an acknowledgement that is not JSON")?;
                if let Some(sequence) = about["AcknowledgedMessageSequenceNumber"].as_i64() {
                    self.unacknowledged.remove(&sequence);
                }
                Ok((Vec::new(), Vec::new()))
            }
            OUTPUT => {
                let answer = acknowledge(&frame);
                let mut came = Vec::new();
                if (self.next_in..self.next_in + AHEAD).contains(&frame.sequence) {
                    self.early.insert(frame.sequence, frame);
                }
                while let Some(frame) = self.early.remove(&self.next_in) {
                    self.next_in += 1;
                    came.push(Came::Payload(frame.what, frame.payload));
                }
                Ok((came, vec![answer]))
            }
            CLOSED => {
                let about: Value = serde_json::from_slice(&frame.payload).unwrap_or(Value::Null);
                let why = about["Output"].as_str().unwrap_or_default().to_owned();
                Ok((vec![Came::Closed(why)], Vec::new()))
            }
            PAUSE => {
                self.paused = true;
                Ok((Vec::new(), Vec::new()))
            }
            START => {
                self.paused = false;
                Ok((Vec::new(), Vec::new()))
            }
            // A newer agent may say more.
            _ => Ok((Vec::new(), Vec::new())),
        }
    }

    /// The oldest frame that nobody has acknowledged in time.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (_, oldest) = self.unacknowledged.iter_mut().next()?;
        if now.duration_since(oldest.since) < oldest.wait {
            return None;
        }
        oldest.since = now;
        oldest.wait = (oldest.wait * 2).min(LAST_WAIT);
        Some(oldest.bytes.clone())
    }
}

fn acknowledge(of: &Frame) -> Vec<u8> {
    let about = json!({
        "AcknowledgedMessageType": of.kind,
        "AcknowledgedMessageId": of.id.to_string(),
        "AcknowledgedMessageSequenceNumber": of.sequence,
        "IsSequentialMessage": true,
    });
    let frame = Frame {
        kind: ACKNOWLEDGE.to_owned(),
        sequence: 0,
        flags: 3,
        id: uuid::Uuid::new_v4(),
        created: milliseconds(),
        what: Payload::Other(0),
        payload: about.to_string().into_bytes(),
    };
    frame.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(sequence: i64, payload: &[u8]) -> Vec<u8> {
        let frame = Frame {
            kind: OUTPUT.to_owned(),
            sequence,
            flags: 0,
            id: uuid::Uuid::new_v4(),
            created: 0,
            what: Payload::Output,
            payload: payload.to_vec(),
        };
        frame.encode()
    }

    #[test]
    fn frames_are_put_in_order_each_is_acknowledged_and_none_comes_twice() {
        let mut order = Order::default();
        let mut text = Vec::new();
        for (sequence, payload) in [(1, "b"), (0, "a"), (0, "a"), (2, "c"), (1, "b")] {
            let (came, answers) = order.take(&output(sequence, payload.as_bytes())).unwrap();
            let answer = Frame::decode(&answers[0]).unwrap();
            assert_eq!((answer.kind.as_str(), answer.flags), (ACKNOWLEDGE, 3));
            for one in came {
                let Came::Payload(Payload::Output, bytes) = one else {
                    panic!("{one:?}")
                };
                text.extend(bytes);
            }
        }
        assert_eq!(text, b"abc");
        // One that claims to be far ahead is not kept.
        assert!(order.take(&output(AHEAD * 2, b"x")).unwrap().0.is_empty());
        assert!(order.early.is_empty());
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_and_then_no_more() {
        let mut order = Order::default();
        let began = Instant::now();
        let first = order.send(began, Payload::Output, b"x".to_vec());
        assert_eq!(order.overdue(began + Duration::from_millis(100)), None);
        let later = began + Duration::from_millis(250);
        assert_eq!(order.overdue(later), Some(first.clone()));
        assert_eq!(order.overdue(later + Duration::from_millis(250)), None);
        let mut about = Frame::decode(&first).unwrap();
        about.kind = INPUT.to_owned();
        order.take(&acknowledge(&about)).unwrap();
        assert_eq!(order.overdue(began + Duration::from_mins(1)), None);
    }
}

//! One binary frame of a data channel: a header of 116 bytes in big-endian order, the payload's length, the payload.

use sha2::{Digest as _, Sha256};

/// Where the payload's length stands; the payload follows it.
const HEADER: usize = 116;
/// A frame that claims more is none: agents send some kilobytes at most.
const MOST: usize = 1 << 20;

pub(super) const INPUT: &str = "input_stream_data";
pub(super) const OUTPUT: &str = "output_stream_data";
pub(super) const ACKNOWLEDGE: &str = "acknowledge";
pub(super) const CLOSED: &str = "channel_closed";
pub(super) const START: &str = "start_publication";
pub(super) const PAUSE: &str = "pause_publication";

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Output,
    Error,
    HandshakeRequest,
    HandshakeResponse,
    HandshakeComplete,
    Flag,
    /// Of no use to a forwarded port, or not known.
    Other(u32),
}

impl Payload {
    fn of(number: u32) -> Self {
        match number {
            1 => Self::Output,
            2 => Self::Error,
            5 => Self::HandshakeRequest,
            6 => Self::HandshakeResponse,
            7 => Self::HandshakeComplete,
            10 => Self::Flag,
            other => Self::Other(other),
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::Output => 1,
            Self::Error => 2,
            Self::HandshakeRequest => 5,
            Self::HandshakeResponse => 6,
            Self::HandshakeComplete => 7,
            Self::Flag => 10,
            Self::Other(number) => number,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub kind: String,
    pub sequence: i64,
    /// Bit 0: the first; bit 1: the last.
    pub flags: u64,
    pub id: uuid::Uuid,
    /// Milliseconds since 1970.
    pub created: u64,
    pub what: Payload,
    pub payload: Vec<u8>,
}

impl Frame {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 4 + self.payload.len());
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        out.extend(length(HEADER));
        out.extend(format!("{:<32}", self.kind).as_bytes());
        out.extend(1u32.to_be_bytes());
        out.extend(self.created.to_be_bytes());
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        // The lower half of the id comes first.
        let id = self.id.as_bytes();
        out.extend(&id[8..]);
        out.extend(&id[..8]);
        out.extend(Sha256::digest(&self.payload));
        out.extend(self.what.number().to_be_bytes());
        out.extend(length(self.payload.len()));
        out.extend(&self.payload);
        out
    }

    /// The reason where the bytes are no frame.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let at = |from: usize, n: usize| bytes.get(from..from + n).ok_or("it ends early");
        let u32_at = |from| -> Result<u32, &'static str> {
            Ok(u32::from_be_bytes(
                at(from, 4)?.try_into().map_err(|_| "it ends early")?,
            ))
        };
        let u64_at = |from| -> Result<u64, &'static str> {
            Ok(u64::from_be_bytes(
                at(from, 8)?.try_into().map_err(|_| "it ends early")?,
            ))
        };
        let header = u32_at(0)? as usize;
        if !(112..=MOST).contains(&header) {
            return Err("its header has an impossible length");
        }
        let kind = at(4, 32)?;
        let kind = std::str::from_utf8(kind).map_err(|_| "its type is not text")?;
        let mut id = [0u8; 16];
        id[8..].copy_from_slice(at(64, 8)?);
        id[..8].copy_from_slice(at(72, 8)?);
        let length = u32_at(header)? as usize;
        if length > MOST {
            return Err("its payload has an impossible length");
        }
        let payload = at(header + 4, length)?.to_vec();
        if Sha256::digest(&payload)[..] != *at(80, 32)? {
            return Err("its payload does not match its digest");
        }
        // An agent that is old enough ends the header before the payload's type.
        let what = if header >= HEADER { u32_at(112)? } else { 0 };
        Ok(Self {
            kind: kind.trim_end_matches([' ', '\0']).to_owned(),
            created: u64_at(40)?,
            sequence: u64_at(48)?.cast_signed(),
            flags: u64_at(56)?,
            id: uuid::Uuid::from_bytes(id),
            what: Payload::of(what),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand from the protocol's table, not by `encode`.
    #[test]
    fn a_frame_has_these_bytes() {
        let frame = Frame {
            kind: INPUT.to_owned(),
            sequence: 3,
            flags: 1,
            id: "00010203-0405-0607-0809-0a0b0c0d0e0f".parse().unwrap(),
            created: 0x0102,
            what: Payload::Output,
            payload: b"abc".to_vec(),
        };
        let bytes = frame.encode();
        assert_eq!(bytes.len(), 123);
        assert_eq!(bytes[..4], [0, 0, 0, 116]);
        assert_eq!(&bytes[4..36], b"input_stream_data               ");
        assert_eq!(bytes[36..40], [0, 0, 0, 1]);
        assert_eq!(bytes[40..48], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(bytes[48..56], [0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(bytes[56..64], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            bytes[64..80],
            [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]
        );
        // SHA-256 of "abc", as FIPS 180-2 has it.
        assert_eq!(bytes[80..84], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(bytes[112..116], [0, 0, 0, 1]);
        assert_eq!(bytes[116..120], [0, 0, 0, 3]);
        assert_eq!(&bytes[120..], b"abc");
        assert_eq!(Frame::decode(&bytes).unwrap(), frame);
    }

    #[test]
    fn what_is_no_frame_is_refused_and_never_panics() {
        let good = Frame {
            kind: OUTPUT.to_owned(),
            sequence: 0,
            flags: 0,
            id: uuid::Uuid::nil(),
            created: 0,
            what: Payload::Flag,
            payload: vec![0, 0, 0, 3],
        };
        let good = good.encode();
        for n in 0..good.len() {
            assert!(Frame::decode(&good[..n]).is_err());
        }
        let mut tampered = good.clone();
        tampered[123] ^= 1;
        assert!(Frame::decode(&tampered).is_err());
        let mut endless = good;
        endless[..4].copy_from_slice(&[0xff; 4]);
        assert!(Frame::decode(&endless).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = Frame::decode(&bytes);
        }
    }
}

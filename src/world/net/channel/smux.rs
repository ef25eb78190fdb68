//! smux, version 1, as newer agents speak it inside the output: several connections on one channel, of which one is used
//! here. Little-endian; no keep-alive.

const HEADER: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Open,
    Close,
    Data,
    Nothing,
}

pub(super) fn encode(command: Command, stream: u32, data: &[u8]) -> Vec<u8> {
    let number = match command {
        Command::Open => 0,
        Command::Close => 1,
        Command::Data => 2,
        Command::Nothing => 3,
    };
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut out = vec![1, number];
    out.extend(length.to_le_bytes());
    out.extend(stream.to_le_bytes());
    out.extend(&data[..usize::from(length)]);
    out
}

/// One frame: what it asks, of which stream, its data.
pub(super) type Part = (Command, u32, Vec<u8>);

/// Puts frames together from pieces, wherever they were cut.
#[derive(Debug, Default)]
pub(super) struct Reader {
    held: Vec<u8>,
}

impl Reader {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Part>, &'static str> {
        self.held.extend(bytes);
        let mut out = Vec::new();
        while self.held.len() >= HEADER {
            let h = &self.held;
            if h[0] != 1 {
                return Err("it speaks another version of smux");
            }
            let command = match h[1] {
                0 => Command::Open,
                1 => Command::Close,
                2 => Command::Data,
                3 => Command::Nothing,
                _ => return Err("it sends a command that smux does not have"),
            };
            let length = usize::from(u16::from_le_bytes([h[2], h[3]]));
            let stream = u32::from_le_bytes([h[4], h[5], h[6], h[7]]);
            if h.len() < HEADER + length {
                break;
            }
            let data = h[HEADER..HEADER + length].to_vec();
            self.held.drain(..HEADER + length);
            out.push((command, stream, data));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_these_bytes_and_come_whole_out_of_pieces() {
        let open = encode(Command::Open, 3, b"");
        let data = encode(Command::Data, 3, b"hello");
        assert_eq!(open, [1, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(data, [1, 2, 5, 0, 3, 0, 0, 0, b'h', b'e', b'l', b'l', b'o']);
        let all = [open, data, encode(Command::Close, 3, b"")].concat();
        for cut in 0..all.len() {
            let mut reader = Reader::default();
            let mut frames = reader.take(&all[..cut]).unwrap();
            frames.extend(reader.take(&all[cut..]).unwrap());
            assert_eq!(
                frames,
                [
                    (Command::Open, 3, Vec::new()),
                    (Command::Data, 3, b"hello".to_vec()),
                    (Command::Close, 3, Vec::new())
                ]
            );
        }
        assert!(Reader::default().take(&[2, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}

//! Reads the frames of a `.wandb` file: a header of seven bytes (`:W&B`, a magic number, a
//! version), then a log in LevelDB's format. Blocks of 32 KiB hold pieces of records: `checksum u32
//! | length u16 | kind u8 | bytes`, little-endian. The module does not interpret the records.

use std::{
    fs::File,
    io::{self, BufReader, Read, Take},
    ops::Range,
};

use flate2::Crc;

use crate::import::source::Part;

/// The size of a block. A piece never crosses the end of a block. The header of the file belongs to
/// the first block.
const BLOCK_BYTES: usize = 32 << 10;
const HEAD_BYTES: usize = 7;
/// The header of a file. The last byte is the version.
const FILE_HEAD: [u8; 7] = *b":W&B\xe1\xbe\x00";

/// The position of a piece in its record.
mod kind {
    pub(super) const FULL: u8 = 1;
    pub(super) const FIRST: u8 = 2;
    pub(super) const MIDDLE: u8 = 3;
    pub(super) const LAST: u8 = 4;
}

/// The next item of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record with correct checksums.
    Record(Vec<u8>),
    /// A piece is damaged or out of order. The reader goes on: after damage at the next block, else
    /// at the next piece.
    Bad,
    /// The file ends within a record: it is being written, or its writer was killed.
    Torn,
    /// The end of the file.
    End,
}

/// Reads the records of a `.wandb` file.
pub(super) struct Records<R> {
    from: R,
    /// The present block; `at` is where its next piece begins.
    block: Vec<u8>,
    at: usize,
    /// Whether the block is not full, which makes it the last one.
    last: bool,
}

enum Piece {
    /// The piece's kind, and the range of its bytes in the block.
    Whole(u8, Range<usize>),
    Bad,
    Torn,
    End,
}

impl Records<BufReader<Take<File>>> {
    /// Opens the file. Fails if it cannot be read or is not a file of W&B.
    pub(super) fn open(part: &Part) -> io::Result<Self> {
        Records::new(part.open()?)
    }
}

impl<R: Read> Records<R> {
    fn new(from: R) -> io::Result<Self> {
        let mut records = Self { from, block: Vec::new(), at: 0, last: false };
        records.next_block()?;
        if !records.block.starts_with(&FILE_HEAD) {
            let version = records.block.starts_with(&FILE_HEAD[..6]);
            return Err(io::Error::other(match version {
                true => "its version of the format is not supported",
                false => "it does not begin with the header of a W&B file",
            }));
        }
        records.at = FILE_HEAD.len();
        Ok(records)
    }

    /// Reads the next record. Fails if the file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let (mut record, mut begun) = (Vec::new(), false);
        loop {
            let (kind, range) = match self.piece()? {
                Piece::Whole(kind, range) => (kind, range),
                Piece::Bad => return Ok(Next::Bad),
                Piece::End if !begun => return Ok(Next::End),
                Piece::End | Piece::Torn => return Ok(Next::Torn),
            };
            // The piece continues a record that has no beginning, or it begins a record inside
            // another one.
            if matches!(kind, kind::FULL | kind::FIRST) == begun {
                return Ok(Next::Bad);
            }
            record.extend_from_slice(&self.block[range]);
            match kind {
                kind::FULL | kind::LAST => return Ok(Next::Record(record)),
                kind::FIRST | kind::MIDDLE => begun = true,
                _ => return Ok(Next::Bad),
            }
        }
    }

    fn piece(&mut self) -> io::Result<Piece> {
        // A block ends with zeros if it has no room for another head.
        while self.block.len() - self.at < HEAD_BYTES {
            if self.last {
                return Ok(self.tail(Piece::Torn));
            }
            self.next_block()?;
        }
        let head = &self.block[self.at..self.at + HEAD_BYTES];
        let check = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
        let kind = head[6];
        let begin = self.at + HEAD_BYTES;
        let Some(bytes) = self.block.get(begin..begin + length) else {
            return Ok(self.tail(if self.last { Piece::Torn } else { Piece::Bad }));
        };
        let mut crc = Crc::new();
        crc.update(&[kind]);
        crc.update(bytes);
        if crc.sum() != check {
            return Ok(self.tail(Piece::Bad));
        }
        self.at = begin + length;
        Ok(Piece::Whole(kind, begin..begin + length))
    }

    /// Skips the rest of the block and returns `otherwise`, or [`Piece::End`] if the block is the
    /// last one and its rest is zeros. A file system may leave such zeros in a file that was not
    /// closed.
    fn tail(&mut self, otherwise: Piece) -> Piece {
        let zeros = self.last && self.block[self.at..].iter().all(|byte| *byte == 0);
        self.at = self.block.len();
        if zeros { Piece::End } else { otherwise }
    }

    fn next_block(&mut self) -> io::Result<()> {
        self.block.clear();
        self.at = 0;
        (&mut self.from).take(BLOCK_BYTES as u64).read_to_end(&mut self.block)?;
        self.last = self.block.len() < BLOCK_BYTES;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(&[kind]);
        crc.update(bytes);
        [&crc.sum().to_le_bytes()[..], &(bytes.len() as u16).to_le_bytes(), &[kind], bytes].concat()
    }

    fn all(bytes: &[u8]) -> Vec<Next> {
        let mut records = Records::new(bytes).unwrap();
        let mut found = Vec::new();
        loop {
            let next = records.next().unwrap();
            let ends = next == Next::End;
            found.push(next);
            if ends {
                return found;
            }
        }
    }

    #[test]
    fn a_record_over_several_blocks_is_joined() {
        let long: Vec<u8> = (0..70_000).map(|byte| byte as u8).collect();
        let first = BLOCK_BYTES - FILE_HEAD.len() - HEAD_BYTES;
        let second = first + BLOCK_BYTES - HEAD_BYTES;
        let file = [
            FILE_HEAD.to_vec(),
            piece(kind::FIRST, &long[..first]),
            piece(kind::MIDDLE, &long[first..second]),
            piece(kind::LAST, &long[second..]),
            piece(kind::FULL, b"next"),
        ]
        .concat();
        assert_eq!(all(&file), [Next::Record(long), Next::Record(b"next".to_vec()), Next::End]);
        assert_eq!(all(&file[..BLOCK_BYTES + 100]), [Next::Torn, Next::End]);
    }

    #[test]
    fn torn_and_wrong_records_are_detected() {
        let (one, two) = (piece(kind::FULL, b"one"), piece(kind::FULL, b"two"));
        let file = [FILE_HEAD.to_vec(), one.clone(), two].concat();
        let whole = Next::Record(b"one".to_vec());
        for cut in FILE_HEAD.len() + one.len() + 1..file.len() {
            let found = all(&file[..cut]);
            assert_eq!((&found[0], &found[1]), (&whole, &Next::Torn), "cut at {cut}");
        }
        let mut wrong = file.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(all(&wrong), [whole, Next::Bad, Next::End]);
        assert_eq!(all(&[file, vec![0; 100]].concat()).len(), 3, "zeros are the end");
        assert!(Records::new(&b"no such file at all"[..]).is_err());
    }
}

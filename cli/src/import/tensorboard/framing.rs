//! Reads the frames of an event file: `length u64 | masked CRC-32C of the length | bytes | masked
//! CRC-32C of the bytes`, all numbers little-endian. The module does not interpret the bytes of a
//! record.

use std::{
    fs::File,
    io::{self, BufReader, Read, Take},
};

use crate::import::source::Part;

/// The size of the largest record that is read, in bytes. The reader skips larger records. A graph
/// may have gigabytes, but the records that the import needs have a few kilobytes.
const LARGEST: u64 = 256 << 20;
/// The size of the length and its checksum, in bytes.
const HEAD_BYTES: usize = 12;
/// The number that is added to a rotated checksum. The masking keeps checksums reliable for data
/// that contains checksums.
const MASK: u32 = 0xa282_ead8;

/// The next item of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record with correct checksums.
    Record(Vec<u8>),
    /// A record with a wrong checksum of its bytes, or one that is too large. The reader has
    /// skipped the record and goes on at the next one.
    Bad,
    /// The file ends within a record: it is being written, or its writer was killed.
    Torn,
    /// The checksum of a length is wrong, so the start of the next record is unknown.
    Lost,
    /// The end of the file.
    End,
}

/// Reads the records of an event file.
pub(super) struct Records<R>(R);

impl Records<BufReader<Take<File>>> {
    /// Opens the file. Fails if the system cannot open the file.
    pub(super) fn open(part: &Part) -> io::Result<Self> {
        Ok(Self(part.open()?))
    }
}

impl<R: Read> Records<R> {
    /// Reads the next record. Fails if the file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let mut head = Vec::new();
        (&mut self.0).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(Next::End);
        }
        let Some((length, check)) = head.first_chunk::<8>().zip(word(&head[8.min(head.len())..]))
        else {
            return Ok(Next::Torn);
        };
        if masked(length) != check {
            return Ok(Next::Lost);
        }
        let length = u64::from_le_bytes(*length);
        if length > LARGEST {
            let skipped = io::copy(&mut (&mut self.0).take(length + 4), &mut io::sink())?;
            return Ok(if skipped == length + 4 { Next::Bad } else { Next::Torn });
        }
        let mut bytes = Vec::new();
        (&mut self.0).take(length + 4).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length + 4 {
            return Ok(Next::Torn);
        }
        let check = bytes.split_off(length as usize);
        Ok(if word(&check) == Some(masked(&bytes)) { Next::Record(bytes) } else { Next::Bad })
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.first_chunk::<4>()?))
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u64).to_le_bytes();
        [&length[..], &masked(&length).to_le_bytes(), bytes, &masked(bytes).to_le_bytes()].concat()
    }

    fn all(bytes: &[u8]) -> Vec<Next> {
        let mut records = Records(bytes);
        let mut found = Vec::new();
        loop {
            let next = records.next().unwrap();
            let ends = matches!(next, Next::Torn | Next::Lost | Next::End);
            found.push(next);
            if ends {
                return found;
            }
        }
    }

    #[test]
    fn records_are_read_until_a_length_is_wrong() {
        let (one, two) = (frame(b"one"), frame(b"second"));
        let file = [one.clone(), two.clone()].concat();
        let record = |bytes: &[u8]| Next::Record(bytes.to_vec());
        assert_eq!(all(&file), [record(b"one"), record(b"second"), Next::End]);
        for cut in one.len() + 1..file.len() {
            assert_eq!(all(&file[..cut]), [record(b"one"), Next::Torn], "cut at {cut}");
        }
        let mut wrong = file.clone();
        wrong[HEAD_BYTES] ^= 1;
        assert_eq!(all(&wrong), [Next::Bad, record(b"second"), Next::End]);
        let mut lost = file;
        lost[one.len()] ^= 1;
        assert_eq!(all(&lost), [record(b"one"), Next::Lost]);
    }
}

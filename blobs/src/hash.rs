//! Computes SHA-256 hashes of files and bytes, as the hexadecimal digits that name a blob.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};

/// The maximum number of bytes in one read.
const PIECE_BYTES: usize = 256 << 10;

/// The name of a blob: its hash and its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hashed {
    /// The SHA-256 of the blob: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The size of the blob in bytes.
    pub size: u64,
}

impl Hashed {
    /// Returns the hash and the size of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// A hasher that also counts the bytes that it receives.
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    hash: Sha256,
    size: u64,
}

impl Hasher {
    /// Adds the next bytes to the hash.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Returns the number of bytes that were added so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hash and the size of all bytes that were added.
    pub fn finish(self) -> Hashed {
        Hashed { sha256: record::file::hex(&self.hash.finalize()), size: self.size }
    }
}

/// Copies all bytes, and returns their hash and their size.
///
/// # Errors
/// Fails if reading or writing fails.
pub fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Hashed> {
    let (mut piece, mut hasher) = (vec![0; PIECE_BYTES], Hasher::default());
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(length) => {
                hasher.update(&piece[..length]);
                to.write_all(&piece[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns the hash and the size of a file's content.
///
/// # Errors
/// Fails if the file cannot be read.
pub fn of_file(path: &Path) -> io::Result<Hashed> {
    copy(&mut File::open(path)?, &mut io::sink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_content_has_its_known_hash() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hashed::of(b"abc"), Hashed { sha256: abc.to_owned(), size: 3 });
        let mut out = Vec::new();
        assert_eq!(copy(&mut &b"abc"[..], &mut out).unwrap().sha256, abc);
        assert_eq!(out, b"abc");
    }
}

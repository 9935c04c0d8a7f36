//! Fuzzes the reader of W&B's log files. The reader must reach the end of any file that has W&B's
//! header without an error, and skip the damaged parts.
#![no_main]
#![allow(dead_code, reason = "the readers of the `sweep` command, of which this needs a part")]

#[path = "import.rs"]
mod readers;

use flate2::Crc;
use readers::{import, stream};

/// The header of a file of W&B: a mark and the version.
const HEADER: &[u8] = b":W&B\xe1\xbe\x00";
/// The kind of a piece that is a whole record.
const FULL: u8 = 1;
/// The most bytes of a record that fits into the first block of a file.
const RECORD_BYTES: usize = 32_000;

/// Returns a record with the correct checksum, because the reader skips every other record.
fn record(bytes: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&[FULL]);
    crc.update(bytes);
    [&crc.sum().to_le_bytes()[..], &(bytes.len() as u16).to_le_bytes(), &[FULL], bytes].concat()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for one file");
    let path = folder.path().join("run-a.wandb");
    let first = record(&bytes[..bytes.len().min(RECORD_BYTES)]);
    std::fs::write(&path, [HEADER, &first, bytes].concat()).expect("a file in it");
    import::read_wandb(path);
});

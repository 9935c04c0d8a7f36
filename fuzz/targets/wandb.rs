//! Fuzzes the reader of W&B's log files. The reader must reach the end of any file without an
//! error, and skip the damaged parts.
#![no_main]
#![allow(dead_code, reason = "the readers of the `sweep` command, of which this needs a part")]

#[path = "import.rs"]
mod readers;

use readers::{import, stream};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for one file");
    let path = folder.path().join("run-a.wandb");
    std::fs::write(&path, bytes).expect("a file in it");
    import::read_wandb(path);
});

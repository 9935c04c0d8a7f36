//! Reads and writes `run.json`, which stands beside the journal in the folder of a run and holds
//! the calls that tell a controller of the run. The SDK writes it, and so does an agent for a trial
//! whose rows the controller does not take. `sweep sync` reads it and makes these calls later, or
//! again. The file never holds rows.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::v1::{BeginRun, EndRun};

/// The name of the file.
pub const NAME: &str = "run.json";
/// The name of the folder beside it that holds one file of frames per writer and stream,
/// `<writer>.<stream>`.
pub const JOURNAL: &str = "journal";
/// The name of the folder beside it that holds the contents named by rows of the stream `files`,
/// each under its hash.
pub const FILES: &str = "files";
/// The only version of the file format.
const VERSION: u32 = 1;

/// The calls that tell a controller of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    version: u32,
    /// The call that begins the run. Its idempotency key makes any repeat the same attempt of the
    /// same run.
    pub begin: BeginRun,
    /// The call that ends the run, as far as its process could tell. It has no id and no attempt:
    /// they come from the answer to `begin`. `None` while the run has not ended.
    pub end: Option<EndRun>,
}

impl RunFile {
    /// Makes the file of a run that has not ended.
    pub fn new(begin: BeginRun) -> Self {
        Self { version: VERSION, begin, end: None }
    }

    /// Reads `<folder>/run.json`.
    ///
    /// # Errors
    /// Fails if the file is missing, cannot be parsed or has another version.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let file: Self = serde_json::from_slice(&fs::read(folder.join(NAME))?)?;
        if file.version == VERSION {
            Ok(file)
        } else {
            Err(io::Error::other(format!(
                "{NAME} has version {}; this program reads only version {VERSION}",
                file.version
            )))
        }
    }

    /// Writes `<folder>/run.json`, whole or not at all, even if the power fails.
    ///
    /// # Errors
    /// Fails if the disk does not take the file. The previous file stays.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join("run.json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&fresh, folder.join(NAME))?;
        File::open(folder)?.sync_all()
    }
}

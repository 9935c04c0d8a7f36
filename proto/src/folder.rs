//! Reads and writes `run.json` in the folder of a run. The file holds the two calls that begin and
//! end the run at a controller. The SDK writes the file, and so does an agent for a trial whose
//! rows it cannot send. `sweep sync` reads the file, and makes these calls later or again. The file
//! never holds rows.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::v1::{BeginRun, EndRun};

/// The name of the file in the folder of a run.
pub const NAME: &str = "run.json";
/// The name of the folder beside `run.json` that holds one file of frames per writer and stream:
/// `<writer>.<stream>`.
pub const JOURNAL: &str = "journal";
/// The name of the folder beside `run.json` that holds the contents which rows of the stream
/// `files` name. The name of each content is its hash.
pub const FILES: &str = "files";
/// The only version of the format of `run.json`.
const VERSION: u32 = 1;

/// The calls that begin and end a run at a controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    version: u32,
    /// The call that begins the run. The call has an idempotency key, or the run and the attempt of
    /// a trial. So a repeat of the call gets the same attempt of the same run.
    pub begin: BeginRun,
    /// The call that ends the run, with the outcome that the process observed. Its run and attempt
    /// are empty, because they come from the answer to `begin`. `None` until the run has ended.
    pub end: Option<EndRun>,
}

impl RunFile {
    /// Returns the file of a run that has not ended. Writes nothing.
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
    /// Fails if the file cannot be written. `run.json` is then the previous file or the new one.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join("run.json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&fresh, folder.join(NAME))?;
        File::open(folder)?.sync_all()
    }
}

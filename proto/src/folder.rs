//! What stands beside the journal in the folder of a run: the calls that tell a controller of the
//! run, as `run.json`. Written by the SDK, and by an agent for a trial whose rows the controller
//! does not take; read by `sweep sync`, which makes these calls later, or again. Never holds rows.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::v1::{BeginRun, EndRun};

/// The name of the file.
pub const NAME: &str = "run.json";
/// The folder beside it that holds one file per writer and stream, `<writer>.<stream>`, of frames.
pub const JOURNAL: &str = "journal";
/// The folder beside it of the contents that rows of the stream `files` name, each under its hash.
pub const FILES: &str = "files";
/// The only version there is.
const VERSION: u32 = 1;

/// The calls that tell a controller of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    version: u32,
    /// How it begins. Its idempotency key makes any repeat the same attempt of the same run.
    pub begin: BeginRun,
    /// How it ended, as far as its process could say: without its id and attempt, which the answer
    /// to `begin` has.
    pub end: Option<EndRun>,
}

impl RunFile {
    /// Of a run that has not ended.
    pub fn new(begin: BeginRun) -> Self {
        Self { version: VERSION, begin, end: None }
    }

    /// Reads `<folder>/run.json`.
    ///
    /// # Errors
    /// When there is none, or it is no such file.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let file: Self = serde_json::from_slice(&fs::read(folder.join(NAME))?)?;
        if file.version == VERSION {
            Ok(file)
        } else {
            Err(io::Error::other(format!(
                "{NAME} is of version {}, which is not known here",
                file.version
            )))
        }
    }

    /// Writes `<folder>/run.json`, whole or not at all, even if the power fails.
    ///
    /// # Errors
    /// When the disk does not take it; what was there before stays.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join("run.json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&fresh, folder.join(NAME))?;
        File::open(folder)?.sync_all()
    }
}

//! `sweep sync`: sends runs from their folders to the controller. The command serves runs that were
//! logged offline, and runs and trials whose program or agent could not send everything. A sync
//! makes the calls that the program would have made, and each call is safe to repeat. So a second
//! sync stores no row twice. A sync never changes a folder.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use blobs::Trouble;
use proto::{
    dial::needed_offset,
    folder::{FILES, JOURNAL, RunFile},
    v1::{AppendRows, EndRun, Outcome, RunBegun},
};
use record::file::STREAM;
use serde_json::{Value, json};
use terminal::{Exit, Failure, progress};
use tonic::Code;

use crate::{
    connect::{Controller, within_patience},
    json, view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The SDK prints a run's folder when the run ends offline or cannot reach its controller. An agent
prints the folder of a trial when it must leave before everything is sent. The folder contains
`run.json`. Sending a folder twice changes nothing, and you may send it while its program still
runs. This command changes no folder; remove it when you like.

Examples:
  sweep sync ~/.local/state/besom/offline/q7w2e9rt
  sweep sync ~/.local/state/besom/offline/*")]
pub(crate) struct Args {
    /// Folders of runs
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// Print a JSON list with one entry per folder
    #[arg(long)]
    json: bool,
}

/// The result of sending a folder.
struct Synced {
    run: String,
    state: String,
    /// The number of rows in the journals of the streams `history` and `summary`.
    rows: u64,
    /// The number of these rows that the controller did not have yet.
    new_rows: u64,
    /// Whether the run's program still writes to the folder.
    alive: bool,
    /// Whether the attempt is fenced (the run is over or belongs to a later attempt), so the rows
    /// are kept apart.
    fenced: bool,
}

/// Sends every folder, even after a failure. Fails at the end if a folder could not be sent.
pub(crate) async fn sync(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let (mut done, mut first) = (Vec::new(), None);
    for folder in &args.folders {
        let shown = folder.display().to_string();
        match Folder::open(folder) {
            Ok(open) => match open.send(controller).await {
                Ok(synced) => {
                    if !args.json {
                        terminal::print(sentence(&synced));
                    }
                    done.push(entry(&shown, &synced));
                    continue;
                }
                Err(failure) => done.push(failed(&shown, &failure, &mut first, args)),
            },
            Err(failure) => done.push(failed(&shown, &failure, &mut first, args)),
        }
    }
    if args.json {
        terminal::print(json::text(&Value::Array(done)));
    }
    match first {
        None => Ok(()),
        Some((count, failure)) if args.folders.len() > 1 => {
            let message = format!("{} of {} folders could not be sent", count, args.folders.len());
            Err(Failure::new(failure.exit, message).hint("the same command sends what is left"))
        }
        Some((_, failure)) => Err(failure),
    }
}

fn failed(
    folder: &str,
    failure: &Failure,
    first: &mut Option<(usize, Failure)>,
    args: &Args,
) -> Value {
    if args.folders.len() > 1 {
        terminal::warn(format_args!("{}: {}", terminal::one_line(folder, 200), failure.message));
    }
    match first {
        Some((count, _)) => *count += 1,
        None => *first = Some((1, failure.clone())),
    }
    json!({ "folder": folder, "error": failure.message })
}

fn sentence(synced: &Synced) -> String {
    let Synced { run, state, rows, new_rows, .. } = synced;
    let run = view::one_word(run);
    let rows = match new_rows {
        0 => format!("{}, nothing new", view::count(*rows, "row")),
        new if new == rows => view::count(*rows, "row"),
        new => format!("{}, {new} of them new", view::count(*rows, "row")),
    };
    let how = match (synced.fenced, synced.alive) {
        (true, _) => "the run is over or taken over, so these rows are kept apart".to_owned(),
        (false, true) => "its program still runs: sync again when it is over".to_owned(),
        (false, false) => view::one_word(state),
    };
    format!("run `{run}`: {rows}; {how}")
}

fn entry(folder: &str, synced: &Synced) -> Value {
    let Synced { run, state, rows, new_rows, alive, fenced } = synced;
    json!({
        "folder": folder, "run": run, "state": state, "rows": rows, "new_rows": new_rows,
        "alive": alive, "fenced": fenced, "error": null,
    })
}

/// The folder of a run.
struct Folder {
    file: RunFile,
    journals: Vec<Journal>,
    alive: bool,
}

/// The journal of one stream and one writer.
struct Journal {
    writer: String,
    stream: String,
    path: PathBuf,
    /// The folder with the contents that the journal's rows may name.
    contents: PathBuf,
    bytes: u64,
    /// The time of the last write to the journal, in milliseconds since the epoch.
    written_ms: i64,
}

impl Folder {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let shown = folder.display();
        let file = RunFile::read(folder).map_err(|error| {
            let message = format!("`{shown}` is not the folder of a run: {error}");
            Failure::new(Exit::Input, message).hint("give the folder that contains `run.json`")
        })?;
        let unreadable = |error: io::Error| {
            Failure::new(Exit::Input, format!("`{shown}` cannot be read: {error}"))
        };
        let mut journals = Vec::new();
        for entry in fs::read_dir(folder.join(JOURNAL)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (name, about) = (entry.file_name(), entry.metadata().map_err(unreadable)?);
            let Some((writer, stream)) = name.to_str().and_then(|name| name.split_once('.')) else {
                continue;
            };
            let written =
                about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            journals.push(Journal {
                writer: writer.to_owned(),
                stream: stream.to_owned(),
                path: entry.path(),
                contents: folder.join(FILES),
                bytes: about.len(),
                written_ms: written.map_or(0, |since| since.as_millis() as i64),
            });
        }
        // The stream `meta` goes first, so that a watcher receives the run's description before its
        // rows. The stream `files` goes last, so that uploads of files do not delay rows.
        journals.sort_by_key(|journal| {
            let rank = (journal.stream != "meta", journal.stream == STREAM);
            (rank, journal.writer.clone(), journal.stream.clone())
        });
        // A run with a recorded end is over, although its process may lock the journal for a moment
        // longer.
        let alive = file.end.is_none() && journals.iter().any(Journal::is_held);
        Ok(Self { file, journals, alive })
    }

    async fn send(self, controller: &Controller) -> Result<Synced, Failure> {
        let lost = |status| controller.failure(&status);
        let mut runs = controller.dial().runs();
        let begin = within_patience(self.file.begin.clone());
        let (begun, fenced) = match runs.begin(begin).await {
            Ok(begun) => (begun.into_inner(), false),
            // The attempt of a trial is fenced. The controller still stores its rows, apart from
            // the run's.
            Err(status) if status.code() == Code::Aborted => (self.known(), true),
            Err(status) => return Err(lost(status)),
        };
        let (run, state) = (begun.run.clone(), String::new());
        let mut synced = Synced { run, state, rows: 0, new_rows: 0, alive: self.alive, fenced };
        let total = self.journals.iter().map(|journal| journal.bytes).sum();
        let bar = progress::bar(total, &format!("run {}", view::one_word(&begun.run)));
        let mut file_failure = None;
        for journal in &self.journals {
            match journal.send(controller, &begun, &mut synced, &|bytes| bar.inc(bytes)).await {
                // A file that cannot be sent must not keep the run from ending.
                Err(failure) if journal.stream == STREAM && failure.exit != Exit::Unreachable => {
                    file_failure = Some(failure);
                }
                sent => sent?,
            }
        }
        bar.finish_and_clear();
        if let Some(end) = self.end(&begun).filter(|_| !synced.alive && !synced.fenced) {
            let ended = runs.end(within_patience(end)).await.map_err(lost)?.into_inner();
            synced.state = ended.run.map(|run| run.state).unwrap_or_default();
        } else {
            synced.state = controller.run(&begun.run).await?.state;
        }
        file_failure.map_or(Ok(synced), Err)
    }

    /// Returns the run and the attempt that `run.json` names.
    fn known(&self) -> RunBegun {
        let (run, attempt) = (self.file.begin.run.clone(), self.file.begin.attempt);
        RunBegun { run, attempt, ..RunBegun::default() }
    }

    /// Returns the end of the run for the controller. If no end is recorded, the program was
    /// killed, and the run has crashed. For a trial without a recorded end, returns `None`, because
    /// its agent reports the end.
    fn end(&self, begun: &RunBegun) -> Option<EndRun> {
        let killed = || {
            let outcome = Outcome {
                state: "crashed".to_owned(),
                message: "its process ended without reporting an end".to_owned(),
                ..Outcome::default()
            };
            let ended_ms = self.journals.iter().map(|journal| journal.written_ms).max();
            EndRun { outcome: Some(outcome), ended_ms, ..EndRun::default() }
        };
        let end = match (&self.file.end, self.file.begin.run.is_empty()) {
            (Some(end), _) => end.clone(),
            (None, true) => killed(),
            (None, false) => return None,
        };
        Some(EndRun { run: begun.run.clone(), attempt: begun.attempt, ..end })
    }
}

impl Journal {
    /// Returns whether a process still writes to the journal, and therefore holds its lock.
    fn is_held(&self) -> bool {
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        File::open(&self.path).is_ok_and(held)
    }

    /// Sends the rows that the controller does not have yet.
    async fn send(
        &self,
        controller: &Controller,
        begun: &RunBegun,
        synced: &mut Synced,
        passed: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Failure> {
        let unreadable = |error: String| {
            let message = format!("`{}` cannot be read: {error}", self.path.display());
            Failure::new(Exit::Refused, message).hint("the rows before the damage have been sent")
        };
        let mut file = File::open(&self.path).map_err(|error| unreadable(error.to_string()))?;
        let counts = self.stream == "history" || self.stream == "summary";
        let mut next = self.append(controller, begun, synced, 0, Vec::new()).await?;
        let (mut bytes, mut rows) = (0, 0);
        loop {
            let piece = blobs::piece(&mut file, bytes, &self.stream);
            let piece = piece.map_err(|error| unreadable(error.to_string()))?;
            let (whole, more) =
                record::whole(&piece).map_err(|error| unreadable(error.to_string()))?;
            if whole == 0 {
                break;
            }
            let end = rows + more;
            if next < end {
                let known = next.saturating_sub(rows);
                let frames = record::skip(&piece[..whole], known)
                    .map_err(|error| unreadable(error.to_string()))?;
                self.send_contents(controller, &frames).await?;
                let stored = self.append(controller, begun, synced, rows + known, frames).await?;
                synced.new_rows += if counts { end - rows - known } else { 0 };
                next = stored.max(end);
            }
            (bytes, rows) = (bytes + whole as u64, end);
            passed(whole as u64);
        }
        synced.rows += if counts { rows } else { 0 };
        Ok(())
    }

    /// Sends the contents that the rows name, if this is the stream `files`. The caller sends the
    /// rows afterwards.
    async fn send_contents(&self, controller: &Controller, frames: &[u8]) -> Result<(), Failure> {
        if self.stream != STREAM {
            return Ok(());
        }
        let files = controller.dial().files();
        let sent = blobs::upload_named(&files, frames, &self.contents, &Arc::default()).await;
        sent.map_err(|trouble| match trouble {
            Trouble::Remote(status) => controller.failure(&status),
            trouble => {
                Failure::new(Exit::Refused, format!("a file of the run cannot be sent: {trouble}"))
            }
        })
    }

    /// Sends one append and returns the offset of the next row that the controller needs. If the
    /// attempt is fenced, the controller keeps the rows apart, and the result is `offset`.
    async fn append(
        &self,
        controller: &Controller,
        begun: &RunBegun,
        synced: &mut Synced,
        offset: u64,
        frames: Vec<u8>,
    ) -> Result<u64, Failure> {
        let append = AppendRows {
            run: begun.run.clone(),
            attempt: begun.attempt,
            writer: self.writer.clone(),
            stream: self.stream.clone(),
            offset,
            frames,
        };
        match controller.dial().runs().append(within_patience(append)).await {
            Ok(appended) => Ok(appended.into_inner().next),
            Err(status) if status.code() == Code::Aborted => {
                synced.fenced = true;
                Ok(offset)
            }
            Err(status) => match needed_offset(&status) {
                Some(needed) if needed < offset => {
                    let message = format!(
                        "the controller has {needed} rows of `{}`, but it had {offset} before",
                        self.stream
                    );
                    Err(Failure::new(Exit::Refused, message).hint("run the same command again"))
                }
                _ => Err(controller.failure(&status)),
            },
        }
    }
}

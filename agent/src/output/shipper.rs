//! Sends an attempt's journals to the controller: the agent's own while the trial runs, and the
//! SDK's once its process is gone. The shipper does not look into rows, except in the stream
//! `files`: it sends the contents that these rows name before the rows. The shipper stores no
//! position on disk. The controller's answers give the number of rows that have arrived, so another
//! process may have sent a part of a journal before. `trial/` calls it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use blobs::Trouble;
use probes::{Bug, planted};
use proto::{
    folder::{FILES, JOURNAL},
    v1::AppendRows,
};
use record::{
    file::{STREAM, check_hash},
    ids::Attempt,
};
use tokio::sync::Notify;
use tonic::{Code, Status};

use crate::controller::link::{Link, Meaning, is_answer, meaning};

/// The writer of the agent's own journals.
const OWN_WRITER: &str = "agent";
/// How often the controller may ask for another offset before the shipper gives up a journal.
const MAX_GAPS: u32 = 3;
/// How often the shipper offers a journal of a dead trial again to a controller that fails to take
/// it.
const MAX_TROUBLES: u32 = 10;

/// The journals to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The agent's own journals.
    Own,
    /// All journals. No other process writes or sends them any more.
    All,
}

/// The result of a shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shipped {
    /// Whether another attempt owns the run, or the rows came too late. The controller then keeps
    /// the rows, and they do not count.
    pub fenced: bool,
    /// A sentence for each journal that could not be sent, because it is damaged or the controller
    /// refuses it.
    pub problems: Vec<String>,
    /// Whether the controller lacks rows other than those of files. If so, the agent must not
    /// report the end.
    pub lacks_rows: bool,
}

/// Sends one attempt's journals.
#[derive(Debug)]
pub struct Shipper<L> {
    link: L,
    attempt: Attempt,
    folder: PathBuf,
    contents: PathBuf,
    cursors: BTreeMap<String, Cursor>,
    shipped: Shipped,
    /// Whether the attempt is new. Of a new attempt's own journals, the controller has only the
    /// rows that this shipper has sent.
    fresh: bool,
    /// Whether the trial is dead. For a dead trial, the shipper gives up a journal after more than
    /// [`MAX_TROUBLES`] failures of the controller in a row.
    last: bool,
}

/// How far a journal has been sent.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// The offset of the next frame, in bytes.
    bytes: u64,
    /// The number of rows before that frame.
    rows: u64,
    /// The number of rows that the controller has. `None` until the controller was asked.
    acked: Option<u64>,
    /// Whether the journal was given up. A sentence in [`Shipped::problems`] gives the reason.
    closed: bool,
    gaps: u32,
    /// After the trial's death: how many consecutive times the controller has not taken the rows.
    troubles: u32,
}

/// A sequence of whole frames.
struct Piece {
    frames: Vec<u8>,
    rows: u64,
}

impl<L: Link> Shipper<L> {
    /// Makes a shipper for the attempt whose folder is `dir`.
    pub fn new(link: L, attempt: Attempt, dir: &Path, fresh: bool) -> Self {
        let (folder, contents) = (dir.join(JOURNAL), dir.join(FILES));
        let (cursors, shipped) = (BTreeMap::new(), Shipped::default());
        Self { link, attempt, folder, contents, cursors, shipped, fresh, last: false }
    }

    /// Sends the whole frames of rows that the journals hold now.
    ///
    /// # Errors
    /// Fails if the controller is away or has failed. The caller tries again later.
    pub async fn ship(&mut self, which: Which) -> Result<(), Status> {
        let mut failed = Ok(());
        for name in self.journals(which) {
            loop {
                match self.send_piece(&name).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    // If the controller answers for one journal with an error, the other journals
                    // are still sent.
                    Err(status) if is_answer(&status) => {
                        failed = Err(status);
                        break;
                    }
                    Err(status) => return Err(status),
                }
            }
        }
        failed
    }

    /// Sends the agent's own rows while the trial runs, whenever `rows` is notified. Never returns:
    /// the caller drops the future when the trial ends. A send that is under way at that moment is
    /// repeated later.
    pub async fn ship_live(&mut self, rows: &Notify) {
        let mut tries = 0;
        loop {
            // Rows that could not be sent are sent again even if the program writes nothing more.
            if tries == 0 {
                rows.notified().await;
            }
            match self.ship(Which::Own).await {
                Ok(()) => tries = 0,
                Err(_) => {
                    tokio::time::sleep(proto::dial::backoff(tries, self.link.jitter())).await;
                    tries += 1;
                }
            }
        }
    }

    /// Sends all journals of a dead trial. Tries again as long as the controller is away. Gives up
    /// a journal that the controller refuses, or fails to take more than `MAX_TROUBLES` times in
    /// a row. Before each new try, calls `waits` with the error and with the number of bytes of
    /// rows that are left.
    pub async fn finish(mut self, mut waits: impl FnMut(&Status, u64) + Send) -> Shipped {
        self.begin_anew();
        let mut tries = 0;
        for name in self.journals(Which::All) {
            loop {
                match self.send_piece(&name).await {
                    Ok(false) => break,
                    Ok(true) => tries = 0,
                    Err(status) => {
                        waits(&status, self.left());
                        tokio::time::sleep(proto::dial::backoff(tries, self.link.jitter())).await;
                        tries += 1;
                    }
                }
            }
        }
        self.shipped
    }

    /// Reopens the journals that were given up while the trial ran, because another controller may
    /// answer by now.
    fn begin_anew(&mut self) {
        self.last = true;
        if planted(Bug::SlipGivesUpRows) {
            return;
        }
        self.fresh &= !self.cursors.values().any(|cursor| cursor.closed);
        self.cursors.retain(|_, cursor| !cursor.closed);
        self.shipped = Shipped { fenced: self.shipped.fenced, ..Shipped::default() };
    }

    /// Returns the bytes of rows that are still to be sent.
    fn left(&self) -> u64 {
        let left = |name: &String| {
            let cursor = self.cursors.get(name).copied().unwrap_or_default();
            let size = fs::metadata(self.folder.join(name)).map_or(0, |file| file.len());
            if cursor.closed { 0 } else { size.saturating_sub(cursor.bytes) }
        };
        self.journals(Which::All).iter().map(left).sum()
    }

    /// Returns the names of the journals, always in the same order.
    fn journals(&self, which: Which) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                name.split_once('.')
                    .is_some_and(|(writer, _)| which == Which::All || writer == OWN_WRITER)
            })
            .collect();
        // The journals of files come last, so large contents delay no other rows.
        names.sort_by_key(|name| (is_files(name), name.clone()));
        names
    }

    /// Sends the next piece of a journal. Returns `false` if the journal has no more pieces or is
    /// closed.
    async fn send_piece(&mut self, name: &str) -> Result<bool, Status> {
        let mut cursor = self.cursors.get(name).copied().unwrap_or_default();
        if cursor.closed {
            return Ok(false);
        }
        let piece = match self.read(name, &mut cursor) {
            Ok(piece) => piece,
            Err(error) => {
                self.close(name, cursor, format!("`{name}` cannot be read: {error}"));
                return Ok(false);
            }
        };
        let Some(piece) = piece else {
            self.cursors.insert(name.to_owned(), cursor);
            return Ok(false);
        };
        let acked = match cursor.acked {
            Some(acked) => acked,
            None if self.fresh && name.starts_with(OWN_WRITER) => 0,
            None => match self.append(name, 0, Vec::new(), 0, cursor).await? {
                Some(acked) => acked,
                None => return Ok(!self.cursors[name].closed),
            },
        };
        cursor.acked = Some(acked);
        let end = cursor.rows + piece.rows;
        if acked < end {
            let known = acked.saturating_sub(cursor.rows);
            // If the controller lacks rows before this piece, it refuses the piece, and its answer
            // names the offset that it needs.
            let frames = if known == 0 {
                Ok(piece.frames.clone())
            } else {
                record::skip(&piece.frames, known)
            };
            let frames = frames.expect("the piece was checked when it was read");
            if is_files(name) && !self.contents(name, &frames, cursor).await? {
                return Ok(false);
            }
            let Some(next) = self.append(name, cursor.rows + known, frames, end, cursor).await?
            else {
                return Ok(!self.cursors[name].closed);
            };
            cursor.acked = Some(next);
        }
        cursor.bytes += piece.frames.len() as u64;
        cursor.rows = end;
        cursor.troubles = 0;
        self.cursors.insert(name.to_owned(), cursor);
        Ok(true)
    }

    /// Sends the contents that these rows of files name. Returns `false` if it has closed the
    /// journal instead.
    async fn contents(
        &mut self,
        name: &str,
        frames: &[u8],
        cursor: Cursor,
    ) -> Result<bool, Status> {
        let trouble = match self.link.contents(&self.contents, frames).await {
            Ok(()) => return Ok(true),
            Err(trouble) => trouble,
        };
        let problem = format!("the files of `{name}` cannot be sent: {trouble}");
        if let Trouble::Remote(status) = trouble {
            match meaning_for(name, &status) {
                Meaning::Away => return Err(status),
                Meaning::Trouble if self.tries_again(name, cursor) => return Err(status),
                _ => {}
            }
        }
        self.close(name, cursor, problem);
        Ok(false)
    }

    /// Makes one append that ends at row `end`. Returns how many rows the controller has. `None` if
    /// the method has moved the cursor or closed the journal instead.
    async fn append(
        &mut self,
        name: &str,
        offset: u64,
        frames: Vec<u8>,
        end: u64,
        cursor: Cursor,
    ) -> Result<Option<u64>, Status> {
        let (writer, stream) = parts(name);
        let answer = self.link.append(AppendRows {
            run: self.attempt.run.to_string(),
            attempt: self.attempt.number,
            writer: writer.to_owned(),
            stream: stream.to_owned(),
            offset,
            frames,
        });
        let status = match answer.await {
            Ok(appended) => return Ok(Some(appended.next.max(end))),
            Err(status) => status,
        };
        match meaning_for(name, &status) {
            Meaning::Away if planted(Bug::RowsForgotten) => return Ok(Some(end)),
            Meaning::Away => return Err(status),
            // The controller keeps the rows, although they do not count. So the shipper need not
            // send them again.
            Meaning::Fenced => {
                self.shipped.fenced = true;
                return Ok(Some(end));
            }
            Meaning::Gap(needed) if cursor.gaps < MAX_GAPS => {
                let moved =
                    Cursor { acked: Some(needed), gaps: cursor.gaps + 1, ..Cursor::default() };
                self.cursors.insert(name.to_owned(), moved);
            }
            Meaning::Trouble if self.tries_again(name, cursor) => return Err(status),
            Meaning::Trouble | Meaning::Gap(_) | Meaning::Refused => {
                let problem =
                    format!("the controller does not take `{name}`: {}", status.message());
                self.close(name, cursor, problem);
            }
        }
        Ok(None)
    }

    /// Counts a failure of the controller at this journal, if the trial is dead. Returns whether
    /// the shipper should offer the journal again.
    fn tries_again(&mut self, name: &str, cursor: Cursor) -> bool {
        let troubles = cursor.troubles + u32::from(self.last);
        self.cursors.insert(name.to_owned(), Cursor { troubles, ..cursor });
        troubles <= MAX_TROUBLES
    }

    /// Returns the whole frames at the cursor, as many as one append sends. The method ignores a
    /// torn frame at the end, which a program may still be writing. A damaged frame closes the
    /// journal.
    fn read(&mut self, name: &str, cursor: &mut Cursor) -> io::Result<Option<Piece>> {
        let mut frames =
            blobs::piece(&mut File::open(self.folder.join(name))?, cursor.bytes, parts(name).1)?;
        let (whole, rows) = match record::whole(&frames) {
            Ok(whole) => whole,
            Err(damage) => {
                let problem = format!("`{name}` is damaged after {} rows: {damage}", cursor.rows);
                cursor.closed = true;
                self.close(name, *cursor, problem);
                return Ok(None);
            }
        };
        frames.truncate(whole);
        Ok((whole > 0).then_some(Piece { frames, rows }))
    }

    fn close(&mut self, name: &str, cursor: Cursor, problem: String) {
        self.shipped.problems.push(problem);
        self.shipped.lacks_rows |= !is_files(name);
        self.cursors.insert(name.to_owned(), Cursor { closed: true, ..cursor });
    }
}

/// Returns what an answer means for this journal. For files, two answers count as
/// [`Meaning::Trouble`], which bounds the tries. `FAILED_PRECONDITION` says that the controller
/// lacks a content, so the content is sent again. `RESOURCE_EXHAUSTED` says that there is no room
/// for it, which must not delay an end for ever.
fn meaning_for(name: &str, status: &Status) -> Meaning {
    match meaning(status) {
        _ if is_files(name) && status.code() == Code::ResourceExhausted => Meaning::Trouble,
        Meaning::Refused if is_files(name) && status.code() == Code::FailedPrecondition => {
            Meaning::Trouble
        }
        meaning => meaning,
    }
}

/// Returns whether the journal belongs to the stream `files`.
fn is_files(name: &str) -> bool {
    parts(name).1 == STREAM
}

/// Returns the writer and the stream of a journal.
fn parts(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or((name, ""))
}

/// Removes the contents of logged files from an attempt's folder: files named by a hash, and
/// unfinished ones (`*.part`). Other files of the program stay.
///
/// # Errors
/// Fails if another file is left, or if the folder of contents is missing.
pub fn forget(dir: &Path) -> io::Result<()> {
    let contents = dir.join(FILES);
    for entry in fs::read_dir(&contents)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_numbers =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if check_hash(&name).is_ok() || name.strip_suffix(".part").is_some_and(is_numbers) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(contents)
}

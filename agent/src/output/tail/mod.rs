//! Follows the console files of one attempt. The tail turns lines into rows of the journals
//! `agent.console` and `agent.history`, and writes notes for people on printed lines to
//! `agent.meta`. The tail stores no position: the rows in the journals say how many lines of each
//! file it has taken. So a crash between any two writes loses no line and repeats none.
//! `trial/mod.rs` calls it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use record::{
    MAX_TEXT_BYTES, Row, Value, ValueRef, Writer,
    console::{Lines, Seen, shown},
    keeper::Limits,
    printed::{PrintedRow, Reader},
};

use super::{console::Console, doubts::Doubts, journal::Journal};
use crate::trial::spec;

/// The most bytes that one step reads, so that a flood does not keep other trials waiting.
const READ_BYTES: u64 = 256 << 10;

/// A console file, and how far it has been read.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    file: Option<File>,
    /// The offset up to which the file has been read, and the offset at which this round ends.
    at: u64,
    until: u64,
    lines: Lines,
    taken: Taken,
}

/// How much of a console file has become rows.
#[derive(Debug)]
struct Taken {
    /// The file's key in the rows.
    key: &'static str,
    reader: Reader,
    /// The number of lines that the journal of the console holds already and that the tail still
    /// has to skip.
    console_done: u64,
    /// The number of printed rows that the journal of the history holds already and that the tail
    /// still has to skip. Always 0 for standard error.
    history_done: u64,
}

impl Source {
    fn new(dir: &Path, key: &'static str) -> Self {
        let taken = Taken { key, reader: Reader::default(), console_done: 0, history_done: 0 };
        Self { path: dir.join(key), file: None, at: 0, until: 0, lines: Lines::default(), taken }
    }

    /// Returns the length of the file now, or 0 while it does not exist.
    fn length(&mut self) -> io::Result<u64> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        self.file.as_ref().map_or(Ok(0), |file| Ok(file.metadata()?.len()))
    }

    /// Reads the next piece of this round into `buffer`, at most `most` bytes.
    fn read(&mut self, most: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        if let Some(file) = &self.file {
            file.take(most.min(self.until.saturating_sub(self.at))).read_to_end(buffer)?;
        }
        self.at += buffer.len() as u64;
        if buffer.is_empty() && most > 0 {
            // The file was truncated: the round ends here.
            self.until = self.at;
        }
        Ok(())
    }
}

/// The tail of one attempt's console.
#[derive(Debug)]
pub struct Tail {
    sources: [Source; 2],
    taker: Taker,
    buffer: Vec<u8>,
}

impl Tail {
    /// Opens the console files in `dir`, and resumes where the attempt's journals end.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Self::within(dir, Limits::default())
    }

    fn within(dir: &Path, limits: Limits) -> io::Result<Self> {
        let mut sources = [Source::new(dir, spec::STDOUT), Source::new(dir, spec::STDERR)];
        let taker = Taker::open(&dir.join(spec::JOURNAL), limits, &mut sources)?;
        Ok(Self { sources, taker, buffer: Vec::new() })
    }

    /// Turns new console output into rows, at most `READ_BYTES` of output. Returns whether the
    /// files have more output.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn step(&mut self, wall_ms: i64) -> io::Result<bool> {
        // Files are read in rounds. Everything that both files held when a round began comes before
        // everything that they get later. So an error after a flood on the other file stands at the
        // flood's end.
        if self.sources.iter().all(|source| source.at >= source.until) {
            for source in &mut self.sources {
                source.until = source.length()?;
            }
        }
        let mut left = READ_BYTES;
        for source in &mut self.sources {
            source.read(left, &mut self.buffer)?;
            left -= self.buffer.len() as u64;
            let Source { lines, taken, .. } = source;
            lines.push(&self.buffer, |seen| self.taker.take(taken, seen, wall_ms));
        }
        let mut more = false;
        for source in &mut self.sources {
            more |= source.at < source.length()?;
        }
        self.taker.console.look(wall_ms);
        if self.taker.tellings == 0 {
            self.taker.tell(true, wall_ms);
        }
        self.taker.flush()?;
        Ok(more)
    }

    /// Takes last lines that have no newline, and writes the note on printed lines that are not
    /// rows or have lost values. The caller calls it after the program's end, when a step has found
    /// no more output.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn finish(&mut self, wall_ms: i64) -> io::Result<()> {
        for source in &mut self.sources {
            if source.lines.is_open() {
                let Source { lines, taken, .. } = source;
                lines.finish(|seen| self.taker.take(taken, seen, wall_ms));
            }
        }
        self.taker.console.end(wall_ms);
        self.taker.flush()?;
        let has_rows = has_rows(&self.taker.folder)?;
        self.taker.tell(has_rows, wall_ms);
        self.taker.flush()
    }

    /// Returns whether every line that the program has written to its console is kept as a row.
    pub fn is_complete(&self) -> bool {
        self.taker.console.is_complete()
    }
}

/// Returns whether the attempt has a journal of history, from the program's printed lines or from
/// its SDK.
fn has_rows(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.file_name().to_string_lossy().ends_with(".history") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The journals of one attempt's console, and the state that is needed to write lines into them.
#[derive(Debug)]
struct Taker {
    folder: PathBuf,
    console: Console,
    history: Journal,
    meta: Journal,
    doubts: Doubts,
    /// The last note in the journal `agent.meta`, as JSON, and the number of notes there.
    told: String,
    tellings: u64,
    /// The automatic step of the next printed row.
    next_step: u64,
}

impl Taker {
    fn open(folder: &Path, limits: Limits, [stdout, stderr]: &mut [Source; 2]) -> io::Result<Self> {
        let console = Console::open(&folder.join("agent.console"), limits, |key, lines| {
            let source = if key == spec::STDOUT { &mut *stdout } else { &mut *stderr };
            source.taken.console_done += lines;
        })?;
        let mut next_step = 0;
        let history = Journal::open(&folder.join("agent.history"), |row| {
            stdout.taken.history_done += 1;
            next_step = next_step.max(row.step.saturating_add(1));
        })?;
        let (mut told, mut tellings) = (String::new(), 0);
        let meta = Journal::open(&folder.join("agent.meta"), |row| {
            tellings += 1;
            if let Some((_, ValueRef::Json(said))) = row.values.first() {
                told = (*said).to_owned();
            }
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            console,
            history,
            meta,
            doubts: Doubts::default(),
            told,
            tellings,
            next_step,
        })
    }

    /// Takes a piece or a line of a console.
    fn take(&mut self, taken: &mut Taken, seen: Seen<'_>, wall_ms: i64) {
        match seen {
            Seen::Piece(piece, beyond) => self.take_piece(taken, piece, beyond, wall_ms),
            Seen::Line(line, beyond) => self.take_line(taken, line, beyond, wall_ms),
        }
    }

    fn take_piece(&mut self, taken: &mut Taken, piece: &str, beyond: usize, wall_ms: i64) {
        let printed = taken.reader.read(piece, beyond);
        if taken.key != spec::STDOUT {
            return self.doubts.add_stderr(piece, &printed);
        }
        // Only a long line has more than a row can hold.
        let is_cut = |row: &PrintedRow| {
            let row = Row { step: 0, wall_ms, values: row.values.clone() };
            Writer::default().frame(&[row], &mut Vec::new()) > 0
        };
        let cut = piece.len() > MAX_TEXT_BYTES && printed.rows.iter().any(is_cut);
        self.doubts.add(piece, &printed, cut);
        for PrintedRow { step, values } in printed.rows {
            if taken.history_done > 0 {
                taken.history_done -= 1;
                continue;
            }
            let step = step.unwrap_or(self.next_step);
            self.next_step = self.next_step.max(step.saturating_add(1));
            self.history.push(&Row { step, wall_ms, values });
        }
    }

    fn take_line(&mut self, taken: &mut Taken, line: &str, beyond: usize, wall_ms: i64) {
        if taken.console_done > 0 {
            taken.console_done -= 1;
            return;
        }
        self.console.take(taken.key, &shown(line, beyond), wall_ms);
    }

    /// Writes the note on printed lines for people, unless the journal has it already.
    fn tell(&mut self, has_rows: bool, wall_ms: i64) {
        let Some(note) = self.doubts.told(has_rows) else { return };
        let said = serde_json::json!({ "note": note }).to_string();
        if said != self.told {
            let values = vec![("printed".to_owned(), Value::Json(said.clone()))];
            self.meta.push(&Row { step: self.tellings, wall_ms, values });
            (self.told, self.tellings) = (said, self.tellings + 1);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.console.flush()?;
        self.history.flush()?;
        self.meta.flush()?;
        Ok(())
    }
}

/// Returns the last lines of a console file without control characters, at most `most` lines and
/// `bytes` bytes. Looks only at the last 64 KiB of the file.
pub fn last_lines(path: &Path, most: usize, bytes: usize) -> Vec<String> {
    const LAST_BYTES: u64 = 64 << 10;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LAST_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // If the file cannot be read, the list of lines is empty. The end of the trial reports its exit
    // code in any case.
    let raw = read().unwrap_or_default();
    let (mut lines, mut all) = (Lines::default(), Vec::new());
    let mut keep = |seen: Seen<'_>| {
        if let Seen::Line(line, _) = seen {
            all.push(line.to_owned());
        }
    };
    lines.push(&raw, &mut keep);
    if lines.is_open() {
        lines.finish(&mut keep);
    }
    while all.last().is_some_and(|line| line.trim().is_empty()) {
        all.pop();
    }
    let mut room = bytes;
    let mut last: Vec<String> = Vec::new();
    for mut line in all.into_iter().rev().take(most) {
        if line.len() > room && last.is_empty() {
            // Even the last line is too long. Only its end is kept.
            let from = (line.len() - room..).find(|from| line.is_char_boundary(*from));
            line = line.split_off(from.unwrap_or(line.len()));
        }
        let Some(left) = room.checked_sub(line.len()) else { break };
        room = left;
        last.push(line);
    }
    last.reverse();
    last
}

#[cfg(test)]
mod tests;

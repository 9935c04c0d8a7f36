//! Turns the console of one attempt into rows of its journal. Each kept line makes a row, and lines
//! that are left out make one row with their number. A restarted agent counts the lines that these
//! rows stand for, and so finds how many lines of each file it has taken. `tail` calls it.

use std::{io, path::Path};

use record::{
    Row, Value, ValueRef,
    keeper::{Keeper, Kept, Limits},
};

use super::journal::Journal;
use crate::trial::spec;

/// The key of a row's second value: the number of left-out lines that the row stands for.
const LEFT_OUT: &str = "left_out";

/// A writer that decides which lines are kept, and writes rows to the journal `agent.console`.
#[derive(Debug)]
pub struct Console {
    keeper: Keeper,
    book: Book,
}

#[derive(Debug)]
struct Book {
    journal: Journal,
    rows: u64,
    /// Whether no line was left out.
    complete: bool,
}

impl Console {
    /// Opens the journal at its end, or begins a new one. For each row in it, calls `done` with the
    /// row's file and the number of lines that the row stands for.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn open(path: &Path, limits: Limits, mut done: impl FnMut(&str, u64)) -> io::Result<Self> {
        let (mut rows, mut bytes, mut complete) = (0, 0, true);
        let journal = Journal::open(path, |row| {
            rows += 1;
            match row.values {
                [(key, ValueRef::Text(text))] => {
                    bytes += text.len() as u64 + 1;
                    done(key, 1);
                }
                [(key, _), (LEFT_OUT, ValueRef::I64(lines))] => {
                    complete = false;
                    done(key, lines.unsigned_abs());
                }
                _ => {}
            }
        })?;
        let keeper = Keeper::new(limits, [spec::STDOUT, spec::STDERR], bytes);
        Ok(Self { keeper, book: Book { journal, rows, complete } })
    }

    /// Passes a line of the console file `key` to the keeper, which keeps it, holds it back or
    /// leaves it out.
    pub fn take(&mut self, key: &'static str, line: &str, wall_ms: i64) {
        self.keeper.take(key, line, |key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Adds rows for the newest lines, which the keeper holds back, as far as the pace of the
    /// [`Limits`] allows by now.
    pub fn look(&mut self, wall_ms: i64) {
        self.keeper.look(wall_ms, |key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Adds rows for all lines that the keeper still holds back, at the end of the console.
    pub fn end(&mut self, wall_ms: i64) {
        self.keeper.end(|key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Writes the added rows to the file.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.book.journal.flush().map(drop)
    }

    /// Returns whether no line was left out.
    pub fn is_complete(&self) -> bool {
        self.book.complete
    }
}

impl Book {
    fn put(&mut self, key: &str, kept: &Kept<'_>, wall_ms: i64) {
        let text = kept.text();
        match kept {
            Kept::Line(_) => self.journal.push_text(self.rows, wall_ms, key, &text),
            Kept::LeftOut(lines) => {
                let text = Value::Text(text.into_owned());
                let lines = Value::I64(i64::try_from(*lines).unwrap_or(i64::MAX));
                let values = vec![(key.to_owned(), text), (LEFT_OUT.to_owned(), lines)];
                self.journal.push(&Row { step: self.rows, wall_ms, values });
                self.complete = false;
            }
        }
        self.rows += 1;
    }
}

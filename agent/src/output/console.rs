//! The console of one attempt as rows of its journal: a line each, and a row with a number where
//! lines are left out. From these rows a restarted agent knows how many lines of each file it has
//! taken. Called by `tail`.

use std::{io, path::Path};

use record::{
    Row, Value, ValueRef,
    keeper::{Keeper, Kept, Limits},
};

use super::journal::Journal;
use crate::trial::spec;

/// Beside the text of a row: so many lines it stands for.
const LEFT_OUT: &str = "left_out";

/// Takes lines.
#[derive(Debug)]
pub struct Console {
    keeper: Keeper,
    book: Book,
}

#[derive(Debug)]
struct Book {
    journal: Journal,
    rows: u64,
    /// No line was left out.
    complete: bool,
}

impl Console {
    /// Begins, or goes on where the journal ends. `done` hears how many lines of which file it
    /// stands for.
    ///
    /// # Errors
    /// When the disk refuses.
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

    /// Takes a line of a file.
    pub fn take(&mut self, key: &'static str, line: &str, wall_ms: i64) {
        self.keeper.take(key, line, |key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Takes what the pace allows by now.
    pub fn look(&mut self, wall_ms: i64) {
        self.keeper.look(wall_ms, |key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Takes the last lines.
    pub fn end(&mut self, wall_ms: i64) {
        self.keeper.end(|key, kept| self.book.put(key, &kept, wall_ms));
    }

    /// Writes what was taken.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&mut self) -> io::Result<()> {
        self.book.journal.flush().map(drop)
    }

    /// Whether no line was left out.
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

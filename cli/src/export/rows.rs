//! Collects all rows of one stream of some runs in a [`Spool`] and finds their columns. Then writes
//! the rows with these columns. At most one block, and the rows that a format gathers, are in
//! memory. `sweep run export` uses [`Rows`]. Exports of curves, and of trials as Parquet, use only
//! [`Sink`].

use std::io;

use clap::ValueEnum;
use proto::v1::Block;
use record::{Corrupt, RowRef};

use super::{
    Output,
    columns::{Cell, Column, Place, Survey, Table},
    parquet::Parquet,
    spool::Spool,
    text::{Csv, Objects},
};

/// The formats of exported rows. The comments of the variants are help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A header and one line per row
    Csv,
    /// One list of objects
    Json,
    /// One object per line
    Jsonl,
    /// Typed columns, compressed
    Parquet,
}

/// The reason why rows could not be read or written.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// A block is damaged.
    Corrupt(Corrupt),
    /// The temporary file or the destination failed.
    Io(io::Error),
}

impl From<Corrupt> for Stopped {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The rows of one stream of some runs, kept on disk.
pub(crate) struct Rows {
    /// The ids of the runs. If there are several, each row names its run.
    runs: Vec<String>,
    spool: Spool,
    survey: Survey,
    rows: u64,
}

impl Rows {
    /// Starts an empty collection for these runs. The table will have only these keys, or all if
    /// `keys` is empty.
    pub(crate) fn new(runs: &[String], keys: &[String]) -> io::Result<Self> {
        Ok(Self { runs: runs.to_vec(), spool: Spool::new()?, survey: Survey::of(keys), rows: 0 })
    }

    /// Adds the next block of the run with this index.
    pub(crate) fn take(&mut self, run: u32, block: &Block) -> Result<(), Stopped> {
        for frame in record::frames(&block.frames) {
            frame?.each(|row| {
                self.survey.row(row);
                self.rows += 1;
            })?;
        }
        Ok(self.spool.push(run, block)?)
    }

    /// Returns the survey of the keys and their types.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Returns the number of rows that were added so far.
    pub(crate) fn count(&self) -> u64 {
        self.rows
    }

    /// Writes all rows as a table, and returns the output, which is not finished yet.
    pub(crate) fn write(self, format: Format, output: Output) -> Result<Output, Stopped> {
        let several = self.runs.len() > 1;
        let table = self.survey.table(several);
        let mut sink = Sink::new(format, output, &table.columns)?;
        let mut blocks = self.spool.into_blocks()?;
        while let Some((run, block)) = blocks.next()? {
            let run = self.runs.get(run as usize).filter(|_| several).map(String::as_str);
            each(run, &block, &table, |cells| sink.row(cells))?;
        }
        Ok(sink.finish()?)
    }
}

/// Calls `show` with the cells of every row of a block.
fn each(
    run: Option<&str>,
    block: &Block,
    table: &Table,
    mut show: impl FnMut(&[Option<Cell<'_>>]) -> io::Result<()>,
) -> Result<(), Stopped> {
    let mut sequence = block.offset;
    let mut shown = Ok(());
    for frame in record::frames(&block.frames) {
        frame?.each(|row: RowRef<'_>| {
            let place = Place {
                run,
                attempt: block.attempt,
                writer: &block.writer,
                sequence,
                fenced: block.fenced,
            };
            if shown.is_ok() {
                shown = show(&table.cells(place, row));
            }
            sequence += 1;
        })?;
    }
    Ok(shown?)
}

/// A writer of rows in one of the formats.
pub(super) enum Sink {
    Csv(Box<Csv<Output>>),
    Objects(Objects<Output>),
    Parquet(Box<Parquet<Output>>),
}

impl Sink {
    /// Starts a table with these columns.
    pub(super) fn new(format: Format, output: Output, columns: &[Column]) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(Csv::new(output, columns)?)),
            Format::Json => Self::Objects(Objects::new(output, columns, true)),
            Format::Jsonl => Self::Objects(Objects::new(output, columns, false)),
            Format::Parquet => Self::Parquet(Box::new(Parquet::new(output, columns)?)),
        })
    }

    /// Writes a row.
    pub(super) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.row(cells),
            Self::Objects(objects) => objects.row(cells),
            Self::Parquet(parquet) => parquet.row(cells),
        }
    }

    /// Ends the table and returns the output, which is not finished yet.
    pub(super) fn finish(self) -> io::Result<Output> {
        match self {
            Self::Csv(csv) => csv.finish(),
            Self::Objects(objects) => objects.finish(),
            Self::Parquet(parquet) => parquet.finish(),
        }
    }
}

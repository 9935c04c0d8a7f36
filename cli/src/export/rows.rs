//! All rows of one stream of some runs: read once from the controller into a [`Spool`], then
//! written with the columns that were found. Memory is bounded by one block and what a format
//! gathers. Used by `sweep run export`.

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

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A header and a line per row
    Csv,
    /// A list of objects
    Json,
    /// An object per line
    Jsonl,
    /// Typed columns, compressed
    Parquet,
}

/// Why rows could not be taken or written.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// A block is damaged.
    Corrupt(Corrupt),
    /// The disk, or where the export goes.
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

/// The rows of a stream.
pub(crate) struct Rows {
    /// Of these; with more than one, rows say whose they are.
    runs: Vec<String>,
    spool: Spool,
    survey: Survey,
    rows: u64,
}

impl Rows {
    /// None yet of these runs. Of those that come, only these keys are wanted; without any, all.
    pub(crate) fn new(runs: &[String], keys: &[String]) -> io::Result<Self> {
        Ok(Self { runs: runs.to_vec(), spool: Spool::new()?, survey: Survey::of(keys), rows: 0 })
    }

    /// Takes the next block, of the run with this number.
    pub(crate) fn take(&mut self, run: u32, block: &Block) -> Result<(), Stopped> {
        for frame in record::frames(&block.frames) {
            frame?.each(|row| {
                self.survey.row(row);
                self.rows += 1;
            })?;
        }
        Ok(self.spool.push(run, block)?)
    }

    /// What is known of the keys.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.rows
    }

    /// Writes all of them.
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

/// Shows the cells of every row of a block.
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
    /// Begins to write rows of these columns.
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

    /// Ends the last row and gives back what was written to.
    pub(super) fn finish(self) -> io::Result<Output> {
        match self {
            Self::Csv(csv) => csv.finish(),
            Self::Objects(objects) => objects.finish(),
            Self::Parquet(parquet) => parquet.finish(),
        }
    }
}

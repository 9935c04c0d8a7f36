//! `sweep export --curves`: writes the logged values of all runs of a sweep in long form, one line
//! per value (docs/decisions/curves.md). The export writes each block when the block arrives. So
//! only one block is in memory, and the lines that the format gathers.

use std::io;

use proto::v1::{Block, ReadHistory, Run};
use record::{RowRef, ValueRef};
use terminal::{Exit, Failure};

use super::{
    Output, RowFormat, Stopped,
    columns::{Cell, Column, EXACT, Kind},
    rows::Sink,
};
use crate::connect::Controller;

/// The columns: the name, the type, and whether every line has a value in the column.
const COLUMNS: [(&str, Kind, bool); 7] = [
    ("run", Kind::Text, true),
    ("attempt", Kind::Count, true),
    ("step", Kind::Count, true),
    ("time", Kind::Time, true),
    ("key", Kind::Text, true),
    ("value", Kind::Float, false),
    ("text", Kind::Text, false),
];

/// The reason why the export stopped.
pub(super) enum Failed {
    /// The values cannot be read.
    Read(Failure),
    /// The values cannot be written.
    Write(io::Error),
}

/// Writes the values of these runs. Returns the output, which is not finished yet, and the number
/// of values.
pub(super) async fn write(
    controller: &Controller,
    runs: &[Run],
    format: RowFormat,
    output: Output,
) -> Result<(Output, u64), Failed> {
    let mut sink = begin(format, output).map_err(Failed::Write)?;
    let mut values = 0;
    for run in runs {
        let lost = |status| Failed::Read(controller.failure(&status));
        let message = ReadHistory { run: run.id.clone(), ..ReadHistory::default() };
        let mut blocks =
            controller.dial().history().rows(message).await.map_err(lost)?.into_inner();
        while let Some(block) = blocks.message().await.map_err(lost)? {
            match take(&run.id, &block, &mut sink) {
                Ok(taken) => values += taken,
                Err(Stopped::Io(error)) => return Err(Failed::Write(error)),
                Err(Stopped::Corrupt(reason)) => {
                    let message = format!("the rows of run `{}` cannot be read: {reason}", run.id);
                    return Err(Failed::Read(Failure::new(Exit::Bug, message)));
                }
            }
        }
    }
    Ok((sink.finish().map_err(Failed::Write)?, values))
}

/// Starts a table of values.
pub(super) fn begin(format: RowFormat, output: Output) -> io::Result<Sink> {
    let columns =
        COLUMNS.map(|(name, kind, required)| Column { name: name.to_owned(), kind, required });
    Sink::new(format, output, &columns)
}

/// Writes one line for each value of a block's rows, and returns the number of values. Writes
/// nothing for a fenced block, whose rows are not part of the run's curves.
pub(super) fn take(run: &str, block: &Block, sink: &mut Sink) -> Result<u64, Stopped> {
    let (mut values, mut written) = (0, Ok(()));
    if block.fenced {
        return Ok(values);
    }
    for frame in record::frames(&block.frames) {
        frame?.each(|row: RowRef<'_>| {
            for &(key, value) in row.values {
                if written.is_ok() {
                    values += 1;
                    written = sink.row(&cells(run, block.attempt, row, key, value));
                }
            }
        })?;
    }
    written?;
    Ok(values)
}

fn cells<'a>(
    run: &'a str,
    attempt: u32,
    row: RowRef<'_>,
    key: &'a str,
    value: ValueRef<'a>,
) -> [Option<Cell<'a>>; COLUMNS.len()] {
    let number = match value {
        ValueRef::F64(number) => Some(number),
        ValueRef::I64(number) => Some(number as f64),
        ValueRef::U64(number) => Some(number as f64),
        ValueRef::Bool(_) | ValueRef::Text(_) | ValueRef::Json(_) => None,
    };
    let is_exact = match value {
        ValueRef::I64(number) => number.unsigned_abs() <= EXACT,
        ValueRef::U64(number) => number <= EXACT,
        _ => number.is_some(),
    };
    [
        Some(Cell::Value(ValueRef::Text(run))),
        Some(Cell::Count(attempt.into())),
        Some(Cell::Count(row.step)),
        Some(Cell::Time(row.wall_ms)),
        Some(Cell::Value(ValueRef::Text(key))),
        number.map(|number| Cell::Value(ValueRef::F64(number))),
        (!is_exact).then_some(Cell::Value(value)),
    ]
}

//! Data for other programs: `sweep export` (the trials of a sweep), and what `sweep run export` is made of: columns, a file
//! that appears whole, one writer per format.

mod columns;
mod output;
mod parquet;
mod rows;
mod spool;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io::{self, Write as _},
    path::Path,
};

pub(crate) use output::{Output, failure};
pub(crate) use rows::{Format as RowFormat, Rows, Stopped};
use terminal::{Failure, sanitise};

use crate::{
    args::{Export, Format},
    connect::Controller,
    json, view,
};

/// Writes the trials to stdout or to a file, which is not touched before everything has arrived.
pub(crate) async fn export(controller: &Controller, args: &Export) -> Result<(), Failure> {
    let sweep = controller.sweep(&args.id).await?;
    let runs = controller.runs_of(&sweep.id).await?;
    let text = match args.format {
        Format::Csv => view::csv::csv(&runs),
        Format::Json => json::text(&runs.iter().map(json::run).collect::<Vec<_>>().into()) + "\n",
    };
    let path = args.output.as_deref();
    let write = || -> io::Result<()> {
        let mut output = Output::open(path)?;
        output.write_all(text.as_bytes())?;
        output.finish()
    };
    write().map_err(|error| failure(path, &error))?;
    wrote(path, &view::count(runs.len() as u64, "trial"));
    Ok(())
}

/// Says what a file has got; stdout speaks for itself.
pub(crate) fn wrote(path: Option<&Path>, what: &str) {
    if let Some(path) = path.filter(|path| path.as_os_str() != output::STDOUT) {
        terminal::say(format_args!("wrote {what} to {}", sanitise(&path.display().to_string())));
    }
}

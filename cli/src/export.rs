//! `sweep export`: all trials of a sweep for other programs.

use std::fs;

use terminal::{Exit, Failure};

use crate::{
    args::{Export, Format},
    connect::Controller,
    json, source, view,
};

/// Writes the trials to stdout or to a file. The file is not touched before everything has arrived.
pub(crate) async fn export(controller: &Controller, args: &Export) -> Result<(), Failure> {
    let sweep = controller.sweep(&args.id).await?;
    let runs = controller.runs_of(&sweep.id).await?;
    let text = match args.format {
        Format::Csv => view::csv::csv(&runs),
        Format::Json => json::text(&runs.iter().map(json::run).collect::<Vec<_>>().into()) + "\n",
    };
    let Some(file) = &args.output else {
        terminal::data(&text);
        return Ok(());
    };
    fs::write(file, text).map_err(|error| {
        let message = format!("cannot write `{}`: {}", file.display(), source::why(&error));
        Failure::new(Exit::Input, message).hint("`--output` wants the path of a file in a folder that exists")
    })?;
    terminal::say(format_args!("wrote {} to {}", view::count(runs.len() as u64, "trial"), file.display()));
    Ok(())
}

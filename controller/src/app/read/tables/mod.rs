//! Reads rows of a logged table, which is a file of a run: as JSON in W&B's form, or as Parquet,
//! as the SDK writes it. The handlers of `api::web` call this module. It changes nothing.

mod asked;
mod choose;
mod json;
mod pages;
mod parquet;

use std::sync::Arc;

use record::ids::RunId;

use super::files;
use crate::{
    app::{App, error::Error, people::caller::Caller},
    settings::TableLimits,
};
pub(crate) use asked::{Asked, Filter, Order, Table};
use asked::{Bounds, HINT, failed, refused};

/// Returns rows of the table in a file of a run.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run has no such file. Fails with [`Error::Invalid`] if the
/// file is no table, if it has no column that the caller names, or if it is beyond the limits.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    path: String,
    asked: Asked,
) -> Result<Table, Error> {
    let file = files::find(app, caller, run, path).await?;
    let turn = app.tables.clone().acquire_owned().await.map_err(|closed| failed(&closed))?;
    let limits = &app.settings.limits;
    let TableLimits { bytes, rows, scanned_bytes } = limits.tables;
    let bounds = Bounds { bytes, rows, scanned_bytes, answer: limits.read_bytes };
    if files::beginning(app, &file.sha256, file.size, parquet::MAGIC.len() as u64).await?
        == parquet::MAGIC
    {
        let table = parquet::read(app, &file, &asked, bounds).await;
        drop(turn);
        return table;
    }
    if file.size > bounds.bytes {
        let message = format!("the table `{}` has more than {} bytes", file.path, bounds.bytes);
        return Err(Error::invalid(message).hint(HINT));
    }
    let bytes = files::beginning(app, &file.sha256, file.size, bounds.bytes).await?;
    let parsing = app.threads.run(move || {
        // The work keeps its turn until it ends, even if the caller no longer waits.
        let _turn = turn;
        json::read(bytes, &asked, bounds).map_err(|reason| refused(&file, &reason))
    });
    parsing.await.map_err(|error| failed(&error))?
}

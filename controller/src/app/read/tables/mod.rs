//! Reads rows of a logged table, which is a file of a run or of a version of an artifact: as JSON
//! in W&B's form, or as Parquet, as the SDK writes it. The handlers of `api::web` call this module.
//! It changes nothing.

mod asked;
mod choose;
mod classes;
mod json;
mod pages;
mod parquet;

use std::sync::Arc;

use record::{file::FileRow, ids::RunId};
use tokio::sync::OwnedSemaphorePermit;

use super::files;
use crate::{
    app::{
        App, TABLES_MIB,
        error::Error,
        files::{
            references::{self, Found},
            versions::Wanted,
        },
        people::caller::Caller,
    },
    settings::TableLimits,
};
pub(crate) use asked::{Asked, Filter, Order, Table};
use asked::{Bounds, HINT, failed, refused};
pub(crate) use classes::Classes;

/// What has the file with a table.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A run.
    Run(RunId),
    /// A version of an artifact.
    Version(Wanted),
}

/// Returns rows of the table in a file.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such file that the caller may see. Fails with
/// [`Error::Invalid`] if the file is no table, if it has no column that the caller names, or if it
/// is beyond the limits.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    source: Source,
    path: String,
    asked: Asked,
) -> Result<Table, Error> {
    let file = match source {
        Source::Run(run) => files::find(app, caller, run, path).await?,
        Source::Version(wanted) => {
            let found = references::content(app, caller, wanted, path.clone()).await?;
            let Found { sha256, size } = found;
            FileRow { path, sha256, size, kind: "table".to_owned() }
        }
    };
    let limits = &app.settings.limits;
    let TableLimits { json_bytes, column_bytes, rows, scanned_bytes } = limits.tables;
    let bounds = Bounds { column_bytes, rows, scanned_bytes, answer: limits.read_bytes };
    if files::beginning(app, &file.sha256, file.size, parquet::MAGIC.len() as u64).await?
        == parquet::MAGIC
    {
        let turn = turn(app, column_bytes).await?;
        let table = parquet::read(app, &file, &asked, bounds).await;
        drop(turn);
        return table;
    }
    if file.size > json_bytes {
        let FileRow { path, size, .. } = file;
        let message = format!("the table `{path}` has {size} bytes, and in JSON at most ");
        let hint = format!("{HINT}, or log fewer rows in one table");
        return Err(Error::invalid(format!("{message}{json_bytes} are read")).hint(hint));
    }
    let turn = turn(app, file.size).await?;
    let bytes = files::beginning(app, &file.sha256, file.size, json_bytes).await?;
    let parsing = app.threads.run(move || {
        // The work keeps its turn until it ends, even if the caller no longer waits.
        let _turn = turn;
        json::read(bytes, &asked, bounds).map_err(|reason| refused(&file, &reason))
    });
    parsing.await.map_err(|error| failed(&error))?
}

/// Waits until there is memory for so many bytes of a table, and for a copy of them.
async fn turn(app: &App, bytes: u64) -> Result<OwnedSemaphorePermit, Error> {
    let mib = u32::try_from((2 * bytes).div_ceil(1 << 20)).unwrap_or(u32::MAX);
    let turn = app.tables.clone().acquire_many_owned(mib.clamp(1, TABLES_MIB)).await;
    turn.map_err(|closed| failed(&closed))
}

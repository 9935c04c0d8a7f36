//! Reads how far a run has been logged, for a process that goes on with it. `api::wandb` calls this
//! module.

use std::sync::Arc;

use record::{Row, ids::RunId, stream::StreamName};

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::{lines, pieces},
        runs::{lineage::Lineage, lookup},
    },
    store::{self, blocks::Stream},
};

/// Returns the number of lines of a run's stream. A caller that may only log to the run may ask for
/// it too.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn count(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
    stream: StreamName,
) -> Result<u64, Error> {
    if permit::run(app, caller, Right::Log, &id).await.is_err() {
        permit::run(app, caller, Right::See, &id).await?;
    }
    app.read(move |tx, _| lines::count(tx, &lookup::find(tx, &id)?, stream)).await
}

/// Returns the last line of a run's stream: the row with the highest step among the last rows of
/// all writers. `None` if the stream has no rows.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn last(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
    name: StreamName,
) -> Result<Option<Row>, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &id)?;
        let mut found: Option<Row> = None;
        for (attempt, writer, most) in Lineage::of(tx, &run)?.streams(tx, run.key, name)? {
            let stream = Stream { run: run.key, name, attempt, writer: &writer };
            let end = store::blocks::unfenced(tx, stream)?.min(most);
            let Some(number) = end.checked_sub(1) else { continue };
            let row = pieces::row(tx, stream, number)?;
            let is_later = |row: &Row| found.as_ref().is_none_or(|found| row.step >= found.step);
            found = row.filter(is_later).or(found);
        }
        Ok(found)
    })
    .await
}

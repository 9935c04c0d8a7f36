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
        rows::{
            lines::{self, Counts},
            pieces,
        },
        runs::{lineage::Lineage, lookup},
    },
    store::{self, Tx, blocks::Stream, runs::Run},
};

/// The last lines of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// The row of history with the highest step; `None` if there is no history.
    pub(crate) history: Option<Row>,
    /// The newest sample of system metrics; `None` if there is none.
    pub(crate) system: Option<Row>,
}

/// Returns the numbers of lines of a run. A caller that may only log to the run may ask for them
/// too.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn counts(app: &Arc<App>, caller: &Caller, id: RunId) -> Result<Counts, Error> {
    if permit::run(app, caller, Right::Log, &id).await.is_err() {
        permit::run(app, caller, Right::See, &id).await?;
    }
    app.read(move |tx, _| lines::count(tx, &lookup::find(tx, &id)?)).await
}

/// Returns the last lines of a run.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn ends(app: &Arc<App>, caller: &Caller, id: RunId) -> Result<Ends, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &id)?;
        let last = |name| last(tx, &run, name);
        let (history, system) = (last(StreamName::History)?, last(StreamName::System)?);
        Ok(Ends { history, system })
    })
    .await
}

/// Returns the row with the highest step among the last rows of a stream's writers.
fn last(tx: &Tx<'_>, run: &Run, name: StreamName) -> Result<Option<Row>, Error> {
    let mut found: Option<Row> = None;
    for (attempt, writer, most) in Lineage::of(tx, run)?.streams(tx, run.key, name)? {
        let stream = Stream { run: run.key, name, attempt, writer: &writer };
        let end = store::blocks::unfenced(tx, stream)?.min(most);
        let Some(wanted) = end.checked_sub(1) else { continue };
        let Some(block) = store::blocks::after(tx, stream, wanted, 1, 0)?.pop() else { continue };
        let merged = block.merged.as_ref().map(|(key, head)| (*key, head.as_slice()));
        let mut number = block.first;
        pieces::each(
            tx,
            &block.frames,
            merged,
            |_| true,
            |row| {
                if number == wanted && found.as_ref().is_none_or(|found| row.step >= found.step) {
                    found = Some(row.to_row());
                }
                number += 1;
            },
        )?;
    }
    Ok(found)
}

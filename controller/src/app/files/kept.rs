//! Decides which checkpoints of a run keep their contents: the newest ones from which an attempt
//! can resume, and up to `OPEN` whose rows have not all arrived. `app::files::rows` calls this
//! module when a checkpoint arrives, and `app::change` calls it when a run is over.

use sweeps::lifecycle::run::State;

use crate::{
    app::error::Error,
    store::{self, Tx, blocks::Stream, checkpoints::Checkpoint, runs::Run},
};

/// The number of complete checkpoints of a live run whose contents stay: the newest one, and one
/// more in case the newest one is unusable.
pub(in crate::app) const KEPT: usize = 2;
/// The most incomplete checkpoints of a run whose contents stay. Some rows before such a checkpoint
/// have not arrived yet.
const OPEN: usize = 16;
/// Releases the contents of a run's older checkpoints. From the newest checkpoint on, contents stay
/// until `most` complete or `OPEN` incomplete checkpoints are kept.
pub(in crate::app) fn trim(tx: &Tx<'_>, run: &Run, most: usize) -> Result<(), Error> {
    let (mut complete, mut open) = (0, 0);
    for checkpoint in store::checkpoints::kept(tx, run.key)? {
        if complete == most || open == OPEN {
            store::checkpoints::release(tx, &checkpoint)?;
        } else if is_complete(tx, run, &checkpoint)? {
            complete += 1;
        } else {
            open += 1;
        }
    }
    Ok(())
}

/// Returns whether all rows before the checkpoint are stored. The rows are sent apart from the
/// checkpoint's row, and a node may die in between.
pub(super) fn is_complete(tx: &Tx<'_>, run: &Run, checkpoint: &Checkpoint) -> Result<bool, Error> {
    for end in store::checkpoints::ends(tx, checkpoint.key)? {
        let stream = Stream {
            run: run.key,
            name: end.stream,
            attempt: checkpoint.attempt,
            writer: &end.writer,
        };
        if store::blocks::unfenced(tx, stream)? < end.rows {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Trims the checkpoints of a run that is over. The newest complete checkpoint is enough for a
/// later attempt. A pruned run keeps no checkpoint, because it never gets another attempt.
pub(in crate::app) fn settle(tx: &Tx<'_>, run: &Run) -> Result<(), Error> {
    trim(tx, run, if run.state == State::Pruned { 0 } else { 1 })
}

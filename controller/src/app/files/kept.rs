//! Decides which checkpoints of a run keep their contents: the newest ones from which an attempt
//! can resume. It is called when a checkpoint arrives, and by `app::change` when a run is over.

use sweeps::lifecycle::run::State;

use crate::{
    app::error::Error,
    store::{self, Tx, blocks::Stream, checkpoints::Checkpoint, runs::Run},
};

/// The number of checkpoints of a live run whose contents stay: the newest, and one more in case
/// the newest is unusable.
pub(in crate::app) const KEPT: usize = 2;
/// The number of checkpoints without all of their rows whose contents stay for now.
const OPEN: usize = 16;
/// Releases the contents of all but the newest checkpoints that an attempt can resume from, or may
/// be able to resume from later.
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

/// Returns whether all rows before the checkpoint are stored. They take another way than the
/// checkpoint, and a node may die in between.
pub(super) fn is_complete(tx: &Tx<'_>, run: &Run, checkpoint: &Checkpoint) -> Result<bool, Error> {
    for end in store::checkpoints::ends(tx, checkpoint.key)? {
        let stream = Stream {
            run: run.key,
            name: &end.stream,
            attempt: checkpoint.attempt,
            writer: &end.writer,
        };
        if store::blocks::unfenced(tx, stream)? < end.rows {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Trims the checkpoints of a run that is over. The newest one is enough for a later attempt, and a
/// pruned run never gets another attempt.
pub(in crate::app) fn settle(tx: &Tx<'_>, run: &Run) -> Result<(), Error> {
    trim(tx, run, if run.state == State::Pruned { 0 } else { 1 })
}

//! Which checkpoints of a run keep their contents: the newest ones from which an attempt can go on.
//! Called when a checkpoint comes, and by `app::change` when a run is over.

use sweeps::lifecycle::run::State;

use crate::{
    app::error::Error,
    store::{self, Tx, blocks::Stream, checkpoints::Checkpoint, runs::Run},
};

/// Checkpoints of a run that goes on whose contents stay: the newest, and one more for when the
/// newest is of no use.
pub(in crate::app) const KEPT: usize = 2;
/// Checkpoints whose rows are not all here yet, and whose contents stay for them.
const OPEN: usize = 16;
/// Lets go of the contents of all but the newest checkpoints that an attempt can go on from, or may
/// be able to.
///
/// # Errors
/// When the database fails.
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

/// All rows before it are here. They come by another way than the checkpoint, and a node may die in
/// between.
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

/// A run is over: its newest checkpoint is enough for whoever takes it up again, which nobody does
/// with one that was pruned.
///
/// # Errors
/// When the database fails.
pub(in crate::app) fn settle(tx: &Tx<'_>, run: &Run) -> Result<(), Error> {
    trim(tx, run, if run.state == State::Pruned { 0 } else { 1 })
}

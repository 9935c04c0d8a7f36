//! Keeps the checkpoints that rows of the stream `files` name, and lets an attempt resume from a
//! checkpoint. The handlers in `api` call this module. So do `app::files::rows` for a checkpoint's
//! row and `app::files::blobs` for the right to read a checkpoint. A run that resumes gets the
//! summary, the counts and the value that it had at the checkpoint. So early stopping and the
//! search treat the run like a run that never stopped. This module never reads the content of a
//! checkpoint.

use std::sync::Arc;

use record::{
    checkpoint::CheckpointRow,
    ids::{Attempt, RunId},
    stream::StreamName,
};

pub(crate) use crate::store::checkpoints::Checkpoint;

use super::{kept::is_complete, owner::Names};
use crate::{
    app::{
        App,
        change::{Change, draft::Counts},
        error::{Error, Why},
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::{
            digest::{Digest, Summary},
            pieces, summaries, value,
        },
        runs::{
            lineage::Lineage,
            lookup::{self, check_attempt, fenced},
        },
    },
    store::{self, Tx, blocks::Stream, checkpoints::End, runs::Run},
};

/// The streams whose rows determine the counts, the value and the summary of a run.
const STREAMS: [StreamName; 2] = [StreamName::History, StreamName::Summary];

/// Keeps the checkpoint that a row names. The content of a checkpoint with `fenced` is not kept.
/// For any other checkpoint, the caller must then trim the checkpoints of the run.
///
/// # Errors
/// Fails with [`Why::Blob`] if the content is not stored.
pub(in crate::app) fn keep(
    change: &Change<'_>,
    names: &Names,
    run: &Run,
    stream: Stream<'_>,
    fenced: bool,
    row: &CheckpointRow,
) -> Result<(), Error> {
    let name = format!("the checkpoint at step {}", row.step);
    names.claim(change.tx, &name, &row.sha256, row.size)?;
    let checkpoint = Checkpoint {
        key: 0,
        attempt: stream.attempt,
        writer: stream.writer.to_owned(),
        step: row.step,
        sha256: row.sha256.clone(),
        size: row.size,
        logged_ms: change.app.clock.wall_ms(),
    };
    let ends = ends(change.tx, stream, row)?;
    store::checkpoints::insert(change.tx, run.key, &checkpoint, !fenced, &ends)?;
    Ok(())
}

/// Returns how many rows each writer of this stream had before a checkpoint. For the checkpoint's
/// own writer, the checkpoint's row says the number. For other writers, such as other ranks, it is
/// the number of rows that are stored now.
fn ends(tx: &Tx<'_>, stream: Stream<'_>, row: &CheckpointRow) -> Result<Vec<End>, Error> {
    let mut ends = Vec::new();
    for (name, own) in STREAMS.into_iter().zip([row.history, row.summary]) {
        let mut end = |writer: &str, rows| {
            ends.push(End { stream: name, writer: writer.to_owned(), rows });
        };
        end(stream.writer, own);
        for (_, writer) in store::blocks::writers(tx, stream.run, name, stream.attempt)? {
            if writer != stream.writer {
                end(
                    &writer,
                    store::blocks::unfenced(tx, Stream { name, writer: &writer, ..stream })?,
                );
            }
        }
    }
    Ok(ends)
}

/// Returns the checkpoints from which an attempt of the run can resume, newest first.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
) -> Result<Vec<Checkpoint>, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &id)?;
        let mut found = store::checkpoints::kept(tx, run.key)?;
        let mut complete = Vec::new();
        for checkpoint in found.drain(..) {
            if is_complete(tx, &run, &checkpoint)? {
                complete.push(checkpoint);
            }
        }
        Ok(complete)
    })
    .await
}

/// Returns whether a content is a checkpoint of the run that is still kept. A run may read such a
/// content by its hash.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(in crate::app) fn is_of(tx: &Tx<'_>, run: &RunId, sha256: &str) -> Result<bool, Error> {
    Ok(store::checkpoints::is_of(tx, lookup::find(tx, run)?.key, sha256)?)
}

/// Lets an attempt resume from a checkpoint of its run. A second call for the same attempt and
/// checkpoint changes nothing.
///
/// # Errors
/// - Fails with [`Error::Missing`] if the checkpoint does not exist.
/// - Fails with [`Why::Fenced`] if another attempt owns the run.
/// - Fails with [`Why::State`] if the attempt has logged rows already, or has resumed from another
///   checkpoint.
pub(crate) async fn resume(
    app: &Arc<App>,
    caller: &Caller,
    attempt: Attempt,
    key: i64,
) -> Result<(), Error> {
    permit::attempt(app, caller, &attempt).await?;
    app.leases.renew(&attempt, app.clock.now());
    let asked = attempt.clone();
    // The rows that led to a checkpoint do not change any more. So a reader sums them up, and the
    // writer thread does not have to.
    let before = app.read(move |tx, app| {
        let run = lookup::find(tx, &asked.run)?;
        match check(tx, &run, &asked, key)? {
            Some(checkpoint) => Ok(Some((before(tx, app, &run, &checkpoint)?, checkpoint))),
            None => Ok(None),
        }
    });
    let Some((before, checkpoint)) = before.await? else { return Ok(()) };
    app.change(move |change| {
        let mut run = change.run(&attempt.run)?;
        if check(change.tx, &run, &attempt, key)?.is_none() {
            return Ok(());
        }
        let Before { history, logged, iteration, value, summary } = before;
        change.edit(&mut run, |change, run| {
            change.hear(run)?;
            (run.history, run.logged, run.iteration, run.value) =
                (history, logged, iteration, value);
            Ok(())
        })?;
        summaries::save(change.tx, &run, &summary)?;
        let number = attempt.number;
        store::rungs::inherit(change.tx, run.key, checkpoint.attempt, number, iteration)?;
        store::checkpoints::resume(change.tx, run.key, number, checkpoint.key)?;
        change.told(&run)
    })
    .await
}

/// Returns the checkpoint if the attempt may resume from it. Returns `None` if the attempt has
/// resumed from the checkpoint already, or has logged the checkpoint itself.
fn check(tx: &Tx<'_>, run: &Run, of: &Attempt, key: i64) -> Result<Option<Checkpoint>, Error> {
    let attempt = of.number;
    if !check_attempt(run, attempt)? {
        return Err(fenced(of, run.attempt));
    }
    let known =
        store::checkpoints::resumes(tx, run.key)?.get(&attempt).map(|(checkpoint, _)| *checkpoint);
    if known == Some(key) {
        return Ok(None);
    }
    let checkpoint = store::checkpoints::find(tx, run.key, key)?;
    let checkpoint = checkpoint.ok_or_else(|| {
        Error::missing(format!("the run `{}` has no such checkpoint any more", run.id))
    })?;
    if checkpoint.attempt == attempt {
        return Ok(None);
    }
    let refused = |what: &str| {
        let message = format!("attempt {attempt} of the run `{}` {what}", run.id);
        Err(Error::refused(Why::State, message)
            .hint("an attempt can resume once, before it logs its first row"))
    };
    if known.is_some() {
        return refused("goes on from another checkpoint already");
    }
    for name in STREAMS {
        if !store::blocks::writers(tx, run.key, name, attempt)?.is_empty() {
            return refused("has logged rows already");
        }
    }
    Ok(Some(checkpoint))
}

/// The counts, the value and the summary of a run at a checkpoint.
#[derive(Debug)]
struct Before {
    history: u64,
    logged: u64,
    iteration: u64,
    value: Option<f64>,
    summary: Summary,
}

/// Computes the counts, the value and the summary that a run has at a checkpoint, from the rows of
/// the checkpoint's lineage.
fn before(tx: &Tx<'_>, app: &App, run: &Run, checkpoint: &Checkpoint) -> Result<Before, Error> {
    let lineage = Lineage::to(tx, run, checkpoint)?;
    let plan = run.sweep.as_ref().map(|sweep| app.plans.get(tx, sweep)).transpose()?;
    let mut anew = Run { history: 0, logged: 0, iteration: 0, value: None, ..run.clone() };
    let mut summary = Summary::default();
    for name in STREAMS {
        for (attempt, writer, rows) in lineage.streams(tx, run.key, name)? {
            let stream = Stream { run: run.key, name, attempt, writer: &writer };
            for piece in store::columns::pieces(tx, stream)? {
                if piece.fenced || piece.first >= rows {
                    continue;
                }
                let frames = pieces::first(tx, piece.key, rows - piece.first)?;
                let digest = Digest::of(&frames).map_err(pieces::damaged)?;
                if name == StreamName::History {
                    anew.history += digest.rows;
                    summary.add_history(&digest, &app.settings.limits);
                } else {
                    summary.add_summary(&digest, &app.settings.limits);
                }
                if let Some(plan) = &plan
                    && let Some(key) = plan.metric().and_then(|metric| digest.key(&metric.name))
                {
                    anew.iteration += if name == StreamName::History { key.finite } else { 0 };
                    value::count(&mut Counts::of(&mut anew), plan, key);
                }
            }
        }
    }
    let Run { history, logged, iteration, value, .. } = anew;
    Ok(Before { history, logged, iteration, value, summary })
}

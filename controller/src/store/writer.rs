//! The one that writes, on a thread of its own. It takes whatever use cases wait, up to a bound,
//! runs each in its own savepoint, commits and syncs once, and only then answers: an
//! acknowledgement means committed and synced. Called by `Store::write`. Never reads a clock and
//! never knows what a use case does.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use probes::{Bug, planted};
use tokio::sync::{mpsc, oneshot};
use tracing::field;

use super::{
    database::{Error, Session, Tx},
    guard::Guard,
    work::{LONGEST, Work},
};

/// A use case that waits for the writer.
pub(super) trait Job: Send {
    /// Runs it; true when what it wrote shall be kept.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Answers the caller.
    fn answer(self: Box<Self>, fate: Fate<'_>);
}

/// What became of what the use cases of a group have written.
#[derive(Clone, Copy)]
pub(super) enum Fate<'a> {
    /// It is on the disk.
    Kept,
    /// It is in the database, but the next controller will not find that. What follows a commit
    /// happens, so that memory says what the database says; the caller hears the error.
    Astray(&'a Error),
    /// Nothing of it was kept.
    Lost(&'a Error),
}

/// A use case, what follows its commit, and who waits for the answer.
pub(super) struct Ticket<T, E, W, A> {
    pub(super) work: Option<W>,
    pub(super) after: A,
    pub(super) outcome: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, W, A> Job for Ticket<T, E, W, A>
where
    T: Send,
    E: From<Error> + Send,
    W: FnOnce(&Tx<'_>) -> Result<T, E> + Send,
    A: FnOnce(&T) + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let outcome = outcome.unwrap_or_else(|panic| Err(E::from(panicked(panic.as_ref()))));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, fate: Fate<'_>) {
        let Ticket { after, outcome, reply, .. } = *self;
        let outcome = match (outcome, fate) {
            (Some(Err(error)), _) => Err(error),
            (_, Fate::Lost(error)) => Err(E::from(error.clone())),
            (Some(Ok(value)), Fate::Astray(error)) => {
                after(&value);
                Err(E::from(error.clone()))
            }
            (Some(Ok(value)), Fate::Kept) => {
                after(&value);
                Ok(value)
            }
            (None, _) => {
                Err(E::from(Error::Bug("a use case was committed without being run".to_owned())))
            }
        };
        // A caller that has gone away does not hear the answer; what was committed stays.
        let _ = reply.send(outcome);
    }
}

/// What a panic said, as an error for the caller whose use case it was.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::Bug(format!("a use case panicked: {}", text.unwrap_or("no message")))
}

/// Works until nobody can send any more.
pub(super) async fn work(
    session: Session,
    guard: Arc<Guard>,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    batch: usize,
) {
    let mut waiting: Vec<Box<dyn Job>> = Vec::with_capacity(batch);
    while let Some(first) = queue.recv().await {
        waiting.push(first);
        while waiting.len() < batch
            && let Ok(next) = queue.try_recv()
        {
            waiting.push(next);
        }
        commit(&session, &guard, &mut waiting);
    }
    // Into a folder that is gone nothing has to be moved, and into a damaged database nothing may
    // be.
    if let Err(error) = guard.check().and_then(|()| session.checkpoint()) {
        tracing::warn!("the last checkpoint failed: {error}");
    }
}

/// Runs and commits what waits. When the database loses the transaction on the way, everything so
/// far is answered with that and the rest gets a transaction of its own. The guard is asked twice:
/// before, so that nothing is written where nobody finds it, and after, so that nothing is
/// acknowledged there.
fn commit(session: &Session, guard: &Guard, waiting: &mut Vec<Box<dyn Job>>) {
    if let Err(error) = guard.check() {
        return answer(waiting, Fate::Lost(&error));
    }
    let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(waiting.len());
    for mut job in waiting.drain(..) {
        let ran = step(session, job.as_mut());
        done.push(job);
        if let Err(error) = ran {
            let _ = session.rollback();
            note(guard, &error);
            answer(&mut done, Fate::Lost(&error));
        }
    }
    if done.is_empty() {
        return;
    }
    if planted(Bug::AnswerBeforeCommit) {
        answer(&mut done, Fate::Kept);
    }
    if let Err(error) = session.commit() {
        let _ = session.rollback();
        note(guard, &error);
        return answer(&mut done, Fate::Lost(&error));
    }
    match guard.check() {
        Ok(()) => answer(&mut done, Fate::Kept),
        Err(error) => answer(&mut done, Fate::Astray(&error)),
    }
}

/// A database that is found to be damaged is not written to any more.
fn note(guard: &Guard, error: &Error) {
    if let Error::Damaged(damage) = error {
        guard.condemn(damage);
    }
}

fn step(session: &Session, job: &mut dyn Job) -> Result<(), Error> {
    if !session.is_open() {
        session.begin()?;
    }
    session.save()?;
    let keep = run(session, job);
    if !session.is_open() {
        return Err(Error::Disk("the disk failed in the middle of a transaction".to_owned()));
    }
    if keep { session.keep() } else { session.undo() }
}

/// Runs a use case. What it makes the writer do is told to whoever listens, and to the log when it
/// is more than any may.
fn run(session: &Session, job: &mut dyn Job) -> bool {
    let span = tracing::debug_span!("held", work = field::Empty, bound_us = field::Empty);
    let tx = session.tx();
    let keep = span.in_scope(|| job.run(&tx));
    let work @ Work { statements, steps, bytes, rewritten, json, rows } = tx.work();
    span.record("work", field::debug([statements, steps, bytes, rewritten, json, rows]));
    span.record("bound_us", work.bound().as_micros() as u64);
    if work.bound() > LONGEST {
        tracing::warn!("a use case made the writer do more than any should: {work:?}");
    }
    keep
}

fn answer(done: &mut Vec<Box<dyn Job>>, fate: Fate<'_>) {
    for job in done.drain(..) {
        // What follows a commit is ours; if it panics, the others must still be answered.
        if catch_unwind(AssertUnwindSafe(|| job.answer(fate))).is_err() {
            tracing::error!("a panic after a commit");
        }
    }
}

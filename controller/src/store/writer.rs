//! Writes to the database, on a thread of its own or as a task of the only thread. The writer takes
//! the use cases that wait, up to a bound, and runs each in its own savepoint. It then commits and
//! syncs all of them at once. It answers only after that: an acknowledgement means committed and
//! synced. `Store::write` calls it. It never reads a clock and does not depend on what a use case
//! does.

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
    /// Runs the use case. Returns whether to keep what the use case wrote.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Answers the caller. Unless the writes are lost, it first runs the work that follows the
    /// commit.
    fn answer(self: Box<Self>, fate: Fate<'_>);
}

/// The fate of the writes of a group of use cases.
#[derive(Clone, Copy)]
pub(super) enum Fate<'a> {
    /// The writes are on the disk.
    Kept,
    /// The writes are in the database, but the next controller will not find that database. The
    /// work that follows the commit still runs, so that memory agrees with the database. The caller
    /// gets the error.
    Astray(&'a Error),
    /// None of the writes were kept.
    Lost(&'a Error),
}

/// A use case, the work after its commit, and the channel to its caller.
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
        // A caller that has gone away does not get the answer. What was committed stays.
        let _ = reply.send(outcome);
    }
}

/// Turns a panic into an error for the caller whose use case it was.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::Bug(format!("a use case panicked: {}", text.unwrap_or("no message")))
}

/// Runs the use cases from the queue until every sender is gone.
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
    // If the folder is gone, the log need not be moved into the database. If the database is
    // damaged, the log must not be moved into it.
    if let Err(error) = guard.check().and_then(|()| session.checkpoint()) {
        tracing::warn!("the last checkpoint failed: {error}");
    }
}

/// Runs and commits the use cases that wait. If the database loses the transaction in between, the
/// use cases so far get that error, and the others get a new transaction. The guard is checked
/// twice. The check before the first write prevents writes that no later controller finds. The
/// check after the commit prevents that such a write is acknowledged.
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

/// If the error is damage of the database, stops all later writes to it.
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

/// Runs a use case. Reports its work to tracing, and logs a warning if the work exceeds
/// [`LONGEST`].
fn run(session: &Session, job: &mut dyn Job) -> bool {
    let span = tracing::debug_span!("held", work = field::Empty, bound_us = field::Empty);
    let tx = session.tx();
    let keep = span.in_scope(|| job.run(&tx));
    let work @ Work { statements, steps, bytes, rewritten, json, rows } = tx.work();
    span.record("work", field::debug([statements, steps, bytes, rewritten, json, rows]));
    span.record("bound_us", work.bound().as_micros() as u64);
    if work.bound() > LONGEST {
        tracing::warn!("a use case made the writer work longer than allowed: {work:?}");
    }
    keep
}

fn answer(done: &mut Vec<Box<dyn Job>>, fate: Fate<'_>) {
    for job in done.drain(..) {
        // If the work after one commit panics, the other callers must still get their answers.
        if catch_unwind(AssertUnwindSafe(|| job.answer(fate))).is_err() {
            tracing::error!("a use case panicked after its commit");
        }
    }
}

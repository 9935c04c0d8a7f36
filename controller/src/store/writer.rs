//! The one that writes, on a thread of its own. It takes whatever use cases wait, up to a bound, runs each in its own savepoint, commits and
//! syncs once, and only then answers: an acknowledgement means committed and synced. Called by `Store::write`. Never reads
//! a clock and never knows what a use case does.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use probes::{Bug, planted};
use tokio::sync::{mpsc, oneshot};
use tracing::field;

use super::{
    database::{Error, Session, Tx},
    work::{LONGEST, Work},
};

/// A use case that waits for the writer.
pub(super) trait Job: Send {
    /// Runs it; true when what it wrote shall be kept.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Answers the caller; `lost` says why nothing was committed.
    fn answer(self: Box<Self>, lost: Option<&Error>);
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

    fn answer(self: Box<Self>, lost: Option<&Error>) {
        let Ticket { after, outcome, reply, .. } = *self;
        let outcome = match (outcome, lost) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(lost)) => Err(E::from(lost.clone())),
            (Some(Ok(value)), None) => {
                after(&value);
                Ok(value)
            }
            (None, None) => Err(E::from(Error::Bug("a use case was committed without being run".to_owned()))),
        };
        // A caller that has gone away does not hear the answer; what was committed stays.
        let _ = reply.send(outcome);
    }
}

/// What a panic said, as an error for the caller whose use case it was.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::Bug(format!("a use case panicked: {}", text.unwrap_or("no message")))
}

/// Works until nobody can send any more.
pub(super) async fn work(session: Session, mut queue: mpsc::Receiver<Box<dyn Job>>, batch: usize) {
    let mut waiting: Vec<Box<dyn Job>> = Vec::with_capacity(batch);
    while let Some(first) = queue.recv().await {
        waiting.push(first);
        while waiting.len() < batch
            && let Ok(next) = queue.try_recv()
        {
            waiting.push(next);
        }
        commit(&session, &mut waiting);
    }
    if let Err(error) = session.checkpoint() {
        tracing::warn!("the last checkpoint failed: {error}");
    }
}

/// Runs and commits what waits. When the database loses the transaction on the way, everything so far is answered with
/// that and the rest gets a transaction of its own.
fn commit(session: &Session, waiting: &mut Vec<Box<dyn Job>>) {
    let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(waiting.len());
    for mut job in waiting.drain(..) {
        let ran = step(session, job.as_mut());
        done.push(job);
        if let Err(error) = ran {
            let _ = session.rollback();
            answer(&mut done, Some(&error));
        }
    }
    if done.is_empty() {
        return;
    }
    if planted(Bug::AnswerBeforeCommit) {
        answer(&mut done, None);
    }
    let committed = session.commit();
    if committed.is_err() {
        let _ = session.rollback();
    }
    answer(&mut done, committed.err().as_ref());
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

/// Runs a use case. What it makes the writer do is told to whoever listens, and to the log when it is more than any may.
fn run(session: &Session, job: &mut dyn Job) -> bool {
    let span = tracing::debug_span!("held", work = field::Empty, bound_us = field::Empty);
    let tx = session.tx();
    let keep = span.in_scope(|| job.run(&tx));
    let work @ Work { statements, steps, bytes, json, rows } = tx.work();
    span.record("work", field::debug([statements, steps, bytes, json, rows]));
    span.record("bound_us", work.bound().as_micros() as u64);
    if work.bound() > LONGEST {
        tracing::warn!("a use case made the writer do more than any should: {work:?}");
    }
    keep
}

fn answer(done: &mut Vec<Box<dyn Job>>, lost: Option<&Error>) {
    for job in done.drain(..) {
        // What follows a commit is ours; if it panics, the others must still be answered.
        if catch_unwind(AssertUnwindSafe(|| job.answer(lost))).is_err() {
            tracing::error!("a panic after a commit");
        }
    }
}

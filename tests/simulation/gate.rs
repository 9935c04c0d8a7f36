//! Stops processes: a future behind a closed gate is not polled, as the kernel does not schedule a
//! process after SIGSTOP. When the gate opens, the process notices the timers and messages that
//! came meanwhile.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// A gate for all tasks of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    closed: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    /// Stops everything behind the gate.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    /// Lets everything behind the gate continue.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        state.closed = false;
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Puts a future behind this gate.
    pub(crate) fn behind<F: Future>(&self, future: F) -> Behind<F> {
        Behind { gate: self.clone(), future: Box::pin(future) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A future behind a gate.
pub(crate) struct Behind<F> {
    gate: Gate,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Behind<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut state = self.gate.state();
            if state.closed {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
        }
        self.future.as_mut().poll(context)
    }
}

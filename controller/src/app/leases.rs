//! Leases: until when each held attempt lives without a word from its agent. Deadlines are monotonic and in memory; a
//! controller that starts gives every lease a full term. Filled by commits, renewed by heartbeats and appends, emptied by
//! `upkeep`. Never decides what an expired lease means.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// All leases.
#[derive(Debug)]
pub(crate) struct Leases {
    term: Duration,
    table: Mutex<HashMap<String, Lease>>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    attempt: u32,
    deadline: Instant,
}

impl Leases {
    /// No lease yet; each will last `term`.
    pub(crate) fn new(term: Duration) -> Self {
        Self { term, table: Mutex::default() }
    }

    /// An attempt is held from now on.
    pub(crate) fn grant(&self, run: &str, attempt: u32, now: Instant) {
        self.lock().insert(run.to_owned(), Lease { attempt, deadline: now + self.term });
    }

    /// The attempt was heard of.
    pub(crate) fn renew(&self, run: &str, attempt: u32, now: Instant) {
        if let Some(lease) = self.lock().get_mut(run).filter(|lease| lease.attempt == attempt) {
            lease.deadline = now + self.term;
        }
    }

    /// Nobody holds the run any more.
    pub(crate) fn release(&self, run: &str) {
        self.lock().remove(run);
    }

    /// Runs, with their attempts, whose lease is over.
    pub(crate) fn expired(&self, now: Instant) -> Vec<(String, u32)> {
        let over =
            |(run, lease): (&String, &Lease)| (lease.deadline <= now).then(|| (run.clone(), lease.attempt));
        self.lock().iter().filter_map(over).collect()
    }

    /// Whether the lease of this attempt is over, or it has none.
    pub(crate) fn is_over(&self, run: &str, attempt: u32, now: Instant) -> bool {
        self.lock().get(run).is_none_or(|lease| lease.attempt != attempt || lease.deadline <= now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

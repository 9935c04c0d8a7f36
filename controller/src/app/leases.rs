//! Leases: until when each held attempt lives without a word from its agent. Deadlines are monotonic and in memory; a
//! controller that starts gives every lease a full term. Filled by commits, renewed by heartbeats and appends, emptied by
//! `upkeep`. Never decides what an expired lease means.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use probes::{Bug, planted};
use tokio::time::Instant;

/// All leases.
#[derive(Debug)]
pub(crate) struct Leases {
    term: Duration,
    table: Mutex<BTreeMap<String, Lease>>,
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

    /// Nobody holds this attempt any more; a newer one keeps its lease.
    pub(crate) fn release_if(&self, run: &str, attempt: u32) {
        let mut table = self.lock();
        if table.get(run).is_some_and(|lease| lease.attempt == attempt) {
            table.remove(run);
        }
    }

    /// Runs, with their attempts, whose lease is over; by id, so that what follows comes in one order.
    pub(crate) fn expired(&self, now: Instant) -> Vec<(String, u32)> {
        let is_over = |lease: &Lease| lease.deadline <= now && !planted(Bug::EndlessLeases);
        let over = |(run, lease): (&String, &Lease)| is_over(lease).then(|| (run.clone(), lease.attempt));
        self.lock().iter().filter_map(over).collect()
    }

    /// Whether the lease of this attempt is over, or it has none.
    pub(crate) fn is_over(&self, run: &str, attempt: u32, now: Instant) -> bool {
        self.lock().get(run).is_none_or(|lease| lease.attempt != attempt || lease.deadline <= now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Lease>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn an_older_attempt_does_not_release_a_newer_one() {
        let (leases, now) = (Leases::new(Duration::from_secs(1)), Clock::system().now());
        leases.grant("a-1", 2, now);
        leases.release_if("a-1", 1);
        assert!(!leases.is_over("a-1", 2, now));
        leases.release_if("a-1", 2);
        assert!(leases.is_over("a-1", 2, now));
    }
}

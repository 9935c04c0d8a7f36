//! Keeps the leases: until when each held attempt may go without a report from its agent or
//! process. Deadlines are monotonic times in memory. A controller that starts gives every held
//! attempt a lease with a full term. Commits grant and end leases, and heartbeats and appends renew
//! them. This module never decides what follows from an expired lease.
//!
//! A renewal costs one look-up. A search for expired leases checks only the leases that may have
//! expired. So searches check each lease about once per term, however many leases there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use probes::{Bug, planted};
use tokio::time::Instant;

/// The leases of all held attempts.
#[derive(Debug)]
pub(crate) struct Leases {
    term: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    of_runs: BTreeMap<String, Lease>,
    /// The ids of the runs with a lease, ordered by the time of each lease's next check.
    looks: BTreeSet<(Instant, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    attempt: u32,
    deadline: Instant,
    /// The time of the lease's next check, never later than the deadline. A renewal moves the
    /// deadline and leaves the time of the check as it is.
    look: Instant,
}

impl Leases {
    /// Creates an empty table whose leases will last `term` each.
    pub(crate) fn new(term: Duration) -> Self {
        Self { term, table: Mutex::default() }
    }

    /// Records that an attempt is held from now on.
    pub(crate) fn grant(&self, run: &str, attempt: u32, now: Instant) {
        let (mut table, deadline) = (self.lock(), now + self.term);
        table.remove(run);
        table.of_runs.insert(run.to_owned(), Lease { attempt, deadline, look: deadline });
        table.looks.insert((deadline, run.to_owned()));
    }

    /// Renews the lease of an attempt that reported itself.
    pub(crate) fn renew(&self, run: &str, attempt: u32, now: Instant) {
        if let Some(lease) =
            self.lock().of_runs.get_mut(run).filter(|lease| lease.attempt == attempt)
        {
            lease.deadline = now + self.term;
        }
    }

    /// Ends the lease of a run that no agent or process holds any more.
    pub(crate) fn release(&self, run: &str) {
        self.lock().remove(run);
    }

    /// Ends the lease of an attempt that no agent or process holds any more. A newer attempt of the
    /// run keeps its lease.
    pub(crate) fn release_if(&self, run: &str, attempt: u32) {
        let mut table = self.lock();
        if table.of_runs.get(run).is_some_and(|lease| lease.attempt == attempt) {
            table.remove(run);
        }
    }

    /// Returns the runs whose lease has expired, with their attempts. The runs are sorted by id, so
    /// that the controller handles them in a fixed order. A run is returned again until its lease
    /// is released or renewed.
    pub(crate) fn expired(&self, now: Instant) -> Vec<(String, u32)> {
        if planted(Bug::EndlessLeases) {
            return Vec::new();
        }
        let mut guard = self.lock();
        let table = &mut *guard;
        let due: Vec<_> =
            table.looks.iter().take_while(|(look, _)| *look <= now).cloned().collect();
        let mut over = Vec::new();
        for place in due {
            let Some(lease) = table.of_runs.get_mut(&place.1) else { continue };
            if lease.deadline <= now {
                over.push((place.1, lease.attempt));
                continue;
            }
            lease.look = lease.deadline;
            table.looks.remove(&place);
            table.looks.insert((lease.look, place.1));
        }
        over.sort_unstable();
        over
    }

    /// Returns whether the lease of this attempt has expired or does not exist.
    pub(crate) fn is_over(&self, run: &str, attempt: u32, now: Instant) -> bool {
        self.lock()
            .of_runs
            .get(run)
            .is_none_or(|lease| lease.attempt != attempt || lease.deadline <= now)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, run: &str) {
        if let Some((run, lease)) = self.of_runs.remove_entry(run) {
            self.looks.remove(&(lease.look, run));
        }
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

    #[test]
    fn an_expired_lease_is_returned_until_it_is_released_or_renewed() {
        let (term, now) = (Duration::from_secs(10), Clock::system().now());
        let (leases, later) = (Leases::new(term), |seconds| now + Duration::from_secs(seconds));
        for (run, seconds) in [("b", 0), ("a", 0), ("c", 5)] {
            leases.grant(run, 1, later(seconds));
        }
        leases.grant("b", 2, later(1));
        assert_eq!(leases.expired(later(9)), []);
        leases.renew("a", 1, later(9));
        let b = ("b".to_owned(), 2);
        assert_eq!(leases.expired(later(14)), std::slice::from_ref(&b));
        assert_eq!(leases.expired(later(15)), [b.clone(), ("c".to_owned(), 1)]);
        leases.release("c");
        assert_eq!(leases.expired(later(19)), [("a".to_owned(), 1), b]);
        leases.release_if("b", 2);
        leases.renew("a", 1, later(19));
        assert_eq!(leases.expired(later(28)), []);
        assert_eq!(leases.expired(later(29)), [("a".to_owned(), 1)]);
        leases.release("a");
        let table = leases.lock();
        assert!(table.of_runs.is_empty() && table.looks.is_empty(), "{table:?}");
    }
}

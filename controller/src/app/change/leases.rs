//! Keeps the leases: until when each held attempt may go without a report from its agent or
//! process. Deadlines are monotonic times in memory. A controller that starts gives every held
//! attempt a lease with a full term. Commits grant and end leases. Heartbeats, appends and resumes
//! from a checkpoint renew them. This module never decides what follows from an expired lease.
//!
//! A renewal costs one look-up. A search for expired leases checks only the leases that may have
//! expired. So searches check each lease about once per term, however many leases there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use probes::{Bug, planted};
use record::ids::{Attempt, RunId};
use tokio::time::Instant;

/// The leases of all held attempts.
#[derive(Debug)]
pub(crate) struct Leases {
    term: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    of_runs: BTreeMap<RunId, Lease>,
    /// The ids of the runs with a lease, ordered by the time of each lease's next check.
    looks: BTreeSet<(Instant, RunId)>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    attempt: u32,
    /// How long the lease lasts after each report.
    term: Duration,
    deadline: Instant,
    /// The time of the lease's next check, never later than the deadline. A renewal moves the
    /// deadline and leaves the time of the check as it is.
    look: Instant,
}

impl Leases {
    /// Creates an empty table whose leases last `term`, unless they have a term of their own.
    pub(crate) fn new(term: Duration) -> Self {
        Self { term, table: Mutex::default() }
    }

    /// Records that an attempt is held from now on. `lease_ms` is the term of its lease; `None`
    /// means the usual term.
    pub(crate) fn grant(&self, attempt: &Attempt, lease_ms: Option<i64>, now: Instant) {
        let own = lease_ms.and_then(|own| u64::try_from(own).ok()).map(Duration::from_millis);
        let term = own.unwrap_or(self.term);
        let (mut table, deadline) = (self.lock(), now + term);
        let Attempt { run, number } = attempt;
        table.remove(run);
        let lease = Lease { attempt: *number, term, deadline, look: deadline };
        table.of_runs.insert(run.clone(), lease);
        table.looks.insert((deadline, run.clone()));
    }

    /// Renews the lease of an attempt that reported itself. Does nothing if the attempt has no
    /// lease.
    pub(crate) fn renew(&self, attempt: &Attempt, now: Instant) {
        if let Some(lease) = self.lock().of_runs.get_mut(&attempt.run)
            && lease.attempt == attempt.number
        {
            lease.deadline = now + lease.term;
        }
    }

    /// Ends the lease of a run that no agent or process holds any more.
    pub(crate) fn release(&self, run: &RunId) {
        self.lock().remove(run);
    }

    /// Ends the lease of an attempt that no agent or process holds any more. A newer attempt of the
    /// run keeps its lease.
    pub(crate) fn release_if(&self, attempt: &Attempt) {
        let mut table = self.lock();
        if table.of_runs.get(&attempt.run).is_some_and(|lease| lease.attempt == attempt.number) {
            table.remove(&attempt.run);
        }
    }

    /// Returns the attempts whose lease has expired. They are sorted by the run's id, so that the
    /// following work has a fixed order. An attempt is returned again until its lease is released
    /// or renewed.
    pub(crate) fn expired(&self, now: Instant) -> Vec<Attempt> {
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
                over.push(Attempt { run: place.1, number: lease.attempt });
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
    pub(crate) fn is_over(&self, attempt: &Attempt, now: Instant) -> bool {
        self.lock()
            .of_runs
            .get(&attempt.run)
            .is_none_or(|lease| lease.attempt != attempt.number || lease.deadline <= now)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, run: &RunId) {
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
        let [older, newer] = [1, 2].map(|number| Attempt::new("a-1", number));
        leases.grant(&newer, None, now);
        leases.release_if(&older);
        assert!(!leases.is_over(&newer, now));
        leases.release_if(&newer);
        assert!(leases.is_over(&newer, now));
    }

    #[test]
    fn an_expired_lease_is_returned_until_it_is_released_or_renewed() {
        let (term, now) = (Duration::from_secs(10), Clock::system().now());
        let (leases, later) = (Leases::new(term), |seconds| now + Duration::from_secs(seconds));
        let [a, older, b, c] =
            [("a", 1), ("b", 1), ("b", 2), ("c", 1)].map(|(run, number)| Attempt::new(run, number));
        for (attempt, seconds) in [(&older, 0), (&a, 0), (&c, 5)] {
            leases.grant(attempt, None, later(seconds));
        }
        leases.grant(&b, None, later(1));
        assert_eq!(leases.expired(later(9)), []);
        leases.renew(&a, later(9));
        assert_eq!(leases.expired(later(14)), std::slice::from_ref(&b));
        assert_eq!(leases.expired(later(15)), [b.clone(), c.clone()]);
        leases.release(&c.run);
        assert_eq!(leases.expired(later(19)), [a.clone(), b.clone()]);
        leases.release_if(&b);
        leases.renew(&a, later(19));
        assert_eq!(leases.expired(later(28)), []);
        assert_eq!(leases.expired(later(29)), std::slice::from_ref(&a));
        leases.release(&a.run);
        let table = leases.lock();
        assert!(table.of_runs.is_empty() && table.looks.is_empty(), "{table:?}");
    }
}

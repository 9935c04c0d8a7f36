//! Which streams have rows that may be merged. `app::rows::ingest` notes them,
//! `app::rows::compaction` merges them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::store::blocks::Stream;

/// Appends that are merged at once, unless they are large.
pub(super) const APPENDS: usize = 64;
/// Bytes of appends that are worth a merge, however few they are.
pub(super) const APPENDED_BYTES: u64 = 256 << 10;
/// After this it is asked whether a run is over, so that little is left in small pieces.
pub(super) const SETTLED: Duration = Duration::from_secs(30);

/// Where there may be work. A hint alone: what is merged is decided by the rows.
#[derive(Debug, Default)]
pub(in crate::app) struct Compaction(pub(in crate::app) Mutex<Option<BTreeMap<Place, Waiting>>>);

/// A stream of an attempt's writer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app) struct Place {
    pub(in crate::app) run: i64,
    pub(in crate::app) stream: String,
    pub(in crate::app) attempt: u32,
    pub(in crate::app) writer: String,
}

/// What came since the stream was last looked at.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Waiting {
    pub(in crate::app) appends: usize,
    pub(in crate::app) bytes: u64,
    pub(in crate::app) since: Instant,
}

impl Compaction {
    /// Something was appended.
    pub(in crate::app) fn note(&self, stream: Stream<'_>, bytes: usize, now: Instant) {
        let place = Place {
            run: stream.run,
            stream: stream.name.to_owned(),
            attempt: stream.attempt,
            writer: stream.writer.to_owned(),
        };
        // Before the first step nothing is known yet; that step looks at all that is stored.
        if let Some(places) = self.lock().as_mut() {
            let waiting =
                places.entry(place).or_insert(Waiting { appends: 0, bytes: 0, since: now });
            waiting.appends += 1;
            waiting.bytes += bytes as u64;
        }
    }

    /// Places that should be looked at now.
    pub(in crate::app) fn due(&self, now: Instant) -> Vec<Place> {
        let places = self.lock();
        let is_due = |waiting: &Waiting| {
            waiting.appends >= APPENDS
                || waiting.bytes >= APPENDED_BYTES
                || now >= waiting.since + SETTLED
        };
        let due = places.iter().flatten().filter(|(_, waiting)| is_due(waiting));
        due.map(|(place, _)| place.clone()).collect()
    }

    /// Begins a look at a place: what is appended from now on is noted anew.
    pub(in crate::app) fn begin(&self, place: &Place, now: Instant) {
        if let Some(waiting) = self.lock().as_mut().and_then(|places| places.get_mut(place)) {
            *waiting = Waiting { appends: 0, bytes: 0, since: now };
        }
    }

    /// Ends it: so many appends were left, and bytes of them; `None`: nothing will be merged unless
    /// more is appended.
    pub(in crate::app) fn end(&self, place: &Place, left: Option<(usize, u64)>) {
        let mut places = self.lock();
        let Some(places) = places.as_mut() else { return };
        match (left, places.get_mut(place)) {
            (Some((appends, bytes)), Some(waiting)) => {
                waiting.appends += appends;
                waiting.bytes += bytes;
            }
            (None, Some(waiting)) if waiting.appends == 0 => drop(places.remove(place)),
            _ => {}
        }
    }

    pub(in crate::app) fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<Place, Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_look_counts_at_the_next() {
        let compaction = Compaction(Mutex::new(Some(BTreeMap::new())));
        let now = crate::clock::Clock::system().now();
        let stream = Stream { run: 1, name: "history", attempt: 1, writer: "sdk" };
        (0..APPENDS).for_each(|_| compaction.note(stream, 10, now));
        let place = compaction.due(now).remove(0);
        compaction.begin(&place, now);
        compaction.note(stream, 10, now);
        compaction.end(&place, Some((30, 300)));
        assert!(compaction.due(now).is_empty());
        (0..APPENDS - 31).for_each(|_| compaction.note(stream, 10, now));
        assert_eq!(compaction.due(now).len(), 1);
        // A run that is over is forgotten, unless more came while it was looked at.
        compaction.begin(&place, now);
        compaction.note(stream, 10, now);
        compaction.end(&place, None);
        assert_eq!(compaction.due(now + SETTLED).len(), 1);
        compaction.begin(&place, now);
        compaction.end(&place, None);
        assert!(compaction.due(now + SETTLED).is_empty());
    }
}

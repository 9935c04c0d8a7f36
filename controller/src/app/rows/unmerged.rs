//! Keeps the list of streams that have rows to merge. `app::rows::ingest` adds streams to the list,
//! and `app::rows::compaction` merges their rows.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use record::stream::StreamName;
use tokio::time::Instant;

use crate::store::blocks::Stream;

/// The number of appends to a stream that make a merge due, even if the appends are small.
pub(super) const APPENDS: usize = 64;
/// The bytes of appends to a stream that make a merge due, even if the appends are few.
pub(super) const APPENDED_BYTES: u64 = 256 << 10;
/// The time after which compaction checks a stream with few appends. If the stream's run is over,
/// compaction merges the remaining pieces.
pub(super) const SETTLED: Duration = Duration::from_secs(30);

/// The streams that may have rows to merge; `None` before the first step. The list is only a hint:
/// the stored rows decide what is merged.
#[derive(Debug, Default)]
pub(in crate::app) struct Compaction(pub(in crate::app) Mutex<Option<BTreeMap<Place, Waiting>>>);

/// A stream of an attempt's writer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app) struct Place {
    pub(in crate::app) run: i64,
    pub(in crate::app) stream: StreamName,
    pub(in crate::app) attempt: u32,
    pub(in crate::app) writer: String,
}

/// The appends to a stream since compaction last checked the stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Waiting {
    pub(in crate::app) appends: usize,
    pub(in crate::app) bytes: u64,
    pub(in crate::app) since: Instant,
}

impl Compaction {
    /// Records an append to a stream.
    pub(in crate::app) fn note(&self, stream: Stream<'_>, bytes: usize, now: Instant) {
        let place = Place {
            run: stream.run,
            stream: stream.name,
            attempt: stream.attempt,
            writer: stream.writer.to_owned(),
        };
        // Before the first step of compaction there is no list. The first step finds this append
        // among the stored pieces.
        if let Some(places) = self.lock().as_mut() {
            let waiting =
                places.entry(place).or_insert(Waiting { appends: 0, bytes: 0, since: now });
            waiting.appends += 1;
            waiting.bytes += bytes as u64;
        }
    }

    /// Returns the places that compaction should check now.
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

    /// Begins a check of a place, and resets the place's count of appends.
    pub(in crate::app) fn begin(&self, place: &Place, now: Instant) {
        if let Some(waiting) = self.lock().as_mut().and_then(|places| places.get_mut(place)) {
            *waiting = Waiting { appends: 0, bytes: 0, since: now };
        }
    }

    /// Ends a check of a place. `left` holds the number of appends that are still unmerged, and
    /// their bytes. If `left` is `None`, nothing of the place will be merged before its next
    /// append.
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
    fn appends_that_a_look_leaves_count_at_the_next() {
        let compaction = Compaction(Mutex::new(Some(BTreeMap::new())));
        let now = crate::clock::Clock::system().now();
        let stream = Stream { run: 1, name: StreamName::History, attempt: 1, writer: "sdk" };
        (0..APPENDS).for_each(|_| compaction.note(stream, 10, now));
        let place = compaction.due(now).remove(0);
        compaction.begin(&place, now);
        compaction.note(stream, 10, now);
        compaction.end(&place, Some((30, 300)));
        assert!(compaction.due(now).is_empty());
        (0..APPENDS - 31).for_each(|_| compaction.note(stream, 10, now));
        assert_eq!(compaction.due(now).len(), 1);
        // The list forgets the stream of a run that is over, unless an append arrived during the
        // check.
        compaction.begin(&place, now);
        compaction.note(stream, 10, now);
        compaction.end(&place, None);
        assert_eq!(compaction.due(now + SETTLED).len(), 1);
        compaction.begin(&place, now);
        compaction.end(&place, None);
        assert!(compaction.due(now + SETTLED).is_empty());
    }
}

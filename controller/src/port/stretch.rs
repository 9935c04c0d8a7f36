//! Decides when many equal events get a line in the log. The first event gets a line at once. The
//! events of the next minute are counted, and share one line after that minute.

use std::{mem, time::Duration};

use tokio::time::Instant;

/// The time between two lines about the same kind of event.
const PAUSE: Duration = Duration::from_secs(60);

/// The events since the last line.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    told: Option<Instant>,
    untold: u64,
}

impl Stretch {
    /// Counts one more event. If a line is due, returns how many events came after the last line,
    /// with this one.
    pub(super) fn note(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        self.due(now)
    }

    /// Returns how many events came after the last line, if there were any and the last line is a
    /// minute old.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        if self.untold == 0 || self.told.is_some_and(|told| now < told + PAUSE) {
            return None;
        }
        self.told = Some(now);
        Some(mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn the_first_event_is_logged_at_once_and_the_others_as_a_count() {
        let (mut stretch, start) = (Stretch::default(), Clock::system().now());
        assert_eq!(stretch.due(start), None);
        assert_eq!(stretch.note(start), Some(1));
        for second in 0..59 {
            assert_eq!(stretch.note(start + Duration::from_secs(second)), None);
        }
        assert_eq!(stretch.due(start + PAUSE), Some(59));
        assert_eq!(stretch.due(start + 3 * PAUSE), None);
        assert_eq!(stretch.note(start + 3 * PAUSE), Some(1));
    }
}

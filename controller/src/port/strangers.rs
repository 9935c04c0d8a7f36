//! Slows down clients that come with a wrong token. Their answers wait longer and longer, so that
//! guessing costs the client's time and not the controller's. The log names each address at most
//! once a minute. This module never sees a call with the right token: it passes at once, whoever
//! else is behind the same address (docs/decisions/doors.md).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::stretch::Stretch;

/// How long the answer to the first wrong token of an address waits. The answer to each further one
/// waits twice as long as the one before, up to the second duration.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// The most answers to one address that wait at once. A client that sends another wrong token then
/// loses its connection.
const WAITING: usize = 64;
/// An address without a wrong token for this long is forgotten.
const QUIET: Duration = Duration::from_secs(60);
/// The most addresses that are remembered. Beyond that, the address whose last wrong token is the
/// oldest is forgotten.
const ADDRESSES: usize = 1024;

/// All addresses that a wrong token came from.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashMap<IpAddr, Stranger>>);

#[derive(Debug)]
struct Stranger {
    wrong: u32,
    last: Instant,
    waiting: usize,
    stretch: Stretch,
}

/// An answer to a wrong token that waits. Dropping this value makes room for another one.
#[derive(Debug)]
pub(super) struct Waiting {
    strangers: Arc<Strangers>,
    address: IpAddr,
    /// How long the answer waits.
    pub(super) pause: Duration,
}

impl Strangers {
    /// Counts a wrong token. Returns the answer to it, which waits for its pause. `None` if
    /// [`WAITING`] answers to this address wait already.
    pub(super) fn note(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<Waiting> {
        let mut table = self.table();
        if table.len() >= ADDRESSES && !table.contains_key(&address) {
            let quietest =
                table.iter().min_by_key(|(_, stranger)| stranger.last).map(|(address, _)| *address);
            quietest.map(|address| table.remove(&address));
        }
        let fresh = Stranger { wrong: 0, last: now, waiting: 0, stretch: Stretch::default() };
        let stranger = table.entry(address).or_insert(fresh);
        stranger.wrong = stranger.wrong.saturating_add(1);
        stranger.last = now;
        tell(address, stranger.stretch.note(now));
        if stranger.waiting >= WAITING {
            return None;
        }
        stranger.waiting += 1;
        let pause = PAUSES.0.saturating_mul(1 << (stranger.wrong - 1).min(16)).min(PAUSES.1);
        Some(Waiting { strangers: self.clone(), address, pause })
    }

    /// Returns how many answers to this address wait.
    pub(super) fn waiting(&self, address: IpAddr) -> usize {
        self.table().get(&address).map_or(0, |stranger| stranger.waiting)
    }

    /// Forgets addresses without a wrong token for [`QUIET`], and logs how many wrong tokens came
    /// from an address, at most once a minute.
    pub(super) fn tidy(&self, now: Instant) {
        self.table().retain(|address, stranger| {
            tell(*address, stranger.stretch.due(now));
            stranger.waiting > 0 || now < stranger.last + QUIET
        });
    }

    fn table(&self) -> MutexGuard<'_, HashMap<IpAddr, Stranger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(address: IpAddr, count: Option<u64>) {
    if let Some(count) = count {
        let calls = if count == 1 { "a call".to_owned() } else { format!("{count} calls") };
        tracing::warn!("{calls} without the right token came from {address}");
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(stranger) = self.strangers.table().get_mut(&self.address) {
            stranger.waiting = stranger.waiting.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::clock::Clock;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn pauses_grow_to_a_cap_and_are_forgotten() {
        let (strangers, now) = (Arc::<Strangers>::default(), Clock::system().now());
        let pauses = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000];
        for millis in pauses {
            assert_eq!(
                strangers.note(address(1), now).unwrap().pause,
                Duration::from_millis(millis)
            );
        }
        for _ in 0..100 {
            assert_eq!(strangers.note(address(1), now).unwrap().pause, PAUSES.1);
        }
        assert_eq!(strangers.note(address(2), now).unwrap().pause, PAUSES.0);
        strangers.tidy(now + QUIET);
        assert!(strangers.table().is_empty());
    }

    #[test]
    fn waiting_answers_and_remembered_addresses_are_bounded() {
        let (strangers, now) = (Arc::<Strangers>::default(), Clock::system().now());
        let waiting: Vec<Waiting> =
            (0..WAITING).map_while(|_| strangers.note(address(1), now)).collect();
        assert_eq!((waiting.len(), strangers.waiting(address(1))), (WAITING, WAITING));
        assert!(strangers.note(address(1), now).is_none());
        drop(waiting);
        assert_eq!(strangers.waiting(address(1)), 0);
        assert!(strangers.note(address(1), now).is_some());
        for number in 0..5000 {
            let _ = strangers.note(address(number), now + Duration::from_millis(u64::from(number)));
        }
        assert_eq!(strangers.table().len(), ADDRESSES);
        assert!(strangers.table().contains_key(&address(4999)));
    }
}

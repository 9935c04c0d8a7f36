//! Counts who is connected, and bounds the connections in all and from one address. When there is
//! no seat left, the oldest connection of an unknown caller is closed, or else the new connection.
//! A client shows its token at once; a stranger who only holds connections never does. `accept` and
//! `entrance` use it.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, oneshot},
    time::Instant,
};

use super::stretch::Stretch;
use crate::{api::caller::Welcome, clock::Clock};

/// The KiB of large messages that are received at once over one connection.
pub(super) const RECEIVED_OF_ONE_KIB: usize = 32 << 10;

/// The seats of all connections.
#[derive(Debug)]
pub(super) struct Seats {
    clock: Clock,
    most: usize,
    most_of_one: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    taken: HashMap<u64, Taken>,
    by_address: HashMap<IpAddr, usize>,
    /// The seats whose caller is not known yet, the oldest first: in all, and by address.
    strange: BTreeSet<u64>,
    strange_of: BTreeSet<(IpAddr, u64)>,
    crowd: Stretch,
}

#[derive(Debug)]
struct Taken {
    address: IpAddr,
    seat: Weak<Seat>,
    /// The connection ends when this is dropped.
    _stay: oneshot::Sender<()>,
}

/// The seat of one connection.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    /// The address that the connection comes from, as [`Seats`] counts it.
    pub(super) address: IpAddr,
    has_asked: AtomicBool,
    is_known: AtomicBool,
    /// The free room, in KiB, for large messages that come over this connection.
    pub(super) receiving: Arc<Semaphore>,
    /// The bytes of answers that wait to be sent over this connection.
    pub(super) sending: AtomicUsize,
    /// Notified when some of the bytes in `sending` have left.
    pub(super) landed: Notify,
    moved: Mutex<Instant>,
}

impl Seats {
    /// Makes `most` seats, of which half, rounded up, may be taken from one address.
    pub(super) fn new(most: usize, clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, most, most_of_one: most.div_ceil(2), table: Mutex::default() })
    }

    /// Takes a seat. Returns it with a receiver that becomes ready as soon as the seat has to be
    /// given up. If this address or all addresses together have their most seats, the oldest seat
    /// among them whose caller is unknown is given up. Returns `None` if there is no such seat.
    pub(super) fn take(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Option<(Arc<Seat>, oneshot::Receiver<()>)> {
        let address = counted(address);
        let mut table = self.table();
        let of_one = table.by_address.get(&address).copied().unwrap_or_default();
        let goes = if of_one >= self.most_of_one {
            Some(
                table
                    .strange_of
                    .range((address, 0)..=(address, u64::MAX))
                    .next()
                    .map(|(_, number)| *number),
            )
        } else if table.taken.len() >= self.most {
            Some(table.strange.first().copied())
        } else {
            None
        };
        if let Some(goes) = goes {
            table.tell_crowd(self.clock.now(), self.most, address, of_one);
            table.remove(goes?);
        }
        let number = table.next;
        table.next += 1;
        let (stay, leave) = oneshot::channel();
        let seat = Arc::new(Seat {
            seats: self.clone(),
            number,
            address,
            has_asked: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
            receiving: Arc::new(Semaphore::new(RECEIVED_OF_ONE_KIB)),
            sending: AtomicUsize::new(0),
            landed: Notify::new(),
            moved: Mutex::new(self.clock.now()),
        });
        table.taken.insert(number, Taken { address, seat: Arc::downgrade(&seat), _stay: stay });
        *table.by_address.entry(address).or_default() += 1;
        table.strange.insert(number);
        table.strange_of.insert((address, number));
        Some((seat, leave))
    }

    /// Ends the oldest connection whose caller is not known, if there is one.
    pub(super) fn dismiss_one(&self) {
        let mut table = self.table();
        if let Some(number) = table.strange.first().copied() {
            table.remove(number);
        }
    }

    /// Ends all connections whose caller is not known.
    pub(super) fn dismiss_strange(&self) {
        let mut table = self.table();
        while let Some(number) = table.strange.first().copied() {
            table.remove(number);
        }
    }

    /// Ends the connection that keeps the most bytes waiting, among those that have taken nothing
    /// for `stalled`. Returns where it came from and how many bytes waited.
    pub(super) fn dismiss_stalled(
        &self,
        now: Instant,
        stalled: Duration,
    ) -> Option<(IpAddr, usize)> {
        let mut table = self.table();
        let mut worst: Option<(usize, u64)> = None;
        for (number, taken) in &table.taken {
            let Some(seat) = taken.seat.upgrade() else { continue };
            let bytes = seat.sending.load(Ordering::Relaxed);
            if bytes > 0 && now >= seat.last_moved() + stalled {
                worst = worst.max(Some((bytes, *number)));
            }
        }
        let (bytes, number) = worst?;
        let address = table.taken.get(&number)?.address;
        table.remove(number);
        Some((address, bytes))
    }

    /// Logs how many connections found no free seat since the last such line, at most once a
    /// minute.
    pub(super) fn tell(&self, now: Instant) {
        if let Some(count) = self.table().crowd.due(now) {
            tracing::warn!("there was no room for {count} more connections in the last minute");
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, number: u64) {
        let Some(Taken { address, .. }) = self.taken.remove(&number) else { return };
        self.strange.remove(&number);
        self.strange_of.remove(&(address, number));
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    fn tell_crowd(&mut self, now: Instant, most: usize, address: IpAddr, of_one: usize) {
        let taken = self.taken.len();
        if self.crowd.note(now).is_some() {
            tracing::warn!(
                "there is no room for another connection from {address}: {of_one} of {taken} come \
                 from there, and {most} are allowed in all, half of them from one address; \
                 connections that have shown no token are closed, the oldest first"
            );
        }
    }
}

impl Seat {
    /// Records that a request has come.
    pub(super) fn ask(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
    }

    /// Returns whether a request has come.
    pub(super) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Records that bytes of answers have left at this time.
    pub(super) fn moved(&self, now: Instant) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn last_moved(&self) -> Instant {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the seat, and ends the connection if it still exists.
    pub(super) fn leave(&self) {
        self.seats.table().remove(self.number);
    }
}

impl Welcome for Seat {
    fn welcome(&self) {
        if !self.is_known.swap(true, Ordering::Relaxed) {
            let mut table = self.seats.table();
            table.strange.remove(&self.number);
            table.strange_of.remove(&(self.address, self.number));
        }
    }
}

/// Returns the address under which connections are counted. For IPv6 it is the network of 64 bits,
/// because one machine may use all addresses of such a network.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Returns the number of seats taken, of addresses that have some, and of seats of unknown
    /// callers.
    fn counts(seats: &Seats) -> (usize, usize, usize) {
        let table = seats.table();
        (table.taken.len(), table.by_address.len(), table.strange.len())
    }

    #[test]
    fn the_oldest_stranger_gives_up_its_seat() {
        let seats = Seats::new(4, Clock::system());
        let (_first, mut first_leave) = seats.take(from("10.0.0.1")).unwrap();
        let (second, mut second_leave) = seats.take(from("10.0.0.1")).unwrap();
        second.welcome();
        let (third, mut third_leave) = seats.take(from("10.0.0.1")).unwrap();
        assert!(
            first_leave.try_recv().is_err_and(|left| left == oneshot::error::TryRecvError::Closed)
        );
        assert!(
            second_leave.try_recv().is_err_and(|left| left == oneshot::error::TryRecvError::Empty)
        );
        third.welcome();
        assert!(seats.take(from("10.0.0.1")).is_none(), "clients are not dismissed");
        let (fourth, mut fourth_leave) = seats.take(from("10.0.0.2")).unwrap();
        let (_fifth, _leave) = seats.take(from("10.0.0.3")).unwrap();
        let (_sixth, _leave) = seats.take(from("10.0.0.4")).unwrap();
        assert!(
            fourth_leave.try_recv().is_err_and(|left| left == oneshot::error::TryRecvError::Closed)
        );
        assert!(
            third_leave.try_recv().is_err_and(|left| left == oneshot::error::TryRecvError::Empty)
        );
        fourth.leave();
        second.leave();
        third.leave();
        assert_eq!(counts(&seats), (2, 2, 2));
        seats.dismiss_strange();
        assert_eq!(counts(&seats), (0, 0, 0));
    }

    #[test]
    fn one_network_counts_as_one_address() {
        assert_eq!(counted(from("2001:db8:1:2:3::4")), counted(from("2001:db8:1:2::9")));
        assert_ne!(counted(from("2001:db8:1:2::9")), counted(from("2001:db8:1:3::9")));
        assert_eq!(counted(from("::ffff:10.0.0.1")), from("10.0.0.1"));
    }
}

//! Bounds the bytes on their way through the port. A large incoming message claims its room before
//! it is read, and every message has a deadline for its arrival. An answer goes out in pieces: the
//! next piece is made only while few bytes of the answer wait to be sent. So neither half-sent
//! messages nor clients that do not read fill the memory (docs/decisions/doors.md).

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tonic::{Status, body::Body, codegen::Bytes};

use super::seats::{RECEIVED_OF_ONE_KIB, Seat, Seats};
use crate::clock::Clock;

/// The KiB of large messages that are received at once, over all connections.
const RECEIVED_KIB: usize = 64 << 10;
/// The largest message that claims no room, in bytes.
pub(super) const SMALL: usize = 64 << 10;
/// How long a message may wait for room, and how long it may take to arrive.
pub(super) const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
/// While this many bytes of one answer wait to be sent, its next piece is not made.
const OF_ONE_ANSWER: usize = 64 << 10;
/// While this many bytes wait to be sent, no further piece of an answer is made: over one
/// connection, and over all connections.
const SENT: (usize, usize) = (8 << 20, 128 << 20);
/// A connection that has taken nothing for this long may be closed while the bytes that wait over
/// all connections are at their limit.
const STALLED: Duration = Duration::from_secs(10);
/// The time between two checks for room while the bytes that wait over all connections are at their
/// limit.
const LOOK: Duration = Duration::from_millis(100);

pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The bytes that are under way over all connections: of large messages that are received, and of
/// answers that wait to be sent.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) clock: Clock,
    seats: Arc<Seats>,
    receiving: Arc<Semaphore>,
    sending: AtomicUsize,
    looked: Mutex<Instant>,
}

impl Flow {
    /// Makes a flow with nothing under way.
    pub(super) fn new(seats: Arc<Seats>, clock: Clock) -> Arc<Self> {
        let receiving = Arc::new(Semaphore::new(RECEIVED_KIB));
        Arc::new(Self {
            clock,
            seats,
            receiving,
            sending: AtomicUsize::new(0),
            looked: Mutex::new(clock.now()),
        })
    }

    pub(super) async fn claim(
        self: Arc<Self>,
        seat: Arc<Seat>,
        bytes: usize,
    ) -> Result<Claim, Status> {
        let room = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let claim = async {
            let own = seat.receiving.clone().acquire_many_owned(room).await;
            let all = self.receiving.clone().acquire_many_owned(room).await;
            // No code closes these semaphores.
            Some(Claim { _own: own.ok()?, _all: all.ok()? })
        };
        let claimed = tokio::select! {
            claimed = claim => claimed,
            () = self.clock.sleep(PATIENCE.0) => None,
        };
        claimed.ok_or_else(|| {
            Status::unavailable("the controller receives as much as it can: try again soon")
        })
    }

    /// Closes the connection that keeps the most bytes waiting, among those that have taken nothing
    /// for [`STALLED`]. Does so at most once in [`LOOK`].
    fn relieve(&self) {
        let now = self.clock.now();
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if now < *looked + LOOK {
                return;
            }
            *looked = now;
        }
        if let Some((address, bytes)) = self.seats.dismiss_stalled(now, STALLED) {
            tracing::warn!(
                "a connection from {address} is closed: it left {bytes} bytes unread while others \
                waited"
            );
        }
    }
}

/// The room that a message has claimed: of its connection and of all connections.
#[derive(Debug)]
pub(super) struct Claim {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// The room of the message that a call is sending. It is held until the call is answered or its
/// next message begins.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<Option<Claim>>);

impl Claims {
    pub(super) fn set(&self, claim: Option<Claim>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = claim;
    }
}

/// The body of a request: gRPC messages, each behind a flag and its length.
pub(super) struct Received {
    body: Body,
    flow: Arc<Flow>,
    seat: Arc<Seat>,
    claims: Arc<Claims>,
    /// The bytes of the present message's head that have arrived.
    head: Vec<u8>,
    /// The bytes of the message that are still to come.
    left: usize,
    /// The bytes that wait for room before they are passed on.
    waiting: Option<(Bytes, Boxed<Result<Claim, Status>>)>,
    late: Option<Boxed<()>>,
}

impl Received {
    pub(super) fn new(body: Body, flow: Arc<Flow>, seat: Arc<Seat>, claims: Arc<Claims>) -> Self {
        Self { body, flow, seat, claims, head: Vec::new(), left: 0, waiting: None, late: None }
    }

    /// Follows the messages through these bytes. Returns the length of the largest message whose
    /// head ends in them; `None` if no head does.
    fn follow(&mut self, mut bytes: &[u8]) -> Option<usize> {
        let mut largest = None;
        while !bytes.is_empty() {
            if self.left > 0 {
                let here = self.left.min(bytes.len());
                (self.left, bytes) = (self.left - here, &bytes[here..]);
                continue;
            }
            let (head, rest) = bytes.split_at(bytes.len().min(5 - self.head.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
            if let [_, a, b, c, d] = self.head[..] {
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.head.clear();
                largest = largest.max(Some(self.left));
            }
        }
        largest
    }

    /// Takes the next bytes of the body. Returns them if they can pass at once. Returns `None` if a
    /// large message begins in them; they then wait in `waiting` for its room.
    fn take(&mut self, bytes: Bytes) -> Option<Bytes> {
        let begun = self.follow(&bytes);
        let clock = self.flow.clock;
        if self.left == 0 && self.head.is_empty() {
            self.late = None;
        } else if begun.is_some() || self.late.is_none() {
            self.late = Some(Box::pin(async move { clock.sleep(PATIENCE.1).await }));
        }
        let Some(length) = begun else { return Some(bytes) };
        self.claims.set(None);
        // A message that is larger than the room of a connection passes here, because its service
        // refuses it.
        if length <= SMALL || length > RECEIVED_OF_ONE_KIB * 1024 {
            return Some(bytes);
        }
        let claim = self.flow.clone().claim(self.seat.clone(), length);
        self.waiting = Some((bytes, Box::pin(claim)));
        None
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some((_, claim)) = &mut self.waiting {
                let claim = ready!(claim.as_mut().poll(context));
                let bytes = self.waiting.take().map(|(bytes, _)| bytes).unwrap_or_default();
                return Poll::Ready(Some(claim.map(|claim| {
                    self.claims.set(Some(claim));
                    Frame::data(bytes)
                })));
            }
            if let Some(late) = &mut self.late
                && late.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Some(Err(Status::deadline_exceeded(
                    "the message did not arrive in time",
                ))));
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)?) else {
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(bytes) => {
                    if let Some(bytes) = self.take(bytes) {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer.
pub(super) struct Sent {
    body: Body,
    flight: Arc<Flight>,
    room: Option<Boxed<()>>,
}

/// The bytes of an answer that wait to be sent.
struct Flight {
    flow: Arc<Flow>,
    seat: Arc<Seat>,
    bytes: AtomicUsize,
}

impl Sent {
    pub(super) fn new(body: Body, flow: Arc<Flow>, seat: Arc<Seat>) -> Self {
        Self {
            body,
            flight: Arc::new(Flight { flow, seat, bytes: AtomicUsize::new(0) }),
            room: None,
        }
    }
}

impl Flight {
    fn is_full(&self) -> bool {
        self.flow.sending.load(Ordering::Relaxed) >= SENT.1
    }

    fn has_room(&self) -> bool {
        let own = self.seat.sending.load(Ordering::Relaxed);
        !self.is_full() && own < SENT.0 && self.bytes.load(Ordering::Relaxed) < OF_ONE_ANSWER
    }

    /// Returns as soon as another piece of the answer may be made.
    async fn room(self: Arc<Self>) {
        loop {
            let landed = self.seat.landed.notified();
            if self.has_room() {
                return;
            }
            if !self.is_full() {
                landed.await;
                continue;
            }
            self.flow.relieve();
            tokio::select! {
                () = landed => {}
                () = self.flow.clock.sleep(LOOK) => {}
            }
        }
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.seat.sending.fetch_add(bytes, Ordering::Relaxed);
        self.flow.sending.fetch_add(bytes, Ordering::Relaxed);
    }

    fn land(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.seat.sending.fetch_sub(bytes, Ordering::Relaxed);
        self.flow.sending.fetch_sub(bytes, Ordering::Relaxed);
        self.seat.moved(self.flow.clock.now());
        self.seat.landed.notify_waiters();
    }
}

/// Bytes that count as under way for as long as they are in memory.
struct Cargo {
    bytes: Bytes,
    flight: Arc<Flight>,
}

impl AsRef<[u8]> for Cargo {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Cargo {
    fn drop(&mut self) {
        self.flight.land(self.bytes.len());
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.room.is_none() && !self.flight.has_room() {
            self.room = Some(Box::pin(self.flight.clone().room()));
        }
        if let Some(room) = &mut self.room {
            ready!(room.as_mut().poll(context));
            self.room = None;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context)?);
        Poll::Ready(frame.map(|frame| {
            Ok(frame.map_data(|bytes| {
                self.flight.add(bytes.len());
                Bytes::from_owner(Cargo { bytes, flight: self.flight.clone() })
            }))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn received() -> Received {
        let clock = Clock::system();
        let seats = Seats::new(8, clock);
        let (seat, _leave) = seats.take(Ipv4Addr::LOCALHOST.into()).unwrap();
        Received::new(Body::empty(), Flow::new(seats, clock), seat, Arc::default())
    }

    #[tokio::test]
    async fn messages_are_followed_wherever_the_bytes_are_split() {
        let mut wire = Vec::new();
        for length in [0_u32, 3, 300, 1] {
            wire.push(0);
            wire.extend_from_slice(&length.to_be_bytes());
            wire.resize(wire.len() + length as usize, 7);
        }
        for size in 1..=wire.len() {
            let mut body = received();
            let begun: Vec<usize> =
                wire.chunks(size).filter_map(|chunk| body.follow(chunk)).collect();
            assert_eq!(begun.iter().max(), Some(&300), "in pieces of {size}");
            assert_eq!((body.left, body.head.len()), (0, 0));
        }
    }

    #[tokio::test]
    async fn a_large_message_claims_room_until_the_next_begins() {
        let mut body = received();
        let head = |length: u32| Bytes::from([&[0][..], &length.to_be_bytes()].concat());
        assert!(body.take(head(8 << 20)).is_none());
        let (_, claim) = body.waiting.take().unwrap();
        body.claims.set(Some(claim.await.unwrap()));
        assert_eq!(body.seat.receiving.available_permits(), RECEIVED_OF_ONE_KIB - (8 << 10));
        assert_eq!(body.flow.receiving.available_permits(), RECEIVED_KIB - (8 << 10));
        body.left = 0;
        assert!(body.take(head(10)).is_some());
        assert_eq!(body.seat.receiving.available_permits(), RECEIVED_OF_ONE_KIB);
        assert!(body.late.is_some(), "its ten bytes are still to come");
        assert!(body.take(Bytes::from_static(&[0; 10])).is_some());
        assert!(body.late.is_none());
    }
}

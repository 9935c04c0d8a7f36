//! Bounds the body of a request that is no gRPC and that its door reads whole, such as a query. A
//! large body claims its room before it is read, and every body has a deadline for its arrival.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body, codegen::Bytes};

use super::{
    flow::{Boxed, Claim, Claims, Flow, PATIENCE, SMALL},
    seats::{RECEIVED_OF_ONE_KIB, Seat},
};

/// The body of a request.
pub(super) struct Posted {
    body: Body,
    claim: Option<Boxed<Result<Claim, Status>>>,
    claims: Arc<Claims>,
    late: Boxed<()>,
}

impl Posted {
    /// Wraps a body of this length. A body whose length is not known claims the most room that a
    /// connection has. The room is given back when `claims` is dropped.
    pub(super) fn new(
        body: Body,
        length: Option<usize>,
        flow: &Arc<Flow>,
        seat: &Arc<Seat>,
        claims: Arc<Claims>,
    ) -> Self {
        let most = RECEIVED_OF_ONE_KIB * 1024;
        let length = length.unwrap_or(most);
        let clock = flow.clock;
        // The door refuses a body that is larger than the room of a connection.
        let claim = (length > SMALL && length <= most)
            .then(|| Box::pin(flow.clone().claim(seat.clone(), length)) as Boxed<_>);
        Self { body, claim, claims, late: Box::pin(async move { clock.sleep(PATIENCE.1).await }) }
    }
}

impl http_body::Body for Posted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(claim) = &mut self.claim {
            let claimed = ready!(claim.as_mut().poll(context));
            self.claim = None;
            match claimed {
                Ok(claim) => self.claims.set(Some(claim)),
                Err(busy) => return Poll::Ready(Some(Err(busy))),
            }
        }
        if self.late.as_mut().poll(context).is_ready() {
            let late = Status::deadline_exceeded("the request did not arrive in time");
            return Poll::Ready(Some(Err(late)));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.claim.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

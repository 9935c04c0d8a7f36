//! Receives every request: gRPC goes on to its services, and everything else gets a page. The
//! answer to a wrong token is delayed. If too many such answers wait, the connection is ended.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        BoxFuture, Service,
        http::{Request, Response, Version, header::CONTENT_TYPE},
    },
    service::Routes,
};

use super::{
    flow::{Claims, Flow, Received, Sent},
    seats::Seat,
    strangers::Strangers,
};
use crate::{
    api::{caller::Host, http},
    clock::Clock,
};

/// The service that stands before all others.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    routes: Routes,
    strangers: Arc<Strangers>,
    flow: Arc<Flow>,
    clock: Clock,
}

impl Entrance {
    pub(super) fn new(
        routes: Routes,
        strangers: Arc<Strangers>,
        flow: Arc<Flow>,
        clock: Clock,
    ) -> Self {
        Self { routes, strangers, flow, clock }
    }
}

impl Service<Request<Body>> for Entrance {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(seat) = request.extensions().get::<Arc<Seat>>().cloned() else {
            let answer = Status::internal("a call came past the port").into_http();
            return Box::pin(async { Ok(answer) });
        };
        seat.ask();
        if !is_grpc(&request) {
            let answer = http::answer(request.method(), request.uri().path());
            return Box::pin(async { Ok(answer) });
        }
        request.extensions_mut().insert::<Host>(seat.clone());
        let (flow, claims) = (self.flow.clone(), Arc::<Claims>::default());
        let received =
            |body| Body::new(Received::new(body, flow.clone(), seat.clone(), claims.clone()));
        let answering = self.routes.call(request.map(received));
        let (strangers, clock) = (self.strangers.clone(), self.clock);
        Box::pin(async move {
            let answer = answering.await?;
            // This gives back the room that the call's message has claimed.
            drop(claims);
            if is_of_a_stranger(&answer) {
                match strangers.note(seat.address, clock.now()) {
                    Some(waiting) => clock.sleep(waiting.pause).await,
                    None => seat.leave(),
                }
            }
            Ok(answer.map(|body| Body::new(Sent::new(body, flow, seat))))
        })
    }
}

/// Returns whether this is a gRPC call, and not a request for a page. Browsers speak HTTP/2 too.
fn is_grpc(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    request.version() == Version::HTTP_2
        && kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// Returns whether the service refused an unknown caller. Such an answer has no message, so its
/// status is in the headers.
fn is_of_a_stranger(answer: &Response<Body>) -> bool {
    let status = answer.headers().get("grpc-status");
    status.is_some_and(|status| Code::from_bytes(status.as_bytes()) == Code::Unauthenticated)
}

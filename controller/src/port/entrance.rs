//! Receives every request: gRPC goes on to its services, and everything else to the pages. The
//! answer to a wrong token is delayed. If too many such answers wait, the connection is ended.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::Router;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        BoxFuture, Service,
        http::{
            Method, Request, Response, StatusCode, Version,
            header::{CONTENT_LENGTH, CONTENT_TYPE},
        },
    },
    service::Routes,
};

use super::{
    flow::{Claims, Flow, Received, Sent},
    posted::Posted,
    seats::Seat,
    strangers::Strangers,
};
use crate::{
    api::caller::{Crowd, Host},
    clock::Clock,
};

/// The service that stands before all others.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    routes: Routes,
    pages: Router,
    strangers: Arc<Strangers>,
    flow: Arc<Flow>,
    clock: Clock,
}

impl Entrance {
    pub(super) fn new(
        routes: Routes,
        pages: Router,
        strangers: Arc<Strangers>,
        flow: Arc<Flow>,
        clock: Clock,
    ) -> Self {
        Self { routes, pages, strangers, flow, clock }
    }

    /// Passes a gRPC call on. The room of its message is held in `claims`.
    fn call_grpc(
        &mut self,
        request: Request<Body>,
        seat: Arc<Seat>,
        claims: Arc<Claims>,
    ) -> BoxFuture<Response<Body>, Infallible> {
        let flow = self.flow.clone();
        let received = |body| Body::new(Received::new(body, flow, seat, claims));
        Box::pin(self.routes.call(request.map(received)))
    }

    /// Passes any other request on. The room of its body is held in `claims`. A body that is put is
    /// stored as it comes, so it claims no room, and its door watches its pace.
    fn call_page(
        &mut self,
        request: Request<Body>,
        seat: &Arc<Seat>,
        claims: Arc<Claims>,
    ) -> BoxFuture<Response<Body>, Infallible> {
        let mut request = match *request.method() {
            Method::PUT => request,
            _ => {
                let length = request.headers().get(CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                let flow = &self.flow;
                request.map(|body| Body::new(Posted::new(body, length, flow, seat, claims)))
            }
        };
        request.extensions_mut().insert(Crowd(self.strangers.waiting(seat.address)));
        let answering = self.pages.call(request);
        Box::pin(async { Ok(answering.await?.map(Body::new)) })
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
        request.extensions_mut().insert::<Host>(seat.clone());
        let claims = Arc::<Claims>::default();
        let answering = match is_grpc(&request) {
            true => self.call_grpc(request, seat.clone(), claims.clone()),
            false => self.call_page(request, &seat, claims.clone()),
        };
        let (strangers, clock, flow) = (self.strangers.clone(), self.clock, self.flow.clone());
        Box::pin(async move {
            let answer = answering.await?;
            // This gives back the room that the request has claimed.
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

/// Returns whether the service refused an unknown caller. Such an answer of gRPC has no message, so
/// its status is in the headers.
fn is_of_a_stranger(answer: &Response<Body>) -> bool {
    let status = answer.headers().get("grpc-status");
    answer.status() == StatusCode::UNAUTHORIZED
        || status.is_some_and(|status| Code::from_bytes(status.as_bytes()) == Code::Unauthenticated)
}

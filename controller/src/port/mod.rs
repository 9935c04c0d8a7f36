//! Guards the port: it decides who may connect, how long an unknown client may be silent, and which
//! bounds apply before a call is looked at. `lib.rs` calls it with a listener and the services of
//! `api`. It never decides what a caller may do; the services and the app do.

mod accept;
mod connection;
mod entrance;
mod files;
mod flow;
mod posted;
mod seats;
mod strangers;
mod stretch;
mod wire;

use std::sync::Arc;

use axum::Router;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    service::Routes,
    transport::{Error, Server},
};

pub use files::raise_limit;

use crate::{clock::Clock, settings::Settings};
use entrance::Entrance;
use flow::Flow;
use seats::Seats;
use strangers::Strangers;

/// The clock, the seats of all connections, and the addresses that wrong tokens came from.
#[derive(Debug)]
pub(crate) struct Port {
    clock: Clock,
    seats: Arc<Seats>,
    strangers: Arc<Strangers>,
}

impl Port {
    /// Makes a port without connections.
    pub(crate) fn new(settings: &Settings, clock: Clock) -> Self {
        let most = files::connections(settings.limits.connections);
        Self { clock, seats: Seats::new(most, clock), strangers: Arc::default() }
    }

    /// Serves until `stopped` completes, in the clear or with `tls`. Then accepts no more
    /// connections, and returns when every connection has ended. Fails if the server cannot be
    /// made.
    pub(crate) async fn serve(
        self: Arc<Self>,
        settings: Settings,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        routes: Routes,
        pages: Router,
        stopped: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let (send, connections) = mpsc::channel(1);
        let accepting =
            accept::accept(listener, tls, self.seats.clone(), self.clock, settings.handshake, send);
        tokio::spawn(accepting);
        let flow = Flow::new(self.seats.clone(), self.clock);
        let strangers = self.strangers.clone();
        let entrance = Entrance::new(routes.prepare(), pages, strangers, flow, self.clock);
        let stopped = async {
            stopped.await;
            // The callers of these connections are not known, so no call of theirs could be
            // finished.
            self.seats.dismiss_strange();
        };
        Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(settings.limits.streams)
            .http2_keepalive_interval(Some(settings.keepalive))
            .serve_with_incoming_shutdown(entrance, ReceiverStream::new(connections), stopped)
            .await
    }

    /// Forgets addresses that have sent no wrong token for a minute. Logs how many wrong tokens
    /// came, and how many connections found no free seat, at most once a minute each. Each step of
    /// the upkeep is followed by a call.
    pub(crate) fn tidy(&self) {
        self.strangers.tidy(self.clock.now());
        self.seats.tell(self.clock.now());
    }
}

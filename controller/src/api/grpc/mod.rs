//! The gRPC door: translate in, call `app`, translate out. Called by the server in `lib.rs`. If a method needs a decision,
//! the decision moves to `app`.

mod agents;
mod error;
mod runs;
mod sweeps;

use std::sync::Arc;

use proto::{
    dial::MAX_MESSAGE,
    v1::{agents_server::AgentsServer, runs_server::RunsServer, sweeps_server::SweepsServer},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Status, codegen::BoxStream, service::Routes};

use crate::{
    api::caller::caller,
    app::{App, caller::Caller, views::Streamed},
};
use error::status;

/// All services over one app.
#[derive(Clone, Debug)]
struct Door {
    app: Arc<App>,
}

impl Door {
    /// Who calls, and what they say.
    fn enter<T>(&self, request: Request<T>) -> Result<(Caller, T), Status> {
        let header = request.metadata().get("authorization").and_then(|header| header.to_str().ok());
        let caller = caller(&self.app, header).map_err(status)?;
        Ok((caller, request.into_inner()))
    }
}

/// The services of Besom, and those that say what there is and whether it works.
///
/// # Errors
/// When the descriptors are damaged, which a test would have found.
pub(crate) fn routes(app: Arc<App>) -> Result<Routes, tonic_reflection::server::Error> {
    let door = Door { app };
    let (_, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    Ok(Routes::new(SweepsServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(AgentsServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(RunsServer::new(door).max_decoding_message_size(MAX_MESSAGE))
        .add_service(health)
        .add_service(reflection))
}

/// A stream of the app as one of gRPC.
fn stream<T, P>(streamed: Streamed<T>) -> BoxStream<P>
where
    T: Into<P> + Send + 'static,
    P: Send + 'static,
{
    Box::pin(ReceiverStream::new(streamed).map(|item| item.map(Into::into).map_err(status)))
}

//! Serves gRPC: each method translates its request, calls `app`, and translates the answer.
//! `lib.rs` calls it. If a method needs a decision, the decision belongs in `app`.

mod agents;
mod artifacts;
mod bin;
mod checkpoints;
mod error;
mod explain;
mod files;
mod history;
mod people;
mod runs;
mod sweeps;

use std::sync::Arc;

use proto::v1::{
    agents_server::AgentsServer, artifacts_server::ArtifactsServer, bin_server::BinServer,
    checkpoints_server::CheckpointsServer, files_server::FilesServer,
    history_server::HistoryServer, people_server::PeopleServer, runs_server::RunsServer,
    sweeps_server::SweepsServer,
};
use tokio::sync::watch::Receiver;
use tokio_stream::StreamExt as _;
use tonic::{
    Request, Status,
    codegen::BoxStream,
    service::{Routes, interceptor::InterceptedService},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    api::caller::{Host, caller},
    app::{App, people::caller::Caller, read::views::Streamed, runs::lookup},
};
use error::status;

/// The implementation of all services, over one app.
#[derive(Clone, Debug)]
struct Door {
    app: Arc<App>,
}

impl Door {
    /// Identifies the caller before the server reads the request's body. So the message of an
    /// unknown caller takes up no memory of the controller.
    fn guard(&self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header =
            request.metadata().get("authorization").and_then(|header| header.to_str().ok());
        let caller = caller(&self.app, header).map_err(status)?;
        if let Some(host) = request.extensions().get::<Host>() {
            host.welcome();
        }
        request.extensions_mut().insert(caller);
        Ok(request)
    }

    /// Returns the caller and its message. Fails if the caller's token has ended.
    async fn enter<T>(&self, request: Request<T>) -> Result<(Caller, T), Status> {
        let (caller, said) = known(request)?;
        lookup::check_token(&self.app, &caller).await.map_err(status)?;
        Ok((caller, said))
    }
}

/// Returns the caller and its message, even if the caller's token has ended.
fn known<T>(mut request: Request<T>) -> Result<(Caller, T), Status> {
    let caller = request.extensions_mut().remove::<Caller>();
    let caller = caller.ok_or_else(|| Status::internal("a call came past the guard"))?;
    Ok((caller, request.into_inner()))
}

/// The number of bytes that a message may have beside its largest field.
const ROOM: usize = 256 << 10;

/// The largest message of services that receive only ids, names, lists of these and pieces of
/// contents, in bytes.
const SHORT: usize = 2 << 20;

/// The largest message of the services that need no token (health and reflection), in bytes.
const OPEN: usize = 16 << 10;

/// Makes the services of Besom, the health service and the reflection service. The caller must be
/// inside a tokio runtime. Fails if the built-in descriptors of the protocol are damaged, which
/// tests would find.
pub(crate) fn routes(app: Arc<App>) -> Result<Routes, tonic_reflection::server::Error> {
    let limits = &app.settings.limits;
    let rows = limits.append_bytes.max(limits.config_bytes) + ROOM;
    let yaml = limits.yaml_bytes + ROOM;
    let (fullness, losses) = (app.fullness(), app.losses());
    let door = Door { app };
    let at_door = door.clone();
    let guard = move |request| at_door.guard(request);
    let sweeps = SweepsServer::new(door.clone()).max_decoding_message_size(yaml);
    let agents = AgentsServer::new(door.clone()).max_decoding_message_size(SHORT);
    let history = HistoryServer::new(door.clone()).max_decoding_message_size(SHORT);
    let artifacts = ArtifactsServer::new(door.clone()).max_decoding_message_size(SHORT);
    let bin = BinServer::new(door.clone()).max_decoding_message_size(SHORT);
    let checkpoints = CheckpointsServer::new(door.clone()).max_decoding_message_size(SHORT);
    let files = FilesServer::new(door.clone()).max_decoding_message_size(SHORT);
    let people = PeopleServer::new(door.clone()).max_decoding_message_size(SHORT);
    let runs = RunsServer::new(door).max_decoding_message_size(rows);
    let (reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(tell_health(fullness, losses, reporter));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    Ok(Routes::new(InterceptedService::new(sweeps, guard.clone()))
        .add_service(InterceptedService::new(agents, guard.clone()))
        .add_service(InterceptedService::new(runs, guard.clone()))
        .add_service(InterceptedService::new(history, guard.clone()))
        .add_service(InterceptedService::new(artifacts, guard.clone()))
        .add_service(InterceptedService::new(checkpoints, guard.clone()))
        .add_service(InterceptedService::new(people, guard.clone()))
        .add_service(InterceptedService::new(bin, guard.clone()))
        .add_service(InterceptedService::new(files, guard))
        .add_service(health.max_decoding_message_size(OPEN))
        .add_service(reflection.max_decoding_message_size(OPEN)))
}

/// The name under which the health service reports whether the controller accepts rows and files.
const INGEST: &str = "ingest";

/// The name under which the health service reports whether the data folder can be used: it is
/// neither lost nor damaged.
const ALL: &str = "";

/// Reports to the health service when the disk becomes full or the data folder is lost, and when
/// that ends. Returns when the app ends.
async fn tell_health<T>(
    mut fullness: Receiver<bool>,
    mut losses: Receiver<Option<T>>,
    reporter: HealthReporter,
) {
    let status = |serves| if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
    loop {
        let has_all = losses.borrow_and_update().is_none();
        let has_room = !*fullness.borrow_and_update();
        reporter.set_service_status(INGEST, status(has_room && has_all)).await;
        reporter.set_service_status(ALL, status(has_all)).await;
        let changed = tokio::select! {
            biased;
            changed = fullness.changed() => changed,
            changed = losses.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Returns the id that a message names, if it names one.
fn named<I: From<String>>(id: String) -> Option<I> {
    (!id.is_empty()).then(|| id.into())
}

/// Turns a stream of `app` into a stream of gRPC messages.
fn stream<T, P>(streamed: Streamed<T>) -> BoxStream<P>
where
    T: Into<P> + Send + 'static,
    P: Send + 'static,
{
    Box::pin(streamed.map(|item| item.map(Into::into).map_err(status)))
}

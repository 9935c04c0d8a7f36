//! The controller: keeps every row, hands out trials, answers questions. [`Controller::start`] is called by `main` and by
//! tests; nothing here prints or reads the environment.

mod api;
mod app;
pub mod chance;
pub mod clock;
pub mod settings;
mod store;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::transport::{Server, server::TcpIncoming};

pub use app::fsck::{Problem, Report};
use app::{App, upkeep};
use chance::Chance;
use clock::Clock;
use settings::Settings;
use store::{OpenError, Store};

/// Why a controller does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everybody who can connect would be let in.
    #[error("refusing to listen on {0} without a token")]
    Open(SocketAddr),
    /// The port cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// Somebody else works in the folder.
    #[error("another controller uses `{}`", .0.display())]
    InUse(PathBuf),
    /// The folder cannot be used.
    #[error("cannot use `{}`: {reason}", .folder.display())]
    Data {
        /// Which.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Ours to repair.
    #[error("{0}")]
    Bug(String),
}

/// A running controller. Dropping it ends it without waiting for calls in flight.
#[derive(Debug)]
pub struct Controller {
    address: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
    upkeep: JoinHandle<()>,
}

impl Controller {
    /// Opens the data folder and serves. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] says what a person can do about it.
    pub async fn start(settings: Settings, clock: Clock, chance: Chance) -> Result<Self, StartError> {
        let listen = settings.listen;
        if settings.token.is_none() && !listen.ip().is_loopback() {
            return Err(StartError::Open(listen));
        }
        let listener = TcpListener::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
        let app = open(settings, clock, chance).await?;
        let routes = api::grpc::routes(app.clone()).map_err(|error| StartError::Bug(error.to_string()))?;
        let (stop, stopped) = oneshot::channel();
        let server = Server::builder()
            .http2_keepalive_interval(Some(app.settings.keepalive))
            .add_routes(routes)
            .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async {
                // Dropped without a word means the same.
                let _ = stopped.await;
            });
        let tending = app.clone();
        let upkeep = tokio::spawn(async move { tend(&tending).await });
        Ok(Self { address, app, stop: Some(stop), server: tokio::spawn(server), upkeep })
    }

    /// Where it listens; the port is known even when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, ends long polls and streams, lets calls in flight finish, and closes the store.
    ///
    /// # Errors
    /// When calls in flight did not finish in time; they were cut off, and what was acknowledged is kept.
    pub async fn shutdown(mut self) -> Result<(), io::Error> {
        self.app.drain();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let limit = self.app.settings.drain;
        let drained = tokio::time::timeout(limit, &mut self.server).await;
        self.upkeep.abort();
        let _ = (&mut self.upkeep).await;
        if drained.is_err() {
            self.server.abort();
            let _ = (&mut self.server).await;
        }
        let app = self.app.clone();
        drop(self);
        close(app).await;
        drained.map(|_| ()).map_err(|_| io::Error::other("calls in flight did not finish in time"))
    }
}

/// Looks at everything that a data folder holds, without serving it. `seen` is shown the report as it grows.
///
/// # Errors
/// [`StartError`] when the folder cannot be opened, or a controller uses it.
pub async fn fsck(settings: Settings, seen: impl Fn(&Report)) -> Result<Report, StartError> {
    let folder = settings.data.clone();
    if !folder.is_dir() {
        return Err(StartError::Data { folder, reason: "there is no such folder".to_owned() });
    }
    let app = open(settings, Clock::system(), Chance::system()).await?;
    let report = app::fsck::check(&app, seen).await;
    close(app).await;
    report.map_err(|error| StartError::Data { folder, reason: error.to_string() })
}

async fn open(settings: Settings, clock: Clock, chance: Chance) -> Result<Arc<App>, StartError> {
    let (folder, limits) = (settings.data.clone(), settings.limits.clone());
    let opening = tokio::task::spawn_blocking(move || Store::open(&folder, &limits));
    let opened = opening.await.map_err(|error| StartError::Bug(error.to_string()))?;
    let data = settings.data.clone();
    let store = opened.map_err(|error| match error {
        OpenError::InUse => StartError::InUse(data.clone()),
        error => StartError::Data { folder: data.clone(), reason: error.to_string() },
    })?;
    let app = App::open(settings, store, clock, chance).await;
    app.map_err(|error| StartError::Data { folder: data, reason: error.to_string() })
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.app.drain();
        self.server.abort();
        self.upkeep.abort();
    }
}

/// How often, and after what pause, the end of the last use of the app is looked for.
const CLOSING: (u32, Duration) = (200, Duration::from_millis(10));

/// Waits until nobody uses the app any more, then closes its store: the last checkpoint is on the disk after that.
async fn close(mut app: Arc<App>) {
    let clock = app.clock();
    for _ in 0..CLOSING.0 {
        match Arc::try_unwrap(app) {
            Ok(last) => {
                // Joins the writer's thread, which an async thread must not wait for.
                let _ = tokio::task::spawn_blocking(move || drop(last)).await;
                return;
            }
            Err(shared) => app = shared,
        }
        clock.sleep(CLOSING.1).await;
    }
    tracing::warn!("the store is closed while somebody still uses it");
}

async fn tend(app: &Arc<App>) {
    loop {
        app.clock().sleep(upkeep::pause(app)).await;
        if let Err(error) = upkeep::step(app).await {
            tracing::warn!("upkeep: {error}");
        }
    }
}

//! The controller keeps the rows of runs, hands out trials and answers questions. `main` and tests
//! call [`Controller::start`]. This library prints nothing and reads no environment variables.

mod api;
mod app;
mod certificate;
pub mod chance;
pub mod clock;
mod copy;
pub mod offline;
pub mod platform;
mod port;
pub mod settings;
mod start_error;
mod store;
mod token;

use std::{io, net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use proto::dial::Fingerprint;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::service::Routes;

pub use crate::app::upkeep::fsck::{Problem, Report};
use crate::app::{App, Error, upkeep::step};
use api::local;
use certificate::Certificate;
use chance::Chance;
use clock::Clock;
pub use copy::{Copied, Progress, backup, restore};
use platform::Platform;
use port::Port;
pub use port::raise_limit;
use settings::Settings;
pub use start_error::StartError;
use store::{OpenError, Store};

/// What a function of this library returns that would be an `async fn` elsewhere. The compiler
/// compiles the body of an `async fn` once more in each crate that awaits it, and these bodies
/// contain the whole controller. A boxed future is compiled here only.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A controller without a port: its store is open, and it answers the calls that its routes
/// receive. It does its upkeep only when [`Core::upkeep`] is called.
#[derive(Clone, Debug)]
pub struct Core {
    app: Arc<App>,
}

impl Core {
    /// Opens the data folder. The caller must be inside a tokio runtime.
    ///
    /// # Errors
    /// Fails with [`StartError`], which says what a person can do about it.
    pub fn open(
        settings: Settings,
        clock: Clock,
        chance: Chance,
        platform: Platform,
    ) -> Boxed<'static, Result<Self, StartError>> {
        Box::pin(async move {
            let (folder, limits) = (settings.data.clone(), settings.limits.clone());
            let opened =
                platform.threads.run(move || Store::open(&folder, &limits, platform)).await;
            let opened = opened.map_err(|error| StartError::Bug(error.to_string()))?;
            let data = settings.data.clone();
            let store = opened.map_err(|error| refused(&data, error))?;
            let app = App::open(settings, store, clock, chance, platform.threads).await;
            let app = app.map_err(|error| match error {
                Error::Torn(damage) => {
                    refused(&data, OpenError::Database(store::Error::Damaged(damage)))
                }
                error => StartError::Data { folder: data, reason: error.to_string() },
            })?;
            Ok(Self { app })
        })
    }

    /// Returns the controller's services.
    ///
    /// # Errors
    /// Fails with [`StartError::Bug`] if their descriptors are damaged.
    pub fn routes(&self) -> Result<Routes, StartError> {
        api::grpc::routes(self.app.clone()).map_err(|error| StartError::Bug(error.to_string()))
    }

    /// Returns everything that is served beside gRPC.
    fn pages(&self) -> Router {
        api::wandb::routes(self.app.clone()).merge(api::web::routes(self.app.clone()))
    }

    /// Does one step of the work that no call asks for: it ends leases that ran out, checks the
    /// disk, tidies caches, merges rows and removes unused blobs. The caller waits for
    /// [`Core::pause`] between two steps.
    pub fn upkeep(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            match step::step(&self.app).await {
                Ok(()) => {}
                // The next step finds the same work. The log already has a line from when the disk
                // or the data folder began to refuse writes.
                Err(Error::Busy(_)) => tracing::debug!("upkeep waits"),
                Err(error) => tracing::warn!("upkeep: {error}"),
            }
        })
    }

    /// Returns how long to wait between two steps of the upkeep.
    pub fn pause(&self) -> Duration {
        step::pause(&self.app)
    }

    /// Checks everything that the data folder holds. `seen` receives the report as it grows.
    ///
    /// # Errors
    /// Fails with [`StartError::Data`] if the database cannot be read at all.
    pub fn check<'a>(
        &'a self,
        seen: &'a (dyn Fn(&Report) + Sync),
    ) -> Boxed<'a, Result<Report, StartError>> {
        Box::pin(async move {
            let report =
                app::upkeep::fsck::check(self.app.store(), self.app.settings.limits.page, seen)
                    .await;
            report.map_err(|error| unread(&self.app.settings.data, &error))
        })
    }

    /// Waits until nothing else uses the store, and closes it. Closing moves SQLite's log into the
    /// database file. If the store is still in use after two seconds, it logs a warning and returns
    /// without closing it.
    pub fn close(self) -> Boxed<'static, ()> {
        Box::pin(async move {
            let (mut app, clock) = (self.app.clone(), self.app.clock());
            drop(self);
            for _ in 0..CLOSING.0 {
                match Arc::try_unwrap(app) {
                    Ok(last) => {
                        // Dropping the app joins the writer's thread. An async thread must not wait
                        // for that.
                        let _ = tokio::task::spawn_blocking(move || drop(last)).await;
                        return;
                    }
                    Err(shared) => app = shared,
                }
                clock.sleep(CLOSING.1).await;
            }
            tracing::warn!("the store is still in use, so the controller ends without closing it");
        })
    }
}

/// A running controller. Dropping this value ends the controller without waiting for calls in
/// flight.
#[derive(Debug)]
pub struct Controller {
    address: SocketAddr,
    /// The fingerprint of the port's certificate, if the port has one.
    fingerprint: Option<Fingerprint>,
    core: Core,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
    /// The task of the upkeep, and the task of the socket for the folder's owner.
    tasks: [JoinHandle<()>; 2],
}

impl Controller {
    /// Opens the data folder and serves calls. The caller must be inside a tokio runtime.
    ///
    /// # Errors
    /// Fails with [`StartError`], which says what a person can do about it.
    pub fn start(
        mut settings: Settings,
        clock: Clock,
        chance: Chance,
    ) -> Boxed<'static, Result<Self, StartError>> {
        Box::pin(async move {
            let listen = settings.listen;
            settings.token = token::checked(settings.token, listen)?;
            let is_local = listen.ip().to_canonical().is_loopback();
            let is_plain = settings.tls.is_none() && !settings.insecure && !is_local;
            if is_plain && settings.token.is_some() {
                return Err(StartError::Plain(listen));
            }
            let listener = TcpListener::bind(listen)
                .await
                .map_err(|error| StartError::Listen(listen, error))?;
            let address =
                listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
            let port = Arc::new(Port::new(&settings, clock));
            let core = Core::open(settings.clone(), clock, chance, Platform::default()).await?;
            if settings.token.is_none() && !is_local && !core.app.roster.has_users() {
                return Err(StartError::Open(listen));
            }
            if is_plain {
                return Err(StartError::Plain(listen));
            }
            let certificate = match &settings.tls {
                Some(tls) => Some(Certificate::load(&core.app, tls).await?),
                None => None,
            };
            let fingerprint = certificate.as_ref().map(|certificate| certificate.fingerprint);
            let tls = certificate.map(|certificate| certificate.settings.into());
            // The socket opens before the server, so a client that gets an answer from the server
            // also finds the socket.
            let asked = local::open(&core.app.settings.data);
            let (stop, stopped) = oneshot::channel();
            let stopped = async {
                // Both a message and a dropped sender stop the server.
                let _ = stopped.await;
            };
            let (routes, pages) = (core.routes()?, core.pages());
            let server = port.clone().serve(settings, listener, tls, routes, pages, stopped);
            let tended = core.clone();
            let upkeep = tokio::spawn(async move { tend(&tended, &port).await });
            let local = tokio::spawn(local::serve(asked, core.app.clone()));
            Ok(Self {
                address,
                fingerprint,
                core,
                stop: Some(stop),
                server: tokio::spawn(server),
                tasks: [upkeep, local],
            })
        })
    }

    /// Returns the address that the controller listens on. It has the actual port, even if the
    /// settings ask for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the fingerprint of the port's certificate; `None` if connections are not encrypted.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Returns whether callers may show the controller's own token.
    pub fn has_token(&self) -> bool {
        self.core.app.settings.token.is_some()
    }

    /// Returns whether callers may show a key, because there are users.
    pub fn has_users(&self) -> bool {
        self.core.app.roster.has_users()
    }

    /// Stops accepting connections, ends long polls and streams, lets calls in flight finish, and
    /// closes the store.
    ///
    /// # Errors
    /// Fails if calls in flight do not finish within [`Settings::drain`]. The controller cuts these
    /// calls off, and keeps everything that it has acknowledged.
    pub fn shutdown(mut self) -> Boxed<'static, Result<(), io::Error>> {
        Box::pin(async move {
            self.core.app.drain();
            if let Some(stop) = self.stop.take() {
                let _ = stop.send(());
            }
            let limit = self.core.app.settings.drain;
            let drained = tokio::time::timeout(limit, &mut self.server).await;
            for task in &mut self.tasks {
                task.abort();
                let _ = task.await;
            }
            if drained.is_err() {
                self.server.abort();
                let _ = (&mut self.server).await;
            }
            let core = self.core.clone();
            drop(self);
            core.close().await;
            drained
                .map(|_| ())
                .map_err(|_| io::Error::other("calls in flight did not finish in time"))
        })
    }
}

/// Checks everything that a data folder holds, without serving it and without changing anything.
/// `seen` receives the report as it grows.
///
/// # Errors
/// Fails with [`StartError`] if there is no such data folder, a controller uses it, or its database
/// cannot be read. Damage is not an error: the report lists it.
pub fn fsck<'a>(
    settings: Settings,
    seen: &'a (dyn Fn(&Report) + Sync),
) -> Boxed<'a, Result<Report, StartError>> {
    Box::pin(async move {
        let (folder, page) = (settings.data, settings.limits.page);
        let looked = folder.clone();
        let opened = Platform::default().threads.run(move || Store::look(&looked)).await;
        let store = match opened.map_err(|error| StartError::Bug(error.to_string()))? {
            Ok(store) => store,
            Err(
                error @ (OpenError::NoDatabase(_) | OpenError::Database(store::Error::Damaged(_))),
            ) => {
                return Ok(Report::of_database(error));
            }
            Err(error) => return Err(refused(&folder, error)),
        };
        let report = app::upkeep::fsck::check(&store, page, seen).await;
        // Closing the last connection may wait for the disk.
        let _ = tokio::task::spawn_blocking(move || drop(store)).await;
        report.map_err(|error| unread(&folder, &error))
    })
}

fn unread(folder: &Path, error: &Error) -> StartError {
    StartError::Data { folder: folder.to_owned(), reason: error.to_string() }
}

/// Translates the error of a data folder that cannot be opened into one with a message for people.
fn refused(folder: &Path, error: OpenError) -> StartError {
    let (at, folder) = (folder.join(store::DATABASE), folder.to_owned());
    let at = at.display();
    match error {
        OpenError::InUse => StartError::InUse(folder),
        OpenError::NoFolder(reason) => StartError::NoFolder { folder, reason: reason.to_owned() },
        OpenError::NoDatabase(beside) => StartError::Damaged {
            folder,
            reason: format!("the database `{at}` is missing or empty, beside {beside}"),
        },
        OpenError::NoContents => {
            let reason = format!("cannot use `{}`: {error}", folder.display());
            StartError::Damaged { folder, reason }
        }
        OpenError::Database(store::Error::Foreign) => StartError::Data {
            folder,
            reason: format!("`{}` is the database of another program", store::DATABASE),
        },
        OpenError::Database(store::Error::Damaged(what)) => StartError::Damaged {
            folder,
            reason: format!("the database `{at}` is damaged: {what}"),
        },
        error => StartError::Data { folder, reason: error.to_string() },
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.core.app.drain();
        self.server.abort();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// How many times [`Core::close`] checks whether the app is still in use, and the pause between two
/// checks.
const CLOSING: (u32, Duration) = (200, Duration::from_millis(10));

async fn tend(core: &Core, port: &Port) {
    loop {
        core.app.clock().sleep(core.pause()).await;
        core.upkeep().await;
        port.tidy();
    }
}

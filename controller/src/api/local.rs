//! Serves the owner of the data folder through a socket in the folder. Over this socket,
//! `controller backup` asks the running controller for a copy of its database. This module holds
//! both ends: the server and the client. A question and its answers are lines of JSON. Only the
//! user that the controller runs as, and root, may connect.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use crate::app::{App, upkeep::backup};

/// The name of the socket in the data folder.
const SOCKET: &str = "controller.sock";
/// The number of progress reports that wait for a slow client. The server drops further reports.
const WAITING: usize = 4;
/// The largest question, in bytes.
const LONGEST: usize = 16 << 10;

/// The question of a client: the controller shall copy its database into this file.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    into: PathBuf,
}

/// An answer of the controller: how far the copy is, or how it ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Pages { done: u64, of: u64 },
    Copied,
    Failed(String),
}

/// Returns a path of the socket that is short enough for the system, however long the folder's path
/// is.
fn address(folder: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(SOCKET)
}

/// Opens the socket. Returns `None` if the folder can hold no socket; the controller serves such a
/// folder too.
pub(crate) fn open(folder: &Path) -> Option<UnixListener> {
    let told = |error| {
        tracing::warn!("`controller backup` cannot reach this controller while it runs: {error}")
    };
    bind(folder).map_err(told).ok()
}

fn bind(folder: &Path) -> io::Result<UnixListener> {
    let folder = File::open(folder)?;
    // This removes the socket of an earlier controller, which has ended: this process holds the
    // lock on the folder.
    match fs::remove_file(address(&folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(address(&folder))?;
    fs::set_permissions(address(&folder), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers the questions of clients, until the task is aborted or the socket fails.
pub(crate) async fn serve(listener: Option<UnixListener>, app: Arc<App>) {
    let Some(listener) = listener else { return };
    // The loop answers one client at a time, because copies of a database slow each other down on
    // the disk.
    while let Ok((stream, _)) = listener.accept().await {
        if let Err(error) = answer(&app, stream).await {
            tracing::debug!("the process that asked for a copy is gone: {error}");
        }
    }
}

async fn answer(app: &Arc<App>, stream: UnixStream) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(tokio::io::AsyncReadExt::take(reading, LONGEST as u64));
    let mut line = String::new();
    reading.read_line(&mut line).await?;
    let question: Question = serde_json::from_str(&line)?;
    let _kept = backup::keep_contents(app).await;
    let (told, mut tell) = mpsc::channel(WAITING);
    let pages = move |done, of| {
        let _ = told.try_send(Answer::Pages { done, of });
    };
    let copying = backup::database(app, question.into, pages);
    tokio::pin!(copying);
    let copied = loop {
        tokio::select! {
            biased;
            Some(pages) = tell.recv() => say(&mut writing, &pages).await?,
            copied = &mut copying => break copied,
        }
    };
    let end = copied.map_or_else(|error| Answer::Failed(error.to_string()), |()| Answer::Copied);
    say(&mut writing, &end).await?;
    // The contents stay until the client has copied what it wants and closes the connection.
    line.clear();
    reading.read_line(&mut line).await.map(drop)
}

async fn say(
    stream: &mut (impl tokio::io::AsyncWrite + Unpin),
    what: &impl Serialize,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

/// A connection to a running controller. From the first question until this value is dropped, the
/// controller removes no contents.
#[derive(Debug)]
pub(crate) struct Running(BufReader<UnixStream>);

impl Running {
    /// Connects to the controller that serves this folder. Fails if no controller answers.
    pub(crate) async fn of(folder: &Path) -> io::Result<Self> {
        let folder = File::open(folder)?;
        Ok(Self(BufReader::new(UnixStream::connect(address(&folder)).await?)))
    }

    /// Asks the controller to copy its database into this file. `seen` receives the number of
    /// copied pages and the number of all pages, as the copy goes on. Fails with the controller's
    /// reason, or if the controller goes away.
    pub(crate) async fn copy(&mut self, into: &Path, seen: impl Fn(u64, u64)) -> io::Result<()> {
        say(self.0.get_mut(), &Question { into: into.to_owned() }).await?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::Error::other("the controller ended before the copy was complete"));
            }
            match serde_json::from_str(&line)? {
                Answer::Pages { done, of } => seen(done, of),
                Answer::Copied => return Ok(()),
                Answer::Failed(why) => return Err(io::Error::other(why)),
            }
        }
    }
}

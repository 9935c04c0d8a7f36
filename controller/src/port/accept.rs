//! Accepts connections one after another. When the system has no file descriptor for another one,
//! it ends a connection of an unknown caller and waits for a moment. It runs as a task of its own
//! until the server wants no more connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustix::io::Errno;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::{connection::Connection, seats::Seats, stretch::Stretch, wire::Wire};
use crate::clock::Clock;

/// The pause after the system has refused a connection, for example because it has no file
/// descriptor or no memory for it.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `send` is closed. Each connection has the time `handshake` to send its
/// first request, and over TLS to shake hands before it.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    seats: Arc<Seats>,
    clock: Clock,
    handshake: Duration,
    send: mpsc::Sender<io::Result<Connection>>,
) {
    let mut trouble = Stretch::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = send.closed() => return,
        };
        match accepted {
            Ok(accepted) => {
                let Some(connection) = seated(accepted, tls.as_ref(), &seats, clock, handshake)
                else {
                    continue;
                };
                if send.send(Ok(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                if let Some(count) = trouble.note(clock.now()) {
                    tracing::warn!(
                        "cannot accept connections ({count} tries failed): {}",
                        advice(&error)
                    );
                }
                seats.dismiss_one();
                clock.sleep(PAUSE).await;
            }
        }
    }
}

fn seated(
    (stream, peer): (TcpStream, SocketAddr),
    tls: Option<&TlsAcceptor>,
    seats: &Arc<Seats>,
    clock: Clock,
    handshake: Duration,
) -> Option<Connection> {
    let (seat, leave) = seats.take(peer.ip())?;
    // Without this option, small answers may be sent later. So a failure to set it is ignored.
    let _ = stream.set_nodelay(true);
    let deadline = clock.now() + handshake;
    Some(Connection::new(
        Wire::new(stream, tls),
        seat,
        leave,
        Box::pin(async move { clock.sleep_until(deadline).await }),
    ))
}

/// Returns whether the error concerns this one connection only, so that the next one can be
/// accepted at once.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
}

fn advice(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => {
            "this process may open no more files; raise its limit (`ulimit -n`)".to_owned()
        }
        Some(Errno::NFILE) => "the system may open no more files; raise fs.file-max".to_owned(),
        _ => error.to_string(),
    }
}

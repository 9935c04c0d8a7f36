//! Wraps a socket with a deadline for its first request and a seat that it may have to give up.
//! tonic serves it as if it were the socket itself. If a connection has to end, its next read or
//! write fails, and tonic drops it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};
use tonic::transport::server::Connected;

use super::{seats::Seat, wire::Wire};

/// A future that completes when the time for the first request is over.
pub(super) type Deadline = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An accepted socket.
pub(super) struct Connection {
    wire: Wire,
    seat: Arc<Seat>,
    leave: Option<oneshot::Receiver<()>>,
    deadline: Option<Deadline>,
}

impl Connection {
    pub(super) fn new(
        wire: Wire,
        seat: Arc<Seat>,
        leave: oneshot::Receiver<()>,
        deadline: Deadline,
    ) -> Self {
        Self { wire, seat, leave: Some(leave), deadline: Some(deadline) }
    }

    /// Fails if the connection has lost its seat, or has sent no request before its deadline. Wakes
    /// the connection's task when one of these happens.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(leave) = &mut self.leave else {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "others need the connection",
            ));
        };
        if Pin::new(leave).poll(context).is_ready() {
            self.leave = None;
            return self.check(context);
        }
        if self.seat.has_asked() {
            self.deadline = None;
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            self.leave = None;
            return self.check(context);
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.seat.leave();
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Seat>;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.seat.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

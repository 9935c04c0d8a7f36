//! Connects to a controller over TLS. tonic's own TLS cannot pin a certificate.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, Error, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    codegen::{BoxFuture, Service},
    transport::Uri,
};

/// The port of an `https://` address that names none.
const PORT: u16 = 443;

/// Opens encrypted connections.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    pub(super) fn new(settings: ClientConfig) -> Self {
        Self(Arc::new(settings).into())
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = BoxFuture<Self::Response, io::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move {
            // An IPv6 address stands in brackets.
            let host = address.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let stream =
                TcpStream::connect((host.as_str(), address.port_u16().unwrap_or(PORT))).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            tls.connect(name, stream).await.map(TokioIo::new).map_err(explained)
        })
    }
}

/// The client does not accept the certificate. The text is the part of a sentence about the
/// controller.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Untrusted(String);

/// Says why a handshake failed, as the part of a sentence about the controller.
fn explained(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => {
            let said = match why {
                CertificateError::Other(why) => why.0.to_string(),
                why => format!("its certificate is not trusted here: {why}"),
            };
            io::Error::new(error.kind(), Untrusted(said))
        }
        Some(Error::InvalidMessage(_)) => io::Error::new(error.kind(), "it does not speak TLS"),
        _ => error,
    }
}

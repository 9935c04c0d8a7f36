//! Finds out who calls, and reads a request's body after that. So the body of an unknown caller
//! takes up no memory of the controller.

use std::{io::Read as _, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, header, request::Parts},
};
use flate2::read::GzDecoder;

use super::{door::Door, error::Fault};
use crate::{
    api::caller::{Host, caller},
    app::{App, people::caller::Caller, runs::lookup},
};

/// The most bytes of a request that is read whole, as sent and after decompression.
const MOST_BYTES: usize = 32 << 20;
/// The header that the client sends if several processes write to a run at once.
const SHARED: &str = "x-wandb-use-async-filestream";
/// The header with the id of such a process.
const PROCESS: &str = "x-wandb-async-client-id";

/// A request whose caller is known.
#[derive(Debug)]
pub(super) struct Session {
    /// The door that the request came to.
    pub(super) door: Arc<Door>,
    /// The caller.
    pub(super) caller: Caller,
    /// The address of the controller, as the caller wrote it.
    pub(super) base: String,
    /// Whether several processes write to the run at once.
    pub(super) shared: bool,
    /// The process that writes, if several do; else empty.
    pub(super) process: String,
}

impl Session {
    /// Finds the caller of a request, and then reads the request's body.
    ///
    /// # Errors
    /// Fails if the caller is not known, and as [`read`] does.
    pub(super) async fn enter(door: Arc<Door>, request: Request) -> Result<(Self, Vec<u8>), Fault> {
        let (parts, body) = request.into_parts();
        let text = |name| text(&parts.headers, name);
        let caller = caller(&door.app, text(header::AUTHORIZATION.as_str()))?;
        lookup::check_token(&door.app, &caller).await?;
        if let Some(host) = parts.extensions.get::<Host>() {
            host.welcome();
        }
        let base = base(&door, &parts)?;
        let shared = text(SHARED).is_some();
        let process = text(PROCESS).unwrap_or_default().to_owned();
        let gzipped = text(header::CONTENT_ENCODING.as_str()) == Some("gzip");
        Ok((Self { door, caller, base, shared, process }, read(gzipped, body).await?))
    }

    /// Returns the app.
    pub(super) fn app(&self) -> &Arc<App> {
        &self.door.app
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns the address of the controller as the caller has reached it. A proxy says what its own
/// caller has written.
fn base(door: &Door, parts: &Parts) -> Result<String, Fault> {
    let text = |name| text(&parts.headers, name);
    let own = if door.app.settings.tls.is_some() { "https" } else { "http" };
    let scheme = text("x-forwarded-proto").unwrap_or(own);
    let host = text("x-forwarded-host").or_else(|| text(header::HOST.as_str()));
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let host = host.ok_or_else(|| Fault::wrong("the request names no host"))?;
    Ok(format!("{scheme}://{host}"))
}

/// Reads a body whole, and decompresses it if it is compressed.
///
/// # Errors
/// Fails if the body is too long, does not arrive whole, or is not compressed as its header says.
async fn read(gzipped: bool, body: Body) -> Result<Vec<u8>, Fault> {
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        match source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
            true => Fault::wrong(format!("the request has more than {MOST_BYTES} bytes")),
            false => Fault::torn(format!("the request did not arrive whole: {error}")),
        }
    })?;
    if !gzipped {
        return Ok(bytes.into());
    }
    let mut whole = Vec::new();
    let mut decoder = GzDecoder::new(&*bytes).take(MOST_BYTES as u64 + 1);
    decoder
        .read_to_end(&mut whole)
        .map_err(|error| Fault::wrong(format!("the request is not compressed by gzip: {error}")))?;
    if whole.len() > MOST_BYTES {
        return Err(Fault::wrong(format!("the request has more than {MOST_BYTES} bytes")));
    }
    Ok(whole)
}

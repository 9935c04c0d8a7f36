//! Receives and sends contents at signed addresses: `/storage/UNTIL/SIGNATURE/WHAT`. The client
//! shows no key there. The address is the proof that the client may use it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_stream::StreamExt as _;

use super::{door::Door, error::Fault, manifest, names, session::Session};
use crate::{
    api::{caller::Host, content},
    app::files::{
        entries, md5,
        signed::{self, Found, Opens, Ticket},
    },
};

/// The characters of a path that an address has as they are.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns the address of a file, below the address of the controller.
pub(super) fn address(base: &str, ticket: &Ticket) -> String {
    let Ticket { opens, until_ms, signature } = ticket;
    let opens = opens.to_string();
    let opens = utf8_percent_encode(&opens, PLAIN);
    format!("{base}/storage/{until_ms}/{signature}/{opens}")
}

/// Reads what stands behind `/storage/` in an address.
fn ticket(address: &str) -> Option<Ticket> {
    let (until_ms, rest) = address.split_once('/')?;
    let (signature, opens) = rest.split_once('/')?;
    let (until_ms, signature) = (until_ms.parse().ok()?, signature.to_owned());
    Some(Ticket { opens: Opens::read(opens)?, until_ms, signature })
}

/// Tells a page in a browser that it may use signed addresses. An address is a proof by itself, so
/// it does not matter where the page comes from.
pub(super) async fn allow() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Receives a file.
pub(super) async fn put(
    State(door): State<Arc<Door>>,
    Path(address): Path<String>,
    request: Request,
) -> Response {
    match receive(&door, &address, request).await {
        Ok(sha256) => ([(header::ETAG, format!("\"{sha256}\""))], "").into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn receive(door: &Door, address: &str, request: Request) -> Result<String, Fault> {
    let ticket = ticket(address).ok_or_else(signed::not_valid)?;
    let mut receiving = signed::receive(&door.app, ticket).await?;
    if let Some(host) = request.extensions().get::<Host>() {
        host.welcome();
    }
    let (clock, stall) = (door.app.clock(), door.app.settings.stall);
    let mut pieces = request.into_body().into_data_stream();
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = clock.sleep(stall) => {
                let stall = stall.as_secs_f64();
                return Err(Fault::torn(format!("no more of the content came for {stall} s")));
            }
        };
        let Some(piece) = piece else { break };
        let piece = piece
            .map_err(|error| Fault::torn(format!("the content did not arrive whole: {error}")))?;
        receiving.add(&door.app, piece.into()).await?;
    }
    Ok(receiving.finish(&door.app).await?.sha256)
}

/// Sends a file, or a range of it.
pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Path(address): Path<String>,
    headers: HeaderMap,
) -> Response {
    match send(&door, &address, &headers).await {
        Ok(answer) => answer,
        Err(fault) => fault.into_response(),
    }
}

async fn send(door: &Door, address: &str, headers: &HeaderMap) -> Result<Response, Fault> {
    let ticket = ticket(address).ok_or_else(signed::not_valid)?;
    let (sha256, size) = match signed::find(&door.app, ticket).await? {
        Found::Content(sha256, size) => (sha256, size),
        Found::Version(key) => return manifest_of(door, key).await,
    };
    Ok(content(door, headers, sha256, size))
}

/// Answers with a content. A page in a browser may read it, wherever the page comes from.
fn content(door: &Door, headers: &HeaderMap, sha256: String, size: u64) -> Response {
    let mut answer = content::answer(&door.app, headers, sha256, size);
    let anyone = HeaderValue::from_static("*");
    answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    answer
}

/// Sends a content to a client that has no signed address, but a key:
/// `/artifactsV2/REGION/TEAM/PROJECT/ARTIFACT/.../MD5/NAME`.
pub(super) async fn by_md5(
    State(door): State<Arc<Door>>,
    Path(address): Path<String>,
    request: Request,
) -> Response {
    match send_by_md5(door, &address, request).await {
        Ok(answer) => answer,
        Err(fault) => fault.into_response(),
    }
}

async fn send_by_md5(door: Arc<Door>, address: &str, request: Request) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let (session, _) = Session::enter(door, request).await?;
    let parts: Vec<&str> = address.split('/').collect();
    let [_, team, project, _, .., md5, _] = parts[..] else {
        return Err(signed::not_valid().into());
    };
    let (said, md5) = (format!("{team}/{project}"), md5.to_owned());
    let (sha256, size) = md5::find(session.app(), &session.caller, &said, md5).await?;
    Ok(content(&session.door, &headers, sha256, size))
}

/// Writes the manifest of a version that the client has not made.
async fn manifest_of(door: &Door, key: i64) -> Result<Response, Fault> {
    let entries = entries::described(&door.app, key).await?;
    Ok(Json(manifest::write(entries, &names::of_version(key))).into_response())
}

#[cfg(test)]
mod tests {
    use record::ids::Attempt;

    use super::*;

    #[test]
    fn an_address_is_read_back() {
        let of = Attempt::new("k3x9abcd-1", 2);
        let opens = Opens::SendFile { of, path: "media/images/a b_1.png".to_owned() };
        let told = Ticket { opens, until_ms: 7, signature: "0".repeat(40) };
        let address = address("http://host:1", &told);
        let path = address.strip_prefix("http://host:1/storage/").unwrap().replace("%20", " ");
        assert_eq!(ticket(&path), Some(told));
        for wrong in ["", "7", "7/sig/put", "x/sig/put/2/run/a", "7/sig/post/2/run/a"] {
            assert_eq!(ticket(wrong), None, "{wrong}");
        }
    }
}

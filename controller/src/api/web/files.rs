//! Serves the files of a run. A file comes from a training program, so it may be anything: a
//! browser shows only images, audio and video, and pages without scripts in a sandbox.

use std::sync::Arc;

use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use record::{ids::RunId, sniff};
use serde::{Deserialize, Serialize};

use super::{asked::Nothing, error::Problem, session::Call};
use crate::{
    api::content,
    app::{App, files::blobs::FileView, read::files},
};

/// The files of a page, unless the caller asks for another number.
const PAGE: u32 = 1000;
/// The most files of a page.
const MOST: u32 = 5000;
/// The bytes that tell what a file is.
const BEGINNING: u64 = 64;
/// What a file may do that is a page of its own: it runs no scripts and loads nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The files that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    after: String,
    limit: Option<u32>,
}

/// A page of files.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunFiles {
    /// The files, by their paths.
    files: Vec<RunFile>,
    /// The path `after` which the next page begins; `null` if there are no more files.
    next: Option<String>,
}

/// A file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct RunFile {
    path: String,
    sha256: String,
    size: u64,
    /// What the program calls the file: `image`, `table`, `file` and so on.
    kind: String,
    attempt: u32,
    logged_ms: i64,
}

/// Lists the files of a run.
pub(super) async fn list(
    Path(run): Path<String>,
    call: Call<Asked>,
) -> Result<Json<RunFiles>, Problem> {
    let Call { app, caller, asked } = call;
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let (found, more) = files::page(&app, &caller, RunId::from(run), asked.after, limit).await?;
    let next = found.last().filter(|_| more).map(|last| last.file.path.clone());
    let file = |FileView { file, attempt, logged_ms }| RunFile {
        path: file.path,
        sha256: file.sha256,
        size: file.size,
        kind: file.kind,
        attempt,
        logged_ms,
    };
    Ok(Json(RunFiles { files: found.into_iter().map(file).collect(), next }))
}

/// Sends a file of a run, or a range of it.
pub(super) async fn send(
    Path((run, path)): Path<(String, String)>,
    headers: HeaderMap,
    call: Call,
) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let file = files::find(&app, &caller, RunId::from(run), path).await?;
    sent(&app, &headers, &file.path, file.sha256, file.size).await
}

/// Answers with a content that has this path, or with a range of it.
pub(super) async fn sent(
    app: &Arc<App>,
    headers: &HeaderMap,
    path: &str,
    sha256: String,
    size: u64,
) -> Result<Response, Problem> {
    let beginning = files::beginning(app, &sha256, size, BEGINNING).await?;
    let shown = Shown::of(path, &beginning);
    let mut answer = content::answer(app, headers, sha256, size);
    let headers = answer.headers_mut();
    match shown {
        Shown::Media(kind) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Shown::Sandboxed(kind) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let policy = HeaderValue::from_static(SANDBOX);
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Shown::No => {
            headers.insert(header::CONTENT_DISPOSITION, attachment(path));
        }
    }
    // A browser may keep the file, but has to ask each time whether it is still the same.
    let again = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, again);
    Ok(answer)
}

/// Tells a browser to store a file under the last part of its path.
fn attachment(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let value = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"));
    value.unwrap_or(HeaderValue::from_static("attachment"))
}

/// How a browser shows a file, with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// As an image, audio or a video.
    Media(&'static str),
    /// As a page that can do nothing.
    Sandboxed(&'static str),
    /// Not at all.
    No,
}

impl Shown {
    /// Decides by the first bytes of a file, or else by its name.
    fn of(path: &str, beginning: &[u8]) -> Self {
        let format = sniff::image(beginning).map(|(format, _)| format);
        let name = path.rsplit('/').next().unwrap_or_default();
        let ending = || Some(name.rsplit_once('.')?.1.to_ascii_lowercase());
        match format.or_else(|| sniff::audio(beginning)) {
            Some("png") => Self::Media("image/png"),
            Some("gif") => Self::Media("image/gif"),
            Some("jpg") => Self::Media("image/jpeg"),
            Some("webp") => Self::Media("image/webp"),
            Some("bmp") => Self::Media("image/bmp"),
            Some("wav") => Self::Media("audio/wav"),
            Some("flac") => Self::Media("audio/flac"),
            Some("ogg") => Self::Media("audio/ogg"),
            Some("mp3") => Self::Media("audio/mpeg"),
            _ => match ending().as_deref() {
                Some("mp4") => Self::Media("video/mp4"),
                Some("webm") => Self::Media("video/webm"),
                Some("svg") => Self::Sandboxed("image/svg+xml"),
                Some("html" | "htm") => Self::Sandboxed("text/html; charset=utf-8"),
                _ => Self::No,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_media_are_shown_and_bytes_tell_more_than_names() {
        let png = b"\x89PNG\r\n\x1a\n";
        for (path, beginning, shown) in [
            ("a/b.png", &png[..], Shown::Media("image/png")),
            ("x.html", png, Shown::Media("image/png")),
            ("x.png", b"<script>", Shown::No),
            ("x.jpg.HTML", b"<script>", Shown::Sandboxed("text/html; charset=utf-8")),
            ("x.svg", b"<svg>", Shown::Sandboxed("image/svg+xml")),
            ("x.mp4", b"\0\0\0\x18ftyp", Shown::Media("video/mp4")),
            ("x.wav", b"RIFF\0\0\0\0WAVE", Shown::Media("audio/wav")),
            ("dir.html/x", b"<script>", Shown::No),
            ("html", b"<script>", Shown::No),
            ("x.xhtml", b"<script>", Shown::No),
            ("x.js", b"", Shown::No),
            ("x.pdf", b"%PDF", Shown::No),
        ] {
            assert_eq!(Shown::of(path, beginning), shown, "{path}");
        }
    }

    #[test]
    fn a_hostile_name_stays_within_its_header() {
        let name = attachment("a/b\"; x=\u{e9};.exe");
        assert_eq!(name, "attachment; filename*=UTF-8''b%22%3B%20x%3D%C3%A9%3B%2Eexe");
    }
}

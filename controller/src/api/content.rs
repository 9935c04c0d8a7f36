//! Answers requests for stored contents: whole, or the range that the headers ask for. Both doors
//! for HTTP send contents with this module. They decide who may read a content, and say what it is.

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use tokio_stream::StreamExt as _;

use crate::app::{App, files::blobs};

/// Answers with a content, with the range of it that the headers ask for, or with the news that the
/// caller has it already. `size` is the size of the whole content in bytes.
pub(super) fn answer(app: &Arc<App>, headers: &HeaderMap, sha256: String, size: u64) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let etag = format!("\"{sha256}\"");
    if text(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    // A range continues a content that the caller has in part, so it must still be the same one.
    let is_same = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let asked = text(header::RANGE).filter(|_| is_same);
    let (status, range) = match asked.map(|asked| range(asked, size)) {
        None | Some(Asked::Whole) => (StatusCode::OK, 0..size),
        Some(Asked::Part(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Asked::Nowhere) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response();
        }
    };
    let pieces = blobs::pieces(app, sha256, size, range.clone());
    let pieces =
        pieces.map(|piece| piece.map(|piece| piece.data).map_err(|error| error.to_string()));
    let mut answer = (
        status,
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, etag),
        ],
        Body::from_stream(pieces),
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        if let Ok(part) = part.parse() {
            answer.headers_mut().insert(header::CONTENT_RANGE, part);
        }
    }
    answer
}

/// What a request asks for of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// All of it: the header is of another form, which a server may ignore.
    Whole,
    /// A range, which is not empty.
    Part(Range<u64>),
    /// A range beyond the end.
    Nowhere,
}

/// Reads the header `Range` for a file of this size.
fn range(header: &str, size: u64) -> Asked {
    let bounds = header.strip_prefix("bytes=").and_then(|bounds| bounds.split_once('-'));
    let Some((first, last)) = bounds else { return Asked::Whole };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Nowhere } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_rfc_9110_says() {
        for (header, asked) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-99", Asked::Part(8..10)),
            ("bytes=10-", Asked::Nowhere),
            ("bytes=-0", Asked::Nowhere),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
        ] {
            assert_eq!(range(header, 10), asked, "{header}");
        }
    }
}

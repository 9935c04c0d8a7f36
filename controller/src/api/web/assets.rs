//! Serves the files of the dashboard, which `controller/build.rs` puts into the program. The names
//! of the files in `assets/` hold a hash of their content, so browsers keep them for good. Browsers
//! ask for all other files anew, and get them only if they have changed.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// A list of files, sorted by path.
type Files = [(&'static str, &'static [u8])];

/// The files of the dashboard.
const FILES: &Files = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// The page from which a browser loads all others.
const INDEX: &str = "index.html";
/// The folder of the files whose names hold a hash.
pub(super) const HASHED: &str = "assets/";
/// The encodings of a file that may be stored beside it, the smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Returns the page of the dashboard.
pub(super) fn index(headers: &HeaderMap) -> Response {
    let page = of(FILES, INDEX, headers);
    page.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Returns the file at this path; `None` if there is none.
pub(super) fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let is_page = path == INDEX || ENCODINGS.iter().any(|(_, end)| path.ends_with(end));
    of(FILES, path, headers).filter(|_| !is_page)
}

/// Returns a short hash of the pages. Their main file names all others by their hashes.
pub(super) fn stamp() -> String {
    find(FILES, INDEX).map(|page| blake3::hash(page).to_hex()[..12].to_owned()).unwrap_or_default()
}

fn find(files: &Files, path: &str) -> Option<&'static [u8]> {
    let place = files.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    Some(files[place].1)
}

fn of(files: &Files, path: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = find(files, path)?;
    let accepted = header_of(headers, header::ACCEPT_ENCODING);
    let smaller = ENCODINGS.iter().filter(|(encoding, _)| accepts(accepted, encoding));
    let smaller = smaller.filter_map(|(encoding, end)| {
        Some((Some(*encoding), find(files, &format!("{path}{end}"))?))
    });
    let (encoding, content) = smaller.into_iter().next().unwrap_or((None, plain));
    let is_hashed = path.starts_with(HASHED);
    let tag = format!("\"{}\"", &blake3::hash(content).to_hex()[..32]);
    let known = header_of(headers, header::IF_NONE_MATCH);
    let mut answer =
        match known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => content.into_response(),
        };
    let lasts = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answered = answer.headers_mut();
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasts));
    answered.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answered.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        answered.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(answer)
}

fn header_of(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns whether the list of encodings allows this one. A quality of 0 forbids it.
fn accepts(list: &str, encoding: &str) -> bool {
    list.split(',').any(|item| {
        let (name, quality) = item.split_once(';').unwrap_or((item, ""));
        let quality = quality.trim().strip_prefix("q=").map(str::parse::<f64>);
        name.trim().eq_ignore_ascii_case(encoding) && !matches!(quality, Some(Ok(0.0)))
    })
}

/// Returns the type of the file's content by the end of its name.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &Files = &[
        ("assets/a-1.js", b"plain"),
        ("assets/a-1.js.br", b"br"),
        ("assets/a-1.js.gz", b"gz"),
        ("index.html", b"page"),
    ];

    fn ask(path: &str, lines: &[(header::HeaderName, &str)]) -> Option<Response> {
        let line = |(name, value): &(header::HeaderName, &str)| {
            (name.clone(), HeaderValue::from_str(value).unwrap())
        };
        of(SOME, path, &lines.iter().map(line).collect())
    }

    fn told(answer: &Response, name: header::HeaderName) -> String {
        header_of(answer.headers(), name).to_owned()
    }

    #[test]
    fn a_file_comes_in_the_smallest_encoding_that_the_browser_takes() {
        for (accepted, encoding) in [
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("identity", ""),
            ("", ""),
        ] {
            let answer = ask("assets/a-1.js", &[(header::ACCEPT_ENCODING, accepted)]).unwrap();
            assert_eq!(told(&answer, header::CONTENT_ENCODING), encoding, "{accepted}");
            assert!(told(&answer, header::CONTENT_TYPE).starts_with("text/javascript"));
            assert!(told(&answer, header::CACHE_CONTROL).contains("immutable"));
        }
        assert!(ask("assets/b.js", &[]).is_none());
    }

    #[test]
    fn the_page_is_asked_for_anew_and_sent_only_if_it_has_changed() {
        let answer = ask("index.html", &[(header::ACCEPT_ENCODING, "br")]).unwrap();
        assert_eq!(told(&answer, header::CACHE_CONTROL), "no-cache");
        let tag = told(&answer, header::ETAG);
        let again = ask("index.html", &[(header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"))]);
        assert_eq!(again.unwrap().status(), StatusCode::NOT_MODIFIED);
        let other = ask("index.html", &[(header::IF_NONE_MATCH, "\"x\"")]).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }
}

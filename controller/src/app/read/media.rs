//! Lists the media that the history of a run names: images, audio, videos, pages of HTML, tables
//! and plots, as the SDK and W&B's client log them. The handlers of `api::web` call this module. It
//! reads only the columns that may hold media, and changes nothing.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use record::{RowRef, ValueRef, columns::Kind, file::check_path, ids::RunId, stream::StreamName};
use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};

use super::steps;
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::summaries,
        runs::lookup,
    },
    store::{Tx, runs::Run},
};

/// The type of a histogram, which is a value and no file.
const HISTOGRAM: &str = "histogram";

/// The media that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The run's id.
    pub(crate) run: RunId,
    /// The key of the media; `None` means all keys.
    pub(crate) key: Option<String>,
    /// The first step.
    pub(crate) from: u64,
    /// The most items. If a single step has more, the page has all of them.
    pub(crate) limit: usize,
}

/// A value that names media.
#[derive(Debug)]
pub(crate) struct Item {
    /// The key under which the value was logged.
    pub(crate) key: String,
    /// The step at which it was logged.
    pub(crate) step: u64,
    /// `image`, `audio`, `video`, `html`, `table`, `plot` or `other`.
    pub(crate) kind: &'static str,
    /// The value.
    pub(crate) value: Box<RawValue>,
    /// The paths of the files that the value names, in the value's order.
    pub(crate) files: Vec<String>,
}

/// Returns a page of media by ascending step and key, and the first step of the next page. Of
/// several values of a key at a step, the last one counts.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist. Fails with [`Error::Invalid`] if the
/// media of one step have more than `Limits::read_bytes`.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    asked: Asked,
) -> Result<(Vec<Item>, Option<u64>), Error> {
    permit::run(app, caller, Right::See, &asked.run).await?;
    app.read(move |tx, app| {
        let run = lookup::find(tx, &asked.run)?;
        let mut page = Page::new(&asked, app.settings.limits.read_bytes);
        fill(tx, &run, &asked, &mut page)?;
        let next = page.next;
        let items = page.found.into_iter();
        Ok((items.filter_map(|(at, found)| item(at, found)).collect(), next))
    })
    .await
}

fn fill(tx: &Tx<'_>, run: &Run, asked: &Asked, page: &mut Page) -> Result<(), Error> {
    // Histograms of weights and gradients may be most of a history, and they are no media.
    let histograms = match asked.key {
        Some(_) => HashSet::new(),
        None => histograms(&summaries::of(tx, run)?.to_json(&[])),
    };
    let may_be = |key: &str| match &asked.key {
        Some(wanted) => key == wanted,
        None => !histograms.contains(key),
    };
    steps::counted(tx, run, StreamName::History, |block| {
        let head = block.head()?;
        let columns: Option<HashSet<&str>> = head.as_ref().map(|head| {
            let columns = head.columns.iter().filter(|column| {
                column.kind == Kind::Json && may_be(&column.key) && page.overlaps(column.steps)
            });
            columns.map(|column| column.key.as_str()).collect()
        });
        let wanted = |key: &str| match &columns {
            Some(columns) => columns.contains(key),
            None => may_be(key),
        };
        if columns.as_ref().is_some_and(HashSet::is_empty) {
            return Ok(());
        }
        block.each(tx, wanted, |row| page.add(&row, wanted))?;
        match page.is_too_large {
            true => Err(Error::invalid(format!(
                "the media of step {} have more than {} bytes: ask for one key",
                page.first(),
                page.room
            ))),
            false => Ok(()),
        }
    })
}

/// Returns the keys whose values in the summary are histograms.
fn histograms(summary: &Json) -> HashSet<String> {
    let object = summary.as_object();
    let is_one = |value: &Json| value.get("_type").and_then(Json::as_str) == Some(HISTOGRAM);
    let found = object.into_iter().flatten().filter(|(_, value)| is_one(value));
    found.map(|(key, _)| key.clone()).collect()
}

/// A page that is being filled: the items of the first steps that were found so far.
struct Page {
    from: u64,
    limit: usize,
    room: usize,
    found: BTreeMap<(u64, String), Found>,
    bytes: usize,
    /// The first step that the page leaves out.
    next: Option<u64>,
    is_too_large: bool,
}

struct Found {
    kind: &'static str,
    text: String,
}

impl Page {
    fn new(asked: &Asked, room: usize) -> Self {
        Self {
            from: asked.from,
            limit: asked.limit.max(1),
            room,
            found: BTreeMap::new(),
            bytes: 0,
            next: None,
            is_too_large: false,
        }
    }

    /// Returns whether a step between these two may be on the page.
    fn overlaps(&self, (least, last): (u64, u64)) -> bool {
        last >= self.from && self.next.is_none_or(|next| least < next)
    }

    fn first(&self) -> u64 {
        self.found.keys().next().map_or(self.from, |(step, _)| *step)
    }

    fn add(&mut self, row: &RowRef<'_>, wanted: impl Fn(&str) -> bool) {
        if !self.overlaps((row.step, row.step)) {
            return;
        }
        for (key, value) in row.values {
            if let ValueRef::Json(text) = value
                && wanted(key)
                && let Some(kind) = kind(text)
            {
                self.put(row.step, key, Found { kind, text: (*text).to_owned() });
            }
        }
    }

    fn put(&mut self, step: u64, key: &str, found: Found) {
        self.bytes += found.text.len();
        if let Some(before) = self.found.insert((step, key.to_owned()), found) {
            self.bytes -= before.text.len();
        }
        while self.found.len() > self.limit || self.bytes > self.room {
            let last = self.found.keys().next_back().map_or(step, |(step, _)| *step);
            if last == self.first() {
                break;
            }
            let left_out = self.found.split_off(&(last, String::new()));
            self.bytes -= left_out.values().map(|found| found.text.len()).sum::<usize>();
            self.next = Some(last);
        }
        if self.bytes > self.room {
            self.is_too_large = true;
            self.bytes -= self.found.pop_last().map_or(0, |(_, found)| found.text.len());
        }
    }
}

/// Returns the kind of media that a value names; `None` for another value.
fn kind(text: &str) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, rename = "_type")]
        own: Cow<'a, str>,
    }
    if !text.contains("_type") {
        return None;
    }
    let Typed { own } = serde_json::from_str(text).ok()?;
    Some(match &*own {
        "image-file" | "images" | "images/separated" => "image",
        "audio-file" | "audio" => "audio",
        "video-file" | "videos" => "video",
        "html-file" | "html" => "html",
        "table-file" | "partitioned-table" | "joined-table" | "incremental-table-file" => "table",
        "custom-chart" | "plotly-file" | "bokeh-file" => "plot",
        "object3D-file" | "object3D" | "molecule-file" | "molecule" | "graph-file" => "other",
        _ => return None,
    })
}

fn item((step, key): (u64, String), Found { kind, text }: Found) -> Option<Item> {
    let mut files = Vec::new();
    name_files(&serde_json::from_str(&text).ok()?, &mut files);
    // A value comes from a program, so its paths may be anything.
    files.retain(|path| check_path(path).is_ok());
    Some(Item { key, step, kind, value: RawValue::from_string(text).ok()?, files })
}

/// Adds the paths of the files that a value names: each `path` beside a `sha256`, and all
/// `filenames`.
fn name_files(json: &Json, files: &mut Vec<String>) {
    match json {
        Json::Object(object) => {
            if let (Some(Json::String(path)), Some(Json::String(_))) =
                (object.get("path"), object.get("sha256"))
            {
                files.push(path.clone());
            }
            if let Some(Json::Array(names)) = object.get("filenames") {
                files.extend(names.iter().filter_map(Json::as_str).map(str::to_owned));
            }
            object.values().for_each(|value| name_files(value, files));
        }
        Json::Array(items) => items.iter().for_each(|item| name_files(item, files)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        Found { kind: "image", text: text.to_owned() }
    }

    fn page(limit: usize, room: usize) -> Page {
        let asked = Asked { run: "r".into(), key: None, from: 0, limit };
        Page::new(&asked, room)
    }

    #[test]
    fn a_page_has_whole_steps_and_says_where_the_next_one_begins() {
        let mut steps = page(3, 1000);
        for step in [5, 1, 9, 1, 3] {
            for key in ["a", "b"] {
                steps.put(step, key, found("x"));
            }
        }
        let keys: Vec<u64> = steps.found.keys().map(|(step, _)| *step).collect();
        assert_eq!((keys, steps.next, steps.bytes), (vec![1, 1], Some(3), 2));
        assert!(!steps.overlaps((3, 8)) && steps.overlaps((0, 3)));
        // A single step may have more than the limit.
        let mut one = page(1, 1000);
        ["a", "b", "c"].iter().for_each(|key| one.put(7, key, found("x")));
        assert_eq!((one.found.len(), one.next, one.is_too_large), (3, None, false));
    }

    #[test]
    fn a_page_has_a_bounded_number_of_bytes() {
        let mut page = page(100, 10);
        for step in (0..20).rev() {
            page.put(step, "a", found("1234"));
        }
        assert_eq!((page.found.len(), page.bytes, page.next), (2, 8, Some(2)));
        page.put(0, "a", found("12345678901"));
        assert!(page.is_too_large && page.bytes <= 10);
    }

    #[test]
    fn files_of_every_form_are_named() {
        let files = |text: &str| {
            assert!(kind(text).is_some(), "{text}");
            item((0, "k".to_owned()), found(text)).unwrap().files
        };
        assert_eq!(
            files(
                r#"{"_type": "image-file", "path": "a.png", "sha256": "0", "masks":
                {"m": {"_type": "mask-file", "path": "m.png", "sha256": "1"}}}"#
            ),
            ["a.png", "m.png"]
        );
        assert_eq!(
            files(
                r#"{"_type": "images/separated", "filenames": ["a", "../b", "/c", 4],
                "all_boxes": [{"p": {"path": "b.json", "sha256": "2"}}], "x": {"path": "no"}}"#
            ),
            ["a", "b.json"]
        );
        for other in [r#"{"_type": "histogram"}"#, r#"{"path": "a", "sha256": "0"}"#, "[]", "_type"]
        {
            assert_eq!(kind(other), None, "{other}");
        }
    }
}

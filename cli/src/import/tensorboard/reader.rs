//! Turns the event files of one folder into rows. Consecutive values of the same step form one row
//! until a tag repeats, as one call of `log` would have logged them.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, BufReader, Take},
    mem,
};

use blobs::Hashed;
use prost::Message as _;
use proto::v1::Outcome;
use record::{Row, Value, file::media_path};
use serde_json::{Value as Json, json};

use super::{
    event::{Event, Hparam, HparamsContent, TaggedValue},
    framing::{Next, Records},
    restarts::{self, Restarts},
    value::{self, Clip, Found},
};
use crate::{
    import::{
        paths::shown,
        source::{About, Attached, Content, Losses, Part, Reader},
    },
    stream::Stream,
};

/// The plugin that stores a run's config.
const HPARAMS: &str = "hparams";
/// The most values of a row. The reader splits a longer row, because one call of `log` would hardly
/// have more values.
const ROW_VALUES: usize = 1024;

/// Reads event files one after the other.
pub(super) struct EventReader {
    parts: VecDeque<Part>,
    /// The files of the rows that were read last.
    files: Vec<Attached>,
    file: Option<Open>,
    restarts: Restarts,
    /// The plugin of each tag. A writer may name the plugin only in the first value of a tag.
    plugins: HashMap<String, String>,
    row: Row,
    ready: VecDeque<Row>,
    about: About,
    failed: bool,
    losses: Losses,
}

/// The file that is being read.
struct Open {
    /// The path to show to the user.
    path: String,
    records: Records<BufReader<Take<File>>>,
    /// Whether a record, intact or not, was read from this file.
    has_begun: bool,
    damaged: u64,
}

impl Reader for EventReader {
    fn next(&mut self) -> io::Result<Option<(Stream, Row)>> {
        if let Some(row) = self.ready.pop_front() {
            return Ok(Some((Stream::History, row)));
        }
        self.files.clear();
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some((Stream::History, row)));
            }
            match self.record()? {
                Some(bytes) => match Event::decode(bytes.as_slice()) {
                    Ok(event) => self.event(event),
                    Err(_) => self.damaged(),
                },
                None => {
                    self.losses.notes.extend(mem::take(&mut self.restarts).note());
                    let last = mem::take(&mut self.row);
                    return Ok((!last.values.is_empty()).then_some((Stream::History, last)));
                }
            }
        }
    }

    fn files(&mut self) -> Vec<Attached> {
        mem::take(&mut self.files)
    }

    fn losses(&mut self) -> &mut Losses {
        &mut self.losses
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn outcome(&self) -> Outcome {
        // Only the plugin for hyperparameters records the end of a run. Without its record, the run
        // counts as finished.
        let (state, class) = if self.failed { ("failed", "error") } else { ("finished", "") };
        Outcome { state: state.to_owned(), class: class.to_owned(), ..Outcome::default() }
    }
}

impl EventReader {
    /// Finds the restarts in the files and creates a reader of the files. Fails if a file cannot be
    /// read.
    pub(super) fn new(files: &[Part], project: &str, name: &str) -> io::Result<Self> {
        Ok(Self {
            parts: files.to_vec().into(),
            files: Vec::new(),
            file: None,
            restarts: restarts::find(files)?,
            plugins: HashMap::new(),
            row: Row::default(),
            ready: VecDeque::new(),
            about: About { project: project.to_owned(), name: name.to_owned(), ..About::default() },
            failed: false,
            losses: Losses::default(),
        })
    }

    /// Returns the next intact record of the files, or `None` after the last one. Notes the damage
    /// that it skips.
    fn record(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let Some(file) = &mut self.file else {
                let Some(part) = self.parts.pop_front() else { return Ok(None) };
                let (path, records) = (shown(&part.path), Records::open(&part)?);
                self.file = Some(Open { path, records, has_begun: false, damaged: 0 });
                continue;
            };
            let next = file.records.next()?;
            let (path, has_begun) = (&file.path, file.has_begun);
            file.has_begun = true;
            let note = match next {
                Next::Record(bytes) => {
                    self.restarts.pass();
                    return Ok(Some(bytes));
                }
                Next::Bad => {
                    file.damaged += 1;
                    continue;
                }
                Next::End if has_begun => None,
                Next::End => Some(format!("`{path}` is empty")),
                Next::Torn if has_begun => Some(format!(
                    "`{path}` ends within an event: a live run, or one that was killed"
                )),
                Next::Torn => {
                    Some(format!("`{path}` ends within its first event, or is not an event file"))
                }
                Next::Lost if has_begun => {
                    Some(format!("`{path}` is damaged: the rest of it cannot be read"))
                }
                Next::Lost => Some(format!("`{path}` is not an event file")),
            };
            if file.damaged > 0 {
                let events = terminal::count(file.damaged, "damaged event");
                self.losses
                    .notes
                    .push(format!("`{path}` has {events}, which the import leaves out"));
            }
            self.losses.notes.extend(note);
            self.file = None;
        }
    }

    /// Counts the record that was read last as damaged.
    fn damaged(&mut self) {
        if let Some(file) = &mut self.file {
            file.damaged += 1;
        }
    }

    fn event(&mut self, event: Event) {
        if event.graph.is_some() || event.meta_graph.is_some() {
            self.losses.skip("graph");
        }
        if event.run_metadata.is_some() {
            self.losses.skip("profile");
        }
        if event.log_message.is_some() {
            self.losses.skip("log message");
        }
        let wall_ms = (event.wall_time * 1e3) as i64;
        for tagged in event.summary.unwrap_or_default().values {
            self.tagged(event.step, wall_ms, tagged);
        }
    }

    fn tagged(&mut self, step: i64, wall_ms: i64, tagged: TaggedValue) {
        if let Some(plugin) = tagged.metadata.as_ref().and_then(|metadata| metadata.plugin.as_ref())
        {
            if plugin.name == HPARAMS {
                return self.hparams(&plugin.content);
            }
            if self.plugins.get(&tagged.tag) != Some(&plugin.name) {
                self.plugins.insert(tagged.tag.clone(), plugin.name.clone());
            }
        }
        let plugin = self.plugins.get(&tagged.tag).map_or("", String::as_str);
        let (step, found) = match (value::found(&tagged, plugin), u64::try_from(step)) {
            (Ok(_), _) if self.restarts.take_back(step) => return,
            (Ok(found), Ok(step)) => (step, found),
            (Err(what), _) => return self.losses.skip(what),
            (_, Err(_)) => return self.losses.skip("value before step 0"),
        };
        let value = match found {
            Found::Value(value) => value,
            Found::Media(kind, clips) => self.attach(kind, &tagged.tag, step, clips),
        };
        self.put(step, wall_ms, tagged.tag, value);
    }

    /// Keeps encoded images or clips as files, and returns the value that names them.
    fn attach(&mut self, kind: &'static str, key: &str, step: u64, clips: Vec<Clip>) -> Value {
        let mut named: Vec<Json> = Vec::new();
        for Clip { bytes, format } in clips {
            let Hashed { sha256, size } = Hashed::of(&bytes);
            let path = media_path(kind, key, step, &sha256, format);
            named.push(json!({
                "_type": format!("{kind}-file"), "sha256": sha256, "size": size, "path": path,
                "format": format,
            }));
            self.files.push(Attached { path, kind, content: Content::Bytes(bytes) });
        }
        let value = match named.len() {
            1 => named.remove(0),
            count => json!({ "_type": format!("{kind}s"), "count": count, "items": named }),
        };
        Value::Json(value.to_string())
    }

    fn put(&mut self, step: u64, wall_ms: i64, key: String, value: Value) {
        let row = &self.row;
        let known = row.step == step
            && row.values.len() < ROW_VALUES
            && row.values.iter().all(|(other, _)| *other != key);
        if !known || row.values.is_empty() {
            let before = mem::replace(&mut self.row, Row { step, wall_ms, values: Vec::new() });
            if !before.values.is_empty() {
                self.ready.push_back(before);
            }
        }
        self.row.values.push((key, value));
    }

    fn hparams(&mut self, content: &[u8]) {
        let Ok(content) = HparamsContent::decode(content) else { return self.damaged() };
        if let Some(start) = content.start {
            // The order of a map is arbitrary, so the hyperparameters are sorted.
            let mut hparams: Vec<(String, Hparam)> = start.hparams.into_iter().collect();
            hparams.sort_by(|(one, _), (other, _)| one.cmp(other));
            self.about
                .config
                .extend(hparams.into_iter().map(|(name, hparam)| (name, of_hparam(hparam))));
            self.about.group = start.group;
        }
        self.failed |= content.end.is_some_and(|end| end.status == 2);
    }
}

/// Converts a hyperparameter to JSON. TensorBoard stores every number as a float. Whole numbers
/// below 1e15 become integers.
fn of_hparam(hparam: Hparam) -> Json {
    let Hparam { number, text, flag } = hparam;
    match (number, text, flag) {
        (Some(number), ..) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Json::from(number as i64)
        }
        (Some(number), ..) => record::json::to_json(&Value::F64(number)),
        (_, Some(text), _) => Json::from(text),
        (_, _, Some(flag)) => Json::from(flag),
        _ => Json::Null,
    }
}

//! Stores what a run's program and its agent report about the run: the config beyond its
//! parameters, the definitions of metrics, the state of the code, a preemption, and a note on
//! printed lines. The reports come as rows of the stream `meta`, so they are as durable as any row.
//! `app::rows::ingest` and `app::runs::begin` call this module. This module never changes a
//! parameter that a sweep has chosen.

use std::{collections::HashMap, io};

use record::{Corrupt, ValueRef};
use serde_json::{Map, Value as Json};

use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::Error,
        rows::metrics::Metric,
        text::cut,
    },
    settings::Limits,
    store::{self, Tx},
};

/// The most bytes of an agent's note on printed lines that the controller keeps.
const PRINTED_BYTES: usize = 2 << 10;
/// The cost of measuring, overlaying and dropping one update, beside the cost of its bytes. The
/// unit is the cost of parsing one byte of JSON.
const UPDATE_BYTES: usize = 18;

/// Parses a text that is a JSON object; returns `None` for any other text.
pub(in crate::app) fn object(json: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(json).ok()
}

/// The contents of one append to the stream `meta`. The contents are parsed before the writer
/// thread gets them, so the writer thread only merges.
#[derive(Debug, Default)]
pub(in crate::app) struct Said {
    parts: Vec<Part>,
    /// The bytes of the JSON of all parts.
    bytes: usize,
}

#[derive(Debug)]
enum Part {
    Config(Map<String, Json>),
    Code(Map<String, Json>),
    Metric(Metric),
    Preempting,
    /// The note of an agent on the lines that its trial has printed.
    Printed(String),
    /// An update that cannot be applied, with the reason.
    Nothing(String),
}

impl Said {
    /// Reads rows of the stream `meta`.
    ///
    /// # Errors
    /// Fails with [`Corrupt`] at the first frame that is torn or bad.
    pub(in crate::app) fn read(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut said = Self::default();
        for frame in record::frames(frames) {
            frame?.each(|row| row.values.iter().for_each(|(key, value)| said.add(key, *value)))?;
        }
        Ok(said)
    }

    fn add(&mut self, key: &str, value: ValueRef<'_>) {
        let json = if let ValueRef::Json(json) = value { json } else { "" };
        let nothing =
            || Part::Nothing(format!("the value of `{key}` in `meta` is not a JSON object"));
        let part = match (key, object(json)) {
            ("config", Some(said)) => Part::Config(said),
            ("code", Some(said)) => Part::Code(said),
            ("preempting", Some(_)) => Part::Preempting,
            ("printed", Some(said)) => match said.get("note").and_then(Json::as_str) {
                Some(note) => Part::Printed(note.to_owned()),
                None => nothing(),
            },
            ("metric", Some(said)) => Metric::read(&said).map_or_else(Part::Nothing, Part::Metric),
            // The controller does not know this key, which comes from a newer SDK. The row is
            // stored and has no other effect.
            (_, Some(_)) => return,
            (_, None) => nothing(),
        };
        self.bytes += json.len();
        self.parts.push(part);
    }
}

/// Applies an append to the stream `meta`. If updates cannot be applied, the first reason becomes
/// the run's note, unless the run has a note already. An error would not help the sender.
pub(in crate::app) fn take(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    said: Said,
) -> Result<(), Error> {
    let (tx, limits) = (change.tx, &change.app.settings.limits);
    let mut about = store::about::get(tx, run.key)?;
    let (mut notes, mut configs, mut codes, mut metrics) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut printed = None;
    // The values were parsed before this transaction. Moving them now costs about a quarter of
    // parsing them.
    tx.parsed(said.bytes / 4);
    for part in said.parts {
        match part {
            Part::Config(said) => configs.push(said),
            Part::Code(said) => codes.push(said),
            Part::Metric(metric) => metrics.push(metric),
            Part::Preempting => run.preempting = true,
            Part::Printed(note) => printed = Some(note),
            Part::Nothing(why) => notes.push(why),
        }
    }
    if !configs.is_empty() && run.sweep.is_none() {
        let config = run.introduction().config;
        notes.extend(merge(tx, "config", config, configs, limits.config_bytes).err());
    } else if !configs.is_empty() {
        tx.parsed(run.config.len());
        let parameters = object(&run.config).unwrap_or_default();
        let added = configs.into_iter().map(|said| without(said, &parameters)).collect();
        notes.extend(merge(tx, "config", &mut about.added, added, limits.config_bytes).err());
    }
    if !metrics.is_empty() {
        notes.extend(define(tx, &mut about.metrics, metrics, limits).err());
    }
    store::about::save(tx, run.key, &about)?;
    if let Some(note) = printed {
        store::printed::save(tx, run, cut(&note, PRINTED_BYTES))?;
    }
    if !codes.is_empty() {
        let mut known = store::about::code(tx, run.key)?;
        notes.extend(merge(tx, "state of the code", &mut known, codes, limits.code_bytes).err());
        store::about::save_code(tx, run.key, &known)?;
    }
    let note = notes.into_iter().next().filter(|_| run.note.is_none());
    if note.is_some() {
        run.note = run.note.take().or(note);
    }
    Ok(())
}

/// Adds new definitions of metrics to the stored definitions of a run. A definition replaces an
/// older one with the same name. Leaves out definitions beyond the limits, and returns an error
/// about the first of these.
pub(super) fn define(
    tx: &Tx<'_>,
    stored: &mut String,
    new: Vec<Metric>,
    limits: &Limits,
) -> Result<(), String> {
    tx.parsed(stored.len());
    let mut places = HashMap::new();
    let mut all: Vec<Option<Metric>> = Vec::new();
    let (mut bytes, mut left_out) = (0, Ok(()));
    for metric in Metric::list(stored).into_iter().chain(new) {
        let old = places.get(&metric.name).copied();
        let freed = old.and_then(|place: usize| all[place].as_ref()).map_or(0, Metric::bytes);
        if (old.is_none() && places.len() == limits.metrics)
            || bytes + metric.bytes() - freed > limits.metrics_bytes
        {
            let (count, most) = (limits.metrics, limits.metrics_bytes);
            left_out = left_out.and(Err(format!(
                "the run has more than {count} definitions of metrics, or more than {most} bytes \
                of them: `{}` is left out",
                cut(&metric.name, 100)
            )));
            continue;
        }
        bytes = bytes + metric.bytes() - freed;
        if let Some(place) = old {
            all[place] = None;
        }
        places.insert(metric.name.clone(), all.len());
        all.push(Some(metric));
    }
    *stored = Json::Array(all.iter().flatten().map(Metric::write).collect()).to_string();
    tx.parsed(stored.len());
    left_out
}

/// Overlays the config of a run outside of sweeps with a JSON object.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the config would become too long.
pub(in crate::app) fn update_config(
    tx: &Tx<'_>,
    app: &App,
    run: &mut Draft<'_>,
    json: &str,
) -> Result<(), Error> {
    tx.parsed(json.len());
    let said = vec![object(json).unwrap_or_default()];
    merge(tx, "config", run.introduction().config, said, app.settings.limits.config_bytes)
        .map_err(Error::invalid)
}

/// Overlays the config of any run with an object. The parameters of a trial stay as they are.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the config would become too long.
pub(super) fn lay_over_config(
    change: &Change<'_>,
    run: &mut Draft<'_>,
    said: Map<String, Json>,
) -> Result<(), Error> {
    let (tx, most) = (change.tx, change.app.settings.limits.config_bytes);
    if run.sweep.is_none() {
        let config = run.introduction().config;
        return merge(tx, "config", config, vec![said], most).map_err(Error::invalid);
    }
    let mut about = store::about::get(tx, run.key)?;
    tx.parsed(run.config.len());
    let added = vec![without(said, &object(&run.config).unwrap_or_default())];
    merge(tx, "config", &mut about.added, added, most).map_err(Error::invalid)?;
    Ok(store::about::save(tx, run.key, &about)?)
}

/// Overlays the object in `base` with other objects, one after the other. Stops at the first object
/// that would make `base` longer than `most` bytes, and returns an error about it. Parses and
/// writes `base` only once, however many objects there are.
fn merge(
    tx: &Tx<'_>,
    what: &str,
    base: &mut String,
    said: Vec<Map<String, Json>>,
    most: usize,
) -> Result<(), String> {
    tx.parsed(base.len() + said.len() * UPDATE_BYTES);
    let mut merged = object(base).unwrap_or_default();
    let (mut length, mut left_out) = (length(&merged), Ok(()));
    for over in said {
        length = length.saturating_add_signed(growth(&merged, &over));
        if length > most {
            left_out = Err(format!(
                "the {what} would have {length} bytes, but the limit is {most}: the last update \
                is left out"
            ));
            break;
        }
        lay(&mut merged, over);
    }
    *base = Json::Object(merged).to_string();
    tx.parsed(base.len());
    left_out
}

/// Overlays `base` with `over`, key by key.
fn lay(base: &mut Map<String, Json>, over: Map<String, Json>) {
    for (key, value) in over {
        match base.get_mut(&key) {
            Some(known) => record::json::overlay(known, value),
            None => drop(base.insert(key, value)),
        }
    }
}

/// Returns by how many bytes `base` grows when it is overlaid with `over`. Reads only the new
/// values and the values that they replace.
fn growth(base: &Map<String, Json>, over: &Map<String, Json>) -> isize {
    let (mut bytes, mut added) = (0_isize, 0);
    for (key, value) in over {
        bytes += match (base.get(key), value) {
            (Some(Json::Object(known)), Json::Object(value)) => growth(known, value),
            (Some(known), value) => length(value).cast_signed() - length(known).cast_signed(),
            (None, value) => {
                added += 1;
                // The 1 is for the colon.
                (length(key) + 1 + length(value)).cast_signed()
            }
        };
    }
    let commas = |entries: usize| entries.saturating_sub(1).cast_signed();
    bytes + commas(base.len() + added) - commas(base.len())
}

/// Returns the number of bytes of a value as JSON.
pub(super) fn length(value: &impl serde::Serialize) -> usize {
    let mut counted = Counted(0);
    // The writer only counts, and a JSON value can always be written, so this cannot fail.
    let _ = serde_json::to_writer(&mut counted, value);
    counted.0
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Removes the parameters from an update, because they stay as the sweep has chosen them.
pub(super) fn without(
    mut said: Map<String, Json>,
    parameters: &Map<String, Json>,
) -> Map<String, Json> {
    for (key, chosen) in parameters {
        if let (Some(Json::Object(inner)), Json::Object(chosen)) = (said.remove(key), chosen) {
            let rest = without(inner, chosen);
            if !rest.is_empty() {
                said.insert(key.clone(), Json::Object(rest));
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_stay_and_other_values_are_kept() {
        let parameters = json!({"lr": 0.1, "optimizer": {"name": "Adam"}});
        let said = json!({"lr": 9, "optimizer": {"name": "SGD", "momentum": 0.9}, "seed": 1});
        let rest = without(said.as_object().unwrap().clone(), parameters.as_object().unwrap());
        assert_eq!(Json::Object(rest), json!({"optimizer": {"momentum": 0.9}, "seed": 1}));
    }

    #[test]
    fn the_growth_of_a_config_is_predicted_exactly() {
        let configs = [
            json!({}),
            json!({"a": 1}),
            json!({"a": {}, "b": [1, 2]}),
            json!({"a": {"x": "é\n"}, "c": null}),
            json!({"a": {"x": 1.5, "y": {"z": true}}, "b": "long enough", "d": {}}),
        ];
        for (base, over) in
            configs.iter().flat_map(|base| configs.iter().map(move |over| (base, over)))
        {
            let (mut merged, over) = (base.as_object().unwrap().clone(), over.as_object().unwrap());
            let told = growth(&merged, over);
            lay(&mut merged, over.clone());
            let grown = Json::Object(merged).to_string().len().cast_signed()
                - base.to_string().len().cast_signed();
            assert_eq!(told, grown, "{base} {over:?}");
        }
    }
}

//! What a run's program says of it: config beyond its parameters, definitions of metrics, the state of its code. Comes in as
//! rows of the stream `meta`, so that it survives whatever rows survive. Called by `app::ingest` and `app::begin`. Never
//! changes a parameter that a sweep has chosen.

use record::ValueRef;
use serde_json::{Map, Value as Json};

use super::{App, change::Change, error::Error, metrics::Metric, text::cut};
use crate::store::{self, about::About, runs::Run};

/// Definitions of metrics that a run keeps.
const MAX_METRICS: usize = 1000;
/// What is kept of a note on printed lines.
const PRINTED_BYTES: usize = 2 << 10;

/// A JSON object in a text.
pub(super) fn object(json: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(json).ok()
}

/// Takes rows of the stream `meta`. What makes no sense is noted on the run: its sender could not do better.
///
/// # Errors
/// When the database fails.
pub(super) fn take(change: &mut Change<'_>, run: &mut Run, frames: &[u8]) -> Result<(), Error> {
    let mut about = store::about::get(change.tx, run.key)?;
    let (mut notes, mut code, before) = (Vec::new(), Map::new(), run.config.clone());
    let mut printed = None;
    let was_preempting = run.preempting;
    for frame in record::frames(frames) {
        let frame = frame.map_err(|corrupt| Error::Bug(format!("checked rows are damaged: {corrupt}")))?;
        let rows = frame.each(|row| {
            for (key, value) in row.values {
                if *key == "printed" {
                    printed = note_of(*value).or(printed.take());
                    continue;
                }
                let told = take_one(change.app, run, &mut about, &mut code, key, *value);
                notes.extend(told.err());
            }
        });
        rows.map_err(|corrupt| Error::Bug(format!("checked rows are damaged: {corrupt}")))?;
    }
    store::about::save(change.tx, run.key, &about)?;
    if let Some(note) = printed {
        store::printed::save(change.tx, run, cut(&note, PRINTED_BYTES))?;
    }
    if !code.is_empty() {
        let mut known = store::about::code(change.tx, run.key)?;
        notes.extend(merge(change.app, &mut known, code).err().map(|error| error.to_string()));
        store::about::save_code(change.tx, run.key, &known)?;
    }
    if run.config != before {
        store::runs::save_introduction(change.tx, run)?;
    }
    let note = notes.into_iter().next().filter(|_| run.note.is_none());
    if note.is_some() || run.preempting != was_preempting {
        run.note = run.note.take().or(note);
        store::runs::save(change.tx, run)?;
    }
    Ok(())
}

/// What an agent says of the lines that its trial has printed.
fn note_of(value: ValueRef<'_>) -> Option<String> {
    let ValueRef::Json(json) = value else { return None };
    object(json)?.get("note")?.as_str().map(str::to_owned)
}

fn take_one(
    app: &App,
    run: &mut Run,
    about: &mut About,
    code: &mut Map<String, Json>,
    key: &str,
    value: ValueRef<'_>,
) -> Result<(), String> {
    let said = if let ValueRef::Json(json) = value { object(json) } else { None };
    let said = said.ok_or_else(|| format!("what is said of `{key}` is no JSON object"))?;
    match key {
        "config" if run.sweep.is_none() => {
            merge(app, &mut run.config, said).map_err(|error| error.to_string())
        }
        "config" => {
            let parameters = object(&run.config).unwrap_or_default();
            merge(app, &mut about.added, without(said, &parameters)).map_err(|error| error.to_string())
        }
        "code" => {
            code.extend(said);
            Ok(())
        }
        "preempting" => {
            run.preempting = true;
            Ok(())
        }
        "metric" => {
            let metric = Metric::read(&said)?;
            let mut metrics = Metric::list(&about.metrics);
            metrics.retain(|known| known.name != metric.name);
            if metrics.len() == MAX_METRICS {
                return Err(format!(
                    "more than {MAX_METRICS} definitions of metrics: `{}` is left out",
                    metric.name
                ));
            }
            metrics.push(metric);
            about.metrics = Json::Array(metrics.iter().map(Metric::write).collect()).to_string();
            Ok(())
        }
        // From a newer SDK: its row is kept.
        _ => Ok(()),
    }
}

/// Lays a JSON object over the config of a run outside of sweeps. The caller saves the run.
///
/// # Errors
/// Invalid when the config gets too long.
pub(super) fn update_config(app: &App, run: &mut Run, json: &str) -> Result<(), Error> {
    merge(app, &mut run.config, object(json).unwrap_or_default())
}

fn merge(app: &App, base: &mut String, over: Map<String, Json>) -> Result<(), Error> {
    let mut merged = Json::Object(object(base).unwrap_or_default());
    record::json::overlay(&mut merged, Json::Object(over));
    let (text, most) = (merged.to_string(), app.settings.limits.config_bytes);
    if text.len() > most {
        return Err(Error::invalid(format!(
            "a config of more than {most} bytes: the last update is left out"
        )));
    }
    *base = text;
    Ok(())
}

/// What is said beyond the parameters: those stay as the sweep has chosen them.
fn without(mut said: Map<String, Json>, parameters: &Map<String, Json>) -> Map<String, Json> {
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
    fn parameters_stay_and_the_rest_is_kept() {
        let parameters = json!({"lr": 0.1, "optimizer": {"name": "Adam"}});
        let said = json!({"lr": 9, "optimizer": {"name": "SGD", "momentum": 0.9}, "seed": 1});
        let rest = without(said.as_object().unwrap().clone(), parameters.as_object().unwrap());
        assert_eq!(Json::Object(rest), json!({"optimizer": {"momentum": 0.9}, "seed": 1}));
    }
}

//! Converts sweeps, runs, artifacts and explanations to JSON for scripts, for `--json` and
//! `export`. User scripts rely on the names of the keys. New names may be added, but no name may
//! change.

use jiff::Timestamp;
use proto::v1::{self, Recommendation, Run, only::Thing};
use serde_json::{Value, json};

use crate::view::values;

/// Converts a sweep.
pub(crate) fn sweep(sweep: &v1::Sweep) -> Value {
    let counts = sweep.counts.unwrap_or_default();
    let metric = (!sweep.metric.is_empty()).then(|| {
        json!({
            "name": sweep.metric,
            "goal": if sweep.maximize { "maximize" } else { "minimize" },
            "target": sweep.target,
        })
    });
    json!({
        "id": sweep.id,
        "name": text_or_null(&sweep.name),
        "description": text_or_null(&sweep.description),
        "project": text_or_null(&sweep.project),
        "method": sweep.method,
        "metric": metric,
        "constraints": sweep.limits.iter().map(limit).collect::<Vec<_>>(),
        "earlier_trials": sweep.earlier_trials,
        "repeats": repeated(sweep.repeats.as_ref()),
        "state": sweep.state,
        "closing": text_or_null(&sweep.closing),
        "note": text_or_null(&sweep.note),
        "early_terminate": text_or_null(&sweep.early_terminate),
        "seed": text_or_null(&sweep.seed),
        "trials_bound": sweep.trials_bound,
        "run_cap": sweep.run_cap,
        "raised_cap": sweep.raised_cap,
        "queued_points": sweep.queued_points,
        "counts": {
            "trials": counts.trials,
            "queued": counts.queued,
            "leased": counts.leased,
            "running": counts.running,
            "finished": counts.finished,
            "failed": counts.failed,
            "crashed": counts.crashed,
            "stopped": counts.stopped,
            "pruned": counts.pruned,
        },
        "best": sweep.best.as_ref().map(run),
        "warnings": sweep.warnings,
        "created": time(Some(sweep.created_ms)),
        "started": time(sweep.started_ms),
        "ended": time(sweep.ended_ms),
        "yaml": sweep.yaml,
    })
}

/// Converts a run.
pub(crate) fn run(run: &v1::Run) -> Value {
    let outcome = run.outcome.as_ref().map(|outcome| {
        json!({
            "state": outcome.state,
            "class": text_or_null(&outcome.class),
            "exit_code": outcome.exit_code,
            "signal": outcome.signal,
            "message": text_or_null(&outcome.message),
        })
    });
    json!({
        "id": run.id,
        "sweep": text_or_null(&run.sweep),
        "trial": run.trial,
        "project": text_or_null(&run.project),
        "name": text_or_null(&run.name),
        "state": run.state,
        "attempt": run.attempt,
        "agent": text_or_null(&run.agent),
        "value": run.value,
        "constrained": run.limited.iter().map(limited).collect::<Vec<_>>(),
        "tags": run.tags,
        "notes": text_or_null(&run.notes),
        "group": text_or_null(&run.group),
        "job_type": text_or_null(&run.job_type),
        "params": Value::Object(values::object(&run.config_json)),
        "added_config": Value::Object(values::object(&run.added_config_json)),
        "summary": Value::Object(values::object(&run.summary_json)),
        "rows": run.rows,
        "outcome": outcome,
        "note": text_or_null(&run.note),
        "stop_wanted": run.stop_wanted,
        "created": time(Some(run.created_ms)),
        "started": time(run.started_ms),
        "ended": time(run.ended_ms),
        "suggestion": serde_json::from_str::<Value>(&run.suggestion_json).unwrap_or(Value::Null),
    })
}

/// Converts the best run of a sweep, with the recommended run if there is one.
pub(crate) fn best(best: &Run, found: Option<(&Recommendation, &Run)>) -> Value {
    let mut value = run(best);
    value["recommended"] = found.map_or(Value::Null, |(found, run)| recommended(found, run));
    value
}

fn recommended(found: &Recommendation, run: &Run) -> Value {
    // `low` to `high` is the 90 % interval of `mean`.
    let expected = |one: &v1::Expected| {
        json!({
            "id": one.run, "value": one.value, "mean": one.mean, "low": one.low, "high": one.high,
        })
    };
    let mut value = found.recommended.as_ref().map_or(Value::Null, expected);
    value["params"] = Value::Object(values::object(&run.config_json));
    value["observed"] = found.observed.as_ref().map_or(Value::Null, expected);
    value["noise"] = found.noise.into();
    value["probability"] = found.probability.into();
    value["reruns"] = found.reruns.into();
    value
}

fn limit(limit: &v1::Limit) -> Value {
    json!({ "metric": limit.metric, "min": limit.min, "max": limit.max })
}

fn limited(limited: &v1::Limited) -> Value {
    json!({ "metric": limited.metric, "value": limited.value, "holds": limited.holds })
}

fn metric(metric: &v1::MetricDefinition) -> Value {
    json!({
        "name": metric.name,
        "summary": metric.summary,
        "step_metric": text_or_null(&metric.step_metric),
        "goal": if metric.goal.is_empty() { "minimize" } else { metric.goal.as_str() },
    })
}

fn failure(failure: &v1::Failure) -> Value {
    json!({
        "attempt": failure.attempt,
        "class": failure.class,
        "agent": text_or_null(&failure.agent),
        "message": text_or_null(&failure.message),
        "ended": time(Some(failure.ended_ms)),
    })
}

/// Converts a version of an artifact.
pub(crate) fn artifact(version: &v1::Artifact) -> Value {
    json!({
        "project": version.project,
        "name": version.name,
        "type": version.r#type,
        "version": version.version,
        "aliases": version.aliases,
        "digest": version.digest,
        "size": version.size,
        "files": version.files,
        "metadata": Value::Object(values::object(&version.metadata_json)),
        "description": version.description,
        "tags": version.tags,
        "created": time(Some(version.created_ms)),
    })
}

/// Converts a run that is shown alone. Adds the definitions of its metrics, its code, its failed
/// attempts and the decisions at its rungs.
pub(crate) fn run_with_rungs(shown: &v1::Run) -> Value {
    let mut value = run(shown);
    let rung = |rung: &v1::Rung| {
        json!({
            "iteration": rung.iteration,
            "value": rung.value,
            "rank": rung.rank,
            "of": rung.of,
            "threshold": rung.threshold,
            "verdict": if rung.stop { "stop" } else { "go on" },
        })
    };
    value["metrics"] = shown.metrics.iter().map(metric).collect();
    value["code"] = Value::Object(values::object(&shown.code_json));
    value["failures"] = shown.failures.iter().map(failure).collect();
    value["rungs"] = shown.rungs.iter().map(rung).collect();
    value
}

/// Converts a run with the reasons why its point was chosen and why it was stopped.
pub(crate) fn explained_run(shown: &v1::Run) -> Value {
    let mut value = run_with_rungs(shown);
    value["incumbent"] = match &shown.incumbent {
        Some(best) => json!({ "run": best.run, "value": best.value, "ended": best.ended }),
        None => Value::Null,
    };
    value["repeats"] = repeated(shown.repeats.as_ref());
    value
}

fn repeated(repeated: Option<&v1::Repeated>) -> Value {
    repeated
        .map_or(Value::Null, |repeated| json!({ "sweep": repeated.sweep, "value": repeated.value }))
}

/// Converts the explanation of a sweep: what its trials say about its parameters.
pub(crate) fn explanation(sweep: &v1::Sweep, found: &v1::Explanation) -> Value {
    let parsed = |json: &String| serde_json::from_str::<Value>(json).unwrap_or(Value::Null);
    let importance = |one: &v1::Importance| // `low` to `high` is the 90 % interval of `total`.
        json!({
            "parameter": one.parameter,
            "total": one.total,
            "low": one.low,
            "high": one.high,
            "alone": one.alone,
        });
    let curve = |curve: &v1::Curve| {
        let point = |point: &v1::CurvePoint| // Each pair of `low` and `high` is a 95 % interval.
            json!({
                "value": parsed(&point.value_json),
                "mean": point.mean,
                "low": point.low,
                "high": point.high,
                "trial_low": point.trial_low,
                "trial_high": point.trial_high,
            });
        json!({
            "parameter": curve.parameter,
            "points": curve.points.iter().map(point).collect::<Vec<_>>(),
        })
    };
    let surface = |surface: &v1::Surface| {
        let cell = |cell: &v1::Cell| json!({ "mean": cell.mean, "deviation": cell.deviation });
        let cells = surface.cells.chunks(surface.columns.len().max(1));
        json!({
            "row_parameter": surface.row_parameter,
            "column_parameter": surface.column_parameter,
            "rows": surface.rows.iter().map(parsed).collect::<Vec<_>>(),
            "columns": surface.columns.iter().map(parsed).collect::<Vec<_>>(),
            "cells": cells.map(|row| row.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
        })
    };
    json!({
        "sweep": sweep.id,
        "metric": sweep.metric,
        "goal": if sweep.maximize { "maximize" } else { "minimize" },
        "trials": found.trials,
        "accuracy": found.accuracy,
        "intervals": { "share": 0.95, "covered": found.covered, "held_out": found.held_out },
        "tail": { "trials": found.tail, "beyond": found.tail_beyond },
        "importances": found.importances.iter().map(importance).collect::<Vec<_>>(),
        "curves": found.curves.iter().map(curve).collect::<Vec<_>>(),
        "surfaces": found.surfaces.iter().map(surface).collect::<Vec<_>>(),
    })
}

/// Converts the result of a replay.
pub(crate) fn replayed(replayed: &v1::Replayed) -> Value {
    json!({
        "equal": replayed.equal,
        "incomparable": replayed.incomparable,
        "different": replayed.different,
    })
}

/// Returns indented JSON text that cannot change the state of a terminal. The text also escapes the
/// characters that JSON leaves unchanged but a terminal may obey: DEL, C1, line separators and
/// marks of text direction.
pub(crate) fn text(value: &Value) -> String {
    let plain = serde_json::to_string_pretty(value).expect("a JSON value has string keys only");
    if !plain.chars().any(steers) {
        return plain;
    }
    let escape = |letter: char| match steers(letter) {
        true => format!("\\u{:04x}", u32::from(letter)),
        false => letter.to_string(),
    };
    plain.chars().map(escape).collect()
}

/// Returns whether a character can change how a terminal shows text. All these characters are below
/// U+10000, so one `\u` escape stands for each.
fn steers(letter: char) -> bool {
    matches!(letter, '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Formats a time in milliseconds since the epoch as RFC 3339 in UTC, to the millisecond.
pub(crate) fn time(ms: Option<i64>) -> Option<String> {
    let at = Timestamp::from_millisecond(ms?).ok()?;
    Some(format!("{at:.3}"))
}

/// Converts a caller.
pub(crate) fn caller(me: &v1::Caller) -> Value {
    let role = |grant: &v1::Grant| json!({ "place": grant.place, "role": grant.role });
    json!({
        "user": text_or_null(&me.user),
        "team": text_or_null(&me.team),
        "admin": me.admin,
        "roles": me.grants.iter().map(role).collect::<Vec<_>>(),
        "key": me.key.as_ref().map(key),
    })
}

/// Converts a key.
pub(crate) fn key(key: &v1::Key) -> Value {
    json!({
        "id": key.id,
        "user": key.user,
        "kind": key.kind,
        "sweeps": key.sweeps,
        "projects": key.projects,
        "only": key.only.as_ref().and_then(|only| only.thing.as_ref()).map(|thing| match thing {
            Thing::Run(id) => json!({ "run": id }),
            Thing::Sweep(id) => json!({ "sweep": id }),
            Thing::Report(id) => json!({ "report": id }),
        }),
        "label": text_or_null(&key.label),
        "created": time(Some(key.created_ms)),
        "expires": time(key.expires_ms),
    })
}

/// Converts an entry of the audit.
pub(crate) fn deed(deed: &v1::Deed) -> Value {
    json!({
        "at": time(Some(deed.at_ms)),
        "who": deed.who,
        "what": deed.what,
        "object": deed.object,
        "project": text_or_null(&deed.project),
    })
}

fn text_or_null(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;

    #[test]
    fn sweep_and_run_as_json() {
        insta::assert_snapshot!("sweep", text(&sweep(&fixtures::sweep())));
        insta::assert_snapshot!("run", text(&run(&fixtures::runs()[2])));
        let found = (&fixtures::recommendation(), &fixtures::runs()[0]);
        let best = best(&fixtures::runs()[2], Some(found));
        insta::assert_snapshot!("recommended", text(&best["recommended"]));
        insta::assert_snapshot!("pruned_run", text(&run_with_rungs(&fixtures::pruned())["rungs"]));
    }

    #[test]
    fn json_text_is_sanitised_and_means_the_same() {
        let value = json!({ "a\u{9b}2J": "\u{1b}]0;title\u{7} \u{7f} \u{202e}ü" });
        let text = text(&value);
        assert!(
            text.chars()
                .all(|letter| letter == '\n' || !letter.is_control() && letter != '\u{202e}'),
            "{text:?}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}

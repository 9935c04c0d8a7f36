//! Reads the key `early_terminate`: the rule that stops trials before their end. `top` calls this
//! module, and `stopping` applies the rule. This module never stops a trial.

use crate::stopping::{Asha, Bands, EarlyTerminate, Hyperband, Median};

use super::{
    fields::{Field, Fields, describe},
    problem::Report,
    text::code,
};

/// A type of stopping rule, and the keys of a rule of this type.
type Keys = (&'static str, &'static [&'static str]);

const HYPERBAND: Keys = ("hyperband", &["type", "min_iter", "max_iter", "s", "eta", "strict"]);
const ASHA: Keys = ("asha", &["type", "min_iter", "eta", "max_iter"]);
const MEDIAN: Keys = ("median", &["type", "min_iter", "interval", "min_trials"]);

const TYPES: [Keys; 3] = [HYPERBAND, ASHA, MEDIAN];

/// The keys of stopping rules of all types.
const KEYS: [&str; 8] =
    ["type", "min_iter", "max_iter", "s", "eta", "strict", "interval", "min_trials"];

/// The default of `eta` for every rule that has this key. W&B has the same default.
const ETA: f64 = 3.0;
/// The default number of iterations from one rung of the median rule to the next.
const INTERVAL: u32 = 5;
/// The default of `min_trials`: the number of other trials that the median rule needs. The median
/// of fewer trials says little.
const MIN_TRIALS: u32 = 5;

/// Reads the rule and reports problems. Returns `None` if the rule cannot be read.
pub(super) fn read(
    field: &Field<'_>,
    has_metric: bool,
    report: &mut Report,
) -> Option<EarlyTerminate> {
    if !has_metric {
        report
            .error(field.at_key(), "`early_terminate` needs a `metric` to compare trials by")
            .hint("add `metric: {name: loss, goal: minimize}` with a name that the program logs");
    }
    let Some(fields) = field.fields(report) else {
        report
            .error(
                field.at(),
                format!("`early_terminate` must be a mapping, not {}", describe(field.value)),
            )
            .hint("write `early_terminate: {type: hyperband, min_iter: 3}`");
        return None;
    };
    fields.refuse_unknown(&KEYS, &KEYS, " in `early_terminate`", report);
    let kind = kind(&fields, report);
    if let Some(kind) = kind {
        misplaced(&fields, kind, report);
    }
    // If the type of a rule is unknown, its keys are checked as those of `hyperband`.
    match kind.unwrap_or(HYPERBAND).0 {
        "asha" => asha(&fields, report).map(EarlyTerminate::Asha),
        "median" => median(&fields, report).map(EarlyTerminate::Median),
        _ => hyperband(&fields, report).filter(|_| kind.is_some()).map(EarlyTerminate::Hyperband),
    }
}

fn kind(fields: &Fields<'_>, report: &mut Report) -> Option<Keys> {
    if fields.lacks("type", &KEYS) {
        report
            .error(fields.at(), "`early_terminate` needs a `type`")
            .hint("add `type: hyperband`, `asha` or `median`");
    }
    let word = fields.get("type")?.choice(&TYPES.map(|(word, _)| word), report)?;
    TYPES.into_iter().find(|(known, _)| *known == word)
}

/// Reports the keys that belong to another type of rule.
fn misplaced(fields: &Fields<'_>, (word, keys): Keys, report: &mut Report) {
    for field in
        fields.iter().filter(|field| KEYS.contains(&field.key) && !keys.contains(&field.key))
    {
        let known: Vec<String> = keys.iter().skip(1).map(|key| code(key)).collect();
        report
            .error(field.at_key(), format!("{} means nothing to `type: {word}`", code(field.key)))
            .hint(format!("remove it; beside `type` there can be {}", known.join(", ")));
    }
}

fn hyperband(fields: &Fields<'_>, report: &mut Report) -> Option<Hyperband> {
    let (min_iter, max_iter) =
        (count(fields, "min_iter", report), count(fields, "max_iter", report));
    let (s, eta) = (count(fields, "s", report), eta(fields, report));
    let strict = match fields.get("strict") {
        Some(field) => field.boolean(report),
        None => Some(true),
    };
    match (fields.get("min_iter"), fields.get("max_iter"), fields.get("s")) {
        (None, None, _) if ["min_iter", "max_iter"].iter().all(|key| fields.lacks(key, &KEYS)) => {
            report.error(fields.at(), "`early_terminate` has neither `min_iter` nor \
                `max_iter`").hint(
                "add `min_iter: 3`: trials are compared when they have logged the metric 3, 9, 27 \
                ... times",
            )
        }
        (_, Some(field), None) if fields.lacks("s", &KEYS) => report
            .error(field.at_key(), "`max_iter` needs `s`, the number of rungs below it")
            .hint("add `s: 2`, or write `min_iter` in its place"),
        (Some(field), Some(_), Some(_)) => report
            .warning(field.at_key(), "`min_iter` has no effect beside `max_iter` and `s`")
            .hint("remove one or the other"),
        (Some(_), None, Some(field)) => report
            .warning(field.at_key(), "`s` has no effect beside `min_iter`")
            .hint("remove it, or write `max_iter` in place of `min_iter`"),
        _ => {}
    }
    let bands = match (fields.get("max_iter"), min_iter) {
        (Some(_), _) => Bands::UpTo { max_iter: max_iter?, s: s? },
        (None, Some(min_iter)) => Bands::From { min_iter },
        (None, None) => return None,
    };
    let rule = Hyperband { bands, eta: eta?, strict: strict? };
    if let (Some(field), None) = (fields.get("max_iter"), rule.rungs().next()) {
        report
            .error(field.at(), "no rung is left: `max_iter` divided by `eta` is below 1")
            .hint("write how often a whole trial logs the metric, such as `max_iter: 27`");
    }
    Some(rule)
}

fn asha(fields: &Fields<'_>, report: &mut Report) -> Option<Asha> {
    if fields.lacks("min_iter", &KEYS) {
        report.error(fields.at(), "`type: asha` needs `min_iter`, the first rung").hint(
            "add `min_iter: 3`: trials are compared when they have logged the metric 3, 9, 27 ... \
            times",
        );
    }
    let (min_iter, eta) = (count(fields, "min_iter", report), eta(fields, report));
    let max_iter = match fields.get("max_iter") {
        Some(_) => count(fields, "max_iter", report).map(Some),
        None => Some(None),
    };
    let rule = Asha { min_iter: min_iter?, eta: eta?, max_iter: max_iter? };
    if let (Some(field), None) = (fields.get("max_iter"), rule.rungs().next()) {
        report
            .error(field.at(), "no rung is left: `max_iter` must be above `min_iter`")
            .hint("write how often a whole trial logs the metric, or remove it");
    }
    Some(rule)
}

fn median(fields: &Fields<'_>, report: &mut Report) -> Option<Median> {
    let mut or = |key: &str, default: Option<u32>| match fields.get(key) {
        Some(_) => count(fields, key, report),
        None => default,
    };
    let interval = or("interval", Some(INTERVAL));
    let (min_iter, min_trials) = (or("min_iter", interval), or("min_trials", Some(MIN_TRIALS)));
    Some(Median { min_iter: min_iter?, interval: interval?, min_trials: min_trials? })
}

/// Reads a count, such as a number of logged values, rungs or trials. It is at least 1.
fn count(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<u32> {
    let whole = fields.get(key)?.integer(1, i128::from(u32::MAX), report)?;
    u32::try_from(whole).ok()
}

fn eta(fields: &Fields<'_>, report: &mut Report) -> Option<f64> {
    let Some(field) = fields.get("eta") else { return Some(ETA) };
    let eta = field.number(report)?.value;
    if eta <= 1.0 {
        report
            .error(field.at(), "`eta` must be above 1")
            .hint("write `eta: 3`: the best third goes on at each rung");
        return None;
    }
    Some(eta)
}

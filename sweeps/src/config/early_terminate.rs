//! The key `early_terminate`: validated in full and then refused, since this version cannot stop a trial early and
//! ignoring the key would waste what the person meant to save. Called by `top`. Never stops anything.

use super::{
    fields::{Field, Fields, describe},
    problem::Report,
};

const KEYS: [&str; 6] = ["type", "min_iter", "max_iter", "s", "eta", "strict"];

/// Tells what is wrong with the key, and that it comes with a later version.
pub(super) fn refuse(field: &Field<'_>, has_metric: bool, report: &mut Report) {
    report
        .error(field.at_key(), "early termination comes with a later version of Besom")
        .hint("remove `early_terminate` to run every trial to its end");
    if !has_metric {
        report
            .error(field.at_key(), "`early_terminate` needs a `metric` to compare trials by")
            .hint("add `metric: {name: loss, goal: minimize}` with a name that the program logs");
    }
    match field.fields(report) {
        Some(fields) => validate(&fields, report),
        None => report
            .error(field.at(), format!("`early_terminate` must be a mapping, not {}", describe(field.value)))
            .hint("write `early_terminate: {type: hyperband, min_iter: 3}`"),
    }
}

fn validate(fields: &Fields<'_>, report: &mut Report) {
    fields.refuse_unknown(&KEYS, &KEYS, " in `early_terminate`", report);
    match fields.get("type") {
        Some(field) => {
            field.choice(&["hyperband"], report);
        }
        None if fields.lacks("type", &KEYS) => {
            report.error(fields.at(), "`early_terminate` needs a `type`").hint("add `type: hyperband`");
        }
        None => {}
    }
    for key in ["min_iter", "max_iter", "s"] {
        if let Some(field) = fields.get(key) {
            field.integer(1, i128::from(u32::MAX), report);
        }
    }
    if let Some(field) = fields.get("eta")
        && field.number(report).is_some_and(|eta| eta.value <= 1.0)
    {
        report
            .error(field.at(), "`eta` must be above 1")
            .hint("write `eta: 3`: the best third goes on at each rung");
    }
    if let Some(field) = fields.get("strict") {
        field.boolean(report);
    }
    rungs(fields, report);
}

/// Either `min_iter`, or `max_iter` with `s`.
fn rungs(fields: &Fields<'_>, report: &mut Report) {
    match (fields.get("min_iter"), fields.get("max_iter"), fields.get("s")) {
        (None, None, _) => {
            report.error(fields.at(), "`early_terminate` has neither `min_iter` nor `max_iter`").hint(
                "add `min_iter: 3`: trials are compared when they have logged the metric 3, 9, 27 ... times",
            )
        }
        (_, Some(field), None) => report
            .error(field.at_key(), "`max_iter` needs `s`, the number of rungs below it")
            .hint("add `s: 2`, or write `min_iter` in its place"),
        (Some(field), Some(_), Some(_)) => report
            .warning(field.at_key(), "`min_iter` has no effect beside `max_iter` and `s`")
            .hint("remove one or the other"),
        (Some(_), None, Some(field)) => report
            .warning(field.at_key(), "`s` has no effect beside `min_iter`")
            .hint("remove it, or write `max_iter` in place of `min_iter`"),
        (Some(_), None, None) | (None, Some(_), Some(_)) => {}
    }
}

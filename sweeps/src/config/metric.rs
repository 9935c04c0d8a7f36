//! Reads the key `metric`: what a sweep optimises. `top` calls this module. This module never
//! compares values.

use super::{
    Metric,
    fields::{Field, describe, inline},
    problem::Report,
    scalar::Core,
    tree::Kind,
};
use crate::search::Impute;

const KEYS: [&str; 5] = ["name", "goal", "target", "impute", "impute_while_running"];

/// Reads the metric and reports problems. Returns `None` if one of the problems is an error.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Metric> {
    let Some(fields) = field.fields(report) else {
        let name = if matches!(field.value.kind, Kind::Scalar(_)) {
            inline(field.value)
        } else {
            "loss".to_owned()
        };
        report
            .error(field.at(), format!("`metric` must be a mapping, not {}", describe(field.value)))
            .hint(format!("write `metric: {{name: {name}, goal: minimize}}`"));
        return None;
    };
    fields.refuse_unknown(&KEYS, &KEYS, " in `metric`", report);
    let name = match fields.get("name") {
        Some(field) => field.text(report).map(str::to_owned),
        None => {
            if fields.lacks("name", &KEYS) {
                report.error(fields.at(), "`metric` needs a `name`").hint(
                    "add `name:` with the key that the program logs, such as `name: val/loss`",
                );
            }
            None
        }
    };
    let goal = match fields.get("goal") {
        Some(field) => field.choice(&["minimize", "maximize"], report),
        None => Some("minimize"),
    };
    let target = match fields.get("target") {
        Some(field) => field.number(report).map(|number| Some(number.value)),
        None => Some(None),
    };
    let impute = match fields.get("impute") {
        Some(field) => field.choice(&["worst", "best", "latest"], report).map(|word| match word {
            "best" => Impute::Best,
            "latest" => Impute::Latest,
            _ => Impute::Worst,
        }),
        None => Some(Impute::Worst),
    };
    if let Some(field) = fields.get("impute_while_running") {
        while_running(field, report);
    }
    Some(Metric { name: name?, maximize: goal? == "maximize", target: target?, impute: impute? })
}

/// Warns that `impute_while_running` has no effect. The model itself predicts running trials, with
/// its uncertainty; a fixed number in their place would mislead the model. The key does not change
/// what results mean, so a sweep with this key is not refused.
fn while_running(field: &Field<'_>, report: &mut Report) {
    if matches!(&field.value.kind, Kind::Scalar(scalar) if scalar.core == Core::Bool(false)) {
        return;
    }
    if let Some(word) =
        field.choice(&["false", "latest", "best", "worst"], report).filter(|word| *word != "false")
    {
        report
            .warning(field.at(), format!("`impute_while_running: {word}` has no effect"))
            .hint("remove it: the model itself predicts what running trials will yield");
    }
}

//! Reads the top level of the configuration: every key of a sweep, and W&B's keys that have no
//! effect in Besom. `check` calls this module. The values of most keys are read by modules of their
//! own.

use super::{
    Config, command, constraints, early_terminate,
    fields::{Field, Fields, describe},
    method, metric,
    parameters::{self, Parameters},
    points,
    problem::{At, Report, Span},
    retry,
    text::code,
    timeout,
    tree::Node,
    warm_start,
};
use crate::{point::Wanted, search::Method, space::Space};

/// The keys that have an effect.
const KEYS: [&str; 17] = [
    "method",
    "parameters",
    "points",
    "metric",
    "program",
    "command",
    "run_cap",
    "name",
    "description",
    "project",
    "entity",
    "seed",
    "early_terminate",
    "constraints",
    "warm_start",
    "timeout",
    "retry",
];

/// W&B's other keys, each with the reason why it has no effect.
const IGNORED: [(&str, &str); 7] = [
    ("controller", "Besom's controller schedules every sweep"),
    ("scheduler", "Besom's controller searches every sweep"),
    ("job", "it belongs to W&B Launch; agents start `program` or `command`"),
    ("image_uri", "it belongs to W&B Launch; agents start `program` or `command`"),
    ("apiVersion", "it is a label"),
    ("kind", "it is a label"),
    ("settings", "it is a leftover of W&B's client"),
];

/// Reads the whole configuration, and reports its problems. Returns `None` if `method` or `command`
/// cannot be read, or if the text is not a mapping. After any other error, the caller drops the
/// result.
pub(super) fn read(root: &Node, report: &mut Report) -> Option<Config> {
    let start = Span { line: 1, first: 1, last: 1 };
    let Some(mut fields) = Fields::of(root, start, "", report) else {
        let at = At { path: "", span: root.span };
        report
            .error(at, format!("a sweep is a mapping of keys, not {}", describe(root)))
            .hint("begin with `method: random`, with a space after the colon");
        return None;
    };
    // A missing key is reported at the place of the first key.
    fields.span = fields.iter().next().map_or(start, |field| field.key_span);
    ignored(&fields, report);

    let method = method(&fields, report);
    let metric = fields.get("metric").map(|field| metric::read(field, report));
    let parameters = parameters(&fields, report);
    if let (Some(method), Some(field)) = (method, fields.get("method")) {
        method::agree(method, metric.is_some(), &parameters, field.at(), report);
    }
    let early_terminate = fields
        .get("early_terminate")
        .and_then(|field| early_terminate::read(field, metric.is_some(), report));
    let constraints =
        fields.get("constraints").map(|field| constraints::read(field, metric.is_some(), report));
    let warm_start = fields.get("warm_start").map(|field| warm_start::read(field, method, report));
    let timeout = fields.get("timeout").map(|field| timeout::read(field, report));
    let retry = fields.get("retry").map(|field| retry::read(field, report));
    let no_program = fields.lacks("program", &KEYS).then(|| fields.at());
    let (command, program) = (fields.get("command"), fields.get("program"));
    let command = command::read(command, program, &parameters.leaves, no_program, report);
    let text = |key: &str, report: &mut Report| {
        fields.get(key).and_then(|field| field.text(report)).map(str::to_owned)
    };
    let number = |key: &str, least: i128, report: &mut Report| {
        let whole =
            fields.get(key).and_then(|field| field.integer(least, i128::from(u64::MAX), report));
        whole.and_then(|whole| u64::try_from(whole).ok())
    };
    let (program, name) = (text("program", report), text("name", report));
    let (project, entity) = (text("project", report), text("entity", report));
    let (run_cap, seed) = (number("run_cap", 1, report), number("seed", 0, report));
    let description = fields.get("description").and_then(|field| description(field, report));
    Some(Config {
        method: method?,
        points: points(&fields, method, &parameters, run_cap, report),
        metric: metric.flatten(),
        early_terminate,
        space: Space {
            parameters: parameters.leaves.into_iter().map(|leaf| leaf.parameter).collect(),
        },
        constraints: constraints.flatten().unwrap_or_default(),
        warm_start: warm_start.flatten().unwrap_or_default(),
        run_cap,
        timeout: timeout.flatten(),
        retry: retry.flatten().unwrap_or_default(),
        program,
        command: command?,
        name,
        description,
        project,
        entity,
        seed,
    })
}

fn method(fields: &Fields<'_>, report: &mut Report) -> Option<Method> {
    if fields.lacks("method", &KEYS) {
        report
            .error(fields.at(), "`method` is missing")
            .hint("add `method: grid`, `random`, `sobol` or `bayes`");
    }
    method::read(fields.get("method")?, report)
}

fn parameters(fields: &Fields<'_>, report: &mut Report) -> Parameters {
    if fields.lacks("parameters", &KEYS) {
        report.error(fields.at(), "`parameters` is missing").hint(
            "add `parameters:` and below it what to vary, such as `lr: {min: 0.001, max: 0.1}`",
        );
    }
    fields.get("parameters").map(|field| parameters::read(field, report)).unwrap_or_default()
}

/// Reads the points that the sweep tries first. They are checked only if the space is known.
fn points(
    fields: &Fields<'_>,
    method: Option<Method>,
    parameters: &Parameters,
    run_cap: Option<u64>,
    report: &mut Report,
) -> Vec<Wanted> {
    let (Some(field), Some(method)) = (fields.get("points"), method) else { return Vec::new() };
    if !parameters.complete {
        return Vec::new();
    }
    let parameters = parameters.leaves.iter().map(|leaf| leaf.parameter.clone()).collect();
    let points = points::read(field, &Space { parameters }, method, report);
    let count = field.list().map_or(0, <[_]>::len) as u64;
    if let Some(cap) = run_cap.filter(|cap| *cap < count) {
        report
            .warning(
                field.at_key(),
                format!("`run_cap` is {cap}, so only the first {cap} of the {count} points run"),
            )
            .hint("raise `run_cap`, or remove points");
    }
    points
}

/// Reports W&B's keys that have no effect, and unknown keys.
fn ignored(fields: &Fields<'_>, report: &mut Report) {
    let mut known = KEYS.to_vec();
    for (key, why) in IGNORED {
        known.push(key);
        if let Some(field) = fields.get(key) {
            report
                .warning(field.at_key(), format!("{} is ignored: {why}", code(key)))
                .hint("remove it, unless W&B reads this file too");
        }
    }
    if let Some(field) = fields.get("metrics") {
        report
            .error(
                field.at_key(),
                "several `metrics` are not supported: W&B searches them in your own process",
            )
            .hint("write `metric: {name: loss, goal: minimize}` with the one that matters most");
        known.push("metrics");
    }
    fields.refuse_unknown(&known, &KEYS, "", report);
}

/// Reads the sweep's description, which may be empty.
fn description(field: &Field<'_>, report: &mut Report) -> Option<String> {
    match field.value.text() {
        Some("") => None,
        _ => field.text(report).map(str::to_owned),
    }
}

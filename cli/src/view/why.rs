//! Explains a run in sentences: why its point was chosen, what its result was, and why it was
//! stopped. `sweep explain` calls this module. Each reason is that of the time of its decision: the
//! controller stored it then, or computes it from the events up to then.

use proto::v1::{Run, Sweep};
use serde_json::{Map, Value};
use terminal::{
    number, one_line,
    style::{self, paint},
};

use super::{CELL, SENTENCE, is_bad, one_word, reason, state, values};

/// Returns the explanation of a sweep's run.
pub(crate) fn run(run: &Run, sweep: &Sweep) -> String {
    let suggestion = values::object(&run.suggestion_json);
    let origin = suggestion.get("origin").and_then(Value::as_object).unwrap_or(&suggestion);
    let params = values::flatten(&values::object(&run.config_json));
    let head = format!("{}  {}", paint(style::STRONG, one_word(&run.id)), state(&run.state));
    let mut lines =
        vec![head, paint(style::FAINT, values::sentence(&params, SENTENCE)), String::new()];
    let kind = origin.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_first = run.trial == Some(0) && !matches!(kind, "listed" | "queued");
    lines.extend(repeats(run, sweep, is_first));
    lines.extend(chosen(origin, run, sweep));
    lines.extend(came(origin, run, sweep));
    lines.join("\n")
}

/// Returns a value of the metric as `val/loss 0.0213`.
fn metric(sweep: &Sweep, value: f64) -> String {
    format!("{} {}", one_line(&sweep.metric, 2 * CELL), number(value))
}

fn float(origin: &Map<String, Value>, key: &str) -> f64 {
    origin.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// Returns a sentence about the trial of an earlier sweep that the run repeats. `is_first` says
/// that the search has begun with this run, and so has chosen to repeat that trial.
fn repeats(run: &Run, sweep: &Sweep, is_first: bool) -> Option<String> {
    let repeated = run.repeats.as_ref()?;
    let had = metric(sweep, repeated.value);
    let of = one_word(&repeated.sweep);
    Some(match (is_first, repeated.sweep.is_empty()) {
        (true, false) => format!(
            "It repeats the best trial of the earlier sweeps in this space, a trial of {of} with \
            {had}."
        ),
        (true, true) => format!("It repeats the best prior run in this space, with {had}."),
        (false, false) => {
            format!("A trial of the earlier sweep {of} had these parameters, with {had}.")
        }
        (false, true) => format!("A prior run had these parameters, with {had}."),
    })
}

/// Returns why this point was chosen.
fn chosen(origin: &Map<String, Value>, run: &Run, sweep: &Sweep) -> Vec<String> {
    let kind = origin.get("kind").and_then(Value::as_str).unwrap_or_default();
    let told = match kind {
        "grid" => {
            let cell = origin.get("cell").and_then(Value::as_u64).unwrap_or_default();
            format!(
                "It is cell {cell} of the grid, counted from 0: results played no part in the \
                choice."
            )
        }
        "random" => "It was drawn at random from the parameters' distributions: results played no \
            part."
            .to_owned(),
        "sobol" => {
            "It is the next point of a Sobol sequence, which covers the space evenly: results \
            played no part."
                .to_owned()
        }
        "initial" if run.repeats.is_some() => return Vec::new(),
        "initial" => {
            "It belongs to the initial design: points that cover the space evenly, until a model \
            has enough \
                      results."
                .to_owned()
        }
        "listed" => {
            let index = origin.get("index").and_then(Value::as_u64).unwrap_or_default();
            format!(
                "It is point {} of the configuration's `points`: the method chose only what the \
                point leaves out.",
                index.saturating_add(1)
            )
        }
        "queued" => "A person queued it by `sweep enqueue`: the method chose only what the point \
            leaves out."
            .to_owned(),
        "model" => return modelled(origin, run, sweep),
        _ => "It is not known why it was chosen.".to_owned(),
    };
    vec![told]
}

fn modelled(origin: &Map<String, Value>, run: &Run, sweep: &Sweep) -> Vec<String> {
    let (mean, deviation) = (float(origin, "mean"), float(origin, "deviation"));
    let expected = format!("{} ± {}", metric(sweep, mean), number(deviation));
    let gain = number(float(origin, "improvement"));
    let Some(best) = &run.incumbent else {
        return vec![format!(
            "The model chose it: it expected {expected} here, expected improvement {gain}."
        )];
    };
    let better = if sweep.maximize { mean > best.value } else { mean < best.value };
    let why = match better {
        true => "It expected this point to be better than that",
        false => {
            "It did not expect this point to be better than that, but its uncertainty left a \
            chance"
        }
    };
    let ended = match best.ended {
        1 => "the one run that had ended".to_owned(),
        ended => format!("{ended} runs that had ended"),
    };
    vec![
        format!("The model chose it: it expected {expected} here (mean and standard deviation)."),
        format!(
            "The best of {ended} was {} by {}.",
            metric(sweep, best.value),
            one_word(&best.run)
        ),
        format!("{why}: expected improvement {gain}."),
    ]
}

/// Returns a sentence about the result of the run or about how it ended; `None` if it goes on.
fn came(origin: &Map<String, Value>, run: &Run, sweep: &Sweep) -> Option<String> {
    if run.state == "pruned"
        && let Some(rung) = run.rungs.iter().rev().find(|rung| rung.stop)
    {
        let threshold = rung.threshold.map(number).unwrap_or_default();
        let bound = if sweep.maximize { "at least" } else { "at most" };
        return Some(format!(
            "It was stopped early at rung {}: {} was number {} of the {} runs at this rung, and a \
             run needed {bound} {threshold} to go on.",
            rung.iteration,
            metric(sweep, rung.value),
            rung.rank,
            rung.of
        ));
    }
    if is_bad(run) {
        return Some(format!("It ended badly: {}.", reason(run).trim_end_matches('.')));
    }
    match (run.state.as_str(), run.value) {
        ("finished", Some(value)) => {
            Some(format!("It reached {}{}.", metric(sweep, value), surprise(origin, value, sweep)))
        }
        ("finished", None) => {
            Some(format!("It finished without a value of {}.", one_line(&sweep.metric, 2 * CELL)))
        }
        ("stopped", _) => Some("A user stopped it.".to_owned()),
        _ => None,
    }
}

/// Returns the distance of the result from the value that the model expected, in standard
/// deviations of its prediction. Returns an empty text if no model chose the point.
fn surprise(origin: &Map<String, Value>, value: f64, sweep: &Sweep) -> String {
    let off = (value - float(origin, "mean")) / float(origin, "deviation");
    if !off.is_finite() {
        return String::new();
    }
    let word = if (off < 0.0) == sweep.maximize { "worse" } else { "better" };
    format!(
        ", {} standard deviations {word} than expected",
        number((off.abs() * 10.0).round() / 10.0)
    )
}

#[cfg(test)]
mod tests {
    use proto::v1::{Incumbent, Repeated};

    use super::*;
    use crate::view::fixtures::{plain, pruned, runs, sweep};

    #[test]
    fn a_run_that_a_model_chose() {
        let mut chosen = runs()[2].clone();
        chosen.incumbent =
            Some(Incumbent { run: "k3x9abcd-0".to_owned(), value: 0.412_345, ended: 2 });
        let mut hopeful = chosen.clone();
        hopeful.incumbent =
            Some(Incumbent { run: "k3x9abcd-1".to_owned(), value: 0.012, ended: 1 });
        let shown = [run(&chosen, &sweep()), run(&hopeful, &sweep()), run(&runs()[0], &sweep())];
        insta::assert_snapshot!(plain(&shown.join("\n\n")));
    }

    #[test]
    fn runs_that_no_model_chose() {
        let mut shown = Vec::new();
        for origin in [
            "{\"kind\":\"grid\",\"cell\":5}",
            "{\"kind\":\"random\"}",
            "{\"kind\":\"sobol\"}",
            "{\"kind\":\"initial\"}",
            "{}",
        ] {
            let suggestion_json = format!("{{\"origin\":{origin}}}");
            shown.push(run(&Run { suggestion_json, ..runs()[0].clone() }, &sweep()));
        }
        insta::assert_snapshot!(plain(&shown.join("\n\n")));
    }

    #[test]
    fn a_run_that_repeats_an_earlier_winner_says_so() {
        let suggestion_json = r#"{"origin":{"kind":"initial"}}"#.to_owned();
        let repeats = Some(Repeated { sweep: "m2c8tzwq".to_owned(), value: 0.25 });
        let first = Run { suggestion_json, repeats, ..runs()[0].clone() };
        let later = Run {
            trial: Some(4),
            suggestion_json: runs()[2].suggestion_json.clone(),
            ..first.clone()
        };
        insta::assert_snapshot!(plain(
            &[run(&first, &sweep()), run(&later, &sweep())].join("\n\n")
        ));
    }

    #[test]
    fn a_run_that_repeats_a_prior_run_says_so() {
        let repeats = Some(Repeated { sweep: String::new(), value: 0.25 });
        let first = Run { repeats, ..runs()[0].clone() };
        let later = Run { trial: Some(4), ..first.clone() };
        assert!(plain(&run(&first, &sweep())).contains("repeats the best prior run in this space"));
        // A person wanted this point, so the search has not chosen to repeat the prior run.
        let suggestion_json = r#"{"origin":{"kind":"listed","index":0}}"#.to_owned();
        let listed = Run { suggestion_json, ..first.clone() };
        for other in [&later, &listed] {
            let told = plain(&run(other, &sweep()));
            assert!(told.contains("A prior run had these parameters"), "{told}");
        }
        assert!(plain(&run(&listed, &sweep())).contains("point 1 of the configuration's `points`"));
    }

    #[test]
    fn how_runs_ended() {
        let stopped = Run { state: "stopped".to_owned(), ..runs()[1].clone() };
        let shown = [pruned(), runs()[3].clone(), runs()[1].clone(), stopped];
        let shown: Vec<String> = shown.iter().map(|one| run(one, &sweep())).collect();
        insta::assert_snapshot!(plain(&shown.join("\n\n")));
    }
}

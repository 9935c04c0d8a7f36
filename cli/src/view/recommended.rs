//! Shows the run that a sweep recommends beside the one with the best value, for `sweep best`. The
//! controller compares the two; this module only says what it found.

use proto::v1::{Expected, Recommendation, Run, Sweep};
use terminal::{
    number, one_line,
    style::{self, paint},
};

use super::{CELL, count, one_word, section, values};

/// Describes the recommended run with its exact parameters, and says how sure the model is. If the
/// recommended run is the best one, the text has one line.
pub(crate) fn run(sweep: &Sweep, found: &Recommendation, run: &Run) -> String {
    let (Some(recommended), Some(observed)) = (&found.recommended, &found.observed) else {
        return String::new();
    };
    let Some(probability) = found.probability else {
        return format!(
            "The model agrees: it expects {} from {}.",
            expected(recommended),
            one_word(&recommended.run)
        );
    };
    let metric = paint(style::FAINT, one_line(&sweep.metric, 2 * CELL));
    let head = format!(
        "{}  {}  {metric} {} expected, {} logged",
        paint(style::FAINT, "recommended"),
        paint(style::STRONG, one_word(&recommended.run)),
        expected(recommended),
        number(recommended.value),
    );
    let parameters = section("parameters", &values::flatten(&values::object(&run.config_json)));
    let noise = format!(
        "{} logged {}; the model expects {} from it, since single values vary by {}.",
        one_word(&observed.run),
        number(observed.value),
        expected(observed),
        number(found.noise),
    );
    format!("{head}{parameters}\n\n{noise}\n{}", sure(recommended, probability, found.reruns))
}

/// Returns the expected mean with its interval.
fn expected(expected: &Expected) -> String {
    let Expected { mean, low, high, .. } = expected;
    format!("{} (90 %: {} to {})", number(*mean), number(*low), number(*high))
}

/// Says how surely the recommended run is the better one, and what a repetition would settle.
fn sure(recommended: &Expected, probability: f64, reruns: Option<u64>) -> String {
    let percent = (probability * 100.0).floor().min(99.0);
    let better = format!("{} is better with {percent} % certainty", one_word(&recommended.run));
    match reruns {
        Some(0) => format!("{better}."),
        Some(reruns) => format!(
            "{better}; {} of each would tell them apart with 90 % certainty.",
            count(reruns, "more run")
        ),
        None => format!("{better}; even 100 more runs of each would hardly tell them apart."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures::{plain, recommendation, runs, sweep};

    #[test]
    fn another_run_than_the_best() {
        let with = |probability, reruns| {
            let found =
                Recommendation { probability: Some(probability), reruns, ..recommendation() };
            plain(&run(&sweep(), &found, &runs()[0]))
        };
        let full = with(0.781, Some(2));
        let last = |text: String| text.lines().last().unwrap_or_default().to_owned();
        let others = [(0.83, Some(1)), (0.999_9, Some(0)), (0.51, None)]
            .map(|(probability, reruns)| last(with(probability, reruns)));
        insta::assert_snapshot!(format!("{full}\n\n{}", others.join("\n")));
    }

    #[test]
    fn a_model_that_agrees_takes_one_line() {
        let observed = recommendation().observed;
        let found = Recommendation {
            recommended: observed.clone(),
            observed,
            noise: 0.001,
            ..Recommendation::default()
        };
        insta::assert_snapshot!(plain(&run(&sweep(), &found, &runs()[2])));
    }
}

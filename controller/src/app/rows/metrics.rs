//! Sums up the metrics of a run as the run's program defined them. `app::runs::about` reads the
//! definitions, and everything that shows a summary uses the definitions. This module does no I/O.

use record::MAX_KEY_BYTES;
use serde_json::{Map, Value as Json};

use super::range::Range;
use crate::app::text::cut;

/// The ways to sum a metric up. The way `none` leaves the metric out of the summary.
const WAYS: [&str; 6] = ["min", "max", "mean", "last", "best", "none"];

/// A program's definition of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metric {
    /// The metric's name; `*` stands for any text.
    pub(crate) name: String,
    /// The ways to sum the metric up, such as `min`; empty means its last value.
    pub(crate) summary: Vec<String>,
    /// The metric on the x axis of this metric's curves; empty means the step.
    pub(crate) step_metric: String,
    /// The goal, which decides what `best` means: `minimize` or `maximize`; empty means `minimize`.
    pub(crate) goal: String,
}

impl Metric {
    /// Reads a program's definition of a metric.
    ///
    /// # Errors
    /// Fails with a sentence for users if the definition is wrong.
    pub(crate) fn read(object: &Map<String, Json>) -> Result<Self, String> {
        let text =
            |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (name, step_metric, goal) = (text("name"), text("step_metric"), text("goal"));
        let summary = object.get("summary").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let summary: Vec<String> =
            summary.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        if name.is_empty() {
            return Err("a metric was defined without a name".to_owned());
        }
        if name.len().max(step_metric.len()) > MAX_KEY_BYTES {
            let told = cut(&name, 100);
            return Err(format!(
                "the names in the definition of `{told}` have more than {MAX_KEY_BYTES} bytes"
            ));
        }
        if summary.len() > WAYS.len() {
            return Err(format!(
                "`{name}` is summed up in {} ways; the limit is {}",
                summary.len(),
                WAYS.len()
            ));
        }
        if let Some(way) = summary.iter().find(|way| !WAYS.contains(&way.as_str())) {
            let way = cut(way, 100);
            return Err(format!("`{name}` cannot be summed up as `{way}`: {}", WAYS.join(", ")));
        }
        if !matches!(goal.as_str(), "" | "minimize" | "maximize") {
            let goal = cut(&goal, 100);
            return Err(format!("the goal of `{name}` is `{goal}`; use minimize or maximize"));
        }
        Ok(Self { name, summary, step_metric, goal })
    }

    /// Returns the number of bytes of the definition's names and ways.
    pub(crate) fn bytes(&self) -> usize {
        self.name.len()
            + self.step_metric.len()
            + self.summary.iter().map(String::len).sum::<usize>()
    }

    /// Returns the definition in its stored form.
    pub(crate) fn write(&self) -> Json {
        let Self { name, summary, step_metric, goal } = self;
        serde_json::json!({
            "name": name,
            "summary": summary,
            "step_metric": step_metric,
            "goal": goal
        })
    }

    /// Reads the stored definitions of a run, and leaves out those that are wrong.
    pub(crate) fn list(json: &str) -> Vec<Self> {
        let all: Vec<Map<String, Json>> = serde_json::from_str(json).unwrap_or_default();
        all.iter().filter_map(|object| Self::read(object).ok()).collect()
    }

    /// Returns the definition that counts for a key. This is the definition whose name is the key,
    /// or else the newest one whose pattern matches the key.
    pub(crate) fn of<'a>(metrics: &'a [Self], key: &str) -> Option<&'a Self> {
        let named = metrics.iter().find(|metric| metric.name == key);
        named.or_else(|| metrics.iter().rev().find(|metric| matches(&metric.name, key)))
    }

    /// Returns whether the summary shows the metric's last value under its key.
    pub(crate) fn keeps_last(&self) -> bool {
        !self.keeps("none") && (self.summary.is_empty() || self.keeps("last"))
    }

    /// Returns the aggregates that the summary shows, such as the mean, each with the suffix of its
    /// key.
    pub(crate) fn aggregates(&self, range: &Range) -> Vec<(&'static str, f64)> {
        if self.keeps("none") {
            return Vec::new();
        }
        let best = if self.goal == "maximize" { range.most } else { range.least };
        let mean = range.sum / range.count as f64;
        let all = [("min", range.least), ("max", range.most), ("mean", mean), ("best", best)];
        all.into_iter().filter(|(way, _)| self.keeps(way)).collect()
    }

    fn keeps(&self, way: &str) -> bool {
        self.summary.iter().any(|kept| kept == way)
    }
}

/// Returns whether `text` matches `pattern`, where `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metric(json: &Json) -> Result<Metric, String> {
        Metric::read(json.as_object().unwrap())
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in [
            ("val/*", "val/a/b"),
            ("*", ""),
            ("*/loss", "val/loss"),
            ("a*c*e", "abcde"),
            ("a", "a"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("val/*", "val"), ("a*a", "a"), ("a", "ab"), ("a*c*e", "ace-"), ("*x*", "abc")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn the_name_comes_before_patterns_and_the_newest_pattern_first() {
        let metrics =
            ["val/*", "val/loss", "*loss"].map(|name| metric(&json!({ "name": name })).unwrap());
        let of = |key: &str| Metric::of(&metrics, key).map(|metric| metric.name.as_str());
        assert_eq!(
            (of("val/loss"), of("val/xloss"), of("val/acc")),
            (Some("val/loss"), Some("*loss"), Some("val/*"))
        );
        assert_eq!(of("train/acc"), None);
    }

    #[test]
    fn a_wrong_definition_is_refused_with_a_reason() {
        let error = metric(&json!({ "name": "loss", "summary": ["median"] })).unwrap_err();
        assert_eq!(
            error,
            "`loss` cannot be summed up as `median`: min, max, mean, last, best, none"
        );
        assert!(metric(&json!({ "summary": ["min"] })).is_err());
        assert!(metric(&json!({ "name": "loss", "goal": "up" })).is_err());
    }
}

//! Sums up the metrics of a run as the run's program defined them. `app::runs::about` reads the
//! definitions, and everything that shows a summary uses the definitions. This module does no I/O.

use record::MAX_KEY_BYTES;
use serde_json::{Map, Value as Json};

use super::range::Range;
use crate::app::text::cut;

/// A way to sum a metric up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The mean of all values.
    Mean,
    /// The last value.
    Last,
    /// The smallest or the largest value, as the goal says.
    Best,
    /// Leaves the metric out of the summary.
    None,
}

impl Way {
    const ALL: [Self; 6] = [Self::Min, Self::Max, Self::Mean, Self::Last, Self::Best, Self::None];

    /// Returns the word that definitions and messages use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Last => "last",
            Self::Best => "best",
            Self::None => "none",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == word)
    }
}

/// The goal of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The smallest value is the best.
    Minimize,
    /// The largest value is the best.
    Maximize,
}

impl Goal {
    /// Returns the word that definitions and messages use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// A program's definition of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metric {
    /// The metric's name; `*` stands for any text.
    pub(crate) name: String,
    /// The ways to sum the metric up, such as `min`; empty means its last value.
    pub(crate) summary: Vec<Way>,
    /// The metric on the x axis of this metric's curves; empty means the step.
    pub(crate) step_metric: String,
    /// The goal; `None` means to minimize.
    pub(crate) goal: Option<Goal>,
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
        let summary: Vec<&str> = summary.iter().filter_map(Json::as_str).collect();
        if name.is_empty() {
            return Err("a metric was defined without a name".to_owned());
        }
        if name.len().max(step_metric.len()) > MAX_KEY_BYTES {
            let told = cut(&name, 100);
            return Err(format!(
                "the names in the definition of `{told}` have more than {MAX_KEY_BYTES} bytes"
            ));
        }
        if summary.len() > Way::ALL.len() {
            return Err(format!(
                "`{name}` is summed up in {} ways; the limit is {}",
                summary.len(),
                Way::ALL.len()
            ));
        }
        let way = |word: &&str| {
            Way::read(word).ok_or_else(|| {
                let ways = Way::ALL.map(Way::name).join(", ");
                format!("`{name}` cannot be summed up as `{}`: {ways}", cut(word, 100))
            })
        };
        let summary = summary.iter().map(way).collect::<Result<_, _>>()?;
        let goal = match goal.as_str() {
            "" => None,
            "minimize" => Some(Goal::Minimize),
            "maximize" => Some(Goal::Maximize),
            other => {
                let goal = cut(other, 100);
                return Err(format!("the goal of `{name}` is `{goal}`; use minimize or maximize"));
            }
        };
        Ok(Self { name, summary, step_metric, goal })
    }

    /// Returns the number of bytes of the definition's names and ways.
    pub(crate) fn bytes(&self) -> usize {
        self.name.len()
            + self.step_metric.len()
            + self.summary.iter().map(|way| way.name().len()).sum::<usize>()
    }

    /// Returns the definition in its stored form.
    pub(crate) fn write(&self) -> Json {
        let Self { name, summary, step_metric, goal } = self;
        serde_json::json!({
            "name": name,
            "summary": summary.iter().map(|way| way.name()).collect::<Vec<_>>(),
            "step_metric": step_metric,
            "goal": goal.map_or("", Goal::name)
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
        !self.keeps(Way::None) && (self.summary.is_empty() || self.keeps(Way::Last))
    }

    /// Returns the aggregates that the summary shows, such as the mean, each with the suffix of its
    /// key.
    pub(crate) fn aggregates(&self, range: &Range) -> Vec<(&'static str, f64)> {
        if self.keeps(Way::None) {
            return Vec::new();
        }
        let best = if self.goal == Some(Goal::Maximize) { range.most } else { range.least };
        let mean = range.sum / range.count as f64;
        let all =
            [(Way::Min, range.least), (Way::Max, range.most), (Way::Mean, mean), (Way::Best, best)];
        let kept = all.into_iter().filter(|(way, _)| self.keeps(*way));
        kept.map(|(way, value)| (way.name(), value)).collect()
    }

    fn keeps(&self, way: Way) -> bool {
        self.summary.contains(&way)
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

//! Records statements about a run: updates of the config, and definitions of metrics. Such
//! statements pass through the buffer and the journal like rows, so they are equally durable.
//! Programs call this module, which makes no call to the controller.

use record::{MAX_TEXT_BYTES, json::overlay};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{error::ConfigError, run::Run};

/// The choice which value of a metric the run's summary shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// `loss.min`: the smallest finite value.
    Min,
    /// `loss.max`: the largest finite value.
    Max,
    /// `loss.mean`: the mean of the finite values.
    Mean,
    /// `loss`: the value at the highest step. This is the default for a metric without a
    /// definition.
    Last,
    /// `loss.best`: the smallest finite value for [`Goal::Minimize`], the largest for
    /// [`Goal::Maximize`].
    Best,
    /// No value. The metric appears only in the history.
    None,
}

/// The direction in which a metric is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Smaller values are better.
    #[default]
    Minimize,
    /// Larger values are better.
    Maximize,
}

impl Run {
    /// Changes the config. `update` is a struct or a map whose values replace those of the config
    /// key by key, including keys of nested objects. The run stores the update, and [`Run::config`]
    /// returns the new values at once.
    ///
    /// # Errors
    /// Fails with [`ConfigError`] if the update is not an object, or if it is over 256 KiB. Also
    /// fails if the update would change a parameter that the sweep has chosen, because the search
    /// must know the values that were really tried. After an error, the config is unchanged.
    pub fn update_config<T: Serialize + ?Sized>(&self, update: &T) -> Result<(), ConfigError> {
        let update =
            serde_json::to_value(update).map_err(|error| ConfigError(error.to_string()))?;
        if !update.is_object() {
            return Err(ConfigError(format!(
                "an update must be a struct or a map, not `{update}`"
            )));
        }
        if let Some(key) = self.shared().params().and_then(|params| conflict(params, &update)) {
            return Err(ConfigError(format!("`{key}` was chosen by the sweep and stays as it is")));
        }
        let text = update.to_string();
        if text.len() > MAX_TEXT_BYTES {
            return Err(ConfigError(format!(
                "the update has {} bytes; the limit is {MAX_TEXT_BYTES}",
                text.len()
            )));
        }
        // The lock ensures that two updates are stored in the order in which they take effect.
        let mut config = self.shared().lock_config();
        overlay(&mut config, update);
        self.shared().buffer.say("config", &text);
        Ok(())
    }

    /// Records the whole config of a trial, because the controller does not know the defaults of
    /// the trial's program. Each key becomes a separate row, so that a value over the size limit
    /// does not affect the others.
    pub(crate) fn say_config(&self) {
        let config = self.shared().lock_config();
        let Some(config) = config.as_object() else { return };
        for (key, value) in config {
            let one = Map::from_iter([(key.clone(), value.clone())]);
            self.shared().buffer.say("config", &Json::Object(one).to_string());
        }
    }

    /// Defines how a metric appears in the summary and in curves:
    /// `run.define_metric("val/*").summary([Summary::Min]).step_metric("epoch")`.
    ///
    /// In the name, `*` stands for any text. A later definition of the same name replaces an
    /// earlier one. The definition with a metric's own name applies to it, else the newest pattern
    /// that matches the name. The definition also applies to rows that were logged before it. The
    /// definition is recorded when the returned value is dropped, at the end of the statement.
    pub fn define_metric(&self, name: impl Into<String>) -> Definition<'_> {
        Definition {
            run: self,
            name: name.into(),
            summary: Vec::new(),
            step_metric: String::new(),
            goal: Goal::Minimize,
        }
    }
}

/// The definition of how a metric appears in the summary and in curves. [`Run::define_metric`]
/// makes it, and its drop records it.
#[derive(Debug)]
pub struct Definition<'a> {
    run: &'a Run,
    name: String,
    summary: Vec<Summary>,
    step_metric: String,
    goal: Goal,
}

impl Definition<'_> {
    /// Sets which values of the metric the summary shows. Default: the last value.
    pub fn summary(mut self, kept: impl IntoIterator<Item = Summary>) -> Self {
        self.summary = kept.into_iter().collect();
        self
    }

    /// Sets the metric that is the x axis of this metric's curves, such as `epoch`. Default: the
    /// step.
    pub fn step_metric(mut self, name: impl Into<String>) -> Self {
        self.step_metric = name.into();
        self
    }

    /// Sets whether smaller or larger values of the metric are better. Default: smaller values.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = goal;
        self
    }
}

impl Drop for Definition<'_> {
    fn drop(&mut self) {
        let summary = self.summary.iter().map(|way| match way {
            Summary::Min => "min",
            Summary::Max => "max",
            Summary::Mean => "mean",
            Summary::Last => "last",
            Summary::Best => "best",
            Summary::None => "none",
        });
        let goal = if self.goal == Goal::Maximize { "maximize" } else { "minimize" };
        let said = json!({
            "_type": "metric",
            "name": self.name,
            "summary": summary.collect::<Vec<_>>(),
            "step_metric": self.step_metric,
            "goal": goal,
        });
        self.run.shared().buffer.say("metric", &said.to_string());
    }
}

/// Returns the dotted name of the first parameter that the update would change.
fn conflict(params: &Json, update: &Json) -> Option<String> {
    let (Json::Object(params), Json::Object(update)) = (params, update) else { return None };
    update.iter().find_map(|(key, new)| match (params.get(key)?, new) {
        (chosen, new) if chosen == new => None,
        (chosen @ Json::Object(_), Json::Object(_)) => {
            Some(format!("{key}.{}", conflict(chosen, new)?))
        }
        _ => Some(key.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_different_value_for_a_parameter_is_a_conflict() {
        let params = json!({"lr": 0.1, "optimizer": {"name": "Adam"}});
        for (update, want) in [
            (json!({"lr": 0.2}), Some("lr")),
            (json!({"lr": 0.1, "seed": 3}), None),
            (json!({"optimizer": {"momentum": 0.9}}), None),
            (json!({"optimizer": {"momentum": 0.9, "name": "SGD"}}), Some("optimizer.name")),
            (json!({"optimizer": "SGD"}), Some("optimizer")),
        ] {
            assert_eq!(conflict(&params, &update).as_deref(), want, "{update}");
        }
    }
}

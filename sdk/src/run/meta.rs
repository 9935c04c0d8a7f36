//! What a program says of its run beside rows: updates of the config, and how metrics are summed
//! up. Goes through the ring and the journal as rows do, so that it is as durable. Called by
//! programs; sends nothing itself.

use record::{MAX_TEXT_BYTES, json::overlay};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{error::ConfigError, run::Run};

/// What the summary of a run keeps of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// `loss.min`: the smallest finite value.
    Min,
    /// `loss.max`: the largest finite value.
    Max,
    /// `loss.mean`: the mean of the finite values.
    Mean,
    /// `loss`: the value at the highest step, as without a definition.
    Last,
    /// `loss.best`: the smallest or the largest, as [`Goal`] says.
    Best,
    /// Nothing; the history has it all the same.
    None,
}

/// What is best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// The smallest value.
    #[default]
    Minimize,
    /// The largest value.
    Maximize,
}

impl Run {
    /// Changes the config: what is given, a struct or a map, is laid over it key by key, in nested
    /// ones too. It is stored with the run, and [`Run::config`] has it at once.
    ///
    /// # Errors
    /// [`ConfigError`], and then nothing changes: it is no object, it is over 256 KiB, or it would
    /// give another value to a parameter that the sweep has chosen. A search that does not know
    /// what was tried is misled.
    pub fn update_config<T: Serialize + ?Sized>(&self, update: &T) -> Result<(), ConfigError> {
        let update =
            serde_json::to_value(update).map_err(|error| ConfigError(error.to_string()))?;
        if !update.is_object() {
            return Err(ConfigError(format!("an update is a struct or a map, not `{update}`")));
        }
        if let Some(key) = self.shared().params().and_then(|params| conflict(params, &update)) {
            return Err(ConfigError(format!("`{key}` was chosen by the sweep and stays as it is")));
        }
        let text = update.to_string();
        if text.len() > MAX_TEXT_BYTES {
            return Err(ConfigError(format!(
                "an update of {} bytes, {MAX_TEXT_BYTES} at most",
                text.len()
            )));
        }
        // Under the lock, so that two updates are stored in the order in which they take effect.
        let mut config = self.shared().lock_config();
        overlay(&mut config, update);
        self.shared().buffer.say("config", &text);
        Ok(())
    }

    /// Tells the controller the whole config of a trial: its program's defaults are not known
    /// there. Key by key, so that one value that is too large takes no other with it.
    pub(crate) fn say_config(&self) {
        let config = self.shared().lock_config();
        let Some(config) = config.as_object() else { return };
        for (key, value) in config {
            let one = Map::from_iter([(key.clone(), value.clone())]);
            self.shared().buffer.say("config", &Json::Object(one).to_string());
        }
    }

    /// Says how a metric is summed up and drawn:
    /// `run.define_metric("val/*").summary([Summary::Min]).step_metric("epoch")`. In the name, `*`
    /// stands for any text. A later definition of the same name takes the place of an earlier one;
    /// a metric follows the definition with its own name, else the newest pattern that matches.
    /// Rows that were logged before count as well. It takes effect at the end of the statement,
    /// where the definition is dropped.
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

/// How a metric is summed up and drawn; made by [`Run::define_metric`], told to the run when it is
/// dropped.
#[derive(Debug)]
pub struct Definition<'a> {
    run: &'a Run,
    name: String,
    summary: Vec<Summary>,
    step_metric: String,
    goal: Goal,
}

impl Definition<'_> {
    /// What the summary keeps. Default: the last value.
    pub fn summary(mut self, kept: impl IntoIterator<Item = Summary>) -> Self {
        self.summary = kept.into_iter().collect();
        self
    }

    /// The metric that is the x of its curves, such as `epoch` or a count of examples. Default: the
    /// step.
    pub fn step_metric(mut self, name: impl Into<String>) -> Self {
        self.step_metric = name.into();
        self
    }

    /// What is best. Default: the smallest value.
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

/// The first parameter to which the update gives another value, by its dotted name.
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
    fn only_another_value_for_a_parameter_is_a_conflict() {
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

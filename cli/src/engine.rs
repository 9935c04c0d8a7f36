//! `sweep engine`: answers `ask` and `tell` requests as JSON lines on stdin and stdout, without a
//! controller. A user's own loop, in any language, can start the command as a child process. The
//! command keeps its history of trials only in memory. An `init` request starts a new history.

use std::io::{self, BufRead as _};

use serde::Deserialize;
use serde_json::{Value, json};
use sweeps::{
    config::{self, Severity},
    history::{History, Outcome, Trial},
    search::{
        self, Ingredient, Study,
        explain::{self, Expected, Recommendation, Surrogate, Unexplained},
    },
};
use terminal::{Exit, Failure};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads one request per line on stdin and writes one answer per line on stdout:
  {\"op\":\"init\",\"seed\":1,\"space\":{\"lr\":{\"distribution\":\"log_uniform_values\",\
\"min\":1e-5,\"max\":0.1}}}
  {\"ok\":true}
  {\"op\":\"ask\"}
  {\"id\":0,\"params\":{\"lr\":0.001}}
  {\"op\":\"tell\",\"id\":0,\"value\":0.42}
  {\"ok\":true}
  {\"op\":\"best\"}
  {\"observed\":{\"id\":0,\"params\":{\"lr\":0.001},\"value\":0.42},\"recommended\":null}
`space` has the form of `parameters` in a sweep's YAML. `init` also takes a `goal`, which is
minimize (the default) or maximize, and a `method`: bayes (the default), random, sobol or grid.

`best` returns the trial with the best value that you told. After a few trials, it also returns the
`recommended` trial, which a model expects to be the best: values may have noise. Then each trial
has the expected `mean` with its 90 % interval (`low`, `high`), `noise` is the standard deviation of
one value, and `probability` says how surely the recommended trial is better than the other.

You may ask for more points before you tell the results of earlier ones, and tell results in any
order. A value of null, or no value, reports a failure. A request that cannot be answered gets
{\"error\": ...} and changes nothing, except that a failed `init` ends the previous search.")]
pub(crate) struct Args {
    /// Leave out an ingredient of the Bayesian search (for benchmarks)
    #[arg(long, value_name = "INGREDIENT", value_parser = ingredient)]
    without: Vec<Ingredient>,
}

fn ingredient(name: &str) -> Result<Ingredient, String> {
    Ingredient::of(name).ok_or_else(|| {
        let names: Vec<&str> = Ingredient::ALL.iter().map(|ingredient| ingredient.name()).collect();
        format!("the ingredients are {}", names.join(", "))
    })
}

/// A request: one line of stdin.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    /// Starts a new search over this space and forgets the previous one.
    Init {
        space: Value,
        seed: u64,
        #[serde(default = "minimize")]
        goal: String,
        #[serde(default = "bayes")]
        method: String,
    },
    /// Asks for the next point.
    Ask,
    /// Reports the result of a point. No value, or null, means that the point failed.
    Tell { id: u64, value: Option<f64> },
    /// Asks for the best trial that was told, and for the one that a model expects to be the best.
    Best,
}

fn minimize() -> String {
    "minimize".to_owned()
}

fn bayes() -> String {
    "bayes".to_owned()
}

/// Answers every line of stdin that is not blank with one line on stdout, until stdin ends.
pub(crate) fn serve(args: &Args) -> Result<(), Failure> {
    let mut session = None;
    for line in io::stdin().lock().lines() {
        let line =
            line.map_err(|error| Failure::new(Exit::Input, format!("cannot read stdin: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = serde_json::from_str(&line)
            .map_err(|error| format!("the line is not a request: {error}"))
            .and_then(|request| answer(&mut session, request, &args.without));
        terminal::data(&format!("{}\n", answer.unwrap_or_else(|error| json!({ "error": error }))));
    }
    Ok(())
}

fn answer(
    session: &mut Option<Session>,
    request: Request,
    without: &[Ingredient],
) -> Result<Value, String> {
    if let Request::Init { space, seed, goal, method } = request {
        *session = None;
        let study = study(space, seed, &goal, &method)?;
        *session = Some(Session::new(Study { without: without.to_vec(), ..study }));
        return Ok(json!({ "ok": true }));
    }
    let session = session.as_mut().ok_or("the first request must be an `init`")?;
    match request {
        Request::Tell { id, value } => session.tell(id, value),
        Request::Best => session.best(),
        _ => session.ask(),
    }
}

/// Builds the study of this space. The function writes a sweep's configuration as JSON, which is
/// valid YAML. So the space passes the same checks as a sweep's YAML.
fn study(space: Value, seed: u64, goal: &str, method: &str) -> Result<Study, String> {
    let text = json!({
        "method": method,
        "metric": { "name": "value", "goal": goal },
        "program": "engine",
        "parameters": space,
    });
    let checked = config::check(&text.to_string());
    let errors = checked.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let told: Vec<String> =
        errors.map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    let config = checked.config.ok_or_else(|| told.join("; "))?;
    let maximize = config.metric.is_some_and(|metric| metric.maximize);
    Ok(Study { maximize, ..Study::new(config.method, config.space, seed) })
}

struct Session {
    study: Study,
    history: History,
}

impl Session {
    fn new(study: Study) -> Session {
        Session { study, history: History::default() }
    }

    fn ask(&mut self) -> Result<Value, String> {
        let number = self.history.trials.len() as u64;
        let suggestion = search::propose(&self.study, number, &self.history)
            .map_err(|error| error.to_string())?;
        let params = suggestion.point.to_json(&self.study.space);
        self.history.trials.push(Trial::pending(suggestion.point, suggestion.fit));
        Ok(json!({ "id": number, "params": params }))
    }

    fn tell(&mut self, id: u64, value: Option<f64>) -> Result<Value, String> {
        let trial = usize::try_from(id).ok().and_then(|id| self.history.trials.get_mut(id));
        let trial = trial.ok_or_else(|| format!("no `ask` has returned the id {id}"))?;
        trial.outcome = value.map_or(Outcome::Failed, Outcome::Value);
        Ok(json!({ "ok": true }))
    }

    fn best(&self) -> Result<Value, String> {
        let Some((id, value)) = explain::incumbent(&self.study, &self.history) else {
            return Ok(json!({ "observed": null, "recommended": null }));
        };
        let found = Surrogate::of(&self.study, &self.history)
            .and_then(|surrogate| surrogate.recommendation(None, |_| true));
        let recommendation = match found {
            Ok(found) => found,
            Err(Unexplained::NoModel) => return Err(Unexplained::NoModel.to_string()),
            // There are too few trials for a model, or nothing to model.
            Err(_) => {
                let observed = json!({ "id": id, "params": self.params(id), "value": value });
                return Ok(json!({ "observed": observed, "recommended": null }));
            }
        };
        let Recommendation { recommended, observed, noise, comparison } = recommendation;
        Ok(json!({
            "observed": self.expected(&observed),
            "recommended": self.expected(&recommended),
            "noise": noise,
            "probability": comparison.map(|comparison| comparison.probability),
        }))
    }

    fn expected(&self, expected: &Expected) -> Value {
        let Expected { trial, value, mean, low, high } = *expected;
        let params = self.params(trial);
        json!({
            "id": trial, "params": params, "value": value, "mean": mean, "low": low, "high": high,
        })
    }

    /// Returns the parameters of a trial, which exists.
    fn params(&self, id: u64) -> Value {
        self.history.trials[id as usize].point.to_json(&self.study.space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(session: &mut Option<Session>, request: Value) -> Result<Value, String> {
        answer(session, serde_json::from_value(request).unwrap(), &[])
    }

    #[test]
    fn the_best_point_is_told_with_the_one_that_the_model_expects_to_be_best() {
        let mut session = None;
        let mut ask = |request: Value| ask(&mut session, request);
        assert!(ask(json!({ "op": "best" })).unwrap_err().contains("`init`"));
        let space = json!({ "x": { "min": 0.0, "max": 1.0 } });
        let init = json!({
            "op": "init", "seed": 4, "goal": "maximize", "method": "random", "space": space,
        });
        ask(init).unwrap();
        let none = json!({ "observed": null, "recommended": null });
        assert_eq!(ask(json!({ "op": "best" })).unwrap(), none);
        let mut lucky = None;
        for id in 0..40 {
            let params = ask(json!({ "op": "ask" })).unwrap()["params"].clone();
            let x = params["x"].as_f64().unwrap();
            let noise = 0.05 * (f64::from(id) * 7.3).sin();
            let mut value = noise - 2.0 * (x - 0.3) * (x - 0.3);
            if (0.6..0.9).contains(&x) && lucky.is_none() && id > 2 {
                (lucky, value) = (Some(id), 0.15);
            }
            ask(json!({ "op": "tell", "id": id, "value": value })).unwrap();
            if id == 0 {
                let best = ask(json!({ "op": "best" })).unwrap();
                let observed = json!({ "id": 0, "params": params, "value": value });
                assert_eq!(best, json!({ "observed": observed, "recommended": null }));
            }
        }
        let best = ask(json!({ "op": "best" })).unwrap();
        assert_eq!(
            (&best["observed"]["id"], &best["observed"]["value"]),
            (&json!(lucky), &json!(0.15))
        );
        let recommended = &best["recommended"];
        assert!((recommended["params"]["x"].as_f64().unwrap() - 0.3).abs() < 0.15, "{best}");
        let number = |key: &str| recommended[key].as_f64().unwrap();
        assert!(number("low") < number("mean") && number("mean") < number("high"), "{best}");
        assert!(best["probability"].as_f64().unwrap() > 0.5 && best["noise"].as_f64() > Some(0.0));
    }
}

//! Prepares a trial for W&B's client, so that `wandb.init()` in the trial's program is the trial.
//! The client learns the run, the sweep, the parameters, the address and a key from variables and a
//! file, as it does from W&B's own agent. `command.rs` calls this module.

use std::path::Path;

use proto::v1::Start;
use record::ids::ProjectId;
use serde_json::{Map, Value, json};

use super::spec;

/// The variable with the address of the client's server.
const BASE_VAR: &str = "WANDB_BASE_URL";

/// Returns the variables for the client. `controller` is the address of the controller, and
/// `variable` returns a variable of the agent's environment. Returns none if that environment names
/// another server: then the program logs there, as its owner wants.
pub(super) fn variables(
    start: &Start,
    dir: &Path,
    controller: &str,
    variable: fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let own = controller.trim_end_matches('/');
    let own = if own.contains("://") { own.to_owned() } else { format!("http://{own}") };
    if variable(BASE_VAR).is_some_and(|base| base.trim_end_matches('/') != own) {
        return Vec::new();
    }
    let project = ProjectId::from(start.project.as_str());
    let params = dir.join(spec::WANDB_PARAMS).display().to_string();
    [
        (BASE_VAR, own.as_str()),
        ("WANDB_API_KEY", start.token.as_str()),
        ("WANDB_ENTITY", project.team()),
        ("WANDB_PROJECT", project.name()),
        ("WANDB_RUN_ID", &start.run),
        ("WANDB_SWEEP_ID", &start.sweep),
        ("WANDB_SWEEP_PARAM_PATH", &params),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Returns the content of the client's file of parameters: YAML 1.1, in which each parameter has a
/// mapping with the key `value`.
pub(super) fn parameters(params: &Value) -> String {
    let wrap = |(key, value): (&String, &Value)| (key.clone(), json!({ "value": value }));
    let wrapped: Map<String, Value> = params.as_object().into_iter().flatten().map(wrap).collect();
    let mut text = String::new();
    write(&Value::Object(wrapped), &mut text);
    text
}

/// Writes JSON that is YAML 1.1 too. There, a number with an exponent needs a point and a sign.
fn write(value: &Value, out: &mut String) {
    let key = |key: &String| Value::from(key.as_str()).to_string();
    match value {
        Value::Number(number) => {
            let number = number.to_string();
            let Some((digits, exponent)) = number.split_once('e') else { return *out += &number };
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
            *out += &format!("{digits}{point}e{sign}{exponent}");
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                *out += if index == 0 { "" } else { ", " };
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (name, value)) in entries.iter().enumerate() {
                *out += if index == 0 { "" } else { ", " };
                *out += &key(name);
                *out += ": ";
                write(value, out);
            }
            out.push('}');
        }
        plain => *out += &plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_the_run_unless_the_user_logs_elsewhere() {
        let start = Start {
            run: "s-1".to_owned(),
            sweep: "s".to_owned(),
            project: "vision/digits".to_owned(),
            token: "key".to_owned(),
            ..Start::default()
        };
        let variables = |variable: fn(&str) -> Option<String>| {
            variables(&start, Path::new("/d"), "controller:7070", variable)
        };
        let set = variables(|_| None);
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        assert_eq!(value("WANDB_BASE_URL"), "http://controller:7070");
        assert_eq!((value("WANDB_ENTITY"), value("WANDB_PROJECT")), ("vision", "digits"));
        assert_eq!((value("WANDB_RUN_ID"), value("WANDB_SWEEP_ID")), ("s-1", "s"));
        assert_eq!(value("WANDB_API_KEY"), "key");
        let here = |name: &str| (name == BASE_VAR).then(|| "http://controller:7070/".to_owned());
        let there = |name: &str| (name == BASE_VAR).then(|| "https://elsewhere".to_owned());
        assert_eq!((variables(here).len(), variables(there).len()), (7, 0));
    }

    #[test]
    fn parameters_are_yaml_of_the_old_kind() {
        let params = json!({"lr": 1e-7, "big": 1.5e30, "n": 3, "opt": "sgd", "m": {"a": [true]}});
        let expected = [
            r#""lr": {"value": 1.0e-7}"#,
            r#""big": {"value": 1.5e+30}"#,
            r#""n": {"value": 3}"#,
            r#""opt": {"value": "sgd"}"#,
            r#""m": {"value": {"a": [true]}}"#,
        ];
        assert_eq!(parameters(&params), format!("{{{}}}", expected.join(", ")));
    }
}

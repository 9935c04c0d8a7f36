//! Translates configs of runs. W&B's client wraps each value, as in `{"lr": {"value": 0.1}}`, and
//! keeps data about itself under the key `_wandb`: metric definitions, the machine, the charts.
//! Some of its keys are the numbers of fields of its own messages.

use serde_json::{Map, Value as Json, json};

use crate::app::{
    read::views::RunView,
    rows::metrics::{Goal, Metric, Way},
    runs::upsert::Config,
};

/// The key under which the client keeps data about itself.
const OWN: &str = "_wandb";

/// Reads a config that the client sends.
pub(super) fn read(config: Json) -> Config {
    let Json::Object(mut config) = config else { return Config::default() };
    let client = match config.shift_remove(OWN).map(unwrapped) {
        Some(Json::Object(client)) => client,
        _ => Map::new(),
    };
    let values = config.into_iter().map(|(key, value)| (key, unwrapped(value))).collect();
    let machines = client.get("e").and_then(Json::as_object);
    let processes = machines.map(|of| of.keys().cloned().collect()).unwrap_or_default();
    let code = machines.and_then(|of| of.values().next_back()).map(code).unwrap_or_default();
    let metrics = metrics(client.get("m").and_then(Json::as_array).map_or(&[], Vec::as_slice));
    let forked = client.get("branch_point").and_then(|point| point.get("run_id"));
    let forked = forked.and_then(Json::as_str).map(str::to_owned);
    Config { values, client, processes, metrics, code, forked }
}

fn unwrapped(value: Json) -> Json {
    match value {
        Json::Object(mut wrapped) if wrapped.contains_key("value") => {
            wrapped.shift_remove("value").unwrap_or(Json::Null)
        }
        bare => bare,
    }
}

/// Returns the config of a run as the client reads it, as JSON in a text.
pub(super) fn write(view: &RunView) -> String {
    let mut config = values(view);
    for value in config.values_mut() {
        *value = json!({ "value": value.take() });
    }
    let client = client(view);
    if !client.is_empty() {
        config.insert(OWN.to_owned(), json!({ "value": client }));
    }
    Json::Object(config).to_string()
}

/// Returns all values of a run's config.
fn values(view: &RunView) -> Map<String, Json> {
    let mut config: Json = serde_json::from_str(&view.run.config).unwrap_or_default();
    let added: Json = serde_json::from_str(&view.about.added).unwrap_or_default();
    if added.is_object() {
        record::json::overlay(&mut config, added);
    }
    match config {
        Json::Object(config) => config,
        _ => Map::new(),
    }
}

/// Returns what the client keeps about itself in a run's config.
pub(super) fn client(view: &RunView) -> Map<String, Json> {
    serde_json::from_str(&view.about.client).unwrap_or_default()
}

/// Describes a process's code and machine as the SDK does.
fn code(machine: &Json) -> Map<String, Json> {
    let text = |at: &str| machine.pointer(at).and_then(Json::as_str);
    let program = text("/codePath").or_else(|| text("/program")).unwrap_or_default();
    let arguments = machine.get("args").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let arguments = arguments.iter().filter_map(Json::as_str);
    let command: Vec<&str> =
        ["python", program].into_iter().chain(arguments).filter(|part| !part.is_empty()).collect();
    let said = [
        ("_type", Some(Json::from("code"))),
        ("command", Some(command.join(" ").into()).filter(|_| !program.is_empty())),
        ("host", text("/host").map(Json::from)),
        ("os", text("/os").map(Json::from)),
        ("python", text("/python").map(Json::from)),
        ("cpus", machine.get("cpu_count_logical").cloned()),
        ("gpu", text("/gpu").map(Json::from)),
        ("git_commit", text("/git/commit").map(Json::from)),
        ("git_remote", text("/git/remote").map(Json::from)),
    ];
    said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// Reads the definitions of metrics. A definition names its step metric by that metric's place in
/// the list, from 1.
fn metrics(told: &[Json]) -> Vec<Metric> {
    let name = |metric: &Json| {
        let name = metric.get("1").or_else(|| metric.get("2")).and_then(Json::as_str);
        name.map(str::to_owned)
    };
    let read = |metric: &Json| {
        let step = metric
            .get("5")
            .and_then(Json::as_u64)
            .and_then(|place| name(told.get(usize::try_from(place).ok()?.checked_sub(1)?)?));
        let ways = metric.get("7").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let goal = match metric.get("8").and_then(Json::as_u64) {
            Some(1) => Some(Goal::Minimize),
            Some(2) => Some(Goal::Maximize),
            _ => None,
        };
        Some(Metric {
            name: name(metric)?,
            summary: ways.iter().filter_map(way).collect(),
            step_metric: step.unwrap_or_default(),
            goal,
        })
    };
    told.iter().filter_map(read).collect()
}

fn way(number: &Json) -> Option<Way> {
    Some(match number.as_u64()? {
        1 => Way::Min,
        2 => Way::Max,
        3 => Way::Mean,
        4 => Way::Best,
        5 => Way::Last,
        6 => Way::None,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_unwrapped_and_its_definitions_are_read() {
        let sent = json!({
            "lr": {"value": 0.1, "desc": null},
            "model": {"value": {"layers": 2}},
            "_wandb": {"value": {
                "t": {"1": [1]},
                "e": {"abc": {"host": "node-1", "program": "train.py", "args": ["--lr", "0.1"]}},
                "m": [
                    {"1": "epoch", "6": [3]},
                    {"1": "loss", "5": 1, "7": [1, 3], "8": 1},
                    {"2": "val/*", "5": 1},
                ],
            }},
        });
        let config = read(sent);
        assert_eq!(Json::Object(config.values), json!({"lr": 0.1, "model": {"layers": 2}}));
        assert_eq!(config.processes, ["abc"]);
        assert_eq!(config.code["command"], "python train.py --lr 0.1");
        let loss = &config.metrics[1];
        assert_eq!((loss.name.as_str(), loss.step_metric.as_str()), ("loss", "epoch"));
        assert_eq!(
            (&loss.summary[..], loss.goal),
            (&[Way::Min, Way::Mean][..], Some(Goal::Minimize))
        );
        assert_eq!(config.metrics[2].name, "val/*");
        assert_eq!(read(json!(null)).values, Map::new());
    }
}

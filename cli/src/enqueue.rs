//! `sweep enqueue`: queues points that a sweep tries next. The points come from flags or from a
//! file. The controller checks them, since it knows the sweep's space.

use std::path::PathBuf;

use proto::v1::EnqueuePoints;
use serde_json::{Value, json};
use terminal::Failure;

use crate::{
    chance, connect,
    connect::Controller,
    json,
    source::{self, Source},
    view,
};

#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("points").required(true).args(["set", "file"])),
    after_help = "\
The method of the sweep chooses the parameters that a point leaves out.

Examples:
  sweep enqueue k3x9abcd --set lr=0.01 --set batch=32    one point
  sweep enqueue k3x9abcd --file points.yaml              a list, as the key `points` has it"
)]
pub(crate) struct Args {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = crate::args::id)]
    id: String,
    /// Parameter of the point and its value, as YAML; repeat it for each parameter
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<String>,
    /// YAML file with a list of points; - reads stdin
    #[arg(long, value_name = "FILE|-")]
    file: Option<PathBuf>,
    /// Print JSON with the queued `points`, and with `waiting` (the number of points that wait)
    #[arg(long)]
    json: bool,
}

/// Queues the points. Sends an idempotency key, so that a repeat after a lost answer does not queue
/// them a second time.
pub(crate) async fn enqueue(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let Source { name: source, text: yaml } = match &args.file {
        Some(file) => source::read(file)?,
        None => Source { name: "--set".to_owned(), text: args.set.join("\n") + "\n" },
    };
    let (sweep, idempotency_key) = (args.id.clone(), chance::key()?);
    let message = EnqueuePoints { sweep, yaml, source, idempotency_key };
    let mut sweeps = controller.dial().sweeps();
    let call = async || sweeps.enqueue(connect::within_patience(message.clone())).await;
    let queued = match connect::with_tries(call).await {
        Ok(queued) => queued,
        Err(status) => return Err(controller.failure_about(&args.id, &status).await),
    };
    if args.json {
        let read = |point: &String| serde_json::from_str(point).unwrap_or(Value::Null);
        let points: Vec<Value> = queued.points_json.iter().map(read).collect();
        terminal::print(json::text(&json!({ "points": points, "waiting": queued.waiting })));
        return Ok(());
    }
    let points = view::count(queued.points_json.len() as u64, "point");
    let id = view::one_word(&args.id);
    terminal::print(match queued.waiting {
        waiting if waiting > queued.points_json.len() as u64 => {
            format!("queued {points} for sweep {id}; {waiting} wait, and come next")
        }
        _ => format!("queued {points} for sweep {id}, to come next"),
    });
    Ok(())
}

/// Returns a line of YAML for `NAME=VALUE`.
fn setting(text: &str) -> Result<String, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as `lr=0.01`")?;
    if name.trim().is_empty() || text.contains(['\n', '\r']) {
        return Err("write NAME=VALUE on one line, such as `lr=0.01`".to_owned());
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/');
    match name.chars().all(is_plain) {
        true => Ok(format!("{name}: {value}")),
        // A name in quotes has no meaning in YAML but that of its characters.
        false => Ok(format!("{}: {value}", Value::from(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_line_of_yaml() {
        assert_eq!(setting("lr=0.01").as_deref(), Ok("lr: 0.01"));
        assert_eq!(setting("net.note=a=b").as_deref(), Ok("net.note: a=b"));
        assert_eq!(setting("a: b#=[1, 2]").as_deref(), Ok("\"a: b#\": [1, 2]"));
        for wrong in ["lr", "=1", "a=1\nb: 2"] {
            setting(wrong).unwrap_err();
        }
    }
}

//! Formats the figures as a table for people and as JSON for programs. `main` calls this module.

use serde_json::json;
use terminal::table::Table;

use crate::{driver::Mode, load::Sample};

/// All samples of a target in a mode.
pub(crate) struct Line {
    pub(crate) mode: Mode,
    pub(crate) target: &'static str,
    pub(crate) samples: Vec<Result<Sample, String>>,
}

impl Line {
    fn good(&self) -> Vec<&Sample> {
        self.samples.iter().flatten().collect()
    }

    fn median(&self, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.good().into_iter().map(of).collect())
    }
}

/// Returns the middle value, or the upper one of two middle values.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn rate(sample: &Sample) -> f64 {
    sample.points as f64 / sample.seconds
}

/// Returns a table of medians, with the ratios of the points per second to both floors of the mode
/// in `beside`.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut table = Table::new([
        "load",
        "target",
        ">us/call",
        ">p50",
        ">p99",
        ">p99.9",
        ">points/s",
        ">of jsonl",
        ">of sqlite",
        ">bytes/point",
        ">cpu us/point",
        ">controller's",
        ">refused",
    ]);
    for line in lines {
        if line.good().is_empty() {
            let why = line.samples.iter().find_map(|sample| sample.as_ref().err());
            let mut cells = vec![
                line.mode.name.to_owned(),
                line.target.to_owned(),
                why.cloned().unwrap_or_default(),
            ];
            cells.resize(13, String::new());
            table.row(cells);
            continue;
        }
        let number = |of: fn(&Sample) -> f64| {
            line.median(of).map_or_else(String::new, |value| format!("{value:.2}"))
        };
        let own = line.median(rate).unwrap_or(f64::NAN);
        let of = |floor: &str| {
            let floor = lines
                .iter()
                .find(|other| (other.mode.name, other.target) == (line.mode.beside, floor));
            floor
                .and_then(|floor| floor.median(rate))
                .map_or_else(String::new, |floor| format!("{:.2}x", own / floor))
        };
        table.row([
            line.mode.name.to_owned(),
            line.target.to_owned(),
            number(|sample| sample.us_mean),
            number(|sample| sample.us_p50),
            number(|sample| sample.us_p99),
            number(|sample| sample.us_p999),
            format!("{own:.0}"),
            of("jsonl"),
            of("sqlite"),
            number(|sample| sample.bytes as f64 / sample.points as f64),
            number(|sample| sample.cpu_us),
            line.good()[0].controller_cpu_us.map_or_else(String::new, |_| {
                number(|sample| sample.controller_cpu_us.unwrap_or_default())
            }),
            number(|sample| sample.refused as f64).trim_end_matches(".00").to_owned(),
        ]);
    }
    table.to_string()
}

/// Returns every sample as JSON.
pub(crate) fn json(lines: &[Line]) -> String {
    let all: Vec<_> = lines
        .iter()
        .flat_map(|line| line.samples.iter().map(move |sample| (line, sample)))
        .map(|(line, sample)| match sample {
            Ok(sample) => json!({"load": line.mode.name, "target": line.target, "sample": sample}),
            Err(error) => json!({"load": line.mode.name, "target": line.target, "error": error}),
        })
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

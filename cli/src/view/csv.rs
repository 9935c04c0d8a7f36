//! Writes trials as CSV (RFC 4180): a header, CRLF, and quotes where they are needed. Values are
//! exact. A missing value is an empty cell.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
};

use proto::v1::Run;
use serde_json::Value;

use super::values;
use crate::{export::Kind, json};

/// The columns before the parameters.
pub(crate) const BEFORE: [(&str, Kind); 5] = [
    ("run", Kind::Text),
    ("trial", Kind::Count),
    ("state", Kind::Text),
    ("attempt", Kind::Count),
    ("value", Kind::Float),
];
/// The columns after the summary.
pub(crate) const AFTER: [(&str, Kind); 4] = [
    ("agent", Kind::Text),
    ("created", Kind::Time),
    ("started", Kind::Time),
    ("ended", Kind::Time),
];

/// Returns the trials as CSV text: a header and one line per run, in the given order. The header
/// has every parameter and every summary key that any run has.
pub(crate) fn csv(runs: &[Run]) -> String {
    let names = Names::of(runs);
    let lines = runs.iter().map(|run| {
        let mut cells = vec![
            run.id.clone(),
            run.trial.map(|trial| trial.to_string()).unwrap_or_default(),
            run.state.clone(),
            run.attempt.to_string(),
            run.value.map(|value| exact(&value.into())).unwrap_or_default(),
        ];
        cells.extend(
            names.values(run).iter().map(|value| value.as_ref().map(exact).unwrap_or_default()),
        );
        cells.push(run.agent.clone());
        let times = [Some(run.created_ms), run.started_ms, run.ended_ms];
        cells.extend(times.map(|ms| json::time(ms).unwrap_or_default()));
        cells
    });
    text(std::iter::once(names.header()).chain(lines))
}

/// The names of the parameters and summary keys of a table's runs.
pub(crate) struct Names {
    params: Vec<String>,
    summary: Vec<String>,
}

impl Names {
    /// Collects every name once, in the order of first appearance.
    pub(crate) fn of(runs: &[Run]) -> Self {
        let names = |json: fn(&Run) -> &str| {
            let mut seen = HashSet::new();
            let names = runs.iter().flat_map(|run| leaves(json(run))).map(|(name, _)| name);
            names.filter(|name| seen.insert(name.clone())).collect()
        };
        Self { params: names(|run| &run.config_json), summary: names(|run| &run.summary_json) }
    }

    /// Returns the number of columns between those of [`BEFORE`] and [`AFTER`].
    pub(crate) fn logged(&self) -> usize {
        self.params.len() + self.summary.len()
    }

    /// Returns the run's values in the parameter columns, then those in the summary columns.
    pub(crate) fn values(&self, run: &Run) -> Vec<Option<Value>> {
        let mut params: HashMap<String, Value> = leaves(&run.config_json).into_iter().collect();
        let mut summary: HashMap<String, Value> = leaves(&run.summary_json).into_iter().collect();
        let params = self.params.iter().map(|name| params.remove(name));
        params.chain(self.summary.iter().map(|name| summary.remove(name))).collect()
    }

    /// Returns the names of all columns. A parameter or a summary key gets a prefix if another
    /// column has the same name. The prefix is repeated while another column has the resulting
    /// name.
    pub(crate) fn header(&self) -> Vec<String> {
        let ours = || BEFORE.iter().chain(&AFTER).map(|(name, _)| (*name).to_owned());
        let params = self.params.iter().map(|name| ("params", name.clone()));
        let summary = self.summary.iter().map(|name| ("summary", name.clone()));
        let named: Vec<(&str, String)> = params.chain(summary).collect();
        let mut times: HashMap<String, u32> = ours().map(|name| (name, 1)).collect();
        named.iter().for_each(|(_, name)| *times.entry(name.clone()).or_default() += 1);
        let mut taken: HashSet<String> = times.keys().cloned().collect();
        let unique = named.into_iter().map(|(prefix, mut name)| {
            if times[&name] > 1 {
                while !taken.insert(name.clone()) {
                    name = format!("{prefix}.{name}");
                }
            }
            name
        });
        let unique: Vec<String> = unique.collect();
        let [before, after] =
            [&BEFORE[..], &AFTER].map(|ours| ours.iter().map(|(name, _)| (*name).to_owned()));
        before.chain(unique).chain(after).collect()
    }
}

fn leaves(json: &str) -> Vec<(String, Value)> {
    values::flatten(&values::object(json))
}

fn exact(value: &Value) -> String {
    if value.is_null() { String::new() } else { values::exact(value) }
}

/// Creates a writer of CSV lines as RFC 4180 defines them.
pub(crate) fn writer<W: Write>(out: W) -> ::csv::Writer<W> {
    ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out)
}

/// Returns the lines as CSV text. Every line must have the same number of cells.
pub(crate) fn text(lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = writer(Vec::new());
    for line in lines {
        writer.write_record(line).expect("every line has as many cells, and memory takes them");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("cells are text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;
    use proptest::prelude::*;

    #[test]
    fn runs_as_csv() {
        insta::assert_snapshot!(csv(&fixtures::runs()).replace('\r', ""));
    }

    #[test]
    fn a_shared_name_gets_a_prefix() {
        let run = Run {
            config_json: r#"{"lr": 1, "state": "x", "only": 2}"#.to_owned(),
            summary_json: r#"{"lr": 3, "loss": null}"#.to_owned(),
            ..Run::default()
        };
        let header = "run,trial,state,attempt,value,params.lr,params.state,only,summary.lr,loss,\
            agent,created,started,ended";
        assert_eq!(csv(&[run]).lines().next(), Some(header));
    }

    #[test]
    fn no_two_columns_share_a_name() {
        let run = Run {
            config_json:
                r#"{"epochs": 1, "params.epochs": 2, "state": "x", "params": {"state": 3}}"#
                    .to_owned(),
            summary_json: r#"{"epochs": 4, "summary.epochs": 5}"#.to_owned(),
            ..Run::default()
        };
        let header = "run,trial,state,attempt,value,params.params.epochs,params.epochs,\
            params.params.state,params.state,summary.summary.epochs,summary.epochs,\
            agent,created,started,ended";
        assert_eq!(csv(&[run]).lines().next(), Some(header));
    }

    proptest! {
        /// The reader of the crate `csv` returns every cell unchanged.
        #[test]
        fn any_cell_survives_a_round_trip(
            cells in prop::collection::vec("[a,\"\r\n; é\u{0}]{0,8}", 2..6),
        ) {
            let text = text(std::iter::once(cells.clone()));
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(text.as_bytes());
            let read: Vec<String> =
                reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
            prop_assert_eq!(read, cells);
        }
    }
}

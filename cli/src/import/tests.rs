//! Tests the readers on files that the real programs wrote (`tests/fixtures/make_fixtures.py`),
//! complete and cut at many lengths.

use std::{
    fs,
    path::{Path, PathBuf},
};

use record::Value;

use super::{
    source::{Losses, Source, next_fitting},
    tensorboard, wandb,
};
use crate::stream::Stream;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn event_folders(folder: &Path) -> Vec<Box<dyn Source>> {
    let found = tensorboard::find(folder, "project", "runs").unwrap();
    found.into_iter().map(|folder| Box::new(folder) as Box<dyn Source>).collect()
}

fn offline_runs(folder: &Path) -> Vec<Box<dyn Source>> {
    let runs = wandb::group(wandb::find(folder).unwrap(), None).unwrap();
    runs.into_iter().map(|run| Box::new(run) as Box<dyn Source>).collect()
}

/// Reads everything that a source gives: one line per value.
fn read(source: &dyn Source) -> (Vec<(Stream, String)>, Losses) {
    let mut reader = source.open(source.parts()).unwrap();
    let mut lines = Vec::new();
    while let Some((stream, row)) = next_fitting(&mut *reader).unwrap() {
        for (key, value) in row.values {
            let shown = record::json::to_json(&value);
            let kind = if matches!(value, Value::F64(_)) { "f64 " } else { "" };
            lines.push((stream, format!("{} {} {key} = {kind}{shown}", stream.name(), row.step)));
        }
    }
    (lines, reader.losses().clone())
}

/// Describes a source as text. Leaves out the measurements of the machine and the tables, which
/// differ every time that the fixtures are made.
fn told(source: &dyn Source) -> String {
    let (lines, losses) = read(source);
    let mut reader = source.open(source.parts()).unwrap();
    while next_fitting(&mut *reader).unwrap().is_some() {}
    let values: Vec<String> = lines
        .into_iter()
        .filter(|(stream, line)| *stream != Stream::System && !line.contains("table-file"))
        .map(|(_, line)| line)
        .collect();
    format!("{:#?}\n{:?}\n{losses:?}\n{}", reader.about(), reader.outcome(), values.join("\n"))
}

#[test]
fn event_files_of_both_styles() {
    let told: Vec<String> =
        event_folders(&fixtures().join("runs")).iter().map(|run| told(&**run)).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn an_offline_run() {
    let runs = offline_runs(&fixtures());
    insta::assert_snapshot!(runs.iter().map(|run| told(&**run)).collect::<Vec<_>>().join("\n\n"));
    let (lines, _) = read(&*runs[0]);
    assert!(lines.iter().any(|(stream, _)| *stream == Stream::System), "the machine was measured");
}

/// A live run or a full disk may leave a cut file. The reader gives the values of the intact part,
/// which are the first values of the complete file. So an import of the grown run continues where
/// the earlier import ended.
#[test]
fn a_cut_file_gives_the_first_values_of_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    type Find = fn(&Path) -> Vec<Box<dyn Source>>;
    let cases: [(&str, Find); 2] = [
        ("runs/old/events.out.tfevents.1700000000.host.old", event_folders),
        ("offline-run/run-abc12345.wandb", offline_runs),
    ];
    for (file, find) in cases {
        let bytes = fs::read(fixtures().join(file)).unwrap();
        let cut = folder.path().join(Path::new(file).file_name().unwrap());
        fs::write(&cut, &bytes).unwrap();
        let values = |lines: Vec<(Stream, String)>, of: Stream| -> Vec<String> {
            lines.into_iter().filter(|(stream, _)| *stream == of).map(|(_, line)| line).collect()
        };
        let (whole, _) = read(&*find(folder.path())[0]);
        for length in (16..bytes.len()).step_by(7) {
            fs::write(&cut, &bytes[..length]).unwrap();
            let (lines, _) = read(&*find(folder.path())[0]);
            for stream in [Stream::History, Stream::System, Stream::Console] {
                let (part, whole) = (values(lines.clone(), stream), values(whole.clone(), stream));
                assert!(whole.starts_with(&part), "{file} cut at {length}: {part:?}");
            }
        }
        fs::remove_file(&cut).unwrap();
    }
}

#[test]
fn a_run_has_the_same_identity_in_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("elsewhere");
    fs::create_dir(&copy).unwrap();
    for run in ["old", "new"] {
        let name = format!("events.out.tfevents.1700000000.host.{run}");
        fs::copy(fixtures().join("runs").join(run).join(&name), copy.join(&name)).unwrap();
        let there = event_folders(&copy).remove(0).identity().unwrap();
        let here = event_folders(&fixtures().join("runs").join(run)).remove(0).identity().unwrap();
        assert_eq!(there, here);
        fs::remove_file(copy.join(&name)).unwrap();
    }
}

//! Tests which runs are drawn, and how trials and curves become the data of charts.

use plots::Kind;
use proto::v1::{CurveBucket, Run, Sweep};

use super::{curves, trials::Trials};
use crate::view::fixtures;

const YAML: &str = "
method: random
metric: {name: val/loss}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 0.001, max: 0.1}
  optimizer: {parameters: {name: {values: [SGD, Adam]}}}
  batch_size: {min: 16, max: 256}
  epochs: {value: 10}
  missing: {min: 0.0, max: 1.0}
";

fn trials(sweep: &Sweep, runs: Vec<Run>) -> Trials<'_> {
    let metric = sweep.metric.clone();
    let results = runs.iter().map(|run| run.value.unwrap_or(f64::NAN)).collect();
    Trials { sweep, runs, metric, maximize: false, results }
}

#[test]
fn parameters_have_the_scale_and_the_limits_of_the_space() {
    let sweep = Sweep { yaml: YAML.to_owned(), ..fixtures::sweep() };
    let trials = trials(&sweep, fixtures::runs());
    let columns = trials.parameters(&[0, 1, 2]).unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["learning_rate", "optimizer.name", "batch_size", "missing"]);
    assert_eq!(columns[0].kind, Kind::Log);
    let (low, high) = columns[0].bounds.unwrap();
    assert!((low - 0.001).abs() < 1e-12 && (high - 0.1).abs() < 1e-12);
    // The space does not list the optimizer of run 1.
    assert_eq!(columns[1].categories, ["SGD", "Adam", "AdamW"]);
    assert_eq!(columns[1].values, [1.0, 2.0, 1.0]);
    assert_eq!(
        (columns[2].bounds, &columns[2].values[..]),
        (Some((16.0, 256.0)), &[32.0, 128.0, 64.0][..])
    );
    assert!(columns[3].values.iter().all(|value| value.is_nan()));
}

#[test]
fn the_best_and_the_newest_runs_are_drawn_each_once() {
    let sweep = fixtures::sweep();
    let chosen = |trials: &Trials<'_>, all| {
        let (runs, of) = curves::chosen(trials, all);
        let numbers: Vec<u64> = runs.iter().map(|run| run.trial.unwrap()).collect();
        (numbers, of)
    };
    // The last finished run has the lowest loss, and run 40 has failed.
    let many = trials(&sweep, fixtures::many(40));
    let best = [39, 38, 37, 36, 35, 34, 33, 32, 31, 30];
    assert_eq!(chosen(&many, false), ([&best[..], &[40]].concat(), 41));
    let (all, of) = chosen(&many, true);
    assert_eq!((all.len(), &all[..10], all[40], of), (41, &best[..], 40, 41));
    assert_eq!(chosen(&trials(&sweep, fixtures::many(900)), true).0.len(), 500);
    // Without any result, the newest runs are drawn. A queued run has no curve.
    let runs = (0..12).map(|trial| Run { value: None, ..fixtures::many(12)[trial].clone() });
    let mut runs: Vec<Run> = runs.collect();
    runs[11].state = "queued".to_owned();
    let newest: Vec<u64> = (1..=10).rev().collect();
    assert_eq!(chosen(&trials(&sweep, runs), false), (newest, 11));
}

#[test]
fn buckets_become_points_and_signs() {
    let buckets = [
        CurveBucket {
            last_x: 1.0,
            last: Some(2.0),
            min: Some(1.0),
            max: Some(3.0),
            ..CurveBucket::default()
        },
        CurveBucket { last_x: 2.0, nan: 3, ..CurveBucket::default() },
        CurveBucket {
            last_x: 3.0,
            last: Some(5.0),
            negative_infinity: 1,
            ..CurveBucket::default()
        },
    ];
    let series = curves::series(&fixtures::runs()[0], &buckets);
    let points: Vec<(f64, f64, (f64, f64))> =
        series.points.iter().map(|point| (point.x, point.last, point.range)).collect();
    assert_eq!(points, [(1.0, 2.0, (1.0, 3.0)), (3.0, 5.0, (5.0, 5.0))]);
    assert_eq!((series.nan_at, series.infinite_at), (vec![2.0], vec![(3.0, false)]));
    assert_eq!(series.odd, [3, 0, 1]);
}

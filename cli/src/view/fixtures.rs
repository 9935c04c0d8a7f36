//! Provides a sweep and its runs for the tests of the views.

use proto::v1::{Counts, Expected, Limit, Limited, Outcome, Recommendation, Run, Rung, Sweep};

/// The present time of every test, in milliseconds since the epoch.
pub(crate) const NOW: i64 = 1_780_000_000_000;

/// Removes colours and keeps all other escape sequences.
pub(crate) fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let parameters =
            part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';');
        match parameters.strip_prefix('m') {
            Some(rest) => plain += rest,
            None => plain += &format!("\u{1b}[{part}"),
        }
    }
    plain
}

/// Returns a sweep with trials in many states.
pub(crate) fn sweep() -> Sweep {
    Sweep {
        id: "k3x9abcd".to_owned(),
        name: "small-cnn".to_owned(),
        project: "vision".to_owned(),
        method: "bayes".to_owned(),
        state: "running".to_owned(),
        metric: "val/loss".to_owned(),
        target: Some(0.01),
        yaml: "method: bayes\n".to_owned(),
        seed: "42".to_owned(),
        trials_bound: Some(40),
        counts: Some(Counts {
            finished: 2,
            failed: 1,
            crashed: 1,
            running: 1,
            leased: 1,
            queued: 1,
            stopped: 0,
            pruned: 0,
            trials: 7,
        }),
        best: Some(runs()[2].clone()),
        created_ms: NOW - 600_000,
        started_ms: Some(NOW - 500_000),
        ..Sweep::default()
    }
}

/// Returns a recommendation of another run than the best one.
pub(crate) fn recommendation() -> Recommendation {
    let expected = |run: &str, value, mean, low, high| {
        Some(Expected { run: run.to_owned(), value, mean, low, high })
    };
    Recommendation {
        recommended: expected("k3x9abcd-0", 0.023_4, 0.022_512, 0.021_03, 0.023_98),
        observed: expected("k3x9abcd-2", 0.021_31, 0.024_11, 0.022_7, 0.025_61),
        noise: 0.002_94,
        probability: Some(0.781),
        reruns: Some(2),
    }
}

/// Returns runs in different states.
pub(crate) fn runs() -> Vec<Run> {
    let traceback = "exit code 1\nTraceback (most recent call last):\n  File \"train.py\", line \
        3, in <module>\n    \
                     import torch\nModuleNotFoundError: No module named 'torch'";
    let failed = Outcome {
        state: "failed".to_owned(),
        class: "error".to_owned(),
        exit_code: Some(1),
        signal: None,
        message: traceback.to_owned(),
    };
    let finished =
        Outcome { state: "finished".to_owned(), exit_code: Some(0), ..Outcome::default() };
    let mut runs = vec![
        run(0, "finished", Some(0.412_345), 0.000_912_345, 32, "Adam"),
        run(1, "running", Some(0.033), 0.000_031, 128, "AdamW"),
        run(2, "finished", Some(0.021_313_7), 0.000_121_234_567, 64, "Adam"),
        run(3, "failed", None, 0.009_9, 64, "SGD"),
        run(4, "crashed", Some(1.5), 0.002, 32, "SGD"),
        run(5, "leased", None, 0.000_5, 128, "Adam"),
        run(6, "queued", None, 0.000_05, 128, "Adam"),
    ];
    runs[0].outcome = Some(finished.clone());
    runs[2].outcome = Some(finished);
    runs[2].attempt = 2;
    runs[3].outcome = Some(failed);
    runs[4].outcome = Some(Outcome {
        state: "crashed".to_owned(),
        class: "lost".to_owned(),
        message: "nothing was heard of it for 30 s".to_owned(),
        ..Outcome::default()
    });
    runs
}

/// Returns a run that was stopped at its second rung.
pub(crate) fn pruned() -> Run {
    let rung = |iteration, value, rank, of, threshold, stop| Rung {
        iteration,
        value,
        rank,
        of,
        threshold,
        stop,
    };
    let mut run = run(7, "pruned", Some(0.71), 0.009, 64, "SGD");
    run.ended_ms = Some(NOW - 450_000);
    run.rungs = vec![rung(3, 0.9, 1, 1, None, false), rung(9, 0.712_345, 5, 6, Some(0.41), true)];
    run
}

fn run(trial: u64, state: &str, value: Option<f64>, lr: f64, batch: u32, optimizer: &str) -> Run {
    let ended = matches!(state, "finished" | "failed" | "crashed");
    let waits = matches!(state, "leased" | "queued");
    let loss = value.map(|value| format!(r#""val/loss": {value}, "epoch": 9"#)).unwrap_or_default();
    Run {
        id: format!("k3x9abcd-{trial}"),
        sweep: "k3x9abcd".to_owned(),
        trial: Some(trial),
        state: state.to_owned(),
        attempt: u32::from(state != "queued"),
        agent: if state == "queued" { String::new() } else { "node-3".to_owned() },
        config_json: format!(
            r#"{{"learning_rate": {lr}, "batch_size": {batch},
                "optimizer": {{"name": "{optimizer}"}}, "epochs": 10}}"#
        ),
        summary_json: format!("{{{loss}}}"),
        value,
        rows: if value.is_some() { 120 } else { 0 },
        created_ms: NOW - 600_000,
        started_ms: (!waits).then_some(NOW - 500_000 + 1000 * trial as i64),
        ended_ms: ended.then_some(NOW - 400_000),
        suggestion_json: r#"{"origin": {"kind": "model", "mean": 0.0312345, "deviation": 0.0041,
                "improvement": 0.00213}}"#
            .to_owned(),
        ..Run::default()
    }
}

/// Returns the results of `sweep` and `runs` with limits on two further metrics. The run with the
/// best value breaks both limits.
pub(crate) fn with_limits() -> (Sweep, Vec<Run>) {
    let limits = vec![
        Limit { metric: "latency_ms".to_owned(), min: None, max: Some(20.0) },
        Limit { metric: "accuracy".to_owned(), min: Some(0.9), max: None },
    ];
    let limited = |latency: f64, accuracy: Option<f64>| {
        let one = |metric: &str, value, holds| Limited { metric: metric.to_owned(), value, holds };
        vec![
            one("latency_ms", Some(latency), latency <= 20.0),
            one("accuracy", accuracy, accuracy.is_some_and(|value| value >= 0.9)),
        ]
    };
    let mut runs = runs();
    runs[0].limited = limited(18.25, Some(0.93));
    runs[2].limited = limited(31.5, None);
    (Sweep { limits, earlier_trials: 37, best: Some(runs[0].clone()), ..sweep() }, runs)
}

/// Returns many finished runs and a failed one.
pub(crate) fn many(number: u64) -> Vec<Run> {
    let mut runs: Vec<Run> = (0..number)
        .map(|trial| run(trial, "finished", Some(1.0 / (trial + 1) as f64), 0.1, 32, "Adam"))
        .collect();
    runs.push(run(number, "failed", None, 0.1, 32, "Adam"));
    runs
}

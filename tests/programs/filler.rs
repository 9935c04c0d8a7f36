//! Fills a controller with many trials or many runs, for the tests and the bench of the dashboard.
//! No training happens: the values follow from the parameters and from the steps.
//!
//! - `filler ADDRESS trials SWEEP` runs trials until the sweep is over. The parameters `lr`,
//!   `dropout` and `optimizer` decide the loss.
//! - `filler ADDRESS runs PROJECT COUNT ROWS` adds runs outside sweeps, with curves, and ends them.
//! - `filler ADDRESS live PROJECT COUNT PACE_MS` keeps runs alive, each of which logs a row every
//!   `PACE_MS`, until its input ends. The program prints `live` once every run has a row.
//! - `filler ADDRESS long PROJECT LINES ROWS` adds the run `long`, which prints so many lines and
//!   logs a table of so many rows under `rows`.

use std::{env, error::Error, io, sync::Arc, thread, time::Duration};

use besom::{Cell, Column, Table};
use proto::{
    dial::Dial,
    v1::{AppendRows, BeginRun, EndRun, Outcome, RunBegun},
};
use record::{Row, Value, Writer};
use tests::fake_agent::FakeAgent;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time,
};

type Failure = Box<dyn Error + Send + Sync>;

/// How many calls are under way at once.
const WORKERS: usize = 32;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        [address, "trials", sweep] => trials(address, sweep).await,
        [address, "runs", project, count, rows] => {
            runs(address, project, count.parse()?, rows.parse()?).await
        }
        [address, "live", project, count, pace] => {
            live(address, project, count.parse()?, Duration::from_millis(pace.parse()?)).await
        }
        [address, "long", project, lines, rows] => {
            long(address, project, lines.parse()?, rows.parse()?)
        }
        _ => Err("the first lines of filler.rs say what its arguments are".into()),
    }
}

async fn trials(address: &str, sweep: &str) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let mut agent = FakeAgent::new(address, sweep, &format!("filler-{sweep}-{number}"));
        workers.spawn(async move {
            while let Some(start) = agent.ask().await {
                agent.report(&start, loss(&start.params_json)?).await;
                agent.end(&start, "finished").await;
            }
            Ok(())
        });
    }
    all(workers).await
}

/// Returns a loss that is least at a rate of 0.001 and a dropout of 0.3, and lower with Adam.
fn loss(params: &str) -> Result<f64, Failure> {
    let params: serde_json::Value = serde_json::from_str(params)?;
    let number = |name: &str, otherwise: f64| params[name].as_f64().unwrap_or(otherwise);
    let optimizer = if params["optimizer"] == "adam" { 0.0 } else { 0.15 };
    let (rate, dropout) = (number("lr", 1e-3).log10() + 3.0, number("dropout", 0.3) - 0.3);
    Ok(0.1 + optimizer + 0.2 * rate * rate + dropout * dropout)
}

async fn runs(address: &str, project: &str, count: u64, rows: u64) -> Result<(), Failure> {
    let dial = Dial::new(address, None)?;
    let seats = Arc::new(Semaphore::new(WORKERS));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (dial, seats, begin) = (dial.clone(), seats.clone(), begin(project, number));
        tasks.spawn(async move {
            let _seat = seats.acquire().await?;
            let run = dial.runs().begin(begin).await?.into_inner();
            let rows: Vec<Row> = (0..rows).map(|step| row(number, step)).collect();
            append(&dial, &run, 0, &rows).await?;
            let outcome = Outcome { state: "finished".to_owned(), ..Outcome::default() };
            let end = EndRun {
                run: run.run,
                attempt: run.attempt,
                outcome: Some(outcome),
                ..EndRun::default()
            };
            dial.runs().end(end).await?;
            Ok(())
        });
    }
    all(tasks).await
}

async fn live(address: &str, project: &str, count: u64, pace: Duration) -> Result<(), Failure> {
    let dial = Dial::new(address, None)?;
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let run = dial.runs().begin(begin(project, number)).await?.into_inner();
        append(&dial, &run, 0, &[row(number, 0)]).await?;
        let dial = dial.clone();
        tasks.spawn(async move {
            let mut ticks = time::interval(pace);
            for step in 1.. {
                ticks.tick().await;
                append(&dial, &run, step, &[row(number, step)]).await?;
            }
            Ok(())
        });
    }
    terminal::print("live");
    let (input_ends, input_ended) = oneshot::channel();
    thread::spawn(move || {
        // An input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = input_ends.send(());
    });
    tokio::select! {
        ended = all(tasks) => ended,
        _ = input_ended => Ok(()),
    }
}

/// Prints and logs as a program that a person has started.
fn long(address: &str, project: &str, lines: u64, rows: u64) -> Result<(), Failure> {
    let init = besom::init().controller(address).project(project).id("long").console(true);
    let run = init.start()?;
    let columns = [("number", Column::I64), ("score", Column::F64), ("word", Column::Text)];
    let table = Table::new(columns)?;
    for row in 0..rows {
        let score = ((row * 7919) % 999_983) as f64 / 999_983.0;
        let word = format!("word {}", (row * 31) % 1009);
        table.add_row([Cell::from(row as i64), Cell::from(score), Cell::from(word.as_str())])?;
    }
    besom::log!(run, "rows" => table);
    for line in 0..lines {
        terminal::print(format_args!("line {line} of a log, loss {:.6}", 1.0 / (line + 1) as f64));
    }
    run.finish()?;
    Ok(())
}

fn begin(project: &str, number: u64) -> BeginRun {
    let optimizer = ["adam", "sgd", "lion"][(number % 3) as usize];
    let rate = 10_f64.powf(-5.0 + 4.0 * ((number * 7) % 100) as f64 / 100.0);
    let config = serde_json::json!({"lr": rate, "optimizer": optimizer, "seed": number});
    BeginRun {
        project: project.to_owned(),
        name: format!("run {number}"),
        config_json: config.to_string(),
        tags: vec![format!("tag-{}", number % 5)],
        ..BeginRun::default()
    }
}

fn row(number: u64, step: u64) -> Row {
    let wave = ((step * 37 + number * 11) % 97) as f64 / 970.0;
    let loss = 1.0 / (1.0 + step as f64 / 50.0) + wave + (number % 10) as f64 / 20.0;
    let values =
        [("train/loss", loss), ("val/loss", loss + 0.1), ("val/accuracy", 1.0 - loss / 2.0)];
    let values = values.map(|(key, value)| (key.to_owned(), Value::F64(value))).to_vec();
    Row { step, wall_ms: step as i64, values }
}

async fn append(dial: &Dial, run: &RunBegun, offset: u64, rows: &[Row]) -> Result<(), Failure> {
    let mut frames = Vec::new();
    Writer::default().frame(rows, &mut frames);
    let append = AppendRows {
        run: run.run.clone(),
        attempt: run.attempt,
        writer: "filler".to_owned(),
        stream: "history".to_owned(),
        offset,
        frames,
    };
    dial.runs().append(append).await?;
    Ok(())
}

async fn all(mut tasks: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

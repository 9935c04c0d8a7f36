//! Tests filters and orders of runs: every answer of the controller equals the result of a plain
//! scan of all runs.

use std::cmp::Ordering;

use proto::v1::{AppendRows, BeginRun, EndRun, FindRuns, ListRuns, Outcome, Run};
use record::{Row, Value, Writer};
use serde_json::{Value as Json, json};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code};

/// A generator of pseudorandom numbers, which are the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % sides
    }
}

async fn append(lab: &mut Lab, run: &str, stream: &str, offset: u64, values: Vec<(&str, Value)>) {
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut frames = Vec::new();
    Writer::default().frame(&[Row { step: offset, wall_ms: 0, values }], &mut frames);
    let (run, writer, stream) = (run.to_owned(), "sdk".to_owned(), stream.to_owned());
    lab.runs.append(AppendRows { run, attempt: 1, writer, stream, offset, frames }).await.unwrap();
}

/// Makes runs with pseudorandom values of the properties that the filters compare.
async fn many(lab: &mut Lab, count: u64) {
    let mut dice = Dice(7);
    for _ in 0..count {
        let lr = match dice.roll(6) {
            0 => Json::Null,
            1 => json!("NaN"),
            2 => json!("adaptive"),
            roll => json!(0.001 * roll as f64),
        };
        let config = json!({
            "lr": lr,
            "opt": { "name": (["adam", "sgd"][dice.roll(2) as usize]) },
            "n": dice.roll(4),
        });
        let tags = (0..dice.roll(3))
            .map(|_| ["fast", "slow", "best"][dice.roll(3) as usize].to_owned())
            .collect();
        let text = |dice: &mut Dice| ["", "a", "b"][dice.roll(3) as usize].to_owned();
        let begin = BeginRun {
            project: text(&mut dice),
            group: text(&mut dice),
            job_type: text(&mut dice),
            tags,
            config_json: config.to_string(),
            ..BeginRun::default()
        };
        let run = lab.runs.begin(begin).await.unwrap().into_inner().run;
        for offset in 0..dice.roll(3) {
            let loss = match dice.roll(5) {
                0 => Value::F64(f64::NAN),
                1 => Value::F64(f64::INFINITY),
                2 => Value::I64(dice.roll(3) as i64),
                _ => Value::F64(dice.roll(4) as f64 / 2.0),
            };
            append(
                lab,
                &run,
                "history",
                offset,
                vec![("loss", loss), ("epoch", Value::I64(offset as i64))],
            )
            .await;
        }
        if dice.roll(4) == 0 {
            append(
                lab,
                &run,
                "summary",
                0,
                vec![("loss", Value::F64(-1.0)), ("best", Value::Bool(true))],
            )
            .await;
        }
        if dice.roll(3) > 0 {
            let state = ["finished", "failed"][dice.roll(2) as usize].to_owned();
            let outcome = Some(Outcome { state, ..Outcome::default() });
            lab.runs.end(EndRun { run, attempt: 1, outcome, ..EndRun::default() }).await.unwrap();
        }
    }
}

async fn find(lab: &mut Lab, filters: &[String], sort: &[String], limit: u32) -> Vec<Run> {
    let request =
        FindRuns { filters: filters.to_vec(), sort: sort.to_vec(), limit, ..FindRuns::default() };
    collect(lab, request).await
}

async fn collect(lab: &mut Lab, request: FindRuns) -> Vec<Run> {
    let mut stream = lab.runs.find(request).await.unwrap().into_inner();
    let mut runs = Vec::new();
    while let Some(run) = stream.message().await.unwrap() {
        runs.push(run);
    }
    runs
}

/// Returns the value that a run has under a name. Non-finite numbers are texts, such as `NaN`.
fn shown(run: &Run, name: &str) -> Json {
    let parsed = |json: &str| serde_json::from_str::<Json>(json).unwrap();
    match name {
        "config.lr" => parsed(&run.config_json)["lr"].clone(),
        "config.opt.name" => parsed(&run.config_json)["opt"]["name"].clone(),
        "config.n" => parsed(&run.config_json)["n"].clone(),
        "state" => json!(run.state),
        "group" => json!(run.group),
        "project" => json!(run.project),
        "job_type" => json!(run.job_type),
        "rows" => json!(run.rows),
        other => {
            parsed(&run.summary_json).get(&other["summary.".len()..]).cloned().unwrap_or(Json::Null)
        }
    }
}

fn number(shown: &Json) -> Option<f64> {
    match shown.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        _ => shown.as_f64(),
    }
}

fn passes(run: &Run, (name, sign, wanted): (&str, &str, &str)) -> bool {
    if name == "tags" {
        return run.tags.iter().any(|tag| tag == wanted) == (sign == "=");
    }
    let value = shown(run, &name.replace('"', ""));
    if wanted == "null" || wanted == "''" {
        return (value.is_null() || value == "") == (sign == "=");
    }
    let order = match (number(&value), wanted.parse::<f64>()) {
        (Some(value), Ok(wanted)) if value.is_nan() && wanted.is_nan() => Some(Ordering::Equal),
        (Some(value), Ok(wanted)) => value.partial_cmp(&wanted),
        (None, Err(_)) => {
            value.as_str().filter(|text| !text.is_empty()).map(|text| text.cmp(wanted))
        }
        _ => None,
    };
    match sign {
        "=" => order == Some(Ordering::Equal),
        "!=" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        ">=" => order.is_some_and(Ordering::is_ge),
        other => panic!("{other}"),
    }
}

/// Compares two runs by the name in `sort`. Numbers come before texts; a leading `-` reverses this
/// order. In both orders, NaN comes after all of them, and missing values come last.
fn order(one: &Run, other: &Run, sort: &str) -> Ordering {
    let name = sort.trim_start_matches('-');
    let (one, other) = (shown(one, name), shown(other, name));
    let late = |value: &Json| match number(value) {
        Some(number) => u8::from(number.is_nan()),
        None if value.is_null() || value == "" => 2,
        None => 0,
    };
    let place = |value: &Json| number(value).unwrap_or(f64::MAX);
    let text = |value: &Json| {
        value.as_str().filter(|_| number(value).is_none()).unwrap_or_default().to_owned()
    };
    let plain = place(&one).total_cmp(&place(&other)).then_with(|| text(&one).cmp(&text(&other)));
    let plain = if late(&one) > 0 { Ordering::Equal } else { plain };
    late(&one).cmp(&late(&other)).then(if sort.starts_with('-') { plain.reverse() } else { plain })
}

const FILTERS: [(&str, &str, &str); 21] = [
    ("config.lr", "<", "0.0045"),
    ("config.lr", "=", "nan"),
    ("config.lr", "=", "adaptive"),
    ("config.lr", "!=", "0.003"),
    ("config.lr", "=", "null"),
    ("config.\"opt.name\"", "!=", "null"),
    ("config.opt.name", "!=", "sgd"),
    ("config.n", ">=", "2"),
    ("summary.\"loss\"", "<", "1"),
    ("summary.epoch", "=", "null"),
    ("summary.loss", "!=", "nan"),
    ("summary.loss", ">=", "inf"),
    ("summary.epoch", "=", "1"),
    ("state", "=", "running"),
    ("state", "!=", "failed"),
    ("tags", "=", "fast"),
    ("tags", "!=", "best"),
    ("group", "=", "''"),
    ("group", "!=", "null"),
    ("project", "<", "b"),
    ("rows", ">=", "1"),
];
const SORTS: [&str; 8] = [
    "summary.loss",
    "-summary.loss",
    "config.lr",
    "-config.lr",
    "-state",
    "group",
    "-job_type",
    "rows",
];

#[tokio::test]
async fn filters_and_orders_agree_with_a_scan_of_every_run() {
    let mut lab = Lab::start().await;
    many(&mut lab, 150).await;
    let all = find(&mut lab, &[], &[], 0).await;
    assert_eq!(all.len(), 150);
    assert!(all.is_sorted_by_key(|run| std::cmp::Reverse(run.created_ms)));
    let mut dice = Dice(11);
    let mut seen = 0;
    for _ in 0..200 {
        let some: Vec<_> =
            (0..dice.roll(4)).map(|_| FILTERS[dice.roll(FILTERS.len() as u64) as usize]).collect();
        let by: Vec<_> =
            (0..dice.roll(3)).map(|_| SORTS[dice.roll(SORTS.len() as u64) as usize]).collect();
        let limit = dice.roll(3) as u32 * 10;
        let mut wanted: Vec<&Run> =
            all.iter().filter(|run| some.iter().all(|filter| passes(run, *filter))).collect();
        wanted.sort_by(|one, other| {
            by.iter()
                .map(|sort| order(one, other, sort))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        wanted.truncate(if limit == 0 { usize::MAX } else { limit as usize });
        let words: Vec<String> =
            some.iter().map(|(name, sign, value)| format!("{name} {sign} {value}")).collect();
        let by: Vec<String> = by.into_iter().map(str::to_owned).collect();
        let found = find(&mut lab, &words, &by, limit).await;
        let ids = |runs: &mut dyn Iterator<Item = &Run>| {
            runs.map(|run| run.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            ids(&mut found.iter()),
            ids(&mut wanted.into_iter()),
            "{words:?} {by:?} {limit}"
        );
        assert!(found.iter().all(|run| all.contains(run)));
        seen += found.len();
    }
    assert!(seen > 1000, "the questions found {seen} runs");
}

#[tokio::test]
async fn trials_are_found_by_sweep_and_by_config_that_their_program_added() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("project: vision{RANDOM}")).await;
    let mut agent = lab.agent("one", &sweep.id);
    for value in [0.3, 0.1, 0.2] {
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", &[value]).await.unwrap();
        let config = Value::Json(json!({ "depth": (value * 10.0).round() as i64 }).to_string());
        append(&mut lab, &start.run, "meta", 0, vec![("config", config)]).await;
        agent.end(&start, "finished").await.unwrap();
    }
    let alone = lab
        .runs
        .begin(BeginRun { project: "vision".to_owned(), ..BeginRun::default() })
        .await
        .unwrap();
    let request = |sweep: &str, filters: &[&str], sort: &str| FindRuns {
        project: "vision".to_owned(),
        sweep: sweep.to_owned(),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        sort: Some(sort.to_owned()).filter(|sort| !sort.is_empty()).into_iter().collect(),
        ..FindRuns::default()
    };
    let mut ids = async |request: FindRuns| -> Vec<String> {
        collect(&mut lab, request).await.into_iter().map(|run| run.id).collect()
    };
    let trial = |number: u64| format!("{}-{number}", sweep.id);
    assert_eq!(
        ids(request("", &[], "")).await,
        [alone.into_inner().run, trial(2), trial(1), trial(0)]
    );
    assert_eq!(ids(request(&sweep.id, &[], "value")).await, [trial(1), trial(2), trial(0)]);
    assert_eq!(
        ids(request(&sweep.id, &["config.depth >= 2"], "trial")).await,
        [trial(0), trial(2)]
    );
    assert_eq!(ids(request("", &["sweep = ''"], "")).await.len(), 1);
    assert_eq!(ids(FindRuns { project: "other".to_owned(), ..FindRuns::default() }).await.len(), 0);
    assert_eq!(code(lab.runs.find(request("nosuch12", &[], "")).await), Code::NotFound);
    let wrong = lab.runs.find(request("", &["lr < 1", "state = runing"], "loss")).await;
    let status = wrong.err().unwrap();
    assert_eq!((status.code(), status.message().lines().count()), (Code::InvalidArgument, 4));
}

#[tokio::test]
async fn a_list_of_some_states_equals_a_part_of_the_whole_list() {
    let mut lab = Lab::with(|settings| {
        settings.limits.page = 3;
        settings.crash_loop = 100;
    })
    .await;
    let sweep = lab.create(&format!("{RANDOM}run_cap: 40\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let mut dice = Dice(3);
    for number in 0..25 {
        let start = agent.ask().await;
        let alone = BeginRun { id: format!("alone-{number}"), ..BeginRun::default() };
        let alone = lab.runs.begin(alone).await.unwrap().into_inner();
        for (run, attempt) in [(start.run.clone(), start.attempt), (alone.run, alone.attempt)] {
            // An agent reports no crash of a trial.
            let bad = if run == start.run { "failed" } else { "crashed" };
            let state = ["finished", "stopped", bad][dice.roll(3) as usize].to_owned();
            let outcome = Some(Outcome { state, ..Outcome::default() });
            lab.runs.end(EndRun { run, attempt, outcome, ..EndRun::default() }).await.unwrap();
        }
        agent.forget(&start.run);
    }
    agent.ask().await;
    for sweep in ["", sweep.id.as_str()] {
        let all = lab.list(sweep).await;
        assert!(all.len() >= 25);
        for (states, limit) in [
            (&["finished"][..], 0),
            (&["crashed", "failed", "stopped"], 0),
            (&["running", "leased", "queued"], 0),
            (&["finished", "crashed"], 7),
            (&["failed"], 2),
            (&[], 11),
        ] {
            let wanted = |run: &&Run| states.is_empty() || states.contains(&run.state.as_str());
            let most = if limit == 0 { usize::MAX } else { limit as usize };
            let expected: Vec<Run> = all.iter().filter(wanted).take(most).cloned().collect();
            let states = states.iter().map(|state| (*state).to_owned()).collect();
            let request = ListRuns { sweep: sweep.to_owned(), states, limit };
            let mut stream = lab.runs.list(request.clone()).await.unwrap().into_inner();
            let mut listed = Vec::new();
            while let Some(run) = stream.message().await.unwrap() {
                listed.push(run);
            }
            assert_eq!(listed, expected, "{request:?}");
        }
    }
}

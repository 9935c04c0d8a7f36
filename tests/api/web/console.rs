//! Tests the lines of a console: pages forwards and backwards, and a search.

use proto::v1::{AppendRows, BeginRun};
use record::{Row, Value, Writer};
use serde_json::json;

use super::{ask, get, problem};
use crate::{lab::Lab, wandb::http::Caller};

#[tokio::test(flavor = "multi_thread")]
async fn lines_come_in_pages_and_by_their_text() {
    let mut lab = Lab::start().await;
    let run = lab.runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
    let caller = Caller::new(&lab, None);
    let path = format!("/runs/{run}/console");
    let empty = get(&caller, &path);
    assert_eq!(empty, json!({ "lines": [], "first": 0, "last": 0, "total": 0 }));
    let row = |at: u64| Row {
        step: at,
        wall_ms: if at == 0 { 0 } else { 1000 + at.cast_signed() },
        values: vec![(
            if at % 10 == 3 { "stderr" } else { "stdout" }.to_owned(),
            Value::Text(format!("Epoch {at} {}", if at.is_multiple_of(25) { "saved" } else { "" })),
        )],
    };
    let mut frames = Vec::new();
    Writer::default().frame(&(0..100).map(row).collect::<Vec<_>>(), &mut frames);
    let append = AppendRows {
        run: run.clone(),
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: "console".to_owned(),
        offset: 0,
        frames,
    };
    lab.runs.append(append).await.unwrap();
    let page = |query: &str| {
        let found = get(&caller, &format!("{path}?{query}"));
        let lines = found["lines"].as_array().unwrap().iter();
        let numbers: Vec<u64> = lines.map(|line| line["number"].as_u64().unwrap()).collect();
        let [first, last, total] =
            ["first", "last", "total"].map(|key| found[key].as_u64().unwrap());
        assert_eq!(total, 100);
        (numbers, first, last)
    };
    assert_eq!(page("limit=3"), (vec![97, 98, 99], 97, 99));
    assert_eq!(page("before=97&limit=2"), (vec![95, 96], 95, 96));
    assert_eq!(page("before=1&limit=5"), (vec![0], 0, 0));
    assert_eq!(page("before=0"), (vec![], 0, 0));
    assert_eq!(page("after=96"), (vec![97, 98, 99], 97, 99));
    assert_eq!(page("after=99"), (vec![], 99, 99));
    assert_eq!(page("search=SAVED").0, [0, 25, 50, 75]);
    assert_eq!(page("search=saved&limit=2"), (vec![50, 75], 50, 99));
    assert_eq!(page("search=saved&limit=2&before=50"), (vec![0, 25], 0, 49));
    assert_eq!(page("search=saved&limit=1&after=25"), (vec![50], 26, 50));
    assert_eq!(page("errors=true&limit=2").0, [83, 93]);
    assert_eq!(page("errors=true&search=3%20&before=20").0, [3, 13]);
    let lines = get(&caller, &format!("{path}?before=4&limit=4"));
    let line = |number: u64, stream: &str, at_ms, text: &str| {
        json!({
            "number": number, "stream": stream, "at_ms": at_ms, "text": text
        })
    };
    assert_eq!(lines["lines"][0], line(0, "stdout", json!(null), "Epoch 0 saved"));
    assert_eq!(lines["lines"][3], line(3, "stderr", json!(1003), "Epoch 3 "));
    problem(&ask(&caller, &format!("{path}?before=1&after=2")), 400);
    problem(&ask(&caller, "/runs/none/console"), 404);
    lab.shutdown().await;
}

//! Tests digests of rows, the limits of summaries, and that a stored summary reads back unchanged.

use record::Row;
use serde_json::json;

use super::*;

fn digest(rows: &[(u64, &str, Value)]) -> Digest {
    let rows: Vec<Row> = rows
        .iter()
        .map(|(step, key, value)| Row {
            step: *step,
            wall_ms: 0,
            values: vec![((*key).to_owned(), value.clone())],
        })
        .collect();
    let mut frames = Vec::new();
    Writer::default().frame(&rows, &mut frames);
    Digest::of(&frames).unwrap()
}

#[test]
fn the_highest_step_wins_and_later_rows_win_ties() {
    let digest = digest(&[
        (3, "loss", Value::F64(0.3)),
        (1, "loss", Value::F64(0.1)),
        (3, "loss", Value::F64(0.4)),
        (2, "loss", Value::F64(f64::NAN)),
    ]);
    let key = digest.key("loss").unwrap();
    assert_eq!((key.step, &key.last, key.range), (3, &Value::F64(0.4), Some((0.1, 0.4))));
    assert_eq!((key.rows, key.finite), (4, 3));
}

#[test]
fn booleans_and_infinities_have_no_range() {
    let digest = digest(&[(0, "ok", Value::Bool(true)), (0, "bad", Value::F64(f64::INFINITY))]);
    assert!(digest.keys.iter().all(|key| key.range.is_none()));
}

#[test]
fn a_summary_survives_the_store_bit_by_bit() {
    let mut summary = Summary::default();
    let limits = Limits::default();
    let nan = f64::from_bits(0x7ff8_0000_0000_0001);
    let rows = [
        (7, "nan", Value::F64(nan)),
        (7, "zero", Value::F64(-0.0)),
        (9, "n", Value::I64(i64::MIN)),
    ];
    assert!(summary.add_history(&digest(&rows), &limits));
    assert!(summary.add_summary(&digest(&[(0, "n", Value::Text("over".to_owned()))]), &limits));
    let back = Summary::read(&summary.write()).unwrap();
    let bits = |key| match back.last(key) {
        Some(Value::F64(number)) => number.to_bits(),
        _ => 0,
    };
    assert_eq!((bits("nan"), bits("zero")), (nan.to_bits(), (-0.0_f64).to_bits()));
    assert_eq!(back.to_json(&[]).to_string(), r#"{"nan":"NaN","zero":-0.0,"n":"over"}"#);
    assert_eq!(back.keys().collect::<Vec<_>>(), ["nan", "zero", "n"]);
    let stored = summary.write();
    let logged =
        Logged { latest: &stored.latest, overlay: &stored.overlay, ranges: &stored.ranges };
    let metric = |json: &str| Metric::list(&format!("[{json}]"));
    let metrics =
        metric(r#"{"name":"n","summary":["max"]},{"name":"zero","summary":["min","mean"]}"#);
    for metrics in [&[][..], &metrics] {
        let all = back.to_json(metrics);
        for key in ["nan", "zero", "n", "nonesuch"] {
            let value = value(logged, metrics, key).unwrap();
            assert_eq!(value.as_ref().map(record::json::to_json).as_ref(), all.get(key), "{key}");
        }
        // The range of a key is there, whether the program asked for it or not.
        for key in ["zero.min", "zero.mean", "zero.max"] {
            assert_eq!(value(logged, metrics, key).unwrap(), Some(Value::F64(-0.0)), "{key}");
        }
        assert_eq!(value(logged, metrics, "n.max").unwrap(), Some(Value::F64(-2f64.powi(63))));
        for key in ["nan.min", "zero.best", "nonesuch.max"] {
            assert_eq!(value(logged, metrics, key).unwrap(), None, "{key}");
        }
    }
}

#[test]
fn a_long_object_keeps_its_outline() {
    let limits = Limits { summary_text: 500, ..Limits::default() };
    let edges: Vec<f64> = (0..=512).map(|at| f64::from(at) / 512.0 - 0.25).collect();
    let long =
        json!({ "_type": "histogram", "bins": edges, "values": vec![1; 512], "not_finite": 3 });
    let table = json!({ "_type": "table", "path": "a.parquet", "columns": vec!["c"; 500] });
    let rows = [(0, "h", Value::Json(long.to_string())), (0, "t", Value::Json(table.to_string()))];
    let mut summary = Summary::default();
    summary.add_history(&digest(&rows), &limits);
    assert_eq!(
        summary.to_json(&[]),
        json!({
            "h": { "_type": "histogram", "count": 512, "from": -0.25, "to": 0.75, "not_finite": 3 },
            "t": { "_type": "table", "path": "a.parquet" },
        })
    );
}

#[test]
fn a_summary_has_bounds() {
    let limits = Limits { summary_keys: 1, summary_text: 4, ..Limits::default() };
    let mut summary = Summary::default();
    let rows = [(0, "a", Value::Text("ééééé".to_owned())), (0, "b", Value::I64(1))];
    assert!(!summary.add_history(&digest(&rows), &limits));
    assert_eq!(summary.to_json(&[]).to_string(), r#"{"a":"éé…"}"#);
}

#[test]
fn a_summary_of_long_texts_has_a_bound_in_bytes() {
    let limits = Limits { summary_bytes: 10_000, ..Limits::default() };
    let mut summary = Summary::default();
    let keys: Vec<String> = (0..500).map(|number| format!("key{number}")).collect();
    for length in [10, 1000, 0, 4000] {
        let text = Value::Text("x".repeat(length));
        let rows: Vec<_> =
            keys.iter().map(|key| (length as u64, key.as_str(), text.clone())).collect();
        summary.add_history(&digest(&rows), &limits);
        summary.add_summary(&digest(&rows), &limits);
        let stored = summary.write();
        let most = stored.latest.len().max(stored.overlay.len());
        assert!(most <= 20_000, "{most} bytes at {length}");
    }
}

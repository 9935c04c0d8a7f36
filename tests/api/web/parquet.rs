//! Tests that rows of logged tables in Parquet are read: a few of many, in each order, and that a
//! damaged or hostile file is an error.

use std::sync::Arc;

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use serde_json::{Value as Json, json};

use super::{media::Logging, problem};

/// The rows of a group, as many as the SDK writes together.
const GROUP: i64 = 10_000;

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[Option<T::T>],
) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.iter().flatten().cloned().collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
}

/// Makes a table in the SDK's form. The row `n` has the number `n`, a score that rises and falls,
/// the text `n % 7` or nothing, and an image.
fn table(rows: i64, group_rows: i64) -> Vec<u8> {
    let field = |name: &str, kind: Physical, logical: Option<LogicalType>| {
        let field = Type::primitive_type_builder(name, kind);
        let field = field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
        Arc::new(field.build().unwrap())
    };
    let fields = vec![
        field("n", Physical::INT64, None),
        field("score", Physical::DOUBLE, None),
        field("odd", Physical::BOOLEAN, None),
        field("text", Physical::BYTE_ARRAY, Some(LogicalType::String)),
        field("image", Physical::BYTE_ARRAY, Some(LogicalType::Json)),
    ];
    let schema = Type::group_type_builder("table").with_fields(fields).build().unwrap();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
    for first in (0..rows).step_by(group_rows as usize) {
        let numbers: Vec<i64> = (first..rows.min(first + group_rows)).collect();
        let mut group = file.next_row_group().unwrap();
        let text = |n: i64| ByteArray::from(format!("text {}", n % 7).as_str());
        let image = r#"{"_type": "image-file", "path": "a.png"}"#;
        let score = |n: i64| if n == 5 { f64::NAN } else { ((n * 7919) % rows) as f64 };
        write::<Int64Type>(&mut group, &numbers.iter().map(|n| Some(*n)).collect::<Vec<_>>());
        write::<DoubleType>(
            &mut group,
            &numbers.iter().map(|n| Some(score(*n))).collect::<Vec<_>>(),
        );
        write::<BoolType>(
            &mut group,
            &numbers.iter().map(|n| Some(n % 2 == 1)).collect::<Vec<_>>(),
        );
        let texts = numbers.iter().map(|n| (n % 7 != 3).then(|| text(*n)));
        write::<ByteArrayType>(&mut group, &texts.collect::<Vec<_>>());
        write::<ByteArrayType>(
            &mut group,
            &numbers.iter().map(|_| Some(image.into())).collect::<Vec<_>>(),
        );
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

fn row(n: i64, score: impl Into<Json>) -> Json {
    let text = if n % 7 == 3 { Json::Null } else { format!("text {}", n % 7).into() };
    let image = json!({ "_type": "image-file", "path": "a.png" });
    json!([n, score.into(), n % 2 == 1, text, image])
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_parquet_are_read_in_pages_and_in_each_order() {
    let mut log = Logging::start().await;
    let rows = 2 * GROUP + 500;
    log.files(&[("t.parquet", &table(rows, GROUP)), ("empty.parquet", &table(0, GROUP))]).await;
    // The page has rows of two groups.
    let page = log.get("tables?path=t.parquet&from=9999&limit=2");
    let score = |n: i64| ((n * 7919) % rows) as f64;
    assert_eq!(page["rows"], json!([row(9999, score(9999)), row(10_000, score(10_000))]));
    assert_eq!(page["columns"], json!(["n", "score", "odd", "text", "image"]));
    assert_eq!((&page["total"], &page["matched"]), (&json!(rows), &json!(rows)));
    assert_eq!(log.get("tables?path=t.parquet&from=5&limit=1")["rows"], json!([row(5, "NaN")]));
    // 20,500 and 7,919 have no common divisor, so each score is there once.
    let best = log.get("tables?path=t.parquet&sort=1&descending=true&limit=3&from=1");
    let scores: Vec<f64> =
        best["rows"].as_array().unwrap().iter().map(|row| row[1].as_f64().unwrap()).collect();
    let last = rows as f64 - 1.0;
    assert_eq!(scores, [last, last - 1.0, last - 2.0]);
    assert_eq!(best["looked_at"], rows);
    let some =
        log.get("tables?path=t.parquet&filter=3:TEXT%202&filter=0:%3C20&sort=0&descending=true");
    assert_eq!((&some["numbers"], &some["matched"]), (&json!([16, 9, 2]), &json!(3)));
    // Empty cells come last in both directions.
    for descending in [true, false] {
        let path = format!("tables?path=t.parquet&sort=3&limit=1&descending={descending}");
        assert_ne!(log.get(&path)["rows"][0][3], Json::Null);
    }
    assert_eq!(log.get("tables?path=empty.parquet&sort=0")["rows"], json!([]));
    problem(&log.ask("tables?path=t.parquet&sort=5"), 400);
    log.lab.restart_with(|settings| settings.limits.tables.rows = 10_000).await;
    log.connect();
    let bound = log.get("tables?path=t.parquet&sort=0&descending=true&limit=1");
    assert_eq!((&bound["numbers"], &bound["looked_at"]), (&json!([9999]), &json!(10_000)));
    log.lab.restart_with(|settings| settings.limits.tables.rows = 9999).await;
    log.connect();
    assert!(problem(&log.ask("tables?path=t.parquet"), 400).contains("more than 9999 rows"));
    log.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_table_is_an_error() {
    let mut log = Logging::start().await;
    let sound = table(300, 100);
    // Each copy has one byte that is wrong, at places all over the file.
    let copies: Vec<(String, Vec<u8>)> = (4..sound.len())
        .step_by(sound.len() / 200)
        .zip(0_u8..)
        .map(|(place, number)| {
            let mut copy = sound.clone();
            copy[place] ^= 1 << (number % 8);
            (format!("{place}.parquet"), copy)
        })
        .collect();
    let files: Vec<(&str, &[u8])> =
        copies.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    log.files(&files).await;
    for (path, _) in &files {
        for asked in ["from=150&limit=2", "sort=3", "sort=1&filter=0:%3E20"] {
            let answer = log.ask(&format!("tables?path={path}&{asked}"));
            let body = String::from_utf8_lossy(&answer.body);
            assert!([200, 400].contains(&answer.status), "{path} {asked}: {body}");
        }
    }
    log.lab.shutdown().await;
}

//! Writes rows in every format and reads them back with third-party readers.

use std::{fs, io::Write as _, path::Path};

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, RowAccessor as _},
};
use proto::v1::Block;
use record::{Row, Value, Writer};
use serde_json::{Value as Json, json};

use super::{Output, RowFormat, Rows, curves, trials};
use crate::view::{self, fixtures};

fn row(step: u64, values: &[(&str, Value)]) -> Row {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Row { step, wall_ms: 1_700_000_000_000 + step as i64, values }
}

/// Returns rows with values of every type, non-finite floats and hostile text. One key has mixed
/// types, one appears late, and one has the name of a column.
fn rows() -> Vec<Row> {
    use Value::{Bool, F64, I64, Json, Text};
    let text = "a,\"b\"\r\nü\u{0}";
    vec![
        row(
            0,
            &[
                ("loss", F64(0.1)),
                ("n", I64(i64::MAX)),
                ("ok", Bool(true)),
                ("text", Text(text.to_owned())),
            ],
        ),
        row(7, &[("loss", F64(f64::NAN)), ("mixed", I64(3)), ("_step", Text("own".to_owned()))]),
        row(
            3,
            &[
                ("loss", F64(f64::INFINITY)),
                ("mixed", F64(0.5)),
                ("h", Json(r#"{"_type":"histogram"}"#.to_owned())),
            ],
        ),
        row(3, &[("loss", F64(f64::NEG_INFINITY)), ("loss", F64(-0.0))]),
        row(u64::MAX, &[("n", I64(-1)), ("ok", Bool(false)), ("text", Text(String::new()))]),
    ]
}

fn block(attempt: u32, offset: u64, rows: &[Row], fenced: bool) -> Block {
    let mut frames = Vec::new();
    Writer::default().frame(rows, &mut frames);
    Block { attempt, writer: "sdk".to_owned(), offset, rows: rows.len() as u64, frames, fenced }
}

/// Exports these blocks and returns the bytes of the file.
fn exported(format: RowFormat, keys: &[&str], blocks: &[Block]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let mut taken = Rows::new(&["run".to_owned()], &keys).unwrap();
    blocks.iter().for_each(|block| taken.take(0, block).unwrap());
    let output = taken.write(format, Output::open(Some(&path)).unwrap()).unwrap();
    assert!(!path.exists(), "the file appears when it is whole");
    output.finish().unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing temporary stays");
    fs::read(path).unwrap()
}

fn blocks() -> [Block; 2] {
    let rows = rows();
    [block(1, 0, &rows[..2], false), block(2, 5, &rows[2..], true)]
}

fn parquet(bytes: &[u8]) -> SerializedFileReader<fs::File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    SerializedFileReader::new(file).unwrap()
}

#[test]
fn csv_reads_back_exactly() {
    let bytes = exported(RowFormat::Csv, &[], &blocks());
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let read: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(
        header.join(" "),
        "_attempt _writer _sequence _step _wall_ms _fenced loss n ok text mixed logged._step h"
    );
    let text = "a,\"b\"\r\nü\u{0}";
    let max = i64::MAX.to_string();
    assert_eq!(
        read[0],
        ["1", "sdk", "0", "0", "1700000000000", "false", "0.1", &max, "true", text, "", "", ""]
    );
    assert_eq!(read[1][3..], ["7", "1700000000007", "false", "NaN", "", "", "", "3", "own", ""]);
    assert_eq!(read[2][..6], ["2", "sdk", "5", "3", "1700000000003", "true"]);
    assert_eq!(read[2][6..], ["inf", "", "", "", "0.5", "", r#"{"_type":"histogram"}"#]);
    assert_eq!((read[3][6].as_str(), read[4][3].as_str()), ("-0.0", "18446744073709551615"));
}

#[test]
fn json_reads_back_exactly() {
    let lines = String::from_utf8(exported(RowFormat::Jsonl, &[], &blocks())).unwrap();
    let lines: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let list: Vec<Json> =
        serde_json::from_slice(&exported(RowFormat::Json, &[], &blocks())).unwrap();
    assert_eq!(lines, list);
    assert_eq!(
        lines[1],
        json!({
            "_attempt": 1, "_writer": "sdk", "_sequence": 1, "_step": 7,
            "_wall_ms": 1_700_000_000_007_i64,
            "_fenced": false, "loss": "NaN", "mixed": 3, "logged._step": "own",
        })
    );
    assert_eq!(
        (&lines[2]["loss"], &lines[2]["h"]),
        (&json!("Infinity"), &json!({ "_type": "histogram" }))
    );
    assert_eq!((&lines[0]["n"], &lines[4]["_step"]), (&json!(i64::MAX), &json!(u64::MAX)));
    assert_eq!(exported(RowFormat::Json, &[], &[]), b"[]\n");
}

#[test]
fn parquet_reads_back_exactly() {
    let bytes = exported(RowFormat::Parquet, &[], &blocks());
    let reader = parquet(&bytes);
    let read: Vec<Vec<(String, Field)>> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .map(|(name, field)| (name.clone(), field.clone()))
                .collect()
        })
        .collect();
    let field =
        |row: usize, name: &str| read[row].iter().find(|(own, _)| own == name).unwrap().1.clone();
    let number = |row| match field(row, "loss") {
        Field::Double(number) => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(read.len(), 5);
    assert_eq!(field(0, "_step"), Field::ULong(0));
    assert_eq!(field(4, "_step"), Field::ULong(u64::MAX));
    assert_eq!(
        (field(0, "_wall_ms"), field(2, "_fenced")),
        (Field::Long(1_700_000_000_000), Field::Bool(true))
    );
    assert!(number(1).is_nan());
    assert_eq!((number(0), number(2)), (0.1, f64::INFINITY));
    assert_eq!(number(3).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(
        (field(0, "n"), field(1, "n"), field(4, "n")),
        (Field::Long(i64::MAX), Field::Null, Field::Long(-1))
    );
    assert_eq!((field(1, "mixed"), field(2, "mixed")), (Field::Double(3.0), Field::Double(0.5)));
    assert_eq!(
        (field(0, "text"), field(1, "text")),
        (Field::Str("a,\"b\"\r\nü\u{0}".to_owned()), Field::Null)
    );
    assert_eq!((field(4, "text"), field(0, "ok")), (Field::Str(String::new()), Field::Bool(true)));
    assert_eq!(field(2, "h"), Field::Str(r#"{"_type":"histogram"}"#.to_owned()));
}

/// Returns the rows of a Parquet file as pairs of column name and value.
fn read(bytes: &[u8]) -> Vec<Vec<(String, Field)>> {
    let rows = parquet(bytes).into_iter();
    rows.map(|row| {
        row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect()
    })
    .collect()
}

#[test]
fn trials_in_parquet_have_typed_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.parquet");
    let runs = fixtures::runs();
    trials::write(&runs, Output::open(Some(&path)).unwrap()).unwrap().finish().unwrap();
    let rows = read(&fs::read(path).unwrap());
    let csv = view::csv::csv(&runs);
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<&str> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(csv.headers().unwrap().iter().collect::<Vec<_>>(), header);
    for ((row, run), line) in rows.iter().zip(&runs).zip(csv.records()) {
        let field = |name: &str| row.iter().find(|(own, _)| own == name).unwrap().1.clone();
        assert_eq!(field("run"), Field::Str(run.id.clone()));
        assert_eq!(field("trial"), run.trial.map_or(Field::Null, Field::ULong));
        assert_eq!(field("value"), run.value.map_or(Field::Null, Field::Double));
        assert_eq!(field("created"), Field::TimestampMillis(run.created_ms));
        // A cell is null in Parquet exactly if it is empty in CSV.
        for ((name, field), cell) in row.iter().zip(line.unwrap().iter()) {
            assert_eq!(*field == Field::Null, cell.is_empty(), "{name}: {field:?} and `{cell}`");
        }
    }
    assert_eq!(rows.len(), runs.len());
}

#[test]
fn curves_are_a_row_per_value() {
    use Value::{Bool, F64, I64, Text};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.parquet");
    let rows = [
        row(3, &[("loss", F64(0.1)), ("n", I64(7)), ("note", Text("a\nb".to_owned()))]),
        row(4, &[("n", I64((1 << 53) + 1)), ("ok", Bool(true)), ("loss", F64(f64::NAN))]),
    ];
    let mut sink = curves::begin(RowFormat::Parquet, Output::open(Some(&path)).unwrap()).unwrap();
    assert_eq!(curves::take("a-0", &block(2, 0, &rows, false), &mut sink).unwrap(), 6);
    assert_eq!(curves::take("a-0", &block(1, 0, &rows, true), &mut sink).unwrap(), 0, "fenced");
    sink.finish().unwrap().finish().unwrap();
    let told: Vec<String> = read(&fs::read(path).unwrap())
        .iter()
        .map(|row| row.iter().map(|(_, field)| field.to_string()).collect::<Vec<_>>().join(" "))
        .collect();
    let time = "2023-11-14 22:13:20";
    let line = |step: u64, rest: &str| format!("\"a-0\" 2 {step} {time}.00{step} +00:00 {rest}");
    assert_eq!(
        told,
        [
            line(3, "\"loss\" 0.1 null"),
            line(3, "\"n\" 7.0 null"),
            line(3, "\"note\" null \"a\nb\""),
            line(4, "\"n\" 9007199254740992.0 \"9007199254740993\""),
            line(4, "\"ok\" null \"true\""),
            line(4, "\"loss\" NaN null"),
        ]
    );
}

#[test]
fn rows_of_several_runs_name_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let mut taken = Rows::new(&["a-0".to_owned(), "a-1".to_owned()], &["loss".to_owned()]).unwrap();
    for (run, loss) in [(0, 0.5), (1, 0.25)] {
        taken.take(run, &block(1, 0, &[row(0, &[("loss", Value::F64(loss))])], false)).unwrap();
    }
    taken.write(RowFormat::Csv, Output::open(Some(&path)).unwrap()).unwrap().finish().unwrap();
    let expected = "_run,_attempt,_writer,_sequence,_step,_wall_ms,_fenced,loss\r\n\
        a-0,1,sdk,0,0,1700000000000,false,0.5\r\na-1,1,sdk,0,0,1700000000000,false,0.25\r\n";
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn a_long_run_fills_several_row_groups_and_loses_no_row() {
    let rows: Vec<Row> =
        (0..400_000).map(|step| row(step, &[("loss", Value::F64(step as f64))])).collect();
    let blocks: Vec<Block> = rows
        .chunks(10_000)
        .enumerate()
        .map(|(number, rows)| block(1, number as u64 * 10_000, rows, false))
        .collect();
    let bytes = exported(RowFormat::Parquet, &["loss"], &blocks);
    let reader = parquet(&bytes);
    assert!(reader.num_row_groups() > 1, "{}", reader.num_row_groups());
    let mut expected = 0;
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        assert_eq!(
            (row.get_ulong(2).unwrap(), row.get_double(6).unwrap()),
            (expected, expected as f64)
        );
        expected += 1;
    }
    assert_eq!(expected, 400_000);
}

#[test]
fn an_existing_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, "old").unwrap();
    let [first, _] = blocks();
    let mut taken = Rows::new(&[], &[]).unwrap();
    taken.take(0, &first).unwrap();
    drop(taken.write(RowFormat::Csv, Output::open(Some(&path)).unwrap()).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing temporary stays");
    for wrong in [folder.path(), Path::new("/dev/null")] {
        assert!(Output::open(Some(wrong)).is_err(), "{}", wrong.display());
    }
}

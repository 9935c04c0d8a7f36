//! Tests frames with random rows and random bytes: rows come back bit by bit, damage is detected,
//! no bytes cause a panic, and values over a limit are cut and counted.

#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};
use record::{Corrupt, MAX_FRAME_BYTES, MAX_KEY_BYTES, MAX_TEXT_BYTES, Row, Value, Writer};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::MIN_POSITIVE / 2.0
        ])
        .prop_map(Value::F64),
        any::<i64>().prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<bool>().prop_map(Value::Bool),
        ".{0,40}".prop_map(Value::Text),
        ".{0,40}".prop_map(|text| Value::Json(format!("{{\"_type\":{text:?}}}"))),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let step = prop_oneof![0..5_u64, any::<u64>()];
    let values = vec(("[a-c/]{0,3}|.{0,20}", value()), 0..8);
    (step, any::<i64>(), values).prop_map(|(step, wall_ms, values)| Row { step, wall_ms, values })
}

fn encode(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(Writer::default().frame(rows, &mut out), 0);
    out
}

/// Formats the rows with the bits of their floats, so that they can be compared: NaN is not equal
/// to itself, and 0 is equal to -0.
fn bits(rows: &[Row]) -> Vec<String> {
    let value = |value: &Value| match value {
        Value::F64(number) => format!("f64 {:x}", number.to_bits()),
        other => format!("{other:?}"),
    };
    let row = |row: &Row| {
        let values: Vec<_> =
            row.values.iter().map(|(key, item)| (key.clone(), value(item))).collect();
        format!("{} {} {values:?}", row.step, row.wall_ms)
    };
    rows.iter().map(row).collect()
}

fn loss(step: u64) -> Row {
    Row {
        step,
        wall_ms: 1_700_000_000_000 + step as i64,
        values: vec![("val/loss".to_owned(), Value::F64(0.5))],
    }
}

proptest! {
    #[test]
    fn rows_come_back_bit_by_bit(pieces in vec(vec(row(), 0..6), 0..4)) {
        let bytes: Vec<u8> = pieces.iter().flat_map(|rows| encode(rows)).collect();
        let all = pieces.concat();
        prop_assert_eq!(bits(&record::rows(&bytes).unwrap()), bits(&all));
        prop_assert_eq!(record::count(&bytes).unwrap(), all.len() as u64);
        for skip in 0..=all.len() + 1 {
            let rest = record::skip(&bytes, skip as u64).unwrap();
            prop_assert_eq!(bits(&record::rows(&rest).unwrap()), bits(&all[skip.min(all.len())..]));
        }
    }

    #[test]
    fn a_writer_that_was_used_before_writes_the_same(pieces in vec(vec(row(), 0..6), 0..6)) {
        let mut writer = Writer::default();
        // Frames with the same keys follow each other, and frames with fewer, more and others.
        for rows in &pieces {
            for rows in [&rows[..], rows, &rows[..rows.len() / 2], &rows[rows.len() / 3..], rows] {
                let mut out = Vec::new();
                prop_assert_eq!(writer.frame(rows, &mut out), 0);
                prop_assert_eq!(out, encode(rows));
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = (record::rows(&bytes), record::count(&bytes), record::skip(&bytes, 1));
    }

    #[test]
    fn any_body_behind_right_checksums_never_panics(body in vec(any::<u8>(), 0..300)) {
        let bytes = sealed(&body);
        let _ = (record::rows(&bytes), record::count(&bytes), record::skip(&bytes, 1));
    }

    #[test]
    fn damaged_bodies_behind_right_checksums_never_panic(
        rows in vec(row(), 1..5),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut body = encode(&rows).split_off(13);
        let at = at.index(body.len());
        body[at] = byte;
        let _ = (record::rows(&sealed(&body)), record::skip(&sealed(&body), 1));
    }

    #[test]
    fn every_flipped_bit_is_detected(rows in vec(row(), 1..4)) {
        let bytes = encode(&rows);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let bad = matches!(record::count(&flipped), Err(Corrupt::Bad { at: 0, .. }));
            prop_assert!(bad, "bit {} went unseen", bit);
        }
    }

    #[test]
    fn a_torn_tail_differs_from_corruption(first in vec(row(), 1..3), last in vec(row(), 1..3)) {
        let whole = encode(&first);
        let both = [whole.clone(), encode(&last)].concat();
        for length in whole.len() + 1..both.len() {
            prop_assert_eq!(record::count(&both[..length]), Err(Corrupt::Torn { at: whole.len() }));
        }
        prop_assert_eq!(
            record::count(&[whole.clone(), vec![0; 40]].concat()),
            Err(Corrupt::Torn { at: whole.len() })
        );
    }
}

/// Returns a frame with any body and the right checksums, as a hostile client could send it.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(crc32c::crc32c(body).to_le_bytes());
    let check = crc32c::crc32c(&bytes);
    bytes.extend(check.to_le_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused() {
    for rows in [0_u8, 100] {
        assert!(matches!(record::count(&sealed(&[rows, 0, 0, 0, 0])), Err(Corrupt::Bad { .. })));
    }
}

#[test]
fn the_bytes_of_version_1_do_not_change() {
    let rows = [
        loss(3),
        Row { step: 4, wall_ms: 1_700_000_000_009, values: vec![("n".to_owned(), Value::I64(-2))] },
    ];
    let hex: String = encode(&rows).iter().map(|byte| format!("{byte:02x}")).collect();
    let body = "0202".to_owned()
        + "0876616c2f6c6f7373"
        + "016e"
        + "0686a0abfef9620100000000000000e03f"
        + "020c010903";
    assert_eq!(hex[26..], body);
    assert_eq!(hex[..10], format!("01{:02x}000000", body.len() / 2));
}

#[test]
fn many_rows_take_several_frames() {
    let rows: Vec<Row> = (0..200_000).map(loss).collect();
    let bytes = encode(&rows);
    let frames: Vec<_> = record::frames(&bytes).map(Result::unwrap).collect();
    assert!(frames.len() > 2 && frames.iter().all(|frame| frame.bytes().len() <= MAX_FRAME_BYTES));
    assert_eq!(record::rows(&bytes).unwrap(), rows);
}

#[test]
fn a_writer_that_was_used_before_fills_its_frames_as_before() {
    let wide = |from: u64| {
        let key = |number: u64| format!("{number:0300}");
        let values = (from..from + 1500).map(|number| (key(number), Value::I64(1))).collect();
        Row { step: from, wall_ms: 0, values }
    };
    // The keys of three such rows are too many for one frame.
    let rows: Vec<Row> = [0, 1500, 3000, 0, 4500, 700].into_iter().map(wide).collect();
    let mut writer = Writer::default();
    for rows in [&rows[..], &rows[1..], &rows[..2], &rows[..]] {
        let mut out = Vec::new();
        assert_eq!(writer.frame(rows, &mut out), 0);
        assert!(out == encode(rows), "{} rows", rows.len());
    }
}

#[test]
fn values_over_a_limit_are_cut_and_counted() {
    let long = Value::Text("ä".repeat(MAX_TEXT_BYTES));
    let key = "k".repeat(MAX_KEY_BYTES);
    let mut row = loss(1);
    row.values.push((format!("{key}k"), Value::I64(1)));
    row.values.push((key, Value::I64(2)));
    row.values.push(("json".to_owned(), Value::Json(" ".repeat(MAX_TEXT_BYTES + 1))));
    row.values.extend((0..6).map(|index| (format!("text {index}"), long.clone())));
    let mut bytes = Vec::new();
    // Eight values are not kept whole. Five are missing: the one with the long key, the long JSON,
    // and three texts for which the largest frame has no room. Three texts are shortened.
    assert_eq!(Writer::default().frame(&[loss(0), row, loss(2)], &mut bytes), 8);
    let rows = record::rows(&bytes).unwrap();
    assert_eq!((rows.len(), rows[1].values.len()), (3, 5));
    assert_eq!(rows[1].values[2].1, Value::Text("ä".repeat(MAX_TEXT_BYTES / 2)));
}

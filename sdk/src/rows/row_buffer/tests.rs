//! Tests that the row buffer returns accepted rows with their values, keys and steps, and counts
//! the rows that it refuses and the values that it cuts. Also tests an iterator that logs a row
//! itself.

use super::*;

type Taken = (Stream, u64, Vec<(String, record::Value)>);

fn drain(buffer: &RowBuffer) -> Vec<Taken> {
    let mut spare = Vec::with_capacity(HALF_BYTES);
    buffer.swap(&mut spare);
    let values = |row: RawRow<'_>| {
        row.values.map(|(key, value)| (key.to_owned(), value.to_value())).collect()
    };
    rows(&spare).map(|row| (row.stream, row.step, values(row))).collect()
}

#[test]
fn rows_come_out_as_they_went_in() {
    let buffer = RowBuffer::new([0; Stream::COUNT]);
    let text = "ä".to_owned();
    let values = [
        ("a", Value::F64(-0.0)),
        ("", Value::I64(-1)),
        ("t", Value::from(&text)),
        ("b", true.into()),
    ];
    buffer.push(Stream::History, None, values);
    buffer.push(Stream::Summary, None, [("best", 3_u8)]);
    buffer.push(Stream::System, None, [("system.cpu", 1.0)]);
    assert_eq!(buffer.counts().accepted, 2, "samples do not count as logged rows");
    let out = drain(&buffer);
    assert_eq!(
        out[0].2[1..],
        [
            (String::new(), record::Value::I64(-1)),
            ("t".to_owned(), record::Value::Text(text)),
            ("b".to_owned(), record::Value::Bool(true)),
        ]
    );
    assert!(matches!(
        out[0].2[0].1,
        record::Value::F64(number) if number.to_bits() == (-0.0_f64).to_bits()
    ));
    assert_eq!((out[1].0, out[1].1, out[1].2.len()), (Stream::Summary, 0, 1));
    assert!(drain(&buffer).is_empty());
}

#[test]
fn rows_with_the_same_keys_share_them() {
    let buffer = RowBuffer::new([0; Stream::COUNT]);
    let (train, test) = (["loss", "lr"], ["accuracy"]);
    for keys in [&train[..], &train[..], &[], &test[..], &train[..]] {
        buffer.push(Stream::History, None, keys.iter().map(|key| (*key, key.len())));
        buffer.push(Stream::Summary, None, keys.iter().map(|key| (*key, true)));
    }
    // The keys `los` and `slr` have the same letters in the same order as `loss` and `lr`, but are
    // different keys.
    buffer.push(Stream::History, None, [("los", 1), ("slr", 1)]);
    let all = drain(&buffer);
    let keys = |stream: Stream| -> Vec<String> {
        let own = all.iter().filter(|row| row.0 == stream);
        own.map(|row| row.2.iter().map(|value| value.0.as_str()).collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(keys(Stream::Summary), ["loss lr", "loss lr", "", "accuracy", "loss lr"]);
    assert_eq!(keys(Stream::History), ["loss lr", "loss lr", "", "accuracy", "loss lr", "los slr"]);
    buffer.push(Stream::History, None, [("los", 2), ("slr", 2)]);
    assert_eq!(drain(&buffer)[0].2.len(), 2, "the other half has its own keys");
}

#[test]
fn the_automatic_step_is_the_largest_plus_one() {
    let buffer = RowBuffer::new([7, 0, 0, 0, 0]);
    for step in [None, Some(20), Some(3), None, Some(u64::MAX), None] {
        buffer.push(Stream::History, step, [("a", 1)]);
    }
    let steps: Vec<u64> = drain(&buffer).iter().map(|row| row.1).collect();
    assert_eq!(steps, [7, 20, 3, 21, u64::MAX, u64::MAX]);
    let buffer = RowBuffer::new([7, 0, 0, 0, 0]);
    buffer.push_ahead(Stream::History, [("a", 1)]);
    buffer.push(Stream::History, None, [("b", 1)]);
    assert_eq!(drain(&buffer).iter().map(|row| row.1).collect::<Vec<_>>(), [7, 7]);
}

#[test]
fn rows_that_do_not_fit_are_counted_exactly() {
    let buffer = RowBuffer::new([0; Stream::COUNT]);
    let text = "x".repeat(200 << 10);
    for _ in 0..100 {
        buffer.push(Stream::History, None, [("t", text.as_str())]);
    }
    let counts = buffer.counts();
    assert_eq!((counts.accepted, counts.refused), (40, 60));
    assert_eq!(drain(&buffer).len(), 40);
    buffer.push(Stream::History, None, [("t", "fits again")]);
    buffer.close();
    buffer.push(Stream::History, None, [("t", "too late")]);
    assert_eq!((buffer.counts().accepted, buffer.counts().refused), (41, 61));
}

#[test]
fn values_that_are_too_long_are_cut_and_counted() {
    let buffer = RowBuffer::new([0; Stream::COUNT]);
    let (text, key) = ("x".repeat(record::MAX_TEXT_BYTES + 1), "k".repeat(MAX_KEY_BYTES + 1));
    buffer.push(Stream::History, None, [(key.as_str(), Value::from(1)), ("t", Value::from(&text))]);
    assert_eq!(buffer.counts(), Counts { accepted: 1, refused: 0, cut: 2 });
    assert_eq!(drain(&buffer)[0].2.len(), 1);
}

#[test]
fn an_iterator_may_log() {
    let buffer = RowBuffer::new([0; Stream::COUNT]);
    let values = (0..3).map(|index| {
        buffer.push(Stream::History, None, [("inner", index)]);
        ("outer", index)
    });
    buffer.push(Stream::History, None, values);
    assert_eq!(drain(&buffer).iter().map(|row| row.2.len()).collect::<Vec<_>>(), [1, 1, 1, 3]);
}

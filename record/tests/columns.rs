//! Tests blocks of columns with random rows and random bytes: rows come back bit by bit, damage is
//! detected, no bytes cause a panic, and values take few bytes. Also reads columns by themselves.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use proptest::{collection::vec, prelude::*};
use record::{
    Row, RowRef, Value, Writer,
    columns::{self, Block, COLUMNS, Damaged, Encoder, Head, Kind, SHAPES, Values},
};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        any::<f32>().prop_map(|number| Value::F64(f64::from(number))),
        any::<f32>().prop_map(|number| Value::F64(record::widen(number))),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY
        ])
        .prop_map(Value::F64),
        any::<i64>().prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<bool>().prop_map(Value::Bool),
        ".{0,40}".prop_map(Value::Text),
        ".{0,9}".prop_map(|text| Value::Json(format!("{{\"_type\":{text:?}}}"))),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let step = prop_oneof![0..5_u64, any::<u64>()];
    (step, any::<i64>(), vec(("[a-c]{0,1}|.{0,20}", value()), 0..6))
        .prop_map(|(step, wall_ms, values)| Row { step, wall_ms, values })
}

fn encode(rows: &[Row]) -> Vec<Block> {
    let (mut encoder, mut blocks) = (Encoder::default(), Vec::new());
    for row in rows {
        let values: Vec<_> =
            row.values.iter().map(|(key, value)| (key.as_str(), value.borrow())).collect();
        let row = RowRef { step: row.step, wall_ms: row.wall_ms, values: &values };
        if !encoder.add(row) {
            blocks.push(encoder.finish());
            assert!(encoder.add(row));
        }
    }
    blocks.push(encoder.finish());
    blocks
}

fn decode(block: &Block) -> Result<Vec<Row>, Damaged> {
    let head = Head::read(&block.head)?;
    let parts: Vec<Option<&[u8]>> = block.parts.iter().map(|part| Some(part.as_slice())).collect();
    let mut rows = Vec::new();
    columns::each(&head, &parts, |row| rows.push(row.to_row()))?;
    Ok(rows)
}

/// Encodes the rows as frames, whose bytes can be compared. Rows themselves cannot be compared bit
/// by bit: NaN is not equal to itself, and 0 is equal to -0.
fn bytes(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(Writer::default().frame(rows, &mut out), 0);
    out
}

/// Decodes a block as rows, and each of its columns by itself. Ignores errors: only a panic fails
/// the test.
fn read_all(block: &Block) {
    let _ = decode(block);
    let Ok(head) = Head::read(&block.head) else { return };
    for (place, part) in block.parts.iter().skip(COLUMNS).enumerate() {
        let _ = (head.read_column(place, part), head.rows_of(place, &block.parts[SHAPES]));
    }
}

/// Returns the head with the length and the checksum that its body needs.
fn sealed(mut head: Vec<u8>) -> Vec<u8> {
    let check = crc32c::crc32c(&head[9..]);
    let length = (head.len() - 9) as u32;
    head[1..5].copy_from_slice(&length.to_le_bytes());
    head[5..9].copy_from_slice(&check.to_le_bytes());
    head
}

proptest! {
    #[test]
    fn rows_come_back_bit_by_bit(rows in vec(row(), 0..60), times in 1..4_usize) {
        let rows: Vec<Row> =
            rows.iter().flat_map(|row| std::iter::repeat_n(row.clone(), times)).collect();
        let block = &encode(&rows)[0];
        prop_assert_eq!(bytes(&decode(block).unwrap()), bytes(&rows));
    }

    #[test]
    fn a_column_is_read_by_itself(rows in vec(row(), 1..40)) {
        let block = &encode(&rows)[0];
        let head = Head::read(&block.head).unwrap();
        for (place, column) in head.columns.iter().enumerate() {
            let held = rows
                .iter()
                .enumerate()
                .flat_map(|(at, row)| row.values.iter().map(move |entry| (at, row.step, entry)));
            let held: Vec<_> = held
                .filter(|(_, _, (key, value))|
                    *key == column.key && Kind::of(value.borrow()) == column.kind)
                .collect();
            let places = head.rows_of(place, &block.parts[SHAPES]).unwrap();
            let places = places.unwrap_or_else(|| (0..rows.len() as u32).collect());
            prop_assert_eq!(places, held.iter().map(|(at, ..)| *at as u32).collect::<Vec<_>>());
            prop_assert_eq!(column.steps.0, held.iter().map(|(_, step, _)| *step).min().unwrap());
            prop_assert_eq!(column.steps.1, held.iter().map(|(_, step, _)| *step).max().unwrap());
            if let Values::F64(numbers) =
                head.read_column(place, &block.parts[COLUMNS + place]).unwrap()
            {
                let finite = || numbers.iter().copied().filter(|number| number.is_finite());
                let range = finite().reduce(f64::min).zip(finite().reduce(f64::max));
                prop_assert_eq!(column.range, range);
                prop_assert_eq!(column.odd.iter().sum::<usize>() + finite().count(), column.count);
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_detected(rows in vec(row(), 1..6)) {
        let block = encode(&rows).remove(0);
        for place in 0..=block.parts.len() {
            let bits = if place == 0 { block.head.len() } else { block.parts[place - 1].len() } * 8;
            for bit in 0..bits {
                let mut flipped = block.clone();
                let bytes =
                    if place == 0 { &mut flipped.head } else { &mut flipped.parts[place - 1] };
                bytes[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(decode(&flipped).is_err());
            }
        }
    }

    #[test]
    fn any_head_behind_a_right_checksum_never_panics(
        rows in vec(row(), 1..9),
        at in any::<prop::sample::Index>(),
        byte: u8,
        tail in vec(any::<u8>(), 0..99),
    ) {
        let mut block = encode(&rows).remove(0);
        let at = 9 + at.index(block.head.len() - 9);
        block.head[at] = byte;
        block.head = sealed(block.head);
        read_all(&block);
        block.head.truncate(at);
        block.head.extend(tail);
        block.head = sealed(block.head);
        read_all(&block);
    }

    #[test]
    fn any_part_behind_a_right_checksum_never_panics(
        rows in vec(row(), 1..9),
        which in any::<prop::sample::Index>(),
        part in vec(any::<u8>(), 0..99),
    ) {
        let mut block = encode(&rows).remove(0);
        let which = which.index(block.parts.len());
        // The code below finds the length of a part by the checksum after it, so the length must be
        // a varint of one byte.
        prop_assume!(block.parts.iter().all(|part| part.len() < 128));
        let old = crc32c::crc32c(&block.parts[which]).to_le_bytes();
        let at = block.head.windows(4).skip(9).position(|window| window == old).unwrap() + 9;
        block.head[at - 1] = part.len() as u8;
        block.head[at..at + 4].copy_from_slice(&crc32c::crc32c(&part).to_le_bytes());
        block.head = sealed(block.head);
        block.parts[which] = part;
        read_all(&block);
    }
}

/// A generator of random numbers that gives the same numbers on every machine (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Returns the bytes per value of the rows, with the heads and all parts of the blocks included.
fn bytes_per_point(rows: &[Row]) -> f64 {
    let blocks = encode(rows);
    let bytes: usize = blocks
        .iter()
        .map(|block| block.head.len() + block.parts.iter().map(Vec::len).sum::<usize>())
        .sum();
    assert_eq!(blocks.iter().flat_map(|block| decode(block).unwrap()).collect::<Vec<_>>(), rows);
    bytes as f64 / rows.iter().map(|row| row.values.len()).sum::<usize>() as f64
}

/// Returns `count` rows whose wall times are about 40 ms apart, in whole milliseconds.
fn timed(
    count: u64,
    numbers: &mut Numbers,
    values: impl Fn(u64, &mut Numbers) -> Vec<(String, Value)>,
) -> Vec<Row> {
    let row = |step| {
        let wall_ms = 1_700_000_000_000 + step as i64 * 40 + (numbers.next() % 5) as i64;
        Row { step, wall_ms, values: values(step, numbers) }
    };
    (0..count).map(row).collect()
}

#[test]
fn random_floats_take_at_most_10_bytes_each() {
    for seed in [1, 2, 3] {
        let five = |_, numbers: &mut Numbers| {
            (0..5).map(|key| (format!("metric/{key}"), Value::F64(numbers.unit()))).collect()
        };
        let each = bytes_per_point(&timed(20_000, &mut Numbers(seed), five));
        println!("random f64, 5 in a row, seed {seed}: {each:.2} bytes per point");
        assert!(each <= 10.0, "{each}");
    }
}

#[test]
fn a_noisy_loss_of_32_bits_takes_at_most_4_bytes_each() {
    for (seed, widen) in
        [(1, f64::from as fn(f32) -> f64), (2, f64::from), (3, record::widen), (4, record::widen)]
    {
        let loss = |step: u64, numbers: &mut Numbers| {
            let smooth = 0.3 + 3.0 * (-(step as f64) / 20_000.0).exp();
            let loss = (smooth * (1.0 + 0.01 * (2.0 * numbers.unit() - 1.0))) as f32;
            vec![("loss".to_owned(), Value::F64(widen(loss)))]
        };
        let each = bytes_per_point(&timed(100_000, &mut Numbers(seed), loss));
        println!(
            "a loss of 32 bits with 1 % noise, alone in its row, seed {seed}: {each:.2} bytes per \
            point"
        );
        assert!(each <= 4.0, "{each}");
    }
}

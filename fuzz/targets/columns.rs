//! Fuzzes the decoder of blocks of columns, which must never panic. The first two bytes of the
//! input are the length of the head. The head and then the parts follow, with the lengths that the
//! head names.
#![no_main]

use record::columns::Head;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [low, high, rest @ ..] = bytes else { return };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (head, mut rest) = rest.split_at(length);
    let Ok(head) = Head::read(head) else { return };
    let mut next = |part: usize| {
        let length = usize::try_from(head.length(part)).unwrap_or(usize::MAX).min(rest.len());
        let (part, left) = rest.split_at(length);
        rest = left;
        part
    };
    let _ = head.read_steps(next(0));
    let _ = head.read_walls(next(1));
    let shapes = next(2);
    for place in 0..head.columns.len().min(64) {
        let _ = head.rows_of(place, shapes);
        let _ = head.read_column(place, next(3 + place));
    }
});

//! Fuzzes the readers of a program's output, which find lines and the rows in them. Any bytes are a
//! valid output.
#![no_main]

use record::{
    console::{Lines, Seen},
    printed::Reader,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut lines, mut reader) = (Lines::default(), Reader::default());
    let mut take = |seen: Seen<'_>| {
        if let Seen::Piece(text, beyond) = seen {
            let _ = reader.read(text, beyond);
        }
    };
    let (first, second) = bytes.split_at(bytes.len() / 2);
    lines.push(first, &mut take);
    lines.push(second, &mut take);
    lines.finish(&mut take);
});

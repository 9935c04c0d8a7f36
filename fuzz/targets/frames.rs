//! Fuzzes the decoder of frames, which journals, the wire and the store contain. The decoder must
//! never panic, and all functions that read frames must agree on the number of rows.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let rows = record::rows(bytes);
    let count = record::count(bytes);
    assert_eq!(rows.is_ok(), count.is_ok());
    if let (Ok(rows), Ok(count)) = (rows, count) {
        assert_eq!(rows.len() as u64, count);
        assert_eq!(record::skip(bytes, count).as_deref(), Ok(&[][..]));
    }
    if let Ok((end, count)) = record::whole(bytes) {
        assert_eq!(record::count(&bytes[..end]), Ok(count));
    }
});

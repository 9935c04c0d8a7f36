//! Fuzzes the parser of artifacts' manifests. If the parser accepts a text, writing the entries
//! must return the same text.
#![no_main]

use record::artifact;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(mut entries) = artifact::entries(text) {
        assert_eq!(artifact::manifest(&mut entries).as_deref(), Ok(text));
    }
});

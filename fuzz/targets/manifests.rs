//! Fuzzes the parser of artifacts' manifests. If the parser accepts a text, the manifest that is
//! written from the parsed entries must be the same text.
#![no_main]

use record::artifact;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(mut entries) = artifact::entries(text) {
        assert_eq!(artifact::manifest(&mut entries).as_deref(), Ok(text));
    }
});

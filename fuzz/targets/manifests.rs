//! Manifests of artifacts: a text that is read as one comes back as it was.
#![no_main]

use record::artifact;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(mut entries) = artifact::entries(text) {
        assert_eq!(artifact::manifest(&mut entries).as_deref(), Ok(text));
    }
});

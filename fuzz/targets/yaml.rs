//! Fuzzes the check of sweep files. The check of any text must return a configuration or a problem,
//! and every problem must have a message.
#![no_main]

use sweeps::config::{check, render};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let checked = check(text);
    assert!(checked.config.is_some() || !checked.problems.is_empty());
    for problem in &checked.problems {
        assert!(!render(problem, text, "sweep.yaml").is_empty());
    }
});

//! Tests wrong files with snapshots of all their problems. Each file of `wrong/` has one snapshot.

use crate::config::{check, render};

/// Returns all problems of the file as a terminal shows them.
fn rendered(name: &str, text: &str) -> String {
    let problems = check(text).problems;
    problems.iter().map(|problem| render(problem, text, name)).collect::<Vec<_>>().join("\n\n")
}

macro_rules! snapshots {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let file = concat!(stringify!($name), ".yaml");
            insta::assert_snapshot!(rendered(
                file,
                include_str!(concat!("wrong/", stringify!($name), ".yaml"))
            ));
        })*
    };
}

snapshots! {
    keys types metric limits distributions values grid bayes early_terminate early_terminate_types
    early_terminate_rungs early_terminate_median command command_slips command_first groups
    parameters when constraints warm_start timeout timeout_without_unit retry retry_number wandb
    duplicates aliases points points_grid points_type
}

/// A text that is not valid YAML has one problem, at the place where the parser failed.
#[test]
fn no_yaml() {
    let texts = [
        "",
        "# only a comment\n",
        "method random\n",
        "- method: grid\n",
        "method: grid\nparameters:\n\tlr: {value: 1}\n",
        "method: grid\nparameters: {lr: {values: [1, 2}\n",
        "method: grid\ndescription: note: this\n",
        "method: grid\n  parameters: 5\n",
        "method: grid\nparameters:\n  a: {value: 1}\n b: {value: 2}\n",
        "method: \"grid\nparameters: 5\n",
        "method: \"gr\\id\"\n",
        "parameters:\n  lr: *range\n",
        "method: @grid\n",
        "method: grid\n}\n",
        "method: grid\n---\nmethod: random\n",
        "method: !custom grid\n",
        "\0",
        "method: grid\nparameters:\n  a: {value: x\0y}\n",
    ];
    let all: Vec<String> = texts
        .iter()
        .map(|text| format!("--- {text:?}\n{}", rendered("sweep.yaml", text)))
        .collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn large_texts_are_bounded() {
    let large = "x: 1\n".repeat(20_000_000);
    insta::assert_snapshot!(rendered("large.yaml", &large));
    let parameters: String = (0..20_000).map(|n| format!("  p{n}: {{vlue: {n}}}\n")).collect();
    let many = check(&format!("method: grid\nparameters:\n{parameters}"));
    assert_eq!(many.problems.len(), 102);
    assert_eq!(many.problems[101].message, "19900 more errors are not shown");
    let keys: String = (0..60_000).map(|n| format!("kez{n}: 1\n")).collect();
    check(&keys);
}

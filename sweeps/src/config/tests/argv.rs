//! Tests the argv of a trial.

use serde_json::{Value, json};

use super::{good, told};
use crate::config::{Argument, Config, Piece};

const PARAMETERS: &str = "parameters: {lr: {min: 0.1, max: 0.2}}\nmethod: random\n";

/// Shows one argument per line. Pieces that the agent expands are between `<` and `>`.
fn show(config: &Config, params: &Value) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::EnvVar(name) => format!("<env {name}>"),
        Piece::ArgsJsonFile => "<json file>".to_owned(),
    };
    let argument = |argument: &Argument| argument.pieces.iter().map(piece).collect::<String>();
    config.argv(params).iter().map(argument).collect::<Vec<_>>().join("\n")
}

fn params() -> Value {
    json!({
        "optimizer": {"name": "sgd", "lr": 1e-5, "betas": [0.9, 0.999]},
        "lr": 0.1,
        "augment": true,
        "amp": false,
        "layers": 3,
        "note": "it's a \"b\"",
        "seed": null,
    })
}

#[test]
fn every_macro() {
    let macros = [
        "${env}",
        "${interpreter}",
        "-u",
        "${program}",
        "--data",
        "${envvar:DATA}/x:${envvar:data_2}!",
        "|",
        "${args}",
        "|",
        "${args_no_hyphens}",
        "|",
        "${args_no_equals}",
        "|",
        "${args_no_boolean_flags}",
        "|",
        "${args_append_hydra}",
        "|",
        "${args_override_hydra}",
        "|",
        "${args_json}",
        "|",
        "${args_json_file}",
        "|",
        "a${b}c $ ${",
    ];
    let config = good(&format!("{PARAMETERS}program: train.py\ncommand: {}", json!(macros)));
    insta::assert_snapshot!(show(&config, &params()));
}

#[test]
fn the_default_depends_on_the_program() {
    let argv = |text: &str| {
        show(&good(&format!("{PARAMETERS}{text}")), &json!({"lr": 0.1})).replace('\n', " ")
    };
    assert_eq!(argv("program: train.py"), "/usr/bin/env python train.py --lr=0.1");
    assert_eq!(argv("program: target/release/train"), "/usr/bin/env target/release/train --lr=0.1");
    assert_eq!(argv("command: [echo, 5, true, \"\"]"), "echo 5 true ");

    let checked = crate::config::check(PARAMETERS);
    let config = checked.config.unwrap();
    assert!(config.argv(&params()).is_empty());
    assert_eq!(
        told(PARAMETERS),
        ["1: no `program`: only a function agent in your own code can run this sweep"]
    );
}

#[test]
fn no_parameters_are_no_arguments() {
    let config = good(&format!(
        "{PARAMETERS}program: a.py\ncommand: [\"${{program}}\", \"${{args}}\", \"${{args_json}}\"]"
    ));
    assert_eq!(show(&config, &json!({})), "a.py\n{}");
    assert_eq!(show(&config, &Value::Null), "a.py\n{}");
}

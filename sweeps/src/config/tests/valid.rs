//! Tests what each key and distribution means.

use std::time::Duration;

use serde_json::json;

use super::{good, told};
use crate::{
    config::{Config, Metric, check, check_points},
    lifecycle::Class,
    search::{Constraint, Impute, Method, Side},
    space::{Distribution, Law, Parameter, Quantum},
    stopping::{Asha, Bands, EarlyTerminate, Hyperband, Median},
};

/// Returns the distribution of this entry as parameter `x` of a random search, and the messages of
/// all problems.
fn entry(entry: &str) -> (Option<Distribution>, Vec<String>) {
    let checked = check(&format!(
        "method: random\nprogram: a.py\nparameters:\n  x: {entry}\n  other: {{values: [1, 2]}}\n"
    ));
    let messages = checked.problems.into_iter().map(|problem| problem.message).collect();
    (checked.config.map(|config| config.space.parameters[0].distribution.clone()), messages)
}

fn real(law: Law, step: Option<(f64, bool)>) -> Distribution {
    Distribution::Real { law, quantum: step.map(|(step, integer)| Quantum { step, integer }) }
}

fn categorical(values: serde_json::Value, probabilities: Option<Vec<f64>>) -> Distribution {
    Distribution::Categorical { values: values.as_array().unwrap().clone(), probabilities }
}

#[test]
fn a_config_as_in_wandbs_docs_is_understood() {
    let config = good(
        "program: train.py\nmethod: bayes\nname: small-cnn\ndescription: ''\nproject: p\n\
         entity: me\nrun_cap: 40\nseed: 18446744073709551615\n\
         metric: {name: val_loss, goal: maximize, target: 0.02, impute: latest, \
         impute_while_running: false}\n\
         parameters:\n  lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}\n  depth: \
         {min: 2, max: 8}\n  \
         optimizer:\n    parameters:\n      name: {values: [sgd, adam]}\n      more: \
         {parameters: {mu.x: {value: 7}}}\n\
         command: [\"${env}\", \"${interpreter}\", -u, \"${program}\", --data, \
         \"${envvar:DATA_DIR}\", \"${args}\"]\n",
    );
    assert_eq!(
        (config.method, config.run_cap, config.seed),
        (Method::Bayes, Some(40), Some(u64::MAX))
    );
    assert_eq!((config.name.as_deref(), config.project.as_deref()), (Some("small-cnn"), Some("p")));
    assert_eq!(config.entity.as_deref(), Some("me"));
    assert_eq!((config.program.as_deref(), config.description), (Some("train.py"), None));
    let metric = Metric {
        name: "val_loss".into(),
        maximize: true,
        target: Some(0.02),
        impute: Impute::Latest,
    };
    assert_eq!(config.metric, Some(metric));
    assert_eq!(config.command.items[5], "${envvar:DATA_DIR}");
    let leaf = |path: &[&str], distribution| {
        Parameter::new(path.iter().map(|name| (*name).to_owned()).collect(), distribution)
    };
    assert_eq!(
        config.space.parameters,
        [
            leaf(
                &["lr"],
                real(Law::LogUniform { min_ln: libm::log(1e-5), max_ln: libm::log(0.1) }, None)
            ),
            leaf(&["depth"], Distribution::IntUniform { min: 2, max: 8 }),
            leaf(&["optimizer", "name"], categorical(json!(["sgd", "adam"]), None)),
            leaf(&["optimizer", "more", "mu.x"], Distribution::Constant(json!(7))),
        ]
    );
}

fn mean(entries: impl IntoIterator<Item = (&'static str, Distribution)>) {
    for (text, meaning) in entries {
        assert_eq!(entry(text), (Some(meaning), vec![]), "{text}");
    }
}

#[test]
fn lists_and_ranges_mean_what_they_mean_to_wandb() {
    let ln = libm::log;
    mean([
        ("{value: [1, {a: null}]}", Distribution::Constant(json!([1, {"a": null}]))),
        ("{distribution: constant, value: 1.0}", Distribution::Constant(json!(1.0))),
        ("{values: [a, 2, true]}", categorical(json!(["a", 2, true]), None)),
        (
            "{values: [a, b], probabilities: [0.25, 0.75]}",
            categorical(json!(["a", "b"]), Some(vec![0.25, 0.75])),
        ),
        (
            "{values: [a, b], probabilities: [1, 0], distribution: categorical_w_probabilities}",
            categorical(json!(["a", "b"]), Some(vec![1.0, 0.0])),
        ),
        ("{min: -3, max: 3}", Distribution::IntUniform { min: -3, max: 3 }),
        ("{min: 0.5, max: 1.5}", real(Law::Uniform { min: 0.5, max: 1.5 }, None)),
        (
            "{distribution: uniform, min: 0, max: 1}",
            real(Law::Uniform { min: 0.0, max: 1.0 }, None),
        ),
        (
            "{distribution: q_uniform, min: 0, max: 10, q: 5}",
            real(Law::Uniform { min: 0.0, max: 10.0 }, Some((5.0, true))),
        ),
        (
            "{distribution: q_uniform, min: 0, max: 10}",
            real(Law::Uniform { min: 0.0, max: 10.0 }, Some((1.0, false))),
        ),
        (
            "{distribution: q_uniform, min: 0, max: 1, q: 0.1}",
            real(Law::Uniform { min: 0.0, max: 1.0 }, Some((0.1, false))),
        ),
        (
            "{distribution: log_uniform_values, min: 0.1, max: 10}",
            real(Law::LogUniform { min_ln: ln(0.1), max_ln: ln(10.0) }, None),
        ),
        (
            "{distribution: q_log_uniform_values, min: 1, max: 8, q: 1}",
            real(Law::LogUniform { min_ln: 0.0, max_ln: ln(8.0) }, Some((1.0, true))),
        ),
        (
            "{distribution: inv_log_uniform_values, min: 0.1, max: 10}",
            real(Law::InvLogUniform { min_ln: -ln(10.0), max_ln: -ln(0.1) }, None),
        ),
    ]);
}

#[test]
fn bell_curves_mean_what_they_mean_to_wandb() {
    mean([
        ("{distribution: normal}", real(Law::Normal { mu: 0.0, sigma: 1.0 }, None)),
        (
            "{distribution: q_normal, mu: 3, sigma: 2, q: 2}",
            real(Law::Normal { mu: 3.0, sigma: 2.0 }, Some((2.0, true))),
        ),
        (
            "{distribution: log_normal, mu: -1.5}",
            real(Law::LogNormal { mu: -1.5, sigma: 1.0 }, None),
        ),
        (
            "{distribution: q_log_normal, sigma: 0.5}",
            real(Law::LogNormal { mu: 0.0, sigma: 0.5 }, Some((1.0, false))),
        ),
        ("{distribution: beta, a: 2}", real(Law::Beta { a: 2.0, b: 1.0 }, None)),
        (
            "{distribution: q_beta, b: 0.5, q: 0.1}",
            real(Law::Beta { a: 1.0, b: 0.5 }, Some((0.1, false))),
        ),
    ]);
}

#[test]
fn constraints_are_limits_on_other_metrics() {
    let text =
        "method: random\nprogram: a.py\nmetric: {name: loss}\nparameters: {x: {values: [1, 2]}}\n";
    let config = good(&format!(
        "{text}constraints: [{{metric: ms, max: 20}}, {{metric: acc, min: 0.9, max: 1}}]"
    ));
    let limit = |metric: &str, side, limit| Constraint { metric: metric.to_owned(), side, limit };
    let expected = [
        limit("ms", Side::AtMost, 20.0),
        limit("acc", Side::AtLeast, 0.9),
        limit("acc", Side::AtMost, 1.0),
    ];
    assert_eq!(config.constraints, expected);
    let holds =
        |value| config.constraints.iter().map(|limit| limit.holds(value)).collect::<Vec<_>>();
    assert_eq!(holds(Some(0.9)), [true, true, true]);
    assert_eq!(holds(Some(20.0)), [true, true, false]);
    assert_eq!(holds(None), [false; 3]);
    assert_eq!(good(&format!("{text}constraints: []")).constraints, []);
    let told = told(&format!(
        "{}constraints: [{{metric: ms, max: 20}}]",
        text.replace("metric: {name: loss}\n", "")
    ));
    assert_eq!(
        told,
        ["4: `constraints` have no effect without a `metric`: no trial is the best then"]
    );
}

#[test]
fn failures_have_rules_by_class() {
    let of = |keys: &str| {
        good(&format!(
            "method: random\nprogram: a.py\nparameters: {{x: {{values: [1, 2]}}}}\n{keys}"
        ))
    };
    let config = of("timeout: 1h30m\nretry: {lost: 5, out_of_memory: 1}");
    assert_eq!(config.timeout, Some(Duration::from_secs(5_400)));
    let attempts = |config: Config| Class::ALL.map(|class| config.retry.of(class));
    assert_eq!(attempts(config), [0, 0, 1, 0, 0, 5]);
    assert_eq!((attempts(of("")), of("").timeout), ([0, 0, 0, 0, 0, 2], None));
    assert_eq!(attempts(of("retry: {lost: 0}")), [0; 6]);
}

#[test]
fn earlier_sweeps_are_one_id_or_a_list() {
    let of = |value: &str| {
        let text = "method: bayes\nprogram: a.py\nmetric: {name: loss}\nparameters: {x: \
            {values: [1, 2]}}\nwarm_start: ";
        good(&format!("{text}{value}")).warm_start
    };
    assert_eq!(of("k3x9abcd"), ["k3x9abcd"]);
    assert_eq!(of("[k3x9abcd, 12345678, 1e5]"), ["k3x9abcd", "12345678", "1e5"]);
    assert_eq!(of("[]"), Vec::<String>::new());
}

#[test]
fn an_entry_that_means_less_than_it_seems_is_a_warning() {
    let exponents = "is deprecated: it takes exponents, so `x` runs from 0.368 to 2.72";
    let uniform = |min, max, step| Some(real(Law::Uniform { min, max }, step));
    for (text, meaning, warning) in [
        (
            "{distribution: log_uniform, min: -1, max: 1}",
            Some(real(Law::LogUniform { min_ln: -1.0, max_ln: 1.0 }, None)),
            &*format!("`log_uniform` {exponents}"),
        ),
        (
            "{distribution: q_log_uniform, min: 0, max: 1, q: 0.5}",
            Some(real(Law::LogUniform { min_ln: 0.0, max_ln: 1.0 }, Some((0.5, false)))),
            "`q_log_uniform` is deprecated: it takes exponents, so `x` runs from 1.0 to 2.72",
        ),
        (
            "{distribution: inv_log_uniform, min: -1, max: 1}",
            Some(real(Law::InvLogUniform { min_ln: -1.0, max_ln: 1.0 }, None)),
            &*format!("`inv_log_uniform` {exponents}"),
        ),
        (
            "{min: 0, max: 0.5}",
            uniform(0.0, 0.5, None),
            "`x` has one whole and one real limit: real numbers are drawn",
        ),
        (
            "{min: 0, max: 1}",
            Some(Distribution::IntUniform { min: 0, max: 1 }),
            "`x` takes only the whole numbers 0 and 1",
        ),
        (
            "{distribution: q_uniform, min: 1, max: 10.5, q: 4}",
            uniform(1.0, 10.5, Some((4.0, true))),
            "the multiples of `q` within the limits of `x` run from 4 to 8",
        ),
        (
            "{distribution: q_uniform, min: 0.0, max: 0.25}",
            uniform(0.0, 0.25, Some((1.0, false))),
            "every value of `x` is rounded to 0.0",
        ),
        (
            "{distribution: q_uniform, min: 0.4, max: 0.9}",
            uniform(0.4, 0.9, Some((1.0, false))),
            "no multiple of `q` lies within the limits of `x`: it is 0.0 or 1.0",
        ),
        ("{values: [1, 1]}", Some(categorical(json!([1, 1]), None)), "`1` is listed twice"),
        (
            "{values: [1, 1.0, \"1\", true]}",
            Some(categorical(json!([1, 1.0, "1", true]), None)),
            "`1.0` equals `1`: they are one value",
        ),
        (
            "{values: [(1, 2), 3]}",
            Some(categorical(json!(["(1", "2)", 3]), None)),
            "`(1` is text: YAML has no tuples, and a comma ends an item",
        ),
    ] {
        assert_eq!(entry(text), (meaning, vec![warning.to_owned()]), "{text}");
    }
}

#[test]
fn a_value_that_yaml_1_1_reads_otherwise_is_a_warning() {
    for (text, meaning, warning) in [
        (
            "{value: yes}",
            Some(Distribution::Constant(json!("yes"))),
            "`yes` is text here, and the boolean `true` for W&B's client (YAML 1.1)",
        ),
        (
            "{value: 2024-01-31}",
            Some(Distribution::Constant(json!("2024-01-31"))),
            "`2024-01-31` is text here, and a date for W&B's client (YAML 1.1)",
        ),
        (
            "{value: 010}",
            Some(Distribution::Constant(json!(10))),
            "`010` is a decimal number here, and the octal number 8 for W&B's client (YAML 1.1)",
        ),
        (
            "{values: [1e-4, 1e3]}",
            Some(categorical(json!([1e-4, 1e3]), None)),
            "`1e-4` is a number here, and text for W&B's client (YAML 1.1), as is one more below",
        ),
        (
            "{min: 1e-4, max: 0.5}",
            Some(real(Law::Uniform { min: 1e-4, max: 0.5 }, None)),
            "`1e-4` is a number here, and text for W&B's client (YAML 1.1)",
        ),
    ] {
        assert_eq!(entry(text), (meaning, vec![warning.to_owned()]), "{text}");
    }
}

#[test]
fn a_tuple_on_a_line_of_its_own_is_text() {
    let text = "method: grid\nprogram: a.py\nparameters:\n  x:\n    values:\n      - (1, \
        2)\n      - \"(1, 2,)\"\n      - (both)\n";
    assert_eq!(told(text), ["6: `(1, 2)` is text: YAML has no tuples"]);
}

#[test]
fn names_that_read_alike_are_told() {
    let text = "method: random\nprogram: a.py\nparameters:\n  a.b: {value: 1}\n  a: \
        {parameters: {b: {value: 2}, c: {value: 3}}}\n  a.c.d: {values: [4, 5]}\n";
    assert_eq!(told(text), ["5: `a.b` is also the name of the parameter on line 4"]);
    let text =
        "method: random\nprogram: a.py\nparameters:\n  a-b: {value: 1}\n  a_b: {values: [1, 2]}\n";
    assert_eq!(told(text), ["5: `a-b` and `a_b` share the variable `BESOM_PARAM_a_b`"]);
}

#[test]
fn names_may_have_the_characters_of_hydra() {
    let names =
        ["+experiment", "++x", "model/encoder", "~y", "db@backup", "3d", "learning rate", "größe"];
    let entries: String = names.iter().map(|name| format!("  {name}: {{value: a}}\n")).collect();
    let text = |macros: &str| {
        format!(
            "method: grid\ncommand: [run, \"${{{macros}}}\"]\nparameters:\n{entries}  z: \
            {{values: [1]}}\n"
        )
    };
    let config = good(&text("args_no_hyphens"));
    let names_there: Vec<String> =
        config.space.parameters.iter().map(|p| p.path.join(".")).collect();
    assert_eq!(names_there[..8], names);
    assert_eq!(
        told(&text("args_override_hydra")),
        [
            "9: Hydra cannot read the name `3d`",
            "10: Hydra cannot read the name `learning rate`",
            "11: Hydra cannot read the name `größe`"
        ]
    );
}

#[test]
fn grids_are_counted() {
    let grid = |parameters: &str| {
        told(&format!("method: grid\nprogram: a.py\nparameters: {{{parameters}}}"))
    };
    let range = "{min: -4611686018427387904, max: 4611686018427387903}";
    assert_eq!(grid(&format!("a: {range}")), Vec::<String>::new());
    let told = grid(&format!("a: {range}, b: {{values: [1, 2]}}"));
    assert_eq!(told, ["1: this grid has more than 18 quintillion cells (2^64)"]);
    let fine = "3: `a` has more than 2^52 steps, which 64-bit numbers cannot tell apart";
    assert_eq!(
        grid("a: {distribution: q_uniform, min: 0, max: 9000000000000000000, q: 1.5}"),
        [fine]
    );
    assert!(
        grid("a: {distribution: q_uniform, min: 0, max: 1.0e+300, q: 1.0}")
            .contains(&fine.to_owned())
    );
    assert_eq!(
        grid("a: {min: 1, max: 3000000000}, b: {min: 1, max: 3000000000}"),
        Vec::<String>::new()
    );
    assert_eq!(grid("a: {distribution: q_uniform, min: 1, max: 10.5, q: 4}"), Vec::<String>::new());
    assert_eq!(
        grid("a: {distribution: q_uniform, min: 0, max: 10, q: 5}"),
        ["3: the grid of `a` stops one `q` below `max`, as W&B's does"]
    );
}

#[test]
fn early_termination_has_three_types() {
    let rule = |text: &str| {
        good(&format!(
            "method: random\nprogram: a.py\nmetric: {{name: loss}}\nparameters: {{x: \
            {{min: 1, max: 9}}}}\nearly_terminate: {text}\n"
        ))
        .early_terminate
        .unwrap()
    };
    let hyperband =
        |bands, eta, strict| EarlyTerminate::Hyperband(Hyperband { bands, eta, strict });
    for (text, meaning) in [
        ("{type: hyperband, min_iter: 3}", hyperband(Bands::From { min_iter: 3 }, 3.0, true)),
        (
            "{type: hyperband, max_iter: 27, s: 2, eta: 2.5, strict: false}",
            hyperband(Bands::UpTo { max_iter: 27, s: 2 }, 2.5, false),
        ),
        (
            "{type: asha, min_iter: 1}",
            EarlyTerminate::Asha(Asha { min_iter: 1, eta: 3.0, max_iter: None }),
        ),
        (
            "{type: asha, min_iter: 2, eta: 4, max_iter: 64}",
            EarlyTerminate::Asha(Asha { min_iter: 2, eta: 4.0, max_iter: Some(64) }),
        ),
        (
            "{type: median}",
            EarlyTerminate::Median(Median { min_iter: 5, interval: 5, min_trials: 5 }),
        ),
        (
            "{type: median, interval: 2}",
            EarlyTerminate::Median(Median { min_iter: 2, interval: 2, min_trials: 5 }),
        ),
        (
            "{type: median, min_iter: 9, interval: 3, min_trials: 8}",
            EarlyTerminate::Median(Median { min_iter: 9, interval: 3, min_trials: 8 }),
        ),
    ] {
        assert_eq!(rule(text), meaning, "{text}");
    }
}

#[test]
fn as_with_wandb_max_iter_wins_over_min_iter() {
    let text = "method: random\nprogram: a.py\nmetric: {name: loss}\nparameters: {x: \
        {min: 1, max: 9}}\nearly_terminate: {type: hyperband, min_iter: 4, max_iter: 27, s: 2}\n";
    assert_eq!(told(text), ["5: `min_iter` has no effect beside `max_iter` and `s`"]);
    let rule = check(text).config.unwrap().early_terminate.unwrap();
    assert_eq!((rule.next_rung(0), rule.next_rung(3), rule.next_rung(9)), (Some(3), Some(9), None));
}

#[test]
fn points_have_the_values_that_the_search_would_propose() {
    let config = good(
        "method: bayes\nprogram: a.py\nmetric: {name: loss}\nrun_cap: 9\nparameters:\n  lr: \
         {distribution: log_uniform_values, min: 0.0001, max: 1.0}\n  layers: {min: 1, max: 4}\n  \
         q: {distribution: q_uniform, min: 0.0, max: 1.0, q: 0.1}\n  epochs: {value: 10}\n  \
         optimizer:\n    parameters:\n      name: {values: [sgd, adam, 3]}\n      mu: {min: 0.0, \
         max: 1.0, when: {optimizer.name: sgd}}\npoints:\n  - {lr: 1, layers: 2.0, q: 0.3}\n  - \
         lr: 0.0001\n    optimizer: {name: sgd, mu: 0}\n  - {optimizer.name: 3.0, epochs: 10.0}\n",
    );
    let points: Vec<String> =
        config.points.iter().map(|point| point.to_json(&config.space).to_string()).collect();
    assert_eq!(
        points,
        [
            r#"{"lr":1.0,"layers":2,"q":0.3}"#,
            r#"{"lr":0.0001,"optimizer":{"name":"sgd","mu":0.0}}"#,
            r#"{"epochs":10,"optimizer":{"name":3}}"#,
        ]
    );
    let queued = |text: &str| check_points(text, &config).points.map(|points| points.len());
    assert_eq!(queued("lr: 0.5\nlayers: 3\n"), Some(1));
    assert_eq!(queued("- {lr: 0.5}\n- {lr: 0.5}\n"), Some(2), "the method fills each differently");
    for wrong in ["lr: 5\n", "[]", "a", "", "- {lr: 0.5, lr: 0.6}\n"] {
        assert!(queued(wrong).is_none(), "{wrong}");
    }
}

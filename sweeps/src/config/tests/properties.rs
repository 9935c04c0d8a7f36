//! Checks that no text makes the check panic, and that a generated configuration is equal after it
//! was printed and read back.

use std::{collections::BTreeSet, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::{
    config::{Checked, Command, Config, Metric, Severity, check, render},
    history::History,
    identity::Identity,
    lifecycle::{Class, Retry},
    point::Wanted,
    search::{self, Constraint, Impute, Method, Side, Study},
    space::{Condition, Distribution, Law, Parameter, Quantum, Space},
    stopping::{Asha, Bands, EarlyTerminate, Hyperband, Median},
};

/// Checks that the result of a check is consistent and can be rendered, for any text.
fn consistent(text: &str) {
    let Checked { config, problems } = check(text);
    let errors = problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(config.is_none(), errors, "{problems:#?}");
    assert!(problems.is_sorted_by_key(|problem| problem.line));
    for problem in &problems {
        let (first, last) = problem.columns;
        assert!(problem.line >= 1 && first >= 1 && first <= last, "{problem:?}");
        assert!(problem.line <= text.split(['\n', '\r']).count(), "{problem:?}");
        assert!(!problem.message.is_empty() && !problem.message.ends_with('.'), "{problem:?}");
        assert!(problem.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{problem:?}");
        assert!(
            render(problem, text, "sweep.yaml").chars().all(|c| c == '\n' || !c.is_control()),
            "{problem:?}"
        );
    }
    if let Some(config) = config {
        config.argv(&json!({"lr": 0.1, "nested": {"a": [null, true]}}));
    }
}

/// Sweep configurations, most of them wrong. Together they reach every part of `config` that reads
/// a key or a value. A test damages them at random.
const TEXTS: [&str; 15] = [
    include_str!("wrong/points.yaml"),
    include_str!("wrong/points_grid.yaml"),
    include_str!("wrong/retry.yaml"),
    include_str!("wrong/warm_start.yaml"),
    include_str!("wrong/constraints.yaml"),
    include_str!("wrong/when.yaml"),
    include_str!("wrong/keys.yaml"),
    include_str!("wrong/metric.yaml"),
    include_str!("wrong/limits.yaml"),
    include_str!("wrong/distributions.yaml"),
    include_str!("wrong/values.yaml"),
    include_str!("wrong/early_terminate.yaml"),
    include_str!("wrong/command.yaml"),
    include_str!("wrong/aliases.yaml"),
    "program: train.py\nmethod: bayes\nmetric: \
    {name: val/loss, goal: maximize, target: 0.02}\nparameters:\n  \
     lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}\n  \
     opt:\n    parameters:\n      name: {values: [sgd, adam]}\n\
     command: [\"${env}\", \"${envvar:X}\", \"${args}\"]\n",
];

/// The scraps of YAML from which tests build texts, or which they insert into the files.
const SCRAPS: [&str; 24] = [
    "\n", "\t", " ", "  ", ":", ": ", "- ", "{", "}", "[", "]", "\"", "'", "&a ", "*a", "!!str ",
    "|\n", "---\n", "<<: ", "\r", "é", "-1e999", "#", "\0",
];

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        consistent(&text);
    }

    #[test]
    fn no_pile_of_yaml_scraps_panics(scraps in vec(select(&SCRAPS[..]), 0..60)) {
        consistent(&scraps.concat());
    }

    #[test]
    fn no_damaged_file_panics(
        text in select(&TEXTS[..]),
        damage in vec((any::<prop::sample::Index>(), 0..12usize, select(&SCRAPS[..])), 1..6),
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        for (place, removed, scrap) in damage {
            let at = place.index(characters.len() + 1);
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, scrap.chars());
        }
        consistent(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn a_valid_config_survives_a_round_trip(mut config in config(), points in 0..4_u64) {
        config.points = drawn(&config.space, points);
        let text = print(&config);
        let checked = check(&text);
        prop_assert_eq!(
            checked.config.as_ref(),
            Some(&config),
            "{}\n{:#?}",
            text,
            checked.problems
        );
    }
}

/// Draws different points of the space, as people can want them: without inactive parameters.
fn drawn(space: &Space, count: u64) -> Vec<Wanted> {
    let study = Study::new(Method::Random, space.clone(), 7);
    let mut seen = BTreeSet::new();
    let mut draw = |number| {
        let point = search::propose(&study, number, &History::default()).unwrap().point;
        let active = space.active(&point.values);
        let all = space.parameters.iter().zip(point.values).zip(active);
        // Of equal values in a list, the first one stands for all.
        let first = |parameter: &Parameter, value: Value| match &parameter.distribution {
            Distribution::Categorical { values, .. } => {
                let is_equal = |other: &&Value| Identity::of(other) == Identity::of(&value);
                values.iter().find(is_equal).unwrap().clone()
            }
            _ => value,
        };
        let values = all
            .map(|((parameter, value), active)| active.then(|| first(parameter, value)))
            .collect();
        let wanted = Wanted { values };
        seen.insert(wanted.to_json(space).to_string()).then_some(wanted)
    };
    (0..count).filter_map(&mut draw).collect()
}

/// Returns the configuration as YAML: JSON for every value, one line for every key and parameter.
fn print(config: &Config) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: Value| text += &format!("{key}: {value}\n");
    line("method", json!(config.method));
    if let Some(metric) = &config.metric {
        let goal = if metric.maximize { "maximize" } else { "minimize" };
        let impute = format!("{:?}", metric.impute).to_lowercase();
        let mut map = json!({"name": metric.name, "goal": goal, "impute": impute});
        if let Some(target) = metric.target {
            map["target"] = json!(target);
        }
        line("metric", map);
    }
    if let Some(rule) = &config.early_terminate {
        line("early_terminate", early_terminate(rule));
    }
    for (key, value) in [("run_cap", config.run_cap), ("seed", config.seed)] {
        value.into_iter().for_each(|value| line(key, json!(value)));
    }
    for (key, value) in [
        ("program", &config.program),
        ("name", &config.name),
        ("description", &config.description),
        ("project", &config.project),
        ("entity", &config.entity),
    ] {
        value.iter().for_each(|value| line(key, json!(value)));
    }
    if !config.constraints.is_empty() {
        let entry = |limit: &Constraint| {
            let side = if limit.side == Side::AtMost { "max" } else { "min" };
            json!({"metric": limit.metric, side: limit.limit})
        };
        line("constraints", config.constraints.iter().map(entry).collect());
    }
    if let Some(timeout) = config.timeout {
        line("timeout", json!(format!("{}s", timeout.as_secs())));
    }
    let rules = Class::ALL.map(|class| (class.name().to_owned(), json!(config.retry.of(class))));
    line("retry", Value::Object(rules.into_iter().collect()));
    if !config.warm_start.is_empty() {
        line("warm_start", json!(config.warm_start));
    }
    line("command", json!(config.command.items));
    line("parameters", parameters(&config.space));
    if !config.points.is_empty() {
        let points = config.points.iter().map(|point| point.to_json(&config.space));
        line("points", points.collect());
    }
    text
}

fn early_terminate(rule: &EarlyTerminate) -> Value {
    match rule {
        EarlyTerminate::Hyperband(Hyperband { bands, eta, strict }) => {
            let mut map = json!({"type": "hyperband", "eta": eta, "strict": strict});
            match bands {
                Bands::From { min_iter } => map["min_iter"] = json!(min_iter),
                Bands::UpTo { max_iter, s } => {
                    map["max_iter"] = json!(max_iter);
                    map["s"] = json!(s);
                }
            }
            map
        }
        EarlyTerminate::Asha(Asha { min_iter, eta, max_iter: None }) => {
            json!({"type": "asha", "min_iter": min_iter, "eta": eta})
        }
        EarlyTerminate::Asha(Asha { min_iter, eta, max_iter }) => {
            json!({"type": "asha", "min_iter": min_iter, "eta": eta, "max_iter": max_iter})
        }
        EarlyTerminate::Median(Median { min_iter, interval, min_trials }) => {
            json!({
                "type": "median",
                "min_iter": min_iter,
                "interval": interval,
                "min_trials": min_trials
            })
        }
    }
}

fn parameters(space: &Space) -> Value {
    let mut root = Map::new();
    for parameter in &space.parameters {
        let (leaf, groups) = parameter.path.split_last().unwrap();
        let mut map = &mut root;
        for group in groups {
            let group = map.entry(group.clone()).or_insert_with(|| json!({"parameters": {}}));
            map = group["parameters"].as_object_mut().unwrap();
        }
        let mut entry = entry(&parameter.distribution);
        if let Some(Condition { parent, values }) = &parameter.condition {
            let name = space.parameters[*parent].path.join(".");
            // The values stand in a list, since a single value that is a list would be read as the
            // list of values.
            entry["when"] = json!({ name: values });
        }
        map.insert(leaf.clone(), entry);
    }
    Value::Object(root)
}

fn entry(distribution: &Distribution) -> Value {
    let mut entry = match distribution {
        Distribution::Constant(value) => json!({"value": value}),
        Distribution::Categorical { values, probabilities: None } => json!({"values": values}),
        Distribution::Categorical { values, probabilities } => {
            json!({"values": values, "probabilities": probabilities})
        }
        Distribution::IntUniform { min, max } => json!({"min": min, "max": max}),
        // The limits are printed as exponents, since the logarithm of a printed limit may differ
        // from the stored exponent in its last bits.
        Distribution::Real { law, .. } => match *law {
            Law::Uniform { min, max } => json!({"distribution": "uniform", "min": min, "max": max}),
            Law::LogUniform { min_ln, max_ln } => {
                json!({"distribution": "log_uniform", "min": min_ln, "max": max_ln})
            }
            Law::InvLogUniform { min_ln, max_ln } => {
                json!({"distribution": "inv_log_uniform", "min": min_ln, "max": max_ln})
            }
            Law::Normal { mu, sigma } => {
                json!({"distribution": "normal", "mu": mu, "sigma": sigma})
            }
            Law::LogNormal { mu, sigma } => {
                json!({"distribution": "log_normal", "mu": mu, "sigma": sigma})
            }
            Law::Beta { a, b } => json!({"distribution": "beta", "a": a, "b": b}),
        },
    };
    if let Distribution::Real { quantum: Some(Quantum { step, integer }), .. } = distribution {
        entry["distribution"] = json!(format!("q_{}", entry["distribution"].as_str().unwrap()));
        entry["q"] = if *integer { json!(*step as i64) } else { json!(step) };
    }
    entry
}

fn rule() -> impl Strategy<Value = EarlyTerminate> {
    prop_oneof![
        (any::<bool>(), 1..99u32, 1.1..9.0f64).prop_map(|(strict, min_iter, eta)| {
            EarlyTerminate::Hyperband(Hyperband { bands: Bands::From { min_iter }, eta, strict })
        }),
        (any::<bool>(), 9..99u32, 1..9u32, 1.1..9.0f64).prop_map(|(strict, max_iter, s, eta)| {
            EarlyTerminate::Hyperband(Hyperband { bands: Bands::UpTo { max_iter, s }, eta, strict })
        }),
        (1..99u32, 1.1..9.0f64, option::of(100..u32::MAX)).prop_map(|(min_iter, eta, max_iter)| {
            EarlyTerminate::Asha(Asha { min_iter, eta, max_iter })
        }),
        (1..u32::MAX, 1..u32::MAX, 1..u32::MAX).prop_map(|(min_iter, interval, min_trials)| {
            EarlyTerminate::Median(Median { min_iter, interval, min_trials })
        }),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let text = || option::of("[ -~é日]{0,12}[!-~]");
    let metric = (
        "[a-z/._ -]{0,8}[a-z]",
        any::<bool>(),
        option::of(-1e9..1e9),
        select(vec![Impute::Worst, Impute::Best, Impute::Latest]),
    )
        .prop_map(|(name, maximize, target, impute)| Metric { name, maximize, target, impute });
    let command = vec(
        prop_oneof![
            select(vec!["${env}", "${args}", "${args_json_file}", "a${envvar:B}c"])
                .prop_map(str::to_owned),
            "[ -#%-~]{1,9}"
        ],
        1..5,
    );
    let method = select(vec![Method::Random, Method::Bayes]);
    (
        (method, option::of(rule())),
        metric,
        space(),
        option::of(1..u64::MAX),
        text(),
        command,
        (text(), text(), text(), text()),
        (option::of(any::<u64>()), constraints(), option::of("[a-z0-9]{1,8}")),
        (option::of(1..1_000_000u64), vec((select(Class::ALL.to_vec()), 0..1000u32), 0..3)),
    )
        .prop_map(
            |(
                (method, early_terminate),
                metric,
                space,
                run_cap,
                program,
                items,
                (name, description, project, entity),
                (seed, constraints, warm_start),
                (timeout, rules),
            )| Config {
                method,
                metric: Some(metric),
                early_terminate,
                space,
                constraints,
                warm_start: warm_start.into_iter().filter(|_| method == Method::Bayes).collect(),
                points: Vec::new(),
                run_cap,
                timeout: timeout.map(Duration::from_secs),
                retry: retry(&rules),
                program,
                command: Command { items },
                name,
                description,
                project,
                entity,
                seed,
            },
        )
}

fn retry(rules: &[(Class, u32)]) -> Retry {
    let mut retry = Retry::default();
    rules.iter().for_each(|(class, attempts)| retry.set(*class, *attempts));
    retry
}

/// Draws constraints on different metrics.
fn constraints() -> impl Strategy<Value = Vec<Constraint>> {
    vec((select(vec![Side::AtMost, Side::AtLeast]), -1e9..1e9), 0..3).prop_map(|limits| {
        let named =
            |(index, (side, limit))| Constraint { metric: format!("m/{index}"), side, limit };
        limits.into_iter().enumerate().map(named).collect()
    })
}

/// Draws leaves at up to three levels. Leaves and groups have different names, so that no two
/// collide.
fn space() -> impl Strategy<Value = Space> {
    let leaves = vec((vec("g[a-c]", 0..3), distribution()), 1..8);
    (leaves, vec(any::<prop::sample::Index>(), 0..8)).prop_map(|(leaves, parents)| {
        let mut parameters: Vec<Parameter> = leaves
            .into_iter()
            .enumerate()
            .map(|(index, (mut path, distribution))| {
                path.push(format!("x{index}"));
                Parameter::new(path, distribution)
            })
            .collect();
        // `print` writes a group at the place of its first parameter. In sorted order, this does
        // not move any parameter.
        parameters.sort_by(|a, b| a.path.cmp(&b.path));
        for (index, parent) in parents.into_iter().enumerate().take(parameters.len()) {
            let parent = parent.index(parameters.len());
            let values = match &parameters[parent].distribution {
                Distribution::Constant(value) => vec![value.clone()],
                Distribution::Categorical { values, .. } => values[values.len() / 2..].to_vec(),
                Distribution::IntUniform { min, max } => vec![json!(min), json!(max)],
                Distribution::Real { .. } => continue,
            };
            if parent < index {
                parameters[index].condition = Some(Condition { parent, values });
            }
        }
        Space { parameters }
    })
}

fn distribution() -> BoxedStrategy<Distribution> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300f64).prop_map(Value::from),
        "[ -~é]{0,10}".prop_map(Value::from),
    ]
    .prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z ]{1,4}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    let quantum = option::of(prop_oneof![
        (1..1000i64).prop_map(|step| Quantum { step: step as f64, integer: true }),
        (0.001..10.0f64).prop_map(|step| Quantum { step, integer: false }),
    ]);
    let law = prop_oneof![
        (-1e6..1e6f64, 0.1..1e6f64).prop_map(|(min, width)| Law::Uniform { min, max: min + width }),
        (-20.0..20.0f64, 0.1..10.0f64)
            .prop_map(|(min_ln, width)| Law::LogUniform { min_ln, max_ln: min_ln + width }),
        (-20.0..20.0f64, 0.1..10.0f64)
            .prop_map(|(min_ln, width)| Law::InvLogUniform { min_ln, max_ln: min_ln + width }),
        (-1e6..1e6f64, 0.001..1e6f64).prop_map(|(mu, sigma)| Law::Normal { mu, sigma }),
        (-9.0..9.0f64, 0.001..2.0f64).prop_map(|(mu, sigma)| Law::LogNormal { mu, sigma }),
        (0.01..99.0f64, 0.01..99.0f64).prop_map(|(a, b)| Law::Beta { a, b }),
    ];
    let weights = vec(("[a-z]{1,5}", 0.01..1.0f64), 1..6).prop_map(|weighted| {
        let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        let (values, probabilities) = weighted
            .into_iter()
            .map(|(value, weight)| (Value::from(value), weight / total))
            .unzip();
        Distribution::Categorical { values, probabilities: Some(probabilities) }
    });
    prop_oneof![
        value.clone().prop_map(Distribution::Constant),
        vec(value, 1..5)
            .prop_map(|values| Distribution::Categorical { values, probabilities: None }),
        weights,
        (any::<i32>(), 1..1000i64).prop_map(|(min, width)| Distribution::IntUniform {
            min: min.into(),
            max: i64::from(min) + width
        }),
        (law, quantum).prop_map(|(law, quantum)| {
            // W&B has no `q_` variant of the inverse laws.
            let quantum = quantum.filter(|_| !matches!(law, Law::InvLogUniform { .. }));
            Distribution::Real { law, quantum }
        }),
    ]
    .boxed()
}

//! Tests the search in random spaces with conditions: points and coordinates are settled, points
//! survive JSON, and a grid has each distinct point once.

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};

use super::{axes::Axes, *};
use crate::{
    history::Trial,
    point::Point,
    space::{Condition, Distribution, Law, Parameter},
};

/// Draws a distribution: countable if `countable`, else possibly a real or a weighted one.
fn any_distribution(countable: bool) -> BoxedStrategy<Distribution> {
    let values = vec![json!("a"), json!(0), json!(0.0), json!(null), json!(1.5)];
    let values = prop::sample::subsequence(values, 1..5);
    let listed =
        values.prop_map(|values| Distribution::Categorical { values, probabilities: None });
    let discrete = prop_oneof![
        3 => listed,
        2 => (-2_i64..2, 0_i64..4)
            .prop_map(|(min, span)| Distribution::IntUniform { min, max: min + span }),
        1 => Just(Distribution::Constant(json!([7]))),
    ];
    if countable {
        return discrete.boxed();
    }
    let values = vec![json!("never"), json!("x"), json!("y")];
    let weighted = Distribution::Categorical { values, probabilities: Some(vec![0.0, 0.25, 0.75]) };
    let real = Distribution::Real { law: Law::LogNormal { mu: 0.0, sigma: 1.0 }, quantum: None };
    prop_oneof![3 => discrete, 1 => Just(weighted), 2 => Just(real)].boxed()
}

/// Draws a space. A parameter can depend on another one, which stands before or behind it in the
/// space.
pub(super) fn any_space(countable: bool) -> impl Strategy<Value = Space> {
    let leaf = (any_distribution(countable), any::<prop::sample::Index>(), 0_usize..3);
    (prop::collection::vec(leaf, 1..9), any::<bool>()).prop_map(|(leaves, backwards)| {
        let mut parameters: Vec<Parameter> = Vec::new();
        let last = leaves.len() - 1;
        for (index, (distribution, parent, width)) in leaves.into_iter().enumerate() {
            let mut parameter =
                Parameter::new(vec![format!("g{}", index % 2), format!("p{index}")], distribution);
            let parent = parent.index(index + 1);
            let wanted = |distribution: &Distribution| match distribution {
                Distribution::Constant(value) => vec![value.clone()],
                Distribution::Categorical { values, .. } => {
                    values.iter().take(width).cloned().collect()
                }
                Distribution::IntUniform { min, max } if width > 0 => vec![json!(min), json!(max)],
                _ => Vec::new(),
            };
            let values = parameters
                .get(parent)
                .map(|parent| wanted(&parent.distribution))
                .unwrap_or_default();
            if !values.is_empty() {
                parameter.condition = Some(Condition { parent, values });
            }
            parameters.push(parameter);
        }
        if backwards {
            parameters.reverse();
            let conditions =
                parameters.iter_mut().filter_map(|parameter| parameter.condition.as_mut());
            conditions.for_each(|condition| condition.parent = last - condition.parent);
        }
        Space { parameters }
    })
}

/// Returns whether the point is settled and equals what its JSON gives back. The JSON has to hold
/// every active parameter and no inactive one.
fn is_whole(space: &Space, point: &Point) -> bool {
    let mut settled = point.clone();
    space.settle(&mut settled.values);
    let json = point.to_json(space);
    let leaves: usize =
        json.as_object().unwrap().values().map(|group| group.as_object().unwrap().len()).sum();
    let active = space.active(&point.values).into_iter().filter(|&active| active).count();
    settled == *point && leaves == active && Point::from_json(space, &json).as_ref() == Some(point)
}

fn run(study: &Study, trials: u64) -> Vec<Point> {
    let mut history = History::default();
    for number in 0..trials {
        let Ok(suggestion) = propose(study, number, &history) else { break };
        history.trials.push(Trial::pending(suggestion.point, suggestion.fit));
    }
    history.trials.into_iter().map(|trial| trial.point).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_point_is_settled_and_survives_json(space in any_space(false), seed in any::<u64>()) {
        for method in [Method::Random, Method::Sobol, Method::Bayes] {
            for point in run(&Study::new(method, space.clone(), seed), 12) {
                prop_assert!(is_whole(&space, &point), "{:?} {:?}", method, point);
            }
        }
    }

    #[test]
    fn a_grid_has_each_distinct_point_once(space in any_space(true), seed in any::<u64>()) {
        let axes = Axes::of(&space);
        let size = axes.size().unwrap();
        prop_assert_eq!(bound(Method::Grid, &space), Some(size));
        prop_assume!(size < 3000);
        let cells = run(&Study::new(Method::Grid, space.clone(), seed), size + 1);
        prop_assert!(cells.iter().all(|cell| is_whole(&space, cell)));
        let of_grid: BTreeSet<_> = cells.iter().map(|cell| axes.key(cell).unwrap()).collect();
        prop_assert_eq!((cells.len() as u64, of_grid.len() as u64), (size, size));
        let counted: BTreeSet<_> =
            (0..size).map(|rank| axes.key(&axes.point(&axes.nth(rank))).unwrap()).collect();
        prop_assert_eq!(&counted, &of_grid);
        for point in run(&Study::new(Method::Random, space.clone(), seed), 50) {
            prop_assert!(of_grid.contains(&axes.key(&point).unwrap()));
        }
    }

    #[test]
    fn coordinates_are_settled_wherever_they_come_from(
        space in any_space(false),
        seed in any::<u64>(),
    ) {
        let axes = Axes::of(&space);
        prop_assume!(axes.len() > 0);
        let mut stream = crate::rng::Stream::new(seed, 0, crate::rng::Purpose::Draw);
        for _ in 0..20 {
            let x = axes.draw(&(0..axes.len()).map(|_| stream.uniform()).collect::<Vec<f64>>());
            let mut near = axes.levels_around(&x, &[0.2], &mut stream);
            near.push(axes.perturb(&x, 0.2, &mut stream));
            near.push(x);
            for x in near {
                let point = axes.point(&x);
                prop_assert!(is_whole(&space, &point));
                let back = axes.coordinates(&point).unwrap();
                prop_assert!(
                    x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-9),
                    "{:?} {:?}",
                    x,
                    back
                );
            }
        }
    }
}

#[test]
fn a_config_of_an_older_space_is_read_in_the_new_one() {
    let listed = |values: &[Value]| Distribution::Categorical {
        values: values.to_vec(),
        probabilities: None,
    };
    let mut space = Space {
        parameters: vec![
            Parameter::new(vec!["momentum".to_owned()], listed(&[json!(0.9), json!(0.5)])),
            Parameter::new(vec!["optimizer".to_owned()], listed(&[json!("sgd"), json!("adam")])),
        ],
    };
    space.parameters[0].condition = Some(Condition { parent: 1, values: vec![json!("sgd")] });
    let read = |json: Value| Point::from_json(&space, &json).map(|point| point.values);
    // The first config has a value for an inactive parameter, the second leaves this parameter out,
    // and the third lacks an active parameter.
    assert_eq!(
        read(json!({"momentum": 0.5, "optimizer": "adam"})),
        Some(vec![json!(0.9), json!("adam")])
    );
    assert_eq!(read(json!({"optimizer": "adam"})), Some(vec![json!(0.9), json!("adam")]));
    assert_eq!(read(json!({"optimizer": "sgd"})), None);
}

//! Checks that the conversions between points and coordinates are inverses, and that counting a
//! space meets each point once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{
    rng::Purpose,
    space::{Distribution, Law, Parameter, Quantum},
};

fn space(distributions: Vec<Distribution>) -> Space {
    let parameter = |(index, distribution)| Parameter::new(vec![format!("p{index}")], distribution);
    Space { parameters: distributions.into_iter().enumerate().map(parameter).collect() }
}

fn steps(law: Law, step: f64) -> Distribution {
    Distribution::Real { law, quantum: Some(Quantum { step, integer: true }) }
}

fn several() -> Space {
    space(vec![
        Distribution::Constant(json!({"fixed": 1})),
        Distribution::IntUniform { min: -3, max: 60 },
        Distribution::Categorical {
            values: vec![json!("a"), json!(0), json!(null)],
            probabilities: None,
        },
        steps(Law::Uniform { min: 1.0, max: 10.5 }, 4.0),
        steps(Law::LogUniform { min_ln: 0.0, max_ln: libm::log(300.0) }, 1.0),
        Distribution::Categorical { values: vec![json!(1), json!(1.0)], probabilities: None },
        Distribution::Real { law: Law::Normal { mu: 0.0, sigma: 1.0 }, quantum: None },
    ])
}

#[test]
fn a_parameter_that_cannot_vary_has_no_axis() {
    let space = several();
    let axes = Axes::of(&space);
    assert_eq!(axes.len(), 5);
    let kinds = axes.dimensions();
    assert_eq!(kinds.iter().filter(|&&kind| kind == Dimension::Category).count(), 1);
    assert_eq!(axes.size(), None);
    assert_eq!(axes.point(&[0.5; 5]).values[5], json!(1));
}

#[test]
fn the_numbers_of_a_list_lie_evenly_in_their_order() {
    let list = |values: &[Value]| {
        space(vec![Distribution::Categorical { values: values.to_vec(), probabilities: None }])
    };
    let space = list(&[json!(256), json!(16), json!(32.0), json!(16.0)]);
    let axes = Axes::of(&space);
    assert_eq!(axes.dimensions(), [Dimension::Numeric]);
    let values: Vec<Value> = [0.1, 0.5, 0.9].map(|x| axes.point(&[x]).values[0].clone()).to_vec();
    assert_eq!(values, [json!(16), json!(32.0), json!(256)]);
    assert_eq!(axes.coordinates(&axes.point(&[0.5])).unwrap(), [0.5]);
    for unordered in [&[json!(1), json!(2)][..], &[json!(1), json!("2"), json!(3)]] {
        assert_eq!(Axes::of(&list(unordered)).dimensions(), [Dimension::Category]);
    }
}

#[test]
fn coordinates_and_points_are_inverses() {
    let space = several();
    let axes = Axes::of(&space);
    let mut stream = Stream::new(1, 0, Purpose::Draw);
    for _ in 0..500 {
        let x = axes.draw(&(0..axes.len()).map(|_| stream.uniform()).collect::<Vec<f64>>());
        let point = axes.point(&x);
        let back = axes.coordinates(&point).unwrap();
        assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?} {back:?}");
        for moved in axes.levels_around(&x, &[0.01], &mut stream) {
            assert_ne!(axes.key(&axes.point(&moved)), axes.key(&point));
        }
    }
}

#[test]
fn counting_a_finite_space_meets_each_point_once() {
    let mut space = several();
    space.parameters.pop();
    let axes = Axes::of(&space);
    // There are 64 integers, 3 categories, {4, 8}, and 1 to 300.
    assert_eq!(axes.size(), Some(64 * 3 * 2 * 300));
    let keys: BTreeSet<Key> =
        (0..64 * 3 * 2 * 300).map(|rank| axes.key(&axes.point(&axes.nth(rank))).unwrap()).collect();
    assert_eq!(keys.len(), 64 * 3 * 2 * 300);
}

#[test]
fn points_from_elsewhere_are_not_in_the_space() {
    let space = space(vec![
        Distribution::IntUniform { min: 1, max: 5 },
        Distribution::Categorical { values: vec![json!("a"), json!("b")], probabilities: None },
    ]);
    let axes = Axes::of(&space);
    let key = |a: Value, b: Value| axes.key(&Point { values: vec![a, b] });
    assert_eq!(key(json!(2.0), json!("b")), Some(vec![1, 1]));
    assert_eq!(key(json!(6), json!("b")), None);
    assert_eq!(key(json!(2.5), json!("b")), None);
    assert_eq!(key(json!(2), json!("c")), None);
    assert_eq!(axes.coordinates(&Point { values: vec![json!(2)] }), None);
}

#[test]
fn probabilities_decide_the_draw_and_zero_never_comes() {
    let values = vec![json!("never"), json!("rare"), json!("often"), json!("rare")];
    let distribution =
        Distribution::Categorical { values, probabilities: Some(vec![0.0, 0.05, 0.9, 0.05]) };
    let space = space(vec![distribution]);
    let axes = Axes::of(&space);
    assert_eq!(axes.size(), Some(2));
    let drawn = |u: f64| axes.point(&axes.draw(&[u])).values[0].clone();
    assert_eq!(
        [0.0, 0.099, 0.101, 0.999].map(drawn),
        ["rare", "rare", "often", "often"].map(Value::from)
    );
}

/// Returns a finite space with chains of conditions: an optimiser decides which other parameters
/// are active, and some of these have dependents too.
fn conditional() -> Space {
    let when = |index: usize, parent: usize, values: Vec<Value>, space: &mut Space| {
        space.parameters[index].condition = Some(Condition { parent, values });
    };
    let listed = |values: Vec<Value>| Distribution::Categorical { values, probabilities: None };
    let mut space = space(vec![
        steps(Law::Uniform { min: 1.0, max: 10.5 }, 4.0),
        listed(vec![json!("sgd"), json!("adam"), json!("lion")]),
        listed(vec![json!(true), json!(false)]),
        Distribution::IntUniform { min: 1, max: 3 },
        Distribution::Constant(json!(7)),
        Distribution::IntUniform { min: 0, max: 4 },
    ]);
    // Parameter 0 depends on lion, 2 on sgd and adam, 3 on 2, and 5 on a constant that depends on
    // 3.
    when(0, 1, vec![json!("lion")], &mut space);
    when(2, 1, vec![json!("sgd"), json!("adam")], &mut space);
    when(3, 2, vec![json!(true)], &mut space);
    when(4, 3, vec![json!(2.0)], &mut space);
    when(5, 4, vec![json!(7)], &mut space);
    space
}

#[test]
fn conditional_points_are_counted_once_each() {
    let space = conditional();
    let axes = Axes::of(&space);
    // `lion` has {4, 8}. `sgd` and `adam` each have `false`, and `true` with 1, with 3, or with 2
    // and five values of parameter 5.
    let size = 2 + 2 * (1 + 2 + 5);
    assert_eq!((axes.len(), axes.size()), (5, Some(size)));
    let mut keys = BTreeSet::new();
    for rank in 0..size {
        let x = axes.nth(rank);
        let point = axes.point(&x);
        let mut settled = point.clone();
        space.settle(&mut settled.values);
        assert_eq!(point, settled);
        assert_eq!(axes.coordinates(&point).as_ref(), Some(&x));
        assert!(keys.insert(axes.key(&point).unwrap()), "{point:?}");
    }
    // Every point that is drawn, perturbed or a neighbour is one of the counted points.
    let mut stream = Stream::new(5, 0, Purpose::Draw);
    for _ in 0..2000 {
        let x = axes.draw(&(0..axes.len()).map(|_| stream.uniform()).collect::<Vec<f64>>());
        let near = axes.levels_around(&x, &[0.1], &mut stream).into_iter();
        for x in near.chain([axes.perturb(&x, 0.1, &mut stream), x]) {
            assert!(keys.contains(&axes.key(&axes.point(&x)).unwrap()));
        }
    }
}

#[test]
fn a_parameter_that_can_never_be_active_has_no_axis() {
    let weighted = Distribution::Categorical {
        values: vec![json!("never"), json!("a"), json!("b")],
        probabilities: Some(vec![0.0, 0.5, 0.5]),
    };
    let real = Distribution::Real { law: Law::Uniform { min: 0.0, max: 1.0 }, quantum: None };
    let mut space = space(vec![weighted, real.clone(), real]);
    space.parameters[1].condition = Some(Condition { parent: 0, values: vec![json!("never")] });
    space.parameters[2].condition = Some(Condition { parent: 0, values: vec![json!("b")] });
    let axes = Axes::of(&space);
    assert_eq!((axes.len(), axes.size()), (2, None));
    let of = |u: f64| axes.point(&axes.draw(&[u, 0.25])).to_json(&space).to_string();
    assert_eq!(of(0.1), r#"{"p0":"a"}"#);
    assert_eq!(of(0.9), r#"{"p0":"b","p2":0.25}"#);
    space.parameters.pop();
    assert_eq!(Axes::of(&space).size(), Some(2));
}

#[test]
fn a_category_with_under_half_of_its_share_is_neglected_and_can_be_held() {
    let letters = Distribution::Categorical {
        values: vec![json!("a"), json!("b"), json!("c")],
        probabilities: Some(vec![0.4, 0.5, 0.1]),
    };
    let space = space(vec![Distribution::IntUniform { min: 1, max: 9 }, letters]);
    let axes = Axes::of(&space);
    let neglected = |counts: [usize; 3]| {
        let of = |(level, count): (usize, usize)| std::iter::repeat_n([0.5, level as f64], count);
        let tried: Vec<[f64; 2]> = counts.into_iter().enumerate().flat_map(of).collect();
        axes.neglected(&tried.iter().map(<[f64; 2]>::as_slice).collect::<Vec<_>>())
    };
    let level = |coordinate| Some(Level { axis: 1, coordinate });
    assert_eq!(
        neglected([3, 8, 0]),
        None,
        "a has its share, and c has not been promised two of 11"
    );
    assert_eq!(neglected([2, 10, 0]), level(0.0));
    assert_eq!(neglected([9, 13, 0]), level(2.0));
    assert_eq!(neglected([9, 10, 2]), None);

    let within = axes.within(&[Level { axis: 1, coordinate: 2.0 }]);
    let mut stream = Stream::new(1, 0, Purpose::Draw);
    for rank in 0..27 {
        let x = within.draw(&[stream.uniform(), stream.uniform()]);
        assert_eq!(
            (x[1], within.nth(rank)[1], within.perturb(&x, 0.1, &mut stream)[1]),
            (2.0, 2.0, 2.0)
        );
        assert!(within.levels_around(&x, &[0.1], &mut stream).iter().all(|other| other[1] == 2.0));
    }
}

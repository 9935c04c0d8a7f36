//! Tests the points that people want tried: those of the configuration and those of the queue.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{point::Wanted, search::conditions::any_space};

fn given(point: &Point) -> Wanted {
    Wanted { values: point.values.iter().cloned().map(Some).collect() }
}

/// Returns at most `count` different points of the space, as people could want them.
fn some_points(space: &Space, count: usize) -> Vec<Point> {
    let draws = Study::new(Method::Random, space.clone(), 1234);
    let mut seen = BTreeSet::new();
    let draw = |number| propose(&draws, number, &History::default()).unwrap().point;
    let is_new = |point: &Point| seen.insert(point.to_json(space).to_string());
    (0..40).map(draw).filter(is_new).take(count).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The first points of a space are listed, and the others are queued, for trials with odd
    /// numbers.
    #[test]
    fn wanted_points_come_first_in_their_order_and_once(
        countable in any_space(true),
        any in any_space(false),
        listed in 0_usize..5,
        seed in any::<u64>(),
    ) {
        for method in [Method::Grid, Method::Random, Method::Sobol, Method::Bayes] {
            let space = if method == Method::Grid { &countable } else { &any };
            let points = some_points(space, listed + 3);
            let (first, later) = points.split_at(listed.min(points.len()));
            let wanted = first.iter().map(given).collect();
            let study = Study { wanted, ..Study::new(method, space.clone(), seed) };
            let mut later = later.iter();
            let mut history = History::default();
            let most = bound(method, space).map_or(15, |size| size.min(15));
            let mut origins = BTreeMap::new();
            for number in 0..most {
                // People cannot queue a point that was tried.
                let is_new = |point: &&Point| !history.trials.iter().any(|t| t.point == **point);
                let next = if number % 2 == 1 { later.find(is_new) } else { None };
                if let Some(point) = next {
                    history.queued.insert(number, given(point));
                }
                let found = propose(&study, number, &history).unwrap();
                let is_queued = history.queued.contains_key(&number);
                prop_assert_eq!(is_queued, found.origin == Origin::Queued);
                let text = found.point.to_json(space).to_string();
                origins.entry(text).or_insert_with(Vec::new).push(found.origin.clone());
                history.trials.push(Trial::pending(found.point, found.fit));
            }
            let mut in_turn = (0..most).filter(|number| !history.queued.contains_key(number));
            for point in first {
                let Some(number) = in_turn.next() else { break };
                prop_assert_eq!(&history.trials[number as usize].point, point);
            }
            for (number, wanted) in &history.queued {
                let point = wanted.whole(space).unwrap();
                prop_assert_eq!(&history.trials[*number as usize].point, &point);
            }
            // Random and Sobol search may draw a point again.
            if matches!(method, Method::Grid | Method::Bayes) && bound(method, space).is_some() {
                prop_assert!(origins.values().all(|all| all.len() == 1), "{:?}", origins);
            }
        }
    }
}

#[test]
fn the_method_fills_what_a_point_leaves_out() {
    let want = |lr: f64| Wanted { values: vec![Some(json!(lr)), None, None, None, None, None] };
    for method in [Method::Random, Method::Sobol, Method::Bayes] {
        let plain = study(method, mixed(), 5);
        let drawn = Study {
            method: if method == Method::Bayes { Method::Random } else { method },
            ..plain.clone()
        };
        let study = Study { wanted: vec![want(0.5), want(0.25)], ..plain };
        for (number, lr) in [(0, 0.5), (1, 0.25)] {
            let found = propose(&study, number, &History::default()).unwrap();
            assert_eq!(found.origin, Origin::Listed { index: number });
            assert_eq!(found.point.values[0], json!(lr), "{method:?}");
            let filled = propose(&drawn, number, &History::default()).unwrap().point.values;
            assert_eq!(found.point.values[1..], filled[1..], "{method:?}");
        }
    }
}

#[test]
fn a_queued_point_delays_the_listed_ones() {
    let want = |x: f64| Wanted { values: vec![Some(json!(x))] };
    let plain = study(Method::Sobol, vec![("x", uniform(0.0, 1.0))], 1);
    let study = Study { wanted: vec![want(0.5), want(0.75)], ..plain };
    let queued = BTreeMap::from([(1, want(0.125))]);
    let history = History { queued, ..History::default() };
    let next = ahead(&study, 0, history, 4);
    let origins: Vec<&Origin> = next.iter().map(|suggestion| &suggestion.origin).collect();
    let listed = |index| Origin::Listed { index };
    assert_eq!(origins, [&listed(0), &Origin::Queued, &listed(1), &Origin::Sobol]);
}

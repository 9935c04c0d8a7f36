//! Compares the three rules with cases that were worked out by hand, and with a simple computation
//! from sorted lists.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn decide(
    rule: &EarlyTerminate,
    maximize: bool,
    (value, best): (f64, f64),
    costs: &[f64],
) -> Decision {
    let mut others = costs.to_vec();
    others.sort_by(f64::total_cmp);
    judge(rule, maximize, &Arrival { iteration: rule.next_rung(0).unwrap(), value, best }, &others)
}

fn stops(rule: &EarlyTerminate, value: f64, costs: &[f64]) -> bool {
    decide(rule, false, (value, value), costs).verdict == Verdict::Stop
}

fn hyperband(eta: f64, strict: bool) -> EarlyTerminate {
    EarlyTerminate::Hyperband(Hyperband { bands: Bands::From { min_iter: 3 }, eta, strict })
}

fn asha(eta: f64) -> EarlyTerminate {
    EarlyTerminate::Asha(Asha { min_iter: 1, eta, max_iter: None })
}

fn median() -> EarlyTerminate {
    EarlyTerminate::Median(Median { min_iter: 10, interval: 5, min_trials: 4 })
}

fn rungs(rule: &EarlyTerminate) -> Vec<u64> {
    std::iter::successors(rule.next_rung(0), |rung| rule.next_rung(*rung)).collect()
}

fn bands(max_iter: u32, s: u32, eta: f64) -> Vec<u64> {
    rungs(&EarlyTerminate::Hyperband(Hyperband {
        bands: Bands::UpTo { max_iter, s },
        eta,
        strict: true,
    }))
}

#[test]
fn rungs_are_where_wandb_has_its_bands() {
    assert_eq!(rungs(&hyperband(3.0, true))[..5], [3, 9, 27, 81, 243]);
    // W&B's list is int(3), int(4.5), int(6.75), int(10.125).
    assert_eq!(rungs(&hyperband(1.5, true))[..4], [3, 4, 6, 10]);
    assert_eq!(
        rungs(&hyperband(1.01, true)).len(),
        6,
        "of the first hundred, those that rounding leaves"
    );
    assert_eq!(bands(27, 2, 3.0), [3, 9]);
    assert_eq!(bands(27, 9, 3.0), [1, 3, 9], "below 1 there is none");
    assert_eq!(bands(100, 3, 3.0), [3, 11, 33]);
    assert_eq!(bands(2, 3, 3.0), [0; 0]);
    assert_eq!(rungs(&asha(4.0))[..3], [1, 4, 16]);
    assert_eq!(
        rungs(&EarlyTerminate::Asha(Asha { min_iter: 2, eta: 2.0, max_iter: Some(16) })),
        [2, 4, 8]
    );
    assert_eq!(rungs(&median())[..3], [10, 15, 20]);
    for rule in [hyperband(1e300, true), asha(1.0000001), median()] {
        let rungs = rungs(&rule);
        assert!(rungs.len() <= 100 && rungs.is_sorted(), "{rule:?}: {rungs:?}");
    }
    assert_eq!(
        (median().next_rung(10), median().next_rung(14), median().next_rung(15)),
        (Some(15), Some(15), Some(20))
    );
}

#[test]
fn hyperband_takes_wandbs_threshold() {
    let rule = hyperband(3.0, true);
    assert!(!stops(&rule, 99.0, &[]), "one alone goes on");
    assert!(
        stops(&rule, 2.0, &[1.0]) && !stops(&rule, 0.5, &[1.0]),
        "of two the worse stops: [1, 2][int(2/3)] = 1"
    );
    // [1, 2, 3][int(3/3)] = 2.
    assert!(
        stops(&rule, 3.0, &[1.0, 2.0])
            && !stops(&rule, 2.0, &[1.0, 3.0])
            && !stops(&rule, 1.0, &[2.0, 3.0])
    );
    // [1, 2, 3, 4, 5, 6][int(6/3)] = 3.
    assert!(
        stops(&rule, 4.0, &[1.0, 2.0, 3.0, 5.0, 6.0])
            && !stops(&rule, 3.0, &[1.0, 2.0, 4.0, 5.0, 6.0])
    );
    assert!(!stops(&rule, 1.0, &[1.0, 1.0, 1.0]), "equal is not worse");
    let decision = decide(&rule, false, (4.0, 4.0), &[1.0, 2.0, 3.0, 5.0, 6.0]);
    let wanted = Decision {
        iteration: 3,
        value: 4.0,
        rank: 4,
        of: 6,
        threshold: Some(3.0),
        verdict: Verdict::Stop,
    };
    assert_eq!(decision, wanted);
}

#[test]
fn strict_judges_the_value_at_the_rung_and_not_strict_the_best() {
    let costs = [1.0, 2.0, 3.0, 4.0, 5.0];
    let (strict, lenient) = (hyperband(3.0, true), hyperband(3.0, false));
    // The value is 9 now and was 2 before: [1, 2, 3, 4, 5, 9][2] = 3.
    assert_eq!(decide(&strict, false, (9.0, 2.0), &costs).verdict, Verdict::Stop);
    let decision = decide(&lenient, false, (9.0, 2.0), &costs);
    assert_eq!(
        (decision.verdict, decision.value, decision.threshold),
        (Verdict::GoOn, 2.0, Some(3.0))
    );
    let arrival = Arrival { iteration: 3, value: 9.0, best: 2.0 };
    assert_eq!(
        (strict.cost(false, &arrival), lenient.cost(false, &arrival)),
        (9.0, 9.0),
        "others see the rung"
    );
    assert_eq!(asha(3.0).cost(true, &arrival), -2.0, "there others see the best");
}

#[test]
fn larger_can_be_better() {
    let rule = hyperband(2.0, true);
    // The other trials' accuracies are 0.9, 0.8 and 0.7; the judged trial's accuracy is 0.75. The
    // worst that goes on is at index 4 / 2 = 2 of [0.9, 0.8, 0.75, 0.7].
    let others = [-0.9, -0.8, -0.7];
    let decision = decide(&rule, true, (0.75, 0.75), &others);
    assert_eq!(
        (decision.threshold, decision.rank, decision.verdict),
        (Some(0.75), 3, Verdict::GoOn)
    );
    assert_eq!(decide(&rule, true, (0.6, 0.6), &others).verdict, Verdict::Stop);
    let zero = decide(&rule, true, (0.0, 0.0), &[]);
    assert!(zero.threshold.unwrap().is_sign_positive(), "no -0");
}

#[test]
fn asha_lets_the_best_share_go_on() {
    let rule = asha(3.0);
    assert!(!stops(&rule, 9.0, &[]) && !stops(&rule, 9.0, &[1.0]), "fewer than eta go on");
    // Of three trials, one goes on.
    assert!(stops(&rule, 2.0, &[1.0, 3.0]) && !stops(&rule, 1.0, &[2.0, 3.0]));
    // Of seven trials, two go on.
    let six = [1.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert!(!stops(&rule, 2.0, &six) && stops(&rule, 3.5, &six) && !stops(&rule, 0.0, &six));
    let decision = decide(&rule, false, (8.0, 3.5), &six);
    assert_eq!(
        (decision.value, decision.rank, decision.of, decision.threshold),
        (3.5, 3, 7, Some(3.0))
    );
}

#[test]
fn the_median_rule_needs_others_and_judges_the_best() {
    let rule = median();
    assert!(!stops(&rule, 99.0, &[1.0, 2.0, 3.0]), "three others are too few");
    let four = [1.0, 2.0, 4.0, 8.0];
    assert!(stops(&rule, 3.1, &four) && !stops(&rule, 3.0, &four), "the median of four is 3");
    let five = [1.0, 2.0, 4.0, 8.0, 9.0];
    assert!(stops(&rule, 4.1, &five) && !stops(&rule, 4.0, &five), "the median of five is 4");
    let decision = decide(&rule, false, (50.0, 3.0), &five);
    assert_eq!((decision.verdict, decision.rank, decision.of), (Verdict::GoOn, 3, 6));
    assert!(!stops(&rule, f64::MAX, &[f64::MAX; 4]), "nothing overflows");
}

#[test]
fn rules_in_words() {
    let words = [hyperband(3.0, true), hyperband(2.5, false), asha(4.0), median()]
        .map(|rule| rule.to_string());
    insta::assert_snapshot!(words.join("\n"), @"
    hyperband judges a trial when it has logged the metric 3, 9, 27, ... times: \
        of 4, 10, 100 trials there the best 2, 4, 34 go on
    hyperband judges a trial by its best until then, \
        when it has logged the metric 3, 7, 18, ... times: \
        of 4, 10, 100 trials there the best 2, 5, 41 go on
    asha judges a trial by its best when it has logged the metric 1, 4, 16, ... times: \
        of 4, 10, 100 trials there the best 1, 2, 25 go on, \
        and all while fewer than 4 have been there
    median judges a trial by its best when it has logged the metric 10, 15, 20, ... times: \
        it goes on if it is no worse than the median of the others there, \
        or these are fewer than 4
    ");
    let once = Hyperband { bands: Bands::UpTo { max_iter: 3, s: 1 }, eta: 2.0, strict: true };
    let once = EarlyTerminate::Hyperband(once).to_string();
    assert!(
        once.contains("metric once: of 4, 10, 100 trials there the best 3, 6, 51 go on"),
        "{once}"
    );
}

#[test]
fn as_many_go_on_as_the_words_say() {
    for rule in
        [hyperband(2.0, true), hyperband(3.0, false), hyperband(1.1, true), asha(2.0), asha(3.5)]
    {
        for of in 1..40 {
            let costs =
                |own: usize| (0..of).filter(move |rank| *rank != own).map(|rank| rank as f64);
            let others = |own| costs(own).collect::<Vec<f64>>();
            let going = (0..of).filter(|own| !stops(&rule, *own as f64, &others(*own))).count();
            assert_eq!(going, rule.go_on(of).unwrap_or(of), "{rule} {of}");
        }
    }
}

proptest! {
    /// W&B sorts the values of all trials in one list, and takes the value at an index as the
    /// threshold.
    #[test]
    fn judging_by_the_others_equals_sorting_all_values(
        costs in prop::collection::vec((-9..9i32).prop_map(f64::from), 0..40),
        own in (-9..9i32).prop_map(f64::from),
        eta in 1.1..6.0f64,
    ) {
        let mut all = costs.clone();
        all.push(own);
        all.sort_by(f64::total_cmp);
        let threshold = all[(all.len() as f64 / eta) as usize];
        let decision = decide(&hyperband(eta, true), false, (own, own), &costs);
        prop_assert_eq!(decision.threshold, Some(threshold));
        prop_assert_eq!(decision.verdict == Verdict::Stop, own > threshold);

        let best = (all.len() as f64 / eta) as usize;
        let ahead = all.iter().filter(|cost| **cost < own).count();
        let goes_on = best == 0 || ahead < best;
        prop_assert_eq!(
            decide(&asha(eta), false, (own, own), &costs).verdict == Verdict::GoOn,
            goes_on
        );
    }
}

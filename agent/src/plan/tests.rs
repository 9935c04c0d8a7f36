//! Tests of the plan: the actions that each event causes, and the invariants that hold in every
//! order of events.

use proptest::prelude::*;
use proto::v1::{AgentGpu, Outcome, RunAttempt};

use super::*;
use crate::trial::outcome::Unstartable;

const GRACE: Duration = Duration::from_secs(20);

fn plan(slots: usize, count: Option<u64>) -> Plan {
    Plan::new(Me {
        agent: "a".to_owned(),
        incarnation: 1,
        slots,
        count,
        grace: GRACE,
        ..Me::default()
    })
}

fn attempt(number: u32) -> Attempt {
    Attempt::new(format!("s-{number}"), 1)
}

fn start(number: u32) -> Start {
    Start { run: format!("s-{number}"), attempt: 1, ..Start::default() }
}

/// Sends a beat and answers it.
fn answer(plan: &mut Plan, start: Vec<Start>, stop: Vec<v1::Stop>) -> (Beat, Vec<Action>) {
    let beat = plan.beat(Duration::from_secs(1));
    let orders = Orders { beat: beat.beat, start, stop, ..Orders::default() };
    (beat, plan.take(Event::Answered(orders)))
}

fn report(state: &str, message: &str) -> Verdict {
    let class = if state == "failed" { "error".to_owned() } else { String::new() };
    Verdict::Report(Outcome {
        state: state.to_owned(),
        class,
        message: message.to_owned(),
        ..Outcome::default()
    })
}

fn over(plan: &mut Plan, number: u32, verdict: Verdict, seconds: u64) -> Vec<Action> {
    plan.take(Event::Over { attempt: attempt(number), verdict, ran: Duration::from_secs(seconds) })
}

fn spawned(actions: &[Action]) -> Vec<(usize, String)> {
    let spawn = |action: &Action| match action {
        Action::Spawn { slot, start } => Some((*slot, start.run.clone())),
        _ => None,
    };
    actions.iter().filter_map(spawn).collect()
}

#[test]
fn a_trial_goes_from_start_to_report() {
    let mut plan = plan(2, None);
    let (beat, actions) = answer(&mut plan, vec![start(1)], vec![]);
    assert_eq!((beat.free, beat.holds.len()), (2, 0));
    assert_eq!(spawned(&actions), [(0, "s-1".to_owned())]);
    plan.take(Event::Started(attempt(1)));
    assert_eq!(plan.news(), News::Now);
    // The controller repeats the start order, because its answer was under way when the agent sent
    // the next beat.
    let (beat, actions) = answer(&mut plan, vec![start(1)], vec![]);
    assert_eq!((beat.free, beat.holds[0].started), (1, true));
    assert_eq!(actions, []);
    over(&mut plan, 1, report("finished", ""), 1);
    assert_eq!(plan.news(), News::Now, "a slot is free");
    let beat = plan.beat(Duration::ZERO);
    assert_eq!((beat.free, beat.holds.len()), (2, 1), "held until the report is taken");
    plan.take(Event::Reported(attempt(1)));
    assert!(plan.holds_nothing() && !plan.is_done());
    assert_eq!(plan.news(), News::Soon, "the sweep may be over by now");
}

#[test]
fn declined_starts_are_repeated_until_the_controller_answers() {
    let mut plan = plan(1, None);
    let (_, actions) = answer(&mut plan, vec![start(1), start(2)], vec![]);
    assert_eq!(spawned(&actions).len(), 1);
    let lost = plan.beat(Duration::ZERO);
    assert_eq!(lost.declined, [RunAttempt { run: "s-2".to_owned(), attempt: 1 }]);
    let (again, _) = answer(&mut plan, vec![], vec![]);
    assert_eq!(again.declined, lost.declined);
    assert_eq!(plan.beat(Duration::ZERO).declined, []);
}

#[test]
fn an_answer_to_an_older_beat_is_ignored() {
    let mut plan = plan(1, None);
    let old = plan.beat(Duration::ZERO).beat;
    plan.beat(Duration::ZERO);
    let orders = Orders { beat: old, start: vec![start(1)], sweep_over: true, ..Orders::default() };
    assert_eq!(plan.take(Event::Answered(orders)), []);
    assert!(plan.holds_nothing() && !plan.is_done());
}

#[test]
fn the_count_includes_only_trials_started_here() {
    let mut plan = plan(4, Some(2));
    plan.adopt(attempt(9), vec![3]);
    let (beat, actions) = answer(&mut plan, vec![start(1), start(2), start(3)], vec![]);
    assert_eq!((beat.free, spawned(&actions).len()), (2, 2));
    for number in [1, 2, 9] {
        over(&mut plan, number, report("finished", ""), 1);
        plan.take(Event::Reported(attempt(number)));
    }
    assert!(!plan.is_done(), "the third one is still to be given back");
    let (beat, _) = answer(&mut plan, vec![], vec![]);
    assert_eq!((beat.free, beat.wait_ms, beat.declined.len()), (0, 0, 1));
    assert!(plan.is_done());
    assert_eq!(plan.into_failure(), None);
}

#[test]
fn a_stop_is_carried_out_once_and_a_fence_can_follow_it() {
    let mut plan = plan(1, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let stop = |reason: &str| v1::Stop {
        run: "s-1".to_owned(),
        attempt: 1,
        reason: reason.to_owned(),
        grace_ms: 5,
    };
    let causes = |actions: Vec<Action>| -> Vec<Cause> {
        let cause = |action| match action {
            Action::Stop(_, stop) => Some(stop.cause),
            _ => None,
        };
        actions.into_iter().filter_map(cause).collect()
    };
    assert_eq!(causes(answer(&mut plan, vec![], vec![stop("cancelled")]).1), [Cause::Wanted]);
    assert_eq!(causes(answer(&mut plan, vec![], vec![stop("cancelled")]).1), []);
    assert_eq!(causes(answer(&mut plan, vec![], vec![stop("fenced")]).1), [Cause::Fenced]);
    over(&mut plan, 1, Verdict::Fenced, 1);
    assert_eq!(causes(answer(&mut plan, vec![], vec![stop("fenced")]).1), []);
}

#[test]
fn the_first_interrupt_drains_and_the_second_ends() {
    let mut plan = plan(2, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let said = plan.take(Event::Interrupted);
    assert_eq!(
        said,
        [Action::Say(
            "no new trials; 1 running trial may finish (Ctrl-C again ends it)".to_owned()
        )]
    );
    let (beat, actions) = answer(&mut plan, vec![start(2)], vec![]);
    assert_eq!((beat.free, spawned(&actions).len()), (0, 0));
    let actions = plan.take(Event::Interrupted);
    let leaving = Stop { cause: Cause::Leaving, grace: GRACE };
    assert!(actions.contains(&Action::Stop(attempt(1), leaving)), "{actions:?}");
    over(&mut plan, 1, report("preempted", ""), 1);
    plan.take(Event::Reported(attempt(1)));
    answer(&mut plan, vec![], vec![]);
    assert!(plan.is_done());
}

#[test]
fn a_sigterm_ends_running_trials_at_once() {
    let mut plan = plan(2, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let actions = plan.take(Event::Terminated);
    let leaving = Stop { cause: Cause::Leaving, grace: GRACE };
    let said = Action::Say("ending 1 trial: 20 s to save what they have".to_owned());
    assert_eq!(actions, [said, Action::Stop(attempt(1), leaving)]);
    assert_eq!(plan.take(Event::Terminated), [], "a second SIGTERM changes nothing");
    assert_eq!(plan.take(Event::Interrupted), [], "nor does a later Ctrl-C");
    let (beat, actions) = answer(&mut plan, vec![start(2)], vec![]);
    assert_eq!((beat.free, spawned(&actions).len()), (0, 0));
    over(&mut plan, 1, report("preempted", ""), 1);
    plan.take(Event::Reported(attempt(1)));
    let (beat, _) = answer(&mut plan, vec![], vec![]);
    assert_eq!(
        (beat.declined.len(), plan.is_done()),
        (1, true),
        "not before the other trial is given back"
    );
}

#[test]
fn the_reason_for_no_trials_is_printed_once_a_slot_is_free() {
    let mut plan = plan(1, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let noted = |plan: &mut Plan| {
        let beat = plan.beat(Duration::ZERO).beat;
        plan.take(Event::Answered(Orders {
            beat,
            note: "it is paused".to_owned(),
            ..Orders::default()
        }))
    };
    assert_eq!(noted(&mut plan), [], "no slot is free");
    over(&mut plan, 1, report("finished", ""), 1);
    assert_eq!(noted(&mut plan), [Action::Say("it is paused".to_owned())]);
    assert_eq!(noted(&mut plan), [], "the note is printed once");
}

#[test]
fn an_idle_agent_ends_with_the_sweep() {
    let mut plan = plan(1, None);
    let beat = plan.beat(Duration::ZERO).beat;
    plan.take(Event::Answered(Orders { beat, sweep_over: true, ..Orders::default() }));
    assert!(plan.is_done());
}

#[test]
fn quick_failures_in_a_row_end_the_agent() {
    let mut plan = plan(1, None);
    for number in 0..5 {
        assert_eq!(plan.free(), 1);
        answer(&mut plan, vec![start(number)], vec![]);
        over(&mut plan, number, report("failed", "exit code 1\nTraceback\nno data"), 2);
        plan.take(Event::Reported(attempt(number)));
    }
    answer(&mut plan, vec![], vec![]);
    assert!(plan.is_done());
    let failure = plan.into_failure().unwrap();
    assert_eq!(
        failure.message,
        "5 trials in a row failed within 60 s of their start, each with exit code 1"
    );
    assert_eq!(failure.details, ["  Traceback", "  no data"]);
}

#[test]
fn a_success_or_a_late_failure_breaks_the_row() {
    let mut plan = plan(1, None);
    for number in 0..20 {
        answer(&mut plan, vec![start(number)], vec![]);
        let (verdict, seconds) = match number % 5 {
            4 if number < 10 => (report("finished", ""), 1),
            4 => (report("failed", "exit code 1"), 61),
            _ => (report("failed", "exit code 1"), 1),
        };
        over(&mut plan, number, verdict, seconds);
        plan.take(Event::Reported(attempt(number)));
    }
    assert_eq!(plan.free(), 1);
}

#[test]
fn a_trial_that_cannot_be_started_goes_back_and_ends_the_agent() {
    let mut plan = plan(2, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let reason = Unstartable::new("program `train.py` not found in /x").hint("start it there");
    over(&mut plan, 1, Verdict::Decline(Some(reason)), 0);
    assert!(!plan.is_done(), "the controller must get the trial back first");
    let (beat, _) = answer(&mut plan, vec![], vec![]);
    assert_eq!((beat.free, beat.declined.len()), (0, 1));
    assert!(plan.is_done());
    let failure = plan.into_failure().unwrap();
    assert_eq!(
        (failure.message.as_str(), failure.exit),
        ("program `train.py` not found in /x", Exit::Refused)
    );
}

#[test]
fn a_lost_trial_is_not_started_again_under_the_same_attempt() {
    let mut plan = plan(1, None);
    answer(&mut plan, vec![start(1)], vec![]);
    over(&mut plan, 1, Verdict::Lost, 1);
    assert_eq!(plan.beat(Duration::ZERO).holds.len(), 1, "held until its rows have been sent");
    assert_eq!(plan.take(Event::Reported(attempt(1))), [Action::Incarnate(2)]);
    let (beat, actions) = answer(&mut plan, vec![start(1)], vec![]);
    assert_eq!((beat.incarnation, beat.holds.len(), spawned(&actions).len()), (2, 0, 0));
    assert_eq!(plan.beat(Duration::ZERO).declined.len(), 1);
}

#[test]
fn an_attempt_whose_end_was_refused_never_starts_again() {
    let mut plan = plan(1, None);
    answer(&mut plan, vec![start(1)], vec![]);
    over(&mut plan, 1, report("finished", ""), 1);
    over(&mut plan, 1, Verdict::Lost, 1);
    assert_eq!(plan.take(Event::Reported(attempt(1))), [Action::Incarnate(2)]);
    let (_, actions) = answer(&mut plan, vec![start(1)], vec![]);
    assert_eq!(spawned(&actions), [], "the attempt has run already");
}

#[test]
fn a_slot_that_is_still_occupied_is_not_given_away() {
    let mut plan = plan(2, None);
    answer(&mut plan, vec![start(1)], vec![]);
    let slot = |plan: &mut Plan, occupancy| plan.take(Event::Slot(attempt(1), occupancy));
    assert_eq!(slot(&mut plan, Occupancy::Taken), []);
    over(&mut plan, 1, report("stopped", ""), 1);
    plan.take(Event::Reported(attempt(1)));
    let (beat, actions) = answer(&mut plan, vec![start(2)], vec![]);
    assert_eq!(
        (beat.free, beat.set_aside.len(), spawned(&actions)),
        (1, 0, vec![(1, "s-2".to_owned())])
    );
    let said = "slot 1 is set aside: process 7 cannot be ended (s-1 (attempt 1))".to_owned();
    assert_eq!(
        slot(&mut plan, Occupancy::SetAside("process 7 cannot be ended".to_owned())),
        [Action::Say(said.clone())]
    );
    assert_eq!(plan.news(), News::Now, "the controller must hear of it");
    let beat = plan.beat(Duration::ZERO);
    assert_eq!((beat.free, beat.set_aside), (0, vec![said]));
    assert_eq!(slot(&mut plan, Occupancy::Free), [Action::Say("slot 1 is free again".to_owned())]);
    let (beat, actions) = answer(&mut plan, vec![start(3)], vec![]);
    assert_eq!(
        (beat.free, beat.set_aside.len(), spawned(&actions)),
        (1, 0, vec![(0, "s-3".to_owned())])
    );
}

#[test]
fn the_agent_stays_until_a_slot_is_free_or_reported_as_set_aside() {
    let mut plan = plan(1, Some(1));
    answer(&mut plan, vec![start(1)], vec![]);
    plan.take(Event::Slot(attempt(1), Occupancy::Taken));
    over(&mut plan, 1, report("finished", ""), 1);
    plan.take(Event::Reported(attempt(1)));
    assert!(!plan.wants_to_leave() && plan.occupies(&attempt(1)));
    plan.take(Event::Slot(attempt(1), Occupancy::SetAside("process 7 cannot be ended".to_owned())));
    assert!(plan.wants_to_leave() && plan.occupies(&attempt(1)));
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Beat,
    Answer { start: Vec<u32>, stop: Vec<u32>, over: bool },
    Started(u32),
    Over(u32, u8),
    Reported(u32),
    Interrupt,
    Terminate,
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = || proptest::collection::vec(0_u32..12, 0..4);
    prop_oneof![
        3 => Just(Step::Beat),
        5 => (numbers(), numbers(), proptest::bool::weighted(0.05))
            .prop_map(|(start, stop, over)| Step::Answer { start, stop, over }),
        2 => (0_u32..12).prop_map(Step::Started),
        4 => (0_u32..12, 0_u8..5).prop_map(|(number, how)| Step::Over(number, how)),
        3 => (0_u32..12).prop_map(Step::Reported),
        1 => Just(Step::Interrupt),
        1 => Just(Step::Terminate),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_in_every_order_of_events(
        steps in proptest::collection::vec(step(), 0..120),
        slots in 1_usize..4,
        count in proptest::option::of(1_u64..6),
    ) {
        let mut plan = plan(slots, count);
        // The model: the running trials and their slots, the trials whose report is under way, and
        // all trials that ever ran.
        let (mut live, mut ended) = (BTreeMap::<u32, usize>::new(), BTreeSet::<u32>::new());
        let (mut ever, mut beat, mut draining) = (BTreeSet::new(), 0, false);
        for step in steps {
            let actions = match step {
                Step::Beat => {
                    let sent = plan.beat(Duration::from_secs(1));
                    prop_assert!(sent.beat > beat, "beats rise");
                    beat = sent.beat;
                    prop_assert_eq!(
                        sent.holds.len(), live.len() + ended.len(), "a beat names all held attempts"
                    );
                    prop_assert!(sent.free as usize + live.len() <= slots);
                    prop_assert!(
                        count.is_none_or(
                            |count| u64::from(sent.free) + ever.len() as u64 <= count
                        )
                    );
                    prop_assert!(!draining || sent.free == 0);
                    vec![]
                }
                // A controller hands out every trial once. A declined trial may be handed out
                // again.
                Step::Answer { start: numbers, stop, over } => {
                    let start = numbers.into_iter().filter(|number| {
                        live.contains_key(number) || !ever.contains(number)
                    }).map(start).collect();
                    let wanted = |number| v1::Stop {
                        run: format!("s-{number}"), attempt: 1, ..v1::Stop::default()
                    };
                    let stop = stop.into_iter().map(wanted).collect();
                    plan.take(Event::Answered(Orders {
                        beat, start, stop, sweep_over: over, ..Orders::default()
                    }))
                }
                Step::Started(number) => plan.take(Event::Started(attempt(number))),
                Step::Over(number, how) if live.remove(&number).is_some() => {
                    let verdict = match how {
                        0 => report("finished", ""),
                        1 => report("failed", "exit code 1"),
                        2 => Verdict::Lost,
                        3 => Verdict::Fenced,
                        _ => Verdict::Decline(None),
                    };
                    if how < 4 {
                        ended.insert(number);
                    }
                    self::over(&mut plan, number, verdict, 1)
                }
                Step::Reported(number) if ended.remove(&number) =>
                    plan.take(Event::Reported(attempt(number))),
                Step::Interrupt => {
                    draining = true;
                    plan.take(Event::Interrupted)
                }
                Step::Terminate => {
                    draining = true;
                    plan.take(Event::Terminated)
                }
                Step::Over(..) | Step::Reported(_) => vec![],
            };
            for (slot, run) in spawned(&actions) {
                let number: u32 = run[2..].parse().unwrap();
                prop_assert!(!draining, "no start after an interrupt");
                prop_assert!(
                    slot < slots && live.values().all(|taken| *taken != slot),
                    "a slot has one trial"
                );
                prop_assert!(
                    !live.contains_key(&number) && !ended.contains(&number),
                    "no attempt starts twice"
                );
                live.insert(number, slot);
                ever.insert(number);
            }
            prop_assert!(
                !plan.is_done() || (live.is_empty() && ended.is_empty()),
                "the agent never leaves while it holds anything"
            );
            prop_assert_eq!(plan.running(), live.len());
        }
    }
}

#[test]
fn a_heartbeat_says_which_run_is_in_which_slot() {
    let gpu = |index| vec![AgentGpu { index, name: "H200".to_owned() }];
    let me = Me { slots: 2, gpus: vec![gpu(0), gpu(3)], ..Me::default() };
    let mut plan = Plan::new(me);
    plan.adopt(attempt(7), vec![1]);
    let beat = plan.beat(Duration::ZERO);
    let slots: Vec<_> =
        beat.slot_list.iter().map(|slot| (slot.gpus[0].index, slot.run.as_str())).collect();
    assert_eq!(slots, [(0, ""), (3, "s-7")]);
    assert!(!beat.version.is_empty());
}

//! Kills a trial's program repeatedly, every second time together with the controller. The next
//! attempt runs under a new agent and resumes from the newest checkpoint. In the end, the trial has
//! computed and logged the same as without a kill.

use std::{fs, path::Path, thread, time::Duration};

use proto::dial::Dial;
use tests::{
    Chance, Lab,
    processes::{Signal, signal},
    program, rows, wait_for,
};

/// More steps than the trial reaches before the last kill.
const STEPS: u64 = 1000;
/// The number of kills. One more failure in a row would count as a crash loop and pause the sweep.
const KILLS: usize = 4;

/// Returns the process id of the trainer with this number. Trainers are counted from 0 in the order
/// of their starts.
fn process(side: &Path, number: usize) -> Option<i32> {
    let side = fs::read_to_string(side).ok()?;
    let mut began = side.lines().filter(|line| line.starts_with("began"));
    began.nth(number)?.split(' ').next_back()?.parse().ok()
}

#[test]
fn a_trial_that_is_killed_repeatedly_ends_as_if_never_killed() {
    let mut lab = Lab::with_controller();
    let side = lab.dir().join("side");
    let sweep = lab.create(&format!(
        "{{method: grid, metric: {{name: loss}}, parameters: {{x: {{values: [1]}}}}, command: \
        ['{}', '{}', '{STEPS}', '2']}}",
        program("sdk_resumer").display(),
        side.display()
    ));
    let mut chance = Chance::from_environment();
    for kill in 0..KILLS {
        let agent = lab.agent(&sweep, &[]);
        let trainer = wait_for("the trainer to start", || process(&side, kill));
        thread::sleep(chance.up_to(Duration::from_millis(300)));
        let without = kill % 2 == 1;
        if without {
            lab.kill_controller();
            thread::sleep(chance.up_to(Duration::from_millis(100)));
        }
        assert_eq!(signal(Signal::KILL, &[trainer]), 1);
        if without {
            lab.start_controller();
        }
        let (_, said) = agent.wait();
        assert_eq!(lab.runs(&sweep)[0]["state"], "failed", "{said}");
        let retried = lab.sweep(&["retry", &sweep]);
        assert!(retried.status.success(), "{retried:?}");
    }
    let (_, said) = lab.agent(&sweep, &[]).wait();
    let run = lab.runs(&sweep).remove(0);
    assert_eq!(
        (&run["state"], &run["attempt"]),
        (&"finished".into(), &(KILLS + 1).into()),
        "{said}"
    );

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let id = run["id"].as_str().unwrap();
    let history = runtime
        .block_on(async { rows::history(&Dial::new(&lab.address(), None).unwrap(), id).await });
    let (state, losses) = rows::training(1, STEPS);
    let logged: Vec<_> = history.iter().map(|(_, row)| rows::step_and_loss(row)).collect();
    assert_eq!(logged, losses);
    let best = losses.iter().map(|(_, bits)| f64::from_bits(*bits)).reduce(f64::min);
    assert_eq!((run["value"].as_f64(), &run["rows"]), (best, &STEPS.into()));
    assert_eq!(run["summary"]["state"], state.to_string());
    let mut attempts: Vec<u32> = history.iter().map(|(attempt, _)| *attempt).collect();
    attempts.dedup();
    assert!(
        attempts.len() > 2 && attempts.is_sorted(),
        "several attempts contribute rows: {attempts:?}"
    );
    terminal::say(format_args!("{KILLS} kills; steps by the attempts {attempts:?}"));
}

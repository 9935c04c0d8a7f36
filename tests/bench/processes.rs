//! Measures the trials per second of one agent with two slots and a program that does nothing. The
//! floor is the same program, spawned without Besom.

use std::{process::Command, thread, time::Instant};

use tests::Lab;

/// Returns a sentence with both rates.
pub(crate) fn measure(trials: u32) -> String {
    let floor = spawn_rate(trials);
    let mut lab = Lab::with_controller();
    let sweep = lab.create(&format!(
        "{{method: grid, command: ['true'], parameters: {{x: {{min: 1, max: {trials}}}}}}}"
    ));
    let begun = Instant::now();
    let (code, said) = lab.agent(&sweep, &["--slots", "2"]).wait();
    let rate = f64::from(trials) / begun.elapsed().as_secs_f64();
    assert_eq!(code, Some(0), "the agent exits with 0: {said}");
    format!(
        "one agent, 2 slots, a program that does nothing: {rate:.0} trials/s; \
         spawned without Besom: {floor:.0}/s ({:.0} % of that)",
        100.0 * rate / floor
    )
}

/// Returns the number of programs that two threads run per second. The programs do nothing.
fn spawn_rate(programs: u32) -> f64 {
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..programs / 2 {
                    let ended = Command::new("true").status().expect("`true` is there");
                    assert!(ended.success(), "`true` succeeds");
                }
            });
        }
    });
    f64::from(programs) / begun.elapsed().as_secs_f64()
}

//! A run outside sweeps in which every row can be recognized: `sdk_logger ROWS PACE_US [SIDE]`. The
//! program prints the run's id, logs, ends the run, and prints how many rows were accepted and
//! refused. Tests start this program, and some of them kill it. SIDE is a file that gets three
//! 64-bit numbers after each row: the step, the time in nanoseconds, and the time of the last
//! wake-up of a thread that sleeps like the journal's thread.

use std::{
    fs::File,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use besom::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [rows, pace] = [&args[0], &args[1]].map(|number| number.parse::<u64>());
    let (rows, pace) = (rows?, Duration::from_micros(pace?));
    let mut side = args.get(2).map(File::create).transpose()?;
    let run = besom::init().project("kills").start()?;
    terminal::print(run.id());
    let awake = Arc::new(AtomicU64::new(tests::monotonic_ns()));
    thread::spawn({
        let awake = Arc::clone(&awake);
        move || loop {
            awake.store(tests::monotonic_ns(), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
        }
    });
    for step in 0..rows {
        let values = tests::rows::values(step);
        run.log_at(step, values.iter().map(|(key, value)| (key, borrowed(value))));
        if let Some(side) = &mut side {
            let words = [step, tests::monotonic_ns(), awake.load(Ordering::Relaxed)];
            side.write_all(&words.map(u64::to_le_bytes).concat())?;
        }
        if !pace.is_zero() {
            thread::sleep(pace);
        }
    }
    let finished = run.finish()?;
    terminal::print(format_args!("{} {}", finished.accepted, finished.refused));
    Ok(())
}

fn borrowed(value: &record::Value) -> Value<'_> {
    match value {
        record::Value::F64(number) => Value::from(number),
        record::Value::I64(number) => Value::from(number),
        record::Value::U64(number) => Value::from(number),
        record::Value::Bool(flag) => Value::from(flag),
        record::Value::Text(text) | record::Value::Json(text) => Value::from(text),
    }
}

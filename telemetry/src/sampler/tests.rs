//! The sampler on this machine, with real processes, and with GPUs of our own making.

use std::process::{self, Command};

use super::*;

#[derive(Debug, Default)]
struct NoGpus;

impl Meter for NoGpus {
    fn read(&mut self) -> Vec<Reading> {
        Vec::new()
    }
}

fn own_tree() -> Sampler<NoGpus> {
    Sampler::new(Root::At(process::id().cast_signed()), ".".into(), NoGpus, Own::All)
}

#[test]
fn a_child_that_burns_and_eats_is_seen() {
    let mut sampler = own_tree();
    let before = sampler.sample();
    // dd keeps a block of 200 MiB in memory while it fills it from the kernel again and again.
    let burn = "dd if=/dev/zero of=/dev/null bs=200M count=100000 2>/dev/null";
    let mut child = Command::new("sh").args(["-c", &format!("{burn} & wait")]).spawn().unwrap();
    let begun = Instant::now();
    let seen = loop {
        thread::sleep(Duration::from_millis(300));
        let row = sampler.sample();
        let grown =
            row.get("system.proc.memory.rssMB").unwrap() - before.get("system.proc.memory.rssMB").unwrap();
        let busy = row.get("system.proc.cpu.percent").unwrap();
        if (grown > 150.0 && busy > 20.0) || begun.elapsed() > Duration::from_secs(60) {
            break row;
        }
    };
    let dd = crate::process::descendants(&crate::process::table(), [child.id().cast_signed()]);
    for pid in dd {
        let _ = Command::new("kill").arg("-9").arg(pid.to_string()).status();
    }
    child.wait().unwrap();
    let get = |name: &str| seen.get(name).unwrap_or_else(|| panic!("{name} is missing in {seen:?}"));
    assert!(get("system.proc.memory.rssMB") > 150.0 + before.get("system.proc.memory.rssMB").unwrap());
    assert!(get("system.proc.cpu.percent") > 20.0);
    assert!(get("system.proc.count") >= 3.0, "this test, the shell and what it started");
    assert!(get("system.cpu_percent") > 5.0);
    for percent in
        ["system.cpu", "system.memory_percent", "system.disk.usagePercent", "system.cpu.0.cpu_percent"]
    {
        assert!((0.0..=100.0).contains(&get(percent)), "{percent}");
    }
    assert!(get("system.network.sent") >= 0.0);
}

#[test]
fn who_has_ended_still_counts_as_busy() {
    let mut sampler = own_tree();
    let child = Command::new("sh").args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]).status();
    assert!(child.unwrap().success());
    let row = sampler.sample();
    assert!(row.get("system.proc.cpu.percent").unwrap() > 1.0, "{row:?}");
}

#[derive(Debug)]
struct TwoGpus;

impl Meter for TwoGpus {
    fn read(&mut self) -> Vec<Reading> {
        let reading = |index: u32| Reading {
            index,
            uuid: format!("GPU-{index}abc"),
            busy_percent: Some(90.0),
            memory_bytes: Some((1 << 30, 4 << 30)),
            watts: Some(350.0),
            limit_watts: Some(700.0),
            ..Reading::default()
        };
        vec![reading(0), reading(1)]
    }
}

#[test]
fn gpus_of_ones_own_are_marked() {
    let own = Own::Named(vec!["GPU-1abc".to_owned()]);
    let mut sampler = Sampler::new(Root::At(process::id().cast_signed()), ".".into(), TwoGpus, own);
    let row = sampler.sample();
    assert_eq!(row.get("system.gpu.0.gpu"), Some(90.0));
    assert_eq!(row.get("system.gpu.1.memoryAllocated"), Some(25.0));
    assert_eq!(row.get("system.gpu.1.powerPercent"), Some(50.0));
    assert_eq!(row.get("system.gpu.process.1.gpu"), Some(90.0));
    assert_eq!(row.get("system.gpu.process.0.gpu"), None, "somebody else's");
    assert_eq!(row.get("system.gpu.0.temp"), None, "it does not tell");
    assert_eq!(Own::parse(Some("0, GPU-1")), Own::Named(vec!["0".to_owned(), "GPU-1".to_owned()]));
    assert!(Own::parse(None).has(3, "GPU-x") && !Own::parse(Some("")).has(0, "GPU-x"));
}

#[test]
fn the_thread_samples_until_nobody_wants_more() {
    let (rows, taken) = mpsc::sync_channel(100);
    let sampling =
        start(Duration::from_millis(100), own_tree, move |row| rows.send(row.clone()).is_ok()).unwrap();
    for _ in 0..3 {
        assert!(taken.recv_timeout(Duration::from_secs(20)).unwrap().values().len() > 10);
    }
    drop(sampling);
    assert!(taken.recv_timeout(Duration::from_secs(20)).is_err() || taken.iter().count() < 3, "it has ended");
}

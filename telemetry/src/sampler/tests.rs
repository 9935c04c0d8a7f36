//! Tests the sampler on this machine, with real processes and fake GPUs.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{self, Child, Command, Stdio},
};

use super::*;

#[derive(Debug, Default)]
struct NoGpus;

impl Meter for NoGpus {
    fn read(&mut self) -> Vec<Reading> {
        Vec::new()
    }
}

/// Makes a sampler of a shell and its children. The processes of other tests are not in this tree.
fn tree_of(shell: &Child) -> Sampler<NoGpus> {
    Sampler::new(Root::At(shell.id().cast_signed()), ".".into(), NoGpus, Own::All)
}

/// Starts a shell with this script. At each `read` in the script, the shell waits for a line from
/// the test.
fn shell(script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_childs_cpu_time_and_memory_are_counted() {
    // dd fills a block of 200 MiB in its memory with zeros again and again.
    let mut shell = shell(
        "read go; dd if=/dev/zero of=/dev/null bs=200M count=1000000 2>/dev/null & read end; kill \
        -9 $!",
    );
    let mut sampler = tree_of(&shell);
    let mut input = shell.stdin.take().unwrap();
    writeln!(input, "go").unwrap();
    let seen = loop {
        thread::sleep(Duration::from_millis(100));
        let row = sampler.sample();
        let get = |name: &str| row.get(name).unwrap();
        let busy = get("system.proc.cpu.percent") > 0.0 && get("system.cpu_percent") > 0.0;
        if busy && get("system.proc.memory.rssMB") > 150.0 {
            break row;
        }
    };
    let get =
        |name: &str| seen.get(name).unwrap_or_else(|| panic!("{name} is missing in {seen:?}"));
    assert_eq!(get("system.proc.count"), 2.0, "the shell and its child");
    for percent in [
        "system.cpu",
        "system.memory_percent",
        "system.disk.usagePercent",
        "system.cpu.0.cpu_percent",
    ] {
        assert!((0.0..=100.0).contains(&get(percent)), "{percent}");
    }
    assert!(get("system.network.sent") >= 0.0);
    drop(input);
    shell.wait().unwrap();
}

#[test]
fn a_process_that_has_ended_still_counts_as_busy() {
    let mut shell =
        shell("read go; sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; echo; read end");
    let mut sampler = tree_of(&shell);
    let mut input = shell.stdin.take().unwrap();
    writeln!(input, "go").unwrap();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let row = sampler.sample();
    assert_eq!(row.get("system.proc.count"), Some(1.0), "the loop has ended");
    assert!(row.get("system.proc.cpu.percent").unwrap() > 0.0, "{row:?}");
    drop(input);
    shell.wait().unwrap();
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
fn own_gpus_are_listed_again_under_gpu_process() {
    let own = Own::parse(Some("GPU-1abc"));
    let mut sampler = Sampler::new(Root::At(process::id().cast_signed()), ".".into(), TwoGpus, own);
    let row = sampler.sample();
    assert_eq!(row.get("system.gpu.0.gpu"), Some(90.0));
    assert_eq!(row.get("system.gpu.1.memoryAllocated"), Some(25.0));
    assert_eq!(row.get("system.gpu.1.powerPercent"), Some(50.0));
    assert_eq!(row.get("system.gpu.process.1.gpu"), Some(90.0));
    assert_eq!(row.get("system.gpu.process.0.gpu"), None, "GPU 0 belongs to another process");
    assert_eq!(row.get("system.gpu.0.temp"), None, "the reading has no temperature");
    assert!(Own::parse(None).has(3, "GPU-x") && !Own::parse(Some("")).has(0, "GPU-x"));
}

#[test]
fn the_thread_samples_until_its_handle_is_dropped() {
    let make = || Sampler::new(Root::At(process::id().cast_signed()), ".".into(), NoGpus, Own::All);
    let (rows, taken) = mpsc::sync_channel(100);
    let sampling =
        start(Duration::from_millis(100), make, move |row| rows.send(row.clone()).is_ok()).unwrap();
    for _ in 0..3 {
        assert!(taken.recv().unwrap().values().len() > 10);
    }
    drop(sampling);
    // This loop ends only after the thread has dropped its sender, so it proves that the thread
    // ends.
    taken.iter().for_each(drop);
}

//! Tests the messages about programs that do not do what the sweep expects, and about one that
//! does.

use std::collections::BTreeMap;

use tests::Lab;

use crate::session::{assert_session, exit, show};

/// Returns the output of an agent on a sweep, and of `sweep show` afterwards.
fn run(lab: &mut Lab, yaml: &str, args: &[&str]) -> String {
    let sweep = lab.create(yaml);
    let (code, said) = lab.agent(&sweep, args).wait();
    let shown = lab.sweep(&["show", &sweep]);
    let shown = show("sweep show [SWEEP]", &shown).replace(&sweep, "[SWEEP]");
    let said = in_order_of_trials(&said.replace(&sweep, "[SWEEP]"));
    // The width of a column depends on how long a trial took, so the gaps are squeezed.
    let shown = shown.lines().map(squeeze).collect::<Vec<_>>().join("\n");
    format!(
        "{}\n{said}{}\n\n{shown}",
        format!("$ agent [SWEEP] {}", args.join(" ")).trim_end(),
        exit(code)
    )
}

/// Puts the lines of one trial together, with the indented lines below them. The agent reports the
/// end of a trial and the start of the next one as they happen. Their order differs from run to
/// run.
fn in_order_of_trials(said: &str) -> String {
    let mut trials: BTreeMap<u64, String> = BTreeMap::new();
    let (mut before, mut after, mut current) = (String::new(), String::new(), None);
    for line in said.lines() {
        let number = line
            .split("[SWEEP]-")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        current = match number.and_then(|digits: String| digits.parse().ok()) {
            Some(trial) => Some(trial),
            None if line.starts_with("    ") => current,
            None => None,
        };
        let text = match current {
            Some(trial) => trials.entry(trial).or_default(),
            None if trials.is_empty() => &mut before,
            None => &mut after,
        };
        *text += &format!("{line}\n");
    }
    before + &trials.into_values().collect::<String>() + &after
}

fn squeeze(line: &str) -> String {
    let mut words = line.split("  ").filter(|part| !part.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |line, word| format!("{line}  {}", word.trim()))
}

#[test]
fn a_program_that_is_not_there() {
    let mut lab = Lab::with_controller();
    let yaml = "{program: train.py, method: grid, parameters: {x: {values: [1, 2]}}}";
    assert_session!(lab, run(&mut lab, yaml, &[]));
}

#[test]
fn a_command_that_is_not_there() {
    let mut lab = Lab::with_controller();
    let yaml = "{command: [no-such-program], method: grid, parameters: {x: {values: [1, 2]}}}";
    assert_session!(lab, run(&mut lab, yaml, &[]));
}

#[test]
fn a_program_that_exits_at_once() {
    let mut lab = Lab::with_controller();
    lab.write("train.py", "import sys\nprint('loading data')\nsys.exit('no data in ./mnist')\n");
    let yaml = "{program: train.py, method: grid, metric: {name: loss}, parameters: {x: \
        {min: 1, max: 20}}}";
    assert_session!(lab, run(&mut lab, yaml, &[]));
}

#[test]
fn a_metric_that_is_never_logged() {
    let mut lab = Lab::with_controller();
    lab.write("train.py", "print('{\"epoch\": 1, \"accuracy\": 0.5}')\n");
    let yaml = "{program: train.py, method: grid, metric: {name: val/loss}, parameters: \
        {x: {values: [1, 2]}}}";
    assert_session!(lab, run(&mut lab, yaml, &[]));
}

#[test]
fn a_metric_whose_name_differs_by_a_slash() {
    let mut lab = Lab::with_controller();
    lab.write("train.py", "print('{\"epoch\": 1, \"val_loss\": 0.5}')\n");
    let yaml = "{program: train.py, method: grid, metric: {name: val/loss}, parameters: \
        {x: {values: [1, 2]}}}";
    assert_session!(lab, run(&mut lab, yaml, &[]));
}

#[test]
fn a_sweep_that_goes_well() {
    let mut lab = Lab::with_controller();
    lab.write(
        "train.py",
        "import os\nprint('{\"loss\": %s}' % (int(os.environ['BESOM_PARAM_x']) ** 2))\n",
    );
    let yaml = "{program: train.py, method: grid, metric: {name: loss}, parameters: {x: \
        {values: [3, 1, 2]}}}";
    assert_session!(lab, run(&mut lab, yaml, &["--count", "50"]));
}

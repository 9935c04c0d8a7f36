//! Judges the end of a process: it derives the outcome for the controller from the exit status, the
//! orders and the circumstances. The module has no side effects. `trial/mod.rs` calls it.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use proto::v1::Outcome;

use super::spec::Exit;

/// The exit codes of a shell that does not find a command or may not execute it.
const SHELL_COULD_NOT_START: [i32; 2] = [126, 127];

const SHIM_ENDED: &str = "the shim of a trial ended before it started the program";

/// The reason why a trial has to end before its program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The controller orders the end, for a person or a stopping rule.
    Wanted,
    /// Another attempt owns the run now.
    Fenced,
    /// The agent ends, because a person ends it or its node goes away.
    Leaving,
    /// The trial has run for as long as its sweep allows.
    Timeout,
}

/// An order to end a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The reason.
    pub cause: Cause,
    /// The time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// The reason, for people, why a trial cannot be started on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstartable {
    /// One sentence, in lower case, without a full stop.
    pub message: String,
    /// Advice on what to do.
    pub hints: Vec<String>,
}

impl Unstartable {
    /// Makes a reason without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// The judgement on a trial that is over, which decides how the agent reports it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The controller gets this outcome.
    Report(Outcome),
    /// The trial never ran. The trial returns to the queue, and the controller charges no attempt.
    /// A reason applies to every trial of the sweep on this node, so the agent leaves. With `None`,
    /// the agent gives back only this trial and goes on.
    Decline(Option<Unstartable>),
    /// There is nothing to report, because the run belongs to another attempt.
    Fenced,
    /// The end of the trial is not known, or the controller refuses its rows or its end. The agent
    /// stops holding the attempt and raises its incarnation, so the controller counts the attempt
    /// as lost. A report would be a guess.
    Lost,
}

/// The facts for the verdict.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The exit that the shim wrote. `None` if the shim was killed, or the file cannot be read.
    pub exit: Option<&'a Exit>,
    /// The reason of the order to stop, if such an order came before the end.
    pub stop: Option<Cause>,
    /// Whether the controller may know that the program ran. The agent cannot decline a trial whose
    /// program has run.
    pub heard: bool,
    /// Whether the kernel killed a process of this trial for lack of memory.
    pub out_of_memory: bool,
    /// The reason why a GPU of the trial cannot be used any more.
    pub gpu_trouble: Option<&'a str>,
    /// The last lines of standard error; empty if the program exited with 0.
    pub stderr: &'a [String],
}

/// Judges an end. If there was an order to stop, it decides the state, not the exit code. So a
/// program that handles SIGTERM and exits with 0 counts as stopped.
pub fn judge(evidence: Evidence<'_>) -> Verdict {
    let stopped = match evidence.stop {
        Some(Cause::Fenced) => return Verdict::Fenced,
        Some(Cause::Timeout) => return timed_out(evidence),
        Some(Cause::Wanted) => Some("stopped"),
        // The end of the agent says nothing about the trial, so the trial goes back to the front of
        // the queue.
        Some(Cause::Leaving) => Some("preempted"),
        None => None,
    };
    let Some(exit) = evidence.exit else {
        return match stopped {
            Some(state) => report(state, "", None, "its shim was killed".to_owned()),
            None if evidence.heard => Verdict::Lost,
            None => Verdict::Decline(Some(Unstartable::new(SHIM_ENDED))),
        };
    };
    if let Some(error) = &exit.start_error {
        let message = format!("the program could not be started: {error}");
        return match stopped {
            Some(state) => report(state, "", None, message),
            None if evidence.heard => report("failed", "start", None, message),
            None => Verdict::Decline(Some(Unstartable::new(message))),
        };
    }
    if let Some(state) = stopped {
        return report(state, "", Some(exit), describe(exit));
    }
    if exit.orphaned {
        let message = "its agent was away for too long, and its shim ended it".to_owned();
        return report("preempted", "", Some(exit), message);
    }
    if exit.code == Some(0) {
        return report("finished", "", Some(exit), String::new());
    }
    if let Some(trouble) = evidence.gpu_trouble {
        // A broken GPU, like a lost node, says nothing about the trial.
        return report(
            "crashed",
            "",
            Some(exit),
            format!("{}: its GPU does not answer ({trouble})", describe(exit)),
        );
    }
    let class = match exit {
        Exit { code: Some(code), .. } if SHELL_COULD_NOT_START.contains(code) => "start",
        Exit { signal: Some(9), .. } if evidence.out_of_memory => "out_of_memory",
        _ => "error",
    };
    let mut message = describe(exit);
    if class == "out_of_memory" {
        message += ": the kernel found no memory for it";
    }
    add_lines(&mut message, evidence.stderr);
    report("failed", class, Some(exit), message)
}

fn timed_out(evidence: Evidence<'_>) -> Verdict {
    let end = evidence.exit.map_or_else(|| "its shim was killed".to_owned(), describe);
    let mut message = format!("it ran for longer than the sweep's `timeout`: {end}");
    add_lines(&mut message, evidence.stderr);
    report("failed", "timeout", evidence.exit, message)
}

fn add_lines(message: &mut String, lines: &[String]) {
    for line in lines {
        message.push('\n');
        message.push_str(line);
    }
}

fn report(state: &str, class: &str, exit: Option<&Exit>, message: String) -> Verdict {
    Verdict::Report(Outcome {
        state: state.to_owned(),
        class: class.to_owned(),
        exit_code: exit.and_then(|exit| exit.code),
        signal: exit.and_then(|exit| exit.signal),
        message,
    })
}

/// Returns an exit status in words: "exit code 3", "killed by SIGSEGV".
fn describe(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (_, Some(signal)) => format!("killed by {}", signal_name(signal)),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => "no exit status".to_owned(),
    }
}

/// Returns the usual name of a signal.
fn signal_name(signal: i32) -> String {
    // The standard library gives the names only inside a sentence: "signal: 9 (SIGKILL)".
    let text = ExitStatus::from_raw(signal & 0x7f).to_string();
    let name = text.split('(').nth(1).and_then(|rest| rest.split(')').next());
    name.filter(|name| name.starts_with("SIG"))
        .map_or_else(|| format!("signal {signal}"), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: fn(i32) -> Exit = |code| Exit { code: Some(code), ..Exit::default() };

    fn verdict(
        exit: Option<&Exit>,
        stop: Option<Cause>,
        heard: bool,
        out_of_memory: bool,
    ) -> String {
        let (gpu_trouble, stderr) = (None, &["Traceback".to_owned()]);
        match judge(Evidence { exit, stop, heard, out_of_memory, gpu_trouble, stderr }) {
            Verdict::Report(outcome) => {
                format!(
                    "{}/{} {}",
                    outcome.state,
                    outcome.class,
                    outcome.message.replace('\n', "|")
                )
            }
            other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
        }
    }

    #[test]
    fn the_state_depends_on_who_asked_for_the_end() {
        let killed = Exit { signal: Some(9), ..Exit::default() };
        let orphaned = Exit { orphaned: true, ..CODE(0) };
        let unstarted = Exit { start_error: Some("no such file".to_owned()), ..Exit::default() };
        for (exit, stop, heard, memory, want) in [
            (Some(&CODE(0)), None, true, false, "finished/ "),
            (Some(&CODE(0)), Some(Cause::Wanted), true, false, "stopped/ exit code 0"),
            (Some(&CODE(0)), Some(Cause::Leaving), true, false, "preempted/ exit code 0"),
            (Some(&CODE(1)), Some(Cause::Fenced), true, false, "Fenced"),
            (
                Some(&CODE(0)),
                Some(Cause::Timeout),
                true,
                false,
                "failed/timeout it ran for longer than the sweep's `timeout`: exit code \
                0|Traceback",
            ),
            (Some(&CODE(1)), None, true, false, "failed/error exit code 1|Traceback"),
            (Some(&CODE(127)), None, true, false, "failed/start exit code 127|Traceback"),
            (Some(&killed), None, true, false, "failed/error killed by SIGKILL|Traceback"),
            (
                Some(&killed),
                None,
                true,
                true,
                "failed/out_of_memory killed by SIGKILL: the kernel found no memory for \
                it|Traceback",
            ),
            (
                Some(&orphaned),
                None,
                true,
                false,
                "preempted/ its agent was away for too long, and its shim ended it",
            ),
            (Some(&unstarted), None, false, false, "Decline"),
            (
                Some(&unstarted),
                None,
                true,
                false,
                "failed/start the program could not be started: no such file",
            ),
            (None, None, true, false, "Lost"),
            (None, None, false, false, "Decline"),
            (None, Some(Cause::Wanted), true, false, "stopped/ its shim was killed"),
        ] {
            assert_eq!(verdict(exit, stop, heard, memory), want, "{exit:?} {stop:?}");
        }
    }

    #[test]
    fn known_signals_are_named() {
        assert_eq!([9, 11, 15].map(signal_name), ["SIGKILL", "SIGSEGV", "SIGTERM"]);
    }
}

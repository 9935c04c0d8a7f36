//! Shows a sweep for `sweep show SWEEP`, and the results of the commands that create, change or
//! replay a sweep.

use std::collections::BTreeMap;

use proto::v1::{Replayed, Run, Sweep};
use sweeps::lifecycle::sweep::Closing;
use terminal::{
    one_line,
    style::{self, paint},
};

pub(crate) use super::ranking::Shown;
use super::{
    CELL, SENTENCE, best, class, count, counts, earlier, facts, is_bad, limit, method, one_word,
    progress, ranking, state, work,
};

/// Shows the sweep with its ranked trials.
pub(crate) fn sweep(sweep: &Sweep, runs: &[Run], shown: &Shown) -> String {
    let split = ranking::Params::of(runs);
    let mut text = head(sweep);
    text += &format!("\n{}", facts(about(sweep, runs, &split, shown)));
    let ranking = ranking::ranking(sweep, runs, &split, shown);
    if !ranking.is_empty() {
        text += &format!("\n\n{ranking}");
    }
    text
}

/// Returns the first line, such as `k3x9abcd  small-cnn  running`.
fn head(sweep: &Sweep) -> String {
    let id = paint(style::STRONG, one_word(&sweep.id));
    let name = one_line(&sweep.name, 2 * CELL);
    let gap = if name.is_empty() { "" } else { "  " };
    format!("{id}{gap}{name}  {}", state(&sweep.state))
}

fn about(
    sweep: &Sweep,
    runs: &[Run],
    params: &ranking::Params,
    shown: &Shown,
) -> Vec<(&'static str, String)> {
    let numbers = sweep.counts.unwrap_or_default();
    let mut facts = Vec::new();
    if !sweep.description.is_empty() {
        facts.push(("about", one_line(&sweep.description, SENTENCE)));
    }
    facts.push(("method", method(sweep)));
    let split = counts(&numbers);
    let cap = raised(sweep).map(|cap| format!(" ({cap})")).unwrap_or_default();
    let gap = if split.is_empty() { "" } else { ": " };
    facts.push(("trials", format!("{}{cap}{gap}{split}", progress(sweep))));
    if sweep.queued_points > 0 {
        facts.push(("queue", format!("{} to try next", count(sweep.queued_points, "point"))));
    }
    facts.extend(earlier(sweep).map(|earlier| ("earlier", earlier)));
    if !sweep.limits.is_empty() {
        let limits: Vec<String> = sweep.limits.iter().map(limit).collect();
        facts.push(("limits", one_line(&limits.join(", "), 2 * SENTENCE)));
    }
    if !sweep.early_terminate.is_empty() {
        facts.push(("pruning", one_line(&sweep.early_terminate, 2 * SENTENCE)));
    }
    facts.extend(failures(runs).map(|failures| ("failures", failures)));
    facts.extend(best(sweep).map(|best| ("best", best)));
    facts.extend(params.fixed_sentence().map(|fixed| ("fixed", fixed)));
    facts.push(time(sweep, runs, shown.now_ms));
    // If the controller sent a note, the note already says why the sweep starts no new trials.
    if sweep.note.is_empty() {
        facts.extend(closing(sweep).map(|closing| ("note", closing)));
    } else {
        facts.push(("note", one_line(&sweep.note, 2 * SENTENCE)));
    }
    facts
}

/// Returns how long at least one trial was running, and when the sweep ended or, before its end,
/// was created.
fn time(sweep: &Sweep, runs: &[Run], now_ms: i64) -> (&'static str, String) {
    let (what, ms) = match sweep.ended_ms {
        Some(ended) => ("ended", ended),
        None => ("created", sweep.created_ms),
    };
    let ago = terminal::age(now_ms.saturating_sub(ms));
    match worked(runs, now_ms) {
        None => (what, ago),
        Some(worked) => {
            ("time", format!("{} with trials at work, {what} {ago}", terminal::duration(worked)))
        }
    }
}

/// Returns for how long at least one run was running, in milliseconds; `None` if none has started.
fn worked(runs: &[Run], now_ms: i64) -> Option<i64> {
    let mut spans: Vec<(i64, i64)> = runs.iter().filter_map(|run| work(run, now_ms)).collect();
    spans.sort_unstable();
    let (mut worked, mut until) = (0_i64, i64::MIN);
    for (from, to) in spans {
        worked = worked.saturating_add(to.saturating_sub(from.max(until)).max(0));
        until = until.max(to);
    }
    (until > i64::MIN).then_some(worked)
}

/// Counts the failed and crashed runs of each class, the most frequent first, as in
/// `3 error, 1 out of memory`.
fn failures(runs: &[Run]) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let outcomes = runs.iter().filter(|run| is_bad(run)).filter_map(|run| run.outcome.as_ref());
    for outcome in outcomes.filter(|outcome| !outcome.class.is_empty()) {
        *counts.entry(&outcome.class).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told: Vec<String> =
        counts.into_iter().map(|(name, count)| format!("{count} {}", class(name))).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Returns the reason why the sweep starts no new trials for good; `None` if it may start some.
fn closing(sweep: &Sweep) -> Option<String> {
    let name = Some(sweep.closing.as_str()).filter(|name| !name.is_empty())?;
    // A newer controller may send a reason that this version does not have.
    Some(Closing::from_name(name).map_or_else(|| one_word(name), |why| why.sentence().to_owned()))
}

/// Returns the notes of the runs as warnings, the most frequent first. A note that many runs have
/// appears once. The last line counts the notes beyond the first five.
pub(crate) fn warnings(runs: &[Run]) -> Vec<String> {
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.note.is_empty()) {
        notes.entry(&run.note).or_default().push(&run.id);
    }
    let mut notes: Vec<_> = notes.into_iter().collect();
    notes.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.len()));
    let sentence = |(note, runs): &(&str, Vec<&str>)| {
        let whose = match runs.as_slice() {
            [run] => one_word(run),
            runs => format!("{} (e.g. {})", count(runs.len() as u64, "run"), one_word(runs[0])),
        };
        format!("{whose}: {}", one_line(note, 4 * SENTENCE))
    };
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = notes.iter().take(SHOWN).map(sentence).collect();
    if notes.len() > SHOWN {
        lines.push(format!(
            "{} more, in `sweep export --format json`",
            count((notes.len() - SHOWN) as u64, "note")
        ));
    }
    lines
}

/// Returns the text that `sweep create` prints: the id, what the sweep does, and the command to
/// copy.
pub(crate) fn created(sweep: &Sweep, agent_line: &str, with_token: bool) -> String {
    let id = one_word(&sweep.id);
    let name = if sweep.name.is_empty() {
        String::new()
    } else {
        format!("{}, ", one_line(&sweep.name, 2 * CELL))
    };
    let bound = sweep
        .trials_bound
        .map(|bound| format!(", at most {}", count(bound, "trial")))
        .unwrap_or_default();
    let pruning = match sweep.early_terminate.as_str() {
        "" => String::new(),
        rule => format!("\n{}", one_line(rule, 2 * SENTENCE)),
    };
    let token = if with_token { " (with BESOM_TOKEN set there)" } else { "" };
    format!(
        "created sweep {} ({name}{}{bound}){pruning}\n\nstart agents on the machines that should \
        work on it{token}:\n\n    {}\n\n\
         follow its progress:\n\n    {}",
        paint(style::STRONG, &id),
        method(sweep),
        paint(style::STRONG, agent_line),
        paint(style::STRONG, format!("sweep watch {id}")),
    )
}

/// Returns the text that `sweep extend` prints: the new cap and the new state of the sweep.
pub(crate) fn extended(sweep: &Sweep) -> String {
    let bound = sweep.trials_bound.map_or_else(String::new, |bound| count(bound, "trial"));
    let text = format!("sweep {} is {}", one_word(&sweep.id), state(&sweep.state));
    format!("{text}, and now has at most {bound}")
}

/// Says to which cap people have raised the configuration's; `None` if nobody has.
fn raised(sweep: &Sweep) -> Option<String> {
    let (cap, before) = (sweep.raised_cap?, sweep.run_cap?);
    Some(format!("run_cap {before}, raised to {cap}"))
}

/// Returns the text that `sweep pause` and similar commands print: the new state of the sweep.
pub(crate) fn changed(sweep: &Sweep) -> String {
    let numbers = sweep.counts.unwrap_or_default();
    let busy = numbers.leased + numbers.running;
    let text = format!("sweep {} is {}", one_word(&sweep.id), state(&sweep.state));
    match (busy, sweep.closing.as_str()) {
        (0, _) => text,
        (_, "stopped") => format!("{text}; it is over once its {} ended", have(busy)),
        (_, _) if sweep.state == "cancelled" => {
            format!("{text}; its {} been told to end", have(busy))
        }
        (_, _) if sweep.state == "paused" => format!("{text}; {} still running", are(busy)),
        _ => text,
    }
}

fn have(busy: u64) -> String {
    if busy == 1 { "running trial has".to_owned() } else { format!("{busy} running trials have") }
}

fn are(busy: u64) -> String {
    if busy == 1 { "1 trial is".to_owned() } else { format!("{busy} trials are") }
}

/// Shows the result of a replay.
pub(crate) fn replayed(replayed: &Replayed) -> String {
    let mut text =
        format!("{} computed again and equal, bit for bit", count(replayed.equal, "suggestion"));
    if replayed.incomparable > 0 {
        let others = count(replayed.incomparable, "suggestion");
        text +=
            &format!("\n{others} not compared: made by another build or on another kind of CPU");
    }
    for different in &replayed.different {
        text +=
            &format!("\n{} {}", paint(style::BAD, "different:"), one_line(different, 3 * SENTENCE));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures::{NOW, many, plain, runs, sweep as fixture, with_limits};

    fn shown(all: bool, columns: Option<usize>) -> Shown {
        Shown { now_ms: NOW, all, columns }
    }

    #[test]
    fn the_ranking() {
        insta::assert_snapshot!(plain(&sweep(&fixture(), &runs(), &shown(false, None))));
    }

    #[test]
    fn runs_beyond_a_limit_come_last_without_a_rank() {
        let (sweep_of, runs_of) = with_limits();
        insta::assert_snapshot!(plain(&sweep(&sweep_of, &runs_of, &shown(false, None))));
        let lines = [
            super::super::run::best(&sweep_of, &runs_of[0]),
            super::super::run::run(&runs_of[2], Some(&sweep_of), NOW),
        ];
        insta::assert_snapshot!("runs_with_limits", plain(&lines.join("\n---\n")));
    }

    #[test]
    fn pruned_trials_are_counted_and_the_rule_is_shown() {
        let mut pruned = fixture();
        pruned.early_terminate = "asha judges a trial by its best when it has logged".to_owned();
        pruned.counts =
            pruned.counts.map(|counts| proto::v1::Counts { pruned: 3, trials: 10, ..counts });
        let text = plain(&sweep(&pruned, &[], &shown(false, None)));
        assert!(
            text.contains("trials   10 of at most 40: 2 finished, 1 failed, 1 crashed, 3 pruned,"),
            "{text}"
        );
        assert!(
            text.contains("pruning  asha judges a trial by its best when it has logged"),
            "{text}"
        );
        let created = plain(&created(&pruned, "agent k3x9abcd", false));
        assert!(created.contains("at most 40 trials)\nasha judges a trial"), "{created}");
    }

    #[test]
    fn time_counts_running_trials_and_no_waiting() {
        let run = |state: &str, started_ms, ended_ms| Run {
            state: state.to_owned(),
            started_ms: Some(NOW - started_ms),
            ended_ms: Some(NOW - ended_ms).filter(|_| ended_ms > 0),
            ..Run::default()
        };
        // Two runs overlap. After a pause, a third run is still running. The last run waits for its
        // next attempt.
        let runs = [
            run("finished", 900_000, 600_000),
            run("finished", 800_000, 500_000),
            run("running", 100_000, 0),
            run("queued", 950_000, 0),
        ];
        assert_eq!(worked(&runs, NOW), Some(500_000));
        assert_eq!(
            (worked(&[], NOW), worked(&[run("finished", 10, i64::MAX)], NOW)),
            (None, Some(0))
        );
        assert_eq!(super::super::took(&runs[3], NOW), "");
        let text = plain(&sweep(&fixture(), &runs, &shown(false, None)));
        assert!(text.contains("8m 20s with trials at work, created 10m ago"), "{text}");
    }

    #[test]
    fn a_narrow_terminal_leaves_parameters_out() {
        insta::assert_snapshot!(plain(&sweep(&fixture(), &runs(), &shown(false, Some(64)))));
    }

    #[test]
    fn many_trials_are_bounded() {
        let rows = |all: bool| {
            let text = plain(&sweep(&fixture(), &many(60), &shown(all, None)));
            text.split_once("\n\n").unwrap().1.to_owned()
        };
        let bounded = rows(false);
        let bounded: Vec<&str> = bounded.lines().collect();
        assert_eq!(bounded.len(), 25, "head, 20 rows, how many more, blank, head, the failed one");
        insta::assert_snapshot!(bounded[19..].join("\n"));
        assert_eq!(rows(true).lines().count(), 64);
    }

    #[test]
    fn a_sweep_without_trials_or_metric() {
        let empty = Sweep {
            id: "m2c8tzwq".to_owned(),
            state: "pending".to_owned(),
            method: "random".to_owned(),
            ..Sweep::default()
        };
        let empty = Sweep { created_ms: NOW - 1000, ..empty };
        insta::assert_snapshot!(plain(&sweep(&empty, &[], &shown(false, None))));
        let finished: Vec<Run> = runs().into_iter().filter(|run| run.state == "finished").collect();
        insta::assert_snapshot!(
            "without_metric",
            plain(&sweep(&empty, &finished, &shown(false, None)))
        );
    }

    #[test]
    fn notes_are_told_once() {
        let mut runs = many(7);
        for run in &mut runs[..6] {
            run.note =
                "the metric `val/loss` was never logged; did you mean `val_loss`?".to_owned();
        }
        runs[6].note = "stopped by hand".to_owned();
        insta::assert_snapshot!(warnings(&runs).join("\n"));
    }

    #[test]
    fn words_after_commands() {
        let with = |state: &str, closing: &str, running: u64| {
            let mut sweep = fixture();
            sweep.state = state.to_owned();
            sweep.closing = closing.to_owned();
            sweep.counts = Some(proto::v1::Counts { running, ..Default::default() });
            plain(&changed(&sweep))
        };
        let texts = [
            with("paused", "", 2),
            with("running", "stopped", 1),
            with("cancelled", "", 4),
            with("cancelled", "", 0),
            with("running", "", 3),
            plain(&created(&fixture(), "agent k3x9abcd --controller http://gpu-1:7070", true)),
            plain(&replayed(&Replayed {
                equal: 38,
                incomparable: 2,
                different: vec!["trial 4: {} {}".to_owned()],
            })),
        ];
        insta::assert_snapshot!(texts.join("\n---\n"));
    }
}

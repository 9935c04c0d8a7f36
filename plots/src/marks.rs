//! Draws the marks of runs: the state of a run has a colour and a shape. The looks are those of the
//! dashboard (dashboard/src/charts/states.ts).

use std::collections::BTreeSet;

use crate::{
    pen::{Path, Pen, Stroke, Style, measure},
    theme::{Colour, Theme},
};

/// The shape of a mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// A triangle: the value lies above the chart.
    Up,
    Dot,
    Ring,
    Cross,
    Small,
    Square,
    Diamond,
}

/// The most marks of one path.
const GROUP: usize = 32;
/// The order in which legends list the states.
const ORDER: [&str; 8] =
    ["finished", "running", "pruned", "stopped", "failed", "crashed", "leased", "queued"];

/// Returns the look of a state. A state that the charts do not know looks like a queued one.
pub(crate) fn look(state: &str, theme: &Theme) -> (Colour, Mark) {
    match state {
        "finished" => (theme.category(0), Mark::Dot),
        "running" => (theme.good, Mark::Diamond),
        "pruned" => (theme.warn, Mark::Ring),
        "stopped" => (theme.muted, Mark::Square),
        "failed" | "crashed" => (theme.bad, Mark::Cross),
        _ => (theme.muted, Mark::Small),
    }
}

/// Returns the different states in the order of the legend.
pub(crate) fn states_of(states: &[String]) -> Vec<&str> {
    let present: BTreeSet<&str> = states.iter().map(String::as_str).collect();
    let known = ORDER.into_iter().filter(|state| present.contains(state));
    let others = present.iter().copied().filter(|state| !ORDER.contains(state));
    known.chain(others).collect()
}

/// Returns the radius of a mark: many marks must be small to be told apart.
pub(crate) fn radius(marks: usize) -> f64 {
    match marks {
        0..=600 => 3.5,
        601..=3000 => 2.8,
        _ => 2.0,
    }
}

/// Returns the opacity of the marks. Many marks are faint, so that dense places show.
pub(crate) fn opacity(marks: usize, room: f64, most: f64) -> f64 {
    (room / (marks.max(1) as f64).sqrt()).clamp(0.35, most)
}

/// Adds a mark to a path.
fn trace(path: &mut Path, mark: Mark, x: f64, y: f64, radius: f64) {
    if !(x + y).is_finite() {
        return;
    }
    match mark {
        Mark::Cross => {
            path.segment((x - radius, y - radius), (x + radius, y + radius));
            path.segment((x + radius, y - radius), (x - radius, y + radius));
        }
        Mark::Square => {
            let half = radius * 0.85;
            path.rect(x - half, y - half, 2.0 * half, 2.0 * half);
        }
        Mark::Up => {
            path.segment((x, y - radius), (x + radius, y + radius));
            path.line_to(x - radius, y + radius);
            path.close();
        }
        Mark::Diamond => {
            let half = radius * 1.25;
            path.segment((x, y - half), (x + half, y));
            path.line_to(x, y + half);
            path.line_to(x - half, y);
            path.close();
        }
        Mark::Small => path.circle(x, y, radius * 0.55),
        Mark::Dot | Mark::Ring => path.circle(x, y, radius),
    }
}

/// Draws many marks of one look, each at its place and with its own shape. Marks of one path do not
/// add up, so the marks are spread over small paths: where many marks lie, the picture is darker.
pub(crate) fn scatter(
    pen: &mut Pen,
    spots: &[(f64, f64, Mark)],
    look: (Colour, Mark),
    radius: f64,
    alpha: f64,
) {
    let groups = spots.len().div_ceil(GROUP);
    for group in 0..groups {
        let mut path = Path::default();
        for &(x, y, mark) in spots.iter().skip(group).step_by(groups) {
            trace(&mut path, mark, x, y, radius);
        }
        ink(pen, path, look, alpha);
    }
}

/// Draws marks: rings and crosses as lines, other marks as areas.
fn ink(pen: &mut Pen, path: Path, (colour, mark): (Colour, Mark), alpha: f64) {
    match mark {
        Mark::Cross | Mark::Ring => pen.stroke(path, Stroke::new(colour).width(1.6).alpha(alpha)),
        _ => pen.fill(path, colour, alpha),
    }
}

/// Draws a legend of the states. It ends at a pixel on the right. Returns where it begins.
pub(crate) fn legend(pen: &mut Pen, states: &[&str], right: f64, y: f64) -> f64 {
    let mut x = right;
    for state in states.iter().rev() {
        x -= measure(state, false);
        pen.text(state, x, y, Style::new(pen.theme.muted));
        x -= 9.0;
        let look = look(state, &pen.theme);
        let mut path = Path::default();
        trace(&mut path, look.1, x, y, 3.5);
        ink(pen, path, look, 1.0);
        x -= 16.0;
    }
    x
}

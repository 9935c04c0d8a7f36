//! Defines the few colours of Besom's programs. `anstream` strips them where they are not wanted.

use anstyle::AnsiColor;
pub use anstyle::Style;

/// The style of `error:`.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of `warning:`.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The style of `hint:`.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// The style of what the user should see first: ids and the best value.
pub const STRONG: Style = Style::new().bold();
/// The style of what the user may skip: units, ages and paths.
pub const FAINT: Style = Style::new().dimmed();
/// The style of success.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The style of failure.
pub const BAD: Style = AnsiColor::Red.on_default();
/// The style of what is still running.
pub const LIVE: Style = AnsiColor::Blue.on_default();

/// The style of the filled part of a progress bar.
pub const BAR: Style = AnsiColor::Cyan.on_default();
/// The style of what a program wrote to its stderr.
pub const STDERR: Style = AnsiColor::Yellow.on_default();

/// Wraps `text` in a style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// Returns the style for the state of a run or a sweep.
pub fn state(state: &str) -> Style {
    match state {
        "finished" => GOOD,
        "failed" | "crashed" => BAD,
        "running" | "leased" => LIVE,
        "paused" | "stopped" | "pruned" | "preempted" | "cancelled" => WARNING,
        _ => FAINT,
    }
}

//! Defines the few colours of Besom's programs. `anstream` strips them if the output is not a
//! terminal or `NO_COLOR` is set.

use anstyle::AnsiColor;
pub use anstyle::Style;

/// The style of `error:`.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of `warning:`, and of states such as `paused` and `preempted`.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The style of `hint:`.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// The style of ids and best values, which the user should see first.
pub const STRONG: Style = Style::new().bold();
/// The style of units, ages and paths, which the user can skip.
pub const FAINT: Style = Style::new().dimmed();
/// The style of a word that means success, such as the state `finished`.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The style of a word that means failure, such as the state `failed`.
pub const BAD: Style = AnsiColor::Red.on_default();
/// The style of the states `running` and `leased`.
pub const LIVE: Style = AnsiColor::Blue.on_default();

/// The style of the filled part of a progress bar.
pub const BAR: Style = AnsiColor::Cyan.on_default();
/// The style of lines that a trial's program wrote to its stderr.
pub const STDERR: Style = AnsiColor::Yellow.on_default();

/// Returns `text` between the escape sequences that begin and end a style.
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

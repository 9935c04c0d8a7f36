//! The few colours that we use. anstream strips them where they are not wanted.

use anstyle::AnsiColor;
pub use anstyle::Style;

/// `error:`
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// `warning:`
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// `hint:`
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// What a person should look at first: ids, the best value.
pub const STRONG: Style = Style::new().bold();
/// What may be skipped: units, ages, paths.
pub const FAINT: Style = Style::new().dimmed();
/// Went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Went badly.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Is under way.
pub const LIVE: Style = AnsiColor::Blue.on_default();

/// The filled part of a progress bar.
pub const BAR: Style = AnsiColor::Cyan.on_default();
/// What a program wrote to its stderr.
pub const STDERR: Style = AnsiColor::Yellow.on_default();

/// `text` in a style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// The colour of a run's or sweep's state.
pub fn state(state: &str) -> Style {
    match state {
        "finished" => GOOD,
        "failed" | "crashed" => BAD,
        "running" | "leased" => LIVE,
        "paused" | "stopped" | "pruned" | "preempted" | "cancelled" => WARNING,
        _ => FAINT,
    }
}

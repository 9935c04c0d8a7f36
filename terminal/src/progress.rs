//! Progress of long work: a bar or a spinner on a terminal, silence elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of `total` steps on stderr; `message` stands before it.
pub fn bar(total: u64, message: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg}  {bar:24.cyan/dim}  {pos}/{len}  {elapsed}");
    bar.set_style(style.expect("the template is a constant").progress_chars("━━─"));
    bar.with_message(message.to_owned())
}

/// A spinner on stderr for work without a known end.
pub fn spinner(message: &str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg}  {elapsed:.dim}");
    spinner.set_style(style.expect("the template is a constant"));
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner.with_message(message.to_owned())
}

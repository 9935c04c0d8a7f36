//! Progress of long work: a bar or a spinner on a terminal, silence elsewhere.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text;

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

/// A bar as text, `width` columns wide: for views that draw more than a bar. Without a total it is
/// empty.
pub fn bar_text(done: u64, total: u64, width: usize) -> String {
    let share = if total == 0 { 0.0 } else { done.min(total) as f64 / total as f64 };
    let filled = (share * width as f64).floor() as usize;
    let (full, rest) = ("━".repeat(filled), "─".repeat(width - filled));
    format!(
        "{}{}",
        crate::style::paint(crate::style::BAR, full),
        crate::style::paint(crate::style::FAINT, rest)
    )
}

/// A block of lines on stdout that is drawn over and over in its place. For terminals only.
#[derive(Debug, Default)]
pub struct Live {
    /// Lines of the last drawing; the cursor stands below them.
    drawn: usize,
}

impl Live {
    /// Shows the block in place of the one before, cut to the terminal's size. The cursor is left
    /// below it, so that whatever ends the program, the last block stays whole.
    pub fn draw(&mut self, block: &str) {
        let (columns, rows) = crate::window().unwrap_or((80, 24));
        let colour = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let block =
            if colour { block.to_owned() } else { anstream::adapter::strip_str(block).to_string() };
        let mut frame =
            if self.drawn > 0 { format!("\u{1b}[{}F", self.drawn) } else { String::new() };
        self.drawn = 0;
        // The cursor cannot go back to lines that were scrolled away.
        for line in block.lines().take(rows.saturating_sub(1)) {
            frame += &format!("\u{1b}[2K{}\n", text::truncate(line, columns));
            self.drawn += 1;
        }
        frame += "\u{1b}[J";
        let mut stdout = io::stdout().lock();
        crate::or_end(stdout.write_all(frame.as_bytes()).and_then(|()| stdout.flush()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_asked() {
        for (done, total, shown) in
            [(0, 4, "────"), (1, 4, "━───"), (4, 4, "━━━━"), (9, 4, "━━━━"), (0, 0, "────")]
        {
            assert_eq!(anstream::adapter::strip_str(&bar_text(done, total, 4)).to_string(), shown);
        }
    }
}

//! Shows the progress of long work. A bar or a spinner appears only if stderr is a terminal; a live
//! block appears on stdout.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text;

/// Creates a progress bar of `total` steps on stderr, with `message` before the bar.
pub fn bar(total: u64, message: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg}  {bar:24.cyan/dim}  {pos}/{len}  {elapsed}");
    bar.set_style(style.expect("the template is a constant").progress_chars("━━─"));
    bar.with_message(message.to_owned())
}

/// Creates a spinner on stderr for work without a known end.
pub fn spinner(message: &str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg}  {elapsed:.dim}");
    spinner.set_style(style.expect("the template is a constant"));
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner.with_message(message.to_owned())
}

/// Returns a progress bar as a text of `width` columns, for views that show a bar among other
/// texts. The bar is empty if `total` is 0.
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

/// A block of lines that is drawn again and again at the same place of stdout, which must be a
/// terminal.
#[derive(Debug, Default)]
pub struct Live {
    /// The number of lines that were drawn last. The cursor is on the line below them.
    drawn: usize,
}

impl Live {
    /// Draws the block in place of the previous block, cut to the terminal's size. The cursor stays
    /// below the block. So the last block stays on the screen, even if the program is killed.
    pub fn draw(&mut self, block: &str) {
        let (columns, rows) = crate::window().unwrap_or((80, 24));
        let colour = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let block =
            if colour { block.to_owned() } else { anstream::adapter::strip_str(block).to_string() };
        let mut frame =
            if self.drawn > 0 { format!("\u{1b}[{}F", self.drawn) } else { String::new() };
        self.drawn = 0;
        // The block has at most one line less than the terminal, because the cursor cannot return
        // to lines that have scrolled out of it.
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
    fn a_bar_has_the_requested_width() {
        for (done, total, shown) in
            [(0, 4, "────"), (1, 4, "━───"), (4, 4, "━━━━"), (9, 4, "━━━━"), (0, 0, "────")]
        {
            assert_eq!(anstream::adapter::strip_str(&bar_text(done, total, 4)).to_string(), shown);
        }
    }
}

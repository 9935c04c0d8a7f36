//! Defines what the user can choose about a picture, and the chart that follows from it. All files
//! of this folder use these types.

use std::path::PathBuf;

use clap::ValueEnum;
use plots::{Chart, Heading};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
history     the result of each trial, and the best so far
importance  how much each parameter matters, from the surrogate as in `sweep explain`
parallel    an axis for each parameter and a line for each trial, the best on top
slices      a small chart for each parameter
curves      a metric over the steps, of the best 10 runs and the newest 5
all         a page of HTML with all of these

The end of the file's name chooses the format: .svg, .png or .html. A PNG has two pixels for each
pixel of --width and --height, so that it is sharp. A page has no script and needs no other file.

Examples:
  sweep plot k3x9abcd
  sweep plot k3x9abcd --kind parallel -o parallel.png --theme dark
  sweep plot k3x9abcd --kind curves --metric train/loss --smooth 0.9
  sweep plot k3x9abcd --kind all -o report.html
  sweep plot k3x9abcd-17 -o - > curve.svg")]
pub(crate) struct Args {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN", value_parser = crate::args::id)]
    pub(super) id: String,
    /// Chart to draw [default: history, or curves for a run]
    #[arg(long, short, value_enum, hide_possible_values = true)]
    #[arg(value_name = "history|importance|parallel|slices|curves|all")]
    pub(super) kind: Option<Kind>,
    /// Write to this file; - writes SVG to stdout [default: ID-KIND.svg]
    #[arg(long, short, value_name = "FILE|-")]
    pub(super) output: Option<PathBuf>,
    /// Draw this metric [default: the metric of the sweep]
    #[arg(long, value_name = "KEY")]
    pub(super) metric: Option<String>,
    /// Draw the curves of all runs, up to 500
    #[arg(long)]
    pub(super) all: bool,
    /// Smooth the curves: from 0, which is off, to 0.99
    #[arg(long, value_name = "STRENGTH", default_value_t = 0.0, value_parser = strength)]
    #[arg(hide_default_value = true)]
    pub(super) smooth: f64,
    /// Colours of the picture
    #[arg(long, value_enum, default_value_t = Colours::Light)]
    pub(super) theme: Colours,
    /// Width in pixels [default: 960, or more for many parameters]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(200..=3000))]
    pub(super) width: Option<u32>,
    /// Height in pixels [default: what suits the chart]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(150..=3000))]
    pub(super) height: Option<u32>,
    /// Print what was written as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A chart, or all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Kind {
    History,
    Importance,
    Parallel,
    Slices,
    Curves,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Colours {
    Light,
    Dark,
}

/// A chart that is ready to be drawn, with the number of things in it and the number that exist.
pub(super) struct Drawing {
    pub(super) chart: Box<dyn Chart>,
    pub(super) heading: Heading,
    pub(super) drawn: u64,
    pub(super) of: u64,
    /// The name of these things.
    pub(super) noun: &'static str,
}

fn strength(text: &str) -> Result<f64, String> {
    let strength = text.parse().ok().filter(|strength| (0.0..=0.99).contains(strength));
    strength.ok_or_else(|| "write a number from 0 to 0.99".to_owned())
}

/// Returns the name of a sweep or a run, or its id if it has no name.
pub(super) fn name_of(name: &str, id: &str) -> String {
    if name.is_empty() { id.to_owned() } else { name.to_owned() }
}

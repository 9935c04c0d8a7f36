//! Draws the charts of a sweep without a browser: the course of the results, the importance of the
//! parameters, parallel coordinates, slices, and curves. A [`Chart`] is pure: it turns data into
//! the shapes of a [`Picture`]. The functions [`svg()`], [`png()`] and [`page`] write pictures as
//! files. The same data give the same bytes. The charts look like those of the dashboard
//! (docs/decisions/plots.md). `sweep plot` calls this crate.

mod axes;
mod bars;
mod data;
mod font;
mod history;
mod html;
mod lines;
mod marks;
mod parallel;
mod pen;
mod picture;
mod png;
mod rank;
mod scale;
mod slices;
mod smooth;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod ticks;

pub use bars::{Bar, Bars};
pub use data::{Column, Kind};
pub use history::History;
pub use html::{Section, page};
pub use lines::{Lines, Point, Series};
pub use parallel::Parallel;
pub use picture::{Chart, Form, Heading, Picture};
pub use png::png;
pub use slices::Slices;
pub use svg::svg;
pub use text::count;
pub use theme::Theme;

//! Puts a chart on a sheet: with a margin, and under a heading if it has one.

use crate::{
    axes::Size,
    pen::{Align, Base, Pen, SIZE, Shape, Style, squeeze},
    theme::Theme,
};

/// The width of most pictures.
pub(crate) const WIDTH: f64 = 960.0;
/// The margin around a chart.
const MARGIN: f64 = 16.0;
/// The height of a heading.
const HEADING: f64 = 42.0;
/// The size of a title.
const TITLE: f64 = 14.0;
/// The smallest size of a chart in which its texts have room.
const LEAST: f64 = 80.0;

/// A chart that can be drawn at any size.
pub trait Chart {
    /// Returns the width that suits the chart.
    fn width(&self) -> f64 {
        WIDTH
    }
    /// Returns the height that suits the chart at this width.
    fn height(&self, width: f64) -> f64;
    /// Draws the chart between (0, 0) and its size.
    fn draw(&self, pen: &mut Pen, size: Size);
}

/// The texts about a picture. They may be foreign texts.
#[derive(Clone, Debug)]
pub struct Heading {
    /// What the picture shows.
    pub title: String,
    /// Of what, and how much of it.
    pub about: String,
}

/// A drawn chart.
#[derive(Debug)]
pub struct Picture {
    pub(crate) size: Size,
    pub(crate) theme: Theme,
    pub(crate) heading: Heading,
    pub(crate) shapes: Vec<Shape>,
}

/// The wanted form of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The width in pixels. `None`: what suits the chart.
    pub width: Option<f64>,
    /// The height in pixels. `None`: what suits the chart.
    pub height: Option<f64>,
    /// The colours.
    pub theme: Theme,
    /// Whether the heading is part of the picture. It always describes the picture to programs that
    /// read it aloud.
    pub headed: bool,
}

impl Picture {
    /// Draws a chart.
    pub fn new(chart: &dyn Chart, heading: Heading, form: Form) -> Self {
        let mut pen = Pen::new(form.theme);
        let above = if form.headed { MARGIN + HEADING } else { MARGIN };
        let inside = (form.width.unwrap_or(chart.width()) - 2.0 * MARGIN).max(LEAST);
        let wanted = form.height.map(|height| height - above - MARGIN);
        let size = Size {
            width: inside,
            height: wanted.unwrap_or_else(|| chart.height(inside)).round().max(LEAST),
        };
        if form.headed {
            let room = inside - 4.0;
            let title = squeeze(&heading.title, room * SIZE / TITLE, true);
            let about = squeeze(&heading.about, room, false);
            let style = Style::new(pen.theme.ink).at(Align::Left, Base::Top);
            pen.text(&title, MARGIN + 4.0, MARGIN, style.bold().size(TITLE));
            let style = Style::new(pen.theme.muted).at(Align::Left, Base::Top);
            pen.text(&about, MARGIN + 4.0, MARGIN + 19.0, style);
        }
        pen.move_origin(MARGIN, above);
        chart.draw(&mut pen, size);
        let size = Size { width: inside + 2.0 * MARGIN, height: size.height + above + MARGIN };
        Self { size, theme: form.theme, heading, shapes: pen.shapes }
    }
}

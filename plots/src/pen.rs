//! Collects the shapes of a picture. The charts draw with a pen; the writers turn its shapes into
//! SVG and PNG.

use crate::{
    font,
    text::{shorten, visible},
    theme::{Colour, Theme},
};

/// The size of most texts.
pub(crate) const SIZE: f64 = 11.0;

/// A part of a path. All lengths are pixels, and all numbers are finite.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Begins a line.
    Move(f64, f64),
    /// Goes on to a point.
    Line(f64, f64),
    /// Goes back to where the line began.
    Close,
    /// A rectangle: its left, its top, its width and its height.
    Rect(f64, f64, f64, f64),
    /// A circle: its middle and its radius.
    Circle(f64, f64, f64),
}

/// A path. Like a canvas, it leaves out what has no place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    pub(crate) parts: Vec<Part>,
}

impl Path {
    pub(crate) fn move_to(&mut self, x: f64, y: f64) {
        self.add(Part::Move(x, y), &[x, y]);
    }

    pub(crate) fn line_to(&mut self, x: f64, y: f64) {
        let part = if self.parts.is_empty() { Part::Move(x, y) } else { Part::Line(x, y) };
        self.add(part, &[x, y]);
    }

    /// Adds a line of its own.
    pub(crate) fn segment(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.move_to(from.0, from.1);
        self.line_to(to.0, to.1);
    }

    pub(crate) fn close(&mut self) {
        if !self.parts.is_empty() {
            self.parts.push(Part::Close);
        }
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.add(Part::Rect(x, y, width, height), &[x, y, width, height]);
    }

    pub(crate) fn circle(&mut self, x: f64, y: f64, radius: f64) {
        self.add(Part::Circle(x, y, radius), &[x, y, radius]);
    }

    fn add(&mut self, part: Part, numbers: &[f64]) {
        if numbers.iter().all(|number| number.is_finite()) {
            self.parts.push(part);
        }
    }

    fn moved(mut self, (dx, dy): (f64, f64)) -> Self {
        for part in &mut self.parts {
            match part {
                Part::Move(x, y) | Part::Line(x, y) => (*x, *y) = (*x + dx, *y + dy),
                Part::Rect(x, y, ..) | Part::Circle(x, y, _) => (*x, *y) = (*x + dx, *y + dy),
                Part::Close => {}
            }
        }
        self
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    pub(crate) alpha: f64,
    /// The lengths of dashes and gaps in turn.
    pub(crate) dash: &'static [f32],
}

impl Stroke {
    /// A full line, one pixel wide.
    pub(crate) fn new(colour: Colour) -> Self {
        Self { colour, width: 1.0, alpha: 1.0, dash: &[] }
    }

    pub(crate) fn width(self, width: f64) -> Self {
        Self { width, ..self }
    }

    pub(crate) fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    pub(crate) fn dash(self, dash: &'static [f32]) -> Self {
        Self { dash, ..self }
    }
}

/// The part of a text that stands at its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// The height of a text at its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Base {
    Top,
    Middle,
    Bottom,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) colour: Colour,
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) align: Align,
    pub(crate) base: Base,
    /// A colour around the letters, so that lines behind them do not disturb.
    pub(crate) halo: Option<Colour>,
}

impl Style {
    /// A text whose left end and middle are at its place.
    pub(crate) fn new(colour: Colour) -> Self {
        let (align, base) = (Align::Left, Base::Middle);
        Self { colour, size: SIZE, bold: false, align, base, halo: None }
    }

    pub(crate) fn at(self, align: Align, base: Base) -> Self {
        Self { align, base, ..self }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(crate) fn halo(self, colour: Colour) -> Self {
        Self { halo: Some(colour), ..self }
    }
}

/// A shape of a picture.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A path that is drawn along.
    Stroke(Path, Stroke),
    /// A path whose inside is filled, with its opacity.
    Fill(Path, Colour, f64),
    /// A text without hidden characters; the place of its left end on its base line.
    Text(String, f64, f64, Style),
    /// The next shapes are drawn only inside this rectangle: left, top, width and height.
    Clip(f64, f64, f64, f64),
    /// Ends the last `Clip`.
    Unclip,
}

/// Draws in the colours of a theme.
#[derive(Debug)]
pub struct Pen {
    pub(crate) theme: Theme,
    pub(crate) shapes: Vec<Shape>,
    origin: (f64, f64),
}

impl Pen {
    pub(crate) fn new(theme: Theme) -> Self {
        Self { theme, shapes: Vec::new(), origin: (0.0, 0.0) }
    }

    /// Returns the place of the point (0, 0).
    pub(crate) fn origin(&self) -> (f64, f64) {
        self.origin
    }

    /// Sets the place of the point (0, 0) of all that is drawn next.
    pub(crate) fn move_origin(&mut self, x: f64, y: f64) {
        self.origin = (x, y);
    }

    pub(crate) fn stroke(&mut self, path: Path, stroke: Stroke) {
        if !path.parts.is_empty() {
            self.shapes.push(Shape::Stroke(path.moved(self.origin), stroke));
        }
    }

    pub(crate) fn fill(&mut self, path: Path, colour: Colour, alpha: f64) {
        if !path.parts.is_empty() {
            self.shapes.push(Shape::Fill(path.moved(self.origin), colour, alpha));
        }
    }

    /// Writes a text. Hidden characters of it become visible.
    pub(crate) fn text(&mut self, text: &str, x: f64, y: f64, style: Style) {
        if text.is_empty() || !(x + y).is_finite() {
            return;
        }
        let text = visible(text);
        // Not every program aligns a text to its top or its middle, so the pen does.
        let drop = match style.base {
            Base::Top => 0.8,
            Base::Middle => 0.35,
            Base::Bottom => -0.2,
        } * style.size;
        self.shapes.push(Shape::Text(text, x + self.origin.0, y + self.origin.1 + drop, style));
    }

    pub(crate) fn clip(&mut self, left: f64, top: f64, width: f64, height: f64) {
        self.shapes.push(Shape::Clip(left + self.origin.0, top + self.origin.1, width, height));
    }

    pub(crate) fn unclip(&mut self) {
        self.shapes.push(Shape::Unclip);
    }
}

/// Returns the width of a text of the usual size.
pub(crate) fn measure(text: &str, bold: bool) -> f64 {
    font::width(&visible(text), SIZE, bold)
}

/// Shortens a text until it has room. Empty: there is no room for any of it.
pub(crate) fn squeeze(text: &str, room: f64, bold: bool) -> String {
    let text = visible(text);
    let mut most = text.chars().count();
    while most > 2 && measure(&shorten(&text, most), bold) > room {
        most -= 1;
    }
    if most > 2 || measure(&text, bold) <= room {
        shorten(&text, most.max(1))
    } else {
        String::new()
    }
}

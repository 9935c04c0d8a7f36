//! Draws a picture as PNG, with tiny-skia. There are two pixels for each unit of length, so that
//! texts are sharp on dense screens and on paper.

use tiny_skia::{
    Color, FillRule, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::OutlineBuilder;

use crate::{
    font,
    pen::{self, Align, Part, Shape, Style},
    picture::Picture,
    theme::Colour,
};

/// The pixels for each unit of length.
const DENSITY: f32 = 2.0;

/// Returns the bytes of the PNG file, or why there are none.
///
/// # Errors
/// Fails with a sentence for people if the picture is too large for memory.
pub fn png(picture: &Picture) -> Result<Vec<u8>, String> {
    let pixels = |length: f64| (length as f32 * DENSITY).ceil() as u32;
    let (width, height) = (pixels(picture.size.width), pixels(picture.size.height));
    let too_large = || format!("no picture can have {width} x {height} pixels");
    let mut canvas =
        Canvas { pixmap: Pixmap::new(width, height).ok_or_else(too_large)?, mask: None };
    canvas.pixmap.fill(colour(picture.theme.ground, 1.0));
    for shape in &picture.shapes {
        canvas.draw(shape);
    }
    canvas.pixmap.encode_png().map_err(|error| format!("the picture cannot be written: {error}"))
}

struct Canvas {
    pixmap: Pixmap,
    /// The part in which shapes are drawn now.
    mask: Option<Mask>,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Stroke(path, stroke) => {
                let dash = StrokeDash::new(stroke.dash.to_vec(), 0.0);
                let form = Stroke {
                    width: stroke.width as f32,
                    line_join: LineJoin::Round,
                    dash,
                    ..Stroke::default()
                };
                self.stroke(path_of(path), colour(stroke.colour, stroke.alpha), &form);
            }
            Shape::Fill(path, of, alpha) => self.fill(path_of(path), colour(*of, *alpha)),
            Shape::Text(words, x, y, style) => self.text(words, *x, *y, style),
            Shape::Clip(x, y, width, height) => {
                let [x, y, width, height] = [x, y, width, height].map(|one| *one as f32);
                let mask = Mask::new(self.pixmap.width(), self.pixmap.height());
                if let (Some(mut mask), Some(inside)) = (mask, Rect::from_xywh(x, y, width, height))
                {
                    let inside = PathBuilder::from_rect(inside);
                    mask.fill_path(&inside, FillRule::Winding, true, density());
                    self.mask = Some(mask);
                }
            }
            Shape::Unclip => self.mask = None,
        }
    }

    fn stroke(&mut self, path: Option<Path>, colour: Color, form: &Stroke) {
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(colour), form, density(), self.mask.as_ref());
        }
    }

    fn fill(&mut self, path: Option<Path>, colour: Color) {
        if let Some(path) = path {
            let rule = FillRule::Winding;
            self.pixmap.fill_path(&path, &paint(colour), rule, density(), self.mask.as_ref());
        }
    }

    fn text(&mut self, words: &str, x: f64, y: f64, style: &Style) {
        let face = font::face(style.bold);
        let (glyphs, width) = font::glyphs(words, style.size, style.bold);
        let left = match style.align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        };
        let scale = style.size / f64::from(face.units_per_em());
        let mut outline = Outline { path: PathBuilder::new(), x: 0.0, y, scale };
        for (glyph, at) in glyphs {
            outline.x = left + at;
            face.outline_glyph(glyph, &mut outline);
        }
        let path = outline.path.finish();
        if let Some(halo) = style.halo {
            let form = Stroke { width: 3.0, line_join: LineJoin::Round, ..Stroke::default() };
            self.stroke(path.clone(), colour(halo, 1.0), &form);
        }
        self.fill(path, colour(style.colour, 1.0));
    }
}

fn density() -> Transform {
    Transform::from_scale(DENSITY, DENSITY)
}

fn colour(colour: Colour, alpha: f64) -> Color {
    let [red, green, blue] = colour.parts();
    let mut colour = Color::from_rgba8(red, green, blue, 255);
    colour.set_alpha(alpha as f32);
    colour
}

fn paint(colour: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(colour);
    paint
}

fn path_of(path: &pen::Path) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for part in &path.parts {
        match *part {
            Part::Move(x, y) => builder.move_to(x as f32, y as f32),
            Part::Line(x, y) => builder.line_to(x as f32, y as f32),
            Part::Close => builder.close(),
            Part::Circle(x, y, radius) => builder.push_circle(x as f32, y as f32, radius as f32),
            Part::Rect(x, y, width, height) => {
                let [x, y, width, height] = [x, y, width, height].map(|one| one as f32);
                builder.move_to(x, y);
                builder.line_to(x + width, y);
                builder.line_to(x + width, y + height);
                builder.line_to(x, y + height);
                builder.close();
            }
        }
    }
    builder.finish()
}

/// Adds the outline of a glyph to a path.
struct Outline {
    path: PathBuilder,
    /// The place of the glyph.
    x: f64,
    y: f64,
    /// The size of a unit of the font.
    scale: f64,
}

impl Outline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        let place = |from: f64, by: f32| (from + f64::from(by) * self.scale) as f32;
        (place(self.x, x), place(self.y, -y))
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2)) = (self.place(x1, y1), self.place(x2, y2));
        let (x, y) = self.place(x, y);
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

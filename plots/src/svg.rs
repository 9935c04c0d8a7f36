//! Writes a picture as SVG. The text contains no script, no style and no reference to another file.

use std::fmt::Write as _;

use crate::{
    font::FAMILY,
    pen::{Align, Part, Path, SIZE, Shape, Stroke, Style},
    picture::Picture,
    text::escaped,
};

/// Returns the picture as a file.
pub fn svg(picture: &Picture) -> String {
    element(picture, "clip") + "\n"
}

/// Returns the picture as an element. `prefix` begins the ids, which must be unique in a page.
pub(crate) fn element(picture: &Picture, prefix: &str) -> String {
    let (width, height) = (round(picture.size.width), round(picture.size.height));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILY}\" \
         font-size=\"{SIZE}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
        escaped(&picture.heading.title),
        escaped(&picture.heading.about),
        picture.theme.ground,
    );
    for (at, shape) in picture.shapes.iter().enumerate() {
        text.push('\n');
        match shape {
            Shape::Stroke(path, stroke) => line(&mut text, path, stroke),
            Shape::Fill(path, colour, alpha) => {
                let path = data(path);
                let _ = write!(text, "<path d=\"{path}\" fill=\"{colour}\"");
                opacity(&mut text, "fill", *alpha);
                text += "/>";
            }
            Shape::Text(words, x, y, style) => letters(&mut text, words, *x, *y, style),
            Shape::Clip(x, y, width, height) => {
                let [x, y, width, height] = [x, y, width, height].map(|one| round(*one));
                let _ = write!(
                    text,
                    "<clipPath id=\"{prefix}{at}\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" \
                     height=\"{height}\"/></clipPath><g clip-path=\"url(#{prefix}{at})\">"
                );
            }
            Shape::Unclip => text += "</g>",
        }
    }
    text + "\n</svg>"
}

fn line(text: &mut String, path: &Path, stroke: &Stroke) {
    let Stroke { colour, width, alpha, dash } = stroke;
    let path = data(path);
    let _ = write!(
        text,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
         stroke-linejoin=\"round\""
    );
    if !dash.is_empty() {
        let lengths: Vec<String> = dash.iter().map(f32::to_string).collect();
        let _ = write!(text, " stroke-dasharray=\"{}\"", lengths.join(" "));
    }
    opacity(text, "stroke", *alpha);
    *text += "/>";
}

fn opacity(text: &mut String, of: &str, alpha: f64) {
    if alpha < 1.0 {
        let _ = write!(text, " {of}-opacity=\"{}\"", round(alpha));
    }
}

fn letters(text: &mut String, words: &str, x: f64, y: f64, style: &Style) {
    let _ = write!(text, "<text x=\"{}\" y=\"{}\" fill=\"{}\"", round(x), round(y), style.colour);
    if style.size != SIZE {
        let _ = write!(text, " font-size=\"{}\"", style.size);
    }
    if style.bold {
        *text += " font-weight=\"600\"";
    }
    match style.align {
        Align::Left => {}
        Align::Centre => *text += " text-anchor=\"middle\"",
        Align::Right => *text += " text-anchor=\"end\"",
    }
    if let Some(halo) = style.halo {
        let _ = write!(text, " stroke=\"{halo}\" stroke-width=\"3\" paint-order=\"stroke\"");
    }
    let _ = write!(text, ">{}</text>", escaped(words));
}

/// Returns the commands of a path.
fn data(path: &Path) -> String {
    let mut text = String::new();
    for part in &path.parts {
        let _ = match *part {
            Part::Move(x, y) => write!(text, "M{} {}", round(x), round(y)),
            Part::Line(x, y) => write!(text, "L{} {}", round(x), round(y)),
            Part::Close => write!(text, "Z"),
            Part::Rect(x, y, width, height) => {
                let [x, y, width, height] = [x, y, width, height].map(round);
                write!(text, "M{x} {y}h{width}v{height}h{}Z", 0.0 - width)
            }
            Part::Circle(x, y, r) => {
                let [x, y, r, across] = [x + r, y, r, 2.0 * r].map(round);
                write!(text, "M{x} {y}a{r} {r} 0 1 0-{across} 0a{r} {r} 0 1 0 {across} 0Z")
            }
        };
    }
    text
}

/// Rounds to hundredths of a pixel. There is no negative zero, so that equal pictures have equal
/// texts.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

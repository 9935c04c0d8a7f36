//! Holds the font of the charts, and measures texts with it. The pen and the writer of PNG use this
//! module. The files in the folder `fonts` are parts of Inter under the SIL Open Font License:
//! Latin, Greek and Cyrillic letters of two weights (docs/decisions/plots.md).

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// The font of SVG files, for programs that draw them.
pub(crate) const FAMILY: &str = "Inter, system-ui, sans-serif";

static FACES: LazyLock<[Face<'static>; 2]> = LazyLock::new(|| {
    [
        &include_bytes!("../fonts/Inter-Regular.ttf")[..],
        include_bytes!("../fonts/Inter-SemiBold.ttf"),
    ]
    .map(|bytes| Face::parse(bytes, 0).expect("the tests parse these files"))
});

/// Returns the regular or the bold face.
pub(crate) fn face(bold: bool) -> &'static Face<'static> {
    &FACES[usize::from(bold)]
}

/// Returns the glyphs of a text, each with its place from the start of the text, and at the end the
/// width of the text. A letter that the font lacks is a box.
pub(crate) fn glyphs(text: &str, size: f64, bold: bool) -> (Vec<(GlyphId, f64)>, f64) {
    let face = face(bold);
    let scale = size / f64::from(face.units_per_em());
    let mut x = 0.0;
    let glyphs = text.chars().map(|letter| {
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
        let at = x;
        x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        (glyph, at)
    });
    (glyphs.collect(), x)
}

/// Returns the width of a text.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    glyphs(text, size, bold).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_the_letters_of_the_charts() {
        for bold in [false, true] {
            let missing: String = "azAZ09µß é ΑΩ Яж …∞²±→|{}%"
                .chars()
                .filter(|letter| face(bold).glyph_index(*letter).is_none())
                .collect();
            assert_eq!(missing, "", "bold: {bold}");
        }
    }

    #[test]
    fn bold_and_longer_texts_are_wider() {
        assert!(width("loss", 11.0, true) > width("loss", 11.0, false));
        assert!(width("loss", 11.0, false) > width("los", 11.0, false));
        assert_eq!(width("", 11.0, false), 0.0);
        assert!(width("日本", 11.0, false) > 11.0);
    }
}

//! Writes pictures as a page of HTML. The page is one file: it has no script and refers to no other
//! file, and its policy forbids both.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{
    picture::{Heading, Picture},
    svg::element,
    text::escaped,
    theme::Theme,
};

/// A part of a page.
#[derive(Debug)]
pub enum Section {
    /// A picture without a heading of its own.
    Picture(Picture),
    /// A sentence in place of a picture that cannot be drawn.
    Missing(Heading),
}

/// Returns a page with these sections.
pub fn page(heading: &Heading, sections: &[Section], theme: &Theme) -> String {
    let style = style(theme);
    let hash = STANDARD.encode(Sha256::digest(&style));
    let (title, about) = (escaped(&heading.title), escaped(&heading.about));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"description\" content=\"{about}\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p>{about}</p>\n"
    );
    for (at, section) in sections.iter().enumerate() {
        let (heading, content) = match section {
            Section::Picture(picture) => {
                (&picture.heading, element(picture, &format!("clip{at}-")))
            }
            Section::Missing(heading) => (heading, format!("<p>{}</p>", escaped(&heading.about))),
        };
        let title = escaped(&heading.title);
        let _ = writeln!(text, "<section>\n<h2>{title}</h2>\n{content}\n</section>");
    }
    text + "</main>\n</body>\n</html>\n"
}

fn style(theme: &Theme) -> String {
    let Theme { ground, ink, muted, grid, dark, .. } = theme;
    let scheme = if *dark { "dark" } else { "light" };
    format!(
        ":root{{color-scheme:{scheme}}}\
         body{{margin:0;background:{ground};color:{ink};\
         font:14px/1.5 Inter,system-ui,sans-serif}}\
         main{{max-width:1100px;margin:0 auto;padding:24px 16px}}\
         h1{{margin:0;font-size:20px;overflow-wrap:anywhere}}\
         h2{{margin:0;font-size:15px;overflow-wrap:anywhere}}\
         p{{margin:0;color:{muted};overflow-wrap:anywhere}}\
         section{{margin-top:20px;padding-top:16px;border-top:1px solid {grid}}}\
         svg{{display:block;max-width:100%;height:auto;margin:4px 0 0 -20px}}"
    )
}

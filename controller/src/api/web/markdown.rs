//! Reads texts in Markdown, such as notes of runs and texts of reports, into trees of blocks and
//! spans. A page draws a tree with its own components and never sees markup. HTML in a text is
//! text, links lead only to places that a page may open, and all sizes are bounded.

mod build;
#[cfg(test)]
mod tests;
mod tree;

use axum::Json;
use serde::{Deserialize, Serialize};

use self::tree::TextTree;
use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};

/// Texts in Markdown.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    texts: Vec<String>,
}

/// The trees of texts, in the order of the texts.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct TextTrees {
    trees: Vec<TextTree>,
}

/// Reads texts. Trees are not part of other answers: a list of runs would carry all their notes
/// twice, and the preview of a text that is being written needs this path anyway.
pub(super) async fn read(
    call: Call,
    Body(Texts { texts }): Body<Texts>,
) -> Result<Json<TextTrees>, Problem> {
    let Nothing {} = call.asked;
    let limits = &call.app.settings.markdown;
    let (count, most) = (texts.len(), limits.texts);
    if count > most {
        let detail = format!("the request has {count} texts; the limit is {most}");
        return Err(Problem::wrong(detail));
    }
    let trees = texts.iter().map(|text| build::document(text, limits)).collect();
    Ok(Json(TextTrees { trees }))
}

//! The trees that texts become, as a page gets them.

use serde::Serialize;

/// The tree of a text.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(in crate::api::web) struct TextTree {
    pub(super) blocks: Vec<TextBlock>,
    /// Whether the text is too long or too deep, so that the rest is left out.
    pub(super) cut: bool,
}

/// A part of a text that begins on a line of its own.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::api::web) enum TextBlock {
    Heading {
        level: u8,
        spans: Vec<TextSpan>,
    },
    Paragraph {
        spans: Vec<TextSpan>,
    },
    Quote {
        blocks: Vec<TextBlock>,
    },
    Code {
        language: String,
        text: String,
    },
    /// A list; `first` is the number of its first item, if it is numbered.
    List {
        first: Option<u32>,
        items: Vec<ListItem>,
    },
    Table {
        sides: Vec<Side>,
        head: Vec<Vec<TextSpan>>,
        rows: Vec<Vec<Vec<TextSpan>>>,
    },
    Rule,
}

/// An item of a list.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(in crate::api::web) struct ListItem {
    /// Whether the task is done; `null` if the item is no task.
    pub(super) done: Option<bool>,
    pub(super) blocks: Vec<TextBlock>,
}

/// The side to which the texts of a column lean.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub(in crate::api::web) enum Side {
    Left,
    Center,
    Right,
}

/// A part of a line.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::api::web) enum TextSpan {
    Text {
        text: String,
    },
    Code {
        text: String,
    },
    Emphasis {
        spans: Vec<TextSpan>,
    },
    Strong {
        spans: Vec<TextSpan>,
    },
    Strike {
        spans: Vec<TextSpan>,
    },
    Link {
        to: String,
        spans: Vec<TextSpan>,
    },
    /// An image among the files of what the text is about.
    Image {
        path: String,
        text: String,
    },
    Break,
}

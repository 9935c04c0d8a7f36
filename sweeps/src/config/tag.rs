//! Reads YAML's tags, such as `!!str`. `tree` calls this module. Only some of YAML's own tags are
//! accepted: none of them runs code or names a type of a program.

use saphyr_parser::{ScalarStyle, Tag};

use super::{
    scalar::{self, Core},
    text::code,
};

/// Returns the name of a tag of YAML itself: `str` for `!!str`.
pub(super) fn core(tag: &Tag) -> Option<&str> {
    match tag.handle.as_str() {
        "tag:yaml.org,2002:" => Some(&tag.suffix),
        _ => tag.suffix.strip_prefix("tag:yaml.org,2002:").filter(|_| tag.handle.is_empty()),
    }
}

/// Returns the meaning of a scalar, from its tag if it has one, else from its quotes or characters.
/// Returns an error message if the tag is wrong.
pub(super) fn meaning(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Core, String> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { scalar::core(text) } else { Core::Text });
    };
    let read = scalar::core(text);
    match (core(tag), read) {
        (Some("str"), _) => Ok(Core::Text),
        (Some("int"), Core::Integer(_))
        | (Some("bool"), Core::Bool(_))
        | (Some("null"), Core::Null)
        | (Some("float"), Core::Float(_)) => Ok(read),
        // A whole number above 2^53 loses digits here. A person who tags it as a float accepts
        // that.
        (Some("float"), Core::Integer(whole)) => Ok(Core::Float(whole as f64)),
        (Some(kind @ ("int" | "bool" | "null" | "float")), _) => {
            Err(format!("{} is not a valid `{kind}`", code(text)))
        }
        _ if tag.suffix == "!" && tag.handle.is_empty() => Ok(Core::Text),
        _ => Err(format!("the tag {} means nothing in a sweep", code(&tag.to_string()))),
    }
}

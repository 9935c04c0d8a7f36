//! Defines the values that a program can log: numbers, booleans, texts, media and maps of these.
//! `log`, `summary` and the macro `log!` convert Rust's own types into these values.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use crate::media::{
    Audio, Html, Image, Media, Video, histogram::Histogram, plot::Chart, table::Table,
};

/// One logged value. 64-bit floats keep their bits, including NaN and infinities.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A float. An `f32` becomes the `f64` with the same shortest decimal form: `0.9_f32` is stored
    /// as 0.9.
    F64(f64),
    /// A whole number.
    I64(i64),
    /// A whole number above `i64::MAX`.
    U64(u64),
    /// True or false.
    Bool(bool),
    /// A text. The SDK cuts off the part beyond 256 KiB, and counts the shortened text in
    /// [`Finished::cut`](crate::Finished::cut).
    Text(Cow<'a, str>),
    /// One JSON object whose member `_type` names its kind: the form of histograms, media and
    /// tables in a row. The SDK leaves out an object over 256 KiB, and counts it in
    /// [`Finished::cut`](crate::Finished::cut).
    Json(Cow<'a, str>),
    /// An image, a table or another value that is stored as a file. `log` writes the file into the
    /// run's folder. If the disk does not take the file, the SDK leaves the value out and counts it
    /// in [`Finished::cut`](crate::Finished::cut).
    // A medium is boxed because it is rare and large: without the box, every number would take as
    // much memory.
    Media(Box<Media>),
    /// Named values. Each value is logged under the map's key, a dot and its own name:
    /// `"val" => [("loss", 0.1)]` becomes `val.loss`. Maps may hold maps. An empty map logs
    /// nothing.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Implements the conversion from a type and from a reference to that type, so that maps can be
/// logged by reference.
macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr;)+) => {$(
        impl From<$type> for Value<'_> {
            fn from($value: $type) -> Self {
                $make
            }
        }
        impl From<&$type> for Value<'_> {
            fn from(value: &$type) -> Self {
                Self::from(*value)
            }
        }
    )+};
}

from! {
    f64 => |value| Self::F64(value);
    f32 => |value| Self::F64(record::widen(value));
    bool => |value| Self::Bool(value);
    i64 => |value| Self::I64(value);
    i32 => |value| Self::I64(i64::from(value));
    i16 => |value| Self::I64(i64::from(value));
    i8 => |value| Self::I64(i64::from(value));
    u32 => |value| Self::I64(i64::from(value));
    u16 => |value| Self::I64(i64::from(value));
    u8 => |value| Self::I64(i64::from(value));
    isize => |value| Self::I64(value as i64);
    u64 => |value| i64::try_from(value).map_or(Self::U64(value), Self::I64);
    usize => |value| Self::from(value as u64);
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

/// Implements the conversion from collections of names and values.
macro_rules! from_maps {
    ($([$($generics:tt)*] $type:ty;)+) => {$(
        impl<'a, K: Into<Cow<'a, str>>, V: Into<Value<'a>>, $($generics)*>
            From<$type> for Value<'a>
        {
            fn from(map: $type) -> Self {
                Self::map(map)
            }
        }
    )+};
}

from_maps! {
    [] Vec<(K, V)>;
    [const N: usize] [(K, V); N];
    [] BTreeMap<K, V>;
    [S] HashMap<K, V, S>;
}

impl<'a> Value<'a> {
    /// Makes a map from an iterator of names and values, such as an iterator over a map that the
    /// caller keeps.
    pub fn map<K: Into<Cow<'a, str>>, V: Into<Value<'a>>>(
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::Map(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<'a, T: Loggable<'a>> From<Option<T>> for Value<'a> {
    /// Converts the value inside the option. `None` becomes an empty map, which logs nothing.
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::Map(Vec::new()), Loggable::into_value)
    }
}

/// A type that can be logged: every type that converts into a [`Value`]. Implement
/// `From<YourType> for Value` to log your own type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged",
    label = "numbers, bools, text, media, `Option`s and maps of these can be logged; \
        `.to_string()` turns other values into text"
)]
pub trait Loggable<'a> {
    /// Converts this into the value to log.
    fn into_value(self) -> Value<'a>;
}

// Without this attribute, the compiler reports that `Into` is not implemented, instead of printing
// the message of `on_unimplemented`.
#[diagnostic::do_not_recommend]
impl<'a, T: Into<Value<'a>>> Loggable<'a> for T {
    fn into_value(self) -> Value<'a> {
        self.into()
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl From<Histogram> for Value<'_> {
    fn from(histogram: Histogram) -> Self {
        Self::from(&histogram)
    }
}

impl From<&Histogram> for Value<'_> {
    fn from(histogram: &Histogram) -> Self {
        Self::Json(histogram.to_json().to_string().into())
    }
}

/// Implements the conversion from a medium and from a reference to it, so that
/// `log!(run, "examples" => image)` works.
macro_rules! from_media {
    ($($type:ty => $variant:ident;)+) => {$(
        impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::Media(Box::new(Media::$variant(value)))
            }
        }
        impl From<&$type> for Value<'_> {
            fn from(value: &$type) -> Self {
                Self::from(value.clone())
            }
        }
    )+};
}

from_media! {
    Image => Image;
    Vec<Image> => Images;
    Audio => Audio;
    Video => Video;
    Html => Html;
    Table => Table;
    Chart => Chart;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_logs_its_value_or_nothing() {
        assert_eq!(Some(0.5).into_value(), Value::F64(0.5));
        assert_eq!(Some("warm").into_value(), Value::from("warm"));
        assert_eq!(None::<f64>.into_value(), Value::Map(Vec::new()), "an empty map logs nothing");
        assert_eq!(Some(None::<Value<'_>>).into_value(), Value::Map(Vec::new()));
    }
}

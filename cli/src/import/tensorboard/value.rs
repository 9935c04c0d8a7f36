//! Converts a tagged value of an event file to a value of a row: scalars, texts and histograms, in
//! the old style and as tensors. Images and audio clips become files. The conversion accesses no
//! file.

use half::{bf16, f16};
use record::{Value, sniff};
use serde_json::json;

use super::event::{Histogram, TaggedValue, Tensor};

/// TensorFlow's numbers of element types.
mod kind {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const DOUBLE: i32 = 2;
    pub(super) const INT32: i32 = 3;
    pub(super) const UINT8: i32 = 4;
    pub(super) const INT64: i32 = 9;
    pub(super) const BOOL: i32 = 10;
    pub(super) const BFLOAT16: i32 = 14;
    pub(super) const HALF: i32 = 19;
}

/// What a tagged value becomes.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A value of a row.
    Value(Value),
    /// Encoded files of one kind: `image` or `audio`.
    Media(&'static str, Vec<Clip>),
}

/// An encoded image or audio clip.
#[derive(Debug, PartialEq)]
pub(super) struct Clip {
    /// The encoded bytes.
    pub(super) bytes: Vec<u8>,
    /// The extension of a file with such bytes.
    pub(super) format: &'static str,
}

/// Returns what the value becomes, or the name of its kind if a run cannot store it.
pub(super) fn found(tagged: &TaggedValue, plugin: &str) -> Result<Found, &'static str> {
    if let Some(image) = &tagged.image {
        return media("image", [&image.encoded]);
    }
    if let Some(audio) = &tagged.audio {
        return media("audio", [&audio.encoded]);
    }
    match (plugin, &tagged.tensor) {
        // The first two texts are the width and the height.
        ("images", Some(tensor)) => media("image", tensor.strings.iter().skip(2)),
        // A clip may be followed by its description, which is no clip.
        ("audio", Some(tensor)) => {
            media("audio", tensor.strings.iter().filter(|bytes| format("audio", bytes).is_some()))
        }
        _ => value(tagged, plugin).map(Found::Value),
    }
}

fn media<'a>(
    kind: &'static str,
    encoded: impl IntoIterator<Item = &'a Vec<u8>>,
) -> Result<Found, &'static str> {
    let clip = |bytes: &Vec<u8>| Some(Clip { format: format(kind, bytes)?, bytes: bytes.clone() });
    let clips: Option<Vec<Clip>> = encoded.into_iter().map(clip).collect();
    let unknown = if kind == "image" {
        "image of an unknown format"
    } else {
        "audio clip of an unknown format"
    };
    let clips = clips.filter(|clips| !clips.is_empty()).ok_or(unknown)?;
    Ok(Found::Media(kind, clips))
}

/// Returns the extension of files of this kind that begin like these bytes; `None` for an unknown
/// format.
fn format(kind: &str, bytes: &[u8]) -> Option<&'static str> {
    match kind {
        "image" => sniff::image(bytes).map(|(format, _)| format),
        _ => sniff::audio(bytes),
    }
}

fn value(tagged: &TaggedValue, plugin: &str) -> Result<Value, &'static str> {
    if let Some(number) = tagged.simple {
        return Ok(Value::F64(number.into()));
    }
    if let Some(old) = &tagged.histogram {
        return histogram(old).ok_or("histogram without buckets");
    }
    let Some(tensor) = &tagged.tensor else { return Err("value of an unknown kind") };
    match plugin {
        "text" => text(tensor).ok_or("text without letters"),
        "histograms" => tensor_histogram(tensor).ok_or("histogram without buckets"),
        "pr_curves" => Err("precision-recall curve"),
        "mesh" => Err("mesh"),
        "custom_scalars" | "hparams" => Err("layout of TensorBoard"),
        "scalars" | "" => scalar(tensor).ok_or("tensor"),
        _ => Err("value of another plugin"),
    }
}

/// Returns the value of a tensor with one element; `None` for other tensors and other element
/// types.
fn scalar(tensor: &Tensor) -> Option<Value> {
    if let ([number], true) = (tensor.longs.as_slice(), tensor.content.is_empty()) {
        return Some(Value::I64(*number));
    }
    if let [number] = tensor.ints.as_slice() {
        return Some(Value::I64((*number).into()));
    }
    if let [flag] = tensor.bools.as_slice() {
        return Some(Value::Bool(*flag));
    }
    match (tensor.kind, tensor.content.as_slice()) {
        (kind::INT64, bytes) if bytes.len() == 8 => {
            Some(Value::I64(i64::from_le_bytes(*bytes.first_chunk()?)))
        }
        (kind::INT32, bytes) if bytes.len() == 4 => {
            Some(Value::I64(i32::from_le_bytes(*bytes.first_chunk()?).into()))
        }
        (kind::UINT8, [byte]) => Some(Value::I64((*byte).into())),
        (kind::BOOL, [byte]) => Some(Value::Bool(*byte != 0)),
        _ => match floats(tensor).as_slice() {
            [number] => Some(Value::F64(*number)),
            _ => None,
        },
    }
}

/// Returns the elements of a tensor of floats; empty for all other types.
fn floats(tensor: &Tensor) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| number(*chunk)).collect()
    }
    let bytes = tensor.content.as_slice();
    match tensor.kind {
        kind::FLOAT if bytes.is_empty() => {
            tensor.floats.iter().map(|&number| number.into()).collect()
        }
        kind::FLOAT => each(bytes, |chunk| f32::from_le_bytes(chunk).into()),
        kind::DOUBLE if bytes.is_empty() => tensor.doubles.clone(),
        kind::DOUBLE => each(bytes, f64::from_le_bytes),
        kind::HALF if bytes.is_empty() => {
            tensor.halves.iter().map(|&bits| f16::from_bits(bits as u16).into()).collect()
        }
        kind::HALF => each(bytes, |chunk| f16::from_le_bytes(chunk).into()),
        kind::BFLOAT16 if bytes.is_empty() => {
            tensor.halves.iter().map(|&bits| bf16::from_bits(bits as u16).into()).collect()
        }
        kind::BFLOAT16 => each(bytes, |chunk| bf16::from_le_bytes(chunk).into()),
        _ => Vec::new(),
    }
}

/// Returns the texts of a tensor, joined as lines.
fn text(tensor: &Tensor) -> Option<Value> {
    let lines: Vec<_> = tensor.strings.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    (!lines.is_empty()).then(|| Value::Text(lines.join("\n")))
}

/// Converts a histogram in the old style. A writer may begin it with an empty bucket, whose limit
/// is the lower edge of the first used bucket. Without this bucket, the minimum is the lower edge.
/// If the maximum is within the last bucket, it is the upper edge.
fn histogram(old: &Histogram) -> Option<Value> {
    let buckets = old.limits.len().min(old.counts.len());
    let (mut limits, mut counts) = (old.limits[..buckets].to_vec(), &old.counts[..buckets]);
    let first = *limits.first()?;
    if old.max.is_finite()
        && buckets > 1
        && old.max > limits[buckets - 2]
        && old.max < limits[buckets - 1]
    {
        limits[buckets - 1] = old.max;
    }
    if counts[0] == 0.0 && buckets > 1 {
        counts = &counts[1..];
    } else {
        limits.insert(0, if old.min < first { old.min } else { first });
    }
    as_json(&limits, counts)
}

/// Converts a histogram that is a tensor, with rows of left edge, right edge and count.
fn tensor_histogram(tensor: &Tensor) -> Option<Value> {
    let elements = floats(tensor);
    let (rows, rest) = elements.as_chunks::<3>();
    let last = rows.last().filter(|_| rest.is_empty())?;
    let edges: Vec<f64> = rows.iter().map(|row| row[0]).chain([last[1]]).collect();
    let counts: Vec<f64> = rows.iter().map(|row| row[2]).collect();
    as_json(&edges, &counts)
}

fn as_json(bins: &[f64], values: &[f64]) -> Option<Value> {
    let finite = bins.iter().chain(values).all(|number| number.is_finite());
    finite.then(|| {
        Value::Json(json!({ "_type": "histogram", "bins": bins, "values": values }).to_string())
    })
}

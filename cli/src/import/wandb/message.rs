//! Defines the messages of `.wandb` files, as far as rows, names and configs need them. Field
//! numbers and types are those of W&B's public format. The decoder skips all other fields.

/// A message whose content is not read, because only its presence matters.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Opaque {}

/// A record, in which one of these fields is set. The list includes kinds without information about
/// a run, so that the import does not count them as unknown.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Record {
    #[prost(message, optional, tag = "2")]
    pub(super) history: Option<History>,
    #[prost(message, optional, tag = "3")]
    pub(super) summary: Option<Changes>,
    #[prost(message, optional, tag = "4")]
    pub(super) output: Option<Output>,
    #[prost(message, optional, tag = "5")]
    pub(super) config: Option<Changes>,
    #[prost(message, optional, tag = "6")]
    pub(super) files: Option<Files>,
    #[prost(message, optional, tag = "7")]
    pub(super) stats: Option<Stats>,
    #[prost(message, optional, tag = "8")]
    pub(super) artifact: Option<Artifact>,
    #[prost(message, optional, tag = "9")]
    pub(super) tensorboard: Option<Opaque>,
    #[prost(message, optional, tag = "10")]
    pub(super) alert: Option<Opaque>,
    #[prost(message, optional, tag = "11")]
    pub(super) telemetry: Option<Opaque>,
    #[prost(message, optional, tag = "12")]
    pub(super) metric: Option<Metric>,
    #[prost(message, optional, tag = "13")]
    pub(super) output_raw: Option<Output>,
    #[prost(message, optional, tag = "17")]
    pub(super) run: Option<Run>,
    #[prost(message, optional, tag = "18")]
    pub(super) exit: Option<Exit>,
    #[prost(message, optional, tag = "20")]
    pub(super) last: Option<Opaque>,
    #[prost(message, optional, tag = "21")]
    pub(super) header: Option<Opaque>,
    #[prost(message, optional, tag = "22")]
    pub(super) footer: Option<Opaque>,
    #[prost(message, optional, tag = "23")]
    pub(super) preempting: Option<Opaque>,
    #[prost(message, optional, tag = "24")]
    pub(super) link_artifact: Option<Opaque>,
    #[prost(message, optional, tag = "25")]
    pub(super) use_artifact: Option<Opaque>,
    #[prost(message, optional, tag = "26")]
    pub(super) environment: Option<Opaque>,
    #[prost(message, optional, tag = "100")]
    pub(super) request: Option<Opaque>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Run {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) entity: String,
    #[prost(string, tag = "3")]
    pub(super) project: String,
    #[prost(message, optional, tag = "4")]
    pub(super) config: Option<Changes>,
    #[prost(string, tag = "6")]
    pub(super) group: String,
    #[prost(string, tag = "7")]
    pub(super) job_type: String,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(string, tag = "9")]
    pub(super) notes: String,
    #[prost(string, repeated, tag = "10")]
    pub(super) tags: Vec<String>,
    #[prost(message, optional, tag = "17")]
    pub(super) started: Option<Time>,
}

/// Changes of a config or a summary.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Changes {
    #[prost(message, repeated, tag = "1")]
    pub(super) update: Vec<Item>,
    #[prost(message, repeated, tag = "2")]
    pub(super) remove: Vec<Item>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct History {
    #[prost(message, repeated, tag = "1")]
    pub(super) items: Vec<Item>,
    #[prost(message, optional, tag = "2")]
    pub(super) step: Option<Step>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Step {
    #[prost(int64, tag = "1")]
    pub(super) number: i64,
}

/// A value under a key or a path of keys. The value is JSON, or in newer histories a typed field.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Item {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) path: Vec<String>,
    #[prost(bool, optional, tag = "4")]
    pub(super) flag: Option<bool>,
    #[prost(sint64, optional, tag = "5")]
    pub(super) whole: Option<i64>,
    #[prost(double, optional, tag = "6")]
    pub(super) number: Option<f64>,
    #[prost(string, optional, tag = "7")]
    pub(super) text: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(super) json: Option<String>,
    #[prost(string, tag = "16")]
    pub(super) value_json: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Output {
    /// The stream: 0 is stderr, 1 is stdout.
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) time: Option<Time>,
    /// The text of one write, which may begin and end within a line.
    #[prost(string, tag = "3")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stats {
    #[prost(message, optional, tag = "2")]
    pub(super) time: Option<Time>,
    #[prost(message, repeated, tag = "3")]
    pub(super) items: Vec<Item>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Files {
    #[prost(message, repeated, tag = "1")]
    pub(super) files: Vec<FileItem>,
}

/// The definition of a metric, or of all metrics whose names fit a pattern.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metric {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) pattern: String,
    #[prost(string, tag = "4")]
    pub(super) step_metric: String,
    #[prost(message, optional, tag = "7")]
    pub(super) summary: Option<Ways>,
    /// 1 means that the least value is the best, and 2 the largest.
    #[prost(int32, tag = "8")]
    pub(super) goal: i32,
}

/// The ways in which a metric is summed up.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Ways {
    #[prost(bool, tag = "1")]
    pub(super) min: bool,
    #[prost(bool, tag = "2")]
    pub(super) max: bool,
    #[prost(bool, tag = "3")]
    pub(super) mean: bool,
    #[prost(bool, tag = "4")]
    pub(super) best: bool,
    #[prost(bool, tag = "5")]
    pub(super) last: bool,
    #[prost(bool, tag = "6")]
    pub(super) none: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FileItem {
    /// The path below the folder `files`.
    #[prost(string, tag = "1")]
    pub(super) path: String,
    /// The kind of the file; 1 means a file of W&B itself, such as the list of packages.
    #[prost(int32, tag = "3")]
    pub(super) kind: i32,
}

/// A version of an artifact that the run logs.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Artifact {
    #[prost(string, tag = "4")]
    pub(super) kind: String,
    #[prost(string, tag = "5")]
    pub(super) name: String,
    #[prost(string, tag = "7")]
    pub(super) description: String,
    /// A JSON object, or nothing.
    #[prost(string, tag = "8")]
    pub(super) metadata: String,
    #[prost(string, repeated, tag = "11")]
    pub(super) aliases: Vec<String>,
    #[prost(message, optional, tag = "12")]
    pub(super) manifest: Option<Manifest>,
    /// Whether the version is complete. Several runs may add to one that is not.
    #[prost(bool, tag = "14")]
    pub(super) finalize: bool,
    /// The version to which this one only adds.
    #[prost(string, tag = "17")]
    pub(super) base: String,
    #[prost(string, repeated, tag = "19")]
    pub(super) tags: Vec<String>,
    /// Whether this version only adds to the newest one.
    #[prost(bool, tag = "100")]
    pub(super) incremental: bool,
}

/// What an artifact contains.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Manifest {
    #[prost(message, repeated, tag = "4")]
    pub(super) contents: Vec<Entry>,
    /// The path of a compressed file that has the contents, one JSON object a line, if there are
    /// very many of them.
    #[prost(string, tag = "5")]
    pub(super) file: String,
}

/// One path of an artifact, in a message or in a line of a manifest's file.
#[derive(Clone, PartialEq, prost::Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub(super) path: String,
    /// The MD5 of a file in base64, or what identifies the data of a reference.
    #[prost(string, tag = "2")]
    pub(super) digest: String,
    /// The URL of a reference; empty for a file.
    #[prost(string, tag = "3")]
    #[serde(rename = "ref")]
    pub(super) reference: String,
    /// Where the client has put a copy of the file.
    #[prost(string, tag = "6")]
    pub(super) local_path: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Exit {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

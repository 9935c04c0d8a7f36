//! Shows versions of artifacts: a list, or one version with its files and its lineage.

use proto::v1::Artifact;
use record::artifact::{Content, Entry};
use terminal::{
    one_line, size,
    style::{self, paint},
    table::Table,
};

use super::{CELL, SENTENCE, count, facts, one_word, section, values};

/// The most terminal columns that a name takes.
const NAME: usize = 2 * CELL;
/// The most runs that are named in a line.
const RUNS: usize = 8;

/// Returns the name and the number of a version, as in `name:v3`.
pub(crate) fn title(version: &Artifact) -> String {
    format!("{}:v{}", one_line(&version.name, NAME), version.version)
}

/// Returns a table with one line per version, in the given order.
pub(crate) fn list(versions: &[Artifact], now_ms: i64) -> String {
    let mut table =
        Table::new(["artifact", "project", "type", "aliases", ">files", ">size", "created"]);
    for version in versions {
        table.row([
            paint(style::STRONG, title(version)),
            one_line(&version.project, NAME),
            one_word(&version.r#type),
            one_line(&version.aliases.join(", "), NAME),
            version.files.to_string(),
            size(version.size),
            paint(style::FAINT, terminal::age(now_ms.saturating_sub(version.created_ms))),
        ]);
    }
    table.to_string()
}

/// Returns a version's properties, its metadata and a table of its files.
pub(crate) fn one(version: &Artifact, entries: &[Entry], now_ms: i64) -> String {
    let mut text =
        format!("{}  {}", paint(style::STRONG, title(version)), one_word(&version.r#type));
    let lines = [
        ("project", one_line(&version.project, NAME)),
        ("aliases", one_line(&version.aliases.join(", "), SENTENCE)),
        ("tags", one_line(&version.tags.join(", "), SENTENCE)),
        ("about", one_line(&version.description, SENTENCE)),
        ("size", format!("{} in {}", size(version.size), count(version.files, "file"))),
        ("digest", one_line(&version.digest, SENTENCE)),
        ("created", terminal::age(now_ms.saturating_sub(version.created_ms))),
        ("made by", runs(&version.made_by, &version.deleted_runs)),
        ("used by", runs(&version.used_by, &version.deleted_runs)),
    ];
    text += &format!("\n{}", facts(lines.into_iter().filter(|(_, line)| !line.is_empty())));
    text += &section("metadata", &values::flatten(&values::object(&version.metadata_json)));
    if entries.is_empty() {
        return text;
    }
    let mut table = Table::new(["", ">", ""]);
    for Entry { path, content } in entries {
        let (size, url) = match content {
            Content::Blob { size, .. } => (terminal::size(*size), String::new()),
            Content::Reference { url, .. } => {
                (String::new(), paint(style::FAINT, one_line(url, SENTENCE)))
            }
        };
        table.row([format!("  {}", one_line(path, SENTENCE)), size, url]);
    }
    format!("{text}\n\n{}\n{table}", paint(style::FAINT, "files"))
}

fn runs(ids: &[String], deleted: &[String]) -> String {
    let name = |id: &String| match deleted.contains(id) {
        true => format!("{} (deleted)", one_word(id)),
        false => one_word(id),
    };
    let shown: Vec<String> = ids.iter().take(RUNS).map(name).collect();
    let more = ids.len().saturating_sub(RUNS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;

    #[test]
    fn versions_in_columns_and_one_in_full() {
        let version = Artifact {
            project: "mnist".to_owned(),
            name: "digits".to_owned(),
            r#type: "dataset".to_owned(),
            version: 3,
            digest: "ab".repeat(32),
            aliases: vec!["best".to_owned(), "latest".to_owned()],
            metadata_json: r#"{"rows": 60000, "split": {"val": 0.1}}"#.to_owned(),
            files: 2,
            size: 55_000_000,
            created_ms: fixtures::NOW - 7_200_000,
            made_by: vec!["k3x9abcd-1".to_owned()],
            deleted_runs: vec!["k3x9abcd-1".to_owned()],
            used_by: (0..10).map(|run| format!("k3x9abcd-{run}")).collect(),
            ..Artifact::default()
        };
        let hostile = Artifact { name: "\u{1b}[2Jx\n".to_owned(), ..Artifact::default() };
        let entries = [
            Entry { path: "raw".to_owned(), content: Content::reference("s3://bucket/raw") },
            Entry {
                path: "train/images.bin".to_owned(),
                content: Content::Blob { sha256: "0".repeat(64), size: 55_000_000 },
            },
        ];
        let both = [
            list(&[version.clone(), hostile], fixtures::NOW),
            one(&version, &entries, fixtures::NOW),
        ];
        insta::assert_snapshot!(fixtures::plain(&both.join("\n\n")));
    }
}

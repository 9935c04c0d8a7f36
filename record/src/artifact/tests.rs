//! Tests of rows and manifests of artifacts.

use proptest::prelude::*;

use super::*;

fn blob(path: &str) -> Entry {
    Entry { path: path.to_owned(), content: Content::Blob { sha256: "0".repeat(64), size: 1 } }
}

fn row() -> ArtifactRow {
    ArtifactRow {
        name: "mnist".to_owned(),
        kind: "dataset".to_owned(),
        digest: "a".repeat(64),
        size: 7,
        metadata: r#"{"rows":3}"#.to_owned(),
        aliases: vec!["best".to_owned(), "größer".to_owned()],
    }
}

#[test]
fn the_order_of_entries_does_not_matter_and_each_entry_is_checked() {
    let url = Entry { path: "r".to_owned(), content: Content::reference("s3://bucket/key") };
    let one = manifest(&mut [blob("a"), url.clone(), blob("b")]).unwrap();
    assert_eq!(one, manifest(&mut [blob("b"), blob("a"), url.clone()]).unwrap());
    assert_ne!(one, manifest(&mut [blob("a"), blob("b")]).unwrap());
    assert!(matches!(manifest(&mut [blob("a"), blob("a")]), Err(BadArtifact::Twice(_))));
    assert_eq!(
        manifest(&mut [blob("a/b/c"), blob("a/b"), blob("a-b")]),
        Err(BadArtifact::Folder("a/b".to_owned()))
    );
    assert!(manifest(&mut [blob("../a")]).is_err());
    let pinned = |url: &str, digest: &str| Entry {
        path: "r".to_owned(),
        content: Content::Reference { url: url.to_owned(), digest: Some(digest.to_owned()) },
    };
    let versions = ["1", "2"].map(|etag| manifest(&mut [pinned("s3://b", etag)]).unwrap());
    assert_ne!(versions[0], versions[1]);
    for (url, digest) in [("a\nb", "1"), ("s3://b", "a\tb"), ("s3://b", "")] {
        assert!(manifest(&mut [pinned(url, digest)]).is_err(), "{url:?} {digest:?}");
    }
}

#[test]
fn a_manifest_has_one_spelling() {
    let text = manifest(&mut [blob("a"), blob("b")]).unwrap();
    assert_eq!(entries(&text).unwrap(), [blob("a"), blob("b")]);
    assert_eq!(entries(&format!("{HEADER}\n")), Ok(Vec::new()));
    let lines: Vec<&str> = text.lines().collect();
    for bad in [
        String::new(),
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n"),
        text.replace("\t1\t", "\t01\t"),
        text.replace("\t1\t", "\t+1\t"),
        text.replace("blob", "link"),
        format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
        format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1]),
        text.replace("\tb\n", "\t/etc/passwd\n"),
        text.replace("\tb\n", "\tb\tc\n"),
    ] {
        assert!(entries(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_row_comes_back_and_an_invalid_row_is_refused() {
    let told = |artifact: &ArtifactRow| Row {
        values: artifact.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        ..Row::default()
    };
    assert_eq!(ArtifactRow::of(&told(&row())), Ok(row()));
    for at in 0..row().values().len() {
        let mut less = told(&row());
        less.values.remove(at);
        assert!(matches!(ArtifactRow::of(&less), Err(BadArtifact::Value(_))));
    }
    for bad in [
        ArtifactRow { name: "../x".to_owned(), ..row() },
        ArtifactRow { kind: String::new(), ..row() },
        ArtifactRow { aliases: vec!["v3".to_owned()], ..row() },
        ArtifactRow { metadata: "[1]".to_owned(), ..row() },
        ArtifactRow { size: u64::MAX / 4, ..row() },
    ] {
        assert!(ArtifactRow::of(&told(&bad)).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn a_written_manifest_is_read_back(
        paths in prop::collection::btree_set("[a-z]{1,3}(/[a-zé .]{1,3}x)?", 0..20),
        url in "[a-z:/ ]{1,20}",
    ) {
        let refer = |path: &String, digest| Entry {
            path: path.clone(),
            content: Content::Reference { url: url.clone(), digest },
        };
        let mut some: Vec<Entry> = paths.iter().enumerate().map(|(at, path)| match at % 4 {
            0 => refer(path, None),
            1 => refer(path, Some("e".to_owned())),
            _ => blob(path),
        }).collect();
        if let Ok(text) = manifest(&mut some) {
            prop_assert_eq!(entries(&text), Ok(some));
        }
    }

    #[test]
    fn no_file_is_a_folder(
        paths in prop::collection::btree_set("[ab](-b)?(/[ab-]){0,3}", 0..8),
    ) {
        let is_folder =
            |one: &String| paths.iter().any(|other| other.starts_with(&format!("{one}/")));
        let mut some: Vec<Entry> = paths.iter().map(|path| blob(path)).collect();
        prop_assert_eq!(manifest(&mut some).is_err(), paths.iter().any(is_folder));
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in "(besom manifest 1\n)?(blob|reference|pinned|\t|[0-9a-f]{64}|/|\\.|\n|1){0,12}",
    ) {
        if let Ok(mut some) = entries(&text) {
            prop_assert_eq!(manifest(&mut some), Ok(text));
        }
    }
}

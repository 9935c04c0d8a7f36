//! Tests the tree: every node has its place in the text, and hostile texts are refused.

use super::*;

fn problems(text: &str) -> (Option<Node>, Vec<String>) {
    let mut report = Report::default();
    let node = parse(text, &mut report);
    let told = report.finish();
    (
        node,
        told.iter()
            .map(|p| format!("{}:{}-{} {}", p.line, p.columns.0, p.columns.1, p.message))
            .collect(),
    )
}

/// Returns the tree in one line, each node with its place.
fn show(node: &Node) -> String {
    let Span { line, first, last } = node.span;
    let what = match &node.kind {
        Kind::Scalar(scalar) => format!("{:?}", scalar.core),
        Kind::List(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Kind::Map(entries) => {
            let entry = |(k, v): &(Node, Node)| format!("{}: {}", k.text().unwrap_or("?"), show(v));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{what}@{line}:{first}-{last}")
}

fn tree(text: &str) -> String {
    let (node, told) = problems(text);
    assert_eq!(told, Vec::<String>::new(), "{text}");
    show(&node.expect("a tree"))
}

#[test]
fn every_node_knows_its_place() {
    assert_eq!(
        tree("a: 1.5\nbé:\n  - x\n  - {c: true}\n"),
        "{a: Float(1.5)@1:4-6, bé: [Text@3:5-5, {c: Bool(true)@4:9-12}@4:5-13]@2:1-2}@1:1-6"
    );
    assert_eq!(tree("a:\nb: ''"), "{a: Null@1:1-1, b: Text@2:4-5}@1:1-2");
    assert_eq!(tree("a: |\r\n  x\r\n  y\r\nb: 1"), "{a: Text@2:3-3, b: Integer(1)@4:4-4}@1:1-4");
}

#[test]
fn anchors_tags_and_merges_are_followed() {
    assert_eq!(
        tree("a: &x [1]\nb: *x\nc: !!str 5\nd: !!float 5\ne: !!int \"7\""),
        "{a: [Integer(1)@1:8-8]@1:4-9, b: [Integer(1)@1:8-8]@2:4-5, c: Text@3:4-10, \
         d: Float(5.0)@4:4-12, e: Integer(7)@5:4-12}@1:1-9"
    );
    assert_eq!(
        tree("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}"),
        "{a: {p: Integer(1)@1:11-11, q: Integer(2)@1:17-17}@1:4-18, \
         b: {q: Integer(3)@2:16-16, p: Integer(1)@1:11-11}@2:4-17}@1:1-18"
    );
    for (text, told) in [
        ("a: !foo 1", "1:4-9 the tag `!foo` means nothing in a sweep"),
        ("a: !!int x", "1:4-10 `x` is not a valid `int`"),
        ("a: !!set {b}", "1:4-10 the tag `tag:yaml.org,2002:!set` means nothing in a sweep"),
        ("a: &x [*x]", "1:8-9 this alias is part of what it stands for"),
        ("a: 1\n---\nb: 2", "2:1-3 a second document begins here"),
        ("a: {<<: 5}", "1:5-6 `<<` merges mappings, and this is none"),
    ] {
        assert_eq!(problems(text).1, [told], "{text}");
    }
}

#[test]
fn hostile_texts_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        bomb +=
            &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    let text = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(500_000), vec!["*a"; 1000].join(", "));
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..2000 {
        chain += &format!("a{level}: &a{level} [[[[*a{}]]]]\n", level - 1);
    }
    for (text, told) in [
        (bomb.as_str(), "more than 100000 values"),
        (text.as_str(), "more than 100000 values"),
        (chain.as_str(), "nested deeper than 64 levels"),
        (&"[".repeat(1_000_000), "nested"),
        (&"- ".repeat(500_000), "nested"),
        (&"{a: ".repeat(200_000), "nested"),
        (&"x\n".repeat(50_000_000), "about 100 MB"),
        (&"a".repeat(1_000_000), ""),
        ("%TAG ! tag:x,2000:\n---\n!a 1", "%TAG"),
    ] {
        let (_, problems) = problems(text);
        assert!(problems.concat().contains(told), "{problems:?}");
    }
}

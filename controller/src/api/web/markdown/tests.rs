//! Tests the trees of texts, those of hostile texts too.

use serde_json::{Value, json};

use super::build::document;
use crate::settings::MarkdownLimits;

fn blocks(text: &str) -> Value {
    let tree = document(text, &MarkdownLimits::default());
    assert!(!tree.cut, "{tree:?}");
    serde_json::to_value(tree.blocks).unwrap()
}

fn text(text: &str) -> Value {
    json!({ "kind": "text", "text": text })
}

#[test]
fn blocks_and_spans_become_a_tree() {
    let found =
        blocks("# Plan *A*\n\none\ntwo **b** ~~c~~ `d`  \ne\n\n---\n> q\n\n```py\nx = 1\n```");
    let wanted = json!([
        { "kind": "heading", "level": 1,
          "spans": [text("Plan "), { "kind": "emphasis", "spans": [text("A")] }] },
        { "kind": "paragraph", "spans": [
            text("one\ntwo "), { "kind": "strong", "spans": [text("b")] }, text(" "),
            { "kind": "strike", "spans": [text("c")] }, text(" "),
            { "kind": "code", "text": "d" }, { "kind": "break" }, text("e"),
        ] },
        { "kind": "rule" },
        { "kind": "quote", "blocks": [{ "kind": "paragraph", "spans": [text("q")] }] },
        { "kind": "code", "language": "py", "text": "x = 1\n" },
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn lists_have_tasks_numbers_and_lists_inside() {
    let found = blocks("3. a\n4. b\n   - [x] c\n   - [ ] d\n");
    let item = |word: &str, done: Value| {
        let paragraph = json!({ "kind": "paragraph", "spans": [text(word)] });
        json!({ "done": done, "blocks": [paragraph] })
    };
    let inner = json!({ "kind": "list", "first": null,
        "items": [item("c", json!(true)), item("d", json!(false))] });
    let mut second = item("b", Value::Null);
    second["blocks"].as_array_mut().unwrap().push(inner);
    let wanted = json!([
        { "kind": "list", "first": 3, "items": [item("a", Value::Null), second] }
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn a_table_has_a_head_rows_and_sides() {
    let found = blocks("| a | b |\n|:-:|--:|\n| 1 | *2* |\n");
    let wanted = json!([{
        "kind": "table", "sides": ["center", "right"], "head": [[text("a")], [text("b")]],
        "rows": [[[text("1")], [{ "kind": "emphasis", "spans": [text("2")] }]]],
    }]);
    assert_eq!(found, wanted);
}

#[test]
fn html_is_text() {
    let found = blocks("<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b");
    let wanted = json!([
        { "kind": "paragraph", "spans": [text("<script>alert(1)</script>\n")] },
        { "kind": "paragraph", "spans": [text("a <img src=x onerror=alert(1)> b")] },
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn links_lead_only_where_a_page_may_go() {
    for good in
        ["https://a.org/x", "HTTP://a.org", "mailto:a@b.org", "/p/t/p", "x/y:z", "#part", "?a=b:c"]
    {
        let found = blocks(&format!("[w]({good})"));
        assert_eq!(
            found[0]["spans"][0],
            json!({ "kind": "link", "to": good, "spans": [text("w")] })
        );
    }
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#10;script:alert(1)",
        "&#1;javascript:alert(1)",
        "java&Tab;script:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:x",
    ] {
        let found = blocks(&format!("[w]({bad})"));
        assert_eq!(found, json!([{ "kind": "paragraph", "spans": [text("w")] }]), "{bad}");
    }
    let found = blocks("<javascript:alert(1)>");
    assert_eq!(found[0]["spans"], json!([text("javascript:alert(1)")]));
}

#[test]
fn images_are_only_files_of_the_run() {
    let found = blocks("![a *cat*](media/cat.png)");
    let image = json!({ "kind": "image", "path": "media/cat.png", "text": "a cat" });
    assert_eq!(found[0]["spans"], json!([image]));
    for bad in [
        "https://a.org/x.png",
        "//a.org/x.png",
        "/api/v1/session",
        "../../session",
        "a/../../b",
        "a//b",
        "data:image/svg+xml,x",
        "\\\\\\\\a.org\\\\x",
        "a?b",
    ] {
        let found = blocks(&format!("![w]({bad})"));
        assert_eq!(found, json!([{ "kind": "paragraph", "spans": [text("w")] }]), "{bad}");
    }
}

#[test]
fn hostile_texts_are_cut() {
    let limits = MarkdownLimits::default();
    let label = "x".repeat(1000);
    let all = [
        (">".repeat(10_000), true),
        ("- + ".repeat(5000), true),
        ("*a **b ".repeat(5000), true),
        (format!("[a]: /{}\n\n{}", "x".repeat(20_000), "[a] ".repeat(2000)), false),
        (format!("[{label}]: /x\n\n{}", format!("[{label}] ").repeat(50)), false),
        ("[".repeat(60_000), false),
        ("`".repeat(60_000), false),
        ("<".repeat(60_000), false),
        ("&#0;\u{0}\u{202e}".repeat(5000), false),
        ("a\n\n".repeat(60_000), true),
        (format!("|{}\n|{}\n", "a|".repeat(2000), "-|".repeat(2000)), false),
        (format!("|a|\n|-|\n{}", "|\n".repeat(30_000)), true),
        ("é".repeat(100_000), true),
    ];
    for (text, is_cut) in all {
        let tree = document(&text, &limits);
        let start = text.chars().take(20).collect::<String>();
        assert!(tree.cut || !is_cut, "{start}");
        let json = serde_json::to_string(&tree).unwrap();
        assert!(json.len() < 4 << 20, "{start}: {} bytes", json.len());
    }
}

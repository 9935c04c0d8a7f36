//! Tests artifacts: lists of names and versions, labels, files by folder, what differs between
//! versions, and the lineage.

use blobs::Hashed;
use proto::v1::{AppendRows, ArtifactRef, BeginRun, RunList, UseArtifact};
use record::{
    Row, Writer,
    artifact::{ArtifactRow, Content, Entry, manifest},
};
use serde_json::{Value, json};

use super::{ask, get, problem, send, sent};
use crate::{lab::Lab, wandb::http::Caller};

const ARTIFACTS: &str = concat!("/projects", "/home", "/uncategorized/artifacts");

/// A controller that everybody may use, and runs that make and use artifacts.
struct Shop {
    lab: Lab,
    caller: Caller,
}

/// A run, and how many rows of files it has sent.
struct Maker {
    run: String,
    rows: u64,
}

impl Shop {
    async fn start() -> Self {
        let lab = Lab::start().await;
        let caller = Caller::new(&lab, None);
        Self { lab, caller }
    }

    async fn run(&mut self, name: &str) -> Maker {
        let begin = BeginRun { name: name.to_owned(), ..BeginRun::default() };
        Maker { run: self.lab.runs.begin(begin).await.unwrap().into_inner().run, rows: 0 }
    }

    /// Makes a version with these files.
    async fn make(&mut self, maker: &mut Maker, name: &str, kind: &str, files: &[(&str, &str)]) {
        let mut entries = Vec::new();
        for (path, content) in files {
            let content = match content.strip_prefix("s3://") {
                Some(_) => Content::reference(*content),
                None => {
                    let Hashed { sha256, size } = self.lab.put(None, content.as_bytes()).await;
                    Content::Blob { sha256, size }
                }
            };
            entries.push(Entry { path: (*path).to_owned(), content });
        }
        let text = manifest(&mut entries).unwrap();
        let Hashed { sha256: digest, size } = self.lab.put(None, text.as_bytes()).await;
        let row = ArtifactRow {
            name: name.to_owned(),
            kind: kind.to_owned(),
            digest,
            size,
            metadata: "{\"rows\": 3}".to_owned(),
            aliases: Vec::new(),
        };
        let values = row.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut frames = Vec::new();
        Writer::default().frame(&[Row { values, ..Row::default() }], &mut frames);
        let append = AppendRows {
            run: maker.run.clone(),
            attempt: 1,
            writer: "sdk".to_owned(),
            stream: "files".to_owned(),
            offset: maker.rows,
            frames,
        };
        self.lab.runs.append(append).await.unwrap();
        maker.rows += 1;
    }

    async fn r#use(&self, run: &Maker, name: &str, version: &str) {
        let [project, name, version] = ["", name, version].map(str::to_owned);
        let artifact = Some(ArtifactRef { project, name, version, ..ArtifactRef::default() });
        let used = UseArtifact { run: run.run.clone(), attempt: 1, artifact };
        self.lab.dial(None).artifacts().r#use(used).await.unwrap();
    }
}

fn names(list: &Value, key: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|item| item[key].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_listed_by_name_and_searched() {
    let mut shop = Shop::start().await;
    let mut run = shop.run("one").await;
    for content in ["a", "bc"] {
        shop.make(&mut run, "net", "model", &[("w", content)]).await;
    }
    shop.make(&mut run, "Digits", "dataset", &[("x", "xyz"), ("y", "y")]).await;
    let all = get(&shop.caller, ARTIFACTS);
    assert_eq!(names(&all["artifacts"], "name"), ["Digits", "net"]);
    let net = &all["artifacts"][1];
    assert_eq!(
        (&net["versions"], &net["size"], &net["kind"]),
        (&json!(2), &json!(3), &json!("model"))
    );
    assert_eq!((&net["newest"]["version"], &net["newest"]["size"]), (&json!(1), &json!(2)));
    assert_eq!(net["newest"]["aliases"], json!(["latest"]));
    for (search, found) in [("DIG", "Digits"), ("model", "net"), ("dataset", "Digits")] {
        let list = get(&shop.caller, &format!("{ARTIFACTS}?search={search}"));
        assert_eq!(names(&list["artifacts"], "name"), [found], "{search}");
    }
    assert_eq!(get(&shop.caller, &format!("{ARTIFACTS}?search=zz"))["artifacts"], json!([]));
    let first = get(&shop.caller, &format!("{ARTIFACTS}?limit=1"));
    assert_eq!(first["next"], "Digits");
    let second = get(&shop.caller, &format!("{ARTIFACTS}?limit=1&after=Digits"));
    assert_eq!(
        (names(&second["artifacts"], "name"), &second["next"]),
        (vec![json!("net")], &Value::Null)
    );

    let versions = get(&shop.caller, &format!("{ARTIFACTS}/net?limit=1"));
    assert_eq!(
        (names(&versions["versions"], "version"), &versions["next"]),
        (vec![json!(1)], &json!(1))
    );
    let versions = get(&shop.caller, &format!("{ARTIFACTS}/net?before=1"));
    assert_eq!(
        (names(&versions["versions"], "version"), &versions["next"]),
        (vec![json!(0)], &Value::Null)
    );
    problem(&ask(&shop.caller, &format!("{ARTIFACTS}/gone")), 404);
    let of_run = get(&shop.caller, &format!("/runs/{}/artifacts", run.run));
    assert_eq!((names(&of_run["made"], "name").len(), &of_run["used"]), (3, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_version_change_and_it_can_be_removed() {
    let mut shop = Shop::start().await;
    let mut run = shop.run("one").await;
    for content in ["a", "b"] {
        shop.make(&mut run, "net", "model", &[("w", content)]).await;
    }
    let v0 = format!("{ARTIFACTS}/net/v0");
    let edit = json!({ "description": "the *first*", "add_tags": ["good"] });
    let edited = sent(&shop.caller, "PATCH", &v0, &edit);
    assert_eq!(
        (&edited["description"], &edited["tags"]),
        (&json!("the *first*"), &json!(["good"]))
    );
    assert_eq!(
        (&edited["metadata"], &edited["made_by"]),
        (&json!({ "rows": 3 }), &json!([run.run]))
    );
    let aliases = format!("{v0}/aliases");
    let named = sent(&shop.caller, "POST", &aliases, &json!({ "add": ["best"] }));
    assert_eq!(named["aliases"], json!(["best"]));
    assert_eq!(get(&shop.caller, &format!("{ARTIFACTS}/net/best"))["version"], 0);
    for alias in ["latest", "v3", "a b"] {
        let add = json!({ "add": [alias] }).to_string();
        problem(&send(&shop.caller, "POST", &aliases, &add), 400);
    }
    let named = sent(&shop.caller, "POST", &aliases, &json!({ "remove": ["best"] }));
    assert_eq!(named["aliases"], json!([]));
    assert_eq!(send(&shop.caller, "DELETE", &format!("{ARTIFACTS}/net/v1"), "").status, 204);
    problem(&ask(&shop.caller, &format!("{ARTIFACTS}/net/v1")), 404);
    assert_eq!(get(&shop.caller, &v0)["aliases"], json!(["latest"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_listed_by_folder_and_sent_with_their_types() {
    let mut shop = Shop::start().await;
    let mut run = shop.run("one").await;
    let png = "\u{0}";
    let files = [
        ("a/b/1.txt", "one"),
        ("a/b/2.txt", "two"),
        ("a/c", "c"),
        ("a-b", "x"),
        ("page.html", "<script>alert(1)</script>"),
        ("far", "s3://bucket/far"),
        ("z z?.bin", png),
    ];
    shop.make(&mut run, "set", "dataset", &files).await;
    let at = format!("{ARTIFACTS}/set/latest/files");
    let root = get(&shop.caller, &at);
    assert_eq!(names(&root["items"], "path"), ["a-b", "a", "far", "page.html", "z z?.bin"]);
    let folder = root["items"].as_array().unwrap().iter().find(|item| item["path"] == "a").unwrap();
    assert_eq!(
        (&folder["kind"], &folder["files"], &folder["size"]),
        (&json!("folder"), &json!(3), &json!(7))
    );
    let inner = get(&shop.caller, &format!("{at}?under=a"));
    assert_eq!(names(&inner["items"], "path"), ["a/b", "a/c"]);
    // Pages of one item go through all items once.
    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let asked = format!("{at}?limit=1&from={}", from.replace('\u{1}', "%01").replace(' ', "+"));
        let page = get(&shop.caller, &asked.replace("z?", "z%3F"));
        found.extend(names(&page["items"], "path"));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut from);
    }
    assert_eq!(found, names(&root["items"], "path"));
    problem(&ask(&shop.caller, &format!("{at}?under=b")), 404);

    let text = ask(&shop.caller, &format!("{at}/a/b/2.txt"));
    assert_eq!((text.status, text.body.as_slice()), (200, b"two".as_slice()));
    assert!(text.head.contains("attachment"), "{}", text.head);
    let page = ask(&shop.caller, &format!("{at}/page.html"));
    assert!(page.head.contains("sandbox; default-src 'none'"), "{}", page.head);
    assert_eq!(ask(&shop.caller, &format!("{at}/z%20z%3F.bin")).body, png.as_bytes());
    let detail = problem(&ask(&shop.caller, &format!("{at}/far")), 404);
    assert!(detail.contains("reference"), "{detail}");
    problem(&ask(&shop.caller, &format!("{at}/nothing")), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_are_compared_by_their_contents() {
    let mut shop = Shop::start().await;
    let mut run = shop.run("one").await;
    let old = [("same", "s"), ("gone", "g"), ("other", "o")];
    shop.make(&mut run, "set", "dataset", &old).await;
    let new = [("same", "s"), ("new", "n"), ("other", "other")];
    shop.make(&mut run, "set", "dataset", &new).await;
    let at = format!("{ARTIFACTS}/set/v1/difference");
    let found = get(&shop.caller, &format!("{at}?from=v0"));
    let change = |path: &str, kind: &str, old: Value, new: Value| {
        let mut change = json!({ "path": path, "kind": kind });
        (change["old_size"], change["new_size"]) = (old, new);
        change
    };
    let changes = json!([
        change("gone", "removed", json!(1), Value::Null),
        change("new", "added", Value::Null, json!(1)),
        change("other", "changed", json!(1), json!(5)),
    ]);
    let expected = json!({
        "old": 0, "added": 1, "removed": 1, "changed": 1, "same": 1, "changes": changes,
        "next": null
    });
    assert_eq!(found, expected);
    let page = get(&shop.caller, &format!("{at}?from=v0&limit=1&after=gone"));
    assert_eq!(
        (names(&page["changes"], "path"), &page["next"]),
        (vec![json!("new")], &json!("new"))
    );
    problem(&ask(&shop.caller, &at), 400);
    problem(&ask(&shop.caller, &format!("{at}?from=v7")), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lineage_goes_to_both_sides_and_leaves_out_what_is_too_much() {
    let mut shop = Shop::start().await;
    let mut loader = shop.run("loader").await;
    shop.make(&mut loader, "raw", "dataset", &[("x", "1")]).await;
    let mut cleaner = shop.run("cleaner").await;
    shop.r#use(&cleaner, "raw", "v0").await;
    shop.make(&mut cleaner, "clean", "dataset", &[("x", "2")]).await;
    for index in 0..12 {
        let mut trainer = shop.run(&format!("trainer {index}")).await;
        shop.r#use(&trainer, "clean", "v0").await;
        shop.make(&mut trainer, "net", "model", &[("w", &index.to_string())]).await;
    }
    let of = |place: &str| get(&shop.caller, &format!("{ARTIFACTS}/{place}"));
    let clean = of("clean/v0/lineage");
    let nodes = clean["nodes"].as_array().unwrap();
    assert_eq!((&nodes[0]["name"], &nodes[0]["layer"]), (&json!("clean"), &json!(3)));
    let layer_of = |name: &str| {
        let found = nodes.iter().find(|node| node["name"] == name).unwrap();
        found["layer"].as_u64().unwrap()
    };
    assert_eq!(["loader", "raw", "cleaner", "trainer 0"].map(layer_of), [0, 1, 2, 4]);
    let more: Vec<&Value> = nodes.iter().filter(|node| node["kind"] == "more").collect();
    assert_eq!((more.len(), &more[0]["more"]), (1, &json!(4)));
    // Four steps before, the version, eight trainers with their versions, and the rest.
    assert_eq!((nodes.len(), &clean["full"]), (1 + 3 + 8 + 8 + 1, &json!(false)));
    let opened = of(&format!("clean/v0/lineage?open={}", more[0]["id"].as_str().unwrap()));
    assert_eq!(opened["nodes"].as_array().unwrap().len(), 1 + 3 + 12 + 12);

    // From one trainer's version, the others are no part of the lineage.
    let net = of("net/v3/lineage?depth=5");
    let names = names(&net["nodes"], "name");
    assert!(names.contains(&json!("trainer 3")) && !names.contains(&json!("trainer 4")));
    assert_eq!((names.len(), names.contains(&json!("loader"))), (6, true));
    // What is too far away stands as one node that opens.
    let near = of("net/v3/lineage?depth=1");
    assert_eq!(near["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(near["nodes"][2]["kind"], "more");

    // A deleted run stays as a node without a name.
    let runs = vec![cleaner.run.clone()];
    let deleted = RunList { runs };
    let mut runs = shop.lab.dial(None).runs();
    let outcome = proto::v1::Outcome { state: "finished".to_owned(), ..Default::default() };
    let end = proto::v1::EndRun {
        run: cleaner.run.clone(),
        attempt: 1,
        outcome: Some(outcome),
        ..Default::default()
    };
    runs.end(end).await.unwrap();
    shop.lab.dial(None).bin().delete_runs(deleted).await.unwrap();
    let clean = of("clean/v0/lineage?depth=1");
    let node = clean["nodes"].as_array().unwrap().iter().find(|node| node["run"] == cleaner.run);
    assert_eq!(node.unwrap()["detail"], "deleted");
}

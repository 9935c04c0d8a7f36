//! Tests artifacts: the versions that rows create, who may read them, which contents are collected,
//! and false manifests.

use std::{fs, time::Duration};

use blobs::{Cache, Folder, Hashed, Trouble, fetch};
use proto::v1::{
    AliasArtifact, Artifact, ArtifactFile, ArtifactRef, ListArtifacts, RetryRuns, UseArtifact,
};
use record::{
    Row, Writer,
    artifact::{ArtifactRow, Content, Entry, MAX_ENTRIES, MAX_MANIFEST_BYTES, manifest},
};
use tonic::{Code, Status};

use crate::lab::{FakeAgent, Lab, RANDOM, below, code, eventually, pause};

const PROJECT: &str = "uncategorized";

fn blob(path: &str, content: &[u8]) -> Entry {
    let Hashed { sha256, size } = Hashed::of(content);
    Entry { path: path.to_owned(), content: Content::Blob { sha256, size } }
}

/// Makes a manifest, and the row that names it.
fn version(name: &str, entries: &mut [Entry]) -> (String, ArtifactRow) {
    let text = manifest(entries).unwrap();
    let Hashed { sha256: digest, size } = Hashed::of(text.as_bytes());
    let (name, kind) = (name.to_owned(), "model".to_owned());
    let row = ArtifactRow {
        name,
        kind,
        digest,
        size,
        metadata: String::new(),
        aliases: vec!["best".to_owned()],
    };
    (text, row)
}

fn frames(artifact: &ArtifactRow) -> Vec<u8> {
    let values =
        artifact.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut out = Vec::new();
    Writer::default().frame(&[Row { values, ..Row::default() }], &mut out);
    out
}

async fn get(lab: &Lab, name: &str, version: &str) -> Result<Artifact, Status> {
    Ok(lab.dial(None).artifacts().get(wanted(PROJECT, name, version)).await?.into_inner())
}

fn wanted(project: &str, name: &str, version: &str) -> ArtifactRef {
    let [project, name, version] = [project, name, version].map(str::to_owned);
    ArtifactRef { project, name, version, ..ArtifactRef::default() }
}

/// Stores a content and a manifest that names it, and sends the row that creates this version of
/// the artifact `net`.
async fn log(
    lab: &Lab,
    agent: &mut FakeAgent,
    start: &proto::v1::Start,
    at: u64,
    content: &[u8],
) -> Result<(), Status> {
    let (text, row) = version("net", &mut [blob("weights", content)]);
    lab.put(None, content).await;
    lab.put(None, text.as_bytes()).await;
    agent.append(start, "files", at, frames(&row)).await.map(drop)
}

#[tokio::test]
async fn aliases_move_between_versions_and_numbers_stay() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    for (at, content) in [b"a", b"b", b"a", b"c"].iter().enumerate() {
        log(&lab, &mut agent, &start, at as u64, *content).await.unwrap();
    }
    let mut client = lab.dial(None).artifacts();
    let numbers = async |versions: &[&str]| {
        let mut found = Vec::new();
        for version in versions {
            found.push(get(&lab, "net", version).await.map(|artifact| artifact.version).ok());
        }
        found
    };
    assert_eq!(
        numbers(&["", "latest", "best", "v0", "v1", "v3"]).await,
        [Some(2), Some(2), Some(2), Some(0), Some(1), None]
    );
    assert_eq!(code(get(&lab, "net", "v99999999999999999999").await), Code::NotFound);
    let prod = AliasArtifact {
        artifact: Some(wanted(PROJECT, "net", "v1")),
        add: vec!["prod".to_owned(), "best".to_owned()],
        ..AliasArtifact::default()
    };
    client.alias(prod.clone()).await.unwrap();
    for bad in ["v7", "latest", "a b", ""] {
        assert_eq!(
            code(client.alias(AliasArtifact { add: vec![bad.to_owned()], ..prod.clone() }).await),
            Code::InvalidArgument
        );
    }
    assert_eq!(numbers(&["best", "prod"]).await, [Some(1), Some(1)]);
    client.remove(wanted(PROJECT, "net", "")).await.unwrap();
    assert_eq!(numbers(&["latest", "v2"]).await, [Some(1), None]);
    // The number of a removed version is not used again.
    log(&lab, &mut agent, &start, 4, b"c").await.unwrap();
    assert_eq!(numbers(&["latest", "v2", "v3"]).await, [Some(3), None, Some(3)]);
    lab.restart().await;
    let mut listed =
        lab.dial(None).artifacts().list(ListArtifacts::default()).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(artifact) = listed.message().await.unwrap() {
        all.push((artifact.version, artifact.aliases));
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(all, [(3, names(&["best", "latest"])), (1, names(&["prod"])), (0, names(&[]))]);
}

#[tokio::test]
async fn a_version_needs_its_contents_and_a_fenced_one_moves_no_alias() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let (text, row) = version("net", &mut [blob("weights", b"w")]);
    for content in [text.as_bytes(), b"w"] {
        let early = agent.append(&start, "files", 0, frames(&row)).await.unwrap_err();
        assert!(
            early.code() == Code::FailedPrecondition && early.message().contains("is not here"),
            "{early}"
        );
        lab.put(None, content).await;
    }
    agent.append(&start, "files", 0, frames(&row)).await.unwrap();
    for bad in [
        "",
        "besom manifest 1\nblob\t../x\n",
        "besom manifest 1\nreference\tu\t../../etc/passwd\n",
        "\u{0}",
    ] {
        lab.put(None, bad.as_bytes()).await;
        let Hashed { sha256: digest, size } = Hashed::of(bad.as_bytes());
        let refused = agent
            .append(&start, "files", 1, frames(&ArtifactRow { digest, size, ..row.clone() }))
            .await;
        assert_eq!(code(refused), Code::InvalidArgument, "{bad:?}");
    }
    for bad in [
        ArtifactRow { name: "../net".to_owned(), ..row.clone() },
        ArtifactRow { size: 1, ..row.clone() },
        ArtifactRow { aliases: vec!["v1".to_owned()], ..row.clone() },
    ] {
        assert_eq!(
            code(agent.append(&start, "files", 1, frames(&bad)).await),
            Code::InvalidArgument,
            "{bad:?}"
        );
    }
    agent.end(&start, "failed").await.unwrap();
    lab.sweeps
        .retry(RetryRuns { sweep: sweep.id.clone(), runs: vec![start.run.clone()] })
        .await
        .unwrap();
    let second = agent.ask().await;
    assert_eq!((&second.run, second.attempt), (&start.run, 2));
    assert_eq!(code(log(&lab, &mut agent, &start, 1, b"late").await), Code::Aborted);
    assert_eq!(get(&lab, "net", "latest").await.unwrap().version, 0);
    assert_eq!(get(&lab, "net", "v1").await.unwrap().aliases, [""; 0]);
}

#[tokio::test]
async fn one_append_makes_no_more_work_than_the_largest_version() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let reference =
        |at: usize| Entry { path: format!("{at}"), content: Content::reference("s3://b") };
    let (text, row) =
        version("net", &mut (0..MAX_ENTRIES * 3 / 5).map(reference).collect::<Vec<_>>());
    lab.put(None, text.as_bytes()).await;
    let two = [frames(&row), frames(&row)].concat();
    let refused = agent.append(&start, "files", 0, two).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert_eq!(agent.append(&start, "files", 0, frames(&row)).await.unwrap().next, 1);
    let largest = ArtifactRow { size: MAX_MANIFEST_BYTES, ..row };
    let refused =
        agent.append(&start, "files", 1, [frames(&largest), frames(&largest)].concat()).await;
    assert_eq!(code(refused), Code::InvalidArgument);
}

#[tokio::test]
async fn a_run_token_opens_only_its_own_project() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let (text, row) = version("net", &mut [blob("weights", b"w")]);
    lab.put(Some(&start.token), b"w").await;
    lab.put(Some(&start.token), text.as_bytes()).await;
    agent.append(&start, "files", 0, frames(&row)).await.unwrap();
    let mut own = lab.dial(Some(&start.token)).artifacts();
    let call = |artifact| UseArtifact {
        run: start.run.clone(),
        attempt: start.attempt,
        artifact: Some(artifact),
    };
    let used = own.r#use(call(wanted("", "net", ""))).await.unwrap().into_inner();
    assert_eq!(
        (used.version, used.made_by, used.used_by),
        (0, vec![start.run.clone()], vec![start.run.clone()])
    );
    for artifact in [wanted("other", "net", ""), wanted("../../etc", "net", "")] {
        assert_eq!(code(own.r#use(call(artifact.clone())).await), Code::PermissionDenied);
        let file = ArtifactFile { artifact: Some(artifact.clone()), path: "weights".to_owned() };
        assert_eq!(code(own.read(file).await), Code::PermissionDenied);
        assert_eq!(code(own.get(artifact).await), Code::PermissionDenied);
    }
    for path in ["../x", "/etc/passwd", "nothing"] {
        let file =
            ArtifactFile { artifact: Some(wanted(PROJECT, "net", "")), path: path.to_owned() };
        assert_eq!(code(own.read(file).await), Code::NotFound);
    }
    assert_eq!(code(own.list(ListArtifacts::default()).await), Code::PermissionDenied);
    assert_eq!(code(own.remove(wanted(PROJECT, "net", "")).await), Code::PermissionDenied);
    assert_eq!(code(own.alias(AliasArtifact::default()).await), Code::PermissionDenied);
    assert_eq!(
        code(lab.dial(None).artifacts().get(wanted(PROJECT, "net", "")).await),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn contents_stay_as_long_as_a_version_has_them() {
    let mut lab = Lab::with(|settings| {
        settings.blob_grace = Duration::from_millis(2000);
        settings.collect_every = Duration::from_millis(20);
    })
    .await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    log(&lab, &mut agent, &start, 0, b"kept").await.unwrap();
    log(&lab, &mut agent, &start, 1, b"gone").await.unwrap();
    let folder = lab.folder().join("blobs");
    pause(2500).await;
    assert_eq!(below(&folder), 4);
    let mut client = lab.dial(None).artifacts();
    client.remove(wanted(PROJECT, "net", "v1")).await.unwrap();
    // The contents stay for a grace after the removal, although they were stored long ago. A
    // program may be about to name them again.
    pause(900).await;
    assert_eq!(below(&folder), 4);
    eventually("its content and its manifest go", async || (below(&folder) == 2, below(&folder)))
        .await;
    let kept = get(&lab, "net", "").await.unwrap();
    let (target, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (out, cache) = (Folder::open(target.path()).unwrap(), Cache::new(cache.path(), 1 << 20));
    let entries = fetch::manifest(&mut client, &kept).await.unwrap();
    fetch::write(&mut client, &kept, &entries, &out, &cache, |_| {}).await.unwrap();
    assert_eq!(fs::read(target.path().join("weights")).unwrap(), b"kept");
    // The client does not trust a manifest that does not match its digest.
    let lie = Artifact { digest: Hashed::of(b"x").sha256, ..kept.clone() };
    let damaged = fetch::manifest(&mut client, &lie).await;
    assert!(matches!(damaged, Err(Trouble::Damaged(..))), "{damaged:?}");
}

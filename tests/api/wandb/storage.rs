//! Files at signed addresses: nobody can forge one or use it for another file.

use serde_json::json;

use super::http::{Answer, Caller};
use crate::lab::Lab;

/// Returns the path of the address in an answer, without the address of the controller.
fn address(answer: &Answer) -> String {
    let json = answer.json();
    let url = json["data"]["createRunFiles"]["files"][0]["uploadUrl"].as_str().unwrap();
    url.split_once("/storage/").map(|(_, path)| format!("/storage/{path}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_and_fetched_without_a_key() {
    let lab = Lab::with(|settings| settings.token = Some("hush-hush-hush-hush".to_owned())).await;
    let client = Caller::new(&lab, Some("hush-hush-hush-hush"));
    let nobody = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let content: Vec<u8> = (0..300_000_u32).map(|byte| byte as u8).collect();
    let put = address(&client.upload("home/p/r", "media/images/a b.png"));
    let sent = nobody.send("PUT", &put, &[], &content);
    assert_eq!(sent.status, 200, "{sent:?}");
    assert_eq!(nobody.send("PUT", &put, &[], &content).status, 200, "a repeated upload");

    let query = "{ project(name: \"p\") { run(name: \"r\") { fileCount files(names: \
        [\"./media/images/a b.png\"]) { edges { node { name sizeBytes directUrl } } } } } }";
    let run = client.ask(query, json!({})).json()["data"]["project"]["run"].clone();
    let file = &run["files"]["edges"][0]["node"];
    assert_eq!((&run["fileCount"], &file["sizeBytes"]), (&json!(1), &json!(300_000)), "{run:#}");
    let url = file["directUrl"].as_str().unwrap();
    let get = format!("/storage/{}", url.split_once("/storage/").unwrap().1);
    assert_eq!(nobody.send("GET", &get, &[], b"").body, content);
    let part = nobody.send("GET", &get, &["Range: bytes=100000-199999"], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &content[100_000..200_000]));
    assert!(part.head.contains("bytes 100000-199999/300000"), "{}", part.head);
    assert_eq!(nobody.send("GET", &get, &["Range: bytes=300000-"], b"").status, 416);

    for (method, forged) in [
        ("PUT", put.replace("a%20b", "a%20c")),
        ("PUT", put.replace("/1/r/", "/1/s/")),
        ("PUT", put.replace("/1/r/", "/2/r/")),
        ("PUT", put.replacen("/storage/", "/storage/9", 1)),
        ("PUT", get.clone()),
        ("PUT", get.replacen("/get/", "/put/", 1)),
        ("GET", put.clone()),
        ("GET", get.replace("media", "medib")),
        ("GET", "/storage/99999999999999/0000000000/get/r/x".to_owned()),
        ("GET", "/storage/99999999999999/0/manifest/1/wandb_manifest.json".to_owned()),
        ("GET", format!("/storage/99999999999999/0/content/{}/a", "0".repeat(64))),
    ] {
        let refused = nobody.send(method, &forged, &[], b"x");
        assert_eq!(refused.status, 403, "{method} {forged}: {refused:?}");
    }
    for path in ["../x", "/etc/passwd", "a/../../b", "a\\b", ""] {
        let refused = client.upload("home/p/r", path);
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
}

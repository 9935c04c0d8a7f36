//! Reads and writes manifests of artifacts in the form of W&B's client: JSON with the MD5 of each
//! content in base64.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use record::file::hex;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::error::Fault;
use crate::app::files::commit::{Said, SaidContent};

/// What the client puts before the lines of a manifest when it computes their digest.
const HEADER: &str = "wandb-artifact-manifest-v1\n";

/// A manifest, as the client sends it.
#[derive(Debug, Deserialize)]
struct Sent {
    contents: BTreeMap<String, SentEntry>,
}

/// One entry of a manifest, as the client sends it.
#[derive(Debug, Deserialize)]
struct SentEntry {
    digest: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    size: u64,
}

/// Reads a manifest of the client.
///
/// # Errors
/// Fails if the bytes are no such manifest.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Said>, Fault> {
    let sent: Sent = serde_json::from_slice(bytes)
        .map_err(|error| Fault::wrong(format!("this is no manifest of an artifact: {error}")))?;
    let said = |(path, entry): (String, SentEntry)| {
        let SentEntry { digest, reference, size } = entry;
        let content = match reference {
            Some(url) => SaidContent::Reference { url, digest },
            None => SaidContent::File { md5: from_base64(&digest)?, size },
        };
        Ok(Said { path, content })
    };
    sent.contents.into_iter().map(said).collect()
}

/// Returns the hexadecimal digits of an MD5 that the client has sent in base64.
///
/// # Errors
/// Fails if the text is no MD5.
pub(super) fn from_base64(md5: &str) -> Result<String, Fault> {
    let bytes = STANDARD.decode(md5).ok().filter(|bytes| bytes.len() == 16);
    bytes.map(|bytes| hex(&bytes)).ok_or_else(|| Fault::wrong(format!("`{md5}` is no MD5")))
}

/// Returns an MD5 as the client writes it.
pub(super) fn to_base64(md5: &str) -> String {
    let digit = |at: usize| u8::from_str_radix(md5.get(at..at + 2).unwrap_or("0"), 16);
    let bytes: Vec<u8> = (0..md5.len()).step_by(2).filter_map(|at| digit(at).ok()).collect();
    STANDARD.encode(bytes)
}

/// Writes a manifest for a version that the client has not made. `id` is the id of the version.
pub(super) fn write(entries: Vec<Said>, id: &str) -> Json {
    let entry = |Said { path, content }| {
        let entry = match content {
            SaidContent::File { md5, size } => json!({
                "digest": to_base64(&md5), "size": size, "birthArtifactID": id,
            }),
            SaidContent::Reference { url, digest } => {
                json!({ "digest": digest, "ref": url, "size": 0 })
            }
        };
        (path, entry)
    };
    json!({
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": { "storageLayout": "V2" },
        "contents": entries.into_iter().map(entry).collect::<Map<_, _>>(),
    })
}

/// Returns the digest that the client would compute for such a manifest. The entries are in the
/// order of their paths.
pub(super) fn digest(entries: &[Said]) -> String {
    let mut text = HEADER.to_owned();
    for Said { path, content } in entries {
        let digest = match content {
            SaidContent::File { md5, .. } => to_base64(md5),
            SaidContent::Reference { digest, .. } => digest.clone(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path}:{digest}");
    }
    hex(&Md5::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The MD5 of no bytes.
    const EMPTY: (&str, &str) = ("d41d8cd98f00b204e9800998ecf8427e", "1B2M2Y8AsgTpgAmY7PhCfg==");

    #[test]
    fn a_manifest_is_read_back() {
        let said = vec![
            Said {
                path: "a.txt".to_owned(),
                content: SaidContent::File { md5: EMPTY.0.to_owned(), size: 0 },
            },
            Said {
                path: "b".to_owned(),
                content: SaidContent::Reference {
                    url: "s3://bucket/key".to_owned(),
                    digest: "etag".to_owned(),
                },
            },
        ];
        let written = write(said.clone(), "id");
        assert_eq!(written["contents"]["a.txt"]["digest"], EMPTY.1);
        assert_eq!(read(written.to_string().as_bytes()).unwrap(), said);
        // Computed by the client for the same entries.
        assert_eq!(digest(&said), "359c3903ddc10ef82ff80a7b50dc1f04");
        for wrong in ["", "{}", "[]", r#"{"contents": {"a": {"digest": "x", "size": 1}}}"#] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_md5_has_two_spellings() {
        assert_eq!(to_base64(EMPTY.0), EMPTY.1);
        assert_eq!(from_base64(EMPTY.1).unwrap(), EMPTY.0);
        for wrong in ["", "x", "1B2M", "1B2M2Y8AsgTpgAmY7PhCfg"] {
            assert!(from_base64(wrong).is_err(), "{wrong}");
        }
    }
}

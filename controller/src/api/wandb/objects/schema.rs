//! Tells old clients which fields there are. Clients up to 0.27 ask about some types before they
//! choose the form of their requests.

use serde_json::{Value as Json, json};

/// The types that old clients ask about, with those fields that they look for.
const OBJECTS: [(&str, &str); 7] = [
    (
        "Query",
        "viewer entity serverInfo project model models artifact artifactCollection clientIDMapping",
    ),
    (
        "Mutation",
        "upsertBucket createRunFiles upsertSweep createAgent agentHeartbeat upsertModel stopRun \
        notifyScriptableRunAlert createArtifact createArtifactManifest createArtifactFiles \
        commitArtifact useArtifact addAliases deleteAliases updateArtifact deleteArtifact",
    ),
    ("ServerInfo", "cliVersionInfo latestLocalVersionInfo features"),
    ("ServerSettings", "serverMessages"),
    (
        "Artifact",
        "id state digest versionIndex description metadata createdAt updatedAt artifactSequence \
        artifactType ttlDurationSeconds ttlIsInherited tags historyStep size commitHash fileCount \
        aliases currentManifest files usedBy createdBy artifactMemberships",
    ),
    (
        "Project",
        "id internalId name entityName entity createdAt run bucket runs runCount sweep sweeps \
        totalSweeps artifact artifactType artifactTypes artifactCollection artifactCollections \
        artifactCollectionMembership readOnly",
    ),
    (
        "Run",
        "id name projectId displayName config summaryMetrics files fileCount history \
        sampledHistory historyKeys state",
    ),
];
/// The inputs of mutations that old clients ask about.
const INPUTS: [(&str, &str); 5] = [
    (
        "CreateArtifactInput",
        "entityName projectName runName artifactTypeName artifactCollectionName \
        artifactCollectionNames digest digestAlgorithm description aliases metadata historyStep \
        enableDigestDeduplication clientID sequenceClientID tags",
    ),
    ("CreateArtifactFileSpecInput", "artifactID name md5 artifactManifestID uploadPartsInput"),
    (
        "UseArtifactInput",
        "artifactID entityName projectName runName usedAs artifactEntityName artifactProjectName",
    ),
    ("AddAliasesInput", "artifactID aliases"),
    ("DeleteFilesInput", "files projectId"),
];

/// Describes a type; null if no client needs to know it.
pub(super) fn describe(name: &str) -> Json {
    let find = |types: &[(&str, &'static str)]| {
        types.iter().find(|(known, _)| *known == name).map(|(_, fields)| *fields)
    };
    if let Some(fields) = find(&OBJECTS) {
        let field = |name| json!({ "name": name, "args": [] });
        let fields: Vec<Json> = fields.split_whitespace().map(field).collect();
        return json!({
            "__typename": "__Type", "name": name, "fields": fields, "inputFields": null,
        });
    }
    let Some(fields) = find(&INPUTS) else { return Json::Null };
    let fields: Vec<Json> = fields.split_whitespace().map(|name| json!({ "name": name })).collect();
    json!({ "__typename": "__Type", "name": name, "fields": null, "inputFields": fields })
}

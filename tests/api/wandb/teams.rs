//! Teams over the protocol of W&B's client, and who may change collections of artifacts.

use controller::offline::{Offline, WantedKey};
use serde_json::{Value, json};

use super::http::{Answer, Caller};
use crate::lab::Lab;

/// A controller with users, and a caller for each of them.
async fn with_users(lab: &mut Lab) -> Vec<Caller> {
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    let mut keys = Vec::new();
    for (name, team, role) in
        [("member", "vision", "member"), ("viewer", "vision", "viewer"), ("other", "nlp", "admin")]
    {
        let user = name.to_owned();
        folder.add_user(user.clone(), Some(team.to_owned()), role, false).await.unwrap();
        let wanted = WantedKey { user, kind: "full".to_owned(), ..WantedKey::default() };
        keys.push(folder.add_key(wanted).await.unwrap().0);
    }
    drop(folder);
    lab.come_back().await;
    keys.iter().map(|key| Caller::new(lab, Some(key))).collect()
}

fn members(caller: &Caller, team: &str) -> Answer {
    let query = "query T($name: String!) { entity(name: $name) { name isTeam members { name admin \
        accountType } } }";
    caller.ask(query, json!({ "name": team }))
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_team_see_each_other_and_change_nothing() {
    let mut lab = Lab::start().await;
    let callers = with_users(&mut lab).await;
    let [member, _, other] = &callers[..] else { panic!("three users were added") };
    let seen = members(member, "vision").json()["data"]["entity"]["members"].clone();
    let of = |name: &str, admin: bool| json!({"name": name, "admin": admin, "accountType": "USER"});
    assert_eq!(seen, json!([of("member", false), of("viewer", false)]));
    let own = members(other, "nlp").json()["data"]["entity"]["members"].clone();
    assert_eq!(own, json!([of("other", true)]));
    for (caller, team) in [(other, "vision"), (member, "nobodys")] {
        let refused = members(caller, team);
        assert_eq!(refused.status, 404, "{refused:?}");
        assert!(refused.error().contains("`controller team add"), "{refused:?}");
    }
    let create = "mutation C($teamName: String!) { result: createTeam(input: {teamName: \
        $teamName}) { entity { id } } }";
    let refused = other.ask(create, json!({"teamName": "robots"}));
    assert!(refused.status == 400 && refused.error().contains("`controller team`"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_change_collections_that_exist() {
    let mut lab = Lab::start().await;
    let callers = with_users(&mut lab).await;
    let query = "mutation T($input: CreateArtifactCollectionTagAssignmentsInput!) { result: \
        createArtifactCollectionTagAssignments(input: $input) { tags { name } } }";
    let input: Value = json!({"entityName": "vision", "projectName": "digits",
        "artifactCollectionName": "model", "tags": [{"tagName": "good"}]});
    let answers: Vec<Answer> =
        callers.iter().map(|caller| caller.ask(query, json!({ "input": input }))).collect();
    let said: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(said, [404, 403, 400], "{answers:?}");
    assert!(answers[0].error().contains("no artifact and no portfolio `model`"), "{answers:?}");
}

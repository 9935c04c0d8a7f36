//! Tests who may set which password, and what a new one does. `web::login` tests what it opens.

use controller::offline::{Offline, WantedKey};
use proto::{
    dial::Dial,
    v1::{GetAudit, NewPassword},
};
use tonic::{Code, Status};

use crate::lab::Lab;

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

/// A controller with the administrator `root` and the user `ann`, and their keys.
pub(crate) async fn people() -> (Lab, [String; 2]) {
    let mut lab = Lab::start().await;
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    let mut keys = Vec::new();
    for (name, admin) in [("root", true), ("ann", false)] {
        folder.add_user(name.to_owned(), None, "member", admin).await.unwrap();
        let wanted = WantedKey { user: name.to_owned(), ..WantedKey::default() };
        keys.push(folder.add_key(wanted).await.unwrap().0);
    }
    folder.close().await;
    lab.come_back().await;
    (lab, keys.try_into().unwrap())
}

pub(crate) async fn set(dial: &Dial, user: &str, password: &str, old: &str) -> Result<(), Status> {
    let [user, password, old] = [user, password, old].map(str::to_owned);
    dial.people().set_password(NewPassword { user, password, old }).await.map(drop)
}

#[tokio::test]
async fn a_user_needs_the_old_password_and_an_administrator_does_not() {
    let (lab, [root, ann]) = people().await;
    let (root, ann) = (lab.dial(Some(&root)), lab.dial(Some(&ann)));
    set(&ann, "", OLD, "").await.unwrap();
    let missing = set(&ann, "", NEW, "").await.unwrap_err();
    assert_eq!(missing.code(), Code::InvalidArgument, "{missing}");
    let wrong = set(&ann, "ann", NEW, "correct hors").await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated, "{wrong}");
    set(&ann, "ann", NEW, OLD).await.unwrap();
    assert_eq!(set(&ann, "", OLD, OLD).await.unwrap_err().code(), Code::Unauthenticated);

    set(&root, "ann", OLD, "").await.unwrap();
    set(&ann, "", NEW, OLD).await.unwrap();
    let other = set(&ann, "root", NEW, "").await.unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied, "{other}");
    let nobody = set(&root, "eve", NEW, "").await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound, "{nobody}");

    let audit = root.people().audit(GetAudit::default()).await.unwrap().into_inner().deeds;
    let set = audit.iter().filter(|deed| deed.what == "set password" && deed.object == "ann");
    let by = set.map(|deed| deed.who.split(',').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(by, ["ann", "root", "ann", "ann"]);
}

#[tokio::test]
async fn a_password_that_will_not_do_says_why() {
    let (lab, [root, _]) = people().await;
    let root = lab.dial(Some(&root));
    for (password, why) in [
        ("".to_owned(), "the password is empty"),
        ("1234567".to_owned(), "the password has 7 bytes, and 8 are the least"),
        ("x".repeat(1025), "the password has 1025 bytes, and 1024 are the most"),
    ] {
        let refused = set(&root, "ann", &password, "").await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, why));
    }
    for password in ["12345678".to_owned(), "x".repeat(1024)] {
        set(&root, "ann", &password, "").await.unwrap();
    }
}

#[tokio::test]
async fn the_owner_of_the_folder_sets_a_password_and_sees_who_has_one() {
    let (mut lab, _) = people().await;
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    let set =
        |name: &str, password: &str| folder.set_password(name.to_owned(), password.to_owned());
    set("ann", OLD).await.unwrap();
    assert_eq!(set("eve", OLD).await.unwrap_err().message, "no user `eve`");
    assert!(set("ann", "short").await.is_err());
    let has = folder.users().into_iter().map(|user| (user.name, user.password));
    assert_eq!(has.collect::<Vec<_>>(), [("ann".to_owned(), true), ("root".to_owned(), false)]);
    folder.remove_user("ann".to_owned()).await.unwrap();
    folder.add_user("ann".to_owned(), None, "member", false).await.unwrap();
    assert!(folder.users().iter().all(|user| !user.password), "it went with the user");
    folder.close().await;
}

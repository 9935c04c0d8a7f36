//! Tests how `sweep` deletes and restores runs and sweeps, and how it reports what cannot be
//! deleted.

use tests::Lab;

use crate::{
    runs::log,
    session::{assert_session, type_in},
};

#[test]
fn runs_are_deleted_and_restored() {
    let lab = Lab::with_controller();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(log(&lab));
    let commands = [
        "sweep bin",
        "sweep bin --json",
        "sweep run rm tiny small",
        "sweep run rm wild",
        "sweep run rm wild",
        "sweep run rm idle",
        "sweep run rm nothing",
        "sweep run rm",
        "sweep run show wild",
        "sweep run ls --columns=id,state",
        "sweep rm nothing",
        "sweep restore wild tiny",
        "sweep restore wild",
        "sweep restore nothing",
        "sweep run files wild --rm *.png",
    ];
    let sessions = commands.map(|typed| type_in(&lab, typed));
    assert_session!(lab, sessions.join("\n\n"));
}

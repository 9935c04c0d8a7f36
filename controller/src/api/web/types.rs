//! Compares the TypeScript types of the dashboard with the Rust types of the API. The Rust types
//! are the truth, and the file is written from them.

use std::{collections::BTreeMap, fs, path::Path};

use ts_rs::{Config, TS, TypeVisitor};

use super::{
    artifacts::{
        AliasEdit, ArtifactVersions, Artifacts, RunArtifacts, VersionDetail, VersionDifference,
        VersionEdit,
    },
    attempts::Attempts,
    bin::{Bin, Deleted, Deletion, Restoration, Restored},
    climbs::{ClimbQuery, Climbs},
    columns::{ColumnsHead, TableExtra, TableQuery},
    console::Console,
    contents::{Lineage, LinkedFile, VersionFolder},
    error::Problem,
    events::Changed,
    explain::{Explanation, Individuals},
    files::RunFiles,
    fleet::{Fleet, Timeline, TrialAttempts},
    groups::{GroupsExtra, GroupsQuery},
    keys::{ProjectKeys, RunKeys},
    login::Login,
    markdown::{TextTrees, Texts},
    media::{Histograms, Media},
    overview::Overview,
    people::{
        BrowserSessions, Keys, MadeKey, NewPassword, People, WantedKey, WantedRole, WantedTeam,
        WantedUser,
    },
    projects::Projects,
    proposals::Proposals,
    reports::{Report, ReportBlock, ReportEdit, Reports},
    rows::RunDetail,
    rungs::Rungs,
    runs::{RunEdit, Runs, RunsEdit},
    saved_views::{NewView, SavedViews, ViewEdit},
    series::{SeriesExtra, SeriesQuery},
    session::Session,
    steer::{Again, Checked, More, SweepDraft},
    storage::{About, ProjectsStorage, RunStorage, Storage},
    sweeps::{SweepDetail, Sweeps},
    tables::LoggedTable,
};

/// The variable that makes the test write the file.
const WRITE: &str = "BESOM_WRITE_TYPES";

/// The declarations of types, by name.
struct Declared {
    config: Config,
    types: BTreeMap<String, String>,
}

impl TypeVisitor for Declared {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only a type of ours has a file of its own.
        if T::output_path().is_none() {
            return;
        }
        let (name, text) = (T::ident(&self.config), T::decl(&self.config));
        let known = self.types.insert(name.clone(), text.clone());
        assert!(known.as_ref().is_none_or(|known| *known == text), "two types are called {name}");
        if known.is_none() {
            T::visit_dependencies(self);
            T::visit_generics(self);
        }
    }
}

fn text() -> String {
    // No number of the API is beyond what a number of JavaScript holds exactly; seeds are texts.
    let config = Config::new().with_large_int("number");
    let mut declared = Declared { config, types: BTreeMap::new() };
    declared.visit::<Problem>();
    declared.visit::<Session>();
    declared.visit::<Login>();
    declared.visit::<Overview>();
    declared.visit::<Projects>();
    declared.visit::<ProjectKeys>();
    declared.visit::<Runs>();
    declared.visit::<RunDetail>();
    declared.visit::<RunEdit>();
    declared.visit::<RunsEdit>();
    declared.visit::<SavedViews>();
    declared.visit::<NewView>();
    declared.visit::<ViewEdit>();
    declared.visit::<GroupsQuery>();
    declared.visit::<GroupsExtra>();
    declared.visit::<TableExtra>();
    declared.visit::<RunKeys>();
    declared.visit::<Console>();
    declared.visit::<Attempts>();
    declared.visit::<RunFiles>();
    declared.visit::<Media>();
    declared.visit::<LoggedTable>();
    declared.visit::<Histograms>();
    declared.visit::<SeriesQuery>();
    declared.visit::<SeriesExtra>();
    declared.visit::<Explanation>();
    declared.visit::<Individuals>();
    declared.visit::<Proposals>();
    declared.visit::<Rungs>();
    declared.visit::<Changed>();
    declared.visit::<Sweeps>();
    declared.visit::<SweepDetail>();
    declared.visit::<SweepDraft>();
    declared.visit::<Checked>();
    declared.visit::<Again>();
    declared.visit::<More>();
    declared.visit::<ClimbQuery>();
    declared.visit::<Climbs>();
    declared.visit::<Fleet>();
    declared.visit::<Texts>();
    declared.visit::<TextTrees>();
    declared.visit::<Report>();
    declared.visit::<ReportBlock>();
    declared.visit::<ReportEdit>();
    declared.visit::<Reports>();
    declared.visit::<Timeline>();
    stored(&mut declared);
    declared.visit::<TrialAttempts>();
    declared.visit::<TableQuery>();
    declared.visit::<ColumnsHead<()>>();
    let head = format!(
        "// The types of the controller's API. A test writes this file from the Rust types:\n// \
        {WRITE}=1 cargo test -p controller --lib api::web::types\n\n\
        export type Json = null | boolean | number | string | Json[] | {{ [key: string]: Json }};\n"
    );
    declared.types.values().fold(head, |text, one| format!("{text}\nexport {one}\n"))
}

/// Visits the types of artifacts, the bin, people and storage.
fn stored(declared: &mut Declared) {
    declared.visit::<Artifacts>();
    declared.visit::<ArtifactVersions>();
    declared.visit::<VersionDetail>();
    declared.visit::<VersionEdit>();
    declared.visit::<AliasEdit>();
    declared.visit::<VersionDifference>();
    declared.visit::<VersionFolder>();
    declared.visit::<Lineage>();
    declared.visit::<LinkedFile>();
    declared.visit::<RunArtifacts>();
    declared.visit::<Bin>();
    declared.visit::<Deleted>();
    declared.visit::<Deletion>();
    declared.visit::<Restoration>();
    declared.visit::<Restored>();
    declared.visit::<BrowserSessions>();
    declared.visit::<Keys>();
    declared.visit::<MadeKey>();
    declared.visit::<NewPassword>();
    declared.visit::<People>();
    declared.visit::<WantedKey>();
    declared.visit::<WantedRole>();
    declared.visit::<WantedTeam>();
    declared.visit::<WantedUser>();
    declared.visit::<About>();
    declared.visit::<ProjectsStorage>();
    declared.visit::<RunStorage>();
    declared.visit::<Storage>();
}

#[test]
fn the_types_of_the_dashboard_are_those_of_the_api() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard/src/api/types.ts");
    let (now, written) = (text(), fs::read_to_string(&file).unwrap_or_default());
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, now).unwrap();
        return;
    }
    assert!(
        now == written,
        "dashboard/src/api/types.ts differs from the types of the API; `{WRITE}=1 cargo test -p \
        controller --lib api::web::types` writes it"
    );
}

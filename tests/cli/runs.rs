//! Tests how `sweep run ls` lists, filters and sorts runs, and how it reports mistakes in its
//! arguments.

use proto::{
    dial::Dial,
    v1::{AppendRows, BeginRun, EndRun, Outcome},
};
use record::{Row, Value, Writer};
use tests::Lab;

use crate::session::{assert_session, show};

/// Logs three runs of a project and one run without a project.
pub(crate) async fn log(lab: &Lab) {
    let mut runs = Dial::new(&lab.address(), None).unwrap().runs();
    for (id, project, lr, loss) in [
        ("tiny", "vision", 0.1, Some(0.7)),
        ("small", "vision", 0.01, Some(0.25)),
        ("wild", "vision", 1.0, Some(f64::NAN)),
        ("idle", "", 0.01, None),
    ] {
        let begin = BeginRun {
            id: id.to_owned(),
            project: project.to_owned(),
            name: format!("cnn {id}"),
            group: if lr < 0.5 { "baseline".to_owned() } else { String::new() },
            tags: vec!["cnn".to_owned(), id.to_owned()],
            config_json: format!(r#"{{"lr": {lr}, "opt": {{"name": "adam"}}}}"#),
            ..BeginRun::default()
        };
        let run = runs.begin(begin).await.unwrap().into_inner().run;
        let Some(loss) = loss else { continue };
        let values = vec![("loss".to_owned(), Value::F64(loss))];
        let mut frames = Vec::new();
        Writer::default().frame(&[Row { step: 0, wall_ms: 0, values }], &mut frames);
        let (writer, stream) = ("sdk".to_owned(), "history".to_owned());
        let append = AppendRows { run: run.clone(), attempt: 1, writer, stream, offset: 0, frames };
        runs.append(append).await.unwrap();
        let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
        runs.end(EndRun { run, attempt: 1, outcome, ..EndRun::default() }).await.unwrap();
    }
}

/// Returns the sessions of `sweep run ls` with each of these arguments.
fn sessions(lab: &Lab, commands: &[&[&str]]) -> String {
    let quoted =
        |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
    let session = |args: &&[&str]| {
        let typed: Vec<String> = args.iter().map(quoted).collect();
        let words = ["run", "ls"].into_iter().chain(args.iter().copied());
        let output = lab.command("sweep").args(words).output().unwrap();
        show(format!("sweep run ls {}", typed.join(" ")).trim_end(), &output)
    };
    commands.iter().map(session).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn runs_filtered_and_sorted() {
    let lab = Lab::with_controller();
    assert_session!(lab, sessions(&lab, &[&[], &["--json"]]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(log(&lab));
    let columns = "--columns=id,name,state,group,tags,config.lr,summary.loss";
    assert_session!(
        lab,
        sessions(
            &lab,
            &[
                &[columns],
                &[columns, "--project", "vision", "--sort", "summary.loss"],
                &[columns, "--sort", "-summary.loss", "--limit", "1"],
                &[columns, "--filter", "config.lr <= 0.1", "--filter", "state = finished"],
                &[columns, "--filter", "tags = wild", "--filter", "summary.loss = nan"],
                &[columns, "--filter", "config.opt.name != adam"],
            ]
        )
    );
    let text = String::from_utf8(lab.sweep(&["run", "ls", "--sort=-config.lr"]).stdout).unwrap();
    let heads: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heads, ["id", "name", "state", "project", "group", "tags", "lr", "time", "created"]);
    let all = lab.json(&["run", "ls", "--sort", "name", "--json"]);
    let ids: Vec<&str> =
        all.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["idle", "small", "tiny", "wild"]);
}

#[test]
fn a_question_full_of_mistakes() {
    let lab = Lab::with_controller();
    assert_session!(
        lab,
        sessions(
            &lab,
            &[
                &["--filter", "lr < 0.1"],
                &[
                    "--filter",
                    "lr < 0.1",
                    "--filter",
                    "state = runing",
                    "--filter",
                    "config.lr =< 1",
                    "--sort",
                    "-loss"
                ],
                &["--sort", "summary."],
                &["--columns", "id,stat,confg.lr"],
                &["--sweep", "nosuch12"],
                &["--limit", "0"],
            ]
        )
    );
}

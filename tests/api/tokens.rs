//! Tests which calls a token allows, and which token a controller on a network address needs.

use controller::{Controller, StartError, chance::Chance, clock::Clock, settings::Settings};
use proto::v1::{
    AppendRows, BeginRun, CreateSweep, EndRun, ListAgents, ListRuns, Outcome, RunRef, SweepRef,
};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code};

#[tokio::test]
async fn a_run_token_opens_its_run_and_nothing_else() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await;
    let (mut agent, mut other) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    let (start, foreign) = (agent.ask().await, other.ask().await);

    let own = lab.dial(Some(&start.token));
    let mut runs = own.runs();
    let join = BeginRun { run: start.run.clone(), attempt: 1, ..BeginRun::default() };
    assert_eq!(runs.begin(join).await.unwrap().into_inner().config_json, start.params_json);
    runs.get(RunRef { run: start.run.clone() }).await.unwrap();
    let append = AppendRows {
        run: start.run.clone(),
        attempt: 2,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        ..AppendRows::default()
    };
    assert_eq!(code(runs.append(append.clone()).await), Code::PermissionDenied);
    runs.append(AppendRows { attempt: 1, ..append }).await.unwrap();
    let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
    let end = EndRun { run: start.run.clone(), attempt: 2, outcome, ..EndRun::default() };
    assert_eq!(code(runs.end(end).await), Code::PermissionDenied);

    assert_eq!(code(runs.get(RunRef { run: foreign.run }).await), Code::PermissionDenied);
    assert_eq!(code(runs.begin(BeginRun::default()).await), Code::PermissionDenied);
    assert_eq!(code(runs.list(ListRuns::default()).await), Code::PermissionDenied);
    assert_eq!(
        code(own.sweeps().get(SweepRef { sweep: sweep.id.clone() }).await),
        Code::PermissionDenied
    );
    assert_eq!(code(own.sweeps().create(CreateSweep::default()).await), Code::PermissionDenied);
    assert_eq!(code(own.agents().list(ListAgents::default()).await), Code::PermissionDenied);
}

#[tokio::test]
async fn without_the_token_nothing_opens() {
    let lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    for token in [None, Some("wrong"), Some("run.abcdefgh-0.1.00")] {
        let refused =
            lab.dial(token).sweeps().list(proto::v1::ListSweeps::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert!(proto::dial::hint(&refused).is_some());
    }
}

#[tokio::test]
async fn a_network_address_needs_a_strong_token() {
    let folder = tempfile::TempDir::new().unwrap();
    let settings = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        data: folder.path().to_owned(),
        insecure: true,
        ..Settings::default()
    };
    let refused = Controller::start(settings.clone(), Clock::system(), Chance::system()).await;
    assert!(matches!(refused, Err(StartError::Open(_))), "{refused:?}");
    let settings = Settings { token: Some("hush".to_owned()), ..settings };
    let refused = Controller::start(settings.clone(), Clock::system(), Chance::system()).await;
    assert!(matches!(refused, Err(StartError::Weak(_))), "{refused:?}");
    let settings =
        Settings { token: Some("0f3a9c5b7d1e2846a0c4e8f1b3d59726\n".to_owned()), ..settings };
    Controller::start(settings, Clock::system(), Chance::system())
        .await
        .unwrap()
        .shutdown()
        .await
        .unwrap();
}

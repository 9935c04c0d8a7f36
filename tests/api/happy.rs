//! Tests sweeps from their creation to their best run when nothing goes wrong, and the answers to
//! wrong requests.

use std::collections::BTreeSet;

use proto::v1::{CreateSweep, SweepRef};
use tonic::Code;

use crate::lab::{GRID, Lab, RANDOM, code};

#[tokio::test]
async fn a_sweep_runs_from_its_yaml_to_its_best_run() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 2\nproject: mnist\n")).await;
    assert_eq!(
        (sweep.state.as_str(), sweep.method.as_str(), sweep.trials_bound),
        ("pending", "random", Some(2))
    );
    let mut agent = lab.agent("one", &sweep.id);

    let start = agent.ask().await;
    assert_eq!((start.run.clone(), start.attempt, start.trial), (format!("{}-0", sweep.id), 1, 0));
    assert_eq!((start.metric.as_str(), start.project.as_str()), ("val/loss", "mnist"));
    assert!(!start.command.is_empty() && !start.token.is_empty());
    assert_eq!(lab.sweep(&sweep.id).await.counts.unwrap().leased, 1);

    let appended = agent.log(&start, 0, "val/loss", &[0.5, f64::NAN, 0.2, 0.4]).await.unwrap();
    assert_eq!((appended.next, appended.stop_wanted), (4, false));
    let run = lab.run(&start.run).await;
    assert_eq!((run.state.as_str(), run.value, run.rows), ("running", Some(0.2), 4));
    assert_eq!(run.summary_json, r#"{"val/loss":0.4}"#);

    let ended = agent.end(&start, "finished").await.unwrap().run.unwrap();
    assert_eq!((ended.state.as_str(), ended.value), ("finished", Some(0.2)));
    let second = agent.trial(0.1).await;

    let orders = agent.heartbeat().await.unwrap();
    assert!(orders.sweep_over && orders.start.is_empty(), "{orders:?}");
    let sweep = lab.sweep(&sweep.id).await;
    let counts = sweep.counts.unwrap();
    assert_eq!(
        (sweep.state.as_str(), sweep.closing.as_str(), counts.finished, counts.trials),
        ("finished", "cap", 2, 2)
    );
    assert_eq!(sweep.best.unwrap().id, second.run);
    assert!(sweep.ended_ms.is_some());
    lab.shutdown().await;
}

#[tokio::test]
async fn many_agents_run_every_point_of_a_grid_once() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let workers: Vec<_> = (0..6)
        .map(|number| {
            let mut agent = lab.agent(&format!("agent-{number}"), &sweep.id);
            tokio::spawn(async move {
                let mut points = Vec::new();
                loop {
                    agent.beat.free = 2;
                    agent.beat.wait_ms = 2_000;
                    let orders = agent.heartbeat().await.unwrap();
                    if orders.sweep_over {
                        return points;
                    }
                    for start in &orders.start {
                        points.push(start.params_json.clone());
                        agent.log(start, 0, "val/loss", &[1.0]).await.unwrap();
                        agent.end(start, "finished").await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut points = Vec::new();
    for worker in workers {
        points.extend(worker.await.unwrap());
    }
    assert_eq!(points.len(), 12);
    assert_eq!(points.iter().collect::<BTreeSet<_>>().len(), 12, "{points:?}");
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");
    let runs = lab.list(&sweep.id).await;
    assert_eq!(
        runs.iter().map(|run| run.trial.unwrap()).collect::<Vec<_>>(),
        (0..12).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn several_slots_are_filled_by_one_answer() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("many", &sweep.id);
    agent.beat.free = 5;
    assert_eq!(agent.heartbeat().await.unwrap().start.len(), 5);
}

#[tokio::test]
async fn creating_or_ending_again_changes_nothing() {
    let mut lab = Lab::start().await;
    let request = CreateSweep {
        yaml: RANDOM.to_owned(),
        idempotency_key: "k".to_owned(),
        ..CreateSweep::default()
    };
    let first = lab.sweeps.create(request.clone()).await.unwrap().into_inner();
    let second = lab.sweeps.create(request).await.unwrap().into_inner();
    assert_eq!(first.id, second.id);

    let mut agent = lab.agent("one", &first.id);
    let start = agent.trial(0.5).await;
    let again = agent.end(&start, "failed").await.unwrap().run.unwrap();
    assert_eq!((again.state.as_str(), again.value), ("finished", Some(0.5)));
    assert_eq!(lab.sweep(&first.id).await.counts.unwrap().finished, 1);
}

#[tokio::test]
async fn a_bad_yaml_is_reported_in_full_and_a_wrong_id_is_not_found() {
    let mut lab = Lab::start().await;
    let yaml = "method: grid\nparameters:\n  lr: {min: 0.1, max: 0.2}\nnonsense: 1\n".to_owned();
    let request = CreateSweep { yaml, source: "my.yaml".to_owned(), ..CreateSweep::default() };
    let refused = lab.sweeps.create(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("my.yaml:3") && refused.message().contains("nonsense"),
        "{refused}"
    );

    let missing = lab.sweeps.get(SweepRef { sweep: "abcdefgh".to_owned() }).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "no sweep `abcdefgh`"));
    assert_eq!(code(lab.agent("one", "abcdefgh").heartbeat().await), Code::NotFound);
}

#[tokio::test]
async fn more_problems_than_a_header_takes_are_counted() {
    let mut lab = Lab::start().await;
    let yaml: String = (0..3000).map(|number| format!("nönsense{number}: 1\n")).collect();
    let refused =
        lab.sweeps.create(CreateSweep { yaml, ..CreateSweep::default() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("nönsense0") && refused.message().contains(" more"),
        "{refused}"
    );
    let missing = lab.sweeps.get(SweepRef { sweep: "é".repeat(100_000) }).await;
    assert_eq!(code(missing), Code::NotFound);
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let lab = Lab::start().await;
    let channel =
        tonic::transport::Endpoint::from_shared(lab.address()).unwrap().connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let answer = health
        .check(tonic_health::pb::HealthCheckRequest { service: String::new() })
        .await
        .unwrap();
    assert_eq!(
        answer.into_inner().status(),
        tonic_health::pb::health_check_response::ServingStatus::Serving
    );
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest,
    };
    let list = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap());
    for service in ["besom.v1.Sweeps", "besom.v1.Agents", "besom.v1.Runs"] {
        assert!(answer.contains(service), "{answer}");
    }
}

//! Tests explanations. A sweep is explained by the results of its trials, and a run by what the
//! search knew when it chose the run.

use proto::{
    dial,
    v1::{ExplainSweep, Explanation, Recommendation, RunList, SweepRef},
};
use tonic::{Code, Status};

use crate::lab::{FakeAgent, Lab, RANDOM, code};

/// Returns the YAML of a random search with a second parameter, which does not affect the metric.
fn two() -> String {
    format!("{RANDOM}  optimizer: {{values: [adam, sgd]}}\n")
}

async fn explain(lab: &mut Lab, sweep: &str, parameters: &[&str]) -> Result<Explanation, Status> {
    let parameters = parameters.iter().map(|&name| name.to_owned()).collect();
    Ok(lab.sweeps.explain(ExplainSweep { sweep: sweep.to_owned(), parameters }).await?.into_inner())
}

/// Runs trials whose loss depends only on `lr`: it is a valley with its minimum at 0.3.
async fn valley(agent: &mut FakeAgent, count: usize) {
    for _ in 0..count {
        let start = agent.ask().await;
        let params: serde_json::Value = serde_json::from_str(&start.params_json).unwrap();
        let value = (params["lr"].as_f64().unwrap() - 0.3).powi(2);
        agent.log(&start, 0, "val/loss", &[value]).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
    }
}

#[tokio::test]
async fn the_explanation_of_a_sweep_finds_the_parameter_that_matters() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&two()).await;
    let mut agent = lab.agent("one", &sweep.id);
    valley(&mut agent, 20).await;
    let all = explain(&mut lab, &sweep.id, &[]).await.unwrap();
    assert_eq!((all.trials, all.curves.len(), all.surfaces.len()), (20, 2, 0));
    assert_eq!(all.importances[0].parameter, "lr");
    assert!(
        all.importances[0].total > 0.9 && all.importances[1].total < 0.1 && all.accuracy > 0.8,
        "{all:?}"
    );
    let best =
        all.curves[0].points.iter().min_by(|one, other| one.mean.total_cmp(&other.mean)).unwrap();
    assert!((best.value_json.parse::<f64>().unwrap() - 0.3).abs() < 0.1, "{best:?}");

    let both = explain(&mut lab, &sweep.id, &["optimizer", "lr"]).await.unwrap();
    assert_eq!(both.curves[0].points[1].value_json, "\"sgd\"");
    let surface = &both.surfaces[0];
    assert_eq!(
        (surface.row_parameter.as_str(), surface.rows.len(), surface.columns.len()),
        ("optimizer", 2, 12)
    );
    assert_eq!(surface.cells.len(), 24);
    assert!(surface.cells.iter().all(|cell| cell.mean.is_some() && cell.deviation.is_some()));
    lab.restart().await;
    assert_eq!(
        explain(&mut lab, &sweep.id, &["optimizer", "lr"]).await.unwrap(),
        both,
        "it follows from the rows"
    );
}

async fn recommend(lab: &mut Lab, sweep: &str) -> Result<Recommendation, Status> {
    Ok(lab.sweeps.recommend(SweepRef { sweep: sweep.to_owned() }).await?.into_inner())
}

#[tokio::test]
async fn a_lucky_run_is_the_best_but_not_the_recommended_one() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    valley(&mut agent, 3).await;
    let few = recommend(&mut lab, &sweep.id).await.unwrap_err();
    assert_eq!(few.code(), Code::FailedPrecondition, "{few:?}");
    let (mut lucky, mut places) = (None, std::collections::HashMap::new());
    for number in 0..36 {
        let start = agent.ask().await;
        let params: serde_json::Value = serde_json::from_str(&start.params_json).unwrap();
        let lr = params["lr"].as_f64().unwrap();
        let mut value = (lr - 0.3).powi(2) + 0.03 * (f64::from(number) * 7.3).sin();
        if (0.6..0.9).contains(&lr) && lucky.is_none() {
            (lucky, value) = (Some(start.run.clone()), -0.05);
        }
        places.insert(start.run.clone(), lr);
        agent.log(&start, 0, "val/loss", &[value]).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
    }
    let lucky = lucky.unwrap();
    let found = recommend(&mut lab, &sweep.id).await.unwrap();
    let both = (found.observed.clone(), found.recommended.clone());
    let (observed, recommended) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!((&observed.run, observed.value), (&lucky, -0.05));
    assert_eq!(lab.sweep(&sweep.id).await.best.unwrap().id, lucky);
    assert!((places[&recommended.run] - 0.3).abs() < 0.2, "{recommended:?}");
    assert!(recommended.low < recommended.mean && recommended.mean < recommended.high);
    assert!(found.probability > Some(0.5) && found.noise > 0.0, "{found:?}");

    lab.restart().await;
    let again = recommend(&mut lab, &sweep.id).await.unwrap();
    assert_eq!(again.recommended, found.recommended, "it follows from the rows");
    let runs = vec![lucky.clone(), recommended.run.clone()];
    lab.dial(None).bin().delete_runs(RunList { runs }).await.unwrap();
    let left = recommend(&mut lab, &sweep.id).await.unwrap();
    let named = [left.recommended.unwrap().run, left.observed.unwrap().run];
    assert!(!named.contains(&lucky) && !named.contains(&recommended.run), "{named:?}");
    assert_eq!(code(recommend(&mut lab, "nonesuch").await), Code::NotFound);
}

#[tokio::test]
async fn an_impossible_explanation_is_refused_with_a_hint() {
    let mut lab = Lab::start().await;
    let hint = |status: &Status| dial::hint(status).unwrap_or_default();
    let sweep = lab.create(&two()).await;
    let mut agent = lab.agent("one", &sweep.id);
    valley(&mut agent, 3).await;
    let few = explain(&mut lab, &sweep.id, &[]).await.unwrap_err();
    let message = format!(
        "an explanation needs 4 trials that ended with a value of `val/loss`, and sweep `{}` has 3",
        sweep.id
    );
    assert_eq!((few.code(), few.message()), (Code::FailedPrecondition, message.as_str()));
    valley(&mut agent, 3).await;
    let unknown = explain(&mut lab, &sweep.id, &["optimiser"]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    assert_eq!(hint(&unknown), "did you mean `optimizer`?");
    let unknown = explain(&mut lab, &sweep.id, &["qqqqqqqqq"]).await.unwrap_err();
    assert_eq!(hint(&unknown), "these vary: lr, optimizer");
    assert_eq!(code(explain(&mut lab, &sweep.id, &["lr", "lr"]).await), Code::InvalidArgument);
    assert_eq!(code(explain(&mut lab, "nonesuch", &[]).await), Code::NotFound);

    let without = lab.create(&RANDOM.replace("metric: {name: val/loss}\n", "")).await;
    let refused = explain(&mut lab, &without.id, &[]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("no metric"), "{refused:?}");
}

#[tokio::test]
async fn a_choice_of_the_model_names_its_incumbent() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&RANDOM.replace("method: random", "method: bayes")).await;
    let mut agent = lab.agent("one", &sweep.id);
    valley(&mut agent, 8).await;
    let runs = lab.list(&sweep.id).await;
    let chosen = runs.iter().find(|run| run.suggestion_json.contains(r#""kind":"model""#)).unwrap();
    let number = chosen.trial.unwrap();
    let before = runs.iter().filter(|run| run.trial.unwrap() < number);
    let best =
        before.min_by(|one, other| one.value.unwrap().total_cmp(&other.value.unwrap())).unwrap();
    let incumbent = lab.run(&chosen.id).await.incumbent.unwrap();
    assert_eq!(
        (&incumbent.run, Some(incumbent.value), incumbent.ended),
        (&best.id, best.value, number)
    );
    assert_eq!(lab.run(&runs[0].id).await.incumbent, None, "no model chose the first");
    assert_eq!(chosen.incumbent, None, "lists leave it out");
}

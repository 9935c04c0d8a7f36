//! Trials whose program uses W&B's client. Besom's agent runs them.

use serde_json::json;
use tests::Lab;

use crate::client::{environment, history, said, shown};

#[test]
fn a_program_that_uses_wandb_is_a_trial() {
    let lab = Lab::with_controller();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/wandb/scripts/trial.py");
    let sweep = lab.create(&format!(
        "{{project: digits, method: grid, metric: {{name: val.loss}}, parameters: {{\
            lr: {{values: [0.00001, 0.5]}}, model: {{parameters: {{layers: {{values: [2]}}}}}}}}, \
            command: [python3, '{script}']}}"
    ));
    let mut agent = lab.command("agent");
    environment(&lab, &mut agent).env_remove("WANDB_BASE_URL").env_remove("WANDB_API_KEY");
    let output = agent.args([&sweep, "--slots", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    let runs = lab.runs(&sweep);
    assert_eq!(runs.len(), 2, "{runs:#?}");
    for (run, expected) in runs.iter().zip([2e-5 / 3.0, 1.0 / 3.0]) {
        let id = run["id"].as_str().unwrap();
        let view = shown(&lab, id);
        assert_eq!(
            (&view["state"], &view["value"]),
            (&json!("finished"), &json!(expected)),
            "{view:#}"
        );
        assert_eq!(view["project"], "digits");
        assert_eq!(view["added_config"], json!({}), "{view:#}");
        assert_eq!(history(&lab, id).len(), 3);
        let logs = String::from_utf8(lab.sweep(&["logs", id]).stdout).unwrap();
        assert_eq!(logs.matches("training with").count(), 1, "{logs}");
    }
    assert_eq!(lab.state(&sweep), "finished");
}

//! Restarts a controller with another token in the middle of a sweep. Programs with the right token
//! wait, keep every row, and report no end before its rows. After a restart with the right token,
//! every result is right. If the agent has left meanwhile, `sweep sync` sends the rest.

use std::{
    fs::{self, File},
    io::Read as _,
    process::{Command, Stdio},
};

use proto::dial::Dial;
use serde_json::Value;
use tests::{Agent, Lab, rows, wait_for};

const TOKEN: &str = "5fJmT0n8wXcQ2vRzY7kLhB";
const OTHER: &str = "a-slip-of-the-fingers-0000";

/// A trial that logs 6 rows of 32, waits for the file `go`, and logs the rest, of which the last is
/// the best.
const TRIAL: &str = r#"
step=0
while [ $step -lt 32 ]; do
  echo "{\"loss\": $((100 - step))}"
  step=$((step + 1))
  while [ $step -eq 6 ] && [ ! -e "$GO" ]; do sleep 0.05; done
done
"#;

/// Starts two trials and waits until each has logged 6 rows. Returns their sweep and their agent.
fn two_trials(lab: &mut Lab) -> (String, Agent) {
    lab.write("trial.sh", &TRIAL.replace("$GO", &lab.dir().join("go").to_string_lossy()));
    let sweep = lab.create(
        "{method: grid, metric: {name: loss}, parameters: {x: {values: [1, 2]}}, command: [sh, \
        trial.sh]}",
    );
    let agent = lab.agent(&sweep, &["--slots", "2"]);
    let begun = || lab.runs(&sweep).iter().filter(|run| run["rows"] == 6).count() == 2;
    wait_for("two trials with 6 rows", || begun().then_some(()));
    (sweep, agent)
}

/// Restarts the controller with another token while the trials log their other rows and end.
fn slip(lab: &mut Lab, agent: &Agent) {
    lab.kill_controller();
    lab.start_controller_with(OTHER);
    lab.write("go", "");
    let waits =
        "  waits      the controller does not know this token or key: the agent keeps its end and ";
    wait_for("both trials to wait", || (agent.said().matches(waits).count() == 2).then_some(()));
    let refuses = format!(
        "warning: the controller at {} refuses this agent (the controller does not know this \
        token or key): waiting",
        lab.address()
    );
    wait_for("its agent to say why", || agent.said().contains(&refuses).then_some(()));
    assert_eq!(agent.said().matches(&refuses).count(), 1, "{}", agent.said());
}

fn all_is_right(lab: &Lab, sweep: &str) {
    let runs = lab.runs(sweep);
    assert_eq!(runs.len(), 2);
    for run in runs {
        let found = ["state", "rows", "value", "attempt"].map(|key| run[key].clone());
        assert_eq!(found, ["finished".into(), 32.into(), Value::from(69.0), 1.into()], "{run}");
    }
}

#[test]
fn a_controller_with_a_wrong_token_costs_no_row() {
    let mut lab = Lab::with_token(TOKEN);
    let (sweep, agent) = two_trials(&mut lab);
    slip(&mut lab, &agent);
    lab.kill_controller();
    lab.start_controller();
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    all_is_right(&lab, &sweep);
}

#[test]
fn rows_of_an_agent_that_left_are_sent_later() {
    let mut lab = Lab::with_token(TOKEN);
    let (sweep, agent) = two_trials(&mut lab);
    slip(&mut lab, &agent);
    agent.signal("TERM");
    let folders = agent.data.join("runs");
    let (code, said) = agent.wait();
    let wants = [
        "error: 2 trials could not be reported".to_owned(),
        "hint: start the agent again to finish that".to_owned(),
        format!("hint: or `sweep sync {}/*/*` sends what is left", folders.display()),
    ];
    assert!(code == Some(1) && wants.iter().all(|want| said.contains(want)), "{code:?} {said}");
    lab.kill_controller();
    lab.start_controller();
    for _ in 0..2 {
        let script =
            format!("{} sync {}/*/*", tests::program("sweep").display(), folders.display());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .env("BESOM_TOKEN", TOKEN)
            .env("BESOM_CONTROLLER", lab.address());
        let synced = shell.output().unwrap();
        let said = String::from_utf8_lossy(&synced.stdout);
        assert!(synced.status.success() && said.matches("; finished\n").count() == 2, "{synced:?}");
        all_is_right(&lab, &sweep);
    }
    assert_eq!(lab.state(&sweep), "finished");
}

#[test]
fn a_program_outside_a_sweep_waits_for_the_right_token() {
    let mut lab = Lab::with_token(TOKEN);
    let side = lab.dir().join("side");
    assert!(Command::new("mkfifo").arg(&side).status().unwrap().success());
    let errors = lab.dir().join("logger.log");
    let mut logger = lab.command("sdk_logger");
    logger.args(["4000", "0"]).arg(&side).env("BESOM_DATA", lab.dir().join("waits"));
    let logger =
        logger.stdout(Stdio::piped()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
    // The program blocks in the middle of its rows until the test reads its side file. The side
    // file is a pipe, which has room for about 2,700 rows.
    let mut rows_said = File::open(&side).unwrap();
    let run = wait_for("its run", || {
        Some(lab.json(&["run", "ls", "--json"])[0]["id"].as_str()?.to_owned())
    });
    lab.kill_controller();
    lab.start_controller_with(OTHER);
    rows_said.read_exact(&mut [0; 4000 * 24]).unwrap();
    let said = || fs::read_to_string(&errors).unwrap();
    let waits = "to take what is left (the controller does not know this token or key)";
    wait_for("it to say what it waits for", || said().contains(waits).then_some(()));
    lab.kill_controller();
    lab.start_controller();
    let output = logger.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stored =
        async { rows::stored(&Dial::new(&lab.address(), Some(TOKEN)).unwrap(), &run).await };
    assert_eq!(runtime.block_on(stored), (0..4_000).collect::<Vec<_>>());
}

//! Tests nodes that are taken away, and attempts that fail. Preempted trials run before all others,
//! a second attempt starts like the first, and every cell ends once.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};
use tests::{Lab, program, wait_for};

/// A trial that notes its point and waits as long as the file `hold` is there. On SIGTERM it saves
/// and exits with 0.
const HELD: &str = r#"#!/bin/sh
trap 'echo "saved $1" >> notes; exit 0' TERM
echo "$1" >> notes
while [ -e hold ]; do sleep 0.02; done
echo "{\"loss\": 1}"
"#;

fn script(lab: &Lab, text: &str) {
    let path = lab.write("trial.sh", text);
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn notes(lab: &Lab) -> Vec<String> {
    let notes = fs::read_to_string(lab.dir().join("notes")).unwrap_or_default();
    notes.lines().map(ToOwned::to_owned).collect()
}

/// Returns the state, the attempt and the number of failures of a run.
fn ended(lab: &Lab, run: &str) -> (String, u64, usize) {
    let run = lab.json(&["show", run, "--json"]);
    let failures = run["failures"].as_array().map_or(usize::MAX, Vec::len);
    (run["state"].as_str().unwrap().to_owned(), run["attempt"].as_u64().unwrap(), failures)
}

#[test]
fn preempted_trials_run_first_elsewhere_and_cost_no_attempt() {
    let mut lab = Lab::with_controller();
    script(&lab, HELD);
    lab.write("hold", "");
    let yaml = "program: ./trial.sh\ncommand: ['${program}', '${args_no_hyphens}']\nmethod: grid\n\
                retry: {lost: 0}\nparameters: {cell: {min: 0, max: 9}}\n";
    let sweep = lab.create(yaml);
    let taken_away = lab.agent(&sweep, &["--slots", "2", "--grace", "5"]);
    wait_for("two trials", || (notes(&lab).len() == 2).then_some(()));
    taken_away.signal("TERM");
    let (code, said) = taken_away.wait();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ending 2 trials: 5 s to save what they have"), "{said}");
    assert!(said.contains("2 preempted"), "{said}");

    fs::remove_file(lab.dir().join("hold")).unwrap();
    let (code, said) = lab.agent(&sweep, &["--slots", "1"]).wait();
    assert_eq!(code, Some(0), "{said}");
    let mut cells = notes(&lab);
    // Two trials start side by side, and two save side by side, so the order within each pair is
    // not fixed.
    cells[..2].sort();
    cells[2..4].sort();
    let first = ["cell=0", "cell=1", "saved cell=0", "saved cell=1", "cell=0", "cell=1"];
    assert_eq!(cells[..6], first, "they save within the grace, then run before all others");
    let others: Vec<String> = (2..10).map(|cell| format!("cell={cell}")).collect();
    assert_eq!(cells[6..], others, "each once");
    assert_eq!(lab.state(&sweep), "finished");
    for cell in 0..10 {
        let attempt = if cell < 2 { 2 } else { 1 };
        assert_eq!(ended(&lab, &format!("{sweep}-{cell}")), ("finished".to_owned(), attempt, 0));
    }
}

#[test]
fn a_program_of_the_sdk_notices_a_preemption_or_reports_one() {
    let mut lab = Lab::with_controller();
    let yaml = format!(
        "program: {}\nmethod: grid\nmetric: {{name: loss}}\nparameters: {{way: {{values: [asks, \
        marks]}}}}\n",
        program("sdk_preempted").display()
    );
    let sweep = lab.create(&yaml);
    let [asks, marks] = [0, 1].map(|trial| format!("{sweep}-{trial}"));
    let agent = lab.agent(&sweep, &["--slots", "2"]);
    let twice = ("finished".to_owned(), 2, 0);
    wait_for("both trials", || (lab.runs(&sweep).len() == 2).then_some(()));
    wait_for("its second attempt", || (ended(&lab, &marks) == twice).then_some(()));
    wait_for("rows", || (lab.json(&["show", &asks, "--json"])["rows"] == 1).then_some(()));
    agent.signal("TERM");
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        ended(&lab, &asks),
        ("queued".to_owned(), 1, 0),
        "it ended with 0 but has not finished: {said}"
    );
    let (code, said) = lab.agent(&sweep, &[]).wait();
    assert_eq!((code, ended(&lab, &asks)), (Some(0), twice), "{said}");
}

#[test]
fn a_hanging_trial_times_out_and_is_retried() {
    let mut lab = Lab::with_controller();
    script(&lab, "#!/bin/sh\n[ \"$BESOM_ATTEMPT\" = 2 ] || exec sleep 1000\n");
    let yaml = "program: ./trial.sh\nmethod: random\nrun_cap: 1\ntimeout: 1s\nretry: \
        {timeout: 1}\nparameters: {x: {value: 1}}\n";
    let sweep = lab.create(yaml);
    let (code, said) = lab.agent(&sweep, &[]).wait();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it ran for longer than the sweep's `timeout`"), "{said}");
    assert_eq!(ended(&lab, &format!("{sweep}-0")), ("finished".to_owned(), 2, 1));
}

/// A trial that writes down how it was started, and fails at its first attempt.
const TELLING: &str = r#"#!/bin/sh
{ env | sort; printf '%s\n' "$@"; cat "$BESOM_RUN_DIR/params.json"; } > "told.$BESOM_ATTEMPT"
[ "$BESOM_ATTEMPT" = 2 ] || exit 3
"#;

#[test]
fn a_second_attempt_starts_like_the_first() {
    let mut lab = Lab::with_controller();
    script(&lab, TELLING);
    let yaml = "program: ./trial.sh\ncommand: ['${program}', '${args}', '${args_json_file}', \
        '${envvar:HOME}']\n\
                method: random\nrun_cap: 1\nretry: {error: 1}\n\
                parameters: {lr: {min: 0.0, max: 1.0}, opt: {parameters: {name: \
                {values: [a, 'b c']}}}}\n";
    let sweep = lab.create(yaml);
    let (code, said) = lab.agent(&sweep, &[]).wait();
    assert_eq!(code, Some(0), "{said}");
    let told = |attempt: u32| {
        let text = fs::read_to_string(lab.dir().join(format!("told.{attempt}"))).unwrap();
        // A token opens one attempt.
        let differs = ["BESOM_TOKEN=", "BESOM_ATTEMPT=", "WANDB_API_KEY="];
        let own = |line: &&str| !differs.iter().any(|name| line.starts_with(name));
        let folder = format!("{sweep}-0/{attempt}");
        text.lines().filter(own).map(|line| line.replace(&folder, "FOLDER")).collect::<Vec<_>>()
    };
    assert_eq!(told(1), told(2));
    assert!(told(1).iter().any(|line| line.starts_with("BESOM_PARAM_lr=")));
    let run = lab.json(&["show", &format!("{sweep}-0"), "--json"]);
    assert_eq!((&run["state"], &run["attempt"]), (&"finished".into(), &2.into()));
    assert_eq!(
        (&run["failures"][0]["class"], &run["failures"][0]["attempt"]),
        (&"error".into(), &1.into())
    );
}

/// Returns the attempts of a run, as the dashboard's API says them.
fn attempts(lab: &Lab, run: &str) -> Vec<Value> {
    let address = lab.address();
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let path = format!("/api/v1/runs/{run}/attempts");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // Before the agent has asked for the trial, there is no such run.
    let (begin, end) = (answer.find('{').unwrap(), answer.rfind('}').unwrap());
    let answer: Value = serde_json::from_str(&answer[begin..=end]).unwrap();
    answer["attempts"].as_array().cloned().unwrap_or_default()
}

#[test]
fn each_attempt_says_how_it_ended_and_where_it_ran() {
    let mut lab = Lab::with_controller();
    script(
        &lab,
        "#!/bin/sh\nwhile [ ! -e go.$BESOM_ATTEMPT ]; do sleep 0.02; done\n\
        case $BESOM_ATTEMPT in 1) exit 3;; 2) kill -9 $$;; esac\n",
    );
    let yaml = "program: ./trial.sh\nmethod: random\nrun_cap: 1\nretry: {error: 2}\n\
        parameters: {x: {value: 1}}\n";
    let sweep = lab.create(yaml);
    let agent = lab.agent(&sweep, &["--slots", "2"]);
    let run = format!("{sweep}-0");
    for number in 1..=3 {
        wait_for("the agent says the slot of the attempt", || {
            let attempts = attempts(&lab, &run);
            attempts.get(number - 1).filter(|one| one["slot"].is_object()).map(drop)
        });
        lab.write(&format!("go.{number}"), "");
    }
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let attempts = attempts(&lab, &run);
    let field = |name: &str| attempts.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("number"), [json!(1), json!(2), json!(3)]);
    assert_eq!(field("exit_code"), [json!(3), json!(null), json!(0)], "{attempts:?}");
    assert_eq!(field("signal"), [json!(null), json!(9), json!(null)], "{attempts:?}");
    assert_eq!(field("class"), [json!("error"), json!("error"), json!("")], "{attempts:?}");
    for attempt in &attempts {
        assert!(attempt["slot"]["place"].as_u64().unwrap() < 2, "{attempt}");
        assert!(attempt["agent"].is_string(), "{attempt}");
    }
}

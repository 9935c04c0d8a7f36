//! Runs an engine in its own process. Each call writes one JSON line and reads one JSON line.
//! `engines` opens the engine; docs/search-bench.md has the protocol. An answer that is no JSON or
//! reports an error fails the run. Dropping the engine ends its process.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    engines::{Asked, Engine, Told},
    problem::Problem,
};

/// A running engine.
pub(crate) struct External {
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl External {
    /// Starts the command in a shell, which the command then replaces. The environment limits
    /// numeric libraries to one thread each.
    pub(crate) fn start(command: &str) -> Told<Self> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            shell.env(name, "1");
        }
        let mut child =
            shell.spawn().map_err(|error| format!("cannot start `{command}`: {error}"))?;
        let (requests, replies) = (child.stdin.take(), child.stdout.take());
        let replies = BufReader::new(replies.ok_or("no pipe to the engine")?);
        Ok(Self { child, requests, replies })
    }

    fn call(&mut self, request: &Value) -> Told<Value> {
        let gone = |error| format!("the engine is gone: {error}");
        let requests = self.requests.as_mut().ok_or("the engine is gone")?;
        requests
            .write_all(format!("{request}\n").as_bytes())
            .and_then(|()| requests.flush())
            .map_err(gone)?;
        let mut line = String::new();
        if self.replies.read_line(&mut line).map_err(gone)? == 0 {
            return Err("the engine ended".to_owned());
        }
        let reply: Value = serde_json::from_str(&line)
            .map_err(|error| format!("the engine said {line:?}: {error}"))?;
        match reply.get("error") {
            Some(error) => Err(error.as_str().map_or_else(|| error.to_string(), str::to_owned)),
            None => Ok(reply),
        }
    }
}

impl Engine for External {
    fn begin(&mut self, problem: &Problem, seed: u64) -> Told<()> {
        self.call(
            &json!({"op": "init", "space": problem.parameters, "seed": seed, "goal": "minimize"}),
        )
        .map(drop)
    }

    fn ask(&mut self) -> Told<Option<Asked>> {
        let mut reply = self.call(&json!({"op": "ask"}))?;
        let id = reply.get("id").cloned().ok_or("a trial without an id")?;
        match reply.get_mut("params").map(Value::take) {
            Some(Value::Object(values)) => Ok(Some(Asked { id, values })),
            _ => Err("a trial without params".to_owned()),
        }
    }

    fn tell(&mut self, id: &Value, value: f64) -> Told<()> {
        self.call(&json!({"op": "tell", "id": id, "value": value})).map(drop)
    }

    /// Returns the sum of the processor times of all threads of the process. The scheduler counts
    /// them in nanoseconds.
    fn spent(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let spent = threads.into_iter().flatten().flatten().filter_map(|thread| {
            let book = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            book.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }
}

impl Drop for External {
    fn drop(&mut self) {
        // A well-behaved engine ends when its input is closed. SIGKILL follows at once and ends any
        // other engine.
        drop(self.requests.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        problem::{cube, named, uniform},
        runner::{Plan, run},
    };

    fn engine(replies: &str) -> External {
        External::start(&format!(
            "sh -c 'while read -r line; do case \"$line\" in {replies} esac; done'"
        ))
        .unwrap()
    }

    #[test]
    fn a_trivial_engine_completes_a_run() {
        let mut engine = engine(
            r#"*\"init\"*) echo "{\"ok\":true}";;
            *\"ask\"*) echo "{\"id\":\"a\",\"params\":{\"x0\":0.25}}";; *) echo "{\"ok\":true}";;"#,
        );
        let problem = Problem::new("test", "line", cube(1, 0.0, 1.0), |p| p.number("x0"));
        let plan = Plan { problem: "line".to_owned(), seed: 1, budget: 5, pending: 2 };
        let done = run("trivial", &mut engine, &problem, &plan, None);
        assert_eq!((done.error, done.curve), (None, vec![0.25; 5]));
    }

    #[test]
    fn an_engine_that_fails_says_why() {
        let mut engine = engine(r#"*) echo "{\"error\":\"no idea\"}";;"#);
        let problem =
            Problem::new("test", "line", [named("x", uniform(0.0, 1.0))], |p| p.number("x"));
        let plan = Plan { problem: "line".to_owned(), seed: 1, budget: 5, pending: 1 };
        assert_eq!(
            run("bad", &mut engine, &problem, &plan, None).error.as_deref(),
            Some("no idea")
        );
    }
}

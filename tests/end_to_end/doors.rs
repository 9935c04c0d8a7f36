//! A controller among strangers, with few files: clients get in, nothing spins, and the log says what happened.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tests::{Lab, program, wait_for};

/// A controller that may open so many files at first, and what it says.
struct Strangled {
    child: Child,
    log: std::path::PathBuf,
}

impl Strangled {
    fn start(lab: &Lab, files: u32) -> Self {
        let log = lab.dir().join("strangled.log");
        let script = format!(
            "ulimit -n {files}; exec {} --listen 127.0.0.1:{} --data {}",
            program("controller").display(),
            lab.port(),
            lab.dir().join("besom-data").display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .env_remove("BESOM_TOKEN")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let started = Self { child, log };
        wait_for("the controller", || lab.sweep(&["ls"]).status.success().then_some(()));
        started
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Hundredths of a second that it has computed so far.
    fn computed(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        after[11].parse::<u64>().unwrap() + after[12].parse::<u64>().unwrap()
    }

    /// It has next to nothing to do, so it computes next to nothing.
    fn assert_rests(&self) {
        let before = self.computed();
        thread::sleep(Duration::from_secs(3));
        let computed = self.computed() - before;
        assert!(computed < 150, "{computed} hundredths of a second in 3 seconds");
    }
}

impl Drop for Strangled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn silent(lab: &Lab, count: usize) -> Vec<TcpStream> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    (0..count).map(|_| TcpStream::connect(("127.0.0.1", lab.port())).unwrap()).collect()
}

#[test]
fn strangers_that_say_nothing_keep_nobody_out() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 1024);
    let strangers = silent(&lab, 1200);
    for _ in 0..5 {
        let listed = lab.sweep(&["ls"]);
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    }
    controller.assert_rests();
    let said = controller.said();
    let told = said.matches("there is no room for another connection from 127.0.0.1").count();
    assert_eq!(told, 1, "{said}");
    let open = fs::read_dir(format!("/proc/{}/fd", controller.child.id())).unwrap().count();
    assert!(open < 768, "{open} files are open");
    drop(strangers);
}

#[test]
fn a_controller_out_of_files_waits_and_says_so() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 1024);
    let few = Rlimit { current: Some(3), maximum: Some(1024) };
    let before = prlimit(controller.pid(), Resource::Nofile, few).unwrap();
    let strangers = silent(&lab, 3);
    wait_for("a word about it", || controller.said().contains("may open no more files").then_some(()));
    controller.assert_rests();
    assert_eq!(controller.said().matches("cannot accept connections").count(), 1, "{}", controller.said());
    prlimit(controller.pid(), Resource::Nofile, before).unwrap();
    let listed = lab.sweep(&["ls"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    drop(strangers);
}

//! Runs a real controller on its own port and in its own folder, and queries it over gRPC. The
//! tests of the SDK and of `sweep sync` that need a real controller use this module.

#![allow(dead_code, clippy::unwrap_used)]

use std::{net::SocketAddr, path::Path};

use controller::{chance::Chance, clock::Clock, settings::Settings};
use proto::{
    dial::Dial,
    v1::{ListRuns, ReadRows, Run, RunRef},
};
use record::Row;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct Real {
    runtime: Runtime,
    controller: Option<controller::Controller>,
    settings: Settings,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl Real {
    pub(crate) fn start() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let settings = Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.path().join("controller"),
            ..Settings::default()
        };
        let address = settings.listen;
        let mut real = Self { runtime, controller: None, settings, address, folder };
        real.come_back();
        real
    }

    /// Shuts the controller down and closes its port.
    pub(crate) fn go_away(&mut self) {
        self.runtime.block_on(self.controller.take().unwrap().shutdown()).unwrap();
    }

    /// Starts the controller again on the same port and with the same data.
    pub(crate) fn come_back(&mut self) {
        let settings = Settings { listen: self.address, ..self.settings.clone() };
        let started = controller::Controller::start(settings, Clock::system(), Chance::seeded(1));
        let controller = self.runtime.block_on(started).unwrap();
        self.address = controller.address();
        self.controller = Some(controller);
    }

    /// Runs calls to the controller on this value's runtime, and waits for their result.
    pub(crate) fn block_on<T>(&self, calls: impl Future<Output = T>) -> T {
        self.runtime.block_on(calls)
    }

    /// Returns the folder for the runs' journals, which also contains the controller's folder.
    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the settings of a new run that logs to this controller.
    pub(crate) fn init(&self) -> besom::Init {
        besom::init().controller(self.url()).dir(self.dir())
    }

    pub(crate) fn dial(&self) -> Dial {
        let _inside = self.runtime.enter();
        Dial::new(&self.url(), None).unwrap()
    }

    pub(crate) fn run(&self, id: &str) -> Run {
        let (mut runs, run) = (self.dial().runs(), id.to_owned());
        self.runtime.block_on(runs.get(RunRef { run })).unwrap().into_inner()
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs = self.dial().runs();
        self.runtime.block_on(async {
            let mut listed = runs.list(ListRuns::default()).await.unwrap().into_inner();
            let mut all = Vec::new();
            while let Some(run) = listed.message().await.unwrap() {
                all.push(run);
            }
            all
        })
    }

    /// Returns the rows of all attempts of a run's stream, each with its attempt's number.
    pub(crate) fn rows(&self, id: &str, stream: &str) -> Vec<(u32, Row)> {
        let mut runs = self.dial().runs();
        let wanted =
            ReadRows { run: id.to_owned(), stream: stream.to_owned(), attempt: 0, follow: false };
        self.runtime.block_on(async {
            let mut blocks = runs.read(wanted).await.unwrap().into_inner();
            let mut all = Vec::new();
            while let Some(block) = blocks.message().await.unwrap() {
                let rows = record::rows(&block.frames).unwrap();
                all.extend(rows.into_iter().map(|row| (block.attempt, row)));
            }
            all
        })
    }

    /// Returns the path, hash and size of each file of a run.
    pub(crate) fn files(&self, id: &str) -> Vec<(String, String, u64)> {
        let (mut files, run) = (self.dial().files(), id.to_owned());
        self.runtime.block_on(async {
            let mut listed = files.list(RunRef { run }).await.unwrap().into_inner();
            let mut all = Vec::new();
            while let Some(file) = listed.message().await.unwrap() {
                all.push((file.path, file.sha256, file.size));
            }
            all
        })
    }

    pub(crate) fn summary(&self, id: &str) -> Map<String, Value> {
        serde_json::from_str(&self.run(id).summary_json).unwrap()
    }

    pub(crate) fn config(&self, id: &str) -> Value {
        serde_json::from_str(&self.run(id).config_json).unwrap()
    }
}

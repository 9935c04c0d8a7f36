//! Every limit of the controller: its name, its unit and its default. Made by `main` from flags and
//! by tests; read everywhere. Never changes while the controller runs.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// What a controller is started with. `Settings::default()` is what the program does without flags.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Anything but loopback needs a token.
    pub listen: SocketAddr,
    /// Folder of the database; made when missing.
    pub data: PathBuf,
    /// Who knows it may do everything. None: everybody who can connect may.
    pub token: Option<String>,
    /// How long an attempt lives without a word from its agent.
    pub lease: Duration,
    /// How long after the end of its attempt a row still counts, and the attempt's token still
    /// opens its run. The value of a trial stands from its end on.
    pub late_rows: Duration,
    /// Between SIGTERM and SIGKILL when a trial is told to stop.
    pub stop_grace: Duration,
    /// After how long an order that its agent does not seem to have obeyed is told again.
    pub repeat_orders: Duration,
    /// An attempt that fails sooner after its start than this counts towards a crash loop.
    pub quick_failure: Duration,
    /// So many quick failures in a row pause a sweep.
    pub crash_loop: u64,
    /// How long calls in flight may take after the controller was told to end.
    pub drain: Duration,
    /// What a connection gets for its first request; one without is closed then.
    pub handshake: Duration,
    /// Between two questions whether a silent client is still there.
    pub keepalive: Duration,
    /// Between two updates of one watcher, at least.
    pub watch_pause: Duration,
    /// How long an agent that is not heard of stays in lists.
    pub forget_agents: Duration,
    /// How long a blob that nothing refers to is kept: who has uploaded it may still be about to
    /// say what it is.
    pub blob_grace: Duration,
    /// Bytes that the contents of files and artifacts may take in all.
    pub storage_bytes: u64,
    /// Bytes that the contents of one project may take.
    pub project_bytes: u64,
    /// Bytes of contents that the tokens of one run may bring.
    pub run_bytes: u64,
    /// How long a content that comes in may bring nothing.
    pub stall: Duration,
    /// Bytes that are held back on the disk of the data folder, and given back when others have
    /// filled it: states are written out of them.
    pub reserve_bytes: u64,
    /// With fewer bytes free on that disk, rows and contents are refused until there is room.
    pub least_free_bytes: u64,
    /// Between two looks for blobs that nothing refers to.
    pub collect_every: Duration,
    /// Numbers, all of them upper bounds.
    pub limits: Limits,
}

/// Upper bounds that keep one caller from using up the controller.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, half of them from one address; fewer when the process may open few
    /// files.
    pub connections: usize,
    /// Calls at once on one connection; more of them wait at the client.
    pub streams: u32,
    /// Use cases in one commit.
    pub batch: usize,
    /// Use cases that wait for the writer; more callers wait before they may queue.
    pub queue: usize,
    /// Connections that read side by side.
    pub readers: usize,
    /// Bytes of a sweep's YAML.
    pub yaml_bytes: usize,
    /// Bytes of one append.
    pub append_bytes: usize,
    /// Rows of one append to the stream `meta`.
    pub meta_rows: u64,
    /// Bytes of one append to the stream `meta`: a frame of the largest kind fits.
    pub meta_bytes: usize,
    /// Rows of one append to the stream `files`.
    pub file_rows: u64,
    /// Checkpoints that one append to the stream `files` tells of.
    pub checkpoint_rows: usize,
    /// Writers of one stream of an attempt.
    pub writers: usize,
    /// Bytes of a run's config.
    pub config_bytes: usize,
    /// Bytes of what a run says of its code and its machine.
    pub code_bytes: usize,
    /// Definitions of metrics that a run keeps.
    pub metrics: usize,
    /// Bytes of the texts in them.
    pub metrics_bytes: usize,
    /// Bytes of all texts that a caller sends of a run or of an agent.
    pub text_bytes: usize,
    /// Bytes of one name: of a project, a run, a group, a sweep, an agent, a machine.
    pub name_bytes: usize,
    /// Tags of a run.
    pub tags: usize,
    /// Bytes of a tag.
    pub tag_bytes: usize,
    /// Items of any other list that a caller sends: filters, states, devices.
    pub items: usize,
    /// Aliases that the versions of one artifact have.
    pub aliases: u32,
    /// Runs that one agent may hold.
    pub holds: usize,
    /// Bytes of parameters from which an agent is handed out no more.
    pub held_bytes: usize,
    /// Runs that one transaction changes for a person: with more, it takes several.
    pub changed: usize,
    /// Bytes of their parameters in one transaction.
    pub changed_bytes: usize,
    /// Runs that one call may name to be tried again.
    pub retried: usize,
    /// Runs that one heartbeat hands out.
    pub starts: u32,
    /// Bytes, as stored, of the first and of the last part of a console. What lies between them is
    /// removed.
    pub console_part: u64,
    /// Keys that a run's summary keeps.
    pub summary_keys: usize,
    /// Bytes of a text in a run's summary; the rest is cut off.
    pub summary_text: usize,
    /// Bytes of what a run's summary keeps of its history, and as many of what its program said
    /// itself.
    pub summary_bytes: usize,
    /// Configurations kept parsed.
    pub plans: usize,
    /// Sweeps in a list unless the caller says otherwise.
    pub sweeps_listed: u32,
    /// Runs that a streamed list takes from the database at once.
    pub page: u32,
    /// Blocks that a streamed read takes from the database at once.
    pub blocks: u32,
    /// Curves that one call asks for.
    pub curve_keys: usize,
    /// Buckets of a curve unless the caller says otherwise.
    pub curve_buckets: usize,
    /// Buckets of all curves of a call.
    pub most_buckets: usize,
    /// Bytes of one blob: a file of a run or of an artifact. By default as much as a row of a file
    /// may say.
    pub blob_bytes: u64,
    /// Hashes that one call may ask about.
    pub hashes: usize,
    /// Runs that an artifact names as its makers, and as its users.
    pub artifact_runs: u32,
    /// Blobs that one look of the collector goes through.
    pub collected: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            data: PathBuf::from("besom-data"),
            token: None,
            lease: Duration::from_secs(30),
            late_rows: Duration::from_secs(60),
            stop_grace: Duration::from_secs(15),
            repeat_orders: Duration::from_secs(1),
            quick_failure: Duration::from_secs(60),
            crash_loop: 5,
            drain: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            keepalive: Duration::from_secs(20),
            watch_pause: Duration::from_millis(100),
            forget_agents: Duration::from_secs(3600),
            blob_grace: Duration::from_secs(24 * 3600),
            storage_bytes: u64::MAX,
            project_bytes: 1 << 40,
            run_bytes: 100 << 30,
            stall: Duration::from_secs(60),
            reserve_bytes: 16 << 20,
            least_free_bytes: 16 << 20,
            collect_every: Duration::from_secs(10),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            streams: 256,
            batch: 128,
            queue: 1024,
            readers: 4,
            yaml_bytes: 1 << 20,
            append_bytes: 2 << 20,
            meta_rows: 100_000,
            meta_bytes: 1 << 20,
            file_rows: 2000,
            checkpoint_rows: 8,
            writers: 256,
            config_bytes: 1 << 19,
            code_bytes: 128 << 10,
            metrics: 1000,
            metrics_bytes: 64 << 10,
            text_bytes: 16 << 10,
            name_bytes: 1024,
            tags: 100,
            tag_bytes: 256,
            items: 1000,
            aliases: 1000,
            holds: 512,
            held_bytes: 3 << 20,
            changed: 256,
            changed_bytes: 3 << 20,
            retried: 10_000,
            starts: 256,
            console_part: 5 << 20,
            summary_keys: 2000,
            summary_text: 4 << 10,
            summary_bytes: 1 << 19,
            plans: 1000,
            sweeps_listed: 100,
            page: 500,
            blocks: 16,
            curve_keys: 100,
            curve_buckets: 800,
            most_buckets: 100_000,
            blob_bytes: 1 << 40,
            hashes: 10_000,
            artifact_runs: 1000,
            collected: 1000,
        }
    }
}

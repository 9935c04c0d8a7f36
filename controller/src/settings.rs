//! Defines every limit of the controller: its name, its unit and its default. `main` makes the
//! settings from flags, and tests make their own. The modules of the store, the app, the services
//! and the port read them. They never change while the controller runs.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The settings of a controller. `Settings::default()` holds what the program uses without flags.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on. Anything but loopback needs a token.
    pub listen: SocketAddr,
    /// The folder of the database; made when missing.
    pub data: PathBuf,
    /// The token whose holder may do everything. `None`: everyone who can connect may.
    pub token: Option<String>,
    /// How connections are encrypted. `None`: they are not.
    pub tls: Option<Tls>,
    /// Whether the controller may listen on a network without TLS.
    pub insecure: bool,
    /// How long an attempt keeps its lease without a heartbeat from its agent and without rows from
    /// its program.
    pub lease: Duration,
    /// How long an attempt of a run that W&B's client logs may be silent. The client reports itself
    /// at least every 30 seconds while it has a connection.
    pub foreign_lease: Duration,
    /// The grace after the end of an attempt. Within the grace, late rows of a trial still count,
    /// and the attempt's token still opens its run. The value of a trial is final as soon as the
    /// trial ends.
    pub late_rows: Duration,
    /// The time between SIGTERM and SIGKILL when a trial is stopped.
    pub stop_grace: Duration,
    /// The time after which the controller repeats an order that the agent does not seem to have
    /// obeyed.
    pub repeat_orders: Duration,
    /// An attempt that fails within this time after its start counts towards a crash loop.
    pub quick_failure: Duration,
    /// The number of quick failures in a row that pause a sweep.
    pub crash_loop: u64,
    /// How long calls in flight may take after the controller was asked to end.
    pub drain: Duration,
    /// How long a connection may take to send its first request. After that, the controller closes
    /// the connection.
    pub handshake: Duration,
    /// The time between two checks that a silent client is still there.
    pub keepalive: Duration,
    /// How long an explanation of a sweep stays the same for the dashboard while trials go on to
    /// end, unless many of them end.
    pub explain_every: Duration,
    /// The least time between two looks for changes that a watcher of a sweep has not received.
    pub watch_pause: Duration,
    /// The least time between two hints to a follower of changes.
    pub hint_pause: Duration,
    /// The time after which a follower of changes hears that there was none.
    pub alive: Duration,
    /// How long an agent that sends no heartbeat stays in lists.
    pub forget_agents: Duration,
    /// How long a session of a browser lasts, even if it is used.
    pub session: Duration,
    /// How long a session of a browser lasts without a use.
    pub session_idle: Duration,
    /// How long after its last upload the controller keeps a blob to which nothing refers. The
    /// program that uploaded the blob may not have sent the row yet that names it.
    pub blob_grace: Duration,
    /// The most bytes that the contents of all files, checkpoints and artifacts may take together.
    pub storage_bytes: u64,
    /// The most bytes that the contents of one project may take.
    pub project_bytes: u64,
    /// The most bytes of contents that programs may upload with the tokens of one run.
    pub run_bytes: u64,
    /// How long an upload of a content may send no bytes.
    pub stall: Duration,
    /// The bytes that the controller reserves on the disk of the data folder. It frees them when
    /// the disk is full, so that it can still write states.
    pub reserve_bytes: u64,
    /// The least number of free bytes on the disk of the data folder. With fewer free bytes, the
    /// controller refuses rows and contents until there is room.
    pub least_free_bytes: u64,
    /// The time between two passes of the collector, which removes blobs that nothing refers to.
    /// One pass goes through [`Limits::collected`] blobs.
    pub collect_every: Duration,
    /// How long deleted runs and sweeps can be restored. After that, the controller purges them.
    pub keep_deleted: Duration,
    /// The upper bounds that keep one caller from using up the controller.
    pub limits: Limits,
    /// The bounds of reports.
    pub reports: ReportLimits,
    /// The bounds of texts in Markdown.
    pub markdown: MarkdownLimits,
}

/// The certificate of the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// A certificate that signs itself, made at the first start and kept in the data folder.
    SelfSigned,
    /// A chain of certificates and the private key of the first, in PEM files.
    Files {
        /// The file of the chain, the port's own certificate first.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

/// Upper bounds that keep one caller from using up the controller. Each field names what it bounds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, of which at most half may come from one address. The bound is lower if
    /// the process may open only a few files.
    pub connections: usize,
    /// Calls at once on one connection; further calls wait at the client.
    pub streams: u32,
    /// Use cases in one commit.
    pub batch: usize,
    /// Use cases that wait in the writer's queue. Further callers wait until the queue has a free
    /// place.
    pub queue: usize,
    /// Connections to the database that read side by side.
    pub readers: usize,
    /// Bytes of a sweep's YAML.
    pub yaml_bytes: usize,
    /// Bytes of one append.
    pub append_bytes: usize,
    /// Rows of one append to the stream `meta`.
    pub meta_rows: u64,
    /// Bytes of one append to the stream `meta`. A frame of the largest size fits into it.
    pub meta_bytes: usize,
    /// Rows of one append to the stream `files`.
    pub file_rows: u64,
    /// Checkpoints that one append to the stream `files` may name.
    pub checkpoint_rows: usize,
    /// Writers of one stream of an attempt.
    pub writers: usize,
    /// Bytes of a run's config.
    pub config_bytes: usize,
    /// Bytes of the JSON in which a run describes its code and its machine.
    pub code_bytes: usize,
    /// Definitions of metrics that a run keeps.
    pub metrics: usize,
    /// Bytes of the texts in the definitions of metrics that a run keeps.
    pub metrics_bytes: usize,
    /// Bytes of all texts together that one call sends about a run, an agent, a sweep or an
    /// artifact.
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
    /// Bytes of the parameters of the runs that an agent holds. At this limit the agent gets no
    /// more runs.
    pub held_bytes: usize,
    /// Runs that one transaction changes for a person. A larger change takes several transactions.
    pub changed: usize,
    /// Bytes of the parameters of the runs that one transaction changes.
    pub changed_bytes: usize,
    /// Versions, links and aliases together that an artifact may have to get another name.
    pub renamed: u64,
    /// Runs that one call to retry runs may name.
    pub retried: usize,
    /// Points that people may queue for one sweep, those that were tried included.
    pub queued_points: usize,
    /// Runs that one heartbeat hands out.
    pub starts: u32,
    /// Bytes, as stored, that the controller keeps of the beginning of a writer's `console` stream,
    /// and as many of its end. It removes the rows between the two parts.
    pub console_part: u64,
    /// Keys of each part of a run's summary; [`Limits::summary_bytes`] names the parts.
    pub summary_keys: usize,
    /// Bytes of a text in a run's summary. The controller cuts off the rest of a longer text, and
    /// keeps only an outline of a longer JSON value.
    pub summary_text: usize,
    /// Bytes of each part of a run's summary: last values of history, their ranges, and values that
    /// the program writes to the summary itself.
    pub summary_bytes: usize,
    /// Summaries that are kept decoded: those of the runs that logged last.
    pub decoded: usize,
    /// Bytes of memory that these summaries may take.
    pub decoded_bytes: usize,
    /// Parsed configurations of sweeps that stay in memory.
    pub plans: usize,
    /// Sweeps in a list, unless the caller asks for another number.
    pub sweeps_listed: u32,
    /// Items, such as runs or files, that a streamed list takes from the database at once.
    pub page: u32,
    /// Blocks that a streamed read takes from the database at once.
    pub blocks: u32,
    /// Curves that one call may ask for.
    pub curve_keys: usize,
    /// Buckets of a curve, unless the caller asks for another number.
    pub curve_buckets: usize,
    /// Buckets of all curves of a call.
    pub most_buckets: usize,
    /// Rows that one call may read by their steps.
    pub read_rows: usize,
    /// Bytes of all rows that one call reads by their steps.
    pub read_bytes: usize,
    /// Logged tables of which calls read rows.
    pub tables: TableLimits,
    /// The bounds of what pages ask for.
    pub pages: PageLimits,
    /// Subjects that one caller may follow over one connection.
    pub topics: usize,
    /// Bytes of one blob: a file of a run or of an artifact. The default is the largest size that a
    /// row of a file may name.
    pub blob_bytes: u64,
    /// Hashes that one call may ask about.
    pub hashes: usize,
    /// Runs that an artifact lists as its makers, and as many that it lists as its users.
    pub artifact_runs: u32,
    /// Bytes of a password: the least and the most.
    pub password_bytes: (usize, usize),
    /// Passwords that are hashed at once. Each takes 19 MiB of memory and a part of a core.
    pub hashing: usize,
    /// Further passwords that wait to be hashed. One more is refused.
    pub hashing_queue: usize,
    /// Sessions that one key, or one user's password, may have open. One more ends the one that was
    /// used least recently.
    pub sessions: usize,
    /// Blobs that one pass of the collector goes through. The next pass continues behind them.
    pub collected: u32,
    /// The bounds of the bin.
    pub bin: BinLimits,
}

/// The bounds of reports.
#[derive(Clone, Copy, Debug)]
pub struct ReportLimits {
    /// Reports of a project, with the deleted ones.
    pub per_project: u64,
    /// Blocks of a report.
    pub blocks: usize,
    /// Bytes of all blocks of a report, without frozen data.
    pub bytes: usize,
    /// Bytes of the frozen data of one panel.
    pub panel_bytes: usize,
    /// Bytes of the frozen data of a report.
    pub frozen_bytes: u64,
    /// How long frozen data stays that no panel names, in case a person takes the removal of a
    /// panel back.
    pub frozen_grace: Duration,
    /// The least time between two entries of the audit about changes by the same person.
    pub audit_pause: Duration,
}

/// The bounds of texts in Markdown.
#[derive(Clone, Copy, Debug)]
pub struct MarkdownLimits {
    /// Texts of one call.
    pub texts: usize,
    /// Bytes of a text. The rest of a longer one is left out.
    pub bytes: usize,
    /// Blocks and spans inside each other.
    pub depth: usize,
    /// Blocks and spans of a text.
    pub nodes: usize,
}

/// The limits on logged tables of which a call reads rows.
#[derive(Clone, Debug)]
pub struct TableLimits {
    /// Bytes of a table in JSON.
    pub json_bytes: u64,
    /// Of a table in Parquet, bytes of a column in a group of rows, and of each of its pages.
    pub column_bytes: u64,
    /// Rows that one call may filter and sort, and rows in a group of a table in Parquet.
    pub rows: u64,
    /// Bytes of a table in Parquet that one call may read to filter and to sort rows.
    pub scanned_bytes: u64,
}

/// The bounds of the bin, which holds deleted runs and sweeps.
#[derive(Clone, Copy, Debug)]
pub struct BinLimits {
    /// Runs and sweeps that one call deletes or restores.
    pub deleted: usize,
    /// Entries in a list of the bin.
    pub listed: u32,
    /// Rows that one transaction of a purge removes.
    pub purged: usize,
    /// Bytes of blocks, configs and summaries that one transaction of a purge removes. What is
    /// larger goes alone.
    pub purged_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            data: PathBuf::from("besom-data"),
            token: None,
            tls: None,
            insecure: false,
            lease: Duration::from_secs(30),
            foreign_lease: Duration::from_secs(300),
            late_rows: Duration::from_secs(60),
            stop_grace: Duration::from_secs(15),
            repeat_orders: Duration::from_secs(1),
            quick_failure: Duration::from_secs(60),
            crash_loop: 5,
            drain: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            keepalive: Duration::from_secs(20),
            explain_every: Duration::from_secs(15),
            watch_pause: Duration::from_millis(100),
            hint_pause: Duration::from_millis(500),
            alive: Duration::from_secs(15),
            forget_agents: Duration::from_secs(3600),
            session: Duration::from_secs(30 * 86_400),
            session_idle: Duration::from_secs(7 * 86_400),
            blob_grace: Duration::from_secs(24 * 3600),
            storage_bytes: u64::MAX,
            project_bytes: 1 << 40,
            run_bytes: 100 << 30,
            stall: Duration::from_secs(60),
            reserve_bytes: 16 << 20,
            least_free_bytes: 16 << 20,
            collect_every: Duration::from_secs(10),
            keep_deleted: Duration::from_secs(30 * 24 * 3600),
            limits: Limits::default(),
            reports: ReportLimits::default(),
            markdown: MarkdownLimits::default(),
        }
    }
}

/// Upper bounds of what pages of the dashboard ask for and save.
#[derive(Clone, Debug)]
pub struct PageLimits {
    /// Runs whose curves one call may lay over each other.
    pub series_runs: usize,
    /// Runs in all groups whose curves one call may sum up.
    pub grouped_runs: usize,
    /// Groups of one call.
    pub groups: usize,
    /// Keys of these curves.
    pub series_keys: usize,
    /// Buckets of all these curves. A call that asks for more gets wider buckets.
    pub series_buckets: usize,
    /// Bytes of the changes that people make to the summary of a run.
    pub edited_bytes: usize,
    /// Runs that one call may change together.
    pub edited_runs: usize,
    /// Saved views of a project.
    pub saved_views: usize,
    /// Bytes of what a saved view holds.
    pub saved_view_bytes: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self {
            series_runs: 1000,
            grouped_runs: 20_000,
            groups: 200,
            series_keys: 50,
            series_buckets: 1_000_000,
            edited_bytes: 1 << 16,
            edited_runs: 500,
            saved_views: 200,
            saved_view_bytes: 16 << 10,
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
            renamed: 2000,
            retried: 10_000,
            queued_points: 1000,
            starts: 256,
            console_part: 5 << 20,
            summary_keys: 2000,
            summary_text: 4 << 10,
            summary_bytes: 1 << 19,
            decoded: 4096,
            decoded_bytes: 64 << 20,
            plans: 1000,
            sweeps_listed: 100,
            page: 500,
            blocks: 16,
            curve_keys: 100,
            curve_buckets: 800,
            most_buckets: 100_000,
            read_rows: 100_000,
            read_bytes: 64 << 20,
            tables: TableLimits::default(),
            pages: PageLimits::default(),
            topics: 64,
            blob_bytes: 1 << 40,
            hashes: 10_000,
            artifact_runs: 1000,
            password_bytes: (8, 1024),
            hashing: 2,
            hashing_queue: 64,
            sessions: 100,
            collected: 1000,
            bin: BinLimits::default(),
        }
    }
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self {
            per_project: 10_000,
            blocks: 300,
            bytes: 256 << 10,
            panel_bytes: 1 << 20,
            frozen_bytes: 32 << 20,
            frozen_grace: Duration::from_secs(3600),
            audit_pause: Duration::from_secs(600),
        }
    }
}

impl Default for MarkdownLimits {
    fn default() -> Self {
        Self { texts: 300, bytes: 64 << 10, depth: 24, nodes: 20_000 }
    }
}

impl Default for TableLimits {
    fn default() -> Self {
        Self {
            json_bytes: 128 << 20,
            column_bytes: 32 << 20,
            rows: 1_000_000,
            scanned_bytes: 1 << 30,
        }
    }
}

impl Default for BinLimits {
    fn default() -> Self {
        Self { deleted: 256, listed: 1000, purged: 1000, purged_bytes: 4 << 20 }
    }
}

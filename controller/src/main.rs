//! Runs the `controller` program: it parses the flags, and either serves until a signal ends it or
//! runs a command such as `fsck`. People and service managers start it. The library does everything
//! else.

mod backup;
mod fsck;
mod people;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use controller::{
    Controller, StartError,
    chance::Chance,
    clock::Clock,
    settings::{Settings, Tls},
};
use terminal::{Exit, Failure, say, style};
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = "\
Examples:
  controller                                      for this machine alone, data in ./besom-data
  controller --data /srv/besom                    data elsewhere
  controller fsck --data /srv/besom               check that everything is there
  controller backup /backups/besom --data /srv/besom
                                                  a copy while the controller runs
  BESOM_TOKEN=... controller --listen 0.0.0.0:7070 --tls self-signed
                                                  for agents on other machines, which need the \
                                                  same token, and BESOM_TRUST=sha256:... as \
                                                  printed

Ctrl-C and SIGTERM end the controller in order. A killed controller loses nothing that it has
acknowledged.

Exit codes: 0 ended in order, 1 cannot serve, 2 wrong input, 70 a bug of ours";

/// The server of Besom: it keeps every row, hands out trials and answers questions
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
    /// The address to listen on; anything but loopback needs a token
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070", value_parser = address)]
    listen: SocketAddr,
    /// The folder of the database; made when missing
    #[arg(long, value_name = "DIR", default_value = "besom-data")]
    data: PathBuf,
    /// Encrypt connections: `self-signed` makes a certificate at the first start, keeps it in the
    /// data folder and prints its fingerprint
    #[arg(long, value_name = "self-signed", conflicts_with = "tls_cert")]
    tls: Option<Made>,
    /// Encrypt connections with the certificates in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen on a network without TLS: everyone on the way can read the token and all that runs
    /// log
    #[arg(long)]
    insecure: bool,
    /// The token that callers must show; whoever has it may do everything
    #[arg(long, env = "BESOM_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Seconds without a heartbeat of its agent after which an attempt is lost
    #[arg(
        long,
        value_name = "N",
        default_value_t = Settings::default().lease.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    lease_seconds: u64,
    /// Seconds that a stopped trial has to end by itself before it is killed
    #[arg(
        long,
        value_name = "N",
        default_value_t = Settings::default().stop_grace.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    grace_seconds: u64,
    /// The most GiB that the contents of files and artifacts may take; beyond it, contents wait
    /// where they were logged [default: no bound]
    #[arg(long, value_name = "N")]
    storage_gib: Option<u64>,
    /// The most GiB that the contents of one project may take
    #[arg(long, value_name = "N", default_value_t = gib(Settings::default().project_bytes))]
    project_gib: u64,
    /// The most GiB of contents that one run may send
    #[arg(long, value_name = "N", default_value_t = gib(Settings::default().run_bytes))]
    run_gib: u64,
}

/// How the controller gets a certificate without files.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Made {
    SelfSigned,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check every row and every content of a data folder, and change nothing
    Fsck(fsck::Args),
    /// Copy a data folder, even while it is served; contents of an earlier backup are not copied
    /// again
    Backup(backup::BackupArgs),
    /// Make a data folder from a backup
    Restore(backup::RestoreArgs),
    /// Add, list and remove users, and give them roles, while no controller runs
    #[command(subcommand)]
    User(people::UserCommand),
    /// Add, list and remove teams, while no controller runs
    #[command(subcommand)]
    Team(people::TeamCommand),
    /// Make, list and revoke keys, while no controller runs
    #[command(subcommand)]
    Key(people::KeyCommand),
}

fn main() -> ExitCode {
    // New files are private, whatever the mode of the data folder is, because what people log
    // belongs to them.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let flags = Flags::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("BESOM_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    terminal::run(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| Failure::new(Exit::Refused, format!("cannot start: {error}")))?;
        match &flags.command {
            Some(Command::Fsck(args)) => runtime.block_on(fsck::check(args)),
            Some(Command::Backup(args)) => runtime.block_on(backup::backup(args)),
            Some(Command::Restore(args)) => runtime.block_on(backup::restore(args)),
            Some(Command::User(command)) => runtime.block_on(people::user(command)),
            Some(Command::Team(command)) => runtime.block_on(people::team(command)),
            Some(Command::Key(command)) => runtime.block_on(people::key(command)),
            None => runtime.block_on(run(flags)),
        }
    })
}

fn gib(bytes: u64) -> u64 {
    bytes >> 30
}

fn bytes(gib: u64) -> u64 {
    gib.saturating_mul(1 << 30)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map(|mut all| all.next());
    found.ok().flatten().ok_or_else(|| "no such address and port".to_owned())
}

async fn run(flags: Flags) -> Result<(), Failure> {
    controller::raise_limit();
    let bug = |error: std::io::Error| {
        Failure::new(Exit::Bug, format!("cannot wait for signals: {error}"))
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(bug)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(bug)?;
    let settings = Settings {
        listen: flags.listen,
        data: flags.data,
        token: flags.token,
        tls: match (flags.tls, flags.tls_cert, flags.tls_key) {
            (_, Some(certificate), Some(key)) => Some(Tls::Files { certificate, key }),
            (tls, ..) => tls.map(|Made::SelfSigned| Tls::SelfSigned),
        },
        insecure: flags.insecure,
        lease: Duration::from_secs(flags.lease_seconds),
        stop_grace: Duration::from_secs(flags.grace_seconds),
        storage_bytes: flags.storage_gib.map_or(u64::MAX, bytes),
        project_bytes: bytes(flags.project_gib),
        run_bytes: bytes(flags.run_gib),
        ..Settings::default()
    };
    let data = settings.data.clone();
    let controller = Controller::start(settings, Clock::system(), Chance::system()).await;
    let controller = controller.map_err(failure)?;
    let scheme = if controller.fingerprint().is_some() { "https" } else { "http" };
    say(format_args!(
        "{}  {scheme}://{}",
        style::paint(style::FAINT, "listening"),
        controller.address()
    ));
    say(format_args!("{}       {}", style::paint(style::FAINT, "data"), data.display()));
    let access = match (controller.has_token(), controller.has_users()) {
        (true, true) => "with a key or the token",
        (true, false) => "with the token",
        (false, true) => "with a key",
        (false, false) => "this machine",
    };
    say(format_args!("{}     {access}", style::paint(style::FAINT, "access")));
    if let Some(fingerprint) = controller.fingerprint() {
        say(format_args!("{}      {fingerprint}", style::paint(style::FAINT, "trust")));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    controller.shutdown().await.map_err(|error| Failure::new(Exit::Refused, error.to_string()))
}

fn failure(error: StartError) -> Failure {
    let message = error.to_string();
    match error {
        StartError::Open(_) => Failure::new(Exit::Input, message).hint(
            "everyone who can connect could run programs on your agents: set --token or \
             BESOM_TOKEN, or add users with `controller user add`",
        ),
        StartError::Weak(_) => Failure::new(Exit::Input, message).hint(
            "a token for a network needs 128 bits of entropy: `openssl rand -hex 16` makes one",
        ),
        StartError::Plain(_) => Failure::new(Exit::Input, message)
            .hint("`--tls self-signed` encrypts connections, or --tls-cert with your certificate")
            .hint(
                "--insecure listens without: everyone on the way can read the token, and whoever \
                 has it can run programs on your agents",
            ),
        StartError::Certificate { .. } => Failure::new(Exit::Input, message),
        StartError::Token(_) => Failure::new(Exit::Input, message)
            .hint("a token has only printable ASCII characters: `openssl rand -hex 16` makes one"),
        StartError::Listen(address, cause) if cause.kind() == std::io::ErrorKind::AddrInUse => {
            Failure::new(
                Exit::Refused,
                format!(
                    "cannot listen on {address}: address already in \
                use"
                ),
            )
            .hint("another controller may be running; --listen chooses another port")
        }
        StartError::Listen(address, cause) => {
            Failure::new(Exit::Refused, format!("cannot listen on {address}: {}", lower(&cause)))
                .hint("--listen chooses another address")
        }
        StartError::Damaged { folder, .. } => {
            let folder = folder.display();
            Failure::new(Exit::Refused, message)
                .hint(format!(
                    "`controller fsck --data {folder}` says what is damaged, and \
                    changes nothing"
                ))
                .hint(
                    "restore a backup into another folder and start with that; nothing was \
                    changed here",
                )
        }
        StartError::NoFolder { .. } => Failure::new(Exit::Input, message),
        StartError::InUse(_) | StartError::Data { .. } => {
            Failure::new(Exit::Refused, message).hint("--data chooses another folder")
        }
        StartError::Bug(_) => Failure::new(Exit::Bug, message),
    }
}

/// Returns the operating system's message in lower case and without the error number.
fn lower(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

//! Log training runs to a Besom controller, and run sweeps from Rust. The names are those that
//! people know from `wandb`.
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Config {
//!     learning_rate: f64,
//!     epochs: u32,
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let defaults = Config { learning_rate: 1e-3, epochs: 10 };
//!     let run = besom::init().project("mnist").config(&defaults).start()?;
//!     // In a sweep the sweep's parameters take the place of the defaults.
//!     let config: Config = run.config()?;
//!     let mut loss = 1.0;
//!     for epoch in 0..config.epochs {
//!         loss *= 1.0 - config.learning_rate;
//!         besom::log!(run, "train/loss" => loss, "epoch" => epoch);
//!         if run.should_stop() {
//!             break;
//!         }
//!     }
//!     run.summary("last_loss", loss);
//!     println!("{}", run.finish()?);
//!     Ok(())
//! }
//! ```
//!
//! **What a call of `log` costs and promises.** It copies the row into a bounded buffer in memory:
//! no system call, no waiting for a disk or a network, no panic. Every five milliseconds a thread
//! appends what is there to a journal on disk; another sends the journal to the controller, and
//! goes on where it was when the controller comes back. A row that finds the buffer full is refused
//! and counted: [`Finished`] has the exact numbers. `finish`, dropping the last [`Run`],
//! `std::process::exit` and a panic that unwinds write everything to the journal; `abort` and a
//! signal that ends the process may take the last milliseconds.
//!
//! **Beside numbers** a run takes [`Histogram`]s, [`Image`]s, [`Audio`], [`Video`], [`Html`],
//! [`Table`]s, charts ([`plot`]) and any file ([`Run::save`]). A value that is a file is written to
//! the run's folder by the call that logs it, and sent from there; it never holds up rows.
//!
//! **System metrics** (CPU, memory, disk, network, GPUs of the machine and of the program) are
//! sampled into a stream of their own, without a call: [`Init::system_metrics`]. Numbers of the
//! same kind that only the program knows are logged as any other.
//!
//! **Checkpoints.** [`Run::checkpoint`] keeps what a program needs to go on, [`Run::resume`] gives
//! it to the next attempt, on whatever node that runs; the run's history goes on where the
//! checkpoint was made.
//!
//! **In a sweep** (the agent has started the program) the agent owns the run: [`Init::start`] calls
//! nobody, and the agent ships whatever the program could not send and reports how it ended.
//! **Outside** the run begins and ends with this process. [`agent`] runs a function once per trial
//! instead of a program.

mod calls;
mod chance;
mod clock;
mod code;
mod endpoint;
mod environment;
mod error;
mod exit;
mod files;
mod function_agent;
mod identity;
mod media;
mod rows;
mod run;
mod term;
mod value;
mod warning;

pub use error::{AgentError, ConfigError, FinishError, InitError};
pub use files::artifact::{Artifact, ArtifactError};
pub use function_agent::{Ended, Trial, Worked, agent};
pub use media::histogram::{Histogram, MAX_BINS};
pub use media::table::{Cell, Column, Table};
pub use media::{
    Audio, BoundingBox, Domain, Html, Image, Layout, Mask, Media, MediaError, Video, VideoLayout,
    plot,
};
pub use record::widen;
pub use run::Run;
pub use run::artifacts::{ArtifactFile, ArtifactVersion, Logged};
pub use run::checkpoint::{Checkpoint, CheckpointError};
pub use run::finished::Finished;
pub use run::init::{Init, Mode, Resume, init};
pub use run::meta::{Definition, Goal, Summary};
pub use run::training::{Average, Prefixed};
pub use value::{Loggable, Value};

/// Logs one row whose values have different types: `log!(run, "loss" => loss, "epoch" => epoch)`,
/// at the next step, or `log!(run, "loss" => loss; step = epoch)` at a step of your own. Keys are
/// anything that is `AsRef<str>`, values anything that is [`Loggable`]. A value that is `None` logs
/// nothing.
///
/// ```
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// let accuracy: Option<f64> = None;
/// besom::log!(run, "loss" => 0.4, "note" => "warm", "accuracy" => accuracy);
/// # Ok::<(), besom::InitError>(())
/// ```
///
/// What cannot be logged is told by name:
///
/// ```compile_fail,E0277
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// besom::log!(run, "took" => std::time::Duration::from_secs(1)); // `Duration` cannot be logged
/// # Ok::<(), besom::InitError>(())
/// ```
#[macro_export]
macro_rules! log {
    ($run:expr, $($key:expr => $value:expr),+ $(,)?) => {
        $run.log([$((::core::convert::AsRef::<str>::as_ref(&$key), $crate::Loggable::into_value($value))),+])
    };
    ($run:expr, $($key:expr => $value:expr),+ $(,)? ; step = $step:expr) => {
        $run.log_at($step, [$((::core::convert::AsRef::<str>::as_ref(&$key), $crate::Loggable::into_value($value))),+])
    };
}

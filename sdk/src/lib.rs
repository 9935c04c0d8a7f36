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
//! **What a call of `log` costs and promises.** It copies the row into a bounded buffer in memory.
//! It makes no system call, never waits for a disk or a network, and never panics. Every five
//! milliseconds a thread appends the buffered rows to a journal on disk. Another thread sends the
//! journal to the controller. If the controller goes away, the thread continues from the same row
//! once it is back. A row that finds the buffer full is refused and counted: [`Finished`] has the
//! exact numbers. `finish`, the drop of the last [`Run`], `std::process::exit` and a panic that
//! unwinds write all rows to the journal. `abort` and a signal that ends the process may lose the
//! last milliseconds.
//!
//! **Media and files.** Besides numbers, a run takes [`Histogram`]s, [`Image`]s, [`Audio`],
//! [`Video`], [`Html`], [`Table`]s, charts ([`plot`]) and any file ([`Run::save`]). The call that
//! logs a file writes it into the run's folder. A separate thread sends it from there, so a file
//! never delays rows.
//!
//! **System metrics.** The SDK samples CPU, memory, disk, network and GPUs, of the machine and of
//! the program, into a separate stream. This needs no call; [`Init::system_metrics`] sets the
//! period. Log numbers of the same kind that only the program knows like any other metric.
//!
//! **Checkpoints.** [`Run::checkpoint`] keeps the state that a program needs to continue.
//! [`Run::resume`] returns it to the next attempt, on whichever node that attempt runs. The run's
//! history continues where the checkpoint was made.
//!
//! **In a sweep** (the agent has started the program) the agent owns the run. [`Init::start`] makes
//! no call to the controller. The agent ships the rows that the program could not send, and reports
//! how the program ended. **Outside a sweep** the run begins and ends with this process. [`agent`]
//! runs a function once per trial instead of a program.

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

/// Logs one row whose values may have different types.
///
/// `log!(run, "loss" => loss, "epoch" => epoch)` logs at the next step, as [`Run::log`].
/// `log!(run, "loss" => loss; step = epoch)` logs at a step of your own, as [`Run::log_at`]. A key
/// is any `AsRef<str>`, and a value is any [`Loggable`]. A value of `None` logs nothing. The row
/// costs a copy into memory; only media touch the disk.
///
/// ```
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// let accuracy: Option<f64> = None;
/// besom::log!(run, "loss" => 0.4, "note" => "warm", "accuracy" => accuracy);
/// # Ok::<(), besom::InitError>(())
/// ```
///
/// The compiler names a type that cannot be logged:
///
/// ```compile_fail,E0277
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// besom::log!(run, "took" => std::time::Duration::from_secs(1)); // `Duration` cannot be logged
/// # Ok::<(), besom::InitError>(())
/// ```
#[macro_export]
macro_rules! log {
    ($run:expr, $($key:expr => $value:expr),+ $(,)?) => {
        $run.log([$((
            ::core::convert::AsRef::<str>::as_ref(&$key),
            $crate::Loggable::into_value($value),
        )),+])
    };
    ($run:expr, $($key:expr => $value:expr),+ $(,)? ; step = $step:expr) => {
        $run.log_at($step, [$((
            ::core::convert::AsRef::<str>::as_ref(&$key),
            $crate::Loggable::into_value($value),
        )),+])
    };
}

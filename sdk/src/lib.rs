//! Logs training runs to a Besom controller, and runs sweeps from Rust. Most of the crate's calls
//! have the same names as those of Python's `wandb`.
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
//!     // In a sweep, the sweep's parameters replace the defaults.
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
//! **What a call of `log` costs and promises.** A call with numbers and texts copies the row into a
//! bounded buffer in memory. Such a call waits for no disk and no network, and never panics. Every
//! five milliseconds, a thread of the SDK appends the buffered rows to a journal on disk. Another
//! thread sends the journal to the controller. After an outage of the controller, the sending
//! thread continues at the row that the controller wants next. If the buffer is full, the SDK
//! refuses the row and counts it: [`Finished`] has the exact numbers. `finish`, the drop of the
//! last [`Run`], `std::process::exit` and an unwinding panic write all buffered rows to the
//! journal. `abort` and a signal that ends the process may lose the rows of the last milliseconds.
//!
//! **Media and files.** A run also takes [`Histogram`]s, [`Image`]s, [`Audio`], [`Video`],
//! [`Html`], [`Table`]s, charts ([`plot`]) and any file ([`Run::save`]). The call that logs a file
//! writes it into the run's folder. A separate thread sends the files from that folder, so rows do
//! not wait behind a large file.
//!
//! **System metrics.** The SDK samples CPU, memory, disk, network and GPUs into a separate stream,
//! without any call of the program. The samples describe the machine and the program;
//! [`Init::system_metrics`] sets their period. If an agent has started the program, the agent takes
//! these samples instead.
//!
//! **Checkpoints.** [`Run::checkpoint`] keeps the state that a program needs to continue.
//! [`Run::resume`] returns the newest checkpoint to the next attempt, on whichever node that
//! attempt runs. The run's history then continues after the rows that precede the checkpoint.
//!
//! **In a sweep** the agent starts the program and owns the run, and [`Init::start`] makes no call
//! to the controller. The agent sends the rows that the program could not send, and reports how the
//! program ended. **Outside a sweep** the run begins and ends with this process. The function
//! [`agent`] calls a function of the program once for each trial, instead of starting a program.

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
/// `log!(run, "loss" => loss, "epoch" => epoch)` logs at the next step, like [`Run::log`].
/// `log!(run, "loss" => loss; step = epoch)` logs at a step of your own, like [`Run::log_at`]. A
/// key is any `AsRef<str>`, and a value is any [`Loggable`]. A value of `None` logs nothing. A row
/// of numbers and texts costs a copy into memory. Only images and other media are written to the
/// disk during the call.
///
/// ```
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// let accuracy: Option<f64> = None;
/// besom::log!(run, "loss" => 0.4, "note" => "warm", "accuracy" => accuracy);
/// # Ok::<(), besom::InitError>(())
/// ```
///
/// If a type cannot be logged, the compiler's error names it:
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

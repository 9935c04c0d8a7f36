//! The `sweep` command: sends the requests of users and scripts to a controller and shows the
//! answers. Without a controller, it checks a sweep's YAML (`sweep check`) and searches for points
//! (`sweep engine`). The controller makes all decisions about stored sweeps and runs.

mod args;
mod artifact;
mod audit;
mod chance;
mod change;
mod check;
mod clock;
mod connect;
mod create;
mod deleted;
mod engine;
mod enqueue;
mod explain;
mod export;
mod import;
mod json;
mod key;
mod list;
mod login;
mod logs;
mod open;
mod password;
mod pattern;
mod plot;
mod run;
mod share;
mod show;
mod source;
mod stream;
mod sync;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;
use terminal::{Exit, Failure};

use crate::{
    args::{Args, Command},
    connect::Controller,
};

fn main() -> ExitCode {
    let args = Args::parse();
    terminal::run(move || perform(&args))
}

fn perform(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => return check::check(args),
        Command::Engine(args) => return engine::serve(args),
        Command::Logout => return login::logout(&args.reach),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Bug, format!("cannot start: {error}")))?;
    runtime.block_on(ask(args))
}

async fn ask(args: &Args) -> Result<(), Failure> {
    let controller = Controller::new(&args.reach)?;
    match &args.command {
        Command::Create(args) => create::create(&controller, args).await,
        Command::Check(args) => check::check(args),
        Command::Engine(args) => engine::serve(args),
        Command::Login(login) => login::login(&args.reach, login).await,
        Command::Logout => login::logout(&args.reach),
        Command::Password(args) => password::password(&controller, args).await,
        Command::Share(args) => share::share(&controller, args).await,
        Command::Key(command) => key::key(&controller, command).await,
        Command::Audit(args) => audit::audit(&controller, args).await,
        Command::Ls(args) => list::list(&controller, args).await,
        Command::Show(args) => show::show(&controller, args).await,
        Command::Best(args) => show::best(&controller, args).await,
        Command::Explain(args) => explain::explain(&controller, args).await,
        Command::Plot(args) => plot::plot(&controller, args).await,
        Command::Open(args) => open::open(&controller, args).await,
        Command::Watch(args) => watch::watch(&controller, &args.id).await,
        Command::Pause(args) => change::pause(&controller, &args.id).await,
        Command::Resume(args) => change::resume(&controller, &args.id).await,
        Command::Stop(args) => change::stop(&controller, &args.id).await,
        Command::Cancel(args) => change::cancel(&controller, &args.id).await,
        Command::Enqueue(args) => enqueue::enqueue(&controller, args).await,
        Command::Extend(args) => change::extend(&controller, args).await,
        Command::Retry(args) => change::retry(&controller, args).await,
        Command::Rm(args) => deleted::sweep(&controller, &args.id).await,
        Command::Restore(args) => deleted::restore(&controller, args).await,
        Command::Bin(args) => deleted::bin(&controller, args).await,
        Command::Export(args) => export::export(&controller, args).await,
        Command::Import(command) => import::import(&controller, command).await,
        Command::Logs(args) => logs::logs(&controller, args).await,
        Command::Sync(args) => sync::sync(&controller, args).await,
        Command::Run(command) => run::run(&controller, command).await,
        Command::Artifact(command) => artifact::artifact(&controller, command).await,
    }
}

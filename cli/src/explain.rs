//! `sweep explain`: shows which parameters of a sweep matter and how, or why a run was chosen and
//! how it ended. The controller computes the explanation; this module requests and prints it.

use proto::v1::{self, ExplainSweep};
use terminal::{Exit, Failure};

use crate::{
    connect::{self, Controller},
    json,
    show::{Found, find},
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep explain k3x9abcd                          rank the parameters by importance
  sweep explain k3x9abcd -p lr                    show the metric along one parameter
  sweep explain k3x9abcd -p lr -p optimizer.name  show the metric over two parameters
  sweep explain k3x9abcd-17                       show why this point, and why it stopped")]
pub(crate) struct Args {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN", value_parser = crate::args::id)]
    id: String,
    /// Parameter to explain, given once or twice; nested as `optimizer.lr`
    #[arg(long = "parameter", short, value_name = "NAME")]
    parameters: Vec<String>,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the explanation of a sweep or of a run.
pub(crate) async fn explain(controller: &Controller, args: &Args) -> Result<(), Failure> {
    match find(controller, &args.id).await? {
        Found::Sweep(sweep) => of_sweep(controller, args, &sweep).await,
        Found::Run(run) => of_run(controller, args, &run).await,
    }
}

async fn of_sweep(controller: &Controller, args: &Args, sweep: &v1::Sweep) -> Result<(), Failure> {
    let wanted = ExplainSweep { sweep: sweep.id.clone(), parameters: args.parameters.clone() };
    let answer = controller.dial().sweeps().explain(connect::within_patience(wanted)).await;
    let found = answer.map_err(|status| controller.failure(&status))?.into_inner();
    terminal::print(match args.json {
        true => json::text(&json::explanation(sweep, &found)),
        false => {
            let shown = view::explain::Shown {
                asked: !args.parameters.is_empty(),
                columns: terminal::columns(),
            };
            view::explain::sweep(sweep, &found, &shown)
        }
    });
    Ok(())
}

async fn of_run(controller: &Controller, args: &Args, run: &v1::Run) -> Result<(), Failure> {
    if !args.parameters.is_empty() {
        let failure = Failure::new(Exit::Input, "`--parameter` is for a sweep, not for a run");
        return Err(failure.hint(format!("`sweep explain {}` explains its sweep", run.sweep)));
    }
    if run.sweep.is_empty() {
        let message = format!("run `{}` is in no sweep: no search suggested it", run.id);
        return Err(Failure::new(Exit::Input, message));
    }
    if args.json {
        terminal::print(json::text(&json::explained_run(run)));
    } else {
        let sweep = controller.sweep(&run.sweep).await?;
        terminal::print(view::why::run(run, &sweep));
    }
    Ok(())
}

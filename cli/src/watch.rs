//! `sweep watch`: follows a sweep until it is over. On a terminal it shows a live view; other
//! outputs get one line per change.

use std::time::Duration;

use proto::{
    dial,
    v1::{SweepRef, SweepUpdate},
};
use terminal::{Failure, progress::Live};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tonic::{Status, Streaming};

use crate::{clock, connect::Controller, view, view::watch::Watched};

/// The longest time without an update that the command waits for a controller that is out of reach.
const PATIENCE: Duration = Duration::from_secs(300);

/// The interval between redraws of a terminal. Redraws keep the running times up to date between
/// two updates.
const REDRAW: Duration = Duration::from_millis(250);

/// The kind of output that shows the view.
enum Screen {
    /// A terminal, where each redraw of the block replaces the previous one.
    Live(Live),
    /// One line per change, for logs and pipes.
    Lines,
}

impl Screen {
    fn changes(&self, lines: &[String]) {
        if let Screen::Lines = self {
            lines.iter().for_each(terminal::print);
        }
    }

    fn draw(&mut self, watched: &Watched) {
        if let Screen::Live(live) = self {
            live.draw(&view::watch::block(watched, clock::wall_ms()));
        }
    }
}

/// Shows the sweep until it is over. Waits for a controller that goes out of reach.
pub(crate) async fn watch(controller: &Controller, id: &str) -> Result<(), Failure> {
    // This request comes first because its failure has a hint for a user who typed a wrong id.
    let mut watched = Watched::new(controller.sweep(id).await?, controller.agent_line(id));
    let mut screen =
        if terminal::columns().is_some() { Screen::Live(Live::default()) } else { Screen::Lines };
    let mut away: Option<(Instant, u32)> = None;
    loop {
        let ended = match open(controller, id).await {
            Ok(stream) => follow(stream, &mut watched, &mut screen, &mut away).await,
            Err(status) => Err(status),
        };
        // The controller may end the stream when the sweep is over, although the last trials of a
        // cancelled sweep are still running.
        if watched.is_over() || ended.is_ok() && watched.sweep_is_over() {
            break;
        }
        let status =
            ended.err().unwrap_or_else(|| Status::unavailable("the controller ended the stream"));
        if !dial::is_transient(&status) {
            return Err(controller.failure(&status));
        }
        let (since, tries) = away.unwrap_or((Instant::now(), 0));
        if tries == 0 {
            screen.changes(&watched.loses_the_controller());
            screen.draw(&watched);
        }
        if since.elapsed() > PATIENCE {
            return Err(controller.failure(&status));
        }
        sleep(dial::backoff(tries, 0.5)).await;
        away = Some((since, tries + 1));
    }
    screen.draw(&watched);
    terminal::print(view::watch::end(&watched));
    Ok(())
}

async fn open(controller: &Controller, id: &str) -> Result<Streaming<SweepUpdate>, Status> {
    Ok(controller.dial().sweeps().watch(SweepRef { sweep: id.to_owned() }).await?.into_inner())
}

/// Shows the updates until the stream ends, or until the sweep and all its trials are over.
async fn follow(
    mut stream: Streaming<SweepUpdate>,
    watched: &mut Watched,
    screen: &mut Screen,
    away: &mut Option<(Instant, u32)>,
) -> Result<(), Status> {
    let mut redraw = interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    watched.starts_anew();
    while !watched.is_over() {
        tokio::select! {
            update = stream.message() => {
                let Some(update) = update? else { break };
                *away = None;
                screen.changes(&watched.take(update));
            }
            _ = redraw.tick() => screen.draw(watched),
        }
    }
    Ok(())
}

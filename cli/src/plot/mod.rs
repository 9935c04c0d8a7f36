//! `sweep plot`: draws the charts of a sweep or the curves of a run into a file, without a browser.
//! This module chooses the file and writes it. `trials` and `curves` make the charts, and the crate
//! `plots` draws them.

mod chosen;
mod curves;
#[cfg(test)]
mod tests;
mod trials;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::ValueEnum as _;
use plots::{Form, Heading, Picture, Section, Theme};
use proto::v1;
use serde_json::{Value, json};
use terminal::{Exit, Failure, sanitise};

pub(crate) use self::chosen::Args;
use self::{
    chosen::{Colours, Drawing, Kind, name_of},
    trials::Trials,
};
use crate::{
    connect::Controller,
    export::{self, Output},
    json,
    show::{Found, find},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Svg,
    Png,
    Html,
}

/// Draws the charts and writes them to a file or to stdout. An existing file stays unchanged until
/// the picture is complete.
pub(crate) async fn plot(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let found = find(controller, &args.id).await?;
    let kind = kind_for(args.kind, &found)?;
    let (path, format) = destination(args, kind)?;
    let lost = |error: std::io::Error| export::failure(Some(&path), &error);
    let mut output = Output::open(Some(&path)).map_err(lost)?;
    let (about, drawings) = match &found {
        Found::Run(run) => {
            let drawing = curves::of_run(controller, args, run).await?;
            (
                Heading { title: name_of(&run.name, &run.id), ..drawing.heading.clone() },
                vec![Ok(drawing)],
            )
        }
        Found::Sweep(sweep) => of_sweep(controller, args, kind, sweep).await?,
    };
    let drawn: Vec<Value> = drawings.iter().map(told).collect();
    let what = said(&drawings);
    output.write_all(&bytes(args, format, &about, drawings)?).map_err(lost)?;
    output.finish().map_err(lost)?;
    match args.json {
        true => {
            let written = json!({ "file": path.to_string_lossy(), "charts": drawn });
            terminal::print(json::text(&written));
        }
        false => export::wrote(Some(&path), &what),
    }
    Ok(())
}

/// Returns the requested kind, or the usual kind of what was found. Fails if a run has no such
/// chart.
fn kind_for(asked: Option<Kind>, found: &Found) -> Result<Kind, Failure> {
    match (asked, found) {
        (Some(kind), Found::Sweep(_)) => Ok(kind),
        (None, Found::Sweep(_)) => Ok(Kind::History),
        (None | Some(Kind::Curves), Found::Run(_)) => Ok(Kind::Curves),
        (Some(_), Found::Run(run)) => {
            let failure = Failure::new(Exit::Input, "a run has only the chart `curves`");
            Err(match run.sweep.as_str() {
                "" => failure,
                sweep => failure.hint(format!("the other charts are of its sweep, `{sweep}`")),
            })
        }
    }
}

/// Returns the file and its format. Fails if no format has the file's extension, or if the format
/// cannot hold the charts.
fn destination(args: &Args, kind: Kind) -> Result<(PathBuf, Format), Failure> {
    let kind_name = kind.to_possible_value().map(|kind| kind.get_name().to_owned());
    let kind_name = kind_name.unwrap_or_default();
    let end = if kind == Kind::All { "html" } else { "svg" };
    let usual = format!("{}-{kind_name}.{end}", args.id);
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(&usual));
    let format = if path == Path::new("-") { Some(Format::Svg) } else { format_of(&path) };
    let Some(format) = format else {
        let shown = sanitise(&path.display().to_string());
        let failure = Failure::new(Exit::Input, format!("`{shown}` ends in no known format"));
        return Err(failure.hint(format!("end it in .svg, .png or .html: `-o {usual}`")));
    };
    if kind == Kind::All && format != Format::Html {
        let failure = Failure::new(Exit::Input, "only a page of HTML holds all charts");
        return Err(failure.hint(format!("end the name in .html: `-o {usual}`")));
    }
    if args.json && path == Path::new("-") {
        let failure = Failure::new(Exit::Input, "`--json` and the picture cannot share stdout");
        return Err(failure.hint(format!("write the picture to a file: `-o {usual}`")));
    }
    Ok((path, format))
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some(Format::Svg),
        "png" => Some(Format::Png),
        "html" => Some(Format::Html),
        _ => None,
    }
}

/// Makes the charts of a sweep. A page keeps a place for each chart that has too little data.
async fn of_sweep(
    controller: &Controller,
    args: &Args,
    kind: Kind,
    sweep: &v1::Sweep,
) -> Result<(Heading, Vec<Result<Drawing, Heading>>), Failure> {
    let trials = Trials::read(controller, sweep, args.metric.as_deref()).await?;
    let about = Heading { title: name_of(&sweep.name, &sweep.id), about: trials.about() };
    if kind != Kind::All {
        return Ok((about, vec![Ok(chart(controller, args, kind, &trials).await?)]));
    }
    let mut drawings = Vec::new();
    for kind in [Kind::History, Kind::Importance, Kind::Parallel, Kind::Slices, Kind::Curves] {
        drawings.push(match chart(controller, args, kind, &trials).await {
            Err(failure) if failure.exit == Exit::Refused => {
                Err(Heading { title: trials.title(kind), about: failure.message })
            }
            drawing => Ok(drawing?),
        });
    }
    Ok((about, drawings))
}

async fn chart(
    controller: &Controller,
    args: &Args,
    kind: Kind,
    trials: &Trials<'_>,
) -> Result<Drawing, Failure> {
    match kind {
        Kind::History | Kind::All => trials.history(),
        Kind::Importance => trials.importance(controller).await,
        Kind::Parallel => trials.parallel(),
        Kind::Slices => trials.slices(),
        Kind::Curves => curves::of_sweep(controller, args, trials).await,
    }
}

/// Draws the charts in the wanted format.
fn bytes(
    args: &Args,
    format: Format,
    about: &Heading,
    drawings: Vec<Result<Drawing, Heading>>,
) -> Result<Vec<u8>, Failure> {
    let theme = match args.theme {
        Colours::Light => Theme::LIGHT,
        Colours::Dark => Theme::DARK,
    };
    let form = Form {
        width: args.width.map(f64::from),
        height: args.height.map(f64::from),
        theme,
        headed: format != Format::Html,
    };
    let sections: Vec<Section> = drawings
        .into_iter()
        .map(|drawing| match drawing {
            Ok(Drawing { chart, heading, .. }) => {
                Section::Picture(Picture::new(&*chart, heading, form))
            }
            Err(missing) => Section::Missing(missing),
        })
        .collect();
    Ok(match (format, sections.first()) {
        (Format::Svg, Some(Section::Picture(picture))) => plots::svg(picture).into_bytes(),
        (Format::Png, Some(Section::Picture(picture))) => {
            plots::png(picture).map_err(|reason| Failure::new(Exit::Bug, reason))?
        }
        _ => plots::page(about, &sections, &theme).into_bytes(),
    })
}

/// Describes a chart for scripts.
fn told(drawing: &Result<Drawing, Heading>) -> Value {
    match drawing {
        Ok(Drawing { heading, drawn, of, noun, .. }) => {
            json!({ "title": heading.title, "drawn": drawn, "of": of, "what": format!("{noun}s") })
        }
        Err(missing) => json!({ "title": missing.title, "missing": missing.about }),
    }
}

/// Describes the charts for people: `200 trials`, `15 of 200 runs`, `5 charts`.
fn said(drawings: &[Result<Drawing, Heading>]) -> String {
    match drawings {
        [Ok(Drawing { drawn, of, noun, .. })] if drawn == of => terminal::count(*of, noun),
        [Ok(Drawing { drawn, of, noun, .. })] => {
            format!("{drawn} of {}", terminal::count(*of, noun))
        }
        several => {
            let drawn = several.iter().filter(|drawing| drawing.is_ok()).count();
            terminal::count(drawn, "chart")
        }
    }
}

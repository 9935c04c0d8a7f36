//! Turns the records of one run, from one or several files, into rows. The rows are the run's
//! history, its system metrics, the lines of its console, and at the end its final summary.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, BufReader, Take},
    mem,
    path::{Path, PathBuf},
    slice,
};

use prost::Message as _;
use proto::v1::Outcome;
use record::{
    Row, Value,
    file::{check_path, media_kind},
};
use serde_json::{Value as Json, json};

use super::{
    artifact,
    framing::{Next, Records},
    message::{Changes, FileItem, History, Item, Metric, Output, Record, Run, Stats, Time},
    parts::{self, Place},
    values,
};
use crate::{
    import::{
        paths::shown,
        source::{About, Attached, Content, Losses, Part, Reader, Version},
    },
    stream::Stream,
};

/// The keys that W&B adds to a row: its step and its time.
const STEP: &str = "_step";
const TIMESTAMP: &str = "_timestamp";
/// The folder beside the records that has the run's files.
const FILES: &str = "files";
/// The kind of W&B's own files.
const OWN_FILE: i32 = 1;
/// The first character of W&B's own keys in rows, summaries and configs.
const OWN: char = '_';

/// Reads the `.wandb` files of a run.
pub(super) struct RunReader {
    /// The files after the present one.
    files: VecDeque<Part>,
    places: VecDeque<Place>,
    records: Records<BufReader<Take<File>>>,
    /// The path of the present file, to show to the user.
    path: String,
    /// The folder of the present file.
    folder: PathBuf,
    /// The files of the records that were read last.
    attached: Vec<Attached>,
    /// The artifacts of the records that were read last.
    versions: Vec<Version>,
    place: Place,
    damaged: u64,
    overwritten: u64,
    ready: VecDeque<(Stream, Row)>,
    about: About,
    /// Whether the user named the project.
    keep_project: bool,
    next_step: u64,
    /// The number of samples of system metrics so far, which is the step of the next one.
    samples: u64,
    /// The newest item of the summary at each path.
    summary: BTreeMap<Vec<String>, Item>,
    /// The unfinished last lines of stderr and stdout.
    lines: [String; 2],
    /// The time of the last history row, in milliseconds since the epoch.
    wall_ms: i64,
    exit: Option<i32>,
    ended: bool,
    losses: Losses,
}

impl Reader for RunReader {
    fn next(&mut self) -> io::Result<Option<(Stream, Row)>> {
        self.attached.clear();
        self.versions.clear();
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
            if self.ended {
                return Ok(None);
            }
            match self.records.next()? {
                Next::Record(bytes) => match Record::decode(bytes.as_slice()) {
                    Ok(record) => self.record(record),
                    Err(_) => self.damaged += 1,
                },
                Next::Bad => self.damaged += 1,
                Next::Torn => {
                    let path = &self.path;
                    let note = format!(
                        "`{path}` ends within a record: a live run, or one that was killed"
                    );
                    self.losses.notes.push(note);
                }
                Next::End => self.end()?,
            }
        }
    }

    fn files(&mut self) -> Vec<Attached> {
        mem::take(&mut self.attached)
    }

    fn versions(&mut self) -> Vec<Version> {
        mem::take(&mut self.versions)
    }

    fn losses(&mut self) -> &mut Losses {
        &mut self.losses
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn outcome(&self) -> Outcome {
        let (state, class) = match self.exit {
            Some(0) => ("finished", ""),
            Some(_) => ("failed", "error"),
            None => ("crashed", ""),
        };
        Outcome {
            state: state.to_owned(),
            class: class.to_owned(),
            exit_code: self.exit,
            ..Outcome::default()
        }
    }
}

impl RunReader {
    /// Opens the files of a run. Fails if a file cannot be read or is not a file of W&B.
    pub(super) fn open(files: &[Part], project: Option<&str>) -> io::Result<Self> {
        let mut places = parts::places(&ranges(files, project)?);
        let mut files: VecDeque<Part> = files.to_vec().into();
        let (Some(first), Some(place)) = (files.pop_front(), places.pop_front()) else {
            return Err(io::Error::other("the run has no file"));
        };
        Ok(Self {
            records: Records::open(&first)?,
            path: shown(&first.path),
            folder: folder(&first),
            attached: Vec::new(),
            versions: Vec::new(),
            files,
            places,
            place,
            damaged: 0,
            overwritten: 0,
            ready: VecDeque::new(),
            about: About { project: project.unwrap_or_default().to_owned(), ..About::default() },
            keep_project: project.is_some(),
            next_step: 0,
            samples: 0,
            summary: BTreeMap::new(),
            lines: Default::default(),
            wall_ms: 0,
            exit: None,
            ended: false,
            losses: Losses::default(),
        })
    }

    fn record(&mut self, record: Record) {
        if record == Record::default() {
            return self.losses.skip("record of an unknown kind");
        }
        if let Some(run) = record.run {
            self.run(run);
        }
        if let Some(changes) = record.config {
            self.config(&changes);
        }
        if let Some(history) = record.history {
            self.history(history);
        }
        if let Some(changes) = record.summary {
            self.sum_up(changes);
        }
        if let Some(stats) = record.stats {
            self.stats(stats);
        }
        for output in [record.output, record.output_raw].into_iter().flatten() {
            self.output(&output);
        }
        if let Some(exit) = record.exit {
            self.exit = Some(exit.code);
        }
        for file in record.files.unwrap_or_default().files {
            self.attach(file);
        }
        if let Some(artifact) = record.artifact {
            self.versions.extend(artifact::version(artifact, &mut self.losses));
        }
        record.link_artifact.iter().for_each(|_| self.losses.skip("artifact link"));
        record.use_artifact.iter().for_each(|_| self.losses.skip("artifact use"));
        record.alert.iter().for_each(|_| self.losses.skip("alert"));
        if let Some(metric) = record.metric {
            self.about.metrics.push(definition(metric));
        }
        record.tensorboard.iter().for_each(|_| self.losses.skip("link to event files"));
    }

    /// Keeps a file of the run, which lies beside the records. W&B's own files, such as the list of
    /// packages, are files like others.
    fn attach(&mut self, FileItem { path, kind }: FileItem) {
        let place = self.folder.join(FILES).join(&path);
        if check_path(&path).is_ok() && place.is_file() {
            let content = Content::File(place);
            self.attached.push(Attached { kind: media_kind(&path), path, content });
        } else if kind != OWN_FILE {
            self.losses.skip("file");
        }
    }

    fn run(&mut self, run: Run) {
        let about = &mut self.about;
        if !self.keep_project {
            about.project = run.project;
        }
        about.name = if run.name.is_empty() { run.id } else { run.name };
        // If a part leaves a field empty, the field keeps the value of an earlier part.
        let said = [run.notes, run.group, run.job_type];
        for (known, said) in
            [&mut about.notes, &mut about.group, &mut about.job_type].into_iter().zip(said)
        {
            if !said.is_empty() {
                *known = said;
            }
        }
        if !run.tags.is_empty() {
            about.tags = run.tags;
        }
        self.config(&run.config.unwrap_or_default());
    }

    fn config(&mut self, changes: &Changes) {
        let config = &mut self.about.config;
        values::remove(config, &changes.remove);
        values::apply(config, &changes.update, &mut self.losses);
        config.shift_remove("_wandb");
    }

    fn history(&mut self, history: History) {
        let mut step = history.step.map(|step| step.number);
        let mut row = Row { wall_ms: self.wall_ms, ..Row::default() };
        for (key, value) in values::values(&history.items, &mut self.losses) {
            match (key.as_str(), value) {
                (STEP, Value::I64(number)) => step = Some(number),
                (TIMESTAMP, Value::F64(seconds)) => row.wall_ms = (seconds * 1e3) as i64,
                (TIMESTAMP, Value::I64(seconds)) => row.wall_ms = seconds.saturating_mul(1000),
                (own, _) if own.starts_with(OWN) => {}
                (_, value) => row.values.push((key, value)),
            }
        }
        row.step = step.and_then(|step| u64::try_from(step).ok()).unwrap_or(self.next_step);
        self.next_step = row.step.saturating_add(1);
        self.wall_ms = row.wall_ms;
        row.step = row.step.saturating_add(self.place.shift);
        if row.step >= self.place.end {
            self.overwritten += 1;
            return;
        }
        self.ready.push_back((Stream::History, row));
    }

    /// Applies changes to the summary. A new item replaces the items at and below its path.
    fn sum_up(&mut self, changes: Changes) {
        let removed = changes.remove.into_iter().map(|item| (item, false));
        for (item, is_new) in removed.chain(changes.update.into_iter().map(|item| (item, true))) {
            let path = values::path(&item);
            if path[0].starts_with(OWN) {
                continue;
            }
            let below = self
                .summary
                .range(path.clone()..)
                .take_while(|(other, _)| other.starts_with(&path));
            let below: Vec<Vec<String>> = below.map(|(other, _)| other.clone()).collect();
            below.iter().for_each(|other| drop(self.summary.remove(other)));
            if is_new {
                self.summary.insert(path, item);
            }
        }
    }

    fn stats(&mut self, stats: Stats) {
        let values = values::values(&stats.items, &mut self.losses);
        let wall_ms = self.time(stats.time);
        self.ready.push_back((Stream::System, Row { step: self.samples, wall_ms, values }));
        self.samples += 1;
    }

    fn output(&mut self, output: &Output) {
        let wall_ms = self.time(output.time);
        let which = usize::from(output.kind == 1);
        let mut pieces = output.text.split('\n');
        self.lines[which] += pieces.next().unwrap_or_default();
        for piece in pieces {
            let line = mem::replace(&mut self.lines[which], piece.to_owned());
            self.line(which, line, wall_ms);
        }
    }

    fn line(&mut self, which: usize, line: String, wall_ms: i64) {
        let key = if which == 1 { "stdout" } else { "stderr" };
        let values = vec![(key.to_owned(), Value::Text(line))];
        self.ready.push_back((Stream::Console, Row { step: 0, wall_ms, values }));
    }

    fn time(&self, time: Option<Time>) -> i64 {
        let ms = |time: Time| {
            time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos) / 1_000_000)
        };
        time.map_or(self.wall_ms, ms)
    }

    /// Continues with the next file. After the last file, adds the summary row, which needs the end
    /// of the run.
    fn end(&mut self) -> io::Result<()> {
        let path = &self.path;
        if self.damaged > 0 {
            let records = terminal::count(mem::take(&mut self.damaged), "damaged record");
            self.losses.notes.push(format!("`{path}` has {records}, which the import leaves out"));
        }
        if self.overwritten > 0 {
            let rows = terminal::count(mem::take(&mut self.overwritten), "row");
            let from = self.place.end;
            self.losses.notes.push(format!(
                "{rows} of `{path}`, from step {from} on, do not count: the run was resumed there"
            ));
        }
        // In a live run, the rest of an unfinished line may still come. So such a line becomes a
        // row only if the run has ended or another file follows.
        if self.exit.is_some() || !self.files.is_empty() {
            for which in 0..2 {
                let line = mem::take(&mut self.lines[which]);
                if !line.is_empty() {
                    self.line(which, line, self.wall_ms);
                }
            }
        }
        if let (Some(next), Some(place)) = (self.files.pop_front(), self.places.pop_front()) {
            self.records = Records::open(&next)?;
            self.path = shown(&next.path);
            self.folder = folder(&next);
            (self.place, self.next_step, self.exit) = (place, 0, None);
            return Ok(());
        }
        self.ended = true;
        let items: Vec<Item> = mem::take(&mut self.summary).into_values().collect();
        let mut values = values::values(&items, &mut Losses::default());
        // The history has the media at the steps where they were logged, so the summary leaves them
        // out.
        values.retain(|(_, value)| !matches!(value, Value::Json(_)));
        self.ready.push_back((Stream::Summary, Row { step: 0, wall_ms: self.wall_ms, values }));
        Ok(())
    }
}

/// Returns the definition of a metric in the form of the SDK.
fn definition(metric: Metric) -> Json {
    let ways = metric.summary.unwrap_or_default();
    let ways = [
        ("min", ways.min),
        ("max", ways.max),
        ("mean", ways.mean),
        ("best", ways.best),
        ("last", ways.last),
        ("none", ways.none),
    ];
    let ways: Vec<&str> = ways.into_iter().filter(|(_, said)| *said).map(|(way, _)| way).collect();
    json!({
        "_type": "metric",
        "name": if metric.name.is_empty() { metric.pattern } else { metric.name },
        "summary": ways,
        "step_metric": metric.step_metric,
        "goal": if metric.goal == 2 { "maximize" } else { "minimize" },
    })
}

fn folder(part: &Part) -> PathBuf {
    part.path.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Returns the smallest and the largest step of each file; `None` for a file without steps. Returns
/// `None` for the only file of a run too, because no other file affects its steps. Fails if a file
/// cannot be read.
fn ranges(files: &[Part], project: Option<&str>) -> io::Result<Vec<Option<(u64, u64)>>> {
    if files.len() < 2 {
        return Ok(vec![None; files.len()]);
    }
    let range = |file: &Part| -> io::Result<Option<(u64, u64)>> {
        let mut reader = RunReader::open(slice::from_ref(file), project)?;
        let mut range: Option<(u64, u64)> = None;
        while let Some((stream, row)) = reader.next()? {
            if stream == Stream::History {
                let (first, last) = range.unwrap_or((row.step, row.step));
                range = Some((row.step.min(first), row.step.max(last)));
            }
        }
        Ok(range)
    };
    files.iter().map(range).collect()
}

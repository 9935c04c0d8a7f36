// The types of the controller's API. A test writes this file from the Rust types:
// BESOM_WRITE_TYPES=1 cargo test -p controller --lib api::web::types

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type AgentCard = { name: string, host: string, sweep: string, 
/**
 * The most trials that it runs at the same time.
 */
slots: number, 
/**
 * The number of its slots that have a trial.
 */
busy: number, 
/**
 * The names of its GPUs, or `CPU`.
 */
devices: Array<string>, 
/**
 * Sentences about what keeps its slots from being used.
 */
set_aside: Array<string>, last_seen_ms: number, 
/**
 * The ids of the runs that it holds.
 */
runs: Array<string>, };

export type Attention = { kind: "nan" | "agent_silent" | "crash_loop" | "disk_full" | "failed", text: string, run: string | null, sweep: string | null, team: string | null, project: string | null, at_ms: number, };

export type Best = { sweep: string, metric: string, maximize: boolean, value: number, };

export type BestBefore = { run: string, value: number, 
/**
 * The number of runs that had ended.
 */
ended: number, };

export type Changed = { topic: string, what: "state" | "rows" | "console" | "files", };

export type Column = { name: string, kind: "f64" | "u32" | "dictionary", 
/**
 * The place of the column's first byte, counted from the begin of the data.
 */
offset: number, 
/**
 * The number of values.
 */
count: number, 
/**
 * The texts that the codes of a dictionary mean.
 */
values?: Array<string>, };

export type ColumnsHead<E> = { rows: number, columns: Array<Column>, extra: E, };

export type Console = { lines: Array<Line>, 
/**
 * The first line that was looked at. `before` this line, there may be more.
 */
first: number, 
/**
 * The last line that was looked at. `after` this line, there may be more.
 */
last: number, 
/**
 * The number of all lines.
 */
total: number, };

export type Dependence = { parameter: string, points: Array<DependencePoint>, };

export type DependencePoint = { at: Json, mean: number, 
/**
 * The 95 % interval of `mean`.
 */
low: number, high: number, 
/**
 * The range in which 95 % of the trials with this value lie.
 */
trial_low: number, trial_high: number, };

export type Explanation = { 
/**
 * The number of trials with a value.
 */
trials: number, 
/**
 * The share of the variance of the values that the model predicts, from 0 to 1.
 */
accuracy: number, 
/**
 * The number of trials that were predicted from the others.
 */
held_out: number, 
/**
 * How many of them lie in the 95 % interval of their prediction.
 */
covered: number, 
/**
 * The number of bad values that the model compresses.
 */
tail: number, 
/**
 * All of these values are worse than this one.
 */
tail_beyond: number | null, 
/**
 * The most important parameter comes first.
 */
importances: Array<Importance>, curves: Array<Dependence>, surfaces: Array<Surface>, };

export type Failure = { attempt: number, class: string, agent: string, message: string, ended_ms: number, };

export type Fleet = { agents: Array<AgentCard>, };

export type Histograms = { steps: Array<number>, 
/**
 * For each step, the edges of the bins.
 */
edges: Array<Array<number>>, 
/**
 * For each step, the counts in the bins, which are one fewer than the edges.
 */
counts: Array<Array<number>>, };

export type Importance = { parameter: string, 
/**
 * The share that the parameter explains by itself.
 */
alone: number, 
/**
 * The share with all interactions with other parameters.
 */
total: number, 
/**
 * The 90 % interval of `total`.
 */
low: number, high: number, };

export type Key = { name: string, kind: "number" | "text" | "bool" | "other", 
/**
 * The number of runs that have such a value.
 */
runs: number, };

export type Limit = { metric: string, min: number | null, max: number | null, };

export type Line = { number: number, stream: "stdout" | "stderr", at_ms: number | null, text: string, };

export type ListItem = { 
/**
 * Whether the task is done; `null` if the item is no task.
 */
done: boolean | null, blocks: Array<TextBlock>, };

export type LoggedTable = { columns: Array<string>, 
/**
 * The rows, each of which is a list.
 */
rows: Json[][], 
/**
 * The number of all rows.
 */
total: number, };

export type Login = { 
/**
 * The name of the user.
 */
user: string, 
/**
 * The password.
 */
password: string, } | { 
/**
 * The key.
 */
key: string, };

export type Media = { 
/**
 * The media, by their steps and keys.
 */
items: Array<MediaItem>, 
/**
 * The step `from` which the next page begins; `null` if there are no more media.
 */
next: number | null, };

export type MediaItem = { key: string, step: number, kind: "image" | "audio" | "video" | "html" | "table" | "plot" | "other", 
/**
 * The value as it was logged.
 */
value: Json, 
/**
 * The paths of the files that the value names.
 */
files: Array<string>, };

export type MetricDefinition = { name: string, summary: Array<string>, step_metric: string, goal: string, };

export type Outcome = { state: string, class: string, exit_code: number | null, signal: number | null, message: string, };

export type Overview = { projects: Array<Project>, 
/**
 * The newest sweeps that are not over.
 */
sweeps: Array<SweepCard>, 
/**
 * The newest runs that are not over, without their configs and summaries.
 */
runs: Array<RunRow>, 
/**
 * The number of runs that are leased or running.
 */
running: number, queued: number, attention: Array<Attention>, agents: Array<AgentCard>, };

export type Parameter = { 
/**
 * The path of its keys, joined by `.`.
 */
name: string, kind: "number" | "integer" | "categorical" | "constant", scale: "linear" | "log", 
/**
 * The least value; `null` if there is none.
 */
low: number | null, 
/**
 * The largest value; `null` if there is none.
 */
high: number | null, 
/**
 * The values of a categorical or constant parameter.
 */
values: Json[], };

export type Problem = { 
/**
 * The status of HTTP.
 */
status: number, 
/**
 * The kind of the problem.
 */
title: string, 
/**
 * One sentence that says what is wrong.
 */
detail: string, 
/**
 * The advice on what to do about it.
 */
hint: string | null, };

export type Project = { team: string, name: string, 
/**
 * The number of its runs.
 */
runs: number, 
/**
 * The number of its runs that are not over.
 */
live: number, 
/**
 * The number of its sweeps.
 */
sweeps: number, 
/**
 * When its newest run or sweep was created, in milliseconds since 1970.
 */
last_ms: number, 
/**
 * The best result of its newest sweep that has a result.
 */
best: Best | null, };

export type ProjectKeys = { config: Array<Key>, summary: Array<Key>, history: Array<Key>, };

export type Projects = { projects: Array<Project>, };

export type Repeats = { sweep: string, value: number, };

export type Report = { blocks: ReportBlock[], 
/**
 * Whether the caller may change it.
 */
writes: boolean, id: string, team: string, project: string, title: string, 
/**
 * The user who made it; empty for the administrator.
 */
author: string, 
/**
 * The user who changed it last; empty for the administrator.
 */
editor: string, 
/**
 * The number of the version, which grows with every change.
 */
version: number, created_ms: number, changed_ms: number, deleted_ms: number | null, };

export type ReportBlock = { "kind": "text", id: string, text: string, } | { "kind": "panel", id: string, title: string, panel: ReportPanel, 
/**
 * The key of the data that is kept with the report; `null` for a live panel.
 */
frozen: string | null, };

export type ReportCard = { id: string, team: string, project: string, title: string, 
/**
 * The user who made it; empty for the administrator.
 */
author: string, 
/**
 * The user who changed it last; empty for the administrator.
 */
editor: string, 
/**
 * The number of the version, which grows with every change.
 */
version: number, created_ms: number, changed_ms: number, deleted_ms: number | null, };

export type ReportEdit = { title: string, blocks: Array<ReportBlock>, 
/**
 * The version that the change is based on; 0 for a new report.
 */
version: number, };

export type ReportPanel = { "shows": "curves", runs: Array<string>, filters: Array<string>, metric: string, system: boolean, x: string, smooth: number, log_x: boolean, log_y: boolean, outliers: boolean, } | { "shows": "history", sweep: string, time: boolean, log_y: boolean, } | { "shows": "importance", sweep: string, } | { "shows": "parallel", sweep: string, } | { "shows": "slice", sweep: string, parameter: string, } | { "shows": "table", runs: Array<string>, filters: Array<string>, columns: Array<string>, } | { "shows": "media", run: string, key: string, step: number | null, };

export type Reports = { reports: Array<ReportCard>, 
/**
 * The number of all reports that were found.
 */
total: number, };

export type RunCounts = { queued: number, leased: number, running: number, finished: number, failed: number, crashed: number, stopped: number, pruned: number, 
/**
 * The number of all trials.
 */
trials: number, };

export type RunDetail = { 
/**
 * The code and the machine, as the run's program describes them.
 */
code: Json, metrics: Array<MetricDefinition>, 
/**
 * How the search chose the trial's point; `null` if no search did.
 */
suggestion: Json, rungs: Array<Rung>, failures: Array<Failure>, incumbent: BestBefore | null, repeats: Repeats | null, outcome: Outcome | null, 
/**
 * Whether the run is ordered to stop.
 */
stop_wanted: boolean, 
/**
 * The values that a trial's program added to the trial's parameters.
 */
added_config: { [key: string]: Json }, 
/**
 * The name of the metric of the run's sweep.
 */
sweep_metric: string | null, note: string, id: string, name: string, team: string, project: string, sweep: string | null, trial: number | null, state: string, attempt: number, agent: string, tags: Array<string>, group: string, job_type: string, notes: string, 
/**
 * The best value of the sweep's metric.
 */
value: number | null, 
/**
 * The number of rows of its history.
 */
rows: number, created_ms: number, started_ms: number | null, ended_ms: number | null, 
/**
 * The whole config, or the asked values under their names.
 */
config: { [key: string]: Json }, 
/**
 * The whole summary, or the asked values under their names.
 */
summary: { [key: string]: Json }, };

export type RunEdit = { name?: string, tags?: Array<string>, notes?: string, group?: string, 
/**
 * The whole config; the parameters of a trial stay as the search chose them.
 */
config: { [key: string]: Json }, };

export type RunFile = { path: string, sha256: string, size: number, 
/**
 * What the program calls the file: `image`, `table`, `file` and so on.
 */
kind: string, attempt: number, logged_ms: number, };

export type RunFiles = { 
/**
 * The files, by their paths.
 */
files: Array<RunFile>, 
/**
 * The path `after` which the next page begins; `null` if there are no more files.
 */
next: string | null, };

export type RunKeys = { history: Array<Key>, system: Array<Key>, };

export type RunRow = { id: string, name: string, team: string, project: string, sweep: string | null, trial: number | null, state: string, attempt: number, agent: string, tags: Array<string>, group: string, job_type: string, notes: string, 
/**
 * The best value of the sweep's metric.
 */
value: number | null, 
/**
 * The number of rows of its history.
 */
rows: number, created_ms: number, started_ms: number | null, ended_ms: number | null, 
/**
 * The whole config, or the asked values under their names.
 */
config: { [key: string]: Json }, 
/**
 * The whole summary, or the asked values under their names.
 */
summary: { [key: string]: Json }, };

export type Rung = { iteration: number, value: number, rank: number, of: number, threshold: number | null, stop: boolean, };

export type Runs = { runs: Array<RunRow>, 
/**
 * The number of all runs that were found.
 */
total: number, };

export type SeriesExtra = { 
/**
 * The limits of x; `null` if no curve has a point.
 */
from: number | null, to: number | null, series: Array<SeriesHead>, };

export type SeriesHead = { run: string, key: string, 
/**
 * The counts of values that are NaN, infinity and minus infinity.
 */
odd: [number, number, number], };

export type SeriesQuery = { runs: Array<string>, keys: Array<string>, 
/**
 * `step`, `time` (milliseconds since 1970) or `metric:NAME`.
 */
x: string, from?: number | null, to?: number | null, buckets?: number | null, 
/**
 * Whether the keys are those of the system metrics.
 */
system?: boolean, };

export type Session = { 
/**
 * The name of the user; `null` for the administrator's token, and if the caller is not known.
 */
user: string | null, 
/**
 * The team of the user.
 */
team: string, 
/**
 * Whether the caller may do everything.
 */
admin: boolean, 
/**
 * Whether the caller may change sweeps and runs in any project.
 */
steers: boolean, 
/**
 * The id of the key that the caller shows, or that opened the session.
 */
key: string | null, 
/**
 * Whether nobody has to log in.
 */
open: boolean, 
/**
 * The version of the controller.
 */
version: string, };

export type Side = "left" | "center" | "right";

export type Span = { agent: string, run: string, sweep: string | null, trial: number | null, state: string, from_ms: number, 
/**
 * `null` while the run is not over.
 */
to_ms: number | null, };

export type Surface = { row_parameter: string, column_parameter: string, rows: Json[], columns: Json[], 
/**
 * The mean for each pair, row by row; `null` if the two are never active together.
 */
mean: Array<number | null>, 
/**
 * The standard deviation of each mean.
 */
deviation: Array<number | null>, };

export type SweepCard = { id: string, name: string, team: string, project: string, method: string, state: string, 
/**
 * Why the sweep wants no new trial; empty if it wants trials.
 */
closing: string, 
/**
 * Why the sweep hands out no new trials, for people; empty if it does.
 */
note: string, metric: string, maximize: boolean, target: number | null, counts: RunCounts, trials_bound: number | null, best_run: string | null, best_value: number | null, created_ms: number, started_ms: number | null, ended_ms: number | null, };

export type SweepDetail = { yaml: string, warnings: Array<string>, 
/**
 * The seed of the search, as a text, because it may be beyond what a number holds exactly.
 */
seed: string, early_terminate: string, limits: Array<Limit>, parameters: Array<Parameter>, description: string, 
/**
 * The number of trials of earlier sweeps that the search knows.
 */
earlier_trials: number, repeats: Repeats | null, id: string, name: string, team: string, project: string, method: string, state: string, 
/**
 * Why the sweep wants no new trial; empty if it wants trials.
 */
closing: string, 
/**
 * Why the sweep hands out no new trials, for people; empty if it does.
 */
note: string, metric: string, maximize: boolean, target: number | null, counts: RunCounts, trials_bound: number | null, best_run: string | null, best_value: number | null, created_ms: number, started_ms: number | null, ended_ms: number | null, };

export type Sweeps = { sweeps: Array<SweepCard>, 
/**
 * The number of all sweeps of the project.
 */
total: number, };

export type TableQuery = { sweep?: string, filters?: Array<string>, sort?: Array<string>, search?: string, 
/**
 * The names of the columns, as in filters.
 */
columns?: Array<string>, };

export type TextBlock = { "kind": "heading", level: number, spans: Array<TextSpan>, } | { "kind": "paragraph", spans: Array<TextSpan>, } | { "kind": "quote", blocks: Array<TextBlock>, } | { "kind": "code", language: string, text: string, } | { "kind": "list", first: number | null, items: Array<ListItem>, } | { "kind": "table", sides: Array<Side>, head: Array<Array<TextSpan>>, rows: Array<Array<Array<TextSpan>>>, } | { "kind": "rule" };

export type TextSpan = { "kind": "text", text: string, } | { "kind": "code", text: string, } | { "kind": "emphasis", spans: Array<TextSpan>, } | { "kind": "strong", spans: Array<TextSpan>, } | { "kind": "strike", spans: Array<TextSpan>, } | { "kind": "link", to: string, spans: Array<TextSpan>, } | { "kind": "image", path: string, text: string, } | { "kind": "break" };

export type TextTree = { blocks: Array<TextBlock>, 
/**
 * Whether the text is too long or too deep, so that the rest is left out.
 */
cut: boolean, };

export type TextTrees = { trees: Array<TextTree>, };

export type Texts = { texts: Array<string>, };

export type Timeline = { spans: Array<Span>, };

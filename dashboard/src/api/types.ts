// The types of the controller's API. A test writes this file from the Rust types:
// BESOM_WRITE_TYPES=1 cargo test -p controller --lib api::web::types

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type About = { version: string, 
/**
 * The number of the database's schema.
 */
schema: number, 
/**
 * A hash of the pages.
 */
dashboard: string, };

export type AccessKey = { id: string, user: string, label: string, kind: "full" | "read" | "agent" | "ingest", 
/**
 * The sweeps and projects that the key opens; none: all that its kind opens.
 */
opens: Array<string>, 
/**
 * The one thing that the key opens; `null` for more.
 */
only: SharedThing | null, created_ms: number, 
/**
 * When it ends; `null` for never.
 */
expires_ms: number | null, };

export type Again = { runs: Array<string>, };

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

export type AgentDetail = { 
/**
 * The version of its program; empty if an older agent does not say it.
 */
version: string, 
/**
 * Its slots in their order; empty if an older agent does not list them.
 */
slot_list: Array<Slot>, 
/**
 * The runs that it holds, as far as the caller may see them.
 */
held: Array<Held>, cpu_percent: number | null, memory_percent: number | null, memory_used_mib: number | null, disk_percent: number | null, disk_used_gib: number | null, gpus: Array<GpuLoad>, name: string, host: string, sweep: string, 
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

export type AliasEdit = { add: Array<string>, remove: Array<string>, };

export type ArtifactName = { name: string, 
/**
 * The type, such as `model` or `dataset`.
 */
kind: string, 
/**
 * The number of its versions.
 */
versions: number, 
/**
 * The bytes of all versions. Contents that several versions have count in each.
 */
size: number, newest: VersionRow, };

export type ArtifactVersions = { name: string, description: string, tags: Array<string>, 
/**
 * The versions, the newest first.
 */
versions: Array<VersionRow>, 
/**
 * The number `before` which the next page begins; `null` if there are no more.
 */
next: number | null, };

export type Artifacts = { 
/**
 * The artifacts, by name.
 */
artifacts: Array<ArtifactName>, 
/**
 * The name `after` which the next page begins; `null` if there are no more.
 */
next: string | null, };

export type Attempt = { number: number, agent: string | null, 
/**
 * The slot of this agent; `null` if nobody wrote it down.
 */
slot: AttemptSlot | null, 
/**
 * The state that it brought the run to: `running`, `finished`, `queued` and so on.
 */
state: string, began_ms: number | null, ended_ms: number | null, 
/**
 * Whether it has ended.
 */
ended: boolean, 
/**
 * The class of its failure; empty if it did not fail.
 */
class: string, exit_code: number | null, signal: number | null, message: string, 
/**
 * The key of the checkpoint that it went on from.
 */
resumed_from: number | null, 
/**
 * The step of this checkpoint.
 */
resumed_step: number | null, 
/**
 * The number of its first line in the console.
 */
first_line: number, 
/**
 * The number of its lines.
 */
lines: number, };

export type AttemptSlot = { 
/**
 * Its place among the agent's slots, from 0.
 */
place: number, 
/**
 * Its GPUs; none for a CPU slot.
 */
gpus: Array<SlotGpu>, };

export type Attempts = { 
/**
 * The attempts, by ascending number.
 */
attempts: Array<Attempt>, 
/**
 * The checkpoints, the newest first.
 */
checkpoints: Array<Checkpoint>, 
/**
 * The agent's note about the lines that the newest attempt printed.
 */
printed: string | null, };

export type Attention = { kind: "nan" | "agent_silent" | "crash_loop" | "disk_full" | "failed" | "unserved", text: string, 
/**
 * What to do about it.
 */
advice: string, run: string | null, sweep: string | null, team: string | null, project: string | null, at_ms: number, };

export type Best = { sweep: string, metric: string, maximize: boolean, value: number, };

export type BestBefore = { run: string, value: number, 
/**
 * The number of runs that had ended.
 */
ended: number, };

export type Bin = { 
/**
 * The runs and sweeps, the last deleted first.
 */
items: Array<BinItem>, };

export type BinItem = { kind: "run" | "sweep", id: string, name: string, 
/**
 * The sweep whose trial a run is; `null` for other runs, and for a sweep.
 */
sweep: string | null, deleted_ms: number, 
/**
 * Who deleted it.
 */
who: string, 
/**
 * When it is removed for good.
 */
purge_ms: number, 
/**
 * The bytes of its rows and files. Contents that other runs also have count in full.
 */
bytes: number, };

export type BrowserSession = { id: string, 
/**
 * The key that opened it; `null` if a password or the controller's token did.
 */
key: string | null, created_ms: number, used_ms: number, expires_ms: number, 
/**
 * Whether it is the session of this call.
 */
own: boolean, };

export type BrowserSessions = { sessions: Array<BrowserSession>, };

export type Changed = { topic: string, what: "state" | "rows" | "console" | "files", };

export type Checked = { 
/**
 * The new sweep; `null` if the draft has an error or is only to be checked.
 */
sweep: SweepDetail | null, 
/**
 * Every problem, in the order of the lines.
 */
problems: Array<YamlProblem>, };

export type Checkpoint = { key: number, attempt: number, 
/**
 * The step at which the next attempt goes on.
 */
step: number, size: number, 
/**
 * Whether its content is kept. The content of an older checkpoint is removed.
 */
kept: boolean, logged_ms: number, };

export type ClassNames = { 
/**
 * The key of the images, or the name of their column in a table.
 */
key: string, 
/**
 * The name of the boxes or masks on the images.
 */
group: string, 
/**
 * The names, by the numbers of the classes.
 */
names: { [key in string]: string }, };

export type Climb = { sweep: string, 
/**
 * The improvements, the oldest first; at most the newest 200.
 */
steps: Array<Step>, 
/**
 * The place after the last trial that has ended.
 */
end: Place, 
/**
 * The parameters of the best run.
 */
best_config: Json, };

export type ClimbQuery = { sweeps: Array<string>, };

export type Climbs = { climbs: Array<Climb>, };

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

export type CustomChart = { 
/**
 * The key under which the program logged the chart.
 */
key: string, 
/**
 * The key under which the history has the chart's table.
 */
table: string, 
/**
 * The name of the chart's kind, such as `wandb/line/v0`.
 */
kind: string, 
/**
 * The columns of the table, by the names that the chart's kind has for them.
 */
fields: { [key in string]: string }, 
/**
 * Texts, such as the title.
 */
texts: { [key in string]: string }, };

export type Deleted = { 
/**
 * When it is removed for good.
 */
purge_ms: number, };

export type Deletion = { 
/**
 * The ids of the runs.
 */
runs: Array<string>, };

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
 * The number of trials that had ended, with a value or without.
 */
ended: number, 
/**
 * The milliseconds after which the explanation may be renewed; `null` if it knows every trial
 * that has ended.
 */
renews_in_ms: number | null, 
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
 * The prediction of each of them.
 */
predictions: Array<Prediction>, 
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

export type FileChange = { path: string, kind: "added" | "removed" | "changed", 
/**
 * The bytes before; `null` if there was no content.
 */
old_size: number | null, 
/**
 * The bytes now; `null` if there is no content.
 */
new_size: number | null, };

export type Fleet = { agents: Array<AgentDetail>, waiting: Array<Waiting>, 
/**
 * An agent that has not called for longer is silent.
 */
silent_after_ms: number, };

export type GpuLoad = { index: number, name: string, busy_percent: number | null, memory_percent: number | null, memory_bytes: number | null, celsius: number | null, watts: number | null, limit_watts: number | null, };

export type GroupsExtra = { 
/**
 * The limits of x; `null` if no curve has a point.
 */
from: number | null, to: number | null, 
/**
 * The number of curves.
 */
curves: number, };

export type GroupsQuery = { 
/**
 * The runs of each group. A run may be in several groups.
 */
groups: Array<Array<string>>, keys: Array<string>, 
/**
 * `step`, `time` (milliseconds since 1970), `count` (of finite values) or `metric:NAME`.
 */
x: string, from?: number | null, to?: number | null, buckets?: number | null, };

export type Held = { id: string, name: string, team: string, project: string, };

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

export type Individual = { trial: number, 
/**
 * The metric that the model expects at each value.
 */
means: Array<number>, };

export type Individuals = { parameter: string, 
/**
 * The values of the parameter.
 */
at: Json[], 
/**
 * The lines, those of the best trials first.
 */
lines: Array<Individual>, };

export type Key = { name: string, kind: "number" | "text" | "bool" | "other", 
/**
 * The number of runs that have such a value.
 */
runs: number, };

export type Keys = { keys: Array<AccessKey>, };

export type Limit = { metric: string, min: number | null, max: number | null, };

export type Line = { number: number, stream: "stdout" | "stderr", at_ms: number | null, text: string, };

export type Lineage = { 
/**
 * The first node is the version.
 */
nodes: Array<LineageNode>, edges: Array<LineageEdge>, 
/**
 * Whether the picture has as many nodes as it may have, and leaves others out.
 */
full: boolean, };

export type LineageEdge = { 
/**
 * The number of the node at its beginning.
 */
from: number, 
/**
 * The number of the node at its end.
 */
to: number, 
/**
 * Where it bends: layers and heights.
 */
bends: Array<[number, number]>, };

export type LineageNode = { id: string, kind: "version" | "run" | "more", 
/**
 * The name of the artifact or the run.
 */
name: string, 
/**
 * The type of the artifact, or the state of the run; `deleted` for a deleted run.
 */
detail: string, team: string, project: string, 
/**
 * The id of the run.
 */
run: string | null, 
/**
 * The number of the version.
 */
version: number | null, 
/**
 * How many neighbours a node of the kind `more` stands for; else 0.
 */
more: number, layer: number, height: number, };

export type LinkedFile = { team: string, project: string, name: string, version: number, path: string, };

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
 * The places of these rows in the table, from 0.
 */
numbers: Array<number>, 
/**
 * The number of all rows.
 */
total: number, 
/**
 * The number of rows that pass the filters.
 */
matched: number, 
/**
 * The number of rows that were looked at, to filter and to sort them.
 */
looked_at: number, 
/**
 * The names of classes of boxes and masks; their keys are names of columns.
 */
classes: Array<ClassNames>, };

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

export type MadeKey = { 
/**
 * The key itself. It is shown only now.
 */
secret: string, key: AccessKey, };

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

export type More = { runs: number, 
/**
 * A key that the caller chooses. A repeat with the same key changes nothing.
 */
key: string | null, };

export type NewPassword = { 
/**
 * The user; empty means the caller.
 */
user: string, password: string, 
/**
 * The old password of the caller; empty if there is none.
 */
old: string, };

export type NewView = { page: "project" | "sweep", name: string, query: string, };

export type OnlyThing = { "run": string } | { "sweep": string } | { "report": string };

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

export type People = { users: Array<Person>, teams: Array<string>, };

export type Person = { name: string, team: string, admin: boolean, 
/**
 * Whether the user has a password, and not only keys.
 */
password: boolean, roles: Array<PlaceRole>, created_ms: number, };

export type Place = { 
/**
 * The number of trials that had ended.
 */
trials: number, 
/**
 * The time since the first trial began.
 */
ms: number, 
/**
 * The time that the ended trials took together.
 */
work_ms: number, };

export type PlaceRole = { 
/**
 * `TEAM` or `TEAM/PROJECT`.
 */
place: string, role: "viewer" | "member" | "admin", };

export type Prediction = { trial: number, mean: number, 
/**
 * The interval that holds 95 % of such trials.
 */
low: number, high: number, 
/**
 * The value that the trial logged.
 */
value: number, 
/**
 * Whether the value lies in the interval.
 */
covered: boolean, };

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

export type ProjectKeys = { config: Array<Key>, summary: Array<Key>, history: Array<Key>, 
/**
 * Whether the largest value of a metric is the best, as far as sweeps and programs say so.
 */
goals: { [key in string]: boolean }, };

export type ProjectStorage = { team: string, project: string, contents: number, rows: number, };

export type Projects = { projects: Array<Project>, };

export type ProjectsStorage = { 
/**
 * The projects that the caller may see, the largest first.
 */
projects: Array<ProjectStorage>, };

export type Proposal = { 
/**
 * The number that its trial would get.
 */
trial: number, 
/**
 * The active parameters, by the paths of their keys, joined by `.`.
 */
values: { [key: string]: Json }, 
/**
 * Why the search chose the point.
 */
origin: "grid" | "random" | "sobol" | "initial" | "listed" | "queued" | "model", 
/**
 * The predicted mean of the metric; `null` if no model chose the point.
 */
mean: number | null, 
/**
 * The predicted standard deviation, in units of the metric.
 */
deviation: number | null, 
/**
 * The expected improvement on the incumbent, times the probability that the point keeps every
 * limit, in units of the metric.
 */
acquisition: number | null, };

export type Proposals = { 
/**
 * The number of trials that have ended.
 */
ended: number, 
/**
 * The number of trials that have not ended; the search knows that their values will come.
 */
pending: number, 
/**
 * The points, the next one first.
 */
proposals: Array<Proposal>, 
/**
 * Why there is no point; empty if there is one.
 */
nothing: string, };

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

export type Restoration = { 
/**
 * The ids of runs and sweeps.
 */
ids: Array<string>, };

export type Restored = { items: Array<RestoredItem>, };

export type RestoredItem = { id: string, 
/**
 * The new name of a run whose name another run has now; else `null`.
 */
renamed: string | null, };

export type RunArtifacts = { made: Array<VersionRow>, used: Array<VersionRow>, 
/**
 * Whether the run made or used more versions than these.
 */
more: boolean, };

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
 * The values of the summary that people have set.
 */
edits: Array<SummaryEdit>, 
/**
 * The name of the metric of the run's sweep.
 */
sweep_metric: string | null, note: string, 
/**
 * The charts that W&B's client draws from logged tables.
 */
charts: Array<CustomChart>, 
/**
 * The names of the classes of boxes and masks, as W&B's client tells them.
 */
classes: Array<ClassNames>, id: string, name: string, team: string, project: string, sweep: string | null, trial: number | null, state: string, attempt: number, agent: string, tags: Array<string>, group: string, job_type: string, notes: string, 
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
config?: { [key: string]: Json }, 
/**
 * Values of the summary; `null` brings the value back that the program logged.
 */
summary?: { [key: string]: Json }, };

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

export type RunStorage = { rows: number, files: number, checkpoints: number, };

export type Rung = { iteration: number, value: number, rank: number, of: number, threshold: number | null, stop: boolean, };

export type Rungs = { rungs: Array<SweepRung>, };

export type Runs = { runs: Array<RunRow>, 
/**
 * The number of all runs that were found.
 */
total: number, };

export type RunsEdit = { runs: Array<string>, add_tags?: Array<string>, remove_tags?: Array<string>, group?: string, notes?: string, 
/**
 * Values to lay over the config; the parameters of a trial stay as the search chose them.
 */
config?: { [key: string]: Json }, };

export type SavedView = { id: string, page: "project" | "sweep", name: string, 
/**
 * The part of the page's address behind the `?`.
 */
query: string, 
/**
 * Whether the page opens with this view.
 */
standard: boolean, 
/**
 * Who changed it last.
 */
who: string, changed_ms: number, };

export type SavedViews = { views: Array<SavedView>, };

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
 * `step`, `time` (milliseconds since 1970), `count` (of finite values) or `metric:NAME`.
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
 * The one thing that this key opens; `null` for more.
 */
only: SharedThing | null, 
/**
 * Whether the caller may make links with keys.
 */
shares: boolean, 
/**
 * Whether nobody has to log in.
 */
open: boolean, 
/**
 * The version of the controller.
 */
version: string, };

export type SharedThing = { team: string, project: string, thing: OnlyThing, };

export type Side = "left" | "center" | "right";

export type Slot = { 
/**
 * The numbers of its GPUs; empty for a CPU slot.
 */
gpus: Array<number>, 
/**
 * The id of the run that occupies it.
 */
run: string | null, };

export type SlotGpu = { 
/**
 * Its number on the node.
 */
index: number, 
/**
 * The name of its model.
 */
name: string, };

export type Span = { agent: string, run: string, sweep: string | null, trial: number | null, state: string, value: number | null, 
/**
 * Whether a larger value is better.
 */
maximize: boolean, from_ms: number, 
/**
 * `null` while the run is not over.
 */
to_ms: number | null, };

export type Step = { at: Place, run: string, value: number, };

export type Storage = { database: number, contents: number, contents_count: number, 
/**
 * The bytes of kept checkpoints, which are part of the contents.
 */
checkpoints: number, checkpoints_count: number, 
/**
 * The bytes of what is in the bin; part of the database and the contents.
 */
bin: number, bin_count: number, 
/**
 * The free bytes of the disk; `null` if the disk does not say.
 */
free: number | null, 
/**
 * The bytes that the controller keeps for changes of state.
 */
reserve: number, has_reserve: boolean, 
/**
 * Whether the disk is full, so that rows and contents wait with their senders.
 */
full: boolean, };

export type SummaryEdit = { key: string, 
/**
 * The value that the program logged; `null` if it logged none.
 */
logged: Json, who: string, at_ms: number, };

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
earlier_trials: number, repeats: Repeats | null, 
/**
 * The `run_cap` of the configuration.
 */
run_cap: number | null, 
/**
 * The cap to which people have raised it; `null` if nobody has.
 */
raised_cap: number | null, id: string, name: string, team: string, project: string, method: string, state: string, 
/**
 * Why the sweep wants no new trial; empty if it wants trials.
 */
closing: string, 
/**
 * Why the sweep hands out no new trials, for people; empty if it does.
 */
note: string, metric: string, maximize: boolean, target: number | null, counts: RunCounts, trials_bound: number | null, best_run: string | null, best_value: number | null, created_ms: number, started_ms: number | null, ended_ms: number | null, };

export type SweepDraft = { yaml: string, 
/**
 * Only checks the configuration.
 */
check: boolean, 
/**
 * A key that the caller chooses. A repeat with the same key creates no second sweep.
 */
key: string | null, };

export type SweepRung = { 
/**
 * How often a trial has logged the metric with a finite value when it is judged.
 */
iteration: number, 
/**
 * The worst value with which the newest trial went on; `null` if all trials go on.
 */
threshold: number | null, 
/**
 * The numbers of the trials that went on.
 */
went_on: Array<number>, 
/**
 * The numbers of the trials that had to end.
 */
stopped: Array<number>, };

export type Sweeps = { sweeps: Array<SweepCard>, 
/**
 * The number of all sweeps of the project.
 */
total: number, };

export type TableExtra = { 
/**
 * The number of all runs that were found.
 */
total: number, };

export type TableQuery = { sweep?: string, 
/**
 * Only the runs of these sweeps.
 */
sweeps?: Array<string>, 
/**
 * Only these runs.
 */
runs?: Array<string>, 
/**
 * The most rows; without it, there is a row for each run that was found.
 */
limit?: number, filters?: Array<string>, sort?: Array<string>, search?: string, 
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

export type TrialAttempt = { run: string, trial: number, number: number, 
/**
 * The agent that had it; empty if nobody knows.
 */
agent: string, 
/**
 * The state in which it is or ended.
 */
state: string, 
/**
 * The class of the failure; `null` if it did not fail.
 */
class: string | null, from_ms: number, to_ms: number | null, value: number | null, };

export type TrialAttempts = { attempts: Array<TrialAttempt>, };

export type VersionDetail = { description: string, metadata: Json, 
/**
 * The ids of runs that made the version.
 */
made_by: Array<string>, 
/**
 * The ids of runs that used the version.
 */
used_by: Array<string>, 
/**
 * Those of both that are deleted.
 */
deleted: Array<string>, team: string, project: string, name: string, version: number, kind: string, aliases: Array<string>, tags: Array<string>, files: number, size: number, digest: string, created_ms: number, };

export type VersionDifference = { 
/**
 * The number of the older version.
 */
old: number, added: number, removed: number, changed: number, same: number, changes: Array<FileChange>, 
/**
 * The path `after` which the next page begins; `null` if there are no more.
 */
next: string | null, };

export type VersionEdit = { description?: string, add_tags: Array<string>, remove_tags: Array<string>, };

export type VersionFolder = { items: Array<VersionItem>, 
/**
 * Where the next page begins (`from`); `null` if there are no more items.
 */
next: string | null, };

export type VersionItem = { path: string, kind: "file" | "folder" | "reference", 
/**
 * The number of files in a folder; 1 for a file.
 */
files: number, size: number, 
/**
 * The hash of a file's content, or the digest of a reference.
 */
digest: string | null, 
/**
 * The address of a reference.
 */
url: string | null, };

export type VersionRow = { team: string, project: string, name: string, version: number, kind: string, aliases: Array<string>, tags: Array<string>, files: number, size: number, digest: string, created_ms: number, };

export type ViewEdit = { name?: string, query?: string, standard?: boolean, };

export type Waiting = { sweep: string, name: string, team: string, project: string, 
/**
 * The number of its queued runs.
 */
queued: number, 
/**
 * The number of trials that it will still create; `null` if there is no bound.
 */
to_create: number | null, 
/**
 * Why they wait.
 */
why: string, 
/**
 * What to do about it; empty if nothing has to be done.
 */
advice: string, 
/**
 * Whether nothing happens until a person does something.
 */
is_stuck: boolean, };

export type WantedKey = { 
/**
 * The user; empty means the caller.
 */
user: string, label: string, 
/**
 * `full`, `read`, `agent` or `ingest`; empty means `full`.
 */
kind: string, sweeps: Array<string>, projects: Array<string>, 
/**
 * The one thing that a key for reading opens. Then it names no projects.
 */
only?: OnlyThing | null, 
/**
 * How many seconds the key is valid; `null` for ever.
 */
lasts_s?: number | null, };

export type WantedRole = { 
/**
 * `TEAM` or `TEAM/PROJECT`.
 */
place: string, 
/**
 * `viewer`, `member` or `admin`; `null` takes the role away.
 */
role: string | null, };

export type WantedTeam = { name: string, };

export type WantedUser = { name: string, 
/**
 * The user's own team, which is made if it does not exist; `null`: one of the user's name.
 */
team?: string | null, 
/**
 * The role in this team: `viewer`, `member` or `admin`.
 */
role: string, 
/**
 * Whether the user may do everything.
 */
admin?: boolean, };

export type YamlProblem = { severity: "error" | "warning", 
/**
 * The line, counted from 1, and its text.
 */
line: number, text: string, 
/**
 * The first and the last column, counted from 1 in characters.
 */
first: number, last: number, message: string, hint: string | null, };

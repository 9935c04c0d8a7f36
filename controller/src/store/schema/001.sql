-- Schema 1. The rows are the truth. Blobs in the format of the crate `record` keep what SQL cannot:
-- NaN, infinities and the types of values. Columns that change with every trial are in narrow
-- tables of their own, so that a change rewrites few bytes.

-- One row with the number of the newest event. The numbers of events have no gaps and become
-- visible in order.
CREATE TABLE ledger (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO ledger (id, last) VALUES (1, 0);

-- The facts of this data folder, such as its secret.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- A sweep as it was created. It is never updated.
CREATE TABLE sweeps (
    key             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    idempotency_key TEXT UNIQUE,
    yaml            TEXT NOT NULL,
    warnings        TEXT NOT NULL,     -- JSON array of texts
    seed            INTEGER NOT NULL,  -- the bits of an unsigned number
    created_ms      INTEGER NOT NULL
) STRICT;

-- The state of a sweep. The transaction that changes a run updates the counters of its sweep. The
-- counters are never computed again from the runs.
CREATE TABLE progress (
    sweep      TEXT PRIMARY KEY REFERENCES sweeps (id),
    state      TEXT NOT NULL,
    closing    TEXT,                   -- why the sweep wants no new trial
    next_trial INTEGER NOT NULL,
    queued     INTEGER NOT NULL,
    leased     INTEGER NOT NULL,
    running    INTEGER NOT NULL,
    finished   INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    crashed    INTEGER NOT NULL,
    stopped    INTEGER NOT NULL,       -- schema 2 counts the pruned runs apart
    best_run   TEXT,
    best_value REAL,
    ended_ms   INTEGER
) STRICT;

CREATE TABLE runs (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    sweep       TEXT REFERENCES sweeps (id),
    trial       INTEGER,
    project     TEXT NOT NULL,
    name        TEXT NOT NULL,
    tags        TEXT NOT NULL,         -- JSON array of texts
    config      TEXT NOT NULL,         -- JSON object
    -- How the search chose the point.
    seen        INTEGER NOT NULL,      -- number of the newest event that the search knew
    origin      TEXT,                  -- JSON
    fit         TEXT,                  -- JSON
    engine      TEXT,                  -- build and SIMD level that proposed it
    -- The state of the run.
    state       TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    agent       TEXT,
    crashes     INTEGER NOT NULL,      -- attempts that ended in a crash
    front       INTEGER NOT NULL,      -- 1: the run goes before others in the queue
    stop_wanted TEXT,                  -- why the run should end
    -- What its present attempt has logged.
    history     INTEGER NOT NULL,      -- rows of history
    logged      INTEGER NOT NULL,      -- rows that hold the sweep's metric
    value       REAL,                  -- best finite value of the metric
    -- How the run ended.
    class       TEXT,
    exit_code   INTEGER,
    signal      INTEGER,
    message     TEXT,
    note        TEXT,
    created_ms  INTEGER NOT NULL,
    started_ms  INTEGER,
    ended_ms    INTEGER
) STRICT;
CREATE UNIQUE INDEX runs_by_trial ON runs (sweep, trial);
CREATE INDEX runs_alone ON runs (key) WHERE sweep IS NULL;
CREATE INDEX runs_queued ON runs (sweep, front, trial) WHERE state = 'queued';
CREATE INDEX runs_live ON runs (sweep, trial) WHERE state IN ('queued', 'leased', 'running');
CREATE INDEX runs_held ON runs (agent) WHERE state IN ('leased', 'running');

-- The last value of each key of a run's present attempt, as frames.
CREATE TABLE summaries (
    run     INTEGER PRIMARY KEY REFERENCES runs (key),
    latest  BLOB NOT NULL,             -- from history, each key at its highest step
    overlay BLOB NOT NULL              -- from the summary stream
) STRICT;

-- The rows of runs as they were sent, one block per append.
CREATE TABLE blocks (
    key     INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES runs (key),
    stream  TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    writer  TEXT NOT NULL,
    first   INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    fenced  INTEGER NOT NULL,          -- 1: of a fenced or late attempt; the rows do not count
    frames  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_in_order ON blocks (run, stream, attempt, writer, first);

CREATE TABLE agents (
    id          TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    sweep  TEXT,
    run    TEXT,
    kind   TEXT NOT NULL,
    body   TEXT NOT NULL               -- JSON
) STRICT;
CREATE INDEX events_of_sweep ON events (sweep, number);

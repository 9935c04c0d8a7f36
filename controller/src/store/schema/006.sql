-- Schema 6. What a run says of itself beside its rows.

-- Of runs whose program said something; read with the run, written seldom.
CREATE TABLE about (
    run      INTEGER PRIMARY KEY REFERENCES runs (key),
    notes    TEXT NOT NULL,
    grouped  TEXT NOT NULL,            -- the group that it belongs to
    job_type TEXT NOT NULL,
    added    TEXT NOT NULL,            -- JSON object: what a trial's program added to its parameters
    metrics  TEXT NOT NULL,            -- JSON array: how metrics are summed up
    code     TEXT NOT NULL             -- JSON object: code and machine at the start
) STRICT;

-- Which attempt a call of Begin has begun, so that its repeat begins nothing.
CREATE TABLE begins (
    idempotency_key TEXT PRIMARY KEY,
    run             TEXT NOT NULL REFERENCES runs (id),
    attempt         INTEGER NOT NULL
) STRICT;

-- For each key of history that held finite numbers: how many, and their least, largest and sum; as frames.
ALTER TABLE summaries ADD COLUMN ranges BLOB NOT NULL DEFAULT x'';
-- The largest step of history plus one; the bits of an unsigned number.
ALTER TABLE summaries ADD COLUMN next_step INTEGER NOT NULL DEFAULT 0;

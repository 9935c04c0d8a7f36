-- Schema 6. What a run reports about itself beside its rows.

-- Only runs whose program reported something have a row. This row is read with the run and seldom
-- written.
CREATE TABLE about (
    run      INTEGER PRIMARY KEY REFERENCES runs (key),
    notes    TEXT NOT NULL,
    grouped  TEXT NOT NULL,            -- the group that the run belongs to
    job_type TEXT NOT NULL,
    added    TEXT NOT NULL,            -- JSON object: what a trial added to its parameters
    metrics  TEXT NOT NULL,            -- JSON array: how metrics are summed up
    code     TEXT NOT NULL             -- JSON object: code and machine at the start
) STRICT;

-- The attempt that a call of Begin has begun, so that a repeated call begins nothing.
CREATE TABLE begins (
    idempotency_key TEXT PRIMARY KEY,
    run             TEXT NOT NULL REFERENCES runs (id),
    attempt         INTEGER NOT NULL
) STRICT;

-- As frames, for each key of history that held finite numbers: their count, least, largest and sum.
ALTER TABLE summaries ADD COLUMN ranges BLOB NOT NULL DEFAULT x'';
-- The largest step of history plus one; the bits of an unsigned number.
ALTER TABLE summaries ADD COLUMN next_step INTEGER NOT NULL DEFAULT 0;

-- Schema 25. Points that people have queued for sweeps.

CREATE TABLE queued_points (
    key             INTEGER PRIMARY KEY,   -- the order of the queue
    sweep           TEXT NOT NULL REFERENCES sweeps (id),
    point           TEXT NOT NULL,         -- JSON: the values that people gave
    trial           INTEGER,               -- the number of the trial that took it; NULL: it waits
    idempotency_key TEXT                   -- the key of the call that queued it
) STRICT;
CREATE INDEX queued_points_by_sweep ON queued_points (sweep, trial);

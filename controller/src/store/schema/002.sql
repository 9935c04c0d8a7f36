-- Schema 2. Early stopping.

-- How often the present attempt has logged a finite value of the sweep's metric in its history.
ALTER TABLE runs ADD COLUMN iteration INTEGER NOT NULL DEFAULT 0;

-- From now on `stopped` counts only the runs that a person stopped.
ALTER TABLE progress ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;

-- One row for each rung that an attempt has reached, with the decision there.
CREATE TABLE rungs (
    key       INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES runs (key),
    attempt   INTEGER NOT NULL,
    iteration INTEGER NOT NULL,
    sweep     TEXT NOT NULL REFERENCES sweeps (id),
    cost      REAL NOT NULL,            -- the cost that others are compared with; lower is better
    best      REAL NOT NULL,            -- the best value up to this rung, as it was logged
    value     REAL NOT NULL,            -- the value that the run was judged by
    rank      INTEGER NOT NULL,
    of        INTEGER NOT NULL,
    threshold REAL,
    stop      INTEGER NOT NULL,         -- 1: the run was told to end
    counts    INTEGER NOT NULL          -- 1: this is the run's newest attempt at this rung
) STRICT;
CREATE UNIQUE INDEX rungs_of_run ON rungs (run, attempt, iteration);
CREATE INDEX rungs_of_sweep ON rungs (sweep, iteration, key);

-- Schema 19. What W&B's client changes after the creation: names of sweeps, runs that belong to a
-- sweep and are no trials of it.

-- The name that a person has given to the sweep since its creation. NULL: the configuration's.
ALTER TABLE progress ADD COLUMN name TEXT;

-- The runs that a sweep was given at its creation, as a part of its past.
CREATE TABLE prior_runs (
    sweep TEXT NOT NULL REFERENCES sweeps (id),
    run   INTEGER NOT NULL REFERENCES runs (key),
    PRIMARY KEY (sweep, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX prior_runs_by_run ON prior_runs (run);

-- The sweep that a run belongs to without being its trial, as its program says.
ALTER TABLE about ADD COLUMN joined TEXT REFERENCES sweeps (id);
CREATE INDEX about_joined ON about (joined) WHERE joined IS NOT NULL;

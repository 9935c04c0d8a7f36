-- Schema 19. What W&B's client says about sweeps and artifacts after their creation, and artifacts
-- that several of its processes make together.

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

-- What people say about collections of artifacts, and the names that they change. A collection is
-- all versions of one name, or a portfolio. Only described or renamed ones have a row.
CREATE TABLE collections (
    project     TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,                  -- NULL: nobody has said anything
    tags        TEXT NOT NULL,         -- JSON list
    next        INTEGER NOT NULL,      -- the numbers below it were of versions that have moved
    moved       TEXT,                  -- the name that these versions have now
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX collections_by_moved ON collections (project, moved) WHERE moved IS NOT NULL;

-- The id that several processes share which make an artifact together. Each of them announces the
-- artifact and sends a manifest of its own files, and one commits what all have sent. NULL: one
-- process makes the artifact.
ALTER TABLE announced ADD COLUMN shared TEXT;
CREATE INDEX announced_shared ON announced (project, name, shared)
    WHERE shared IS NOT NULL AND artifact IS NULL;

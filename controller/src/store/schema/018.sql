-- Schema 18. The bin: deleted runs and sweeps, which can be restored for a while.

-- The deleted runs. Their rows in the other tables stay until they are purged.
CREATE TABLE bin_runs (
    run        INTEGER PRIMARY KEY REFERENCES runs (key),
    deleted_ms INTEGER NOT NULL,
    who        TEXT NOT NULL,          -- as in the audit
    purged     INTEGER NOT NULL        -- 1: being purged; 2: a purged trial, whose row stays
) STRICT;
CREATE INDEX bin_runs_waiting ON bin_runs (deleted_ms) WHERE purged < 2;

-- The deleted sweeps. Their trials are hidden with them and have no rows in `bin_runs` for it.
CREATE TABLE bin_sweeps (
    sweep      TEXT PRIMARY KEY REFERENCES sweeps (id),
    deleted_ms INTEGER NOT NULL,
    who        TEXT NOT NULL,
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    purged     INTEGER NOT NULL        -- 1: being purged
) STRICT, WITHOUT ROWID;
CREATE INDEX bin_sweeps_waiting ON bin_sweeps (deleted_ms);

-- The runs whose rows are gone. The lineage of artifacts still names them, and no run gets the
-- internal key of one again.
CREATE TABLE gone_runs (
    run       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL,
    purged_ms INTEGER NOT NULL
) STRICT;

-- The runs and sweeps that people see: all that are not deleted.
CREATE VIEW shown_runs AS
    SELECT * FROM runs
    WHERE key NOT IN (SELECT run FROM bin_runs)
      AND (sweep IS NULL OR sweep NOT IN (SELECT sweep FROM bin_sweeps));
CREATE VIEW shown_sweeps AS
    SELECT * FROM sweeps WHERE id NOT IN (SELECT sweep FROM bin_sweeps);

-- A new run may have the slug of a deleted one. Among the runs that people see, a slug is unique in
-- a project, because the transaction that gives it to a run looks for another first.
DROP INDEX runs_by_slug;
CREATE INDEX runs_by_slug ON runs (project, slug) WHERE slug IS NOT NULL;

-- The list of projects reads only this index. It needs the sweep of a run to leave out the trials of
-- deleted sweeps.
DROP INDEX runs_by_project;
CREATE INDEX runs_by_project ON runs (project, created_ms, sweep);

-- What a purge has to find by its run.
CREATE INDEX begins_of_run ON begins (run);
CREATE INDEX events_of_lone_run ON events (run) WHERE sweep IS NULL;
CREATE INDEX checkpoints_by_run ON checkpoints (run);

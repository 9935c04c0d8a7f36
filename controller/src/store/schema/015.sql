-- Schema 15. Runs that W&B's client logs.

-- The name of a run in its project, if it is not the run's id. W&B's names of runs are unique in a
-- project only.
ALTER TABLE runs ADD COLUMN slug TEXT;
CREATE UNIQUE INDEX runs_by_slug ON runs (project, slug) WHERE slug IS NOT NULL;

-- How long the program of a run may be silent, in milliseconds. NULL: as the controller is set up.
ALTER TABLE runs ADD COLUMN lease_ms INTEGER;

-- What W&B's client keeps about itself in the config of a run, as a JSON object.
ALTER TABLE about ADD COLUMN client TEXT NOT NULL DEFAULT '{}';

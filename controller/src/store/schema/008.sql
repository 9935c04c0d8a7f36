-- Schema 8. Artifacts. The content of a version is its manifest, a blob. The entries of a version
-- are also stored here. So no blob of a version is removed, and an entry is found without reading
-- the whole manifest.

CREATE TABLE artifacts (
    key           INTEGER PRIMARY KEY,
    project       TEXT NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    digest        TEXT NOT NULL,       -- SHA-256 of the manifest
    manifest_size INTEGER NOT NULL,
    metadata      TEXT NOT NULL,       -- JSON object
    files         INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    removed       INTEGER NOT NULL     -- 1: its number stays taken, its entries go
) STRICT;
CREATE UNIQUE INDEX artifacts_by_name ON artifacts (project, name, version);
CREATE INDEX artifacts_by_digest ON artifacts (project, name, digest);
CREATE INDEX artifacts_of_blob ON artifacts (digest) WHERE removed = 0;

CREATE TABLE artifact_entries (
    artifact  INTEGER NOT NULL REFERENCES artifacts (key),
    path      TEXT NOT NULL,           -- for people; never a path on this machine
    sha256    TEXT REFERENCES blobs (sha256),
    size      INTEGER NOT NULL,
    reference TEXT,                    -- in place of a blob
    PRIMARY KEY (artifact, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_entries_of_blob ON artifact_entries (sha256);

CREATE TABLE artifact_aliases (
    project  TEXT NOT NULL,
    name     TEXT NOT NULL,
    alias    TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifacts (key),
    PRIMARY KEY (project, name, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_aliases_of ON artifact_aliases (artifact);

-- The runs that made a version or used it.
CREATE TABLE artifact_runs (
    artifact INTEGER NOT NULL REFERENCES artifacts (key),
    made     INTEGER NOT NULL,         -- 1: made, 0: used
    run      INTEGER NOT NULL REFERENCES runs (key),
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (artifact, made, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_runs_of ON artifact_runs (run, made DESC, artifact);

-- Schema 16. Artifacts of W&B's client.

-- What identifies the data of a reference, such as an ETag. NULL: nobody has asked.
ALTER TABLE artifact_entries ADD COLUMN pin TEXT;

-- What people say about a version, and its tags as a JSON list.
ALTER TABLE artifacts ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE artifacts ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

-- The MD5 of a blob, as 32 hexadecimal digits. NULL: not computed yet.
ALTER TABLE blobs ADD COLUMN md5 TEXT;
CREATE INDEX blobs_by_md5 ON blobs (md5) WHERE md5 IS NOT NULL;

-- The artifacts that W&B's client has announced. It announces a version before it sends the
-- version's files, and has an id for the version from then on.
CREATE TABLE announced (
    key         INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    run         INTEGER REFERENCES runs (key), -- NULL: the client has not named it yet
    attempt     INTEGER NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    digest      TEXT NOT NULL,         -- MD5 of the client's manifest, as the client says it
    metadata    TEXT NOT NULL,         -- JSON object; empty: none
    aliases     TEXT NOT NULL,         -- JSON list
    description TEXT NOT NULL,
    tags        TEXT NOT NULL,         -- JSON list
    step        INTEGER,               -- the step of the run's history
    client      TEXT,                  -- the id that the client has made up
    partial     INTEGER NOT NULL,      -- 1: the manifest adds to that of the newest version
    manifest    TEXT,                  -- SHA-256 of the client's manifest, a blob; NULL: not here yet
    artifact    INTEGER REFERENCES artifacts (key), -- the version; NULL: it does not exist yet
    created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX announced_by_client ON announced (client) WHERE client IS NOT NULL;
CREATE INDEX announced_of_manifest ON announced (manifest) WHERE manifest IS NOT NULL;
CREATE INDEX announced_of_artifact ON announced (artifact);
CREATE INDEX announced_by_digest ON announced (project, name, digest);
CREATE INDEX announced_pending ON announced (created_ms) WHERE artifact IS NULL;

-- Which projects there are, and the runs of one.
CREATE INDEX runs_by_project ON runs (project, created_ms);

-- Portfolios: collections of versions that have their own names, and numbers for the versions. The
-- aliases in a portfolio are rows of artifact_aliases with the portfolio's name.
CREATE TABLE links (
    key        INTEGER PRIMARY KEY,
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,          -- the name of the portfolio
    version    INTEGER NOT NULL,       -- the number of the version in it
    artifact   INTEGER NOT NULL REFERENCES artifacts (key),
    removed    INTEGER NOT NULL,       -- 1: its number stays taken
    created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX links_by_name ON links (project, name, version);
CREATE INDEX links_of_artifact ON links (artifact) WHERE removed = 0;

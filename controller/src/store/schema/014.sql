-- Schema 14. People: teams, users, roles, keys, and the audit.

CREATE TABLE teams (
    name       TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO teams (name, created_ms) VALUES ('home', 0);

CREATE TABLE users (
    name       TEXT PRIMARY KEY,
    team       TEXT NOT NULL,          -- the team of projects that the user names without a team
    admin      INTEGER NOT NULL,       -- 1: may do everything
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The roles of users.
CREATE TABLE grants (
    user    TEXT NOT NULL REFERENCES users (name),
    team    TEXT NOT NULL,
    project TEXT NOT NULL,             -- its name in the team; '': all projects of the team
    role    TEXT NOT NULL,
    PRIMARY KEY (user, team, project)
) STRICT, WITHOUT ROWID;

-- The keys of users. The key itself is nowhere.
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,       -- the part of the key that is no secret
    hash       BLOB NOT NULL UNIQUE,   -- BLAKE3 of the whole key
    user       TEXT NOT NULL REFERENCES users (name),
    label      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    sweeps     TEXT NOT NULL,          -- JSON array of ids
    projects   TEXT NOT NULL,          -- JSON array of ids
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Who did what. Rows are only added.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    object  TEXT NOT NULL,
    project TEXT
) STRICT;

-- The project of a sweep's runs. Empty: the project that the configuration names, in the team home.
ALTER TABLE sweeps ADD COLUMN project TEXT NOT NULL DEFAULT '';
UPDATE sweeps SET project =
    coalesce((SELECT runs.project FROM runs WHERE runs.sweep = sweeps.id LIMIT 1), '');

-- The user whose key the agent calls with. Empty: it has called with the controller's token only.
ALTER TABLE agents ADD COLUMN owner TEXT NOT NULL DEFAULT '';

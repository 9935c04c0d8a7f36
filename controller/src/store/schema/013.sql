-- Schema 13. Which project has which contents, and how many bytes they take.

-- A run may name the contents that its project has: those that a run of the project has sent, and
-- those that a row of the project names.
CREATE TABLE holdings (
    sha256  TEXT NOT NULL REFERENCES blobs (sha256),
    project TEXT NOT NULL,
    size    INTEGER NOT NULL,
    run     INTEGER,                   -- the run whose token brought it, if one did
    PRIMARY KEY (sha256, project)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO holdings (sha256, project, size, run)
    SELECT blobs.sha256, runs.project, blobs.size, NULL
        FROM files JOIN runs ON runs.key = files.run JOIN blobs ON blobs.sha256 = files.sha256
    UNION SELECT blobs.sha256, runs.project, blobs.size, NULL
        FROM checkpoints JOIN runs ON runs.key = checkpoints.run JOIN blobs ON blobs.sha256 = checkpoints.sha256
    UNION SELECT blobs.sha256, project, blobs.size, NULL
        FROM artifacts JOIN blobs ON blobs.sha256 = digest WHERE removed = 0
    UNION SELECT blobs.sha256, project, blobs.size, NULL
        FROM artifact_entries AS entry JOIN artifacts ON artifacts.key = entry.artifact
        JOIN blobs ON blobs.sha256 = entry.sha256 WHERE removed = 0;

-- The bytes of all contents that a project has.
CREATE TABLE project_bytes (
    project TEXT PRIMARY KEY,
    bytes   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO project_bytes (project, bytes) SELECT project, sum(size) FROM holdings GROUP BY project;

-- The bytes of all contents that a run's tokens have brought.
CREATE TABLE run_bytes (
    run   INTEGER PRIMARY KEY REFERENCES runs (key),
    bytes INTEGER NOT NULL
) STRICT;

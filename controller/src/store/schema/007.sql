-- Schema 7. Files of runs. A blob is the content of a file. The object store holds each blob under
-- its hash.

CREATE TABLE blobs (
    sha256    TEXT PRIMARY KEY,        -- 64 lower-case hexadecimal digits
    size      INTEGER NOT NULL,
    stored_ms INTEGER NOT NULL,
    doomed    INTEGER NOT NULL         -- 1: the blob counts as gone; its object is being removed
) STRICT, WITHOUT ROWID;

-- The last row that an attempt has logged for each path.
CREATE TABLE files (
    run       INTEGER NOT NULL REFERENCES runs (key),
    path      TEXT NOT NULL,           -- for people; never a path on this machine
    attempt   INTEGER NOT NULL,
    sha256    TEXT NOT NULL REFERENCES blobs (sha256),
    size      INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    fenced    INTEGER NOT NULL,        -- 1: sent when another attempt owned the run
    logged_ms INTEGER NOT NULL,
    PRIMARY KEY (run, path, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_of_blob ON files (sha256);

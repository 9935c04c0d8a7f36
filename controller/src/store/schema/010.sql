-- Schema 10. Checkpoints, and the attempts that continued from one.

CREATE TABLE checkpoints (
    key       INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES runs (key),
    attempt   INTEGER NOT NULL,
    writer    TEXT NOT NULL,
    step      INTEGER NOT NULL,        -- the next automatic step; the bits of an unsigned number
    sha256    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    kept      INTEGER NOT NULL,        -- 1: its content stays; 0: replaced, or of a fenced attempt
    logged_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_of_run ON checkpoints (run, attempt, key) WHERE kept = 1;
CREATE INDEX checkpoints_of_blob ON checkpoints (sha256) WHERE kept = 1;

-- How many rows of each stream and writer of the attempt led to a checkpoint.
CREATE TABLE checkpoint_ends (
    checkpoint INTEGER NOT NULL REFERENCES checkpoints (key),
    stream     TEXT NOT NULL,          -- history or summary
    writer     TEXT NOT NULL,
    rows       INTEGER NOT NULL,
    PRIMARY KEY (checkpoint, stream, writer)
) STRICT, WITHOUT ROWID;

-- The checkpoint that an attempt continued from.
CREATE TABLE resumes (
    run        INTEGER NOT NULL REFERENCES runs (key),
    attempt    INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL REFERENCES checkpoints (key),
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

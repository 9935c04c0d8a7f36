-- Schema 12. The note that the agent of an attempt writes for people about the lines that a run's
-- program has printed.

CREATE TABLE printed (
    run     INTEGER PRIMARY KEY REFERENCES runs (key),
    attempt INTEGER NOT NULL,
    note    TEXT NOT NULL
) STRICT;

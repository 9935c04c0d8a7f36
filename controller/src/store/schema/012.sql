-- Schema 12. What a person should know of the lines that a run's program has printed, as the agent of an attempt says it.

CREATE TABLE printed (
    run     INTEGER PRIMARY KEY REFERENCES runs (key),
    attempt INTEGER NOT NULL,
    note    TEXT NOT NULL
) STRICT;

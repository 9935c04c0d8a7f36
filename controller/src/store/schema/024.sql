-- Schema 24. How failed attempts ended, and in which slots attempts ran.

-- NULL in both: nobody wrote it down, or no process ended.
ALTER TABLE failures ADD COLUMN exit_code INTEGER;
ALTER TABLE failures ADD COLUMN signal INTEGER;

-- The slots of attempts, as their agents said it. Attempts before this schema have no row.
CREATE TABLE attempt_slots (
    run     INTEGER NOT NULL REFERENCES runs (key),
    attempt INTEGER NOT NULL,
    slot    INTEGER NOT NULL,          -- the place among the agent's slots, from 0
    gpus    TEXT NOT NULL,             -- JSON list: the number and the name of each GPU
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

-- Attempts of runs outside of sweeps that begin with nothing: what earlier attempts logged stays stored and does not count.
CREATE TABLE fresh_starts (
    run     INTEGER NOT NULL REFERENCES runs (key),
    attempt INTEGER NOT NULL,
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

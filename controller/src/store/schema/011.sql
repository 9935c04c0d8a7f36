-- The attempts of runs outside of sweeps that start from nothing. The rows of earlier attempts stay
-- stored but do not count.
CREATE TABLE fresh_starts (
    run     INTEGER NOT NULL REFERENCES runs (key),
    attempt INTEGER NOT NULL,
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

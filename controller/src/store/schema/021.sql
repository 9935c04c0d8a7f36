-- Schema 21. Raised caps of sweeps.

-- The cap to which people have raised the configuration's `run_cap`. NULL: nobody has. Every raise
-- is an event of the sweep too, so the events say which cap held when a trial was created.
ALTER TABLE progress ADD COLUMN cap INTEGER;

-- The raises whose callers sent a key, so that a repeated call changes nothing.
CREATE TABLE raises (
    sweep           TEXT NOT NULL REFERENCES sweeps (id),
    idempotency_key TEXT NOT NULL,
    cap             INTEGER NOT NULL,  -- the cap after the raise
    PRIMARY KEY (sweep, idempotency_key)
) STRICT, WITHOUT ROWID;

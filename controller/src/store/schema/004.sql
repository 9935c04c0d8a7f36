-- Schema 4. The trials that a warm start begins from.

-- The trials of earlier sweeps as they were when this sweep was created. Later changes to these
-- trials change no suggestion of this sweep.
CREATE TABLE earlier (
    sweep  TEXT PRIMARY KEY REFERENCES sweeps (id),
    trials TEXT NOT NULL               -- JSON array, best first
) STRICT;

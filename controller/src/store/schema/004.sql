-- Schema 4. The trials that a warm start begins from.

-- The trials of earlier sweeps as they were when this sweep was created. Later changes to those
-- change no suggestion.
CREATE TABLE earlier (
    sweep  TEXT PRIMARY KEY REFERENCES sweeps (id),
    trials TEXT NOT NULL               -- JSON array, best first
) STRICT;

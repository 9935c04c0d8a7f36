-- Schema 4. Where searches start warm.

-- Trials of earlier sweeps as they were when this one was created, so that what happens to those changes no suggestion.
CREATE TABLE earlier (
    sweep  TEXT PRIMARY KEY REFERENCES sweeps (id),
    trials TEXT NOT NULL               -- JSON array, best first
) STRICT;

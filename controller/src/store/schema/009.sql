-- Schema 9. Failures by class, the stop of a crash loop, and preemption.

-- The failed attempts of trials.
CREATE TABLE failures (
    run      INTEGER NOT NULL REFERENCES runs (key),
    attempt  INTEGER NOT NULL,
    class    TEXT NOT NULL,
    agent    TEXT,
    message  TEXT,
    ended_ms INTEGER NOT NULL,
    forgiven INTEGER NOT NULL,         -- 1: a person has asked for another attempt since
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

-- Crashes are failures of class `lost`.
ALTER TABLE runs DROP COLUMN crashes;

-- 1: the present attempt has reported that its node will take it away.
ALTER TABLE runs ADD COLUMN preempting INTEGER NOT NULL DEFAULT 0;

-- The number of attempts in a row that failed soon after their start.
ALTER TABLE progress ADD COLUMN quick_failures INTEGER NOT NULL DEFAULT 0;
-- The agent that had all of them. NULL: there are none, or several agents had them.
ALTER TABLE progress ADD COLUMN failing_agent TEXT;
-- Why the controller paused the sweep by itself.
ALTER TABLE progress ADD COLUMN trouble TEXT;

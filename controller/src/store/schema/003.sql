-- Schema 3. The values of a run's metrics that count for the constraints of its sweep.

-- A JSON array with a number or null for each constraint. The column is NULL before the run is
-- over, and in sweeps without constraints.
ALTER TABLE runs ADD COLUMN constrained TEXT;

-- Schema 3. What a run's metrics were against the constraints of its sweep.

-- JSON array, a number or null for each constraint; NULL before the run is over, and in sweeps without constraints.
ALTER TABLE runs ADD COLUMN constrained TEXT;

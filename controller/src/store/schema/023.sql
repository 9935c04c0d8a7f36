-- Schema 23. Keys for one sweep, one run or one report.

-- The one thing of the key's project that the key opens, as JSON: {"run": ID}, {"sweep": ID} or
-- {"report": ID}. NULL: the key opens all that its lists say.
ALTER TABLE keys ADD COLUMN only TEXT;

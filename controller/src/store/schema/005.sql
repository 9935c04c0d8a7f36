-- Schema 5. History by columns. Blocks of single appends are merged into blocks of columns
-- (`record::columns`).

-- The merged blocks. Their `frames` in `blocks` are empty.
CREATE TABLE heads (
    block INTEGER PRIMARY KEY REFERENCES blocks (key),
    level INTEGER NOT NULL,            -- how often its rows were merged; 255: never again
    bytes INTEGER NOT NULL,            -- the bytes of its parts
    head  BLOB NOT NULL
) STRICT;

-- One row for each part, so that a column is read without the others.
CREATE TABLE parts (
    key   INTEGER PRIMARY KEY,         -- block * 2^21 + the number of the part
    bytes BLOB NOT NULL
) STRICT;

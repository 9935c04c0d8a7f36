-- Schema 5. History by columns: what was appended piece by piece is merged into blocks of columns (`record::columns`).

-- The merged blocks. Their `frames` in `blocks` are empty.
CREATE TABLE heads (
    block INTEGER PRIMARY KEY REFERENCES blocks (key),
    level INTEGER NOT NULL,            -- merges that its rows went through; 255: it is merged no more
    bytes INTEGER NOT NULL,            -- of its parts
    head  BLOB NOT NULL
) STRICT;

-- One row for each part, so that a column is read without the others.
CREATE TABLE parts (
    key   INTEGER PRIMARY KEY,         -- block * 2^21 + the number of the part
    bytes BLOB NOT NULL
) STRICT;

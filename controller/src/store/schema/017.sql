-- Schema 17. Passwords of users, and sessions of browsers.

CREATE TABLE passwords (
    user   TEXT PRIMARY KEY REFERENCES users (name),
    hash   TEXT NOT NULL,              -- Argon2id, as a PHC string
    set_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The secret of a session is nowhere.
CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,       -- BLAKE3 of the secret; keyed if the user is NULL
    user       TEXT REFERENCES users (name), -- NULL: the controller's own token opened the session
    key        TEXT REFERENCES keys (id),    -- the key that opened it; NULL: no key did
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,       -- about when it was used last
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

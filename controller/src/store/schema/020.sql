-- Schema 20. Reports: pages of texts and panels that people write about a project.

CREATE TABLE reports (
    id         TEXT PRIMARY KEY,
    project    TEXT NOT NULL,
    title      TEXT NOT NULL,
    blocks     TEXT NOT NULL,          -- JSON list
    version    INTEGER NOT NULL,       -- grows with every change
    author     TEXT NOT NULL,          -- the user who made it; empty for the administrator
    editor     TEXT NOT NULL,          -- the user who changed it last
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    noted_ms   INTEGER NOT NULL,       -- when the audit got its last entry about a change
    deleted_ms INTEGER                 -- NULL: the report is not deleted
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_by_project ON reports (project, changed_ms);
CREATE INDEX reports_deleted ON reports (deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The data of frozen panels. A panel in `blocks` names its key.
CREATE TABLE frozen (
    report     TEXT NOT NULL REFERENCES reports (id),
    key        TEXT NOT NULL,
    data       TEXT NOT NULL,          -- JSON, as the page has made it
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (report, key)
) STRICT;

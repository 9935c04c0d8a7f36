-- Schema 22. Saved views of the dashboard, and what people change about summaries.

-- A saved view is what the address of a page holds, under a name.
CREATE TABLE saved_views (
    id         TEXT PRIMARY KEY,
    project    TEXT NOT NULL,
    page       TEXT NOT NULL,          -- project or sweep
    name       TEXT NOT NULL,
    query      TEXT NOT NULL,          -- the part of the address behind the `?`
    standard   INTEGER NOT NULL,       -- 1: the page opens with it
    who        TEXT NOT NULL,          -- who changed it last
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX saved_views_by_name ON saved_views (project, page, name);

-- The values of the summary that people have set, as a JSON object: under each key, the value, who
-- set it and when. What the program logged stays in `summaries`.
ALTER TABLE about ADD COLUMN edited TEXT NOT NULL DEFAULT '{}';

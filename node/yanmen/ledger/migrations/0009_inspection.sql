-- Findings of inspections as their steps so far make them; `last` is the digest of the newest step, `position` its leaf.
CREATE TABLE inspection (
    finding TEXT PRIMARY KEY,
    inspector TEXT NOT NULL,
    node TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'rectified', 'passed', 'closed')),
    deadline_s INTEGER NOT NULL CHECK (deadline_s > 0),
    text TEXT NOT NULL,
    last TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL UNIQUE REFERENCES leaf (position)
) STRICT, WITHOUT ROWID;

-- What the holder ordered and has not taken back; each names the leaf that says so.
CREATE TABLE killed (
    owner TEXT NOT NULL,
    job_id TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES leaf (position),
    PRIMARY KEY (owner, job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE member_suspended (
    party TEXT PRIMARY KEY,
    position INTEGER NOT NULL REFERENCES leaf (position)
) STRICT, WITHOUT ROWID;

-- One row while the node is disconnected (断网).
CREATE TABLE disconnected (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL REFERENCES leaf (position)
) STRICT;

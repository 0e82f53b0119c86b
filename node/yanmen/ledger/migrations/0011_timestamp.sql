-- Time stamps of an authority (RFC 3161) over heads, as they came; they were verified before.
CREATE TABLE timestamp (
    size INTEGER PRIMARY KEY REFERENCES checkpoint (size),
    token BLOB NOT NULL,
    at_s INTEGER NOT NULL CHECK (at_s > 0)
) STRICT;

CREATE TRIGGER timestamp_stays BEFORE UPDATE ON timestamp
BEGIN SELECT RAISE(ABORT, 'a time stamp never changes'); END;

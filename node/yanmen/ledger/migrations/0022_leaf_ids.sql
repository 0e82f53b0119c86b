-- Only SQLite: leaves without an index of their ids, of which each commit changed a page. An id begins with its leaf's place, and nobody looks for one.
CREATE TABLE leaf_without (
    position INTEGER PRIMARY KEY CHECK (position >= 0),
    jti TEXT NOT NULL,
    stage TEXT NOT NULL,
    party TEXT NOT NULL,
    at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
    jws TEXT NOT NULL
) STRICT;

INSERT INTO leaf_without SELECT position, jti, stage, party, at_ms, jws FROM leaf ORDER BY position;

DROP TABLE leaf;

ALTER TABLE leaf_without RENAME TO leaf;

CREATE TRIGGER leaf_follows BEFORE INSERT ON leaf
WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM leaf)
BEGIN SELECT RAISE(ABORT, 'a leaf follows the last one'); END;

CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf
BEGIN SELECT RAISE(ABORT, 'a leaf never changes'); END;

CREATE TRIGGER leaf_is_kept BEFORE DELETE ON leaf
BEGIN SELECT RAISE(ABORT, 'a leaf is never deleted'); END;

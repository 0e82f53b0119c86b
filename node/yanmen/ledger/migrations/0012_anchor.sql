-- Heads that the anchor hook wrote into a chain, with its answer: a transaction's id, as a rule.
CREATE TABLE anchor (
    size INTEGER PRIMARY KEY REFERENCES checkpoint (size),
    answer TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TRIGGER anchor_stays BEFORE UPDATE ON anchor
BEGIN SELECT RAISE(ABORT, 'an anchor never changes'); END;

CREATE TRIGGER anchor_is_kept BEFORE DELETE ON anchor
BEGIN SELECT RAISE(ABORT, 'an anchor is never deleted'); END;

-- Since when the hook fails, and how it did last; empty while it works.
CREATE TABLE anchor_failure (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since_ms INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- Keys of this node that were exchanged, each by the leaf `position`; the row of `node` has the ones in use.
CREATE TABLE key_change (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    use TEXT NOT NULL CHECK (use IN ('receipt', 'log')),
    ending TEXT NOT NULL CHECK (ending IN ('rotated', 'revoked')),
    old BLOB NOT NULL UNIQUE CHECK (length(old) = 32),
    new BLOB NOT NULL UNIQUE CHECK (length(new) = 32 AND new <> old)
) STRICT;

CREATE TRIGGER key_change_stays BEFORE UPDATE ON key_change
BEGIN SELECT RAISE(ABORT, 'a key change never changes'); END;

CREATE TRIGGER key_change_is_kept BEFORE DELETE ON key_change
BEGIN SELECT RAISE(ABORT, 'a key change is never deleted'); END;

-- A witness: its key and what it cosigned are one file, because a key with older memories can cosign two histories.
CREATE TABLE witness (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    seed BLOB NOT NULL CHECK (length(seed) = 32)
) STRICT;

-- The logs it watches, and the newest head of each, cosigned ("" and 0 before the first).
CREATE TABLE log (
    origin TEXT PRIMARY KEY,
    key BLOB NOT NULL CHECK (length(key) = 32),
    size INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
    note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TRIGGER log_never_shrinks BEFORE UPDATE ON log
WHEN NEW.size < OLD.size OR NEW.origin <> OLD.origin OR NEW.key <> OLD.key
BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END;

CREATE TRIGGER log_is_kept BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END;

CREATE TRIGGER witness_stays BEFORE UPDATE ON witness
BEGIN SELECT RAISE(ABORT, 'a witness has one key'); END;

-- A log may exchange its key; one it had never comes back.
CREATE TABLE former_key (
    origin TEXT NOT NULL REFERENCES log (origin),
    key BLOB NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (origin, key)
) STRICT, WITHOUT ROWID;

DROP TRIGGER log_never_shrinks;

CREATE TRIGGER log_never_shrinks BEFORE UPDATE ON log
WHEN NEW.size < OLD.size OR NEW.origin <> OLD.origin
    OR EXISTS (SELECT 1 FROM former_key WHERE origin = NEW.origin AND key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END;

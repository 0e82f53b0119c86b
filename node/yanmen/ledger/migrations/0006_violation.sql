-- Security events: the leaf of each question whose job made a call that no job makes, and whose question it was.
CREATE TABLE violation (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    contract TEXT NOT NULL,
    consumer TEXT NOT NULL
) STRICT;

CREATE INDEX violation_by_consumer ON violation (consumer);

CREATE TRIGGER violation_stays BEFORE UPDATE ON violation
BEGIN SELECT RAISE(ABORT, 'a security event never changes'); END;

CREATE TRIGGER violation_is_kept BEFORE DELETE ON violation
BEGIN SELECT RAISE(ABORT, 'a security event is never deleted'); END;

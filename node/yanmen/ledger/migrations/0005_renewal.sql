-- More lifetime budget for a subject space, each by a leaf of its own; `next_ms` is when the next may be decided.
CREATE TABLE renewal (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    space TEXT NOT NULL REFERENCES subject_space (name),
    micro_rho INTEGER NOT NULL CHECK (micro_rho >= 0),
    delta_e12 INTEGER NOT NULL CHECK (delta_e12 >= 0),
    next_ms INTEGER NOT NULL,
    CHECK (micro_rho > 0 OR delta_e12 > 0)
) STRICT;

CREATE TRIGGER renewal_stays BEFORE UPDATE ON renewal
BEGIN SELECT RAISE(ABORT, 'a renewal never changes'); END;

CREATE TRIGGER renewal_is_kept BEFORE DELETE ON renewal
BEGIN SELECT RAISE(ABORT, 'a renewal is never deleted'); END;

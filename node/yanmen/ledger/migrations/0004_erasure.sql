-- Leaves whose disclosures were destroyed after their contract's term, and the leaf that says so.
CREATE TABLE erased (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    erasure INTEGER NOT NULL REFERENCES leaf (position) CHECK (erasure > position)
) STRICT;

CREATE TRIGGER erased_stays BEFORE DELETE ON erased
BEGIN SELECT RAISE(ABORT, 'what was erased stays erased'); END;

-- Contracts whose end asks for proof that what was released under them is destroyed.
CREATE TABLE deletion (
    contract TEXT PRIMARY KEY REFERENCES contract (id),
    consumer TEXT NOT NULL,
    days INTEGER NOT NULL CHECK (days > 0),
    until_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL DEFAULT 0,
    by_node INTEGER REFERENCES leaf (position),
    by_consumer INTEGER REFERENCES leaf (position)
) STRICT;

-- Stored answers that the node destroyed when their contract was over.
CREATE TABLE deleted_answer (
    position INTEGER PRIMARY KEY REFERENCES answer (position),
    contract TEXT NOT NULL REFERENCES contract (id)
) STRICT;

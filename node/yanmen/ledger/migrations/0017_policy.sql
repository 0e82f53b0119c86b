-- The guard rails that questions are held to, and the leaf that says since when.
CREATE TABLE policy_in_force (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    digest TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES leaf (position)
) STRICT;

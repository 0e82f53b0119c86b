-- What units in the data decided about being used, by keyed hash; the newest of each scope.
CREATE TABLE consent (
    space TEXT NOT NULL,
    unit TEXT NOT NULL,
    scope TEXT NOT NULL,
    given INTEGER NOT NULL CHECK (given IN (0, 1)),
    PRIMARY KEY (space, unit, scope)
) STRICT;

-- Snapshots made of others, without the units that withdrew.
CREATE TABLE pruned (
    version TEXT NOT NULL,
    exclusion TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (version, exclusion)
) STRICT;

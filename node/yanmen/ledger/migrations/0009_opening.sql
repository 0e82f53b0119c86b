-- What was spent in the log before this one: a log that continues another begins with these sums, not with none.
CREATE TABLE opening (
    kind TEXT NOT NULL CHECK (kind IN ('contract', 'space', 'violations')),
    name TEXT NOT NULL,
    queries INTEGER NOT NULL DEFAULT 0 CHECK (queries >= 0),
    today INTEGER NOT NULL DEFAULT 0 CHECK (today >= 0),
    micro_rho INTEGER NOT NULL CHECK (micro_rho >= 0),
    delta_e12 INTEGER NOT NULL CHECK (delta_e12 >= 0),
    price_fen INTEGER NOT NULL DEFAULT 0 CHECK (price_fen >= 0),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

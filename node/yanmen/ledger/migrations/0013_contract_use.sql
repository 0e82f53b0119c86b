-- Uses of contracts whose controls count them by periods other than days.
CREATE TABLE contract_use (
    contract TEXT NOT NULL REFERENCES contract (id),
    nth INTEGER NOT NULL CHECK (nth >= 0),
    at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
    PRIMARY KEY (contract, nth)
) STRICT, WITHOUT ROWID;

CREATE INDEX contract_use_times ON contract_use (contract, at_ms);

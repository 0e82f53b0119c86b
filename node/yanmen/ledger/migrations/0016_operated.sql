-- Which contracts hang on which grant of operation, as their signed offers say.
CREATE TABLE operated (
    contract TEXT PRIMARY KEY REFERENCES contract (id),
    operation TEXT NOT NULL
) STRICT;

CREATE INDEX operated_operation ON operated (operation);

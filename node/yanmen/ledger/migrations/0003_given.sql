-- Answers that were given, and the leaf by which the consumer acknowledged the receipt. Answers given before are not asked after.
CREATE TABLE given (
    outcome INTEGER PRIMARY KEY REFERENCES leaf (position),
    consumer TEXT NOT NULL,
    contract TEXT NOT NULL REFERENCES contract (id),
    job_id TEXT NOT NULL,
    acknowledged INTEGER UNIQUE REFERENCES leaf (position) CHECK (acknowledged > outcome)
) STRICT;

CREATE INDEX given_due ON given (consumer, contract) WHERE acknowledged IS NULL;

CREATE TRIGGER given_is_acknowledged_once BEFORE UPDATE ON given
WHEN OLD.acknowledged IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a receipt is acknowledged once'); END;

-- What one aggregator holds of each federated question: its own noise, others' envelopes, the set it
-- certified and the sum it opened. A set, once certified, is never another one.

CREATE TABLE sum (
    manifest    TEXT NOT NULL PRIMARY KEY CHECK (length(manifest) = 64),
    consumer    TEXT NOT NULL,
    token       BLOB NOT NULL,
    set_digest  TEXT NOT NULL DEFAULT '',
    certificate BLOB NOT NULL DEFAULT x'',
    partial     BLOB NOT NULL DEFAULT x'',
    CHECK ((set_digest = '') = (certificate = x''))
) STRICT;

CREATE TABLE deposit (
    manifest   TEXT NOT NULL REFERENCES sum,
    dealer     TEXT NOT NULL,
    leaf       BLOB NOT NULL CHECK (length(leaf) = 32),
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    share      BLOB NOT NULL CHECK (length(share) = 32),
    envelope   BLOB NOT NULL,
    PRIMARY KEY (manifest, dealer)
) STRICT, WITHOUT ROWID;

CREATE TABLE noise (
    manifest  TEXT NOT NULL PRIMARY KEY REFERENCES sum,
    position  INTEGER NOT NULL,
    envelopes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sum_certified_once BEFORE UPDATE OF set_digest ON sum
WHEN old.set_digest <> '' AND new.set_digest <> old.set_digest
BEGIN
    SELECT raise(ABORT, 'a set is certified once');
END;

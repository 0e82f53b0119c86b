-- Where a contract stands that waits: offered by its holder, or signed by both and not yet by every side.
ALTER TABLE contract ADD COLUMN negotiating TEXT NOT NULL DEFAULT '' CHECK (negotiating IN ('', 'offered', 'agreed'));

ALTER TABLE contract ADD COLUMN counter BLOB NOT NULL DEFAULT x'';

-- What is to replace a contract in force, as far as it has come; the contract's own row has what is in force.
CREATE TABLE amendment (
    id TEXT PRIMARY KEY REFERENCES contract (id),
    digest TEXT NOT NULL UNIQUE,
    offer BLOB NOT NULL,
    acceptance BLOB NOT NULL DEFAULT x'',
    negotiating TEXT NOT NULL DEFAULT '' CHECK (negotiating IN ('', 'offered', 'agreed')),
    counter BLOB NOT NULL DEFAULT x'',
    decided_by TEXT NOT NULL DEFAULT '',
    offered INTEGER NOT NULL REFERENCES leaf (position)
) STRICT;

-- Versions that were in force and were amended.
CREATE TABLE contract_version (
    contract TEXT NOT NULL REFERENCES contract (id),
    digest TEXT NOT NULL,
    offer BLOB NOT NULL,
    acceptance BLOB NOT NULL,
    replaced INTEGER NOT NULL REFERENCES leaf (position),
    PRIMARY KEY (contract, digest)
) STRICT, WITHOUT ROWID;

-- What sides signed over one version, beside offer and acceptance.
CREATE TABLE contract_signature (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    contract TEXT NOT NULL REFERENCES contract (id),
    digest TEXT NOT NULL,
    act TEXT NOT NULL,
    party TEXT NOT NULL,
    document BLOB NOT NULL,
    UNIQUE (contract, digest, act, party)
) STRICT;

CREATE TRIGGER contract_signature_stays BEFORE UPDATE ON contract_signature
BEGIN SELECT RAISE(ABORT, 'a signature never changes'); END;

-- Further sides that a contract names, which may read and sign it.
CREATE TABLE contract_side (
    contract TEXT NOT NULL REFERENCES contract (id),
    party TEXT NOT NULL,
    PRIMARY KEY (contract, party)
) STRICT, WITHOUT ROWID;

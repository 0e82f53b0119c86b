-- The first schema. Times are Unix milliseconds, money is fen (分), δ counts units of 1e-12, ρ is micro-ρ.
-- Every CHECK repeats a rule that the code holds first: a bug there must not be able to overspend.

CREATE TABLE node (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    origin TEXT NOT NULL,
    receipt_key BLOB NOT NULL CHECK (length(receipt_key) = 32),
    log_key BLOB NOT NULL CHECK (length(log_key) = 32),
    created_ms INTEGER NOT NULL
) STRICT;

-- The log -------------------------------------------------------------------------------------------

CREATE TABLE leaf (
    position INTEGER PRIMARY KEY CHECK (position >= 0),
    jti TEXT NOT NULL UNIQUE,
    stage TEXT NOT NULL,
    party TEXT NOT NULL,
    at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
    jws TEXT NOT NULL
) STRICT;

-- What the salted digests of a leaf stand for; erasing a row keeps the log verifiable.
CREATE TABLE disclosure (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    shown TEXT NOT NULL,
    withheld TEXT NOT NULL
) STRICT;

-- Hashes of complete subtrees: 2^level leaves from position * 2^level on.
CREATE TABLE subtree (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 62),
    position INTEGER NOT NULL CHECK (position >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY CHECK (size > 0),
    note TEXT NOT NULL
) STRICT;

-- The last leaf of each contract ("" = all leaves outside a contract), so that a leaf can name the one before it.
CREATE TABLE series (
    contract TEXT PRIMARY KEY,
    length INTEGER NOT NULL CHECK (length > 0),
    last TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER leaf_follows BEFORE INSERT ON leaf
WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM leaf)
BEGIN SELECT RAISE(ABORT, 'a leaf follows the last one'); END;

CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf
BEGIN SELECT RAISE(ABORT, 'a leaf never changes'); END;

CREATE TRIGGER leaf_is_kept BEFORE DELETE ON leaf
BEGIN SELECT RAISE(ABORT, 'a leaf is never deleted'); END;

CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint never changes'); END;

CREATE TRIGGER checkpoint_is_kept BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;

-- The catalogue -------------------------------------------------------------------------------------

CREATE TABLE subject_space (
    name TEXT PRIMARY KEY,
    micro_rho_cap INTEGER NOT NULL CHECK (micro_rho_cap >= 0),
    micro_rho_spent INTEGER NOT NULL DEFAULT 0 CHECK (micro_rho_spent BETWEEN 0 AND micro_rho_cap),
    delta_e12_cap INTEGER NOT NULL CHECK (delta_e12_cap >= 0),
    delta_e12_spent INTEGER NOT NULL DEFAULT 0 CHECK (delta_e12_spent BETWEEN 0 AND delta_e12_cap)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_version (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version TEXT NOT NULL UNIQUE,
    dataset BLOB NOT NULL,
    path TEXT NOT NULL,
    plain_bytes INTEGER NOT NULL CHECK (plain_bytes >= 0),
    published_ms INTEGER NOT NULL,
    leaf INTEGER NOT NULL REFERENCES leaf (position),
    retracted INTEGER NOT NULL DEFAULT 0 CHECK (retracted IN (0, 1))
) STRICT;

CREATE INDEX dataset_version_name ON dataset_version (name, ordinal);

-- An older version never comes back: when the newest one is retracted, the dataset has none.
CREATE VIEW newest_version AS
SELECT * FROM dataset_version AS this
WHERE ordinal = (SELECT max(ordinal) FROM dataset_version WHERE name = this.name);

CREATE TABLE register (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    serial INTEGER NOT NULL CHECK (serial >= 0),
    digest TEXT NOT NULL
) STRICT;

-- Contracts and what was spent under them -----------------------------------------------------------

CREATE TABLE contract (
    id TEXT PRIMARY KEY,
    consumer TEXT NOT NULL,
    digest TEXT NOT NULL,
    offer BLOB NOT NULL,
    acceptance BLOB NOT NULL DEFAULT x'',
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'denied', 'revoked', 'suspended')),
    decided_by TEXT NOT NULL DEFAULT '',
    micro_rho_cap INTEGER NOT NULL CHECK (micro_rho_cap >= 0),
    micro_rho_spent INTEGER NOT NULL DEFAULT 0 CHECK (micro_rho_spent BETWEEN 0 AND micro_rho_cap),
    delta_e12_cap INTEGER NOT NULL CHECK (delta_e12_cap >= 0),
    delta_e12_spent INTEGER NOT NULL DEFAULT 0 CHECK (delta_e12_spent BETWEEN 0 AND delta_e12_cap),
    queries_cap INTEGER NOT NULL CHECK (queries_cap >= 0),
    queries_spent INTEGER NOT NULL DEFAULT 0 CHECK (queries_spent BETWEEN 0 AND queries_cap),
    queries_per_day_cap INTEGER NOT NULL CHECK (queries_per_day_cap >= 0),
    price_fen_spent INTEGER NOT NULL DEFAULT 0 CHECK (price_fen_spent >= 0),
    offered INTEGER NOT NULL REFERENCES leaf (position)
) STRICT, WITHOUT ROWID;

-- Questions per day of Chinese civil time (UTC+8).
CREATE TABLE contract_day (
    contract TEXT NOT NULL REFERENCES contract (id),
    day INTEGER NOT NULL,
    queries INTEGER NOT NULL CHECK (queries > 0),
    PRIMARY KEY (contract, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_spend (
    consumer TEXT NOT NULL,
    session TEXT NOT NULL,
    micro_rho INTEGER NOT NULL CHECK (micro_rho >= 0),
    price_fen INTEGER NOT NULL CHECK (price_fen >= 0),
    PRIMARY KEY (consumer, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE request_seen (
    consumer TEXT NOT NULL,
    jti TEXT NOT NULL,
    PRIMARY KEY (consumer, jti)
) STRICT, WITHOUT ROWID;

-- Run-time failures over all time: each may tell one bit about the data.
CREATE TABLE run_failure (
    consumer TEXT NOT NULL,
    space TEXT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures > 0),
    PRIMARY KEY (consumer, space)
) STRICT, WITHOUT ROWID;

CREATE TABLE rate (
    consumer TEXT NOT NULL,
    kind TEXT NOT NULL,
    minute INTEGER NOT NULL,
    uses INTEGER NOT NULL CHECK (uses > 0),
    PRIMARY KEY (consumer, kind, minute)
) STRICT, WITHOUT ROWID;

-- Jobs ----------------------------------------------------------------------------------------------

-- A debit and its intent leaf; `ended` is the leaf that closed it.
CREATE TABLE intent (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    ref TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    job_id TEXT NOT NULL,
    consumer TEXT NOT NULL,
    contract TEXT NOT NULL REFERENCES contract (id),
    space TEXT NOT NULL,
    release TEXT NOT NULL,
    question BLOB NOT NULL CHECK (length(question) = 32),
    micro_rho INTEGER NOT NULL CHECK (micro_rho >= 0),
    delta_e12 INTEGER NOT NULL CHECK (delta_e12 >= 0),
    price_fen INTEGER NOT NULL CHECK (price_fen >= 0),
    ended INTEGER UNIQUE REFERENCES leaf (position) CHECK (ended > position),
    UNIQUE (owner, job_id)
) STRICT;

CREATE INDEX intent_open ON intent (position) WHERE ended IS NULL;

CREATE TRIGGER intent_ends_once BEFORE UPDATE ON intent
WHEN OLD.ended IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an intent ends once'); END;

-- A released table, kept so that the same question gets the same figures.
CREATE TABLE answer (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    released BLOB NOT NULL
) STRICT;

CREATE TABLE question (
    consumer TEXT NOT NULL,
    contract TEXT NOT NULL REFERENCES contract (id),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    answer INTEGER NOT NULL REFERENCES answer (position),
    PRIMARY KEY (consumer, contract, digest)
) STRICT, WITHOUT ROWID;

-- How each job stands: running (no `position` yet), answered, or declined (refused or aborted).
CREATE TABLE job (
    owner TEXT NOT NULL,
    job_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'declined')),
    position INTEGER REFERENCES leaf (position),
    answer INTEGER REFERENCES answer (position),
    micro_rho INTEGER NOT NULL DEFAULT 0,
    micro_rho_left INTEGER NOT NULL DEFAULT 0,
    price_fen INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    detail BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (owner, job_id),
    CHECK ((state = 'running') = (position IS NULL)),
    CHECK ((state = 'answered') = (answer IS NOT NULL))
) STRICT, WITHOUT ROWID;

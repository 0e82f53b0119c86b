-- What one party holds of each join across nodes while it is under way: its secret of that one question, and
-- the parts it made or was handed, piece by piece, so that a call that broke off goes on where it was.

CREATE TABLE link (
    manifest  TEXT NOT NULL PRIMARY KEY CHECK (length(manifest) = 64),
    expires_s INTEGER NOT NULL,
    secret    BLOB NOT NULL DEFAULT x'',
    salt      BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE TABLE part (
    manifest TEXT NOT NULL REFERENCES link,
    name     TEXT NOT NULL,
    size     INTEGER NOT NULL DEFAULT 0,
    whole    INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1)),
    word     BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (manifest, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE piece (
    manifest TEXT NOT NULL,
    name     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (manifest, name, at),
    FOREIGN KEY (manifest, name) REFERENCES part
) STRICT;

-- What witnesses said of our heads: one signature line each, the newest where one was asked twice.
CREATE TABLE cosignature (
    size INTEGER NOT NULL REFERENCES checkpoint (size),
    name TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    line TEXT NOT NULL,
    PRIMARY KEY (size, name, key)
) STRICT, WITHOUT ROWID;

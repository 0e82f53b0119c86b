-- Datasets that the holder lets nobody use for now; each names the leaf that says so.
CREATE TABLE dataset_suspended (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL REFERENCES leaf (position)
) STRICT, WITHOUT ROWID;

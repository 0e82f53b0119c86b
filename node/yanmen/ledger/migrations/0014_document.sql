-- Signed documents that govern catalogue and operation; of each kind the newest about one subject counts.
CREATE TABLE document (
    position INTEGER PRIMARY KEY REFERENCES leaf (position),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    token BLOB NOT NULL
) STRICT;

CREATE INDEX document_subject ON document (kind, subject, position);

CREATE TRIGGER document_stays BEFORE UPDATE ON document
BEGIN SELECT RAISE(ABORT, 'a document never changes'); END;

CREATE TRIGGER document_is_kept BEFORE DELETE ON document
BEGIN SELECT RAISE(ABORT, 'a document is never deleted'); END;

-- Bands of the indices of quality that the import job found, one letter each; empty = not measured.
ALTER TABLE dataset_version ADD COLUMN quality TEXT NOT NULL DEFAULT '';

-- Whether a snapshot says with each row how many its unit has: those made before there was such a column do not.
ALTER TABLE dataset_version ADD COLUMN counted INTEGER NOT NULL DEFAULT 0 CHECK (counted IN (0, 1));

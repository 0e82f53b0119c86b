-- The units each debit was measured by, as its intent leaf says them; debits of before were not measured.
ALTER TABLE intent ADD COLUMN meter BLOB NOT NULL DEFAULT x'';

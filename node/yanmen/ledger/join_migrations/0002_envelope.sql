-- The keys that other departments seal what they hand on to this one with: a new one each hour, stated with the
-- tables, destroyed once nothing sealed with it can be under way any more.

CREATE TABLE envelope (
    made_s INTEGER NOT NULL,
    secret BLOB NOT NULL CHECK (length(secret) = 96)
) STRICT;

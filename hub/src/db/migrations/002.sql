-- Numbers that are given out: the highest of each kind, and those that logs of boxes name.
CREATE TABLE numbers (kind TEXT PRIMARY KEY, highest INTEGER NOT NULL) STRICT;
CREATE TABLE number_claims (kind TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, n)) STRICT;
INSERT INTO numbers (kind, highest) SELECT 'request', COALESCE(MAX(id), 0) FROM requests;
INSERT INTO numbers (kind, highest) SELECT 'account', COALESCE(MAX(op), 0) FROM accounts;
INSERT INTO numbers (kind, highest) SELECT 'hold', COALESCE(MAX(highest), 0) FROM hold_numbers WHERE highest <= 999999999;
INSERT INTO number_claims (kind, n) SELECT 'hold', n FROM hold_claims;
DROP TABLE hold_numbers;
DROP TABLE hold_claims;
-- How far each of the hub's own logs was held against these records: what its lines below that say was done is stored here, or a line
-- says that it is not.
CREATE TABLE own_logs (origin TEXT PRIMARY KEY, checked INTEGER NOT NULL) STRICT;

-- The life of accounts: sessions, the declaration, second factors, in whose hands an account was, administrators whom root made.

CREATE TABLE sessions (
  hash TEXT PRIMARY KEY,            -- SHA-256 of what the browser holds, lower hex
  op INTEGER NOT NULL,
  generation INTEGER NOT NULL,      -- of the account when it began
  begun INTEGER NOT NULL,
  seen INTEGER NOT NULL             -- to a minute
) STRICT;
CREATE INDEX sessions_of ON sessions (op);

-- Each text that had to be accepted, from when on. The newest counts, though it read the same once before.
CREATE TABLE declarations (n INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, text TEXT NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE acceptances (op INTEGER NOT NULL, declaration INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (op, declaration)) STRICT;

CREATE TABLE factors (
  n INTEGER PRIMARY KEY,
  op INTEGER NOT NULL,
  kind TEXT NOT NULL,               -- code, passkey
  label TEXT NOT NULL,              -- as its owner calls it
  secret TEXT NOT NULL,             -- code: sealed under keys/factor.key; passkey: its public key, JSON
  step INTEGER,                     -- code: the last one that was taken
  made INTEGER NOT NULL,
  used INTEGER,
  ended INTEGER
) STRICT;
CREATE INDEX factors_of ON factors (op);

-- Who knew a password of whose account: whoever made it, or was given a one-time password of it. An end: a second administrator vouched.
CREATE TABLE hands (n INTEGER PRIMARY KEY, op INTEGER NOT NULL, by_op INTEGER NOT NULL, made INTEGER NOT NULL, ended INTEGER) STRICT;
CREATE INDEX hands_of ON hands (op);

-- Administrators whom root made because no two could sign in. Texts: hashes of the side table.
CREATE TABLE breaks (n INTEGER PRIMARY KEY, op INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, made INTEGER NOT NULL, until INTEGER NOT NULL) STRICT;

ALTER TABLE accounts ADD COLUMN entered INTEGER;  -- when somebody last signed in to it, by whatever door

-- The release of a hold is asked for in the one table of approvals.
ALTER TABLE approvals ADD COLUMN reason TEXT;     -- hash of the side table
INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state)
  SELECT (SELECT COALESCE(MAX(n), 0) FROM approvals) + ROW_NUMBER() OVER (ORDER BY n), 'release', printf('H-%06d', n), 'null', drop_reason,
    CAST(substr(drop_by, 4) AS INTEGER), drop_made, drop_made + 604800000, 'waiting'
  FROM holds WHERE drop_by LIKE 'op:%' AND drop_reason IS NOT NULL AND drop_made IS NOT NULL AND state IN ('pending', 'placed');
-- Nothing reads these any more.
UPDATE holds SET drop_by=NULL, drop_reason=NULL, drop_made=NULL;

-- Owners of cameras, roles as they were given, requests that a second person has to approve, tokens.

CREATE TABLE owners (name TEXT PRIMARY KEY, title TEXT NOT NULL, made INTEGER NOT NULL) STRICT;
CREATE TABLE camera_owners (
  box TEXT NOT NULL, cam TEXT NOT NULL, owner TEXT NOT NULL REFERENCES owners (name),
  PRIMARY KEY (box, cam)
) STRICT;

-- A role somebody has. One that was taken away stays, with its end: its number is not given out again.
CREATE TABLE grants (
  n INTEGER PRIMARY KEY,
  op INTEGER NOT NULL,
  role TEXT NOT NULL,
  scope TEXT NOT NULL,              -- all, owner, cameras
  owner TEXT,                       -- of scope owner
  oldest_days INTEGER,              -- older footage is not theirs
  until INTEGER,
  by_whom TEXT NOT NULL,            -- as the log names them
  made INTEGER NOT NULL,
  ended INTEGER
) STRICT;
CREATE INDEX grants_of ON grants (op);
CREATE TABLE grant_cameras (n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, PRIMARY KEY (n, box, cam)) STRICT;
INSERT INTO grants (n, op, role, scope, by_whom, made) SELECT op, op, role, 'all', 'sys:hub', 0 FROM accounts;

-- The word in accounts.role is that of the first role; what counts is in grants.
ALTER TABLE accounts ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;  -- sessions and tokens of an earlier one are over
ALTER TABLE accounts ADD COLUMN once INTEGER NOT NULL DEFAULT 0;        -- the password is an administrator's, and has to be changed
ALTER TABLE accounts ADD COLUMN shown TEXT;                             -- name for people: hash of the side table
ALTER TABLE accounts ADD COLUMN closed INTEGER;

-- What somebody asked for and a second person has to approve (ROL-5). What is asked for is JSON, by kind.
CREATE TABLE approvals (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- role, recovery
  subject TEXT NOT NULL,            -- what it is about: an account, a camera, an exhibit, a hold
  what TEXT NOT NULL,
  asked_by INTEGER NOT NULL,
  made INTEGER NOT NULL,
  until INTEGER NOT NULL,
  state TEXT NOT NULL,              -- waiting, approved, withdrawn, expired
  decided_by INTEGER,
  decided INTEGER
) STRICT;
CREATE INDEX approvals_by_state ON approvals (state, kind);

CREATE TABLE tokens (
  n INTEGER PRIMARY KEY,
  op INTEGER NOT NULL,
  hash TEXT NOT NULL UNIQUE,        -- SHA-256 of the token, lower hex
  label TEXT NOT NULL,              -- what it is for, as its owner calls it
  scopes TEXT NOT NULL,             -- names of operations, with spaces between
  generation INTEGER NOT NULL,      -- of the account when it was made
  made INTEGER NOT NULL,
  until INTEGER NOT NULL,
  ended INTEGER
) STRICT;
CREATE INDEX tokens_of ON tokens (op);

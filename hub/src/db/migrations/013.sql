-- Backups that were begun, and what became of them.
CREATE TABLE backups (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL,                 -- of the folder
  recipient TEXT NOT NULL,          -- age1…
  who TEXT NOT NULL,
  made INTEGER NOT NULL,            -- the moment that it shows
  ended INTEGER,
  state TEXT NOT NULL,              -- begun, made, failed
  sums TEXT,                        -- SHA-256 of its mark
  files INTEGER,
  bytes INTEGER,
  fresh INTEGER                     -- bytes that were not in the folder before
) STRICT;
-- These records are an older copy: the hub was put back, or a box showed what this hub had countersigned and does not know.
CREATE TABLE rollbacks (
  n INTEGER PRIMARY KEY,
  restored INTEGER NOT NULL,        -- by beadle-hub restore
  backup INTEGER,
  copied INTEGER,                   -- the moment that the copy shows, where that is known
  since INTEGER NOT NULL,
  settled INTEGER,
  asked_by TEXT,
  settled_by TEXT
) STRICT;
-- What boxes showed of it: lines that were countersigned, and those that were held.
CREATE TABLE rollback_logs (
  n INTEGER NOT NULL,
  log TEXT NOT NULL,
  shown INTEGER NOT NULL,
  held INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (n, log)
) STRICT;

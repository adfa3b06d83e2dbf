-- Records of the hub. Times are milliseconds UTC. Version 1.

CREATE TABLE IF NOT EXISTS boxes (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,              -- registered, enrolled, revoked
  fingerprint TEXT UNIQUE,          -- SHA-256 of the client certificate, lower hex
  cert_until INTEGER,
  added INTEGER NOT NULL,
  revoked_why TEXT,
  last_seen INTEGER,
  hello TEXT,                       -- last Open::Control, JSON
  health TEXT                       -- last ToHub::Health, JSON
) STRICT;
-- Certificates a box had before its present one: known, and refused by name.
CREATE TABLE IF NOT EXISTS old_certs (fingerprint TEXT PRIMARY KEY, box TEXT NOT NULL) STRICT;

-- One-time codes: only the hash of the secret is kept.
CREATE TABLE IF NOT EXISTS codes (
  box TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  until INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS accounts (
  op INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password TEXT NOT NULL,           -- argon2id, PHC form
  fails INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0 -- until
) STRICT;

-- Erasable: what a salted hash in the log stands for.
CREATE TABLE IF NOT EXISTS side (hash TEXT PRIMARY KEY, salt TEXT NOT NULL, text TEXT NOT NULL, made INTEGER NOT NULL) STRICT;

-- Lifts of masks that were asked for.
CREATE TABLE IF NOT EXISTS lifts (
  n INTEGER PRIMARY KEY,            -- line of the hub's log that asks for it
  box TEXT NOT NULL,
  cam TEXT NOT NULL,
  mask TEXT NOT NULL,
  until INTEGER,
  minutes INTEGER,                  -- from the order on, when there is no until
  authority TEXT NOT NULL,          -- hashes of the side table
  reason TEXT NOT NULL,
  op INTEGER NOT NULL,              -- who asked
  made INTEGER NOT NULL,
  state TEXT NOT NULL               -- pending, ordered, withdrawn, expired
) STRICT;

CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY,           -- grant number
  ref TEXT NOT NULL UNIQUE,
  grant_id TEXT NOT NULL,
  box TEXT NOT NULL,
  cam TEXT NOT NULL,
  t0 INTEGER NOT NULL,
  t1 INTEGER NOT NULL,
  purpose TEXT NOT NULL,            -- hashes of the side table
  reference TEXT NOT NULL,
  requester TEXT NOT NULL,
  who TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  log TEXT,                         -- origin of the box log that holds exp.clip
  line INTEGER,                     -- n of exp.clip
  package TEXT,
  made INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS request_segments (
  ref TEXT NOT NULL, s INTEGER NOT NULL, n INTEGER NOT NULL, sealed INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (ref, s)
) STRICT;

-- Box logs as held here. `indexed` lines are in the tables below, which may be dropped: they are derived from the copies.
CREATE TABLE IF NOT EXISTS logs (
  origin TEXT PRIMARY KEY,
  box TEXT NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL DEFAULT 0,
  root TEXT NOT NULL DEFAULT '',
  cosigned INTEGER NOT NULL DEFAULT 0,  -- time of the newest countersignature
  seen_size INTEGER NOT NULL DEFAULT 0, -- last head.seen
  seen_time INTEGER NOT NULL DEFAULT 0,
  dispute TEXT,                         -- code: no more countersigning
  why TEXT,
  indexed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS segments (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, s INTEGER NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  mask TEXT, how TEXT NOT NULL, lost INTEGER NOT NULL,
  gone TEXT,                            -- deleted, lost
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS segments_by_time ON segments (box, cam, t0);
CREATE INDEX IF NOT EXISTS segments_by_s ON segments (box, cam, s);
CREATE TABLE IF NOT EXISTS gaps (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, next INTEGER NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, why TEXT NOT NULL, packets INTEGER NOT NULL,
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS gaps_by_time ON gaps (box, cam, t0);
CREATE TABLE IF NOT EXISTS clips (log TEXT NOT NULL, n INTEGER NOT NULL, ref TEXT NOT NULL, cam TEXT NOT NULL, PRIMARY KEY (log, n)) STRICT;

-- Records of the hub. Times are milliseconds UTC. What is derived from box logs is in derived.sql.

CREATE TABLE boxes (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,              -- registered, enrolled, revoked
  key TEXT,                         -- SHA-256 of its public key, lower hex: any certificate for it counts
  cert TEXT,                        -- the newest one, PEM: given again when the box asks again
  added INTEGER NOT NULL,
  revoked_why TEXT,
  last_seen INTEGER,
  hello TEXT,                       -- what was kept of the last Open::Control, JSON
  health TEXT                       -- last ToHub::Health, JSON
) STRICT;
-- What of a box's words was not taken since one of its kind last was.
CREATE TABLE box_refusals (
  box TEXT NOT NULL,
  what TEXT NOT NULL,               -- hello, report, clip
  why TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (box, what)
) STRICT;

-- One-time codes: only the hash of the secret is kept.
CREATE TABLE codes (
  box TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  until INTEGER NOT NULL,
  key TEXT                          -- SHA-256 of the public key that used it, lower hex
) STRICT;

CREATE TABLE accounts (
  op INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password TEXT NOT NULL            -- argon2id, PHC form
) STRICT;

-- From where accounts signed in; `place` is a keyed hash of the address.
CREATE TABLE entrances (
  op INTEGER NOT NULL,
  place TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (op, place)
) STRICT;

-- Erasable: what a salted hash in the log stands for.
CREATE TABLE side (hash TEXT PRIMARY KEY, salt TEXT NOT NULL, text TEXT NOT NULL, made INTEGER NOT NULL) STRICT;

-- Lifts of masks that were asked for.
CREATE TABLE lifts (
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
  state TEXT NOT NULL,              -- pending, ordered, withdrawn, expired
  instead TEXT                      -- JSON of the mask that hides meanwhile
) STRICT;

-- Reviews of masks.
CREATE TABLE mask_reviews (
  n INTEGER PRIMARY KEY,            -- line of the hub's log that orders it
  box TEXT NOT NULL,
  cam TEXT NOT NULL,
  mask TEXT NOT NULL,
  exhibit TEXT NOT NULL,            -- shows what the mask looked like
  op INTEGER NOT NULL,              -- who looked
  made INTEGER NOT NULL,
  next TEXT NOT NULL                -- local day
) STRICT;
CREATE INDEX mask_reviews_of ON mask_reviews (box, cam, n);

-- Footage that is kept at its box beyond its day.
CREATE TABLE holds (
  n INTEGER PRIMARY KEY,            -- H-000012 is 12
  box TEXT NOT NULL,
  cam TEXT NOT NULL,
  t0 INTEGER NOT NULL,
  t1 INTEGER NOT NULL,
  review TEXT NOT NULL,             -- local day
  reason TEXT NOT NULL,             -- hashes of the side table
  authority TEXT NOT NULL,
  reference TEXT NOT NULL,
  ref TEXT,                         -- exhibit of the clip request that made it
  grant_id TEXT NOT NULL,           -- what the box's hold.set names
  who TEXT NOT NULL,                -- who placed it, as the log names them
  made INTEGER NOT NULL,
  line INTEGER NOT NULL,            -- of the hub's log: hold.ask, or the newest hold.extend
  kept INTEGER NOT NULL DEFAULT 0,  -- somebody extended it: not released by itself when its clip is here
  drop_by TEXT,                     -- who asked that it be released before its time
  drop_reason TEXT,
  drop_made INTEGER,
  freed_by TEXT NOT NULL DEFAULT '',-- who had a part in its end, as the log names them
  state TEXT NOT NULL,              -- pending, placed, releasing, over, refused
  ended TEXT,                       -- of releasing and over: order, fetched, expired, void
  until INTEGER NOT NULL,
  told INTEGER,                     -- until when the box said it keeps it
  sent INTEGER NOT NULL DEFAULT 0,  -- the box may know of it
  segments INTEGER,
  bytes INTEGER,
  full INTEGER NOT NULL DEFAULT 0,
  why TEXT NOT NULL DEFAULT '',
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX holds_by_camera ON holds (box, cam);
CREATE INDEX holds_by_state ON holds (state);
CREATE INDEX holds_by_change ON holds (changed);
CREATE INDEX holds_by_ref ON holds (ref);
-- Highest number of a hold in any log held here: none up to it is given out again.
-- The highest number given out, and numbers that logs of boxes name.
CREATE TABLE hold_claims (n INTEGER PRIMARY KEY) STRICT;
CREATE TABLE hold_numbers (one INTEGER PRIMARY KEY CHECK (one = 1), highest INTEGER NOT NULL) STRICT;

CREATE TABLE requests (
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
  footage TEXT,                     -- origin of the box log that the segments' lines are in: an earlier one where that has ended
  package TEXT,
  made INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE TABLE request_segments (
  ref TEXT NOT NULL, s INTEGER NOT NULL, n INTEGER NOT NULL, sealed INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (ref, s)
) STRICT;

-- Box logs as held here. `indexed` lines are in the tables of derived.sql.
CREATE TABLE logs (
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

-- Version of the derived tables (derived.sql): another one than the program's, and they are dropped and made again.
CREATE TABLE derived (version INTEGER NOT NULL) STRICT;

-- How long each box said it keeps each camera's footage, from when on by the hub's clock. A row for each change.
CREATE TABLE policies (
  box TEXT NOT NULL, cam TEXT NOT NULL, since INTEGER NOT NULL, days INTEGER NOT NULL, zone TEXT NOT NULL,
  PRIMARY KEY (box, cam, since)
) STRICT;

-- Why an exhibit is kept (disposal/policy); without a row: general. And what became of a request that gave none.
CREATE TABLE evidence (
  ref TEXT PRIMARY KEY,
  class TEXT NOT NULL,              -- general, surveillance, review
  review TEXT,                      -- local day, of class review
  shortened_by TEXT,                -- who made its period shorter: does not dispose of it alone
  drop_by TEXT,                     -- who asked that it be disposed of before its time
  drop_reason TEXT,                 -- hash of the side table
  drop_made INTEGER,
  cleared INTEGER                   -- when all that came of a request without an exhibit went
) STRICT;
-- Disposals of exhibits, from the intent on: one without `gone` is finished at the next start.
CREATE TABLE disposals (
  ref TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  review TEXT,
  until INTEGER NOT NULL,           -- when its period ends
  reason TEXT NOT NULL,             -- hash of the side table
  who TEXT NOT NULL,                -- who disposed; or who asked, who approved
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  header BLOB,                      -- of one of its sealed files, until the end: no key left may open it
  log TEXT NOT NULL,                -- the hub's log, and its size before any line of this
  size INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  line INTEGER,                     -- copy.dispose
  emptied INTEGER NOT NULL DEFAULT 0, -- its folders were there, and went
  undecryptable INTEGER,
  texts INTEGER NOT NULL DEFAULT 0, -- erased from the side table
  gone INTEGER,                     -- copy.gone: its certificate
  ended INTEGER
) STRICT;

-- Faults the hub found that have not ended: each has its fault.on in the hub's log, and no fault.off yet. About a camera (BOX/CAM) or
-- about an exhibit (or a folder that is none): the other one is empty.
CREATE TABLE found_faults (
  camera TEXT NOT NULL, ref TEXT NOT NULL, code TEXT NOT NULL, log TEXT NOT NULL, since INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (camera, ref, code)
) STRICT;

-- Faults of boxes' logs that stand, as they were when they began: what a restart would forget.
CREATE TABLE troubles (
  box TEXT NOT NULL, code TEXT NOT NULL, since INTEGER NOT NULL, text TEXT NOT NULL, on_record INTEGER NOT NULL,
  PRIMARY KEY (box, code)
) STRICT;

-- Made from the box logs held here, line by line; may be dropped and made again. Times are milliseconds UTC.
-- What changes here needs a higher DERIVED in mod.rs.

CREATE TABLE IF NOT EXISTS segments (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, s INTEGER NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  mask TEXT, how TEXT NOT NULL, lost INTEGER NOT NULL,
  day TEXT NOT NULL, key TEXT NOT NULL, -- the camera-day it was recorded in, the key that sealed it
  gone TEXT,                            -- deleted, lost
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS segments_by_time ON segments (box, cam, t0);
CREATE INDEX IF NOT EXISTS segments_by_s ON segments (box, cam, s);
-- Runs of these that follow on each other, of one camera-day and key, masked alike, all there or all gone: what pages read.
CREATE TABLE IF NOT EXISTS spans (
  log TEXT NOT NULL, cam TEXT NOT NULL, s0 INTEGER NOT NULL, s1 INTEGER NOT NULL, -- first and last segment
  n0 INTEGER NOT NULL, n1 INTEGER NOT NULL,                                       -- their lines
  box TEXT NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
  mask TEXT, how TEXT NOT NULL, gone TEXT,
  PRIMARY KEY (log, cam, s0)
) STRICT;
CREATE INDEX IF NOT EXISTS spans_by_time ON spans (box, cam, t0, t1);
CREATE INDEX IF NOT EXISTS spans_by_end ON spans (box, cam, t1);
CREATE INDEX IF NOT EXISTS spans_by_s ON spans (box, cam, s0);
CREATE INDEX IF NOT EXISTS spans_there ON spans (box, cam, t0, t1) WHERE gone IS NULL;
CREATE TABLE IF NOT EXISTS gaps (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, next INTEGER NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, why TEXT NOT NULL, packets INTEGER NOT NULL,
  long INTEGER NOT NULL,                -- 1: longer than a day; all others that touch a time begin a day before it at most
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS gaps_by_time ON gaps (box, cam, long, t0);
-- Cameras of which any footage was ever logged.
CREATE TABLE IF NOT EXISTS cameras (log TEXT NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, PRIMARY KEY (log, cam)) STRICT;
CREATE INDEX IF NOT EXISTS cameras_of ON cameras (box, cam);
CREATE TABLE IF NOT EXISTS clips (log TEXT NOT NULL, n INTEGER NOT NULL, ref TEXT NOT NULL, cam TEXT NOT NULL, PRIMARY KEY (log, n)) STRICT;
-- What cameras were called and where they stood, from that line of that log on.
CREATE TABLE IF NOT EXISTS names (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, title TEXT NOT NULL, site TEXT NOT NULL,
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS names_by_camera ON names (box, cam, log, n);

-- Camera-days, one row per key that sealed footage of it: what was recorded, and what is left of it.
CREATE TABLE IF NOT EXISTS days (
  log TEXT NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL,
  s0 INTEGER NOT NULL, s1 INTEGER NOT NULL,
  t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, -- first and last frame: of what is left, as long as anything is
  bytes INTEGER NOT NULL,                   -- recorded
  count INTEGER NOT NULL,                   -- segments recorded
  held INTEGER NOT NULL,                    -- of these, neither lost nor in a del.range
  boot INTEGER,                             -- sealed to this start's key, under a clock nobody vouched for
  latest INTEGER,                           -- when it was recorded, at the latest; NULL: no later line knows the time yet
  settled INTEGER NOT NULL DEFAULT 0,       -- 1: its deletion is on record and good, or all of it is lost
  PRIMARY KEY (log, cam, day, key)
) STRICT;
CREATE INDEX IF NOT EXISTS days_open ON days (box, settled, day, cam);
CREATE INDEX IF NOT EXISTS days_by_day ON days (box, day, cam);
CREATE INDEX IF NOT EXISTS days_of_camera ON days (box, cam, day);
CREATE INDEX IF NOT EXISTS days_by_key ON days (box, cam, key);
-- Starts of a box whose clock was vouched for at some time.
CREATE TABLE IF NOT EXISTS clocks (log TEXT NOT NULL, boot INTEGER NOT NULL, PRIMARY KEY (log, boot)) STRICT;
-- Deletion certificates: a del.range, and its del.done once there is one.
CREATE TABLE IF NOT EXISTS certificates (
  log TEXT NOT NULL, n INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL,
  s0 INTEGER NOT NULL, s1 INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, count INTEGER NOT NULL,
  digest TEXT NOT NULL,                     -- its `set`
  rule TEXT NOT NULL, at INTEGER NOT NULL,
  done_n INTEGER, done_at INTEGER, oldest INTEGER, undecryptable INTEGER, claim TEXT, held INTEGER,
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS certificates_by_day ON certificates (box, day, cam);
CREATE INDEX IF NOT EXISTS certificates_of_camera ON certificates (box, cam, day);
CREATE INDEX IF NOT EXISTS certificates_by_key ON certificates (box, cam, key);
CREATE INDEX IF NOT EXISTS certificates_by_time ON certificates (box, cam, done_at);
-- Daily spot checks, the newest of each log: which segment was read again, and what was wrong with it, if anything was.
CREATE TABLE IF NOT EXISTS spots (
  log TEXT PRIMARY KEY, n INTEGER NOT NULL, box TEXT NOT NULL, t INTEGER NOT NULL, day TEXT NOT NULL,
  cam TEXT NOT NULL, s INTEGER NOT NULL, why TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS spots_by_box ON spots (box, t);
-- Of the hub's own log: what people did, and what was asked of them. Times are those of the lines.
CREATE TABLE IF NOT EXISTS own_lines (
  log TEXT NOT NULL, n INTEGER NOT NULL, t INTEGER NOT NULL, kind TEXT NOT NULL,
  who TEXT NOT NULL,                        -- op:0007
  roles TEXT NOT NULL,                      -- of that person then
  owner TEXT,                               -- whose cameras it was about then
  box TEXT, cam TEXT,                       -- the camera it is about, if it is about one
  exhibit TEXT, reference TEXT,             -- the reference is a hash of the side table
  leaf TEXT NOT NULL,                       -- its hash in the log, lower hex
  data TEXT NOT NULL,                       -- JSON
  PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX IF NOT EXISTS own_lines_by_time ON own_lines (log, t);
CREATE INDEX IF NOT EXISTS own_lines_by_who ON own_lines (log, who, n);
CREATE INDEX IF NOT EXISTS own_lines_by_camera ON own_lines (log, box, cam, n);
CREATE INDEX IF NOT EXISTS own_lines_by_kind ON own_lines (log, kind, n);
CREATE INDEX IF NOT EXISTS own_lines_by_exhibit ON own_lines (log, exhibit, n);
CREATE INDEX IF NOT EXISTS own_lines_by_reference ON own_lines (log, reference, n);
-- How far that is.
CREATE TABLE IF NOT EXISTS own_read (log TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
-- Lines held of a log that break their schema: what they say is in no other table here. One row per log.
CREATE TABLE IF NOT EXISTS odd_lines (
  log TEXT PRIMARY KEY, box TEXT NOT NULL, count INTEGER NOT NULL,
  n INTEGER NOT NULL, why TEXT NOT NULL, t INTEGER NOT NULL -- the first of them, and what is wrong with it
) STRICT;
CREATE INDEX IF NOT EXISTS odd_lines_by_box ON odd_lines (box);

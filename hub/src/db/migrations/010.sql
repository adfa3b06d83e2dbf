-- Why a pull stands as it does is a list of values (code and facts), never a sentence. What was said in words is said anew.
UPDATE requests SET why='[]';
-- Planned pulls wait for the hours of their box and for urgent ones.
ALTER TABLE requests ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN paused TEXT;                 -- who has it wait, as the log names them
ALTER TABLE requests ADD COLUMN wasted INTEGER NOT NULL DEFAULT 0;  -- bytes that crossed the line and were thrown away
ALTER TABLE clip_requests ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
-- What a box's line may be used for by clips.
CREATE TABLE box_lines (
  box TEXT PRIMARY KEY,
  most_kbit INTEGER,                -- kilobits a second; NULL: what the line carries
  begins INTEGER,                   -- minutes of the local day, both or neither: planned pulls only then
  ends INTEGER
) STRICT;
-- What lines were measured to carry: the newest few of each box.
CREATE TABLE line_rates (
  box TEXT NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL, ms INTEGER NOT NULL,
  PRIMARY KEY (box, at)
) STRICT;

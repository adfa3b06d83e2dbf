-- The register of an exhibit (EVI-2 to EVI-5, EVI-8, EVI-9). What happened is in the hub's log; here stands where things are now.
CREATE TABLE exhibit_marks (
  ref TEXT PRIMARY KEY,
  mark TEXT NOT NULL,               -- the producer's reference: a hash of the side table
  changed INTEGER NOT NULL
) STRICT;
-- Saves that were begun and of which nobody said yet how they ended.
CREATE TABLE saves (
  line INTEGER PRIMARY KEY,         -- of the hub's log: copy.save
  ref TEXT NOT NULL,
  who TEXT NOT NULL,                -- as the log names them
  sums TEXT NOT NULL,
  made INTEGER NOT NULL
) STRICT;
CREATE INDEX saves_of ON saves (ref);
CREATE TABLE copies (
  ref TEXT NOT NULL,
  n INTEGER NOT NULL,               -- from 1, of this exhibit
  what TEXT NOT NULL,               -- master, working
  form TEXT NOT NULL,               -- folder, zip
  seal TEXT NOT NULL,               -- none, passphrase, recipient
  sha256 TEXT NOT NULL,             -- of the file; of a folder that of its SHA256SUMS
  sums TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  medium TEXT NOT NULL,             -- hash of the side table, as the next
  place TEXT NOT NULL,
  state TEXT NOT NULL,              -- here, out, back, gone
  hand INTEGER,                     -- line of its last hand-over
  received INTEGER NOT NULL DEFAULT 0, -- that was signed for
  made INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (ref, n)
) STRICT;
-- What media may do with an exhibit.
CREATE TABLE media_releases (
  ref TEXT PRIMARY KEY,
  document TEXT NOT NULL,           -- hash of the side table, as uses and limits
  sha256 TEXT,                      -- of the document, where it was handed in
  uses TEXT NOT NULL,
  limits TEXT NOT NULL,
  allowed_by INTEGER NOT NULL,      -- who authorised it: an account's number
  made INTEGER NOT NULL
) STRICT;
-- Still pictures, each an exhibit of its own.
CREATE TABLE stills (
  ref TEXT PRIMARY KEY,
  parent TEXT NOT NULL,
  t INTEGER NOT NULL,               -- when the picture was taken
  sha256 TEXT NOT NULL,
  made INTEGER NOT NULL
) STRICT;
CREATE INDEX stills_of ON stills (parent);
-- Texts of the side table that registers refer to: they stay as long as their exhibit does, and go with it.
CREATE TABLE register_texts (
  ref TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (ref, hash)
) STRICT;

-- What boxes say of themselves, in columns: it was JSON in two of them. What a box last said of its state comes again with its next
-- report and is not taken over.
ALTER TABLE boxes ADD COLUMN sw TEXT;                 -- with the two next: of its last hello
ALTER TABLE boxes ADD COLUMN zone TEXT;
ALTER TABLE boxes ADD COLUMN retention_days INTEGER;
ALTER TABLE boxes ADD COLUMN reported INTEGER;        -- by the box's clock; with the next: of its last report
ALTER TABLE boxes ADD COLUMN free_mib INTEGER;
-- Cameras as the box's last hello names them, in its order.
CREATE TABLE box_cameras (
  box TEXT NOT NULL, cam TEXT NOT NULL, place INTEGER NOT NULL, title TEXT NOT NULL, masked INTEGER NOT NULL, lapse_secs INTEGER,
  retention_days INTEGER,             -- NULL: those of the box
  PRIMARY KEY (box, cam)
) STRICT;
-- How each camera is, by the last report.
CREATE TABLE camera_states (
  box TEXT NOT NULL, cam TEXT NOT NULL, place INTEGER NOT NULL,
  recording INTEGER NOT NULL, connected INTEGER NOT NULL, starting INTEGER NOT NULL,
  landed INTEGER, down_since INTEGER, next_try INTEGER, rate TEXT, stands_secs INTEGER,
  days_left INTEGER, days_kept INTEGER, -- forecast: both NULL, none; the first NULL, the disks hold all that was promised
  PRIMARY KEY (box, cam)
) STRICT;
-- Masks in force, by the last report.
CREATE TABLE camera_masks (
  box TEXT NOT NULL, cam TEXT NOT NULL, id TEXT NOT NULL, how TEXT NOT NULL, style TEXT NOT NULL, permille INTEGER NOT NULL,
  sha256 TEXT NOT NULL, review TEXT, set_by INTEGER, lifted INTEGER, instead TEXT,
  PRIMARY KEY (box, cam)
) STRICT;
-- Faults that stand, by the last report.
CREATE TABLE box_faults (
  box TEXT NOT NULL, place INTEGER NOT NULL, code TEXT NOT NULL, cam TEXT, since INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (box, place)
) STRICT;
UPDATE boxes SET sw=json_extract(hello, '$.sw'), zone=json_extract(hello, '$.zone'), retention_days=json_extract(hello, '$.retention_days')
  WHERE json_valid(hello);
INSERT INTO box_cameras (box, cam, place, title, masked, lapse_secs, retention_days)
  SELECT b.name, json_extract(c.value, '$.cam'), c.key, json_extract(c.value, '$.title'), json_extract(c.value, '$.masked'),
    json_extract(c.value, '$.lapse_secs'), json_extract(c.value, '$.retention_days')
  FROM boxes b, json_each(b.hello, '$.cameras') c WHERE json_valid(b.hello);
-- Nothing reads these two any more.
UPDATE boxes SET hello=NULL, health=NULL;

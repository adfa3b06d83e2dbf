-- What somebody asks for: several cameras, one span. Each camera that is granted is a row of `requests`, with its exhibit.
CREATE TABLE clip_requests (
  n INTEGER PRIMARY KEY,            -- R-000012 is 12
  class TEXT NOT NULL,              -- police, statutory, solicitor, data-subject, media, other
  t0 INTEGER,
  t1 INTEGER,
  purpose TEXT,                     -- hashes of the side table, as the next four
  reference TEXT,
  requester TEXT,
  legal_order TEXT,                 -- the order or power it is asked under
  identity TEXT,                    -- how the requester's identity was checked
  note TEXT,                        -- free text of whoever ended or released it
  keep_class TEXT NOT NULL,         -- how long its exhibits are kept: general, surveillance, review
  keep_review TEXT,
  due INTEGER,                      -- by when it has to be answered
  opened_by TEXT NOT NULL,          -- as the log names them
  submitted_by TEXT,
  authorised_by TEXT,
  ask INTEGER,                      -- what waits for a second person: row of approvals
  state TEXT NOT NULL,
  reason TEXT,                      -- code, of the list that belongs to its state
  made INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE TABLE clip_request_cameras (
  n INTEGER NOT NULL, place INTEGER NOT NULL, box TEXT NOT NULL, cam TEXT NOT NULL,
  ref TEXT,                         -- its exhibit, once it is granted
  why TEXT,                         -- code: why nothing of it could be asked for
  PRIMARY KEY (n, place)
) STRICT;
CREATE INDEX clip_request_cameras_by_ref ON clip_request_cameras (ref);
-- What of an exhibit's span is not in it, and why.
CREATE TABLE request_missing (
  ref TEXT NOT NULL, place INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, why TEXT NOT NULL,
  PRIMARY KEY (ref, place)
) STRICT;
-- The line of the hub's log that grants a clip: the number of the order to its box. And why nothing came of it, as a code.
ALTER TABLE requests ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN reason TEXT;
UPDATE requests SET granted=id;
-- A request before it is granted has its hold already.
ALTER TABLE holds ADD COLUMN request INTEGER;
-- Each clip that was pulled is a request of one camera.
INSERT INTO clip_requests (n, class, t0, t1, purpose, reference, requester, keep_class, opened_by, submitted_by, authorised_by, state, made, changed)
  SELECT id, 'police', t0, t1, purpose, reference, requester, 'general', who, who, who,
    CASE state WHEN 'Disposed' THEN 'Closed' WHEN 'Draft' THEN 'Failed' WHEN 'Submitted' THEN 'Failed' ELSE state END, made, changed FROM requests;
INSERT INTO clip_request_cameras (n, place, box, cam, ref) SELECT id, 0, box, cam, ref FROM requests;
INSERT INTO numbers (kind, highest) SELECT 'clip-request', COALESCE(MAX(id), 0) FROM requests;

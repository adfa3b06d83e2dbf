-- One mechanism and one table for all that takes two people (ROL-5): lifts and disposals are asked for in `approvals` too. What a lift is to
-- be stays in `lifts`, under the number of its request.
INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state)
  SELECT (SELECT COALESCE(MAX(n), 0) FROM approvals) + ROW_NUMBER() OVER (ORDER BY n), 'lift', box || '/' || cam, CAST(n AS TEXT), reason,
    op, made, made + 3600000, CASE state WHEN 'pending' THEN 'waiting' WHEN 'ordered' THEN 'approved' ELSE state END
  FROM lifts;
-- By way of negative numbers, so that no two are the same in between.
UPDATE lifts SET n = -(SELECT a.n FROM approvals a WHERE a.kind='lift' AND a.what = CAST(lifts.n AS TEXT));
UPDATE lifts SET n = -n;
UPDATE approvals SET what='null' WHERE kind='lift';
DROP INDEX lifts_by_state;
DROP INDEX lifts_of;
ALTER TABLE lifts DROP COLUMN reason;
ALTER TABLE lifts DROP COLUMN op;
ALTER TABLE lifts DROP COLUMN made;
ALTER TABLE lifts DROP COLUMN state;
CREATE INDEX lifts_of ON lifts (box, cam);

INSERT INTO approvals (n, kind, subject, what, reason, asked_by, made, until, state)
  SELECT (SELECT COALESCE(MAX(n), 0) FROM approvals) + ROW_NUMBER() OVER (ORDER BY ref), 'disposal', ref, 'null', drop_reason,
    CAST(substr(drop_by, 4) AS INTEGER), drop_made, drop_made + 604800000, 'waiting'
  FROM evidence WHERE drop_by LIKE 'op:%' AND drop_reason IS NOT NULL AND drop_made IS NOT NULL;
DROP INDEX evidence_asked;
ALTER TABLE evidence DROP COLUMN drop_by;
ALTER TABLE evidence DROP COLUMN drop_reason;
ALTER TABLE evidence DROP COLUMN drop_made;
ALTER TABLE holds DROP COLUMN drop_by;
ALTER TABLE holds DROP COLUMN drop_reason;
ALTER TABLE holds DROP COLUMN drop_made;
CREATE INDEX approvals_of ON approvals (kind, subject);

-- Orders that two people approve with their own passkeys, because their box takes no others: the text is fixed, and waits for both.
CREATE TABLE key_orders (
  n INTEGER PRIMARY KEY,            -- line of the hub's log that the order stands on
  ask INTEGER NOT NULL,             -- row of approvals
  box TEXT NOT NULL,
  cam TEXT,                         -- NULL: it is about the box
  text TEXT NOT NULL,               -- the order's whole text, without approvals
  asked_by INTEGER NOT NULL,
  approved_by INTEGER NOT NULL,
  made INTEGER NOT NULL,
  until INTEGER NOT NULL,           -- waits for touches until then
  state TEXT NOT NULL,              -- waiting, sent, done, failed
  why TEXT NOT NULL DEFAULT '',     -- failed: what to say
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX key_orders_by_state ON key_orders (state, changed);
-- Who touched their key for which order.
CREATE TABLE touches (
  n INTEGER NOT NULL,               -- row of key_orders
  op INTEGER NOT NULL,
  factor INTEGER NOT NULL,
  assertion TEXT NOT NULL,          -- as the box is given it, JSON
  made INTEGER NOT NULL,
  PRIMARY KEY (n, op)
) STRICT;

-- Whether a box lifts masks only when people approve with their own keys, and whose keys it knows, by its last report.
ALTER TABLE boxes ADD COLUMN approvals INTEGER NOT NULL DEFAULT 0;
CREATE TABLE box_keys (
  box TEXT NOT NULL, place INTEGER NOT NULL,
  who TEXT NOT NULL,                -- as the log names them
  key TEXT NOT NULL,                -- first 16 letters of the SHA-256 of its id, lower hex
  PRIMARY KEY (box, place)
) STRICT;

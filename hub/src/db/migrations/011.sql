-- Where each box was last told that the hub will be, and what became of that order.
CREATE TABLE moves (
  box TEXT PRIMARY KEY,
  n INTEGER NOT NULL,               -- line of the hub's log that the order stands on
  hub TEXT NOT NULL,                -- host:port, as the next two
  second TEXT,
  lookup TEXT,
  asked_by TEXT NOT NULL,           -- who ordered it, as the log names them
  second_by TEXT NOT NULL,          -- and who said so too
  made INTEGER NOT NULL,
  state TEXT NOT NULL,              -- waiting, told, known, refused
  code TEXT NOT NULL DEFAULT '',    -- refused: of docs/orders.md
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX moves_by_state ON moves (state);

-- Room on the disks that the hub writes to, once an hour.
CREATE TABLE disk_room (
  disk TEXT NOT NULL,               -- the first of the hub's paths on it
  at INTEGER NOT NULL,
  free INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (disk, at)
) STRICT;

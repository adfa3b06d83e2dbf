-- The line of the hub's log that grants a clip: the number of the order to its box.
ALTER TABLE requests ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
UPDATE requests SET granted=id;

-- What lists are read by, so that none reads a table that grows from one end to the other.
CREATE INDEX requests_by_state ON requests (state, made);
CREATE INDEX requests_by_camera ON requests (box, cam, t0);
CREATE INDEX evidence_by_review ON evidence (class, review);
CREATE INDEX evidence_asked ON evidence (drop_made);
CREATE INDEX disposals_open ON disposals (gone);
CREATE INDEX logs_of ON logs (box, number);
CREATE INDEX lifts_by_state ON lifts (state, n);
CREATE INDEX lifts_of ON lifts (box, cam, state);
-- The same text under several salts: by which references are looked for.
CREATE INDEX side_by_text ON side (text);
CREATE INDEX requests_by_reference ON requests (reference);
CREATE INDEX cameras_of_owner ON camera_owners (owner);
-- What its folders hold, counted when its package was made, and each hour: NULL, not yet.
ALTER TABLE evidence ADD COLUMN files INTEGER;
ALTER TABLE evidence ADD COLUMN bytes INTEGER;

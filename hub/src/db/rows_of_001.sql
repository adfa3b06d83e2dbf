-- A row in each table of version 1.
INSERT INTO boxes (name, state, key, cert, added, revoked_why, last_seen, hello, health) VALUES
  ('ashby', 'enrolled', 'ab', 'PEM', 1000, NULL, 2000,
   '{"sw":"0.1.0","zone":"Europe/London","retention_days":31,"cameras":[{"cam":"c01","title":"Market Place","masked":true,"lapse_secs":null,"retention_days":28}]}',
   '{"is":"health","time":"2026-11-20T10:00:00.000Z","free_mib":1024,"cameras":[],"faults":[]}');
INSERT INTO box_refusals (box, what, why, since) VALUES ('ashby', 'report', 'time is wrong', 3000);
INSERT INTO codes (box, hash, until, key) VALUES ('ashby', 'cd', 4000, NULL);
INSERT INTO accounts (op, name, role, password) VALUES (1, 'ann', 'supervisor', '$argon2id$');
INSERT INTO entrances (op, place, last) VALUES (1, 'ef', 5000);
INSERT INTO side (hash, salt, text, made) VALUES ('aa', 'bb', 'a purpose', 6000);
INSERT INTO lifts (n, box, cam, mask, until, minutes, authority, reason, op, made, state, instead) VALUES
  (7, 'ashby', 'c01', 'm1', NULL, 30, 'aa', 'aa', 1, 7000, 'pending', NULL);
INSERT INTO mask_reviews (n, box, cam, mask, exhibit, op, made, next) VALUES (8, 'ashby', 'c01', 'm1', 'EXH-2026-000003', 1, 8000, '2027-01-01');
INSERT INTO holds (n, box, cam, t0, t1, review, reason, authority, reference, ref, grant_id, who, made, line, state, until, changed) VALUES
  (5, 'ashby', 'c01', 1, 2, '2026-12-01', 'aa', 'aa', 'aa', NULL, 'H-000005', 'op:0001', 9000, 9, 'pending', 99000, 9000);
INSERT INTO hold_claims (n) VALUES (4);
INSERT INTO hold_numbers (one, highest) VALUES (1, 6);
INSERT INTO requests (id, ref, grant_id, box, cam, t0, t1, purpose, reference, requester, who, state, why, made, changed) VALUES
  (3, 'EXH-2026-000003', 'G-000003', 'ashby', 'c01', 1, 2, 'aa', 'aa', 'aa', 'op:0001', 'Ready', '', 10000, 10000);
INSERT INTO request_segments (ref, s, n, sealed, done) VALUES ('EXH-2026-000003', 1, 10, 100, 1);
INSERT INTO logs (origin, box, number, size) VALUES ('cctv.example.gov.uk/box/ashby/1', 'ashby', 1, 0);
INSERT INTO policies (box, cam, since, days, zone) VALUES ('ashby', 'c01', 1000, 28, 'Europe/London');
INSERT INTO evidence (ref, class) VALUES ('EXH-2026-000003', 'general');
INSERT INTO disposals (ref, class, until, reason, who, files, bytes, log, size, begun) VALUES
  ('EXH-2026-000002', 'general', 1, 'aa', 'op:0001', 1, 1, 'cctv.example.gov.uk/hub/1', 11, 11000);
INSERT INTO found_faults (camera, ref, code, log, since, text) VALUES ('ashby', '', 'box.silent', 'cctv.example.gov.uk/box/ashby/1', 12000, 'silent');
INSERT INTO troubles (box, code, since, text, on_record) VALUES ('ashby', 'log.line', 13000, 'odd', 1);

-- Lists of somebody who sees few cameras: their numbers are looked up camera by camera, newest first. And those that begin at a moment.
CREATE INDEX requests_of_camera ON requests (box, cam, id);
CREATE INDEX requests_by_made ON requests (made, id);
CREATE INDEX clip_requests_of_camera ON clip_request_cameras (box, cam, n);
CREATE INDEX clip_requests_by_made ON clip_requests (made, n);
DROP INDEX holds_by_camera;
CREATE INDEX holds_of_camera ON holds (box, cam, n);
CREATE INDEX acceptances_by_made ON acceptances (made, declaration, op);
CREATE INDEX holds_by_made ON holds (made, n);

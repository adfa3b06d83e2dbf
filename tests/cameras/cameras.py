#!/usr/bin/python3
"""Test cameras: one RTSP server (GStreamer's), many cameras, from files encoded beforehand; nothing is encoded here.

    /usr/bin/python3 tests/cameras/cameras.py SCENE.json          (or - : the scene is the first line of stdin)
    /usr/bin/python3 tests/cameras/cameras.py --many 32 FILE.h264 (mounts /cam0 to /cam31)

Scene:
    {"port": 0, "address": "127.0.0.1", "cameras": [
      {"path": "/ashby/c01", "file": "street-1080p25.h264", "codec": "h264", "fps": 25},
      {"path": "/ashby/c02", "file": "street-1080p25.h265", "codec": "h265", "fps": 25, "user": "beadle", "password": "s3cret"},
      {"path": "/tenby/c01", "file": "street-1080p25.h264", "fps": 25, "audio": "street.aac", "udp": true}]}
`codec` may be left out where the file's name ends in .h264 or .h265; `fps` may be 25, 12.5 or "30000/1001". Port 0 takes a
free one. `stamps` is the rate the RTP clock claims where it is not the one sent (a camera that lies), `announced` the one the
SDP names; `aside` is a file like the camera's own whose pictures go along beside it in each access unit, where no player shows them: in
a message (SEI), and as an auxiliary picture (H.264) or a layer (H.265). `away` makes a camera that is not there until the order `appear`. A file with a `.shown` beside it has B pictures.
One user has one password, whatever the number of cameras behind it.

Video files are byte streams with an access unit delimiter before each picture (scripts/footage.sh makes them); the
delimiters are not sent. Each camera runs on its own clock: exact times n/fps, started at a different key picture and
at a different phase than its neighbours, and repeated for ever. As with a real camera a viewer joins in the middle.

Orders, one JSON object a line on stdin; each is answered by one line on stdout with the order's "id" and "ok":
    {"id": 1, "do": "stall", "cam": "/ashby/c01"}           no more pictures; connections stay open
    {"id": 2, "do": "resume", "cam": …}                     goes on at the next key picture, with the time lost missing
    {"id": 3, "do": "drop", "cam": …}                       closes its viewers' connections
    {"id": 4, "do": "reboot", "cam": …, "secs": 5}          gone (404, connections closed), then back
    {"id": 5, "do": "resolution", "cam": …, "file": …}      another file from the next key picture on, in the same session
    {"id": 6, "do": "clock-jump", "cam": …, "secs": -20}    the RTP clock jumps
    {"id": 7, "do": "password", "cam": …, "password": …}    changes the password of the camera's user, closes its viewers
    {"id": 8, "do": "lose", "cam": …, "packets": 10}        that many RTP packets (or fragmented units) are not sent
    {"id": 9, "do": "codec", "cam": …, "file": …}           another codec from now on; its viewers are closed, as such cameras do
    {"id": 10, "do": "flood", "cam": …, "times": 50}        each picture so many times, in the time of one
    {"id": 11, "do": "appear", "cam": …}                    a camera that was away comes up
    {"id": 12, "do": "event", "cam": …, "topic": "tns1:VideoSource/MotionAlarm", "on": true}     of a camera with "events": true
    {"id": 13, "do": "show", "cam": …, "file": …, "then": …}  like resolution; when that file has been sent once, the other goes on
    {"id": 14, "do": "rubbish", "cam": …, "pictures": 3, "keys": true}  so many (key) pictures are sent with random bytes for pictures
    {"id": 15, "do": "stats"}    {"id": 16, "do": "quit"}
The path's first slash may be left out. Events come as lines without "id":
    {"event": "ready", "port": 40123, "cameras": {"/ashby/c01": "rtsp://127.0.0.1:40123/ashby/c01", …}}
    {"event": "play", "cam": "/ashby/c01", "viewers": 1} {"event": "gone", "cam": …, "viewers": 0} {"event": "back", "cam": …}
    {"event": "shows", "cam": …, "file": "marker-360p12-open.h264"}     the first picture of another file has been sent to somebody
Ends when stdin ends, so that no camera outlives the test that started it; --stay keeps it running until a signal.
"""
import argparse
import heapq
import json
import os
import random
import re
import signal
import sys
import threading
import time
from fractions import Fraction

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: F401  (GstApp gives appsrc its methods)
except (ImportError, ValueError) as missing:
    sys.exit(f"cameras: {missing}; run scripts/install.sh, and use Debian's /usr/bin/python3")

TOLD = threading.Lock()


def tell(message):
    """One line for whoever started us; gone with its reader."""
    line = json.dumps(message, separators=(",", ":")) + "\n"
    with TOLD:
        try:
            sys.stdout.write(line)
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            os._exit(0)


class Bad(Exception):
    """A scene or an order that cannot be followed; the text says why."""


# ---------------------------------------------------------------- files

class Track:
    """A file's pictures (or sound frames) in memory, shared by every camera that shows it."""
    loaded = {}

    def __init__(self, name, codec, units, keys, secs, caps, shown=None):
        self.name = name
        self.shown = shown                   # with B pictures: place in the order shown, per picture as coded
        self.codec, self.units, self.keys, self.secs, self.caps = codec, units, keys, secs, caps
        self.bytes = sum(u.get_size() for u in units)

    @classmethod
    def video(cls, path, codec, fps):
        codec = codec or {"h264": "h264", "264": "h264", "h265": "h265", "265": "h265", "hevc": "h265"}.get(path.rsplit(".", 1)[-1])
        if codec not in ("h264", "h265"):
            raise Bad(f"{path}: codec must be h264 or h265")
        what = (os.path.abspath(path), codec, fps)
        if what not in cls.loaded:
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except OSError as error:
                raise Bad(f"{path}: {error.strerror}; scripts/footage.sh makes the footage") from None
            delimiter = rb"\x00?\x00\x00\x01\x46\x01." if codec == "h265" else rb"\x00?\x00\x00\x01\x09."
            marks = [m.span() for m in re.finditer(delimiter, data, re.S)]
            if not marks:
                raise Bad(f"{path}: no access unit delimiters found")
            ends = [start for start, _ in marks[1:]] + [len(data)]
            units = [data[end:stop] for (_, end), stop in zip(marks, ends)]
            # A key picture brings its parameter sets: SPS (7) or VPS (32) comes first.
            first = (lambda u: u[u.find(b"\x00\x00\x01") + 3])
            keys = [i for i, u in enumerate(units) if (first(u) & 31 == 7 if codec == "h264" else first(u) >> 1 & 63 == 32)]
            if not keys or keys[0] != 0:
                raise Bad(f"{path}: does not start with parameter sets and a key picture")
            caps = Gst.Caps.from_string(f"video/x-{codec},stream-format=byte-stream,alignment=au,framerate={fps.numerator}/{fps.denominator}")
            shown = None
            if os.path.exists(path + ".shown"):
                with open(path + ".shown", encoding="ascii") as file:
                    shown = [int(line) for line in file]
                if len(shown) != len(units):
                    raise Bad(f"{path}.shown: {len(shown)} lines for {len(units)} pictures")
            cls.loaded[what] = cls(os.path.basename(path), codec, [Gst.Buffer.new_wrapped(u) for u in units], keys, 1 / fps, caps, shown)
        return cls.loaded[what]

    @classmethod
    def sound(cls, path):
        what = (os.path.abspath(path), "aac")
        if what not in cls.loaded:
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except OSError as error:
                raise Bad(f"{path}: {error.strerror}; scripts/footage.sh makes the footage") from None
            units, at, rate, channels = [], 0, 0, 0
            while at + 7 <= len(data):
                if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
                    raise Bad(f"{path}: not AAC in ADTS (byte {at})")
                length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
                rate = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)[data[at + 2] >> 2 & 15]
                channels = (data[at + 2] & 1) << 2 | data[at + 3] >> 6
                if length < 7 or at + length > len(data):
                    break
                units.append(data[at:at + length])
                at += length
            if not units:
                raise Bad(f"{path}: no sound in it")
            caps = Gst.Caps.from_string(f"audio/mpeg,mpegversion=4,stream-format=adts,framed=true,rate={rate},channels={channels}")
            cls.loaded[what] = cls(os.path.basename(path), "aac", [Gst.Buffer.new_wrapped(u) for u in units], range(len(units)), Fraction(1024, rate), caps)
        return cls.loaded[what]


# ---------------------------------------------------------------- sending

class Feed:
    """One track on its way into one running pipeline. Touched by the pump's thread only, but for `over`."""

    def __init__(self, camera, track, source, start):
        self.camera, self.track, self.source = camera, track, source
        self.at = start                      # next unit
        self.began = time.monotonic() + camera.phase
        self.base, self.n = Fraction(0), 0   # seconds sent before this file; units of this file sent
        self.turns = 0                       # the same picture sent before, while flooding
        self.over = False

    def due(self):
        return self.began + float(self.base + (self.n + Fraction(self.turns, self.camera.flood)) * self.track.secs)

    def push(self):
        """Sends one unit; false when the pipeline has gone."""
        if self.track.codec != "aac":
            self.at_key()
        if self.at >= len(self.track.units):
            self.at = 0
        camera = self.camera
        stamp = camera.stamps if camera.stamps and self.track.codec != "aac" else self.track.secs
        time_sent = self.base + (self.n + Fraction(self.turns, camera.flood)) * stamp
        if not camera.stalled:
            buffer = self.track.units[self.at].copy()    # header only; the bytes are shared
            if camera.rubbish and self.track.codec != "aac" and (self.at in camera.key_set(self.track) or not camera.rubbish_keys):
                camera.rubbish -= 1
                buffer = rubbish(buffer, self.track.codec)
            later = (self.track.shown[self.at] - self.at) * stamp if self.track.shown else 0
            # With B pictures one is decoded up to two pictures before it is shown.
            early = 2 * stamp if self.track.shown else 0
            if camera.aside and self.track.codec != "aac":
                buffer = beside(buffer, camera.aside, self.at, self.track.codec)
            buffer.pts = int((time_sent + early + later) * Gst.SECOND)
            buffer.dts = int(time_sent * Gst.SECOND)
            buffer.duration = int(self.track.secs * Gst.SECOND)
            if self.source.push_buffer(buffer) != Gst.FlowReturn.OK:
                return False
            camera.sent += 1
            if camera.shows is not self.track and self.track.codec != "aac":
                camera.shows = self.track
                tell({"event": "shows", "cam": camera.path, "file": self.track.name})
        self.turns += 1
        if self.turns < camera.flood:
            return True
        self.turns = 0
        self.at += 1
        self.n += 1
        return True

    def at_key(self):
        """What changes only at a key picture: another file, or going on after a stall."""
        camera, keys = self.camera, self.track.keys
        if self.at >= len(self.track.units):
            if camera.then and camera.track is self.track:
                camera.track, camera.then = camera.then, None
            self.at = 0
        if camera.track is not self.track and (self.at in camera.key_set(self.track) or camera.stalled):
            self.base += self.n * self.track.secs
            self.track, self.at, self.n = camera.track, 0, 0
            self.source.set_caps(self.track.caps)
        if camera.resuming and not camera.stalled:
            self.at = next((k for k in keys if k >= self.at), 0) if self.track is camera.track else 0
            camera.resuming = False


def rubbish(buffer, codec):
    """A picture whose headers are as they were and whose slices are chance. No zeros: nothing in it looks like a start code."""
    data = bytearray(buffer.extract_dup(0, buffer.get_size()))
    starts = [m.end() for m in re.finditer(rb"\x00\x00\x01", data)]
    for start, stop in zip(starts, starts[1:] + [len(data)]):
        kind = data[start] & 31 if codec == "h264" else data[start] >> 1 & 63
        if kind <= 5 or codec == "h265" and kind < 32:
            for i in range(start + 8, stop):
                data[i] = DICE.randrange(1, 256)
    made = Gst.Buffer.new_wrapped(bytes(data))
    made.pts, made.dts, made.duration = buffer.pts, buffer.dts, buffer.duration
    return made


def nals(data):
    """The NAL units of a byte stream, without start codes."""
    starts = [m.end() for m in re.finditer(rb"\x00\x00\x01", data)]
    stops = [s - 3 for s in starts[1:]] + [len(data)]
    return [data[start:stop].rstrip(b"\x00") for start, stop in zip(starts, stops)]


def beside(buffer, aside, at, codec):
    """An access unit with another picture in it, in two guises: as a message before the slices, and after them as what is no part of the
    picture shown."""
    others = nals(aside.units[at % len(aside.units)].extract_dup(0, aside.units[at % len(aside.units)].get_size()))
    own = nals(buffer.extract_dup(0, buffer.get_size()))
    if codec == "h264":
        slices = [n for n in others if n[0] & 31 in (1, 5)]
        first = next(i for i, n in enumerate(own) if n[0] & 31 in (1, 5))
        message, tail = b"\x06", [bytes([n[0] & 0xE0 | 19]) + n[1:] for n in slices]
    else:
        slices = [n for n in others if n[0] >> 1 & 63 < 32]
        first = next(i for i, n in enumerate(own) if n[0] >> 1 & 63 < 32)
        # Prefix SEI; layer 1.
        message, tail = b"\x4e\x01", [bytes([n[0], n[1] | 8]) + n[2:] for n in slices]
    body = bytes(range(1, 17)) + b"OPEN" + slices[0][:2000].replace(b"\x00", b"\x01")
    message += b"\x05" + b"\xff" * (len(body) // 255) + bytes([len(body) % 255]) + body + b"\x80"
    data = b"".join(b"\x00\x00\x00\x01" + n for n in own[:first] + [message] + own[first:] + tail)
    made = Gst.Buffer.new_wrapped(data)
    made.pts, made.dts, made.duration = buffer.pts, buffer.dts, buffer.duration
    return made


DICE = random.Random(20261122)


class Pump(threading.Thread):
    """Sends every camera's pictures when they are due; sleeps between."""

    def __init__(self):
        super().__init__(daemon=True, name="pump")
        self.turn = threading.Condition()
        self.new, self.late, self.worst = [], 0, 0.0

    def add(self, feed):
        with self.turn:
            self.new.append(feed)
            self.turn.notify()

    def run(self):
        queue, order = [], 0
        while True:
            with self.turn:
                while not queue and not self.new:
                    self.turn.wait()
                for feed in self.new:
                    order += 1
                    heapq.heappush(queue, (feed.due(), order, feed))
                self.new.clear()
            now = time.monotonic()
            while queue and queue[0][0] <= now + 0.002:      # what is due within 2 ms goes in one waking
                due, number, feed = queue[0]
                if now - due > 0.5:
                    self.late += 1
                    self.worst = max(self.worst, now - due)
                if feed.over or not feed.push():
                    heapq.heappop(queue)
                    continue
                heapq.heapreplace(queue, (feed.due(), number, feed))
            if queue:
                with self.turn:
                    if not self.new:
                        self.turn.wait(max(0.001, queue[0][0] - time.monotonic()))


# ---------------------------------------------------------------- cameras

def role(user):
    """GStreamer's name for who may see a user's cameras: letters and digits only."""
    return "user-" + user.encode().hex()


def told_events():
    """tests/cameras/metadata.py, where a scene has cameras that tell events."""
    import metadata
    metadata.register()
    return metadata


class Camera:
    def __init__(self, scene, index, count):
        self.path = "/" + scene["path"].lstrip("/")
        fps = Fraction(str(scene.get("fps", 25)))
        if not 0 < fps <= 240:
            raise Bad(f"{self.path}: fps {fps}: between 0 and 240 is meant")
        self.fps = fps
        self.track = Track.video(scene["file"], scene.get("codec"), fps)
        self.sound = Track.sound(scene["audio"]) if scene.get("audio") else None
        self.user, self.password = scene.get("user"), scene.get("password")
        if bool(self.user) != bool(self.password):
            raise Bad(f"{self.path}: user and password belong together")
        self.aside = Track.video(scene["aside"], scene.get("codec"), fps) if scene.get("aside") else None
        self.udp = bool(scene.get("udp"))
        self.phase = float(index / max(1, count) / fps)
        self.first_key = self.track.keys[index * len(self.track.keys) // max(1, count) % len(self.track.keys)]
        self.stalled = self.resuming = False
        self.events, self.alarms = told_events() if scene.get("events") else None, None
        self.stamps = 1 / Fraction(str(scene["stamps"])) if scene.get("stamps") else None
        self.announced = scene.get("announced")
        self.away = bool(scene.get("away"))
        self.flood = 1
        self.then, self.shows = None, self.track     # the file after this one; the one last sent
        self.rubbish, self.rubbish_keys = 0, False
        self.lose, self.lost = 0, 0
        self.sent, self.viewers, self.plays = 0, 0, 0
        self.feeds, self.pay, self.element = [], None, None
        self.keys = {}

    def key_set(self, track):
        return self.keys.setdefault(id(track), set(track.keys))

    def launch(self):
        codec = self.track.codec
        source = "appsrc name={} is-live=true format=time block=false leaky-type=downstream max-buffers=100 max-bytes=0 max-time=0"
        text = f"( {source.format('video')} ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=0 aggregate-mode=none"
        if self.sound:
            text += f" {source.format('sound')} ! aacparse ! rtpmp4gpay name=pay1 pt=97"
        if self.events:
            text += f" appsrc name=alarms is-live=true format=time ! {self.events.NAME} name=pay{2 if self.sound else 1} pt=98"
        return text + " )"

    def alarm(self, topic=None, on=False):
        """An event document, at the time of the pictures sent now."""
        feed, buffer = self.feeds[0], Gst.Buffer.new_wrapped(self.events.document(topic, on))
        buffer.pts = buffer.dts = int((feed.base + feed.n * feed.track.secs) * Gst.SECOND)
        self.alarms.push_buffer(buffer)


class Server:
    def __init__(self, scene):
        Gst.init(None)
        self.pump = Pump()
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address(scene.get("address", "127.0.0.1"))
        self.server.set_service(str(scene.get("port", 0)))
        self.server.set_backlog(256)
        self.server.get_session_pool().set_max_sessions(0)
        self.auth = GstRtspServer.RTSPAuth()
        self.auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        anyone = GstRtspServer.RTSPToken()
        anyone.set_string("media.factory.role", "anyone")
        self.auth.set_default_token(anyone)
        self.passwords = {}
        self.cameras, self.clients = {}, {}
        wanted = scene["cameras"]
        for index, one in enumerate(wanted):
            try:
                camera = Camera(one, index, len(wanted))
            except (KeyError, ValueError, TypeError, ZeroDivisionError) as error:
                raise Bad(f"camera {index + 1} of the scene: {error!r}") from None
            if camera.path in self.cameras:
                raise Bad(f"{camera.path} is there twice")
            if camera.user and self.passwords.get(camera.user, camera.password) != camera.password:
                raise Bad(f"{camera.path}: user {camera.user} has another password elsewhere")
            self.cameras[camera.path] = camera
            if camera.user:
                self.set_password(camera.user, camera.password)
        self.server.set_auth(self.auth)
        for camera in self.cameras.values():
            if not camera.away:
                self.mount(camera)
        self.server.connect("client-connected", self.on_client)
        if self.server.attach(None) == 0:
            raise Bad(f"cannot listen on {self.server.get_address()}:{self.server.get_service()}; another program may be there")
        self.port = self.server.get_bound_port()
        GLib.timeout_add_seconds(5, self.tidy)
        self.pump.start()

    def tidy(self):
        self.server.get_session_pool().cleanup()
        return True

    def set_password(self, user, password):
        if user in self.passwords:
            self.auth.remove_digest(user)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", role(user))
        self.auth.add_digest(user, password, token)
        self.passwords[user] = password

    # mounts

    def mount(self, camera):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(camera.launch())
        factory.set_shared(True)
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP if camera.udp else GstRtsp.RTSPLowerTrans.TCP)
        factory.set_latency(0)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("anyone", "media.factory.access", True)
        permissions.add_permission_for_role("anyone", "media.factory.construct", not camera.user)   # refused so: 401, with a challenge
        if camera.user:
            permissions.add_permission_for_role(role(camera.user), "media.factory.access", True)
            permissions.add_permission_for_role(role(camera.user), "media.factory.construct", True)
        factory.set_permissions(permissions)
        factory.connect("media-configure", self.on_media, camera)
        self.server.get_mount_points().add_factory(camera.path, factory)

    def on_media(self, _factory, media, camera):
        """A pipeline has been made for the camera's first viewer: feed it until it goes."""
        for feed in camera.feeds:
            feed.over = True
        element = media.get_element()
        source = element.get_child_by_name("video")
        caps = camera.track.caps
        if camera.announced:
            caps = Gst.Caps.from_string(re.sub(r"framerate=\S*", f"framerate={Fraction(str(camera.announced))}", caps.to_string().replace("(fraction)", "")))
        source.set_caps(caps)
        camera.feeds = [Feed(camera, camera.track, source, camera.first_key)]
        if camera.sound:
            sound = element.get_child_by_name("sound")
            sound.set_caps(camera.sound.caps)
            camera.feeds.append(Feed(camera, camera.sound, sound, 0))
        if camera.events:
            camera.alarms = element.get_child_by_name("alarms")
            camera.alarms.set_caps(Gst.Caps.from_string(camera.events.SINK))
            camera.alarm()      # the server waits for each stream's first packet
        camera.pay = element.get_child_by_name("pay0")
        camera.element = element
        feeds = camera.feeds
        media.connect("unprepared", lambda _media: [setattr(f, "over", True) for f in feeds] and None)
        for feed in feeds:
            self.pump.add(feed)

    @staticmethod
    def unpace(camera):
        """Pictures leave when they are pushed. GStreamer would pace them by their times, and so hold everything back
        after a jump of the RTP clock; it turns pacing on again at each PLAY."""
        pipeline = camera.element.get_parent() if camera.element else None
        if pipeline is not None:
            pipeline.iterate_recurse().foreach(
                lambda e: e.set_property("sync", False) if e.get_factory() and e.get_factory().get_name() in ("appsink", "udpsink", "multiudpsink") else None)

    # viewers

    def on_client(self, _server, client):
        client.connect("play-request", self.on_play)
        client.connect("closed", self.on_closed)
        client.connect("teardown-request", self.on_teardown)

    def on_play(self, client, context):
        path = (context.uri.abspath if context.uri else "").rstrip("/")
        camera = self.cameras.get(path) or next((c for p, c in self.cameras.items() if path.startswith(p + "/")), None)
        if camera:
            self.unpace(camera)
        if camera and client not in self.clients:
            self.clients[client] = camera
            camera.viewers += 1
            camera.plays += 1
            tell({"event": "play", "cam": camera.path, "viewers": camera.viewers})

    def on_teardown(self, client, _context):
        self.forget(client)

    def on_closed(self, client):
        self.forget(client)

    def forget(self, client):
        camera = self.clients.pop(client, None)
        if camera:
            camera.viewers -= 1
            tell({"event": "gone", "cam": camera.path, "viewers": camera.viewers})

    def close_viewers(self, camera):
        gone = [client for client, its in self.clients.items() if its is camera]
        for client in gone:
            client.close()
        return len(gone)

    # orders

    def order(self, order):
        what = order.get("do")
        if what == "stats":
            return {"cameras": {c.path: {"viewers": c.viewers, "plays": c.plays, "sent": c.sent, "lost": c.lost, "stalled": c.stalled,
                                         "kbit": round(float(c.track.bytes * 8 / (len(c.track.units) * c.track.secs)) / 1000)}
                                for c in self.cameras.values()},
                    "late": self.pump.late, "worst_late_secs": round(self.pump.worst, 3), "cpu_secs": round(time.process_time(), 2)}
        if what == "quit":
            GLib.idle_add(LOOP.quit)
            return {}
        orders = {"stall": self.stall, "resume": self.resume, "drop": self.drop, "reboot": self.reboot, "resolution": self.resolution,
                  "clock-jump": self.clock_jump, "event": self.event, "password": self.password, "lose": self.lose,
                  "codec": self.codec, "flood": self.flood, "appear": self.appear, "show": self.show, "rubbish": self.send_rubbish}
        if what not in orders:
            raise Bad(f"unknown order {what!r}")
        path = "/" + str(order.get("cam", "")).lstrip("/")
        if path not in self.cameras:
            raise Bad(f"no camera {path}")
        return orders[what](self.cameras[path], order) or {}

    def stall(self, camera, _order):
        camera.stalled = True

    def resume(self, camera, _order):
        if camera.stalled:
            camera.resuming, camera.stalled = True, False

    def drop(self, camera, _order):
        return {"closed": self.close_viewers(camera)}

    def reboot(self, camera, order):
        secs = float(order.get("secs", 5))
        self.server.get_mount_points().remove_factory(camera.path)
        closed = self.close_viewers(camera)

        def back():
            self.mount(camera)
            tell({"event": "back", "cam": camera.path})
            return False
        GLib.timeout_add(max(1, int(secs * 1000)), back)
        return {"closed": closed}

    @staticmethod
    def same_codec(camera, file, order):
        track = Track.video(file, order.get("codec"), camera.fps)
        if track.codec != camera.track.codec:
            raise Bad(f"{camera.path} is {camera.track.codec}, the file {track.codec}; a camera keeps its codec within a session")
        return track

    def resolution(self, camera, order):
        track = self.same_codec(camera, order.get("file", ""), order)
        camera.first_key, camera.then = track.keys[0], None
        camera.track = track

    def show(self, camera, order):
        track, then = (self.same_codec(camera, order.get(key, ""), order) for key in ("file", "then"))
        # Without a viewer nobody sees the first: it is past when one comes.
        if not camera.feeds or camera.feeds[0].over:
            track, then = then, None
        camera.first_key, camera.then = track.keys[0], then
        camera.track = track

    def send_rubbish(self, camera, order):
        camera.rubbish_keys = bool(order.get("keys"))
        camera.rubbish = max(1, int(order.get("pictures", 1)))

    def codec(self, camera, order):
        track = Track.video(order.get("file", ""), order.get("codec"), camera.fps)
        self.server.get_mount_points().remove_factory(camera.path)
        closed = self.close_viewers(camera)
        camera.track, camera.first_key = track, track.keys[0]
        camera.keys.clear()
        self.mount(camera)
        return {"closed": closed}

    def flood(self, camera, order):
        camera.flood = max(1, int(order.get("times", 1)))

    def appear(self, camera, _order):
        if not camera.away:
            raise Bad(f"{camera.path} is there already")
        camera.away = False
        self.mount(camera)

    def clock_jump(self, camera, order):
        secs = Fraction(str(order.get("secs", 0)))
        # RTP time has 32 bits of 90 kHz: a step back is a long step forward.
        step = (secs % Fraction(1 << 32, 90000))
        if not camera.feeds or camera.feeds[0].over:
            raise Bad(f"{camera.path} has no viewer, so no RTP clock to jump")
        self.unpace(camera)
        for feed in camera.feeds:
            feed.began -= float(step)
            feed.base += step

    def event(self, camera, order):
        if camera.alarms is None or not camera.feeds or camera.feeds[0].over:
            raise Bad(f"{camera.path} has no events, or no viewer to tell them")
        camera.alarm(str(order.get("topic", "tns1:VideoSource/MotionAlarm")), bool(order.get("on")))

    def password(self, camera, order):
        if not camera.user:
            raise Bad(f"{camera.path} has no password")
        self.set_password(camera.user, str(order.get("password", "")))
        return {"closed": sum(self.close_viewers(c) for c in self.cameras.values() if c.user == camera.user)}

    def lose(self, camera, order):
        if camera.pay is None or not camera.feeds or camera.feeds[0].over:
            raise Bad(f"{camera.path} has no viewer to lose packets for")
        left = [max(1, int(order.get("packets", 1)))]

        def probe(_pad, _info):
            if left[0] <= 0:
                return Gst.PadProbeReturn.REMOVE
            left[0] -= 1
            camera.lost += 1
            return Gst.PadProbeReturn.DROP
        camera.pay.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, probe)


def answer(server, line):
    """Runs in the main loop, where clients and mounts live."""
    number = None
    try:
        order = json.loads(line)
        if not isinstance(order, dict):
            raise Bad("an order is a JSON object")
        number = order.get("id")
        tell({"id": number, "ok": True, **server.order(order)})
    except (Bad, ValueError, TypeError) as error:
        tell({"id": number, "ok": False, "why": str(error)})
    return False


def listen(server, stay):
    for line in sys.stdin:
        if line.strip():
            GLib.idle_add(answer, server, line)
    if not stay:
        GLib.idle_add(LOOP.quit)


def main():
    parser = argparse.ArgumentParser(description="Test cameras over RTSP.", epilog="See the head of this file for scene and orders.")
    parser.add_argument("scene", nargs="?", help="scene file, or - for the first line of stdin")
    parser.add_argument("--many", nargs=2, metavar=("N", "FILE"), help="N cameras /cam0 … that all show FILE")
    parser.add_argument("--fps", default="25", help="with --many")
    parser.add_argument("--port", type=int, help="instead of the scene's")
    parser.add_argument("--stay", action="store_true", help="go on when stdin ends")
    given = parser.parse_args()
    try:
        if given.many:
            scene = {"cameras": [{"path": f"/cam{i}", "file": given.many[1], "fps": given.fps} for i in range(int(given.many[0]))]}
        elif given.scene == "-":
            scene = json.loads(sys.stdin.readline())
        elif given.scene:
            with open(given.scene, encoding="utf-8") as file:
                scene = json.load(file)
        else:
            parser.error("a scene, or --many")
        if given.port is not None:
            scene["port"] = given.port
        if not isinstance(scene.get("cameras"), list) or not scene["cameras"]:
            raise Bad("the scene has no cameras")
        server = Server(scene)
    except (Bad, OSError, ValueError) as error:
        sys.exit(f"cameras: {error}")
    host = scene.get("address", "127.0.0.1")
    tell({"event": "ready", "port": server.port, "cameras": {p: f"rtsp://{host}:{server.port}{p}" for p in server.cameras}})
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, LOOP.quit)
    threading.Thread(target=listen, args=(server, given.stay), daemon=True, name="orders").start()
    LOOP.run()
    # Pipelines may still be running; there is nothing of theirs to save.
    sys.stdout.flush()
    os._exit(0)


LOOP = GLib.MainLoop()
if __name__ == "__main__":
    main()

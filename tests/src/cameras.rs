//! Adapter: test cameras. Runs tests/cameras/cameras.py, gives it orders, hears its events.
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Done, Told, Trouble, places};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a camera of the marked scene sends its pictures in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coded {
    /// A key picture each second.
    H264,
    /// With B pictures; a key picture each two seconds, as the next.
    H264B,
    H265,
}

/// How a camera's own privacy zone looks: black, or a mosaic of [`CELL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    Solid,
    Mosaic,
}

/// Pixels of a mosaic's cell, in footage 360 high: 15 of them are as high as the picture.
pub const CELL: u32 = 24;

/// Where in a group of pictures a camera's zone goes or comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Key,
    Middle,
}

/// A file of the marked scene, see scripts/footage.sh; `cover` is `open`, `solid`, `mosaic` or a change such as `solid-open`.
pub fn marked(coded: Coded, cover: &str) -> String {
    let (stem, codec) = match coded {
        Coded::H264 => ("marker-360p12", "h264"),
        Coded::H264B => ("marker-b-360p12", "h264"),
        Coded::H265 => ("marker-360p12", "h265"),
    };
    format!("{stem}-{cover}.{codec}")
}

impl Cover {
    pub fn name(self) -> &'static str {
        match self {
            Cover::Solid => "solid",
            Cover::Mosaic => "mosaic",
        }
    }
}

/// Which cameras there are.
#[derive(Default)]
pub struct Scene {
    cameras: Vec<Value>,
    zones: BTreeMap<String, (Coded, Cover)>,
    trouble: Option<Trouble>,
}

impl Scene {
    pub fn new() -> Self {
        Self::default()
    }

    fn one(mut self, path: &str, file: &str, fps: u32, more: Value) -> Self {
        match places::footage(file) {
            Ok(file) => {
                let mut camera = json!({"path": path, "file": file, "fps": fps});
                if let (Some(camera), Value::Object(more)) = (camera.as_object_mut(), more) {
                    camera.extend(more);
                }
                self.cameras.push(camera);
            }
            Err(e) => self.trouble = self.trouble.or(Some(e)),
        }
        self
    }

    /// H.264, 1080p, 25 a second, 4 Mbit/s.
    pub fn street(self, path: &str) -> Self {
        self.one(path, "street-1080p25.h264", 25, json!({}))
    }

    /// The same, telling events of its own (ONVIF metadata).
    pub fn street_with_events(self, path: &str) -> Self {
        self.one(path, "street-1080p25.h264", 25, json!({"events": true}))
    }

    /// The same with sound.
    pub fn street_with_sound(self, path: &str) -> Self {
        let sound = places::root().join("target/footage/street.aac");
        self.one(path, "street-1080p25.h264", 25, json!({"audio": sound}))
    }

    /// H.265, 1080p, 25 a second, behind digest authentication.
    pub fn street_h265(self, path: &str, user: &str, password: &str) -> Self {
        self.one(
            path,
            "street-1080p25.h265",
            25,
            json!({"user": user, "password": password}),
        )
    }

    /// H.264, 1080p, 25 a second, 400 kbit/s.
    pub fn street_low(self, path: &str) -> Self {
        self.one(path, "street-low.h264", 25, json!({}))
    }

    /// H.264, 640×360, 12 a second, with the magenta marker a mask over x 0.60 to 0.80, y 0.30 to 0.60 must hide.
    pub fn marked(self, path: &str) -> Self {
        self.one(path, "masked-640x360p12.h264", 12, json!({}))
    }

    /// H.264, 640×360, 12 a second: a checker of magenta and green moves under [`OVER_MARKER`]. See [`crate::marker`].
    pub fn marker(self, path: &str) -> Self {
        self.marker_in(path, Coded::H264)
    }

    pub fn marker_in(self, path: &str, coded: Coded) -> Self {
        self.one(path, &marked(coded, "open"), 12, json!({}))
    }

    /// The same scene as a camera sends it whose own privacy zone covers the marker in black; see [`Cameras::uncover`].
    pub fn zoned(self, path: &str) -> Self {
        self.zoned_in(path, Coded::H264, Cover::Solid)
    }

    /// The same with a mosaic of [`CELL`], and B pictures.
    pub fn zoned_pixelated(self, path: &str) -> Self {
        self.zoned_in(path, Coded::H264B, Cover::Mosaic)
    }

    pub fn zoned_in(mut self, path: &str, coded: Coded, cover: Cover) -> Self {
        self.zones.insert(path.to_owned(), (coded, cover));
        self.one(path, &marked(coded, cover.name()), 12, json!({}))
    }

    /// The marker without a zone, and with one, the open scene going along beside each picture, where no player shows it: in messages,
    /// and as auxiliary pictures (H.264) or a layer of their own (H.265).
    pub fn marker_with_open_beside(self, path: &str, coded: Coded) -> Self {
        self.marker_in(path, coded).open_beside(coded)
    }

    pub fn zoned_with_open_beside(self, path: &str, coded: Coded, cover: Cover) -> Self {
        self.zoned_in(path, coded, cover).open_beside(coded)
    }

    fn open_beside(mut self, coded: Coded) -> Self {
        match (
            places::footage(&marked(coded, "open")),
            self.cameras.last_mut(),
        ) {
            (Ok(open), Some(camera)) => camera["aside"] = json!(open),
            (Err(e), _) => self.trouble = self.trouble.or(Some(e)),
            (Ok(_), None) => {}
        }
        self
    }

    /// Any file of target/footage.
    pub fn file(self, path: &str, file: &str, fps: u32) -> Self {
        self.one(path, file, fps, json!({}))
    }

    /// The same, with more said of the camera: see tests/cameras/cameras.py.
    pub fn odd(self, path: &str, file: &str, fps: u32, more: Value) -> Self {
        self.one(path, file, fps, more)
    }
}

/// The polygon that hides the marker of [`Scene::marked`].
pub const OVER_MARKER: &str = "[[[0.60, 0.30], [0.80, 0.30], [0.80, 0.60], [0.60, 0.60]]]";

#[derive(Default)]
struct Heard {
    events: Vec<Value>,
    answers: BTreeMap<u64, Value>,
    over: bool,
}

pub struct Cameras {
    child: Child,
    to: Mutex<Option<(ChildStdin, u64)>>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    urls: BTreeMap<String, String>,
    zones: BTreeMap<String, (Coded, Cover)>,
    pub port: u16,
}

impl Cameras {
    pub fn start(scene: Scene) -> Done<Self> {
        Self::start_with(scene, &[])
    }

    /// With more in their environment, e.g. a clock that is wrong ([`crate::town::clock`]).
    pub fn start_with(scene: Scene, env: &[(String, String)]) -> Done<Self> {
        if let Some(trouble) = scene.trouble {
            return Err(trouble);
        }
        let program: PathBuf = places::root().join("tests/cameras/cameras.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(&program)
            .arg("-")
            .envs(env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .told(format!("starting {}", program.display()))?;
        let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::new("no pipes to the cameras"));
        };
        writeln!(to, "{}", json!({"port": 0, "cameras": scene.cameras}))
            .told("giving the cameras their scene")?;
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let ears = heard.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                let mut heard = ears.0.lock().unwrap_or_else(PoisonError::into_inner);
                match value.get("id").and_then(Value::as_u64) {
                    Some(id) => {
                        heard.answers.insert(id, value);
                    }
                    None => heard.events.push(value),
                }
                ears.1.notify_all();
            }
            ears.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
            ears.1.notify_all();
        });
        let mut cameras = Self {
            child,
            to: Mutex::new(Some((to, 0))),
            heard,
            urls: BTreeMap::new(),
            zones: scene.zones,
            port: 0,
        };
        let ready = cameras.event_since(0, "the cameras are ready", |e| e["event"] == "ready")?;
        cameras.port = ready["port"]
            .as_u64()
            .and_then(|p| u16::try_from(p).ok())
            .ok_or_else(|| Trouble::new("the cameras name no port"))?;
        cameras.urls = serde_json::from_value(ready["cameras"].clone())?;
        Ok(cameras)
    }

    /// The RTSP address of a mount, without user name.
    pub fn url(&self, path: &str) -> &str {
        self.urls.get(path).map_or("", String::as_str)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many events there were; give it to [`Cameras::event_since`] to hear only later ones.
    pub fn events(&self) -> usize {
        self.heard
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events
            .len()
    }

    /// Waits for an event.
    pub fn event_since(
        &self,
        since: usize,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Done<Value> {
        self.wait(what, |heard| {
            heard.events.iter().skip(since).find(|e| wanted(e)).cloned()
        })
    }

    /// Waits until somebody starts to view a camera, counting from event number `since`.
    pub fn played(&self, since: usize, path: &str) -> Done<()> {
        self.event_since(since, &format!("somebody views {path}"), |e| {
            e["event"] == "play" && e["cam"] == path
        })
        .map(drop)
    }

    fn wait<T>(&self, what: &str, mut found: impl FnMut(&Heard) -> Option<T>) -> Done<T> {
        let until = Instant::now() + PATIENCE;
        let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(value) = found(&heard) {
                return Ok(value);
            }
            if heard.over {
                return Err(Trouble(format!(
                    "{what}: the cameras have ended; scripts/install.sh and scripts/footage.sh may have to run first"
                )));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Trouble(format!(
                    "{what}: not so after {} s",
                    PATIENCE.as_secs()
                )));
            }
            heard = self
                .heard
                .1
                .wait_timeout(heard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn order(&self, order: &str, mut what: Value) -> Done<Value> {
        let id = {
            let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((pipe, last)) = to.as_mut() else {
                return Err(Trouble::new("the cameras are gone"));
            };
            *last += 1;
            what["id"] = json!(*last);
            what["do"] = json!(order);
            writeln!(pipe, "{what}")
                .and_then(|()| pipe.flush())
                .told("giving the cameras an order")?;
            *last
        };
        let answer = self.wait(&format!("the cameras' answer to {order}"), |heard| {
            heard.answers.get(&id).cloned()
        })?;
        if answer["ok"] == true {
            Ok(answer)
        } else {
            Err(Trouble(format!(
                "the cameras refuse {order}: {}",
                answer["why"]
            )))
        }
    }

    /// No more pictures; connections stay open.
    pub fn stall(&self, path: &str) -> Done<()> {
        self.order("stall", json!({"cam": path})).map(drop)
    }
    /// On at the next key picture; the time in between is missing.
    pub fn resume(&self, path: &str) -> Done<()> {
        self.order("resume", json!({"cam": path})).map(drop)
    }
    /// Closes its viewers' connections.
    pub fn drop_viewers(&self, path: &str) -> Done<()> {
        self.order("drop", json!({"cam": path})).map(drop)
    }
    /// Gone for so long, then back.
    pub fn reboot(&self, path: &str, secs: f64) -> Done<()> {
        self.order("reboot", json!({"cam": path, "secs": secs}))
            .map(drop)
    }
    /// Another file, of other dimensions, from the next key picture on.
    pub fn resolution(&self, path: &str, file: &Path) -> Done<()> {
        self.order("resolution", json!({"cam": path, "file": file}))
            .map(drop)
    }
    /// The RTP clock jumps.
    pub fn clock_jump(&self, path: &str, secs: f64) -> Done<()> {
        self.order("clock-jump", json!({"cam": path, "secs": secs}))
            .map(drop)
    }
    /// Its motion alarm begins, or is over.
    pub fn motion(&self, path: &str, on: bool) -> Done<()> {
        self.order(
            "event",
            json!({"cam": path, "topic": "tns1:VideoSource/MotionAlarm", "on": on}),
        )
        .map(drop)
    }
    /// Another password for the camera's user, closing its viewers.
    pub fn password(&self, path: &str, password: &str) -> Done<()> {
        self.order("password", json!({"cam": path, "password": password}))
            .map(drop)
    }
    /// So many packets are not sent.
    pub fn lose(&self, path: &str, packets: u32) -> Done<()> {
        self.order("lose", json!({"cam": path, "packets": packets}))
            .map(drop)
    }
    /// Another codec; its viewers' connections are closed.
    pub fn codec(&self, path: &str, file: &Path) -> Done<()> {
        self.order("codec", json!({"cam": path, "file": file}))
            .map(drop)
    }
    /// Each picture so many times in the time of one.
    pub fn flood(&self, path: &str, times: u32) -> Done<()> {
        self.order("flood", json!({"cam": path, "times": times}))
            .map(drop)
    }
    /// Its privacy zone is taken away: at its next key picture, or in the middle of the group that begins there.
    pub fn uncover(&self, path: &str, at: Place) -> Done<()> {
        self.zone(path, at, |cover| (cover, "open"))
    }
    /// Its privacy zone is back.
    pub fn cover(&self, path: &str, at: Place) -> Done<()> {
        self.zone(path, at, |cover| ("open", cover))
    }
    fn zone(
        &self,
        path: &str,
        at: Place,
        change: impl Fn(&'static str) -> (&'static str, &'static str),
    ) -> Done<()> {
        let Some((coded, cover)) = self.zones.get(path) else {
            return Err(Trouble(format!("{path} has no privacy zone of its own")));
        };
        let (from, to) = change(cover.name());
        let then = places::footage(&marked(*coded, to))?;
        let file = match at {
            Place::Key => then.clone(),
            Place::Middle => places::footage(&marked(*coded, &format!("{from}-{to}")))?,
        };
        self.order("show", json!({"cam": path, "file": file, "then": then}))
            .map(drop)
    }
    /// Waits until a picture with its zone in place, or without, has been sent, counting from event number `since`: of a change in
    /// mid-group the key picture after it.
    pub fn shown(&self, since: usize, path: &str, covered: bool) -> Done<()> {
        let Some((coded, cover)) = self.zones.get(path) else {
            return Err(Trouble(format!("{path} has no privacy zone of its own")));
        };
        let file = marked(*coded, if covered { cover.name() } else { "open" });
        self.event_since(since, &format!("{path} shows {file}"), |e| {
            e["event"] == "shows" && e["cam"] == path && e["file"] == file.as_str()
        })
        .map(drop)
    }
    /// So many pictures, or key pictures, are sent with chance in place of pictures.
    pub fn rubbish(&self, path: &str, pictures: u32, keys: bool) -> Done<()> {
        self.order(
            "rubbish",
            json!({"cam": path, "pictures": pictures, "keys": keys}),
        )
        .map(drop)
    }
    /// A camera that was away comes up.
    pub fn appear(&self, path: &str) -> Done<()> {
        self.order("appear", json!({"cam": path})).map(drop)
    }

    /// How often somebody began to view a camera.
    pub fn plays(&self, path: &str) -> usize {
        let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let play = |e: &&Value| e["event"] == "play" && e["cam"] == path;
        heard.events.iter().filter(play).count()
    }

    pub fn stats(&self) -> Done<Value> {
        self.order("stats", json!({}))
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        // Its stdin closing tells it to end.
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for _ in 0..40 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

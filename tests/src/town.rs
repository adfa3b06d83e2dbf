//! Adapter: a town's box. Configuration written, volume labelled, reader and recorder run, log and footage looked at.
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    Done, Told, Trouble, args,
    hub::Hub,
    places::files_below,
    program::{Program, Said},
    site::Site,
    wait::{self, Look},
};

/// What a box is told: the parts of its configuration that tests vary.
#[derive(Clone)]
pub struct Plan {
    name: String,
    site: String,
    zone: String,
    retention_days: u32,
    segment_secs: u32,
    volumes: Vec<PathBuf>,
    /// None: the root key in a file, whatever the machine has.
    tpm: Option<PathBuf>,
    /// The graphics device that is to encode.
    encoder: Option<String>,
    cameras: Vec<PlannedCamera>,
}

#[derive(Clone)]
struct PlannedCamera {
    id: String,
    title: String,
    url: String,
    login: Option<(String, String)>,
    mask: Option<(String, String)>,
    /// More lines of its `[camera.mask]`.
    mask_keys: Vec<String>,
    timelapse: Option<(u32, Option<(String, u32)>)>,
    sound: Option<String>,
    udp: bool,
    /// More lines of its `[[camera]]`.
    lines: Vec<String>,
}

impl Plan {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            site: format!("{name}, test rig"),
            zone: "Europe/London".into(),
            retention_days: 31,
            segment_secs: 60,
            volumes: Vec::new(),
            tpm: None,
            encoder: None,
            cameras: Vec::new(),
        }
    }
    pub fn site(mut self, site: &str) -> Self {
        self.site = site.into();
        self
    }
    pub fn zone(mut self, zone: &str) -> Self {
        self.zone = zone.into();
        self
    }
    pub fn retention_days(mut self, days: u32) -> Self {
        self.retention_days = days;
        self
    }
    /// Segments of so many seconds instead of a minute.
    pub fn segment_secs(mut self, secs: u32) -> Self {
        self.segment_secs = secs;
        self
    }
    /// One more volume, beside the town's own.
    pub fn volume(mut self, path: &Path) -> Self {
        self.volumes.push(path.to_owned());
        self
    }
    /// The root key in the TPM at this socket.
    pub fn tpm(mut self, socket: &Path) -> Self {
        self.tpm = Some(socket.to_owned());
        self
    }
    /// The graphics device that is to encode masked pictures.
    pub fn encoder(mut self, device: &str) -> Self {
        self.encoder = Some(device.into());
        self
    }
    pub fn camera(mut self, id: &str, url: &str) -> Self {
        self.cameras.push(PlannedCamera {
            id: id.into(),
            title: format!("Camera {id}"),
            url: url.into(),
            login: None,
            mask: None,
            mask_keys: Vec::new(),
            timelapse: None,
            sound: None,
            udp: false,
            lines: Vec::new(),
        });
        self
    }
    fn last(mut self, change: impl FnOnce(&mut PlannedCamera)) -> Self {
        self.cameras.last_mut().map(change).unwrap_or_default();
        self
    }
    /// Title of the camera named last.
    pub fn title(self, title: &str) -> Self {
        self.last(|c| c.title = title.into())
    }
    /// User name and password of the camera named last.
    pub fn login(self, user: &str, password: &str) -> Self {
        self.last(|c| c.login = Some((user.into(), password.into())))
    }
    /// Sound of the camera named last is recorded, for this reason.
    pub fn sound(self, reason: &str) -> Self {
        self.last(|c| c.sound = Some(reason.into()))
    }
    /// The camera named last is in time-lapse.
    pub fn timelapse(self, every_secs: u32) -> Self {
        self.last(|c| c.timelapse = Some((every_secs, None)))
    }
    /// The same; events of this topic switch to real time, which goes on for so long after them.
    pub fn timelapse_with(self, every_secs: u32, event: &str, hold_secs: u32) -> Self {
        self.last(|c| c.timelapse = Some((every_secs, Some((event.into(), hold_secs)))))
    }
    /// The camera named last sends over UDP.
    pub fn udp(self) -> Self {
        self.last(|c| c.udp = true)
    }
    /// One more line of the camera named last, as it stands.
    pub fn camera_line(self, line: &str) -> Self {
        self.last(|c| c.lines.push(line.into()))
    }
    /// Mask of the camera named last; polygons as in the configuration file. Those below say more of it.
    pub fn mask(self, id: &str, polygons: &str) -> Self {
        self.last(|c| c.mask = Some((id.into(), polygons.into())))
    }
    fn mask_key(self, line: String) -> Self {
        self.last(|c| c.mask_keys.push(line))
    }
    /// The date by which its mask is to be looked at again.
    pub fn review(self, day: &str) -> Self {
        self.mask_key(format!("review = {day}"))
    }
    /// Its mask is the camera's own; the box proves it.
    pub fn by_camera(self) -> Self {
        self.mask_key("how = \"camera\"".into())
    }
    /// Its mask is a mosaic, of cells so large where the camera makes it.
    pub fn pixelated(self, cell: Option<u32>) -> Self {
        let this = self.mask_key("style = \"pixelated\"".into());
        match cell {
            Some(cell) => this.mask_key(format!("cell = {cell}")),
            None => this,
        }
    }
    /// The colour the camera covers with, e.g. `#000000`.
    pub fn colour(self, colour: &str) -> Self {
        self.mask_key(format!("colour = {colour:?}"))
    }
}

pub struct Town {
    site: Site,
    pub name: String,
    /// As /var/lib/beadle-edge.
    pub state: PathBuf,
    pub volume: PathBuf,
    pub config: PathBuf,
    pub cameras: Vec<String>,
    /// For both processes at their next start and for commands, e.g. a clock that is wrong ([`clock`]).
    pub env: Vec<(String, String)>,
    pub reader: Option<Program>,
    pub recorder: Option<Program>,
}

impl Town {
    /// Writes `<folder>/box-<name>.toml`; state in `<folder>/box-<name>`, footage in `<folder>/disk-<name>`.
    pub fn make(folder: &Path, plan: Plan) -> Done<Self> {
        Self::make_at(&Site::Beside(folder.into()), plan)
    }

    /// The same anywhere; on a machine all lies where the documents have it.
    pub fn make_at(site: &Site, plan: Plan) -> Done<Self> {
        let name = plan.name.clone();
        let (state, volume, config) = match site {
            Site::Beside(folder) => (
                folder.join(format!("box-{name}")),
                folder.join(format!("disk-{name}")),
                folder.join(format!("box-{name}.toml")),
            ),
            Site::Installed(_) => (
                site.path("/var/lib/beadle-edge")?,
                site.path("/srv/beadle/footage1")?,
                site.path("/etc/beadle/edge.toml")?,
            ),
        };
        let town = Self {
            site: site.clone(),
            state,
            volume,
            config,
            cameras: plan.cameras.iter().map(|c| c.id.clone()).collect(),
            env: Vec::new(),
            reader: None,
            recorder: None,
            name,
        };
        for folder in [&town.state, &town.volume] {
            fs::create_dir_all(folder).told(folder.display())?;
        }
        town.configure(&plan)?;
        Ok(town)
    }

    /// Writes the configuration (anew); it counts from the next start on.
    pub fn configure(&self, plan: &Plan) -> Done<()> {
        let inside = |path: &Path| PathBuf::from(self.site.inside(path.as_os_str()));
        let mut text = format!(
            "[box]\nscheme = \"cctv.example.gov.uk\"\nname = {:?}\nsite = {:?}\nzone = {:?}\nstate = {:?}\n\n[retention]\ndays = {}\n\n[[volume]]\npath = {:?}\n\n[segment]\nsecs = {}\n",
            plan.name,
            plan.site,
            plan.zone,
            inside(&self.state),
            plan.retention_days,
            inside(&self.volume),
            plan.segment_secs
        );
        text += &match &plan.tpm {
            None => "\n[keys]\nroot = \"file\"\n".to_owned(),
            Some(tpm) => format!("\n[keys]\nroot = \"tpm\"\ntpm = {:?}\n", inside(tpm)),
        };
        if let Some(device) = &plan.encoder {
            text += &format!("\n[pictures]\nencoder = \"vaapi\"\ndevice = {device:?}\n");
        }
        for volume in &plan.volumes {
            text += &format!("\n[[volume]]\npath = {volume:?}\n");
        }
        for camera in &plan.cameras {
            text += &format!(
                "\n[[camera]]\nid = {:?}\ntitle = {:?}\nurl = {:?}\n",
                camera.id, camera.title, camera.url
            );
            if let Some((user, password)) = &camera.login {
                self.password(&camera.id, password)?;
                text += &match &self.site {
                    Site::Beside(_) => {
                        let file = self.password_file(&camera.id);
                        format!("username = {user:?}\npassword_file = {file:?}\n")
                    }
                    Site::Installed(_) => format!(
                        "username = {user:?}\ncredential = \"camera_{}\"\n",
                        camera.id
                    ),
                };
            }
            if camera.udp {
                text += "transport = \"udp\"\n";
            }
            for line in &camera.lines {
                text += line;
                text.push('\n');
            }
            if let Some((id, polygons)) = &camera.mask {
                text += &format!("[camera.mask]\nid = {id:?}\npolygons = {polygons}\n");
                for line in &camera.mask_keys {
                    text += line;
                    text.push('\n');
                }
            }
            if let Some(reason) = &camera.sound {
                text += &format!("[camera.sound]\nreason = \"{reason}\"\n");
            }
            if let Some((secs, event)) = &camera.timelapse {
                text += &format!("[camera.timelapse]\nevery_secs = {secs}\n");
                if let Some((event, hold)) = event {
                    text += &format!("event = {event:?}\nhold_secs = {hold}\n");
                }
            }
        }
        fs::write(&self.config, text).told(self.config.display())
    }

    /// Any command of beadle-edge with this box's configuration, e.g. `["doctor", "--json"]`.
    pub fn command(&self, words: &[&OsStr]) -> Done<Said> {
        let mut all = words.to_vec();
        all.extend([OsStr::new("--config"), self.config.as_os_str()]);
        self.site.run("beadle-edge", &all, &self.env)
    }

    /// Claims its name at the hub, and labels its volume.
    pub fn enrolled(self, hub: &mut Hub) -> Done<Self> {
        let code = hub.box_add(&self.name)?;
        self.enrol(&code)?
            .well(&format!("beadle-edge enrol ({})", self.name))?;
        self.labelled()
    }

    pub fn enrol(&self, code: &str) -> Done<Said> {
        let mut words = vec![
            OsStr::new("enrol"),
            OsStr::new("--config"),
            self.config.as_os_str(),
        ];
        words.extend(code.split_whitespace().map(OsStr::new));
        self.site.run("beadle-edge", &words, &self.env)
    }

    /// Labels its volume (which is on the system disk, as tests are).
    pub fn labelled(self) -> Done<Self> {
        self.command(args!["volume", "label", "--system-disk", self.volume])?
            .well(&format!("beadle-edge volume label ({})", self.name))?;
        Ok(self)
    }

    /// A changed password of a camera, put where its configuration says; the box is not told.
    pub fn password(&self, camera: &str, password: &str) -> Done<()> {
        write_private(&self.password_file(camera), password)
    }

    fn password_file(&self, camera: &str) -> PathBuf {
        match &self.site {
            Site::Beside(_) => self.config.with_extension(format!("{camera}.password")),
            Site::Installed(_) => self.config.with_file_name("passwords").join(camera),
        }
    }

    /// Labels a volume that is a disk of its own.
    pub fn label(&self, volume: &Path) -> Done<()> {
        self.command(args!["volume", "label", volume])?
            .well(&format!("beadle-edge volume label {}", volume.display()))
            .map(drop)
    }

    pub fn start_reader(&mut self) -> Done<()> {
        let name = format!("reader-{}", self.name);
        let words = args!["reader", "--config", self.config];
        let mut reader =
            self.site
                .start(&name, "beadle-edge", words, "beadle-reader", &self.env)?;
        let socket = self.state.join("run/reader/reader.sock");
        wait::until(&format!("{name} answers"), 30, || {
            reader
                .must_run()
                .map(|()| std::os::unix::net::UnixStream::connect(&socket).is_ok())
        })?;
        self.reader = Some(reader);
        Ok(())
    }

    pub fn start_recorder(&mut self) -> Done<()> {
        let name = format!("box-{}", self.name);
        let words = args!["run", "--config", self.config];
        let mut recorder =
            self.site
                .start(&name, "beadle-edge", words, "beadle-edge", &self.env)?;
        recorder.ready(60)?;
        self.recorder = Some(recorder);
        Ok(())
    }

    /// Starts reader and recorder; both are ready.
    pub fn start(&mut self) -> Done<()> {
        self.start_reader()?;
        self.start_recorder()
    }

    pub fn started(mut self) -> Done<Self> {
        self.start().map(|()| self)
    }

    /// Orderly: every open segment closed.
    pub fn stop(&mut self) -> Done<()> {
        let recorder = self.recorder.take().map_or(Ok(()), |mut p| p.stop(30));
        recorder.and(self.reader.take().map_or(Ok(()), |mut p| p.stop(15)))
    }

    /// `kill -9` of both processes.
    pub fn kill9(&mut self) -> Done<()> {
        let recorder = self.recorder.take().map_or(Ok(()), |mut p| p.kill9());
        recorder.and(self.reader.take().map_or(Ok(()), |mut p| p.kill9()))
    }

    pub fn signal(&self, signal: Signal) -> Done<()> {
        self.recorder.as_ref().map_or(Ok(()), |p| p.signal(signal))
    }

    pub fn must_run(&mut self) -> Done<()> {
        self.reader.as_mut().map_or(Ok(()), Program::must_run)?;
        self.recorder.as_mut().map_or(Ok(()), Program::must_run)
    }

    pub fn log(&self) -> PathBuf {
        self.state.join("recorder/log/1")
    }

    /// Every whole line of its log.
    pub fn lines(&self) -> Vec<Value> {
        files_below(&self.state.join("recorder/log"), ".jsonl")
            .iter()
            .filter_map(|f| fs::read_to_string(f).ok())
            .flat_map(|text| {
                text.split_inclusive('\n')
                    .filter(|l| l.ends_with('\n'))
                    .filter_map(|l| serde_json::from_str(l).ok())
                    .collect::<Vec<Value>>()
            })
            .collect()
    }

    /// Lines of a type, e.g. `seg.write`, of a camera if one is named.
    pub fn lines_of(&self, kind: &str, cam: Option<&str>) -> Vec<Value> {
        self.lines()
            .into_iter()
            .filter(|l| l["type"] == kind && cam.is_none_or(|c| l["data"]["cam"] == c))
            .collect()
    }

    /// Waits for a line of its log.
    pub fn line(&mut self, what: &str, secs: u64, wanted: impl Fn(&Value) -> bool) -> Done<Value> {
        wait::until(&format!("{}: {what}", self.name), secs, || {
            let found = self.lines().into_iter().find(|l| wanted(l));
            if found.is_none() {
                self.must_run()?;
            }
            Ok(found)
        })
    }

    /// Waits until a camera has `count` closed segments in the log.
    pub fn segments(&mut self, cam: &str, count: usize, secs: u64) -> Done<Vec<Value>> {
        wait::until(
            &format!("{}: {count} segments of {cam} in the log", self.name),
            secs,
            || {
                self.must_run()?;
                let found = self.lines_of("seg.write", Some(cam));
                Ok(if found.len() >= count {
                    Look::Yes(found)
                } else {
                    Look::NotYet(format!("{} so far", found.len()))
                })
            },
        )
    }

    /// Footage files on its disk, in order; open ones too.
    pub fn footage(&self) -> Vec<PathBuf> {
        let mut all = files_below(&self.volume.join("footage"), ".mp4.age");
        all.extend(files_below(&self.volume.join("footage"), ".open"));
        all.sort();
        all
    }

    /// When the last picture of a camera landed, by its own word.
    pub fn landed(&self, cam: &str) -> Option<shared::time::Utc> {
        let status = self.status()?;
        let camera = status["cameras"]
            .as_array()?
            .iter()
            .find(|c| c["cam"] == cam)?;
        crate::hub::time(&camera["landed"]).ok()
    }

    /// The detail of a fault that is raised now.
    pub fn fault(&self, code: &str) -> Option<String> {
        let status = self.status()?;
        let fault = status["faults"]
            .as_array()?
            .iter()
            .find(|f| f["code"] == code)?;
        fault["detail"].as_str().map(str::to_owned)
    }

    /// What it says of itself in run/recorder/status.json.
    pub fn status(&self) -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(self.state.join("run/recorder/status.json")).ok()?)
            .ok()
    }
}

/// A clock that is wrong by `offset`, such as "-2d" or "+3600", for a program's environment (libfaketime). Monotonic time is left alone.
pub fn clock(offset: &str) -> Done<Vec<(String, String)>> {
    let library = files_below(Path::new("/usr/lib"), "libfaketimeMT.so.1")
        .into_iter()
        .next()
        .ok_or_else(|| Trouble::new("libfaketime is missing; run scripts/install.sh"))?;
    let pairs = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", offset.to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
    ];
    Ok(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// A clock that can be set while programs run on it (libfaketime): what it is wrong by lies in a file. Monotonic time is left alone.
pub struct SetClock {
    file: PathBuf,
    /// Keeps the folder of the file.
    _folder: Option<crate::Folder>,
}

impl SetClock {
    /// Wrong by so many milliseconds.
    pub fn new(offset_ms: i64) -> Done<Self> {
        let folder = crate::Folder::new("clock")?;
        let clock = Self {
            file: folder.path().join("offset"),
            _folder: Some(folder),
        };
        clock.set(offset_ms)?;
        Ok(clock)
    }

    /// A clock on a machine, for whoever it is given to, that says `t` now.
    pub fn of(site: &Site, name: &str, t: shared::time::Utc) -> Done<Self> {
        let (machine, file) = (site.machine()?, format!("/srv/clock/{name}"));
        machine.put(&file, "+0", 0o644)?;
        let clock = Self {
            file: machine.path(&file)?,
            _folder: None,
        };
        clock.set_to(t).map(|()| clock)
    }

    /// A clock that says `t` now.
    pub fn at(t: shared::time::Utc) -> Done<Self> {
        Self::new(t.0 - wait::now().0)
    }

    /// Sets it, at once and for all who run on it.
    pub fn set(&self, offset_ms: i64) -> Done<()> {
        let sign = if offset_ms < 0 { '-' } else { '+' };
        let (secs, ms) = (offset_ms.abs() / 1000, offset_ms.abs() % 1000);
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{sign}{secs}.{ms:03}\n")).told(next.display())?;
        // Nobody reads half of it.
        fs::rename(&next, &self.file).told(self.file.display())
    }

    pub fn set_to(&self, t: shared::time::Utc) -> Done<()> {
        self.set(t.0 - wait::now().0)
    }

    /// For a program's environment.
    pub fn env(&self) -> Done<Vec<(String, String)>> {
        let mut env = clock("0")?;
        env.retain(|(key, _)| key != "FAKETIME");
        let more = [
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".into()),
        ];
        env.extend(more.into_iter().map(|(k, v)| (k.to_owned(), v)));
        Ok(env)
    }
}

fn write_private(path: &Path, text: &str) -> Done<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .told(path.display())?;
    file.write_all(text.as_bytes()).told(path.display())
}

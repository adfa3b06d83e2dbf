//! Task. One town (H.264, H.265 and a masked camera) and a hub, running; shared by the suites.
pub mod alone;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use beadle_tests::{
    Done, Folder, Told, Trouble, args,
    cameras::{Cameras, Scene},
    hub::{Hub, Pulled},
    program,
    site::Site,
    town::{Plan, Town},
    wait,
};
use shared::time::Utc;

/// Two cores carry one town at a time.
static ONE: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub const MASK: &str = "[[[0.55, 0.25], [0.85, 0.25], [0.85, 0.65], [0.55, 0.65]]]";

// Dropped from the top: programs first, then what they stand on.
pub struct Rig {
    pub town: Town,
    pub hub: Hub,
    pub cameras: Cameras,
    pub site: Site,
    pub folder: Folder,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl Rig {
    pub fn new(name: &str, segment_secs: u32) -> Done<Self> {
        Self::with(name, segment_secs, Vec::new())
    }

    /// Hub and box with more in their environment, e.g. both on a clock that is wrong.
    pub fn with(name: &str, segment_secs: u32, env: Vec<(String, String)>) -> Done<Self> {
        let plan = |cameras: &Cameras| plan(cameras, segment_secs);
        Self::at(name, scene(), plan, env.clone(), env)
    }

    /// Other cameras, and another plan for the box.
    pub fn of(name: &str, scene: Scene, plan: impl FnOnce(&Cameras) -> Plan) -> Done<Self> {
        Self::at(name, scene, plan, Vec::new(), Vec::new())
    }

    /// The same, hub and box each with more in their environment.
    pub fn at(
        name: &str,
        scene: Scene,
        plan: impl FnOnce(&Cameras) -> Plan,
        hub_env: Vec<(String, String)>,
        box_env: Vec<(String, String)>,
    ) -> Done<Self> {
        let alone = alone();
        let mut rig = Self::beside(name, scene, plan, hub_env, box_env)?;
        rig._alone = Some(alone);
        Ok(rig)
    }

    /// The same, while others run: for a town of small cameras that mostly waits.
    pub fn beside(
        name: &str,
        scene: Scene,
        plan: impl FnOnce(&Cameras) -> Plan,
        hub_env: Vec<(String, String)>,
        box_env: Vec<(String, String)>,
    ) -> Done<Self> {
        let folder = Folder::new(name)?;
        let site = Site::Beside(folder.path().into());
        Self::on(site, folder, scene, plan, hub_env, box_env)
    }

    /// [`Rig::new`], installed on a machine of its own, each program as the user that its unit names.
    pub fn installed(name: &str, segment_secs: u32) -> Done<Self> {
        Self::installed_of(name, scene(), |cameras| plan(cameras, segment_secs))
    }

    /// The same, hub and box with more in their environment.
    pub fn installed_with(name: &str, segment_secs: u32, env: Vec<(String, String)>) -> Done<Self> {
        let alone = alone();
        let folder = Folder::new(name)?;
        let site = Site::installed(name, folder.path())?;
        let plan = |cameras: &Cameras| plan(cameras, segment_secs);
        let mut rig = Self::on(site, folder, scene(), plan, env.clone(), env)?;
        rig._alone = Some(alone);
        Ok(rig)
    }

    /// [`Rig::of`], installed on a machine of its own.
    pub fn installed_of(
        name: &str,
        scene: Scene,
        plan: impl FnOnce(&Cameras) -> Plan,
    ) -> Done<Self> {
        let alone = alone();
        let folder = Folder::new(name)?;
        let site = Site::installed(name, folder.path())?;
        let mut rig = Self::on(site, folder, scene, plan, Vec::new(), Vec::new())?;
        rig._alone = Some(alone);
        Ok(rig)
    }

    /// Hub and box at a site of these files, each with more in its environment.
    pub fn on(
        site: Site,
        folder: Folder,
        scene: Scene,
        plan: impl FnOnce(&Cameras) -> Plan,
        hub_env: Vec<(String, String)>,
        box_env: Vec<(String, String)>,
    ) -> Done<Self> {
        let cameras = Cameras::start(scene)?;
        site.sees(&cameras)?;
        let mut hub = Hub::make_at(&site, "127.0.0.1", hub_env)?.started()?;
        let mut town = Town::make_at(&site, plan(&cameras))?;
        town.env = box_env;
        let town = town.enrolled(&mut hub)?.started()?;
        Ok(Self {
            town,
            hub,
            cameras,
            site,
            folder,
            _alone: None,
        })
    }

    pub fn pull(&mut self, cam: &str, from: Utc, to: Utc) -> Done<Pulled> {
        let pulled = self.hub.pull(
            &format!("{}/{cam}", self.town.name),
            &from.to_string(),
            &to.to_string(),
        )?;
        if pulled.said.status != 0 {
            return Err(Trouble(format!(
                "pull of {cam} failed: {}{}",
                pulled.said.out, pulled.said.err
            )));
        }
        Ok(pulled)
    }

    /// A pull of a span that has declared gaps in it: the hub says Partial, plainly, and makes the package all the same.
    pub fn pull_with_gaps(&mut self, cam: &str, from: Utc, to: Utc) -> Done<Pulled> {
        let pulled = self.hub.pull(
            &format!("{}/{cam}", self.town.name),
            &from.to_string(),
            &to.to_string(),
        )?;
        let partial = pulled
            .said
            .out
            .lines()
            .any(|l| l.starts_with("Partial") && l.contains("no footage exists"));
        if pulled.package.as_os_str().is_empty() || !(partial || pulled.said.status == 0) {
            return Err(Trouble(format!(
                "pull of {cam} failed: {}{}",
                pulled.said.out, pulled.said.err
            )));
        }
        Ok(pulled)
    }

    /// Both verifiers say INTACT, in the same words.
    pub fn check_package(&self, package: &Path) -> Done<()> {
        self.hub.intact("bundle", package, false)
    }

    /// Stops the box in order, lets the hub countersign nothing more, and verifies all three logs.
    pub fn stop_and_verify_logs(&mut self) -> Done<()> {
        self.town.stop()?;
        self.hub.stop()?;
        self.hub.intact("log", &self.town.log(), false)?;
        self.hub
            .intact("log", &self.hub.box_log(&self.town.name), false)?;
        self.hub.intact("log", &self.hub.own_log(), false)
    }
}

pub fn scene() -> Scene {
    Scene::new()
        .street("/ashby/c01")
        .street_h265("/ashby/c02", "beadle", "p@ss:word")
        .marked("/ashby/c03")
}

pub fn plan(cameras: &Cameras, segment_secs: u32) -> Plan {
    Plan::new("ashby")
        .segment_secs(segment_secs)
        .camera("c01", cameras.url("/ashby/c01"))
        .camera("c02", cameras.url("/ashby/c02"))
        .login("beadle", "p@ss:word")
        .camera("c03", cameras.url("/ashby/c03"))
        .mask("m1", MASK)
}

pub fn seconds(value: &serde_json::Value) -> Done<Utc> {
    beadle_tests::hub::time(value)
}

/// Number of lines under the newest countersigned head of a log folder.
pub fn cosigned(log: &Path) -> u64 {
    let text = std::fs::read_to_string(log.join("cosigned.note")).unwrap_or_default();
    text.lines()
        .nth(1)
        .and_then(|l| l.parse().ok())
        .unwrap_or(0)
}

pub fn shell(script: &str, what: &str) -> Done<String> {
    Ok(program::run(Path::new("bash"), args!["-c", script])?
        .well(what)?
        .out)
}

pub fn until_cosigned(log: &Path, size: u64) -> Done<()> {
    wait::until(&format!("{size} lines countersigned"), 150, || {
        Ok(cosigned(log) >= size)
    })
    .told(log.display())
}

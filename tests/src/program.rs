//! Adapter: processes. A program of ours, running: its output in a file, its readiness by sd_notify, its end by process id; or as a unit of a test machine.
use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{
        net::UnixDatagram,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::{
    Done, Told, Trouble,
    machine::Machine,
    places,
    wait::{self, Look},
};

pub struct Program {
    pub name: String,
    runs: Runs,
    ended: Option<ExitStatus>,
}

enum Runs {
    /// Started by us, as we are.
    Child {
        child: Child,
        output: PathBuf,
        notify_path: PathBuf,
        heard: Arc<Mutex<Vec<String>>>,
    },
    /// A unit of a test machine, started by its systemd as the user it names.
    Unit {
        machine: Arc<Machine>,
        unit: &'static str,
        pid: u32,
    },
}

impl Program {
    /// Starts one of our programs. Output goes to `<folder>/<name>.log`, appended.
    pub fn start(
        name: &str,
        folder: &Path,
        program: &str,
        args: &[&OsStr],
        env: &[(String, String)],
    ) -> Done<Self> {
        fs::create_dir_all(folder).told(folder.display())?;
        let output = folder.join(format!("{name}.log"));
        let notify_path = folder.join(format!("{name}.notify"));
        // A socket of the last start; nobody listens there.
        let _ = fs::remove_file(&notify_path);
        let notify = UnixDatagram::bind(&notify_path).told(notify_path.display())?;
        notify.set_read_timeout(Some(Duration::from_millis(500)))?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        listen(notify, Arc::downgrade(&heard));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&output)
            .told(output.display())?;
        let path = places::program(program)?;
        let child = Command::new(&path)
            .args(args)
            .envs(env.iter().map(|(k, v)| (k, v)))
            .env("NOTIFY_SOCKET", &notify_path)
            .env_remove("WATCHDOG_USEC")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own: Ctrl-C is for whoever started us; we end our children in order.
            .process_group(0)
            .spawn()
            .told(format!("starting {}", path.display()))?;
        Ok(Self {
            name: name.to_owned(),
            runs: Runs::Child {
                child,
                output,
                notify_path,
                heard,
            },
            ended: None,
        })
    }

    /// Has a machine's systemd start a unit of it, with more in its environment; it is ready.
    pub fn unit(
        name: &str,
        machine: &Arc<Machine>,
        unit: &'static str,
        env: &[(String, String)],
    ) -> Done<Self> {
        let mut text = "[Service]\n".to_owned();
        for (name, value) in env {
            text += &format!("Environment=\"{name}={value}\"\n");
        }
        let more = format!("/etc/systemd/system/{unit}.service.d/environment.conf");
        machine.put(&more, text, 0o644)?;
        let what = format!("{name}: starting {unit}");
        machine
            .sh(&format!("systemctl daemon-reload; systemctl start {unit}"))
            .map_err(|e| {
                Trouble(format!(
                    "{what}: {e}\n{}",
                    machine.journal(unit).unwrap_or_default()
                ))
            })?;
        let number = machine.unit(unit)?["MainPID"].clone();
        Ok(Self {
            name: name.to_owned(),
            runs: Runs::Unit {
                pid: machine.process(&number).told(what)?,
                machine: machine.clone(),
                unit,
            },
            ended: None,
        })
    }

    pub fn pid(&self) -> u32 {
        match &self.runs {
            Runs::Child { child, .. } => child.id(),
            Runs::Unit { pid, .. } => *pid,
        }
    }

    pub fn output(&self) -> String {
        match &self.runs {
            Runs::Child { output, .. } => fs::read_to_string(output).unwrap_or_default(),
            Runs::Unit { machine, unit, .. } => machine.journal(unit).unwrap_or_default(),
        }
    }

    /// Its last lines, for messages.
    pub fn tail(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n    ")
    }

    /// Notifications so far, one `KEY=value` each.
    pub fn notified(&self) -> Vec<String> {
        match &self.runs {
            Runs::Child { heard, .. } => {
                let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.clone()
            }
            // Its systemd has heard that one; the others are for it.
            Runs::Unit { .. } => vec!["READY=1".to_owned()],
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = match &mut self.runs {
                Runs::Child { child, .. } => child.try_wait().ok().flatten(),
                // How it ended is its systemd's to know.
                Runs::Unit { pid, .. } => {
                    let runs = Path::new("/proc").join(pid.to_string()).exists();
                    (!runs).then(|| ExitStatus::from_raw(0))
                }
            };
        }
        self.ended
    }

    /// An error once the program is gone: whatever a wait is for will not come.
    pub fn must_run(&mut self) -> Done<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(Trouble(format!(
                "{} has ended ({status}); its last words:\n    {}",
                self.name,
                self.tail()
            ))),
        }
    }

    /// Waits for READY=1.
    pub fn ready(&mut self, secs: u64) -> Done<()> {
        let what = format!("{} ready", self.name);
        wait::until(&what, secs, || {
            let ready = self.notified().iter().any(|n| n == "READY=1");
            if !ready {
                self.must_run()?;
            }
            Ok(ready)
        })
        .map_err(|e| {
            if self.ended.is_none() {
                Trouble(format!("{e}; its last words:\n    {}", self.tail()))
            } else {
                e
            }
        })
    }

    pub fn signal(&self, signal: Signal) -> Done<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        signal::kill(Pid::from_raw(self.pid() as i32), signal)
            .told(format!("{signal} to {}", self.name))
    }

    /// `kill -9`, and waits for it to be gone.
    pub fn kill9(&mut self) -> Done<()> {
        if self.ended().is_none() {
            self.signal(Signal::SIGKILL)?;
            self.ended = match &mut self.runs {
                Runs::Child { child, .. } => Some(child.wait()?),
                Runs::Unit { machine, unit, .. } => {
                    // It would be started again.
                    machine.sh(&format!(
                        "systemctl stop {unit}; systemctl reset-failed {unit} 2>/dev/null || true"
                    ))?;
                    Some(ExitStatus::from_raw(Signal::SIGKILL as i32))
                }
            };
        }
        Ok(())
    }

    /// Asks it to stop and waits; an error if it does not, or fails.
    pub fn stop(&mut self, secs: u64) -> Done<()> {
        if let Runs::Unit { machine, unit, .. } = &self.runs {
            machine.sh(&format!("timeout {secs} systemctl stop {unit}"))?;
            let result = machine.unit(unit)?["Result"].clone();
            self.ended = Some(ExitStatus::from_raw(0));
            return match result.as_str() {
                "success" => Ok(()),
                _ => Err(Trouble(format!(
                    "{} ended badly ({result}); its last words:\n    {}",
                    self.name,
                    self.tail()
                ))),
            };
        }
        if self.ended().is_none() {
            self.signal(Signal::SIGTERM)?;
            let what = format!("{} stopped", self.name);
            wait::until(&what, secs, || {
                Ok(self
                    .ended()
                    .map_or_else(|| Look::NotYet(String::new()), |_| Look::Yes(())))
            })?;
        }
        match self.ended {
            Some(status) if status.success() || status.signal() == Some(Signal::SIGTERM as i32) => {
                Ok(())
            }
            Some(status) => Err(Trouble(format!(
                "{} ended badly ({status}); its last words:\n    {}",
                self.name,
                self.tail()
            ))),
            None => Ok(()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A unit goes with its machine.
        if matches!(self.runs, Runs::Unit { .. }) {
            return;
        }
        if self.ended().is_none() {
            // A chance to end in order, then the end.
            let _ = self.signal(Signal::SIGTERM);
            for _ in 0..40 {
                if self.ended().is_some() {
                    break;
                }
                thread::sleep(Duration::from_millis(50));
            }
            let _ = self.kill9();
        }
        if let Runs::Child { notify_path, .. } = &self.runs {
            let _ = fs::remove_file(notify_path);
        }
    }
}

/// Hears a program's notifications for as long as it is kept, as systemd does: a full socket would hold the program up.
fn listen(notify: UnixDatagram, heard: Weak<Mutex<Vec<String>>>) {
    thread::spawn(move || {
        let mut buffer = [0u8; 4096];
        while let Some(heard) = heard.upgrade() {
            if let Ok(length) = notify.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(text.lines().map(str::to_owned));
            }
        }
    });
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// An error unless the status was 0.
    pub fn well(self, what: &str) -> Done<Said> {
        if self.status == 0 {
            Ok(self)
        } else {
            Err(Trouble(format!(
                "{what} failed (status {}): {}{}",
                self.status, self.out, self.err
            )))
        }
    }
}

/// Runs a command to its end.
pub fn run(program: &Path, args: &[&OsStr]) -> Done<Said> {
    run_with(program, args, &[])
}

/// Runs a command to its end, with more in its environment.
pub fn run_with(program: &Path, args: &[&OsStr], env: &[(String, String)]) -> Done<Said> {
    let out = Command::new(program)
        .args(args)
        .envs(env.iter().map(|(k, v)| (k, v)))
        .stdin(Stdio::null())
        .output()
        .told(format!("running {}", program.display()))?;
    Ok(Said {
        status: out.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&out.stdout).into_owned(),
        err: String::from_utf8_lossy(&out.stderr).into_owned(),
    })
}

/// Arguments of different kinds as one list.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { &[$(std::ffi::OsStr::new(&$arg)),*] };
}

//! Adapter: processes. A program of ours, running: its output in a file, its readiness by sd_notify, its end by process id.
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
    Done, Told, Trouble, places,
    wait::{self, Look},
};

pub struct Program {
    pub name: String,
    child: Child,
    ended: Option<ExitStatus>,
    output: PathBuf,
    notify_path: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
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
            child,
            ended: None,
            output,
            notify_path,
            heard,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Its last lines, for messages.
    pub fn tail(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n    ")
    }

    /// Notifications so far, one `KEY=value` each.
    pub fn notified(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
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
        signal::kill(Pid::from_raw(self.child.id() as i32), signal)
            .told(format!("{signal} to {}", self.name))
    }

    /// `kill -9`, and waits for it to be gone.
    pub fn kill9(&mut self) -> Done<()> {
        if self.ended().is_none() {
            self.signal(Signal::SIGKILL)?;
            self.ended = Some(self.child.wait()?);
        }
        Ok(())
    }

    /// Asks it to stop and waits; an error if it does not, or fails.
    pub fn stop(&mut self, secs: u64) -> Done<()> {
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
        let _ = fs::remove_file(&self.notify_path);
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

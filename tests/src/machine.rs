//! Adapter: namespaces, processes, filesystem. A test machine: Debian's own systemd as process 1 of its own namespaces (tests/machine/boot.sh),
//! with the users, units and packages of a real installation. It takes seconds, needs root, and leaves nothing behind.
//!
//! ```text
//! let folder = Folder::new("example")?;
//! let mut box_ = Machine::boot("box", folder.path(), Base::Bare)?;
//! box_.sh("apt install -y ./beadle-edge.deb")?;
//! box_.sh_as("beadle", "cat /etc/shadow")            // status 1
//! box_.wait_unit("beadle-edge", "active", 30)?;
//! ```
//! [`link`] lays a cable between two machines; [`Machine::forward`] lets a machine reach a port of the test's own.
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use nix::sched::{CloneFlags, setns};

use crate::{
    Done, Told, Trouble, packages, places,
    program::Said,
    wait::{self, Look},
};

/// What a machine's root file system lies on; scripts/machine.sh makes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// A bare Debian 12; what our packages depend on is in apt's cache, not installed.
    Bare,
    /// The same with what our packages depend on installed.
    Ready,
    /// The same with our packages installed, of the programs that are tested; nothing is configured, nothing runs.
    Installed,
}

impl Base {
    /// As overlayfs has it: the topmost folder first.
    fn lower(self) -> Done<String> {
        let all = places::root().join("target/machine");
        if !all.join("recipe").is_file() {
            return Err(Trouble(format!(
                "{} is not there; make it with scripts/machine.sh (as root, with a Debian mirror in reach)",
                all.display()
            )));
        }
        let at = |name: &str| all.join(name).display().to_string();
        Ok(match self {
            Base::Bare => at("bare"),
            Base::Ready => format!("{}:{}", at("ready"), at("bare")),
            Base::Installed => {
                let layer = packages::layer(&all)?;
                format!("{}:{}:{}", layer.display(), at("ready"), at("bare"))
            }
        })
    }
}

/// One that runs.
struct Running {
    /// tests/machine/boot.sh; it ends the machine when its standard input ends.
    boot: Child,
    _hold: ChildStdin,
    /// The machine's process 1, as this side numbers it.
    init: i32,
}

pub struct Machine {
    pub name: String,
    folder: PathBuf,
    lower: String,
    running: Option<Running>,
}

impl Machine {
    /// Boots a machine whose files are kept in `<folder>/<name>`, until all that it starts at boot has started.
    pub fn boot(name: &str, folder: &Path, base: Base) -> Done<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).told(folder.display())?;
        let mut machine = Self {
            name: name.to_owned(),
            folder,
            lower: base.lower()?,
            running: None,
        };
        machine.start()?;
        Ok(machine)
    }

    /// Boots it again after [`Machine::power_off`] or [`Machine::power_cut`], with the files it had.
    pub fn start(&mut self) -> Done<()> {
        let program = places::root().join("tests/machine/boot.sh");
        let console = fs::File::options()
            .create(true)
            .append(true)
            .open(self.console_path())
            .told(self.console_path().display())?;
        let mut boot = Command::new("unshare")
            .arg("-m")
            .arg(&program)
            .args([self.name.as_ref(), self.folder.as_os_str()])
            .arg(&self.lower)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(console)
            .spawn()
            .told(format!("starting {}", program.display()))?;
        let (Some(hold), Some(out)) = (boot.stdin.take(), boot.stdout.take()) else {
            return Err(Trouble::new("no pipes to the test machine"));
        };
        let mut lines = BufReader::new(out);
        let mut first = String::new();
        lines.read_line(&mut first)?;
        let Some(outer) = first
            .strip_prefix("machine ")
            .and_then(|n| n.trim().parse::<i32>().ok())
        else {
            let _ = boot.wait();
            return Err(Trouble(self.console_end()));
        };
        self.log_rest(lines)?;
        let running = Running {
            boot,
            _hold: hold,
            init: wait::until(&format!("{}: process 1", self.name), 10, || {
                Ok(Look::from(child_of(outer)))
            })?,
        };
        self.running = Some(running);
        let console = self.console_path();
        wait::until(&format!("{} has booted", self.name), 30, || {
            self.must_run()?;
            // While process 1 is not yet systemd there is nothing to ask.
            let said = self.run(&["systemctl", "is-system-running", "--wait"])?;
            Ok(match said.out.trim() {
                "running" => Look::Yes(()),
                "degraded" => {
                    let failed = self.run(&["systemctl", "--failed", "--no-legend"])?;
                    return Err(Trouble(format!(
                        "{} has booted, but not well: {}{}",
                        self.name, failed.out, said.err
                    )));
                }
                other => Look::NotYet(format!("{other}; {}", console.display())),
            })
        })
    }

    fn console_path(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    fn console_end(&self) -> String {
        let all = fs::read_to_string(self.console_path()).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Keeps what comes from the console, so that nobody waits to write it.
    fn log_rest(&self, mut from: BufReader<std::process::ChildStdout>) -> Done<()> {
        let path = self.console_path();
        let mut to = fs::File::options()
            .append(true)
            .open(&path)
            .told(path.display())?;
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        Ok(())
    }

    fn running(&self) -> Done<&Running> {
        self.running
            .as_ref()
            .ok_or_else(|| Trouble(format!("{} is off", self.name)))
    }

    /// Its process 1, as this side numbers it.
    pub fn init(&self) -> Done<i32> {
        self.running().map(|r| r.init)
    }

    fn must_run(&mut self) -> Done<()> {
        let ended = match &mut self.running {
            Some(running) => running.boot.try_wait()?,
            None => return Err(Trouble(format!("{} is off", self.name))),
        };
        match ended {
            None => Ok(()),
            Some(status) => Err(Trouble(format!(
                "{} has ended ({status}):\n{}",
                self.name,
                self.console_end()
            ))),
        }
    }

    /// `systemctl poweroff`, and waits until it is off.
    pub fn power_off(&mut self) -> Done<()> {
        self.run(&["systemctl", "poweroff"])?;
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        let said = wait::until(&format!("{} is off", self.name), 60, || {
            Ok(Look::from(running.boot.try_wait()?))
        });
        if said.is_err() {
            self.running = Some(running);
        }
        said.map(drop)
    }

    /// All its processes are gone at once. What they had written is on its disk: a file system of ours has no power cut.
    pub fn power_cut(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running._hold);
            let name = format!("{} is no more", self.name);
            let _ = wait::within(&name, 20, || Ok(running.boot.try_wait()?.is_some()));
        }
    }

    /// A path of the machine as this side sees it. Absolute links lead out of the machine.
    pub fn path(&self, inside: &str) -> Done<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}/root", self.init()?))
            .join(inside.trim_start_matches('/')))
    }

    /// Writes a file of root's, with its folders.
    pub fn put(&self, inside: &str, what: impl AsRef<[u8]>, mode: u32) -> Done<()> {
        let path = self.path(inside)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).told(folder.display())?;
        }
        fs::write(&path, what).told(path.display())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).told(path.display())
    }

    /// Copies a file of this side's into it.
    pub fn copy(&self, from: &Path, inside: &str, mode: u32) -> Done<()> {
        self.put(inside, fs::read(from).told(from.display())?, mode)
    }

    pub fn read(&self, inside: &str) -> Done<String> {
        let path = self.path(inside)?;
        fs::read_to_string(&path).told(path.display())
    }

    /// The beginning of a command in the machine, with the environment of a fresh login.
    fn command(&self, user: &str) -> Done<Command> {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.init()?.to_string()])
            .args(["-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--"])
            .args(["env", "-i", "LANG=C.UTF-8", "TERM=dumb"])
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        if user == "root" {
            command.args(["HOME=/root", "DEBIAN_FRONTEND=noninteractive"]);
        } else {
            command.args(["runuser", "-u", user, "--"]);
        }
        Ok(command)
    }

    /// Runs a command to its end, as root.
    pub fn run(&self, words: &[&str]) -> Done<Said> {
        self.run_as("root", words)
    }

    /// The same as one of the machine's users, with their groups and nothing of root's.
    pub fn run_as(&self, user: &str, words: &[&str]) -> Done<Said> {
        let mut command = self.command(user)?;
        command.args(words);
        self.done(command)
    }

    /// The same as root, with more in its environment.
    pub fn run_with(&self, words: &[&OsStr], env: &[(String, String)]) -> Done<Said> {
        let mut command = self.command("root")?;
        command
            .args(env.iter().map(|(name, value)| format!("{name}={value}")))
            .args(words);
        self.done(command)
    }

    fn done(&self, mut command: Command) -> Done<Said> {
        let out = command
            .output()
            .told(format!("{}: {command:?}", self.name))?;
        Ok(Said {
            status: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        })
    }

    /// Lines for a shell, as root in /root; an error unless all went well. It stops at the first line that fails.
    pub fn sh(&self, script: &str) -> Done<Said> {
        let what = format!("{}: {script}", self.name);
        self.run(&[
            "bash",
            "-euo",
            "pipefail",
            "-c",
            &format!("cd /root\n{script}"),
        ])?
        .well(&what)
    }

    /// The same as another user, whatever comes of it.
    pub fn sh_as(&self, user: &str, script: &str) -> Done<Said> {
        self.run_as(user, &["bash", "-euo", "pipefail", "-c", script])
    }

    /// A program of the machine that goes on until the value goes.
    pub fn spawn(&self, user: &str, words: &[&str]) -> Done<Child> {
        self.command(user)?
            .args(words)
            .spawn()
            .told(format!("{}: {}", self.name, words.join(" ")))
    }

    /// Properties of a unit, e.g. `ActiveState`, `SubState`, `Result`, `MainPID`, `NRestarts`.
    pub fn unit(&self, unit: &str) -> Done<BTreeMap<String, String>> {
        let said = self
            .run(&["systemctl", "show", unit])?
            .well(&format!("{}: systemctl show {unit}", self.name))?;
        Ok(said
            .out
            .lines()
            .filter_map(|l| l.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect())
    }

    /// A process of the machine, by the number it has there, as this side numbers it.
    pub fn process(&self, number: &str) -> Done<u32> {
        let space = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
        let own = space(&self.init()?.to_string());
        let all = fs::read_dir("/proc").told("/proc")?.flatten();
        let mut names = all.map(|e| e.file_name().to_string_lossy().into_owned());
        let it = names.find(|name| {
            space(name) == own
                && fs::read_to_string(format!("/proc/{name}/status")).is_ok_and(|status| {
                    let mut lines = status.lines().filter(|l| l.starts_with("NSpid:"));
                    lines.any(|l| l.split_whitespace().last() == Some(number))
                })
        });
        it.and_then(|name| name.parse().ok())
            .ok_or_else(|| Trouble(format!("{}: no process {number}", self.name)))
    }

    /// Waits until a unit's `ActiveState` is so.
    pub fn wait_unit(&self, unit: &str, state: &str, secs: u64) -> Done<()> {
        wait::until(&format!("{}: {unit} is {state}", self.name), secs, || {
            let now = self.unit(unit)?;
            let now = now.get("ActiveState").cloned().unwrap_or_default();
            Ok(if now == state {
                Look::Yes(())
            } else {
                Look::NotYet(now)
            })
        })
        .map_err(|e| Trouble(format!("{e}\n{}", self.journal(unit).unwrap_or_default())))
    }

    /// All that a unit said, a message a line.
    pub fn journal(&self, unit: &str) -> Done<String> {
        self.run(&["journalctl", "--no-pager", "-o", "cat", "-u", unit])
            .map(|s| s.out)
    }

    /// An address of its own on the end of a cable; see [`link`].
    pub fn address(&self, device: &str, address: &str) -> Done<()> {
        self.run(&["ip", "address", "add", address, "dev", device])?
            .well("an address")?;
        self.run(&["ip", "link", "set", device, "up"])?
            .well("the cable")
            .map(drop)
    }

    /// From now on, until the test ends, whoever in the machine connects to this address talks to a port of this side's 127.0.0.1.
    /// The address has to be one of the machine's: `ip address add 10.20.0.13/32 dev lo`.
    pub fn forward(&self, at: SocketAddr, to: u16) -> Done<()> {
        let namespace = fs::File::open(format!("/proc/{}/ns/net", self.init()?))
            .told("the machine's network")?;
        let name = self.name.clone();
        // A socket stays in the network in which it was made; the thread that makes it is gone then.
        let listener = thread::spawn(move || -> Done<TcpListener> {
            setns(&namespace, CloneFlags::CLONE_NEWNET).told(format!("the network of {name}"))?;
            TcpListener::bind(at).told(format!("{name}: listening at {at}"))
        })
        .join()
        .map_err(|_| Trouble::new("no listener"))??;
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                let _ = pump(&near, &far).and_then(|()| pump(&far, &near));
            }
        });
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "{}: the end of its console:\n{}",
                self.name,
                self.console_end()
            );
        }
        self.power_cut();
    }
}

/// Bytes one way, until either side has enough.
fn pump(from: &TcpStream, to: &TcpStream) -> std::io::Result<()> {
    let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
        let _ = from.shutdown(std::net::Shutdown::Both);
    });
    Ok(())
}

/// A cable between two machines: a device of this name at each, with this address (`10.0.0.1/24`).
pub fn link(device: &str, a: (&Machine, &str), b: (&Machine, &str)) -> Done<()> {
    let said = Command::new("ip")
        .args(["link", "add", "name", device])
        .args(["netns", &a.0.init()?.to_string(), "type", "veth"])
        .args(["peer", "name", device])
        .args(["netns", &b.0.init()?.to_string()])
        .output()
        .told("ip")?;
    if !said.status.success() {
        return Err(Trouble(format!(
            "no cable between {} and {}: {}",
            a.0.name,
            b.0.name,
            String::from_utf8_lossy(&said.stderr)
        )));
    }
    a.0.address(device, a.1)?;
    b.0.address(device, b.1)
}

/// The one child of a process.
fn child_of(parent: i32) -> Option<i32> {
    let mut children = String::new();
    fs::File::open(format!("/proc/{parent}/task/{parent}/children"))
        .ok()?
        .read_to_string(&mut children)
        .ok()?;
    children.split_whitespace().next()?.parse().ok()
}

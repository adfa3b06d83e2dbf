//! Task. Every way out of the sandbox is tried from inside it, and each of its walls is tried alone.
//!
//! An act is done by this program itself, started again: it puts the walls up, acts, and its end tells: 0 done, else the
//! error number, or the signal.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
mod common;

use std::{
    io, mem,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixListener},
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::Path,
    process::{Command, ExitStatus, Stdio},
    ptr,
};

use beadle_pictures::sandbox::{self, domain};
use common::{Said, Worker, make, pictures, through_worker};
use nix::libc::{self as c, c_int, c_long};
use shared::worker::Codec;

const MARKER: (f64, f64, f64, f64) = (0.62, 0.32, 0.16, 0.26);
const POLYGON: &[[f64; 2]] = &[[0.60, 0.30], [0.80, 0.30], [0.80, 0.60], [0.60, 0.60]];

/// What the test has laid out for the acts.
struct Props {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
    _abstract: UnixListener,
    abstract_name: String,
}

impl Props {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("there"), "footage").unwrap();
        let abstract_name = format!("beadle-{}", folder.path().display());
        // SAFETY: a plain system call. Where Yama guards tracing, the child may trace this process for the control.
        unsafe { c::prctl(c::PR_SET_PTRACER, c::PR_SET_PTRACER_ANY) };
        Self {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            _unix: UnixListener::bind(folder.path().join("socket")).unwrap(),
            _abstract: UnixListener::bind_addr(
                &SocketAddr::from_abstract_name(&abstract_name).unwrap(),
            )
            .unwrap(),
            abstract_name,
            folder,
        }
    }

    fn act(&self, walls: &str, act: &str) -> ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["from_inside", "--exact", "--test-threads=1", "--nocapture"])
            .env("INSIDE_WALLS", walls)
            .env("INSIDE_ACT", act)
            .env("INSIDE_FOLDER", self.folder.path())
            .env(
                "INSIDE_TCP",
                self.tcp.local_addr().unwrap().port().to_string(),
            )
            .env(
                "INSIDE_UDP",
                self.udp.local_addr().unwrap().port().to_string(),
            )
            .env("INSIDE_ABSTRACT", &self.abstract_name)
            .env_remove("RUST_BACKTRACE") // it would look for files; the daemon starts workers with an empty environment
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("this program starts again")
    }
}

/// An act, and the error number with which Landlock alone and the limits alone refuse it (0: not theirs to refuse).
struct Act(&'static str, c_int, c_int);

const ACTS: &[Act] = &[
    Act("read a file", c::EACCES, c::EMFILE),
    Act("write a file", c::EACCES, c::EMFILE),
    Act("make a file", c::EACCES, c::EMFILE),
    Act("list a folder", c::EACCES, c::EMFILE),
    Act("remove a file", c::EACCES, 0),
    Act("make a folder", c::EACCES, 0),
    Act("cut a file short", c::EACCES, 0),
    Act("connect by TCP", c::EACCES, c::EMFILE),
    Act("listen on TCP", c::EACCES, c::EMFILE),
    Act("send by UDP", 0, c::EMFILE),
    Act("listen on UDP", 0, c::EMFILE),
    Act("connect to a unix socket", 0, c::EMFILE),
    Act("connect to an abstract socket", c::EPERM, c::EMFILE),
    Act("listen on a unix socket", c::EACCES, c::EMFILE),
    Act("make a socket pair", 0, c::EMFILE),
    Act("fork", 0, 0),
    Act("fork by clone", 0, 0),
    // Under the limits it starts, and can load no library.
    Act("start a program", c::EACCES, 127),
    Act("open the parent's memory", c::EACCES, c::EMFILE),
    Act("read the parent's memory", c::EPERM, 0),
    Act("trace the parent", c::EPERM, 0),
    Act("signal the parent", c::EPERM, 0),
    Act("signal a thread of the parent", c::EPERM, 0),
    Act("signal the parent by descriptor", 0, c::EMFILE),
    Act("map code", 0, 0),
    Act("turn memory into code", 0, 0),
    Act("map shared memory", 0, 0),
    Act("make a file in memory", 0, c::EMFILE),
    Act("order a device about", 0, 0),
    Act("be dumpable", 0, 0),
    Act("go its own way", 0, 0),
    Act("copy a descriptor", 0, c::EMFILE),
    Act("read from another descriptor", 0, 0),
];

fn done(result: c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn text(name: &str) -> std::ffi::CString {
    std::ffi::CString::new(std::env::var(format!("INSIDE_{name}")).unwrap()).unwrap()
}

fn number<T: std::str::FromStr>(name: &str) -> T {
    let value = std::env::var(format!("INSIDE_{name}")).unwrap();
    value.parse().unwrap_or_else(|_| panic!("{name}"))
}

fn local(port: u16) -> c::sockaddr_in {
    c::sockaddr_in {
        sin_family: c::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: c::in_addr {
            s_addr: u32::from_be_bytes([127, 0, 0, 1]).to_be(),
        },
        sin_zero: [0; 8],
    }
}

fn unix(path: &[u8]) -> (c::sockaddr_un, u32) {
    // SAFETY: all zero is an address without a name.
    let mut address: c::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = c::AF_UNIX as u16;
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as _;
    }
    (address, (2 + path.len()) as u32)
}

/// The act, prepared before the walls are up: it must not fail for want of an open file it was never to have.
fn prepare(act: &str) -> Box<dyn FnOnce() -> io::Result<()> + Send> {
    let folder = std::env::var("INSIDE_FOLDER").unwrap();
    let path = move |name: &str| std::ffi::CString::new(format!("{folder}/{name}")).unwrap();
    let parent = std::os::unix::process::parent_id() as c_int;
    let open = |path: std::ffi::CString, flags: c_int| {
        Box::new(move || {
            // SAFETY: the path outlives the call.
            done(unsafe { c::open(path.as_ptr(), flags, 0o600) }.into())
        })
    };
    let inet =
        |kind: c_int,
         port: u16,
         call: unsafe extern "C" fn(c_int, *const c::sockaddr, u32) -> c_int| {
            Box::new(move || {
                let address = local(port);
                // SAFETY: the address outlives the calls.
                unsafe {
                    let socket = c::socket(c::AF_INET, kind, 0);
                    done(socket.into())?;
                    done(
                        call(
                            socket,
                            (&raw const address).cast(),
                            mem::size_of_val(&address) as u32,
                        )
                        .into(),
                    )
                }
            })
        };
    let local_socket =
        |name: Vec<u8>, call: unsafe extern "C" fn(c_int, *const c::sockaddr, u32) -> c_int| {
            Box::new(move || {
                let (address, length) = unix(&name);
                // SAFETY: the address outlives the calls.
                unsafe {
                    let socket = c::socket(c::AF_UNIX, c::SOCK_STREAM, 0);
                    done(socket.into())?;
                    done(call(socket, (&raw const address).cast(), length).into())
                }
            })
        };
    match act {
        "read a file" => open(path("there"), c::O_RDONLY),
        "write a file" => open(path("there"), c::O_WRONLY),
        "make a file" => open(path("new"), c::O_WRONLY | c::O_CREAT | c::O_EXCL),
        "list a folder" => open(path("."), c::O_RDONLY | c::O_DIRECTORY),
        "open the parent's memory" => open(text_of(format!("/proc/{parent}/mem")), c::O_RDONLY),
        "connect by TCP" => inet(c::SOCK_STREAM, number("TCP"), c::connect),
        "listen on TCP" => inet(c::SOCK_STREAM, 0, c::bind),
        "send by UDP" => inet(c::SOCK_DGRAM, number("UDP"), c::connect),
        "listen on UDP" => inet(c::SOCK_DGRAM, 0, c::bind),
        "connect to a unix socket" => local_socket(path("socket").into_bytes(), c::connect),
        "listen on a unix socket" => local_socket(path("socket2").into_bytes(), c::bind),
        "connect to an abstract socket" => {
            let name = text("ABSTRACT").into_bytes();
            local_socket([&[0][..], &name].concat(), c::connect)
        }
        _ => unsafe_act(act, parent, path("there"), path("folder")),
    }
}

fn text_of(text: String) -> std::ffi::CString {
    std::ffi::CString::new(text).unwrap()
}

fn unsafe_act(
    act: &str,
    parent: c_int,
    there: std::ffi::CString,
    folder: std::ffi::CString,
) -> Box<dyn FnOnce() -> io::Result<()> + Send> {
    let act = act.to_owned();
    // A value of ours, at the same place in the parent: it is the same program, but its addresses differ; what counts is
    // whether the kernel would look at all, so any readable place will do. Its stack's can be had from /proc before.
    let place = std::fs::read_to_string(format!("/proc/{parent}/maps"))
        .ok()
        .and_then(|maps| {
            let line = maps.lines().find(|l| l.contains("[stack]"))?.to_owned();
            usize::from_str_radix(line.split('-').nth(1)?.split(' ').next()?, 16).ok()
        })
        .unwrap_or(0x1000)
        - 64;
    let true_path = text_of("/bin/true".into());
    // SAFETY: plain system calls on values that outlive them; a fork's child ends at once.
    Box::new(move || unsafe {
        let page = 4096;
        let anonymous = c::MAP_PRIVATE | c::MAP_ANONYMOUS;
        let null = ptr::null_mut::<c::c_void>();
        let mapped = |at: *mut c::c_void| done(if at == c::MAP_FAILED { -1 } else { 0 });
        match act.as_str() {
            "remove a file" => done(c::unlink(there.as_ptr()).into()),
            "make a folder" => done(c::mkdir(folder.as_ptr(), 0o700).into()),
            "cut a file short" => done(c::truncate(there.as_ptr(), 0).into()),
            "make a socket pair" => {
                let mut both = [0; 2];
                done(c::socketpair(c::AF_UNIX, c::SOCK_STREAM, 0, both.as_mut_ptr()).into())
            }
            "fork" => match c::fork() {
                0 => c::_exit(0),
                child => done(child.into()),
            },
            "fork by clone" => match c::syscall(c::SYS_clone, c::SIGCHLD, 0, 0, 0, 0) {
                0 => c::_exit(0),
                child => done(child),
            },
            "start a program" => {
                let argv = [true_path.as_ptr(), ptr::null()];
                let env = [ptr::null()];
                // Comes back only when refused; the program ends with 0.
                done(c::execve(true_path.as_ptr(), argv.as_ptr(), env.as_ptr()).into())
            }
            "read the parent's memory" => {
                let mut word = [0u8; 8];
                let here = c::iovec {
                    iov_base: word.as_mut_ptr().cast(),
                    iov_len: 8,
                };
                let far = c::iovec {
                    iov_base: place as *mut _,
                    iov_len: 8,
                };
                done(
                    c::process_vm_readv(parent, &raw const here, 1, &raw const far, 1, 0) as c_long,
                )
            }
            "trace the parent" => done(c::ptrace(c::PTRACE_SEIZE, parent, null, null)),
            "signal the parent" => done(c::kill(parent, c::SIGURG).into()),
            "signal a thread of the parent" => {
                done(c::syscall(c::SYS_tgkill, parent, parent, c::SIGURG))
            }
            "signal the parent by descriptor" => done(c::syscall(c::SYS_pidfd_open, parent, 0)),
            "map code" => mapped(c::mmap(
                null,
                page,
                c::PROT_READ | c::PROT_EXEC,
                anonymous,
                -1,
                0,
            )),
            "turn memory into code" => {
                let at = c::mmap(null, page, c::PROT_READ, anonymous, -1, 0);
                mapped(at)?;
                done(c::mprotect(at, page, c::PROT_READ | c::PROT_EXEC).into())
            }
            "map shared memory" => mapped(c::mmap(
                null,
                page,
                c::PROT_READ,
                c::MAP_SHARED | c::MAP_ANONYMOUS,
                -1,
                0,
            )),
            "make a file in memory" => done(c::memfd_create(c"m".as_ptr(), 0).into()),
            "order a device about" => {
                let mut ready = 0;
                done(c::ioctl(1, c::FIONREAD, &raw mut ready).into()).or_else(|e| {
                    // /dev/null knows no orders, which it says itself: the order reached it.
                    if e.raw_os_error() == Some(c::ENOTTY) {
                        Ok(())
                    } else {
                        Err(e)
                    }
                })
            }
            // DRM_IOCTL_GET_CAP, by its number: 'd', 0x0c.
            "order a graphics device about" => {
                done(c::ioctl(1, 0xc010_640c, [0u64; 2].as_mut_ptr()).into())
            }
            // A file that is not open.
            "map the device's memory" => mapped(c::mmap(
                null,
                page,
                c::PROT_READ | c::PROT_WRITE,
                c::MAP_SHARED,
                77,
                0,
            )),
            "be dumpable" => done(c::prctl(c::PR_SET_DUMPABLE, 1, 0, 0, 0).into()),
            "go its own way" => done(c::unshare(c::CLONE_FS).into()),
            "abort" => c::abort(),
            "panic" => done(std::panic::catch_unwind(|| panic!("for the test")).map_or(-1, |()| 0)),
            "copy a descriptor" => done(c::dup(1).into()),
            "read from another descriptor" => {
                let mut byte = 0u8;
                done(c::read(2, (&raw mut byte).cast(), 0) as c_long).or_else(|e| {
                    if e.raw_os_error() == Some(c::EBADF) {
                        Ok(())
                    } else {
                        Err(e)
                    }
                })
            }
            other => panic!("no such act: {other}"),
        }
    })
}

/// Not a test of its own: what the tests below start this program for.
#[test]
fn from_inside() {
    let (Ok(walls), Ok(act)) = (std::env::var("INSIDE_WALLS"), std::env::var("INSIDE_ACT")) else {
        return;
    };
    let act = prepare(&act);
    let (go, ready) = std::sync::mpsc::channel::<()>();
    let mut acts = Some(act);
    let earlier = (walls == "all, from a thread started before").then(|| {
        let act = acts.take().unwrap();
        std::thread::spawn(move || {
            ready.recv().unwrap();
            end(act())
        })
    });
    match walls.as_str() {
        "none" => {}
        "limits" => sandbox::limits().unwrap(),
        "domain" => {
            sandbox::privileges().unwrap();
            let missing = domain::enter();
            assert!(missing.is_empty(), "{missing:?}");
        }
        "filter" => sandbox::filter(false).unwrap(),
        "all, for a device" => drop(sandbox::enter(true).unwrap()),
        _ => drop(sandbox::enter(false).unwrap()),
    }
    if let Some(thread) = earlier {
        go.send(()).unwrap();
        let _ = thread.join();
    }
    end(acts.take().map_or(Ok(()), |act| act()))
}

fn end(done: io::Result<()>) -> ! {
    let code = done.map_or_else(|e| e.raw_os_error().unwrap_or(255), |()| 0);
    // SAFETY: ends this process.
    unsafe { c::_exit(code) }
}

/// The judge: without walls every act succeeds here, or refusing it would show nothing.
#[test]
fn without_walls_every_act_succeeds() {
    for Act(act, ..) in ACTS {
        let props = Props::new();
        assert_eq!(props.act("none", act).code(), Some(0), "{act}");
    }
}

/// Design §2, §5: from inside no file can be opened, nothing connected to or listened on, no process made, the parent
/// neither read nor signalled, no memory made code: the process is ended at the attempt.
#[test]
fn from_inside_every_act_is_the_last() {
    let props = Props::new();
    for Act(act, ..) in ACTS {
        assert_eq!(
            props.act("all", act).signal(),
            Some(c::SIGSYS),
            "{act}, all walls up"
        );
    }
    assert!(
        props.folder.path().join("there").metadata().unwrap().len() > 0
            && !props.folder.path().join("new").exists()
    );
}

/// Issue 4: walls that let a graphics device through let nothing else through: no other device's orders, no memory shared with others.
#[test]
fn walls_around_a_graphics_device_let_nothing_else_through() {
    let props = Props::new();
    for Act(act, ..) in ACTS {
        assert_eq!(
            props.act("all, for a device", act).signal(),
            Some(c::SIGSYS),
            "{act}"
        );
    }
    // Orders and memory of the kind that is let through: the kernel answers for itself, there being no such device.
    for (act, answer) in [
        ("order a graphics device about", c::ENOTTY),
        ("map the device's memory", c::EBADF),
    ] {
        assert_eq!(
            props.act("all, for a device", act).code(),
            Some(answer),
            "{act}"
        );
        assert_eq!(props.act("all", act).signal(), Some(c::SIGSYS), "{act}");
    }
}

/// Issue 4: a graphics device that cannot be used ends the worker before it has seen a picture, with the device and the remedy named.
#[test]
fn a_device_that_is_not_there_is_named() {
    let cases = [
        ("mask", "/dev/dri/renderD999", "No such file or directory"),
        (
            "measure",
            "/dev/dri/renderD999",
            "No such file or directory",
        ),
        // There, and no graphics device.
        ("measure", "/dev/null", "its driver"),
    ];
    for (subcommand, device, why) in cases {
        let out = Command::new(env!("CARGO_BIN_EXE_beadle-pictures"))
            .args([subcommand, "--vaapi", device])
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success());
        for part in [device, why, "group render"] {
            assert!(said.contains(part), "{subcommand}: {part} not in {said}");
        }
    }
}

/// Design §5: a thread that was there before is shut in like those that come after.
#[test]
fn earlier_threads_are_shut_in_too() {
    let props = Props::new();
    for act in ["read a file", "connect by TCP", "signal the parent"] {
        assert_eq!(
            props.act("all, from a thread started before", act).signal(),
            Some(c::SIGSYS),
            "{act}"
        );
    }
}

/// A worker that aborts or panics inside is seen as what it is, not as one that tried to get out.
#[test]
fn an_honest_fall_is_not_taken_for_an_escape() {
    let props = Props::new();
    assert_eq!(props.act("all", "abort").signal(), Some(c::SIGABRT));
    assert!(props.act("all", "panic").code().is_some());
}

/// Design §5: the list of calls holds alone: what a kernel without Landlock has.
#[test]
fn the_list_of_calls_alone_ends_every_act() {
    let props = Props::new();
    for Act(act, ..) in ACTS {
        assert_eq!(props.act("filter", act).signal(), Some(c::SIGSYS), "{act}");
    }
}

/// Design §5: Landlock alone refuses files, TCP, abstract sockets, signals and a look into the parent.
#[test]
fn landlock_alone_refuses_what_is_its_to_refuse() {
    for Act(act, refused, _) in ACTS {
        let props = Props::new();
        assert_eq!(props.act("domain", act).code(), Some(*refused), "{act}");
    }
}

/// Design §5: the limits alone refuse whatever needs a descriptor.
#[test]
fn the_limits_alone_refuse_every_descriptor() {
    for Act(act, _, refused) in ACTS {
        let props = Props::new();
        assert_eq!(props.act("limits", act).code(), Some(*refused), "{act}");
    }
}

fn worker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beadle-pictures"));
    command.arg("mask");
    command
}

/// Makes the kernel answer these calls with an error to the program started, as a kernel without them does.
fn without(command: &mut Command, calls: &[c_long], error: c_int) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
    let rules = calls.iter().map(|call| (*call, vec![])).collect();
    let answer = SeccompAction::Errno(error as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)
        .unwrap()
        .try_into()
        .unwrap();
    // SAFETY: between fork and exec only two system calls are made, on memory made before.
    unsafe {
        command.pre_exec(move || apply_filter(&program).map_err(|_| io::ErrorKind::Other.into()))
    };
}

/// How many filters each of its threads has, as the kernel tells it.
fn threads(worker: &Worker) -> Vec<(String, String)> {
    let of = |status: &str, name: &str| {
        status
            .lines()
            .find_map(|l| l.strip_prefix(name))
            .map(|v| v.trim().to_owned())
            .unwrap()
    };
    std::fs::read_dir(format!("/proc/{}/task", worker.child.id()))
        .unwrap()
        .map(|task| {
            let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            (of(&status, "Seccomp:"), of(&status, "NoNewPrivs:"))
        })
        .collect()
}

fn masks(worker: &mut Worker) {
    let stream = make(Codec::H264, 320, 180, 12, MARKER, "yuv420p");
    let (said, well) = through_worker(worker, &stream, &stream.setup(&[POLYGON]));
    assert!(well && pictures(&said).len() == 12, "{:?}", said.last());
}

/// MSK-5, design §5: on a kernel without Landlock, or with it switched off, the worker says so and masks within the rest.
#[test]
fn msk_5_without_landlock_it_says_so_and_keeps_the_rest() {
    for (error, sentence) in [
        (c::ENOSYS, "this kernel has no Landlock"),
        (c::EOPNOTSUPP, "not switched on"),
    ] {
        let mut command = worker();
        without(&mut command, &[c::SYS_landlock_create_ruleset], error);
        let mut worker = Worker::from(&mut command);
        let stream = make(Codec::H264, 320, 180, 1, MARKER, "yuv420p");
        worker.setup(&stream.setup(&[POLYGON]));
        worker.give(&stream.units[0], 0);
        assert!(matches!(worker.hear(), Some(Said::Params(_))));
        let sandboxed = worker.sandboxed.clone().expect("its first message");
        assert!(
            sandboxed.v == shared::worker::VERSION
                && sandboxed.missing.len() == 1
                && sandboxed.missing[0].contains(sentence),
            "{sandboxed:?}"
        );
        let threads = threads(&worker);
        assert!(!threads.is_empty() && threads.iter().all(|t| t == &("2".into(), "1".into())));
        let limits =
            std::fs::read_to_string(format!("/proc/{}/limits", worker.child.id())).unwrap();
        assert!(
            limits
                .lines()
                .any(|l| l.starts_with("Max open files            0 "))
        );
    }
}

/// MSK-5, design §5: without the list of calls no picture is read at all.
#[test]
fn msk_5_without_the_list_of_calls_it_reads_no_picture() {
    let mut command = worker();
    without(&mut command, &[c::SYS_seccomp], c::EINVAL);
    let mut worker = Worker::from(&mut command);
    let said = worker.hear_all();
    let [Said::Failed(failure)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(
        failure.why.contains("not reading anything without that"),
        "{}",
        failure.why
    );
    assert!(!worker.child.wait().unwrap().success());
}

/// Design §5: all of it is there in every thread of a worker at work (1080p: encoders make threads), and it says so.
#[test]
fn every_thread_of_a_worker_at_work_is_shut_in() {
    for codec in [Codec::H264, Codec::H265] {
        let stream = make(codec, 1920, 1080, 2, MARKER, "yuv420p");
        let mut worker = Worker::from(&mut worker());
        worker.setup(&stream.setup(&[POLYGON]));
        worker.give(&stream.units[0], 0);
        assert!(matches!(worker.hear(), Some(Said::Params(_))));
        assert_eq!(
            worker.sandboxed.as_ref().map(|s| s.missing.clone()),
            Some(vec![]),
            "this kernel lacks a part; these tests need Linux 6.12 or newer with Landlock"
        );
        let threads = threads(&worker);
        assert!(
            threads.len() > 1 && threads.iter().all(|t| t == &("2".into(), "1".into())),
            "{threads:?}"
        );
    }
}

/// Design §5: a user without any privilege can put the sandbox up and mask in it.
#[test]
fn an_unprivileged_user_is_shut_in_just_as_well() {
    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let open_to_all = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open_to_all(folder.path());
    let program = folder.path().join("beadle-pictures");
    std::fs::copy(env!("CARGO_BIN_EXE_beadle-pictures"), &program).unwrap();
    open_to_all(&program);
    let mut command = Command::new(&program);
    command.arg("mask");
    // SAFETY: a plain system call.
    if unsafe { c::geteuid() } == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut worker = Worker::from(&mut command);
    masks(&mut worker);
    assert_eq!(worker.sandboxed.as_ref().map(|s| s.missing.len()), Some(0));
}

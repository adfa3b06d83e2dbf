//! Adapter: the child process of the program `beadle-pictures`: started, looked at, and how it ended.
use std::{
    fs, io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::masking::pulse::Sample;

/// The program, with nothing in its environment that is not for the device's driver.
pub fn command(program: &Path, subcommand: &str, device: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command.arg(subcommand).env_clear();
    if let Some(device) = device {
        // Its sandbox has no files for one.
        command.env("MESA_SHADER_CACHE_DISABLE", "true");
        command.arg("--vaapi").arg(device);
    }
    command
}

/// A worker's process, with nothing but two pipes; and the graphics device that it is to encode on, if it is.
pub fn spawn(program: &Path, device: Option<&Path>) -> io::Result<Child> {
    command(program, "mask", device)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// What the dynamic loader, and a shell, end with when they cannot start a program.
const NOT_STARTED: i32 = 127;

/// Why the program does not start, for whoever is to mend it; None when it does.
pub fn not_started(program: &Path, status: ExitStatus) -> Option<String> {
    if status.code() != Some(NOT_STARTED) {
        return None;
    }
    let said = command(program, "--version", None)
        .stdin(Stdio::null())
        .output();
    let said = said.map_or_else(
        |e| e.to_string(),
        |o| String::from_utf8_lossy(&o.stderr).into_owned(),
    );
    Some(lacking(program, &said))
}

/// In words, from what the loader said: `…: error while loading shared libraries: libavutil.so.57: cannot open …`.
fn lacking(program: &Path, said: &str) -> String {
    let program = program.display();
    let words = said
        .split_whitespace()
        .map(|w| w.trim_end_matches([':', ',']));
    let library = words
        .filter(|w| w.starts_with("lib"))
        .find_map(|w| Some((w, w.split_once(".so.")?)));
    match library {
        // Debian names a library's package after the library and the number of its interface.
        Some((file, (name, number))) => {
            let dash = if name.ends_with(|c: char| c.is_ascii_digit()) {
                "-"
            } else {
                ""
            };
            let package = format!("{name}{dash}{number}")
                .replace('_', "-")
                .to_lowercase();
            format!(
                "{program} cannot start: the library {file} is missing; to get it, as root: apt install {package}"
            )
        }
        None => format!("{program} cannot start: {}", said.trim()),
    }
}

/// How a worker ended that did not say why.
pub fn last_word(status: ExitStatus) -> String {
    const KILLED_BY_SANDBOX: i32 = nix::libc::SIGSYS;
    match status.signal() {
        Some(KILLED_BY_SANDBOX) => {
            "the kernel ended it: it made a system call its sandbox forbids; pictures made to attack it may do that, \
             the kernel's log has the call's number (type=1326)"
                .into()
        }
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it ended without a word ({status})"),
    }
}

/// Processor time that a process has used, in ms.
pub fn used_ms(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (ticks, _) = fields(&stat)?;
    let per_sec = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .and_then(|t| u64::try_from(t).ok())
        .filter(|t| *t > 0)?;
    Some(ticks * 1000 / per_sec)
}

/// What a process does. Costs a file for each of its threads.
pub fn sample(pid: u32) -> Option<Sample> {
    let used_ms = used_ms(pid)?;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let runnable = threads.flatten().any(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        fields(&stat).is_some_and(|(_, state)| state == "R")
    });
    Some(Sample { used_ms, runnable })
}

/// User and system time in ticks, and the state, out of a `stat` file, whose second field is in brackets and may hold anything.
fn fields(stat: &str) -> Option<(u64, &str)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let mut ticks = fields.skip(10).map(str::parse::<u64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MSK-5: how a worker ended that could not say so itself; one that its sandbox ended stands out.
    #[test]
    fn last_words() {
        assert!(last_word(ExitStatus::from_raw(31)).contains("sandbox forbids"));
        assert_eq!(
            last_word(ExitStatus::from_raw(9)),
            "it was ended by signal 9"
        );
        assert_eq!(
            last_word(ExitStatus::from_raw(0x100)),
            "it ended without a word (exit status: 1)"
        );
    }

    /// MSK-5: a program that does not start is told apart, with what is missing and how to get it.
    #[test]
    fn what_is_missing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let program = folder.path().join("beadle-pictures");
        let said = "error while loading shared libraries: libavutil.so.57: cannot open shared object file: No such file or directory";
        std::fs::write(
            &program,
            format!("#!/bin/sh\necho \"$0: {said}\" >&2\nexit 127\n"),
        )
        .expect("write");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("mode");
        let why = not_started(&program, ExitStatus::from_raw(127 << 8)).expect("not started");
        assert!(
            why.contains("libavutil.so.57 is missing") && why.ends_with("apt install libavutil57"),
            "{why}"
        );
        assert_eq!(not_started(&program, ExitStatus::from_raw(0x100)), None);
        let other = lacking(
            &program,
            "x: error while loading shared libraries: libx264.so.164: cannot",
        );
        assert!(other.ends_with("apt install libx264-164"), "{other}");
    }

    #[test]
    fn what_a_process_has_used() {
        let stat = "17 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(fields(stat), Some((200, "S")));
        assert_eq!(fields("17 (a"), None);
        // This very thread is on the processor.
        assert!(sample(std::process::id()).is_some_and(|s| s.runnable));
        assert_eq!(sample(u32::MAX), None);
    }
}

//! Adapter: child process `beadle-documents`. Values of a paper in, a PDF out; and the fault that stands while it does not work.
//!
//! The plain text of a paper never depends on it: where it is not installed, fails, or takes too long, the text stands alone.
use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use crate::words::paper::Paper;

const PROGRAM: &str = "beadle-documents";
/// A paper of a hundred pages takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of a PDF, and of what the program says when it fails, at most.
const MOST: u64 = 64 << 20;
const MOST_SAID: u64 = 2 << 10;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrinterError {
    #[error(
        "{program} cannot be started ({why}): papers are plain text only; install it with the package beadle-hub, or build it with `make documents`"
    )]
    NotStarted { program: String, why: String },
    #[error(
        "{program} took more than {secs} s and was ended: the paper is plain text only; see whether the machine is very busy"
    )]
    TooLong { program: String, secs: u64 },
    #[error(
        "{program} made no PDF ({why}): the paper is plain text only; send these words to whoever maintains Beadle"
    )]
    Failed { program: String, why: String },
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Printer(Arc<PathBuf>);

impl Default for Printer {
    /// Beside this program.
    fn default() -> Self {
        let here = std::env::current_exe().ok();
        let folder = here.as_deref().and_then(Path::parent);
        Self::at(folder.map_or_else(|| PROGRAM.into(), |f| f.join(PROGRAM)))
    }
}

impl Printer {
    pub fn at(program: PathBuf) -> Self {
        Self(Arc::new(program))
    }

    pub fn program(&self) -> &Path {
        &self.0
    }

    /// Blocks, for [`DEADLINE`] at most.
    pub fn pdf(&self, paper: &Paper) -> Result<Vec<u8>, PrinterError> {
        self.within(paper, DEADLINE)
    }

    /// Whether it makes a PDF at all.
    pub fn works(&self) -> Result<(), PrinterError> {
        let mut paper = Paper::new("Beadle", "");
        paper.day = "2026-01-01".to_owned();
        self.pdf(&paper).map(drop)
    }

    fn within(&self, paper: &Paper, deadline: Duration) -> Result<Vec<u8>, PrinterError> {
        let program = || self.0.display().to_string();
        let failed = |why: String| PrinterError::Failed {
            program: program(),
            why,
        };
        let values = serde_json::to_vec(paper).map_err(|e| failed(e.to_string()))?;
        let child = Command::new(&*self.0)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|e| PrinterError::NotStarted {
            program: program(),
            why: e.to_string(),
        })?;
        let (input, output, error) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (tell, told) = mpsc::channel();
        // Each pipe has a thread, so that neither side waits for the other; they end when the process does.
        thread::spawn(move || {
            // What a process that has ended does not read is told by how it ended.
            let _ = input.map(|mut pipe| pipe.write_all(&values));
        });
        let said = thread::spawn(move || error.map(|pipe| read(pipe, MOST_SAID)));
        thread::spawn(move || tell.send(output.map(|pipe| read(pipe, MOST))));
        let pdf = told.recv_timeout(deadline);
        if pdf.is_err() {
            // It may have ended meanwhile.
            let _ = child.kill();
        }
        let ended = child.wait().map_err(|e| failed(e.to_string()))?;
        let pdf = match pdf {
            Ok(Some(Ok(pdf))) => pdf,
            Ok(Some(Err(e))) => return Err(failed(e.to_string())),
            Ok(None) => return Err(failed("it has no output".into())),
            Err(_) => {
                return Err(PrinterError::TooLong {
                    program: program(),
                    secs: deadline.as_secs(),
                });
            }
        };
        if !ended.success() || !pdf.starts_with(b"%PDF-") {
            let said = said.join().ok().flatten().and_then(Result::ok);
            let said = String::from_utf8_lossy(&said.unwrap_or_default())
                .trim()
                .to_owned();
            return Err(failed(match said.is_empty() {
                true => ended.to_string(),
                false => said,
            }));
        }
        Ok(pdf)
    }
}

fn read(pipe: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    pipe.take(most).read_to_end(&mut all)?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(folder: &Path, text: &str) -> Printer {
        let path = folder.join(PROGRAM);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        Printer::at(path)
    }

    /// EVI-5: a program that is not there, fails, says nothing, or never ends costs a paper its PDF and nothing else, and the reason says
    /// what to do.
    #[test]
    fn what_does_not_work_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let paper = Paper::new("A TITLE", "EXH-2026-000001");
        let none = Printer::at(folder.path().join("none")).pdf(&paper);
        assert!(
            matches!(&none, Err(e @ PrinterError::NotStarted { .. }) if e.to_string().contains("make documents")),
            "{none:?}"
        );
        let told = script(
            folder.path(),
            "cat >/dev/null; echo no such font >&2; exit 1",
        )
        .pdf(&paper);
        assert!(told.is_err_and(|e| e.to_string().contains("(no such font)")));
        let killed = script(folder.path(), "kill -SYS $$").pdf(&paper);
        assert!(killed.is_err_and(|e| e.to_string().contains("signal: 31")));
        let other = script(folder.path(), "cat >/dev/null; echo hello").pdf(&paper);
        assert!(matches!(other, Err(PrinterError::Failed { .. })));
        let long =
            script(folder.path(), "exec sleep 600").within(&paper, Duration::from_millis(50));
        assert!(matches!(long, Err(PrinterError::TooLong { .. })));
        let good = script(folder.path(), "cat >/dev/null; printf %%PDF-1.7").pdf(&paper);
        assert_eq!(good.as_deref(), Ok(&b"%PDF-1.7"[..]));
    }
}

//! Adapter: filesystem, python3. Asks both verifiers and insists on one answer.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use shared::{note::Vkey, timestamp::Root, verify as v};

use super::corpus::{self, Files};

pub fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn verify_py() -> PathBuf {
    repo().join("docs/verify/verify.py")
}

/// What is to be judged, and what the reader knows besides.
#[derive(Clone)]
pub struct Case {
    pub files: Files,
    pub package: bool,
    pub live: bool,
    pub hub: Vec<String>,
    pub heads: Vec<String>,
    /// PEM files of root certificates.
    pub authorities: Vec<String>,
    pub witnesses: Vec<String>,
}

impl Case {
    pub fn log(files: Files) -> Self {
        Self {
            files,
            package: false,
            live: false,
            hub: vec![corpus::hub_key().vkey()],
            heads: Vec::new(),
            authorities: Vec::new(),
            witnesses: Vec::new(),
        }
    }
    pub fn package(files: Files) -> Self {
        Self {
            package: true,
            ..Self::log(files)
        }
    }
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }
    pub fn no_hub(mut self) -> Self {
        self.hub.clear();
        self
    }
    pub fn knowing(mut self, head: String) -> Self {
        self.heads.push(head);
        self
    }

    /// Trusting the authorities with these root certificates.
    pub fn trusting(mut self, authorities: &[&str]) -> Self {
        self.authorities = authorities.iter().map(|a| (*a).to_owned()).collect();
        self
    }
    /// Trusting witnesses with these keys.
    pub fn believing(mut self, witnesses: &[String]) -> Self {
        self.witnesses = witnesses.to_vec();
        self
    }

    fn options(&self) -> v::Options {
        let keys = |all: &[String]| all.iter().map(|k| Vkey::parse(k).expect("key")).collect();
        let roots = self.authorities.iter().map(|pem| Root::of_pem(pem));
        v::Options {
            hub: keys(&self.hub),
            witnesses: keys(&self.witnesses),
            authorities: roots.flat_map(|r| r.expect("root certificates")).collect(),
            live: self.live,
            heads: self.heads.iter().map(|h| h.clone().into_bytes()).collect(),
        }
    }

    pub fn rust(&self, files: &dyn v::Files) -> v::Report {
        if self.package {
            v::package(files, &self.options())
        } else {
            v::log(files, &self.options())
        }
    }

    /// Both verifiers over a folder on disk; the one report.
    pub fn judge_at(&self, folder: &Path) -> String {
        let ours = self.rust(&logbook::Folder(folder.to_owned()));
        let mut python = Command::new("/usr/bin/env");
        python
            .args(["python3", "-B"])
            .arg(verify_py())
            .arg(if self.package { "bundle" } else { "log" })
            .arg(folder);
        for key in &self.hub {
            python.args(["--hub", key]);
        }
        let notes = tempfile::tempdir().expect("tempdir");
        for (i, pem) in self.authorities.iter().enumerate() {
            let path = notes.path().join(format!("{i}.pem"));
            std::fs::write(&path, pem).expect("write");
            python.arg("--authority").arg(path);
        }
        for key in &self.witnesses {
            python.args(["--witness", key]);
        }
        for (i, head) in self.heads.iter().enumerate() {
            let path = notes.path().join(i.to_string());
            std::fs::write(&path, head).expect("write");
            python.arg("--head").arg(path);
        }
        if self.live {
            python.arg("--live");
        }
        let theirs = python.output().expect("python3");
        let report = String::from_utf8(theirs.stdout).expect("utf-8");
        assert!(
            theirs.stderr.is_empty(),
            "verify.py: {}",
            String::from_utf8_lossy(&theirs.stderr)
        );
        assert_eq!(ours.render(), report, "left: Rust, right: verify.py");
        assert_eq!(
            Some(ours.exit_status()),
            theirs.status.code(),
            "exit status\n{report}"
        );
        report
    }

    /// Both verifiers over the files laid out in a fresh folder.
    pub fn judge(&self) -> String {
        let folder = tempfile::tempdir().expect("tempdir");
        lay_out(folder.path(), &self.files);
        let report = self.judge_at(folder.path());
        if let Some(corpus) = std::env::var_os("BEADLE_CORPUS") {
            self.leave(Path::new(&corpus), &report);
        }
        report
    }

    /// What the page is handed.
    pub fn json(&self) -> serde_json::Value {
        let b64 = |bytes: &[u8]| corpus::b64(bytes);
        let files: BTreeMap<&String, String> =
            self.files.iter().map(|(n, b)| (n, b64(b))).collect();
        let heads: Vec<String> = self.heads.iter().map(|h| b64(h.as_bytes())).collect();
        serde_json::json!({"kind": if self.package { "bundle" } else { "log" }, "hub": self.hub, "heads": heads, "live": self.live, "files": files,
            "authorities": self.authorities, "witnesses": self.witnesses})
    }

    /// Leaves the case for `make page`.
    fn leave(&self, corpus: &Path, report: &str) {
        let mut case = self.json();
        case["report"] = report.into();
        let text = case.to_string();
        let name = format!("{}.json", corpus::hex(&corpus::sha256(&[text.as_bytes()])));
        std::fs::create_dir_all(corpus).expect("folder");
        std::fs::write(corpus.join(name), text).expect("write");
    }

    /// Judges, and wants this finding (`CODE`, or `CODE<TAB>place`) and a verdict of NOT-INTACT.
    #[track_caller]
    pub fn shows(&self, finding: &str) -> String {
        let report = self.judge();
        assert!(report.starts_with("NOT-INTACT\n"), "{report}");
        assert!(
            report
                .lines()
                .skip(1)
                .any(|l| l.starts_with(&format!("{finding}\t"))),
            "no {finding} in:\n{report}"
        );
        report
    }

    /// Judges, and wants this verdict and exactly these codes; lines above the newest countersignature there always are some.
    #[track_caller]
    pub fn is(&self, verdict: &str, codes: &[&str]) -> String {
        let report = self.judge();
        assert_eq!(report.lines().next(), Some(verdict), "{report}");
        let found: Vec<&str> = report
            .lines()
            .skip(1)
            .filter_map(|l| l.split('\t').next())
            .filter(|code| *code != "ABOVE-COUNTERSIGNED" || codes.contains(code))
            .collect();
        assert_eq!(found, codes, "{report}");
        report
    }
}

pub fn lay_out(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folders");
        std::fs::write(path, bytes).expect("write");
    }
}

/// Files held in memory, for the many mutants.
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl v::Files for Memory {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn sha256(&self, path: &str) -> io::Result<shared::record::Digest> {
        self.read(path).map(|bytes| corpus::sha256(&[&bytes]))
    }
}

//! Adapter: the hub. beadle-hub made, run and asked through its own command line.
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use shared::{record::Record, schema};

use crate::{
    Done, Told, Trouble, args, places,
    program::{self, Program, Said},
    site::Site,
};

pub struct Hub {
    site: Site,
    /// As /var/lib/beadle-hub.
    pub state: PathBuf,
    pub evidence: PathBuf,
    /// Where packages are saved in plain: `<saved>/<EXH-ref>`.
    pub saved: PathBuf,
    pub quic: u16,
    pub https: u16,
    /// Name and password of the first account.
    pub sign_in: (String, String),
    /// The password, in a file.
    password: PathBuf,
    /// Name of the second account, and its password in a file.
    second: (String, PathBuf),
    /// Both have set passwords of their own and accepted the declaration.
    settled: bool,
    /// For its process at the next start, and for its commands.
    pub env: Vec<(String, String)>,
    pub process: Option<Program>,
}

/// What came of a pull.
#[derive(Debug)]
pub struct Pulled {
    pub exhibit: String,
    /// The package as it was saved, in plain: `<saved>/<EXH-ref>`.
    pub package: PathBuf,
    /// The same at rest, sealed: `<evidence>/<EXH-ref>/<camera>`.
    pub resting: PathBuf,
    pub said: Said,
}

/// What a verifier said.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub status: i32,
    pub text: String,
}

impl Verdict {
    /// First line: INTACT, NOT-INTACT, …
    pub fn word(&self) -> &str {
        self.text.lines().next().unwrap_or("")
    }
    pub fn intact(&self) -> bool {
        self.status == 0 && self.word().starts_with("INTACT")
    }
    /// Codes of the findings.
    pub fn codes(&self) -> Vec<&str> {
        self.text
            .lines()
            .skip(1)
            .filter_map(|l| l.split('\t').next())
            .collect()
    }
}

/// Every line of a log folder, judged as the hub judges it before it countersigns.
fn lines_as_their_types_allow(log: &Path) -> Done<()> {
    for file in places::files_below(log, ".jsonl") {
        let bytes = fs::read(&file)?;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let wrong = |why: String| {
                let line = String::from_utf8_lossy(line);
                Trouble(format!("{}: {why}: {line}", file.display()))
            };
            // A line that a power cut left half-written is for the verifiers to judge.
            let Ok(record) = Record::parse(line) else {
                continue;
            };
            let writer = schema::writer_of(&record.log);
            let writer = writer.ok_or_else(|| wrong("of no log".into()))?;
            schema::line(&record, writer).map_err(|breach| wrong(breach.to_string()))?;
        }
    }
    Ok(())
}

impl Hub {
    /// `beadle-hub init` in `<folder>/hub`, evidence in `<folder>/evidence`, what is saved of it in `<folder>/saved`.
    pub fn make(folder: &Path) -> Done<Self> {
        Self::make_with(folder, Vec::new())
    }

    /// The same with more in its environment, for this and every later command, e.g. a clock that is wrong.
    pub fn make_with(folder: &Path, env: Vec<(String, String)>) -> Done<Self> {
        Self::make_at(&Site::Beside(folder.into()), "127.0.0.1", env)
    }

    /// The same anywhere, at this address; on a machine its state and evidence are where the package has them.
    pub fn make_at(site: &Site, address: &str, env: Vec<(String, String)>) -> Done<Self> {
        Self::make_of(site, "cctv.example.gov.uk", address, env)
    }

    /// The same of another scheme.
    pub fn make_of(
        site: &Site,
        scheme: &str,
        address: &str,
        env: Vec<(String, String)>,
    ) -> Done<Self> {
        let folder = &site.files()?;
        let (state, evidence) = match site {
            Site::Beside(_) => (folder.join("hub"), folder.join("evidence")),
            Site::Installed(_) => {
                let state = site.path("/var/lib/beadle-hub")?;
                (state.clone(), state.join("evidence"))
            }
        };
        fs::create_dir_all(folder).told(folder.display())?;
        let (quic, https) = (places::free_udp()?, places::free_tcp()?);
        let (q, h) = (format!("{address}:{quic}"), format!("{address}:{https}"));
        let said = site
            .run(
                "beadle-hub",
                args![
                    "init",
                    "--state",
                    state,
                    "--scheme",
                    scheme,
                    "--quic",
                    q,
                    "--https",
                    h,
                    "--evidence",
                    evidence
                ],
                &env,
            )?
            .well("beadle-hub init")?;
        let mut people = Vec::new();
        for line in said.out.lines().filter(|l| l.starts_with("sign-in")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let &[_, name, _, password, ..] = words.as_slice() {
                let file = folder.join(format!("{name}.password"));
                fs::write(&file, password).told(file.display())?;
                people.push((name.to_owned(), password.to_owned(), file));
            }
        }
        let [(name, password, file), (second, _, second_file)] = people.as_slice() else {
            return Err(Trouble(format!(
                "beadle-hub init names no two people: {}",
                said.out
            )));
        };
        // Nobody has a phone here; what second factors do is tried in the hub's own tests and by suite `documents`.
        let toml = state.join("hub.toml");
        let text = fs::read_to_string(&toml).told(toml.display())?;
        fs::write(&toml, text + "\n[sign_in]\nsecond_factor = []\n").told(toml.display())?;
        Ok(Self {
            password: file.clone(),
            second: (second.clone(), second_file.clone()),
            settled: false,
            site: site.clone(),
            state,
            evidence,
            saved: folder.join("saved"),
            quic,
            https,
            sign_in: (name.clone(), password.clone()),
            env,
            process: None,
        })
    }

    pub fn start(&mut self) -> Done<()> {
        let words = args!["run", "--state", self.state];
        let mut process = self
            .site
            .start("hub", "beadle-hub", words, "beadle-hub", &self.env)?;
        process.ready(60)?;
        self.process = Some(process);
        if !self.settled {
            let (name, file) = (self.sign_in.0.clone(), self.password.clone());
            self.sign_in.1 = self.settle(&name, &file)?;
            let (name, file) = self.second.clone();
            self.settle(&name, &file)?;
            self.settled = true;
        }
        Ok(())
    }

    /// What somebody does who signs in for the first time: a password of their own, which is returned and put into the file of the one-time
    /// password; and the declaration.
    pub fn settle(&self, name: &str, file: &Path) -> Done<String> {
        let own = format!("{name} has a horse of their own");
        let new = file.with_extension("own");
        fs::write(&new, &own).told(new.display())?;
        let set = args![
            "staff",
            "password",
            "--as",
            name,
            "--password-file",
            file,
            "--new-password-file",
            new
        ];
        self.ask(set)?.well("staff password")?;
        fs::rename(&new, file).told(file.display())?;
        let accept = args![
            "declaration",
            "accept",
            "--as",
            name,
            "--password-file",
            file
        ];
        self.ask(accept)?.well("declaration accept")?;
        Ok(own)
    }

    /// What makes a command one of the second account's.
    pub fn as_second(&self) -> [&OsStr; 4] {
        [
            OsStr::new("--as"),
            OsStr::new(&self.second.0),
            OsStr::new("--password-file"),
            self.second.1.as_os_str(),
        ]
    }

    pub fn started(mut self) -> Done<Self> {
        self.start().map(|()| self)
    }

    pub fn stop(&mut self) -> Done<()> {
        self.process.take().map_or(Ok(()), |mut p| p.stop(30))
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> Done<()> {
        self.process.take().map_or(Ok(()), |mut p| p.kill9())
    }

    pub fn must_run(&mut self) -> Done<()> {
        self.process.as_mut().map_or(Ok(()), Program::must_run)
    }

    /// Any command of beadle-hub, on this hub's state; as the first account, unless it says as whom.
    pub fn ask(&self, words: &[&OsStr]) -> Done<Said> {
        let mut all: Vec<&OsStr> = vec![OsStr::new("--state"), self.state.as_os_str()];
        all.extend(words);
        let first = self.as_first();
        if !words.contains(&OsStr::new("--as")) {
            all.extend(&first);
        }
        self.site.run("beadle-hub", &all, &self.env)
    }

    /// What makes a command one of the first account's.
    pub fn as_first(&self) -> [&OsStr; 4] {
        [
            OsStr::new("--as"),
            OsStr::new(&self.sign_in.0),
            OsStr::new("--password-file"),
            self.password.as_os_str(),
        ]
    }

    fn json(&self, words: &[&OsStr]) -> Done<Value> {
        let said = self
            .ask(words)?
            .well(&words.join(OsStr::new(" ")).to_string_lossy())?;
        Ok(serde_json::from_str(&said.out)?)
    }

    /// Registers a box; its one-time code in its long form.
    pub fn box_add(&self, name: &str) -> Done<String> {
        self.box_codes(name).map(|(_, long)| long)
    }

    /// Registers a box; its one-time code in its short form, which is all there is on standard output, and its long one.
    pub fn box_codes(&self, name: &str) -> Done<(String, String)> {
        let said = self
            .ask(args!["box", "add", name])?
            .well("beadle-hub box add")?;
        let short = said.out.trim().to_owned();
        let start = format!("{short}/");
        let long = said.err.split_whitespace().find(|w| w.starts_with(&start));
        let long = long.ok_or_else(|| Trouble(format!("no long code: {said:?}")))?;
        Ok((short, long.to_owned()))
    }

    pub fn boxes(&self) -> Done<Vec<Value>> {
        Ok(serde_json::from_value(
            self.json(args!["box", "list", "--json"])?,
        )?)
    }

    pub fn box_row(&self, name: &str) -> Done<Value> {
        Ok(self
            .boxes()?
            .into_iter()
            .find(|b| b["name"] == name)
            .unwrap_or(Value::Null))
    }

    /// `camera` is BOX/CAM.
    pub fn footage(&self, camera: &str) -> Done<Value> {
        self.json(args!["footage", "list", "--camera", camera, "--json"])
    }

    /// Milliseconds of footage the hub knows of a camera.
    pub fn recorded_ms(&self, camera: &str) -> Done<i64> {
        let footage = self.footage(camera)?;
        let spans = footage["days"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|d| d["spans"].as_array().into_iter().flatten());
        let mut sum = 0;
        for span in spans {
            sum += time(&span["t1"])?.0 - time(&span["t0"])?.0;
        }
        Ok(sum)
    }

    /// Pulls a clip to its end, and saves its package. Times like 2026-11-03T14:00:00Z. An error only when the program could not be run.
    pub fn pull(&self, camera: &str, from: &str, to: &str) -> Done<Pulled> {
        let said = self.ask(args![
            "clip",
            "pull",
            "--camera",
            camera,
            "--from",
            from,
            "--to",
            to,
            "--purpose",
            "Investigation of a theft",
            "--reference",
            "CRIME-26-000417",
            "--requester",
            "PC 1234 Evans",
            "--save",
            self.saved
        ])?;
        let word_after = |start: &str| {
            said.out
                .lines()
                .find_map(|l| l.strip_prefix(start))
                .unwrap_or("")
                .trim()
                .to_owned()
        };
        let path_after = |start: &str| match word_after(start) {
            none if none.is_empty() => Ok(PathBuf::new()),
            inside => self.site.path(&inside),
        };
        Ok(Pulled {
            exhibit: word_after("Submitted"),
            package: path_after("saved")?,
            resting: path_after("package")?,
            said,
        })
    }

    /// `beadle-hub clip check`: the package as it rests.
    pub fn check(&self, exhibit: &str) -> Done<Verdict> {
        let said = self.ask(args!["clip", "check", exhibit])?;
        Ok(Verdict {
            status: said.status,
            text: said.out + &said.err,
        })
    }

    /// `beadle-hub clip save`, below this folder; the saved package.
    pub fn save(&self, exhibit: &str, below: &Path) -> Done<PathBuf> {
        self.ask(args![
            "clip",
            "save",
            exhibit,
            below,
            "--purpose",
            "For the court",
            "--reference",
            "CRIME-26-000417"
        ])?
        .well("beadle-hub clip save")?;
        Ok(below.join(exhibit))
    }

    /// The hub's public countersigning key.
    pub fn vkey(&self) -> Done<String> {
        let path = self.state.join("keys/cosign.vkey");
        Ok(fs::read_to_string(&path)
            .told(path.display())?
            .trim()
            .to_owned())
    }

    /// `beadle-hub verify`; `kind` is log or bundle.
    pub fn verify(&self, kind: &str, path: &Path, live: bool) -> Done<Verdict> {
        let key = self.vkey()?;
        let mut words = vec![
            OsStr::new("verify"),
            OsStr::new(kind),
            path.as_os_str(),
            OsStr::new("--hub"),
            OsStr::new(&key),
        ];
        if live {
            words.push(OsStr::new("--live"));
        }
        let said = self.ask(&words)?;
        Ok(Verdict {
            status: said.status,
            text: said.out + &said.err,
        })
    }

    /// The same by docs/verify/verify.py.
    pub fn verify_py(&self, kind: &str, path: &Path, live: bool) -> Done<Verdict> {
        let (script, key) = (places::root().join("docs/verify/verify.py"), self.vkey()?);
        let mut words = vec![
            script.as_os_str(),
            OsStr::new(kind),
            path.as_os_str(),
            OsStr::new("--hub"),
            OsStr::new(&key),
        ];
        if live {
            words.push(OsStr::new("--live"));
        }
        let said = program::run(Path::new("python3"), &words)?;
        Ok(Verdict {
            status: said.status,
            text: said.out + &said.err,
        })
    }

    /// An error unless both verifiers say INTACT, in the same words. `kind` is log or bundle. Of a log, each line has to be one that its type
    /// allows, too: what the programs write is what they would take from each other.
    pub fn intact(&self, kind: &str, path: &Path, live: bool) -> Done<()> {
        let ours = self.verify(kind, path, live)?;
        let theirs = self.verify_py(kind, path, live)?;
        if ours != theirs {
            return Err(Trouble(format!(
                "two verdicts on {}:\n{}\nverify.py:\n{}",
                path.display(),
                ours.text,
                theirs.text
            )));
        }
        if !ours.intact() {
            return Err(Trouble(format!(
                "{} is not intact:\n{}",
                path.display(),
                ours.text
            )));
        }
        match kind {
            "log" => lines_as_their_types_allow(path),
            _ => Ok(()),
        }
    }

    /// The hub's copy of a box's log.
    pub fn box_log(&self, name: &str) -> PathBuf {
        self.state.join("boxes").join(name).join("log/1")
    }

    pub fn own_log(&self) -> PathBuf {
        self.state.join("log/1")
    }
}

/// A time as the programs' JSON has it.
pub fn time(value: &Value) -> Done<shared::time::Utc> {
    serde_json::from_value(value.clone()).map_err(|_| Trouble(format!("{value} is not a time")))
}

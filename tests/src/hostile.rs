//! Adapter: filesystem, socket. What a taken-over recorder can try with the rights of its user: V1, V13, V14. It holds no key of ours.
use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::symlink, net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use footage::sealed;
use nix::{
    sys::stat::Mode,
    unistd::{AccessFlags, access, mkfifo},
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    id::{BoxName, CameraId, ExhibitRef, HoldId},
    note::{ALG_COSIGNATURE, Head, Signature, SignedHead, Vkey},
    order::{Act, ORDER_PREFIX, Order, Ordered},
    record::{hex, sha256},
    time::Utc,
    wire,
};

use crate::{Done, Told, Trouble};

/// The reader answers everything that is asked here at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that say nothing.
const SILENT: usize = 200;

/// What it tried, and what came of it as far as it can see.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Folders outside its own in which this user may make, rename and remove.
    pub writable: Vec<String>,
    /// Files of others below the state folder that it may read, or write.
    pub readable: Vec<String>,
    pub overwritable: Vec<String>,
    /// What was asked, under which circumstances, and the reader's answer; `null`: none came in time.
    pub asked: Vec<(String, Value, Value)>,
    /// Files that its own identity opens.
    pub stolen: Vec<String>,
    /// Renames, links and swaps that the file system let it do.
    pub moved: usize,
}

struct Attack<'a> {
    state: &'a Path,
    volume: &'a Path,
    cam: &'a str,
    identity: String,
    recipient: String,
    /// Closed segments, below the volume.
    segments: Vec<String>,
    report: Report,
    circumstance: String,
    key: Key,
    cam_id: CameraId,
    name: BoxName,
    exhibit: ExhibitRef,
}

/// A signing key of its own.
struct Key(Ed25519KeyPair);

impl Key {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
    fn public(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        key
    }
}

/// Tries everything; puts back what it moved.
///
/// # Errors
/// There is nothing to attack: no socket, no segment.
pub fn attack(state: &Path, volume: &Path, name: &str, cam: &str) -> Done<Report> {
    let (identity, recipient) = sealed::keypair();
    let mut segments = Vec::new();
    walk(volume, &mut |path, _| {
        let inner = path.strip_prefix(volume).ok().and_then(Path::to_str);
        segments.extend(
            inner
                .filter(|p| p.starts_with("footage/") && p.ends_with(".age"))
                .map(str::to_owned),
        );
    });
    segments.sort();
    if segments.is_empty() {
        return Err(Trouble::new("there is no segment to steal"));
    }
    let mut a = Attack {
        state,
        volume,
        cam,
        identity: identity.to_string(),
        recipient,
        segments,
        report: Report::default(),
        circumstance: "plain".into(),
        key: Key(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).told("a key")?),
        cam_id: CameraId::parse(cam).told("the camera")?,
        name: BoxName::parse(name).told("the box")?,
        exhibit: ExhibitRef::parse("EXH-2026-000001").told("an exhibit")?,
    };
    a.look_around();
    a.say_everything();
    a.nonsense()?;
    a.plant()?;
    a.circumstance = "identities planted".into();
    a.say_everything();
    a.swap_everything()?;
    a.race()?;
    a.count_the_loot();
    Ok(a.report)
}

/// A file, as far as it is one: whoever opens the FIFOs that were laid waits for ever.
fn read(path: &Path) -> Vec<u8> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => fs::read(path).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Every file and folder below one, links not followed.
fn walk(folder: &Path, each: &mut dyn FnMut(&Path, bool)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        let is_folder = kind.is_ok_and(|k| k.is_dir());
        each(&path, is_folder);
        if is_folder {
            walk(&path, each);
        }
    }
}

impl Attack<'_> {
    fn socket(&self) -> PathBuf {
        self.state.join("run/reader/reader.sock")
    }

    fn look_around(&mut self) {
        let own = [
            self.state.join("recorder"),
            self.state.join("run/recorder"),
            self.volume.to_owned(),
        ];
        let mut writable = Vec::new();
        for top in [
            "/etc", "/usr", "/var", "/srv", "/opt", "/home", "/root", "/run", "/boot",
        ] {
            let mut look = |path: &Path, is_folder: bool| {
                let ours = own.iter().any(|o| path.starts_with(o));
                if is_folder && !ours && access(path, AccessFlags::W_OK).is_ok() {
                    writable.push(path.display().to_string());
                }
            };
            look(Path::new(top), true);
            walk(Path::new(top), &mut look);
        }
        let (mut readable, mut overwritable) = (Vec::new(), Vec::new());
        for others in ["reader", "public", "hub", "run/reader"] {
            walk(&self.state.join(others), &mut |path, is_folder| {
                if is_folder || !fs::symlink_metadata(path).is_ok_and(|m| m.is_file()) {
                    return;
                }
                let text = path.display().to_string();
                if fs::OpenOptions::new().write(true).open(path).is_ok() {
                    overwritable.push(text.clone());
                }
                if fs::read(path).is_ok() {
                    readable.push(text);
                }
            });
        }
        (self.report.writable, self.report.readable) = (writable, readable);
        self.report.overwritable = overwritable;
    }

    fn send(&self, bytes: &[u8]) -> std::io::Result<Value> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(bytes)?;
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix)?;
        let mut body = vec![0; wire::frame_len(prefix).map_err(std::io::Error::other)?];
        stream.read_exact(&mut body)?;
        wire::Frame::from_bytes(body)
            .and_then(|f| f.json())
            .map_err(std::io::Error::other)
    }

    fn ask(&mut self, question: Value) -> Value {
        let frame = wire::encode_json(&question).unwrap_or_default();
        let answer = match self.send(&frame) {
            Ok(answer) => answer,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Value::Null,
            Err(e) => json!({"is": "broken", "why": e.to_string()}),
        };
        let circumstance = self.circumstance.clone();
        self.report
            .asked
            .push((circumstance, question, answer.clone()));
        answer
    }

    /// Ids of keys that exist or may: of days past and to come, of starts, of holds.
    fn keys(&self) -> Vec<String> {
        let cam = self.cam;
        let mut keys: Vec<String> = self
            .segments
            .iter()
            .filter_map(|s| Some(format!("{cam}/{}", s.split('/').nth(1)?)))
            .collect();
        keys.dedup();
        let told = read(&self.state.join("recorder/recipients.json"));
        let told: Value = serde_json::from_slice(&told).unwrap_or_default();
        let names = told["recipients"].as_object();
        keys.extend(names.into_iter().flat_map(|n| n.keys().cloned()).take(4));
        keys.push(format!("{cam}/2099-01-01"));
        keys
    }

    /// Orders of the hub's that lie about, as they are; and ones of its own making.
    fn orders(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        walk(&self.state.join("recorder"), &mut |path, _| {
            let text = read(path);
            let record: Value = serde_json::from_slice(&text).unwrap_or_default();
            if let Some(order) = record["order"].as_str() {
                let sig = record["sig"].as_str().unwrap_or_default();
                found.push((order.to_owned(), sig.to_owned()));
            }
        });
        let recipient = &self.recipient;
        let cam = self.cam_id.clone();
        let (t0, t1) = (Utc(0), Utc(7_226_582_400_000));
        let own = [
            Act::Pull {
                r#ref: self.exhibit.clone(),
                cam: cam.clone(),
                t0,
                t1,
                grant: "1".into(),
                purpose: "x".into(),
                recipient: recipient.clone(),
                urgent: false,
            },
            Act::HoldSet {
                hold: HoldId(999_001),
                cam,
                t0,
                t1,
                until: t1,
                grant: "1".into(),
            },
            Act::Sweep,
        ];
        for act in own {
            let order = Order {
                order: 1,
                made: t1,
                r#box: self.name.clone(),
                by: vec!["op:0001".into(), "op:0002".into()],
                act,
            };
            let text = Ordered::text(order).unwrap_or_default();
            let sig = self.key.sign([ORDER_PREFIX, &text].concat().as_bytes());
            found.push((text, STANDARD.encode(sig)));
        }
        // What the hub did sign, for another recipient.
        let altered: Vec<_> = found
            .iter()
            .map(|(order, sig)| (replace_recipient(order, recipient), sig.clone()))
            .collect();
        found.extend(altered);
        found
    }

    /// Every message there is, with everything it knows of.
    fn say_everything(&mut self) {
        let (volume, cam) = (self.volume.display().to_string(), self.cam.to_owned());
        let segment = self.segments[0].clone();
        let whole = format!("{volume}/{segment}");
        let reader = self.state.join("reader");
        let cosigned = self.newest_note();
        for cams in [json!(["c99"]), json!([cam, "c98"])] {
            self.ask(json!({"is": "recipients", "cams": cams, "from": "2026-01-01", "days": 2}));
        }
        self.ask(
            json!({"is": "recipients", "cams": [cam], "from": "2026-01-01", "days": u32::MAX}),
        );
        let keys = self.keys();
        for key in &keys {
            for note in [Value::Null, json!(cosigned), json!(self.forged(&cosigned))] {
                self.ask(json!({"is": "due", "key": key, "cosigned": note}));
                self.ask(json!({"is": "destroy", "key": key, "cosigned": note}));
            }
        }
        for (order, sig) in self.orders() {
            self.ask(json!({"is": "order", "order": order, "sig": sig}));
            self.ask(
                json!({"is": "rewrap", "order": order, "sig": sig, "path": whole, "key": keys[0]}),
            );
        }
        let sha256 = hex(&sha256(&read(Path::new(&whole))));
        for hold in ["hold-999001", "hold-1", "boot-1"] {
            let hold = format!("{cam}/{hold}");
            self.ask(json!({"is": "hold", "volume": volume, "file": segment, "key": keys[0], "hold": hold, "sha256": sha256}));
        }
        let paths = [
            "../reader/identities".to_owned(),
            format!("{}/identities", reader.display()),
            "footage/../../../../etc/passwd".to_owned(),
            "held/H-999001/x.mp4.age".to_owned(),
        ];
        for path in &paths {
            self.ask(json!({"is": "recover", "volume": volume, "file": path, "key": keys[0]}));
            self.ask(json!({"is": "undecryptable", "path": format!("{volume}/{path}")}));
        }
        for other in ["/", "/etc", "/var/lib/beadle-edge"] {
            self.ask(json!({"is": "recover", "volume": other, "file": segment, "key": keys[0]}));
        }
        self.ask(json!({"is": "undecryptable", "path": whole}));
        self.ask(json!({"is": "format-everything"}));
    }

    /// A head of this box's log, countersigned in the far future by a hub of its own.
    fn forged(&self, note: &str) -> String {
        const TIME: u64 = 7_000_000_000;
        let origin = note.lines().next().unwrap_or_default();
        let scheme = origin.split("/box/").next().unwrap_or_default();
        let head = Head {
            origin: origin.into(),
            size: 999_999,
            root: [1; 32],
        };
        let name = format!("{scheme}/hub/cosign");
        let vkey = Vkey::new(&name, ALG_COSIGNATURE, self.key.public());
        let sig = self.key.sign(head.cosigned_body(TIME).as_bytes());
        let signature = Signature {
            id: vkey.id(),
            name,
            blob: [&TIME.to_be_bytes()[..], &sig].concat(),
        };
        SignedHead {
            head,
            signatures: vec![signature],
        }
        .render()
    }

    fn newest_note(&self) -> String {
        let mut note = String::new();
        walk(&self.state.join("recorder/log"), &mut |path, _| {
            if path.ends_with("cosigned.note") {
                note = String::from_utf8(read(path)).unwrap_or_default();
            }
        });
        note
    }

    /// Frames that are none, and connections that say nothing: whoever asks after them is answered.
    fn nonsense(&mut self) -> Done<()> {
        self.circumstance = "nonsense".into();
        let deep = [b"J".as_slice(), &b"[".repeat(500_000)].concat();
        let deep_frame = [
            &u32::try_from(deep.len()).unwrap_or(0).to_be_bytes()[..],
            &deep,
        ]
        .concat();
        for bytes in [
            &[0xff; 8][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 5, b'X', 1, 2, 3, 4],
            &[0, 0, 0, 5, b'J', b'{', 0xff, 0xfe, b'}'],
            &deep_frame,
        ] {
            let _ = UnixStream::connect(self.socket()).and_then(|mut s| {
                s.set_write_timeout(Some(PATIENCE))?;
                s.write_all(bytes)
            });
        }
        let silent: Vec<_> = (0..SILENT)
            .filter_map(|_| UnixStream::connect(self.socket()).ok())
            .collect();
        let question = json!({"is": "undecryptable", "path": self.volume.join(&self.segments[0])});
        let frame = wire::encode_json(&question).unwrap_or_default();
        drop(silent);
        // Whoever held the reader's every place is the only one to suffer for it, and only as long.
        for _ in 0..200 {
            if self.send(&frame).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.ask(question);
        Ok(())
    }

    /// Identities for the reader to take in, sealed to it as the recorder does.
    fn plant(&mut self) -> Done<()> {
        let long = fs::read_to_string(self.state.join("public/reader.pub")).told("reader.pub")?;
        let today = self.segments[0].split('/').nth(1).unwrap_or_default();
        for (n, key) in ["hold-999001", "hold-1", today, "2026-12-24", "boot-010"]
            .iter()
            .enumerate()
        {
            let boot = json!({
                "key": format!("{}/{key}", self.cam), "pair": [self.identity, self.recipient], "day": "2020-01-01",
            });
            let bytes = sealed::seal(long.trim(), boot.to_string().as_bytes()).told("sealing")?;
            let name = format!("{}_boot-{}.age", self.cam, 900 + n);
            fs::write(self.state.join("recorder/boot").join(name), bytes).told("planting")?;
        }
        Ok(())
    }

    /// All that it may rename, each for a while a link to the reader's folder, to its keys, to a FIFO, and gone.
    fn swap_everything(&mut self) -> Done<()> {
        let mut all = vec![self.volume.to_owned()];
        for top in [self.state.to_owned(), self.volume.to_owned(), "/srv".into()] {
            walk(&top, &mut |path, is_folder| {
                let ending = path.extension().and_then(|e| e.to_str());
                // Of segments and keys one stands for all.
                if is_folder || ending != Some("age") {
                    all.push(path.to_owned());
                }
            });
        }
        all.push(self.volume.join(&self.segments[0]));
        all.sort();
        all.dedup();
        let reader = self.state.join("reader");
        for path in all {
            let away = path.with_file_name(format!(
                "{}.away",
                path.file_name().unwrap_or_default().to_string_lossy()
            ));
            if fs::rename(&path, &away).is_err() {
                continue;
            }
            self.report.moved += 1;
            let swaps: [(&str, &dyn Fn() -> std::io::Result<()>); 5] = [
                ("gone", &|| Ok(())),
                ("a link to the reader's folder", &|| symlink(&reader, &path)),
                ("a link to its keys", &|| {
                    symlink(reader.join("identities"), &path)
                }),
                ("a FIFO", &|| {
                    mkfifo(&path, Mode::S_IRWXU | Mode::S_IRWXG).map_err(std::io::Error::from)
                }),
                ("an empty folder", &|| fs::create_dir(&path)),
            ];
            for (what, swap) in swaps {
                if swap().is_err() {
                    continue;
                }
                self.circumstance = format!("{} is {what}", path.display());
                self.say_little();
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
            fs::rename(&away, &path).told(format!("putting {} back", path.display()))?;
        }
        Ok(())
    }

    /// One of each message that makes the reader touch a file.
    fn say_little(&mut self) {
        let (volume, cam) = (self.volume.display().to_string(), self.cam.to_owned());
        let segment = self.segments[0].clone();
        let key = self.keys().swap_remove(0);
        for file in [segment.clone(), format!("{segment}.open")] {
            self.ask(json!({"is": "recover", "volume": volume, "file": file, "key": key}));
        }
        self.ask(json!({"is": "undecryptable", "path": format!("{volume}/{segment}")}));
        self.ask(json!({"is": "hold", "volume": volume, "file": segment, "key": key, "hold": format!("{cam}/hold-999001"), "sha256": "0".repeat(64)}));
        self.ask(json!({"is": "destroy", "key": key, "cosigned": null}));
    }

    /// Folders that are links at one moment and not at the next, while the reader is asked.
    fn race(&mut self) -> Done<()> {
        self.circumstance = "a race".into();
        let day = self.segments[0]
            .split('/')
            .take(2)
            .collect::<Vec<_>>()
            .join("/");
        for path in [self.volume.join(day), self.state.join("recorder/boot")] {
            let (away, link) = (path.with_extension("away"), path.with_extension("link"));
            symlink(self.state.join("reader"), &link).told("a link")?;
            let stop = Arc::new(AtomicBool::new(false));
            let flips = {
                let (stop, path, away, link) =
                    (stop.clone(), path.clone(), away.clone(), link.clone());
                std::thread::spawn(move || {
                    let mut flips = 0;
                    while !stop.load(Relaxed) {
                        let there =
                            fs::rename(&path, &away).and_then(|()| fs::rename(&link, &path));
                        let back = fs::rename(&path, &link).and_then(|()| fs::rename(&away, &path));
                        flips += usize::from(there.is_ok() && back.is_ok());
                    }
                    flips
                })
            };
            for _ in 0..20 {
                self.say_little();
            }
            stop.store(true, Relaxed);
            self.report.moved += flips.join().unwrap_or(0);
            fs::remove_file(&link).told("the link")?;
        }
        Ok(())
    }

    fn count_the_loot(&mut self) {
        let mut stolen = Vec::new();
        let identity = [self.identity.clone()];
        for top in [self.volume.to_owned(), self.state.join("recorder")] {
            walk(&top, &mut |path, is_folder| {
                if is_folder {
                    return;
                }
                let (mut out, mut opener) = (Vec::new(), sealed::Opener::new(&identity));
                let bytes = read(path);
                if opener.push(&bytes, &mut out).is_ok() && opener.finish(&mut out).is_ok() {
                    stolen.push(path.display().to_string());
                }
            });
        }
        self.report.stolen = stolen;
    }
}

fn replace_recipient(order: &str, by: &str) -> String {
    let mut order: Value = serde_json::from_str(order).unwrap_or_default();
    if let Some(recipient) = order.get_mut("recipient") {
        *recipient = by.into();
    }
    order.to_string()
}

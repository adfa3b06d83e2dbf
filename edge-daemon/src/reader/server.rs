//! Task. The reader process: one thread per connection, one holder of the keys.
use std::{
    io::Write,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    id::CameraId,
    note::{Cosigned, SignedHead, Vkey},
    segment::KeyId,
    time::{Clock, Day, Now, Utc},
    wire,
};

use super::{
    calls::Calls,
    client::read_frame,
    keys::{Folders, KeyError, KeyStore, Pair},
    ledger::{Admission, COUNTS, Ledger, Objection},
    order,
    protocol::{Reply, Request},
    root::Wish,
    terms::{Source, Terms},
    torn,
};
use crate::{
    below::{self, Folder},
    clock::Kernel,
    identity::HubFacts,
    memory,
    state::{self, LayoutError, State},
};

mod segments;
use segments::Named;

/// How often the kernel's word is looked at and the time kept.
const NOTE: Duration = Duration::from_secs(300);
/// Most recipients one request may have made (a hundred cameras, forty days).
const MOST: usize = 4000;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("another reader already answers on {0}: only one may hold the keys. Stop it first")]
    Second(String),
    #[error("footage keys: {0}")]
    Keys(#[from] KeyError),
    #[error("the reader was not started")]
    Layout(#[from] LayoutError),
}

/// The reader, bound to its socket.
pub struct Server {
    listener: UnixListener,
    reader: Arc<Reader>,
    calls: Calls,
    /// Held as long as the server lives.
    _lock: std::fs::File,
}

struct Reader {
    /// Opened at the start: what is below it is resolved from here, whatever its path comes to mean.
    root: Folder,
    /// The reader's own folder as it was at the start.
    own: Folder,
    folders: Folders,
    source: Source,
    clock: Arc<dyn Clock>,
    kernel: fn() -> Kernel,
    wish: Wish,
    ledger: Mutex<Ledger>,
    /// None after a failure in the middle of a change: the files say what is true and are opened again. And while the TPM does not answer.
    keys: Mutex<Option<KeyStore>>,
}

/// What a reader goes by.
pub struct Basis {
    /// What root says about the box.
    pub source: Source,
    pub clock: Arc<dyn Clock>,
    /// The kernel's word for it.
    pub kernel: fn() -> Kernel,
    /// Where the root key is to be, which counts at the first start.
    pub wish: Wish,
}

/// Opens the keys, listens on its socket and answers for ever.
pub fn serve(state: &State, basis: Basis) -> Result<(), ServeError> {
    Server::bind(state, basis)?.run()
}

/// Moves the root key to the TPM; no reader may run. False: it was there already.
pub fn move_to_tpm(state: &State, wish: &Wish) -> Result<bool, ServeError> {
    let _lock = lock(state)?;
    Ok(KeyStore::move_to_tpm(&Folders::of(state), wish)?)
}

/// Whoever has it may touch the keys; given back when dropped.
fn lock(state: &State) -> Result<std::fs::File, ServeError> {
    let path = state.reader().join("lock");
    let file = std::fs::File::create(&path).map_err(|source| ServeError::Io {
        what: "create",
        path: path.display().to_string(),
        source,
    })?;
    file.try_lock()
        .map_err(|_| ServeError::Second(state.reader_socket().display().to_string()))?;
    Ok(file)
}

impl Server {
    pub fn bind(state: &State, basis: Basis) -> Result<Self, ServeError> {
        let io = |what, path: &Path| {
            let path = path.display().to_string();
            move |source| ServeError::Io { what, path, source }
        };
        let Basis {
            source,
            clock,
            kernel,
            wish,
        } = basis;
        let (folder, socket) = (state.reader(), state.reader_socket());
        state.for_reader()?;
        state.nobody_elses()?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))
            .map_err(io("close to others", &folder))?;
        let root = Folder::trusted(state.root()).map_err(io("open", state.root()))?;
        let own = root.folder("reader").map_err(io("open", &folder))?;
        let lock = lock(state)?;
        let ledger = Ledger::open(&folder, clock.now())?;
        let folders = Folders::of(state);
        let opened = || KeyStore::open(&folders, &wish);
        let keys = match memory::leaving_no_trace(opened) {
            Ok(keys) => Some(keys),
            // Whoever asks is told why, and the next question tries again.
            Err(e) if e.may_pass() => {
                tracing::error!(error = %e, "the footage keys cannot be opened yet");
                None
            }
            Err(e) => return Err(e.into()),
        };
        // The lock says that whoever left a socket there is gone.
        if let Err(e) = std::fs::remove_file(&socket)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(io("remove", &socket)(e));
        }
        let listener = UnixListener::bind(&socket).map_err(io("listen on", &socket))?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o660))
            .map_err(io("close to others", &socket))?;
        let reader = Reader {
            root,
            own,
            folders,
            source,
            clock,
            kernel,
            wish,
            ledger: Mutex::new(ledger),
            keys: Mutex::new(keys),
        };
        reader.note_time()?;
        reader.tell_pulls();
        Ok(Self {
            listener,
            reader: Arc::new(reader),
            calls: Calls::default(),
            _lock: lock,
        })
    }

    pub fn run(self) -> Result<(), ServeError> {
        let (reader, thread) = (self.reader.clone(), std::thread::Builder::new());
        thread
            .name("reader-time".into())
            .spawn(move || {
                loop {
                    std::thread::sleep(NOTE);
                    if let Err(e) = reader.note_time() {
                        tracing::warn!(error = %e, "how late it is could not be kept");
                    }
                }
            })
            .map_err(|source| ServeError::Io {
                what: "start a thread for",
                path: "the time".into(),
                source,
            })?;
        for stream in self.listener.incoming() {
            match stream {
                Ok(stream) => {
                    let reader = self.reader.clone();
                    self.calls
                        .answer(stream, move |stream| reader.converse(stream));
                }
                // Out of descriptors, most likely: the daemon asks again.
                Err(e) => {
                    tracing::warn!(error = %e, "a connection could not be taken");
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
            }
        }
        Ok(())
    }
}

impl Reader {
    fn converse(&self, mut stream: UnixStream) {
        loop {
            let reply = match read_frame(&mut stream) {
                Ok(None) => return,
                Ok(Some(frame)) => match frame.json::<Request>() {
                    Ok(request) => memory::leaving_no_trace(|| self.answer(request))
                        .unwrap_or_else(|why| Reply::Refused { why }),
                    Err(e) => Reply::Refused { why: e.to_string() },
                },
                Err(e) => {
                    tracing::debug!(error = %e, "a connection ended early");
                    return;
                }
            };
            if let Reply::Refused { why } = &reply {
                tracing::warn!(why, "refused");
            }
            let sent = wire::encode_json(&reply)
                .map_err(|e| e.to_string())
                .and_then(|f| stream.write_all(&f).map_err(|e| e.to_string()));
            if sent.is_err() {
                return;
            }
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the rules in force and of how late it is.
    fn note_time(&self) -> Result<(), KeyError> {
        let (terms, now) = (self.source.terms(), self.clock.now());
        let mut ledger = self.ledger();
        ledger.reckoning.look((self.kernel)(), now);
        ledger.rules_from(&terms);
        ledger.save(now)
    }

    /// What the hub's note proves of the time, if it is this box's hub's.
    fn hear(&self, note: &str, terms: &Terms, now: Now) -> Result<(), String> {
        let Some(hub) = self.hub()? else {
            return Ok(());
        };
        let head = SignedHead::parse(note.as_bytes()).map_err(|e| e.to_string())?;
        let cosign = Vkey::parse(&hub.cosign).map_err(|e| e.to_string())?;
        let base = format!("{}/box/{}/", hub.scheme, terms.name);
        let ours = head.head.origin.strip_prefix(&base);
        if !ours.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) {
            return Err("the countersigned head is of another log than this box's".into());
        }
        let Cosigned::Good { time } = head.check_cosigned(&cosign) else {
            return Err("the countersignature is not that of this box's hub".into());
        };
        let ms = i64::try_from(time).ok().and_then(|s| s.checked_mul(1000));
        let t = ms.map(Utc).ok_or("the countersignature is of no time")?;
        self.ledger().reckoning.prove(t, now)
    }

    /// What root pinned at enrolment, as it is now: it is read below the folder that was opened at the start, and only as root's, or this
    /// user's where one user runs everything.
    fn hub(&self) -> Result<Option<HubFacts>, String> {
        let said =
            |e: &dyn std::fmt::Display| format!("what was pinned at enrolment cannot be used: {e}");
        let file = match self.root.file("hub/hub.json") {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(said(&e)),
        };
        let about = file.metadata().map_err(|e| said(&e))?;
        if !state::of_root_or_self(&about) {
            return Err(said(
                &"hub/hub.json does not belong to root, or others may write to it; enrol the box again, as root",
            ));
        }
        let bytes = below::read_small(file, 1 << 16).map_err(|e| said(&e))?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| said(&e))
    }

    /// Checks an order by the hub's key as root pinned it.
    fn meaning(&self, terms: &Terms, order: &str, sig: &str) -> Result<order::Meaning, String> {
        let hub = self
            .hub()?
            .ok_or("no order of a hub can be checked: the box is not enrolled")?;
        order::check(&hub.order, &terms.name, order, sig)
    }

    /// A volume that root configured, by its path.
    fn volume(terms: &Terms, path: &str) -> Result<Folder, String> {
        let known = terms
            .volumes
            .iter()
            .find(|v| v.as_path() == Path::new(path));
        let known =
            known.ok_or_else(|| format!("{path} is no volume of this box's configuration"))?;
        Folder::open(known).map_err(|e| format!("the volume {path} cannot be opened: {e}"))
    }

    /// The volume that a file lies on, and its path below it.
    fn on_volume(terms: &Terms, path: &str) -> Result<(Folder, String), String> {
        let found = terms.volumes.iter().find_map(|v| {
            let inner = Path::new(path).strip_prefix(v).ok()?.to_str()?;
            Some((v.to_str()?, inner.to_owned()))
        });
        let (volume, inner) =
            found.ok_or_else(|| format!("{path} is on no volume of this box's configuration"))?;
        Ok((Self::volume(terms, volume)?, inner))
    }

    /// Tells everybody how many pulls were handed out on each day; of no consequence when it cannot.
    fn tell_pulls(&self) {
        let text = serde_json::to_vec(self.ledger().pulls()).unwrap_or_default();
        let path = &self.folders.public;
        let told = Folder::open(path).and_then(|f| f.write_whole(COUNTS, &text, 0o640));
        if let Err(e) = told {
            tracing::warn!(path = %path.display(), error = %e, "how many pulls there were could not be told");
        }
    }

    /// Runs `f` on the keys, with whatever the recorder left taken in. A failure closes them: they are opened again from disk.
    fn with<T>(
        &self,
        terms: &Terms,
        f: impl FnOnce(&mut KeyStore) -> Result<T, KeyError>,
    ) -> Result<T, String> {
        let mut held = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = match held.take() {
            Some(keys) => keys,
            None => {
                let there = self.root.folder("reader").and_then(|f| f.is(&self.own));
                if !there.is_ok_and(|same| same) {
                    return Err("the reader's folder is not the one it was started with; start the reader again".into());
                }
                KeyStore::open(&self.folders, &self.wish).map_err(|e| e.to_string())?
            }
        };
        let now = self.clock.now();
        let mut ledger = self.ledger();
        let mut came = false;
        let taken = keys.take_in(&mut |id, day| {
            let ours = ledger.knows(id.cam());
            if ours {
                ledger.took_in(id, day, terms, now);
                came = true;
            }
            ours
        });
        if taken.is_ok() {
            ledger.looked(now);
        }
        let noted = if came { ledger.save(now) } else { Ok(()) };
        drop(ledger);
        let done = taken.and(noted).and_then(|()| f(&mut keys));
        if done.is_ok() {
            *held = Some(keys);
        }
        done.map_err(|e| e.to_string())
    }

    fn answer(&self, request: Request) -> Result<Reply, String> {
        let id = |key: &str| KeyId::parse(key).map_err(|e| e.to_string());
        let (terms, now) = (self.source.terms(), self.clock.now());
        if self.ledger().rules_from(&terms) {
            self.note_time().map_err(|e| e.to_string())?;
        }
        match request {
            Request::Recipients { cams, from, days } => self.recipients(&terms, &cams, from, days),
            Request::Recover { volume, file, key } => {
                let (volume, file, key) = (&volume, &file, &key);
                let recovered = self.recover(&terms, &Named { volume, file, key })?;
                Ok(Reply::Recovered { recovered })
            }
            Request::Rewrap {
                order,
                sig,
                path,
                key,
            } => self.rewrap(&terms, &order, &sig, &path, &id(&key)?),
            Request::Hold {
                volume,
                file,
                key,
                hold,
                sha256,
            } => {
                let (volume, file, key) = (&volume, &file, &key);
                let of = Named { volume, file, key };
                self.hold(&terms, &of, &hold, &sha256)?;
                Ok(Reply::Held)
            }
            Request::Spot {
                volume,
                file,
                key,
                size,
                sha256,
            } => {
                let (volume, file, key) = (&volume, &file, &key);
                let of = Named { volume, file, key };
                let wrong = self.spot(&terms, &of, size, &sha256)?;
                Ok(Reply::Spot { wrong })
            }
            Request::Destroy { key, cosigned } => {
                self.destroy(&terms, &id(&key)?, cosigned.as_deref(), now, true)
            }
            Request::Due { key, cosigned } => {
                self.destroy(&terms, &id(&key)?, cosigned.as_deref(), now, false)
            }
            Request::Order { order, sig } => {
                match self.meaning(&terms, &order, &sig)? {
                    order::Meaning::Hold(hold) => self.ledger().hold(&hold, &terms, now)?,
                    order::Meaning::Release(hold) => self.ledger().release(hold),
                    order::Meaning::Time(made) => self.ledger().reckoning.prove(made, now)?,
                    order::Meaning::Pull(pull) => {
                        let spent = self.admit(&terms, &order, &pull)?;
                        return Ok(spent.unwrap_or(Reply::Noted));
                    }
                }
                self.ledger().save(now).map_err(|e| e.to_string())?;
                Ok(Reply::Noted)
            }
            Request::Undecryptable { path } => {
                let (volume, inner) = Self::on_volume(&terms, &path)?;
                let pairs = self.with(&terms, |keys| Ok(keys.all()))?;
                Ok(Reply::Undecryptable {
                    sure: torn::none_opens(&volume, &inner, &pairs)?,
                })
            }
            Request::Unknown => Err(
                "a question this version of the reader does not know; restart daemon and reader"
                    .into(),
            ),
        }
    }

    fn recipients(
        &self,
        terms: &Terms,
        cams: &[CameraId],
        from: Day,
        days: u32,
    ) -> Result<Reply, String> {
        if cams.len().saturating_mul(days as usize) > MOST {
            return Err(format!(
                "{} cameras for {days} days are more recipients than are made at once ({MOST})",
                cams.len()
            ));
        }
        if let Some(strange) = cams.iter().find(|c| !terms.cameras.contains_key(c)) {
            return Err(format!(
                "{strange} is no camera of this box's configuration: no key is made for it"
            ));
        }
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let now = self.clock.now();
        terms.near(from, days, now)?;
        let ids: Vec<KeyId> = cams
            .iter()
            .flat_map(|cam| {
                (0..days).map(|d| KeyId::Day {
                    cam: cam.clone(),
                    day: from.plus_days(d),
                })
            })
            .collect();
        // What a day will be reckoned by is kept before there is a key of it.
        let mut ledger = self.ledger();
        ledger.made(ids.iter(), terms, now);
        ledger.save(now).map_err(|e| e.to_string())?;
        drop(ledger);
        Ok(Reply::Recipients {
            recipients: self.with(terms, |keys| keys.recipients(ids.into_iter()))?,
        })
    }

    fn rewrap(
        &self,
        terms: &Terms,
        order: &str,
        sig: &str,
        path: &str,
        key: &KeyId,
    ) -> Result<Reply, String> {
        let order::Meaning::Pull(pull) = self.meaning(terms, order, sig)? else {
            return Err("this kind of order hands out no footage".into());
        };
        let (name, open) = order::name_of(path)?;
        if open {
            return Err(format!("{path} is still being recorded"));
        }
        order::covers(&pull, &name, key)?;
        let (volume, inner) = Self::on_volume(terms, path)?;
        let pairs: Vec<Pair> = self.with(terms, |keys| Ok(keys.pairs(key)))?;
        // Counted before it is handed out.
        if let Some(spent) = self.admit(terms, order, &pull)? {
            return Ok(spent);
        }
        let new = torn::rewrap(&volume, &inner, &pairs, &pull)?;
        Ok(Reply::Rewrapped {
            old: new.old,
            header: STANDARD.encode(new.header),
            part: new.part,
        })
    }

    /// Counts a pull. Some: it is not to be handed out, for it would be too much.
    fn admit(
        &self,
        terms: &Terms,
        order: &str,
        pull: &order::Pull,
    ) -> Result<Option<Reply>, String> {
        let now = self.clock.now();
        let admission = self.ledger().pulled(order, pull, terms, now);
        let spent = match admission.map_err(|e| e.to_string())? {
            Admission::Known => return Ok(None),
            Admission::Counted => None,
            Admission::Spent(why) => Some(why),
        };
        tracing::info!(camera = %pull.cam, from = %pull.t0, to = %pull.t1, refused = spent, "a pull by order of the hub");
        self.tell_pulls();
        Ok(spent.map(|why| Reply::Spent { why }))
    }

    /// Destroys a key that is due, or says only whether it is.
    fn destroy(
        &self,
        terms: &Terms,
        key: &KeyId,
        cosigned: Option<&str>,
        now: Now,
        deed: bool,
    ) -> Result<Reply, String> {
        self.ledger().reckoning.look((self.kernel)(), now);
        if let Some(note) = cosigned
            && let Err(why) = self.hear(note, terms, now)
        {
            tracing::warn!(why, "what the recorder gave as the hub's word is not");
        }
        // One at a time: what is looked at is what is destroyed.
        let claim = self.with(terms, |keys| {
            if keys.has(key) {
                let due = match self.ledger().may_destroy(key, terms, now) {
                    Ok(due) => due,
                    Err(objection) => return Ok(Err(objection)),
                };
                if deed {
                    keys.destroy(key)?;
                    let mut ledger = self.ledger();
                    ledger.destroyed(key, due, now);
                    ledger.save(now)?;
                }
            } else if let Err(objection) = self.ledger().may_be_gone(key, terms, now) {
                return Ok(Err(objection));
            }
            Ok(Ok(keys.claim()))
        })?;
        let claim = match claim {
            Ok(_) if !deed => return Ok(Reply::Due),
            Ok(claim) => claim,
            Err(Objection::Early(why)) => return Ok(Reply::Early { why }),
            Err(Objection::Stranger(why)) => return Err(why),
        };
        tracing::info!(key = %key, "identities destroyed");
        Ok(Reply::Destroyed {
            claim: claim.into(),
        })
    }
}

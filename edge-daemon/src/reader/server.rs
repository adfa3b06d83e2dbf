//! Task. The reader process: one thread per connection, one holder of the keys.
use std::{
    io::Write,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{id::BoxName, segment::KeyId, wire};

use super::{
    client::read_frame,
    keys::{Folders, KeyError, KeyStore, Pair},
    order,
    protocol::{Reply, Request},
    root::Wish,
    torn,
};
use crate::{
    identity::HubFacts,
    memory,
    state::{LayoutError, State},
};

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
    /// Held as long as the server lives.
    _lock: std::fs::File,
}

struct Reader {
    state: State,
    folders: Folders,
    this_box: BoxName,
    wish: Wish,
    /// None after a failure in the middle of a change: the files say what is true and are opened again. And while the TPM does not answer.
    keys: Mutex<Option<KeyStore>>,
}

/// Opens the keys, listens on its socket and answers for ever.
pub fn serve(state: &State, this_box: &BoxName, wish: &Wish) -> Result<(), ServeError> {
    Server::bind(state, this_box, wish)?.run()
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
    pub fn bind(state: &State, this_box: &BoxName, wish: &Wish) -> Result<Self, ServeError> {
        let io = |what, path: &Path| {
            let path = path.display().to_string();
            move |source| ServeError::Io { what, path, source }
        };
        let (folder, socket) = (state.reader(), state.reader_socket());
        state.for_reader()?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))
            .map_err(io("close to others", &folder))?;
        let lock = lock(state)?;
        let folders = Folders::of(state);
        let opened = || KeyStore::open(&folders, wish);
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
            state: state.clone(),
            folders,
            this_box: this_box.clone(),
            wish: wish.clone(),
            keys: Mutex::new(keys),
        };
        Ok(Self {
            listener,
            reader: Arc::new(reader),
            _lock: lock,
        })
    }

    pub fn run(self) -> Result<(), ServeError> {
        for stream in self.listener.incoming() {
            match stream {
                Ok(stream) => {
                    let reader = self.reader.clone();
                    std::thread::Builder::new()
                        .name("reader-call".into())
                        .spawn(move || reader.converse(stream))
                        .map_err(|source| ServeError::Io {
                            what: "start a thread for",
                            path: "a connection".into(),
                            source,
                        })?;
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

    /// Runs `f` on the keys, with whatever the recorder left taken in. A failure closes them: they are opened again from disk.
    fn with<T>(&self, f: impl FnOnce(&mut KeyStore) -> Result<T, KeyError>) -> Result<T, String> {
        let mut held = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = match held.take() {
            Some(keys) => keys,
            None => KeyStore::open(&self.folders, &self.wish).map_err(|e| e.to_string())?,
        };
        let done = keys.take_in().and_then(|_| f(&mut keys));
        if done.is_ok() {
            *held = Some(keys);
        }
        done.map_err(|e| e.to_string())
    }

    fn answer(&self, request: Request) -> Result<Reply, String> {
        let id = |key: &str| KeyId::parse(key).map_err(|e| e.to_string());
        match request {
            Request::Recipients { cams, from, days } => {
                if cams.len().saturating_mul(days as usize) > MOST {
                    return Err(format!(
                        "{} cameras for {days} days are more recipients than are made at once ({MOST})",
                        cams.len()
                    ));
                }
                let ids = cams.iter().flat_map(|cam| {
                    (0..days as i32).map(|d| KeyId::Day {
                        cam: cam.clone(),
                        day: from.plus_days(d),
                    })
                });
                Ok(Reply::Recipients {
                    recipients: self.with(|keys| keys.recipients(ids))?,
                })
            }
            Request::Recover { volume, file, key } => {
                let first = id(&key)?;
                let candidates = self.with(|keys| {
                    let others = keys.boot_keys(first.cam());
                    let ids = std::iter::once(first.clone())
                        .chain(others.into_iter().filter(|k| *k != first));
                    Ok(ids
                        .flat_map(|k| keys.pairs(&k).into_iter().map(move |p| (k.clone(), p)))
                        .collect::<Vec<_>>())
                })?;
                Ok(Reply::Recovered {
                    recovered: torn::recover(Path::new(&volume), &file, &candidates)?,
                })
            }
            Request::Rewrap {
                order,
                sig,
                path,
                key,
            } => {
                let hub = HubFacts::load(&self.state)
                    .map_err(|e| format!("no order of a hub can be checked: {e}"))?
                    .ok_or("no order of a hub can be checked: the box is not enrolled")?;
                let pull = order::check(&hub.order, &self.this_box, &order, &sig)?;
                let key = id(&key)?;
                let (name, open) = order::name_of(&path)?;
                if open {
                    return Err(format!("{path} is still being recorded"));
                }
                order::covers(&pull, &name, &key)?;
                let pairs: Vec<Pair> = self.with(|keys| Ok(keys.pairs(&key)))?;
                let (old, header) = torn::rewrap(Path::new(&path), &pairs, &pull)?;
                Ok(Reply::Rewrapped {
                    old,
                    header: STANDARD.encode(header),
                })
            }
            Request::Hold {
                volume,
                file,
                key,
                hold,
                sha256,
            } => {
                let (key, hold_key) = (id(&key)?, id(&hold)?);
                let KeyId::Hold { cam, hold } = &hold_key else {
                    return Err(format!("{hold_key} is not the key of a hold"));
                };
                if key.cam() != cam {
                    return Err(format!("{hold_key} is of another camera than {key}"));
                }
                let (pairs, to) = self.with(|keys| {
                    keys.recipients(std::iter::once(hold_key.clone()))?;
                    Ok((keys.pairs(&key), keys.pairs(&hold_key)))
                })?;
                let to = to.last().ok_or("no key could be made for the hold")?;
                torn::hold(Path::new(&volume), &file, &pairs, *hold, to, &sha256)?;
                Ok(Reply::Held)
            }
            Request::Destroy { key } => {
                let key = id(&key)?;
                let claim = self.with(|keys| keys.destroy(&key).map(|()| keys.claim()))?;
                tracing::info!(key = %key, "identities destroyed");
                Ok(Reply::Destroyed {
                    claim: claim.into(),
                })
            }
            Request::Undecryptable { path } => {
                let pairs = self.with(|keys| Ok(keys.all()))?;
                Ok(Reply::Undecryptable {
                    sure: torn::none_opens(Path::new(&path), &pairs)?,
                })
            }
            Request::Unknown => Err(
                "a question this version of the reader does not know; restart daemon and reader"
                    .into(),
            ),
        }
    }
}

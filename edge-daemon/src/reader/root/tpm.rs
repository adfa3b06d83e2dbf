//! Adapter: TPM 2.0. The root key in two NV indexes: the current one, and a staged one for the moment in which it is replaced.
//!
//! Both hold the same R except in between: a replacement is written over the staged index, then over the current one, each
//! in lasting memory before the TPM answers. After that no command gives the old R back. The indexes ([`words::ATTRIBUTES`]) are
//! defined once, with the owner's empty password, and then read and written with a random password of their own that lies
//! beside the identities: unattended start needs nobody, the reader's files alone open nothing, and other programs that may
//! use the TPM cannot read R. Not defended: R passes the TPM's bus in the clear (a probe on a running box sees it), and whoever
//! boots the real system gets R, as unattended start means (audit.md 2.13).
//!
//! Wear: each erase writes each index once. A box with 32 cameras destroys 32 keys a day: about 12,000 writes a year.
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{
    Root,
    words::{self, Answer, code},
};

/// In the range the registry of reserved handles (TCG, version 1.1, §2.2.2) leaves to owners.
pub const CURRENT: u32 = 0x01be_ad10;
pub const STAGED: u32 = 0x01be_ad11;
const SIZE: u16 = 32;

/// The password of the indexes.
pub type Auth = Box<Zeroizing<[u8; 32]>>;

/// A TPM takes at most seconds for what is asked here.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often one that says it is busy is asked again, and after what pause.
const ASKED: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum TpmError {
    #[error("cannot {what}: {source}")]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("what answers there is no TPM 2.0")]
    NoTpm,
    #[error("it refused to {what} ({})", words::in_words(*code))]
    Refused { what: &'static str, code: u32 },
    #[error(
        "NV index {0:#010x} is there already and is not this box's: it may hold the root key of an earlier installation. \
             If that is not needed any more, remove it with: tpm2_nvundefine {0:#010x}"
    )]
    Taken(u32),
    #[error(
        "its owner password is set, so no NV index can be defined: clear it with `tpm2_changeauth -c owner -p OLD` for the first start"
    )]
    Owned,
    #[error("NV index {0:#010x} is gone: the TPM was cleared, replaced, or the index removed")]
    Gone(u32),
}

/// The two indexes of one TPM.
pub struct TpmRoot {
    device: PathBuf,
    auth: Auth,
}

impl TpmRoot {
    pub fn new(device: &Path, auth: Auth) -> Self {
        Self {
            device: device.into(),
            auth,
        }
    }

    pub fn device(&self) -> &Path {
        &self.device
    }

    /// Makes sure that a TPM 2.0 answers at `device`, and that our indexes are free.
    pub fn probe(device: &Path) -> Result<(), TpmError> {
        let mut line = Line::open(device)?;
        let family = line.ask(&words::family())?;
        if family.code != 0 || !words::is_2_0(&family) {
            return Err(TpmError::NoTpm);
        }
        for index in [CURRENT, STAGED] {
            if about(&mut line, index)?.is_some() {
                return Err(TpmError::Taken(index));
            }
        }
        Ok(())
    }

    /// Defines what is not defined yet.
    pub fn prepare(&self) -> Result<(), TpmError> {
        let mut line = Line::open(&self.device)?;
        for index in [STAGED, CURRENT] {
            match about(&mut line, index)? {
                Some(public) if public == (words::ATTRIBUTES, SIZE) => {}
                Some(_) => return Err(TpmError::Taken(index)),
                None => {
                    let ask = words::define(index, self.auth.as_slice(), SIZE);
                    match line.ask(&ask)?.code {
                        0 => {}
                        code::AUTH_FAIL | code::BAD_AUTH => return Err(TpmError::Owned),
                        code => {
                            let what = "define an NV index";
                            return Err(TpmError::Refused { what, code });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    pub fn read(&self) -> Result<Option<Root>, TpmError> {
        self.get(&mut Line::open(&self.device)?, CURRENT)
    }

    /// A replacement that was begun.
    pub fn staged(&self) -> Result<Option<Root>, TpmError> {
        let mut line = Line::open(&self.device)?;
        let (current, staged) = (self.get(&mut line, CURRENT)?, self.get(&mut line, STAGED)?);
        Ok(staged.filter(|s| current.is_none_or(|c| c.as_slice() != s.as_slice())))
    }

    pub fn stage(&self, root: &Root) -> Result<(), TpmError> {
        self.put(&mut Line::open(&self.device)?, STAGED, root)
    }

    /// Writes a key over the current one.
    pub fn overwrite(&self, root: &Root) -> Result<(), TpmError> {
        self.put(&mut Line::open(&self.device)?, CURRENT, root)
    }

    /// Forgets a replacement that was begun.
    pub fn unstage(&self) -> Result<(), TpmError> {
        if self.staged()?.is_none() {
            return Ok(());
        }
        let mut line = Line::open(&self.device)?;
        let kept = self.get(&mut line, CURRENT)?;
        let kept = kept.unwrap_or_else(|| Box::new(Zeroizing::new([0; 32])));
        self.put(&mut line, STAGED, &kept)
    }

    /// None: never written, or zeros.
    fn get(&self, line: &mut Line, index: u32) -> Result<Option<Root>, TpmError> {
        let answer = line.ask(&words::read(index, self.auth.as_slice(), SIZE))?;
        let refused = |code| TpmError::Refused {
            what: "read the root key",
            code,
        };
        match answer.code {
            0 => {}
            code::NV_UNINITIALIZED => return Ok(None),
            code::HANDLE => return Err(TpmError::Gone(index)),
            code => return Err(refused(code)),
        }
        let data = words::data(&answer).filter(|d| d.len() == usize::from(SIZE));
        let data = data.ok_or(TpmError::NoTpm)?;
        let mut root: Root = Box::new(Zeroizing::new([0; 32]));
        root.copy_from_slice(data);
        Ok(root.iter().any(|b| *b != 0).then_some(root))
    }

    fn put(&self, line: &mut Line, index: u32, root: &Root) -> Result<(), TpmError> {
        let ask = words::write(index, self.auth.as_slice(), root.as_slice());
        match line.ask(&ask)?.code {
            0 => Ok(()),
            code::HANDLE => Err(TpmError::Gone(index)),
            code => Err(TpmError::Refused {
                what: "write the root key",
                code,
            }),
        }
    }
}

/// What an index is, if it is there.
fn about(line: &mut Line, index: u32) -> Result<Option<(u32, u16)>, TpmError> {
    let answer = line.ask(&words::read_public(index))?;
    match answer.code {
        0 => words::public(&answer).map(Some).ok_or(TpmError::NoTpm),
        code::HANDLE => Ok(None),
        code => Err(TpmError::Refused {
            what: "say what an NV index is",
            code,
        }),
    }
}

/// The way to a TPM: the kernel's device, or a socket that takes the same bytes (swtpm's).
enum Line {
    Device(File),
    Socket(UnixStream),
}

impl Line {
    fn open(device: &Path) -> Result<Self, TpmError> {
        let io = |source| TpmError::Io {
            what: "open it",
            source,
        };
        if device.metadata().map_err(io)?.file_type().is_socket() {
            let stream = UnixStream::connect(device).map_err(io)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
            stream.set_write_timeout(Some(PATIENCE)).map_err(io)?;
            return Ok(Self::Socket(stream));
        }
        let file = OpenOptions::new().read(true).write(true).open(device);
        Ok(Self::Device(file.map_err(io)?))
    }

    /// One command and its answer; a TPM that is busy is asked again.
    fn ask(&mut self, command: &[u8]) -> Result<Answer, TpmError> {
        let mut asked = 1;
        loop {
            let answer = self.once(command)?;
            if asked == ASKED || !code::WAIT.contains(&answer.code) {
                return Ok(answer);
            }
            asked += 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn once(&mut self, command: &[u8]) -> Result<Answer, TpmError> {
        let io = |what| move |source| TpmError::Io { what, source };
        let (reads, writes): (&mut dyn Read, &mut dyn Write) = match self {
            Self::Device(file) => (&mut file.try_clone().map_err(io("open it"))?, file),
            Self::Socket(stream) => (&mut stream.try_clone().map_err(io("open it"))?, stream),
        };
        // The device takes a command in one write, and gives its answer in one read.
        writes.write_all(command).map_err(io("write to it"))?;
        let mut bytes = Zeroizing::new(vec![0; 4096]);
        let mut got = 0;
        while words::answer_len(&bytes[..got]).is_none_or(|len| got < len.min(bytes.len())) {
            match reads.read(&mut bytes[got..]) {
                Ok(0) => return Err(TpmError::NoTpm),
                Ok(n) => got += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(io("read its answer")(e)),
            }
        }
        words::answer(&bytes[..got]).ok_or(TpmError::NoTpm)
    }
}

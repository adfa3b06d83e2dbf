//! Adapter: filesystem. A log at its start: begun, carried on after a stop or a crash, or closed and succeeded by another.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use nix::fcntl::{FallocateFlags, fallocate};
use shared::{
    note::SignedHead,
    plain,
    record::hex,
    time::Clock,
    tree::Frontier,
    types::{self, Data},
};

use super::{
    LogError, Settings, Writer, append_to, io_error,
    scan::{Found, scan},
};
use crate::{
    files::{LogFolder, lines_file, named, numbers, sync_dir, write_whole},
    handle::OpenedLog,
    keys::Keys,
    point::{Point, SkippedLines},
};

/// Space set aside so that the log can be written when the disk is full.
const RESERVE_BYTES: i64 = 64 << 20;

impl Writer {
    pub fn open(
        state: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OpenedLog), LogError> {
        let root = state.join("log");
        if let Some(named) = named(state).map_err(io_error("read", &root))?
            && named.base != settings.base
        {
            return Err(LogError::OtherName {
                folder: named.folder.display().to_string(),
                was: named.base,
                is: settings.base,
            });
        }
        fs::create_dir_all(&root).map_err(io_error("make", &root))?;
        reserve(&root);
        let newest = numbers(&root).map_err(io_error("list", &root))?.pop();
        let (mut writer, opened) = match newest {
            None => Self::begin(root, 1, settings, clock, None)?,
            Some(number) => match Self::resume(&root, number, &settings, &clock)? {
                Ok(done) => done,
                Err(why) => {
                    // Not repaired: the old log is closed as it stands and a successor cites the last head the hub saw.
                    tracing::error!(
                        number,
                        why,
                        "log cannot be carried on; opening its successor"
                    );
                    let before = Before {
                        pred: countersigned(&root.join(number.to_string())),
                        whole: None,
                        reason: why,
                        by: "sys:log",
                    };
                    Self::begin(root, number + 1, settings, clock, Some(before))?
                }
            },
        };
        writer.sign()?;
        Ok((writer, opened))
    }

    /// Starts log `number` with `log.open` and `sys.boot`.
    pub(super) fn begin(
        root: PathBuf,
        number: u64,
        settings: Settings,
        clock: Arc<dyn Clock>,
        before: Option<Before>,
    ) -> Result<(Self, OpenedLog), LogError> {
        let folder = root.join(number.to_string());
        let origin = format!("{}/{number}", settings.base);
        fs::create_dir_all(folder.join("heads")).map_err(io_error("make", &folder))?;
        let boot = next_boot(&root, 0)?;
        let keys =
            Keys::make(&root.join("keys"), &origin).map_err(io_error("make keys in", &root))?;
        let path = lines_file(&folder, 0);
        let file = append_to(&path).map_err(io_error("make", &path))?;
        sync_dir(&folder)
            .and_then(|()| sync_dir(&root))
            .map_err(io_error("sync", &folder))?;
        let now = clock.now();
        let mut writer = Self {
            clock,
            root,
            folder,
            origin: origin.clone(),
            named: (0, keys.vkey(), now.wall),
            keys,
            key_since: now.wall,
            boot,
            head_due: false,
            file,
            file_start: 0,
            file_bytes: 0,
            frontier: Frontier::default(),
            prev: [0; 32],
            last: None,
            unsynced: false,
            signed: Frontier::default(),
            signed_at: (0, 0),
            signed_mono: now.mono,
            head: None,
            kept: 0,
            cosigned: None,
            acked: 0,
            roots: BTreeMap::new(),
            point: None,
            stopped: None,
            settings,
        };
        let succeeded = before.as_ref().map(|b| b.reason.clone());
        let s = &writer.settings;
        let open = types::LogOpen {
            key: writer.keys.vkey().to_string(),
            site: s.site.clone(),
            hw: s.hw.clone(),
            sw: s.sw.clone(),
            by: before.iter().map(|b| b.by.to_owned()).collect(),
            whole: before.as_ref().and_then(|b| b.whole),
            reason: before.as_ref().map(|b| plain::plain(&b.reason, 1000)),
            pred: before.and_then(|b| b.pred),
        };
        let sw = s.sw.clone();
        let line = writer.line("sys:log", &open)?;
        writer.named = (line.n, writer.keys.vkey(), line.t);
        let why = if succeeded.is_some() {
            "restore"
        } else {
            "start"
        };
        writer.line(
            "sys:log",
            &types::SysBoot {
                why: why.into(),
                last_n: -1,
                sw,
            },
        )?;
        writer.sync()?;
        let opened = OpenedLog {
            origin,
            number,
            boot,
            size: 0,
            last: None,
            torn: 0,
            succeeded,
            skipped: None,
        };
        Ok((writer, opened))
    }

    /// Carries on log `number`. `Ok(Err(why))` when it must not be: shorter than or different from its own newest head.
    #[allow(clippy::type_complexity)]
    fn resume(
        root: &Path,
        number: u64,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Result<(Self, OpenedLog), String>, LogError> {
        let folder = root.join(number.to_string());
        let origin = format!("{}/{number}", settings.base);
        let heads = LogFolder::new(&folder);
        let head = match heads.head("head.note") {
            Ok(h) => h,
            Err(e) => return Ok(Err(format!("its newest head cannot be read: {e}"))),
        };
        let cosigned = match heads.head("cosigned.note") {
            Ok(h) => h,
            Err(e) => {
                return Ok(Err(format!(
                    "its newest countersigned head cannot be read: {e}"
                )));
            }
        };
        let foreign = |h: &&SignedHead| h.head.origin != origin;
        if let Some(other) = head.as_ref().or(cosigned.as_ref()).filter(foreign) {
            return Ok(Err(format!(
                "its newest head is that of {}: lines of two logs lie in one folder",
                other.head.origin
            )));
        }
        let signed_size = head.as_ref().map_or(0, |h| h.head.size);
        let signed = |found: &Found| {
            let root = |h: &SignedHead| found.signed.root() == h.head.root;
            found.signed.size() == signed_size && head.as_ref().is_none_or(root)
        };
        let point = settings
            .resume
            .then(|| Point::read(&folder))
            .flatten()
            .filter(|p| p.start() <= signed_size);
        let mut skipped = None;
        let mut found = Err(String::new());
        if let Some(point) = point {
            found = scan(&folder, &origin, signed_size, Some(&point))?;
            skipped = Some(point).filter(|_| found.as_ref().is_ok_and(signed));
        }
        if skipped.is_none() {
            found = scan(&folder, &origin, signed_size, None)?;
        }
        let mut found = match found {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        found.set_aside(&folder)?;
        if let Some(h) = &head {
            if found.signed.size() != h.head.size {
                return Ok(Err(format!(
                    "it has {} lines where its newest head signs {}",
                    found.frontier.size(),
                    h.head.size
                )));
            }
            if found.signed.root() != h.head.root {
                return Ok(Err(format!(
                    "its first {} lines are not those its newest head signed",
                    h.head.size
                )));
            }
        }
        if let Some(c) = &cosigned
            && c.head.size > found.frontier.size()
        {
            return Ok(Err(format!(
                "it has {} lines where the hub countersigned {}",
                found.frontier.size(),
                c.head.size
            )));
        }
        let Some((key_line, in_force, key_since)) = found.in_force.clone() else {
            if !heads
                .head_sizes()
                .map_err(io_error("list", &folder))?
                .is_empty()
            {
                return Ok(Err(
                    "its first lines cannot be read, though heads of it were signed".into(),
                ));
            }
            // No whole log.open line was ever written: nothing is lost by starting this log over.
            fs::remove_dir_all(&folder).map_err(io_error("clear", &folder))?;
            return Self::begin(
                root.to_owned(),
                number,
                settings.clone(),
                clock.clone(),
                None,
            )
            .map(Ok);
        };
        let Some(keys) = Keys::open(&root.join("keys"), &origin, &in_force)
            .map_err(io_error("open keys in", root))?
        else {
            return Ok(Err(
                "its key is not on this disk (a restored or copied disk)".into(),
            ));
        };
        let last = found.last.clone();
        let boot = next_boot(root, last.as_ref().map_or(0, |r| r.boot))?;
        let path = lines_file(&folder, found.file_start);
        let file = append_to(&path).map_err(io_error("open", &path))?;
        let now = clock.now();
        let mut roots = BTreeMap::new();
        // Older ones are countersigned: nothing more will come for them.
        let countersigned = cosigned.as_ref().map_or(0, |c| c.head.size);
        let mut kept = heads.head_sizes().map_err(io_error("list", &folder))?;
        let newest_kept = kept.last().copied().unwrap_or(0);
        kept.retain(|size| *size > countersigned);
        for size in kept {
            if let Ok(Some(h)) = heads.head(&format!("heads/{size}.note")) {
                roots.insert(size, h.head.root);
            }
        }
        if let Some(h) = &head {
            roots.insert(h.head.size, h.head.root);
        }
        let size = found.frontier.size();
        let mut writer = Self {
            settings: settings.clone(),
            clock: clock.clone(),
            root: root.to_owned(),
            folder: folder.clone(),
            origin: origin.clone(),
            keys,
            key_since,
            named: (key_line, in_force, key_since),
            boot,
            head_due: false,
            file,
            file_start: found.file_start,
            file_bytes: found.file_bytes,
            frontier: found.frontier,
            prev: found.prev,
            last: None,
            unsynced: false,
            signed: found.signed,
            signed_at: found.signed_at,
            signed_mono: now.mono,
            head,
            kept: newest_kept,
            cosigned,
            acked: found.acked,
            roots,
            // The one it began from is on the disk already.
            point: found.point.filter(|p| skipped.as_ref() != Some(p)),
            stopped: None,
        };
        if writer.keys.rolling() {
            // Cut between the key.roll line and the old key's last head.
            if writer.frontier.size() != key_line + 1 {
                return Ok(Err(
                    "lines follow a key change that was never finished".into()
                ));
            }
            writer.sign_roll()?;
        }
        let why = match &last {
            Some(r) if r.kind == types::SysStop::KIND => "start",
            _ => "crash",
        };
        let sw = writer.settings.sw.clone();
        writer.line(
            "sys:log",
            &types::SysBoot {
                why: why.into(),
                last_n: size as i64 - 1,
                sw,
            },
        )?;
        if let Some((bytes, digest)) = found.torn {
            writer.line(
                "sys:log",
                &types::LogTorn {
                    bytes,
                    sha256: hex(&digest),
                },
            )?;
        }
        if let (Some(before), Some(now)) = (&last, writer.last)
            && now.wall < before.t
        {
            let delta_ms = now.wall.0 - before.t.0;
            writer.line(
                "sys:log",
                &types::ClockStep {
                    delta_ms,
                    src: "start".into(),
                },
            )?;
        }
        writer.sync()?;
        let opened = OpenedLog {
            origin,
            number,
            boot,
            size,
            last: last.map(|l| l.t),
            torn: found.torn.map_or(0, |t| t.0),
            succeeded: None,
            skipped: skipped.map(|point| SkippedLines { folder, point }),
        };
        Ok(Ok((writer, opened)))
    }
}

/// The log before a successor, and why that one was begun.
pub(super) struct Before {
    pub(super) pred: Option<types::Pred>,
    pub(super) whole: Option<u64>,
    pub(super) reason: String,
    pub(super) by: &'static str,
}

/// The newest head of a log that the hub countersigned.
pub(super) fn countersigned(folder: &Path) -> Option<types::Pred> {
    let head = LogFolder::new(folder).head("cosigned.note").ok()??.head;
    Some(types::Pred {
        root: B64.encode(head.root),
        size: head.size,
        log: head.origin,
    })
}

/// Adds one to the start counter, whichever of file and log is further on, and keeps it.
pub(super) fn next_boot(root: &Path, in_log: u64) -> Result<u64, LogError> {
    let path = root.join("boot");
    let kept = fs::read_to_string(&path)
        .ok()
        .and_then(|t| t.trim().parse::<u64>().ok())
        .unwrap_or(0);
    let boot = kept.max(in_log) + 1;
    write_whole(&path, format!("{boot}\n").as_bytes(), false).map_err(io_error("write", &path))?;
    Ok(boot)
}

/// Sets space aside; does without when the disk has none to spare.
pub(super) fn reserve(root: &Path) {
    let path = root.join("reserve");
    if path.exists() {
        return;
    }
    if let Ok(file) = File::create(&path)
        && fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES).is_err()
    {
        let _ = fs::remove_file(&path);
    }
}

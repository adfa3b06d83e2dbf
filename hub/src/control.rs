//! Task. The socket the commands talk to: `run/hub.sock`, one JSON line each way at a time. Root and the hub's own user only.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, ExhibitRef, HoldId},
    time::{Day, Utc},
    types::{BoxRevoke, LogRead},
    wire::{MaskInfo, close},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    task::JoinSet,
};

use crate::{
    board::{Board, BoxRow, ExhibitRow, Footage, HoldRow, LiftRow, Refusal, plain},
    desk::{Desk, blocking},
    devices::enrol,
    disposal::{acts::Given, door},
    ownlog::CONSOLE,
    requests::{
        Progress, holds, mask, rate, review,
        rules::{Asked, State},
        save, submit, succession, sweep,
    },
    retention::report::Report,
};

/// What a command asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    BoxAdd {
        name: BoxName,
    },
    BoxList,
    BoxRevoke {
        name: BoxName,
        why: String,
    },
    Footage {
        camera: BoxCameraText,
        day: Option<Day>,
    },
    /// Of all boxes, or one.
    Retention {
        only: Option<BoxName>,
    },
    /// A box's clock is right, and all that is past its day may go.
    SweepConfirm {
        name: BoxName,
        reason: String,
        who: SignIn,
    },
    /// Two people have a box begin the successor of its log.
    LogSucceed {
        name: BoxName,
        reason: String,
        who: SignIn,
        second: SignIn,
    },
    ClipPull {
        camera: BoxCameraText,
        from: Utc,
        to: Utc,
        purpose: String,
        reference: String,
        requester: String,
        /// How long the exhibit is kept.
        #[serde(default)]
        class: Given,
    },
    /// About exhibits that are here: how long they are kept, and their disposal.
    Evidence {
        act: door::Act,
    },
    /// Follows a request to its end.
    ClipWatch {
        exhibit: ExhibitRef,
    },
    ClipList,
    /// May the package be saved in plain? None: the console asks.
    ClipSave {
        exhibit: ExhibitRef,
        purpose: String,
        reference: String,
        who: Option<SignIn>,
    },
    /// Real time for a camera in time-lapse; 0 minutes end it.
    RateOrder {
        camera: BoxCameraText,
        minutes: u32,
        reason: String,
    },
    /// Asks that a mask be lifted.
    MaskLift {
        camera: BoxCameraText,
        wanted: mask::Wanted,
        who: SignIn,
    },
    /// The second person's word.
    MaskApprove {
        request: u64,
        who: SignIn,
    },
    MaskWithdraw {
        request: u64,
        who: SignIn,
    },
    /// Requests that wait for a second person.
    MaskList,
    MaskEnd {
        camera: BoxCameraText,
        reason: String,
        who: SignIn,
    },
    /// The mask in force was looked at in an exhibit, and stays.
    MaskReview {
        camera: BoxCameraText,
        exhibit: ExhibitRef,
        next: Day,
        who: SignIn,
    },
    /// Every camera's mask, and its review.
    MaskReviews,
    /// `file`: TOML, the keys of `[camera.mask]`.
    MaskSet {
        camera: BoxCameraText,
        file: String,
        who: SignIn,
    },
    MaskShow {
        camera: BoxCameraText,
    },
    /// Footage is to be kept beyond its day; answered when its box has, or after a moment.
    HoldAdd {
        camera: BoxCameraText,
        wanted: holds::acts::Wanted,
        who: SignIn,
    },
    HoldList {
        name: Option<BoxName>,
        all: bool,
    },
    HoldShow {
        hold: HoldId,
    },
    HoldExtend {
        hold: HoldId,
        until: Utc,
        review: Option<Day>,
        reason: String,
        who: SignIn,
    },
    /// Asks that it be released before its time.
    HoldRelease {
        hold: HoldId,
        reason: String,
        who: SignIn,
    },
    /// The second person's word.
    HoldApprove {
        hold: HoldId,
        who: SignIn,
    },
    /// Permission to read a log: logged as `log.read`; the answer is its folder.
    LogRead {
        log: String,
    },
    StaffAdd {
        name: String,
        role: String,
        password: String,
    },
}

/// A staff account, for what a person must answer for.
#[derive(Serialize, Deserialize)]
pub struct SignIn {
    pub name: String,
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [password]", self.name)
    }
}

/// `BOX/CAM` as text on the wire.
pub type BoxCameraText = String;

/// What comes back: lines until `Done` or `Failed`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Told {
    Code(enrol::Codes),
    Boxes {
        boxes: Vec<BoxRow>,
    },
    Footage {
        footage: Footage,
    },
    Retention {
        report: Report,
    },
    Exhibits {
        exhibits: Vec<ExhibitRow>,
    },
    Submitted {
        exhibit: ExhibitRef,
    },
    Progress {
        progress: Progress,
    },
    /// It is on record; the command opens the package itself.
    MaySave {
        package: PathBuf,
        sums: String,
        short: bool,
    },
    Folder {
        folder: PathBuf,
        origin: String,
    },
    Staff {
        op: u32,
    },
    RateSet {
        until: Utc,
    },
    Lift {
        lift: LiftRow,
    },
    Lifts {
        lifts: Vec<LiftRow>,
    },
    Mask {
        mask: Option<MaskInfo>,
        reviewed: Option<review::ReviewRow>,
    },
    MaskReviewed {
        review: review::ReviewRow,
    },
    Masks {
        masks: Vec<review::MaskRow>,
    },
    /// Lifted until then.
    Lifted {
        until: Utc,
    },
    MaskSet {
        mask: String,
    },
    Hold {
        hold: Box<HoldRow>,
    },
    Holds {
        holds: Vec<HoldRow>,
    },
    Evidence {
        answer: Box<door::Answer>,
    },
    Done,
    Failed {
        why: String,
    },
}

pub fn socket(state: &Path) -> PathBuf {
    state.join("run").join("hub.sock")
}

/// Opens the socket. A socket left behind by a killed hub is replaced: the lock on the state folder says we are the only one.
pub fn bind(state: &Path) -> std::io::Result<UnixListener> {
    let path = socket(state);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub async fn run(desk: Arc<Desk>, listener: UnixListener) {
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            came = listener.accept() => match came {
                Ok((stream, _)) => {
                    let desk = desk.clone();
                    talks.spawn(async move {
                        if let Err(e) = talk(desk, stream).await {
                            tracing::debug!("a command went away: {e}");
                        }
                    });
                }
                Err(e) => {
                    tracing::warn!("the command socket: {e}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            },
            Some(_) = talks.join_next(), if !talks.is_empty() => {}
        }
    }
}

struct Out(OwnedWriteHalf);

impl Out {
    async fn tell(&mut self, told: &Told) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(told)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }
}

async fn talk(desk: Arc<Desk>, stream: UnixStream) -> std::io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (read, write) = stream.into_split();
    let mut out = Out(write);
    if uid != 0 && uid != nix::unistd::geteuid().as_raw() {
        return out
            .tell(&Told::Failed {
                why: "only root and the hub's own user may give the hub commands".into(),
            })
            .await;
    }
    let mut line = String::new();
    BufReader::new(read.take(1 << 16))
        .read_line(&mut line)
        .await?;
    let told = match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => answer(&desk, ask, &mut out).await?,
        Err(e) => Err(Refusal(format!(
            "the command was not understood (is the program newer than the hub that runs?): {e}"
        ))),
    };
    match told {
        Ok(()) => out.tell(&Told::Done).await,
        Err(e) => out.tell(&Told::Failed { why: e.to_string() }).await,
    }
}

async fn answer(desk: &Arc<Desk>, ask: Ask, out: &mut Out) -> std::io::Result<Result<(), Refusal>> {
    if let Ask::ClipWatch { exhibit } = &ask {
        return watch(desk, exhibit.as_str(), out).await;
    }
    if let Ask::RateOrder {
        camera,
        minutes,
        reason,
    } = &ask
    {
        let ordered = match BoxCamera::parse(camera).map_err(plain) {
            Ok(camera) => rate::order(desk, &camera, *minutes, reason, CONSOLE).await,
            Err(e) => Err(e),
        };
        return Ok(match ordered {
            Ok(until) => {
                out.tell(&Told::RateSet { until }).await?;
                Ok(())
            }
            Err(e) => Err(e),
        });
    }
    let ask = match ordered(desk, ask).await {
        Ok(told) => {
            return Ok(match told {
                Ok(told) => {
                    if let Some(told) = told {
                        out.tell(&told).await?;
                    }
                    Ok(())
                }
                Err(e) => Err(e),
            });
        }
        Err(ask) => ask,
    };
    let d = desk.clone();
    let told = blocking(move || act(&d, ask))
        .await
        .unwrap_or_else(|e| Err(plain(e)));
    Ok(match told {
        Ok(told) => {
            if let Some(told) = told {
                out.tell(&told).await?;
            }
            Ok(())
        }
        Err(e) => Err(e),
    })
}

/// How long a command about a hold waits for the box.
const HOLD_WAITS: Duration = Duration::from_secs(10);

/// An act about a hold, and what its box says to it, if that is on the line.
async fn held(
    desk: &Arc<Desk>,
    act: impl FnOnce(&Desk) -> Result<HoldRow, Refusal> + Send + 'static,
) -> Result<Option<Told>, Refusal> {
    let d = desk.clone();
    let mut row = blocking(move || act(&d)).await.map_err(plain)??;
    if row.online {
        let id = row.hold;
        holds::settled(desk, id, HOLD_WAITS).await?;
        let d = desk.clone();
        row = blocking(move || holds::shown::one(&d, id))
            .await
            .map_err(plain)??;
    }
    Ok(Some(Told::Hold {
        hold: Box::new(row),
    }))
}

/// Orders about masks and holds, which wait for their box's answer; what else was asked comes back.
async fn ordered(desk: &Arc<Desk>, ask: Ask) -> Result<Result<Option<Told>, Refusal>, Ask> {
    let enter = async |who: SignIn| {
        let d = desk.clone();
        blocking(move || d.sign_in(&who.name, &who.password, None))
            .await
            .map_err(plain)?
    };
    let camera = |text: &str| BoxCamera::parse(text).map_err(plain);
    Ok(match ask {
        Ask::SweepConfirm { name, reason, who } => match enter(who).await {
            Ok(who) => sweep::confirm(desk, &name, &reason, &who)
                .await
                .map(|()| None),
            Err(e) => Err(e),
        },
        Ask::LogSucceed {
            name,
            reason,
            who,
            second,
        } => match (enter(who).await, enter(second).await) {
            (Ok(who), Ok(second)) => succession::order(desk, &name, &reason, &who, &second)
                .await
                .map(|()| None),
            (Err(e), _) | (_, Err(e)) => Err(e),
        },
        Ask::MaskApprove { request, who } => match enter(who).await {
            Ok(who) => mask::approve(desk, request, &who)
                .await
                .map(|until| Some(Told::Lifted { until })),
            Err(e) => Err(e),
        },
        Ask::MaskEnd {
            camera: c,
            reason,
            who,
        } => match (enter(who).await, camera(&c)) {
            (Ok(who), Ok(c)) => mask::end(desk, &c, &reason, &who).await.map(|()| None),
            (Err(e), _) | (_, Err(e)) => Err(e),
        },
        Ask::MaskReview {
            camera: c,
            exhibit,
            next,
            who,
        } => match (enter(who).await, camera(&c)) {
            (Ok(who), Ok(c)) => review::review(desk, &c, &exhibit, next, &who)
                .await
                .map(|review| Some(Told::MaskReviewed { review })),
            (Err(e), _) | (_, Err(e)) => Err(e),
        },
        Ask::MaskSet {
            camera: c,
            file,
            who,
        } => match (enter(who).await, camera(&c)) {
            (Ok(who), Ok(c)) => mask::set(desk, &c, &file, &who)
                .await
                .map(|mask| Some(Told::MaskSet { mask })),
            (Err(e), _) | (_, Err(e)) => Err(e),
        },
        Ask::HoldAdd {
            camera: c,
            wanted,
            who,
        } => match (enter(who).await, camera(&c)) {
            (Ok(who), Ok(c)) => held(desk, move |d| holds::acts::add(d, &c, &wanted, &who)).await,
            (Err(e), _) | (_, Err(e)) => Err(e),
        },
        Ask::HoldExtend {
            hold,
            until,
            review,
            reason,
            who,
        } => match enter(who).await {
            Ok(who) => {
                held(desk, move |d| {
                    holds::acts::extend(d, hold, until, review, &reason, &who)
                })
                .await
            }
            Err(e) => Err(e),
        },
        other => return Err(other),
    })
}

/// Blocking.
fn act(desk: &Desk, ask: Ask) -> Result<Option<Told>, Refusal> {
    Ok(match ask {
        Ask::BoxAdd { name } => Some(Told::Code(enrol::add(desk, &name, CONSOLE)?)),
        Ask::BoxList => Some(Told::Boxes {
            boxes: desk.boxes()?,
        }),
        Ask::BoxRevoke { name, why } => {
            if desk.db.box_named(&name).map_err(plain)?.is_none() {
                return Err(Refusal(format!(
                    "there is no box {name}; `beadle-hub box list` shows them"
                )));
            }
            // Free text stays out of the log; the sentence itself is kept in the box's record.
            let hash = submit::keep_salted(desk, &why)?;
            desk.log
                .append(
                    CONSOLE,
                    &BoxRevoke {
                        r#box: name.to_string(),
                        why: hash,
                        by: vec![CONSOLE.into()],
                    },
                )
                .map_err(plain)?;
            desk.db.revoke_box(&name, &why).map_err(plain)?;
            let closed = crate::devices::registry::revoked(name.as_str(), Some(&why));
            desk.live.cut(&name, close::REVOKED, &closed.why);
            None
        }
        Ask::Footage { camera, day } => {
            let camera = BoxCamera::parse(&camera).map_err(plain)?;
            Some(Told::Footage {
                footage: desk.footage_of(&camera, day)?,
            })
        }
        Ask::Retention { only } => Some(Told::Retention {
            report: desk.retention(only.as_ref())?,
        }),
        Ask::ClipPull {
            camera,
            from,
            to,
            purpose,
            reference,
            requester,
            class,
        } => {
            let camera = BoxCamera::parse(&camera).map_err(plain)?;
            let asked = Asked {
                camera,
                t0: from,
                t1: to,
                purpose,
                reference,
                requester,
            };
            Some(Told::Submitted {
                exhibit: submit::submit_as(desk, &asked, &class, CONSOLE)?,
            })
        }
        Ask::Evidence { act } => Some(Told::Evidence {
            answer: Box::new(door::act(desk, act)?),
        }),
        Ask::ClipList => Some(Told::Exhibits {
            exhibits: desk.all_exhibits()?,
        }),
        Ask::ClipSave {
            exhibit,
            purpose,
            reference,
            who,
        } => {
            let who = who
                .map(|w| desk.sign_in(&w.name, &w.password, None))
                .transpose()?;
            let granted = save::grant(desk, &exhibit, &purpose, &reference, who.as_ref())?;
            Some(Told::MaySave {
                package: granted.package,
                sums: granted.sums,
                short: granted.short,
            })
        }
        Ask::LogRead { log } => Some(read_log(desk, &log)?),
        Ask::StaffAdd {
            name,
            role,
            password,
        } => Some(Told::Staff {
            op: crate::commands::staff::add(&desk.db, &desk.log, CONSOLE, &name, &role, &password)?,
        }),
        Ask::MaskLift {
            camera,
            wanted,
            who,
        } => {
            let who = desk.sign_in(&who.name, &who.password, None)?;
            let camera = BoxCamera::parse(&camera).map_err(plain)?;
            Some(Told::Lift {
                lift: mask::ask(desk, &camera, &wanted, &who)?,
            })
        }
        Ask::MaskWithdraw { request, who } => {
            let who = desk.sign_in(&who.name, &who.password, None)?;
            mask::withdraw(desk, request, &who)?;
            None
        }
        Ask::MaskList => Some(Told::Lifts {
            lifts: mask::pending(desk)?,
        }),
        Ask::MaskShow { camera } => {
            let camera = BoxCamera::parse(&camera).map_err(plain)?;
            Some(Told::Mask {
                mask: mask::in_force(desk, &camera)?,
                reviewed: review::last(desk, &camera)?,
            })
        }
        Ask::MaskReviews => Some(Told::Masks {
            masks: review::all(desk)?,
        }),
        Ask::HoldList { name, all } => Some(Told::Holds {
            holds: holds::shown::list(desk, name.as_ref(), all)?,
        }),
        Ask::HoldShow { hold } => Some(told(holds::shown::one(desk, hold)?)),
        Ask::HoldRelease { hold, reason, who } => {
            let who = desk.sign_in(&who.name, &who.password, None)?;
            Some(told(holds::acts::release(desk, hold, &reason, &who)?))
        }
        Ask::HoldApprove { hold, who } => {
            let who = desk.sign_in(&who.name, &who.password, None)?;
            Some(told(holds::acts::approve(desk, hold, &who)?))
        }
        // Answered before this.
        Ask::ClipWatch { .. }
        | Ask::RateOrder { .. }
        | Ask::SweepConfirm { .. }
        | Ask::LogSucceed { .. }
        | Ask::MaskApprove { .. }
        | Ask::MaskEnd { .. }
        | Ask::MaskSet { .. }
        | Ask::MaskReview { .. }
        | Ask::HoldAdd { .. }
        | Ask::HoldExtend { .. } => None,
    })
}

fn told(hold: HoldRow) -> Told {
    Told::Hold {
        hold: Box::new(hold),
    }
}

/// `hub`, a box's name (its newest log), or a log's full name.
fn read_log(desk: &Desk, log: &str) -> Result<Told, Refusal> {
    let (origin, folder, size) = if log == "hub" || log == desk.log.origin() {
        (
            desk.log.origin().to_owned(),
            desk.log.folder(),
            desk.log.handle().size(),
        )
    } else {
        let by_name = BoxName::parse(log)
            .ok()
            .map(|n| desk.db.newest_log(&n))
            .transpose()
            .map_err(plain)?
            .flatten();
        let found = match by_name {
            Some(l) => Some(l),
            None => desk.db.log(log).map_err(plain)?,
        };
        let l = found.ok_or_else(|| {
            Refusal(format!(
                "no log {log} is held here; say `hub`, a box's name, or a log's full name"
            ))
        })?;
        let folder = desk
            .logs
            .folder_of(&l.origin)
            .ok_or_else(|| Refusal(format!("{} is not a log's name", l.origin)))?;
        (l.origin, folder, l.size)
    };
    let line = LogRead {
        log: origin.clone(),
        from: 0,
        to: size,
        op: CONSOLE.into(),
    };
    desk.log.append(CONSOLE, &line).map_err(plain)?;
    if origin == desk.log.origin() {
        // The reading itself is in what is handed out, under a countersigned head.
        desk.log.head_now().map_err(plain)?;
    }
    Ok(Told::Folder { folder, origin })
}

async fn watch(
    desk: &Arc<Desk>,
    exhibit: &str,
    out: &mut Out,
) -> std::io::Result<Result<(), Refusal>> {
    let mut news = desk.pulls.listen();
    let now = async || {
        let (d, e) = (desk.clone(), exhibit.to_owned());
        let row = blocking(move || d.db.request(&e))
            .await
            .map_err(plain)?
            .map_err(plain)?;
        let row = row.ok_or_else(|| Refusal(format!("there is no request {exhibit}")))?;
        let last = desk.pulls.last(exhibit).map_or((0, 0, 0, 0), |p| {
            (p.bytes, p.total, p.segments_done, p.segments)
        });
        let progress = Progress {
            r#ref: exhibit.into(),
            state: row.state.as_str().into(),
            why: row.why,
            bytes: last.0,
            total: last.1,
            segments_done: last.2,
            segments: last.3,
            package: row.package,
        };
        Ok::<_, Refusal>((progress, row.state))
    };
    let mut state = match now().await {
        Ok((progress, state)) => {
            out.tell(&Told::Progress { progress }).await?;
            state
        }
        Err(e) => return Ok(Err(e)),
    };
    while !state.over() {
        match tokio::time::timeout(Duration::from_secs(5), news.recv()).await {
            Ok(Ok(progress)) if progress.r#ref == exhibit => {
                state = State::parse(&progress.state).unwrap_or(state);
                out.tell(&Told::Progress { progress }).await?;
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => match now().await {
                // Missed some news, or none came: the record says where it stands, and that we are still here.
                Ok((progress, s)) => {
                    state = s;
                    out.tell(&Told::Progress { progress }).await?;
                }
                Err(e) => return Ok(Err(e)),
            },
        }
    }
    Ok(Ok(()))
}

//! Pure. The `data` of every line type, in the key order the log writes (audit.md 2.2).
//!
//! A type implements [`Data`]; `KIND` is the line's `type`. Optional values are written as `null`, never left out.
//! `Option` without a note means "null when not known". Hashes are lower hex strings, base64 is standard with padding.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CameraId, HoldId},
    time::{Day, Utc},
};

/// The data of one line type.
pub trait Data: Serialize {
    const KIND: &'static str;
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$fd:meta])* $field:ident : $ty:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub struct $name { $($(#[$fd])* pub $field: $ty),* }
            impl Data for $name { const KIND: &'static str = $kind; }
        )*
        /// Every type this version writes or understands; any other is noted as UNKNOWN-TYPE.
        pub const KNOWN: &[&str] = &[$($kind),*];
    };
}

/// Head of the log a successor follows on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pred {
    pub log: String,
    pub size: u64,
    /// base64
    pub root: String,
}

lines! {
    /// Of a successor also `reason`, and, where somebody closed the log before it on purpose, `whole`: how many lines of that one, from
    /// its first on, bear its name and follow one on another.
    LogOpen = "log.open" { key: String, site: String, hw: String, sw: String, pred: Option<Pred>, by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] whole: Option<u64> }
    LogClose = "log.close" { reason: String, by: Vec<String> }
    KeyRoll = "key.roll" { new: String }
    /// Hub log: the P-256 key that seals packages.
    KeySeal = "key.seal" { spki: String }
    /// Box log: the hub's countersignature, as on the note's signature line.
    HeadAck = "head.ack" { size: u64, root: String, hub: String, time: u64, sig: String }
    /// Hub log: a box head it countersigned (hourly).
    HeadSeen = "head.seen" { log: String, size: u64, root: String }
    Beat = "beat" { free_mib: u64, cams: u64, temp_c: Option<i64> }
    /// `why`: start, crash, stall, update, restore.
    SysBoot = "sys.boot" { why: String, last_n: i64, sw: String }
    SysStop = "sys.stop" { why: String }
    SysUpdate = "sys.update" { from: String, to: String, sha256: String }
    LogTorn = "log.torn" { bytes: u64, sha256: String }
    /// `trust`: synced, holdover, unknown.
    ClockState = "clock.state" { src: String, stratum: i64, offset_us: i64, err_us: i64, trust: String }
    ClockStep = "clock.step" { delta_ms: i64, src: String }
    /// `by`: direct, relay; `repairs`: what the relay mends, by code; `cert`: SHA-256 of an `rtsps://` camera's certificate.
    CamSession = "cam.session" { cam: CameraId, codec: String, w: u64, h: u64, fps_milli: u64, serial: Option<String>, offset_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")] by: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")] repairs: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] cert: Option<String> }
    /// The certificate of an `rtsps://` camera that is taken for its own from here on (SHA-256), and the one it takes the place of, which
    /// somebody decided; `before` null: the log names none before it.
    CamAccept = "cam.accept" { cam: CameraId, cert: String, before: Option<String> }
    /// What a camera is called and where its box stands, for the segments from here on: before the first of a log, and where either has
    /// changed.
    CamSet = "cam.set" { cam: CameraId, title: String, site: String }
    /// `how`: none, burned, proved, lifted. `sha256` is of the plaintext file; `t1` is the end of the last frame.
    /// `rate`: only of a camera with two rates: realtime, timelapse-N (a key frame every N seconds).
    /// `day`: the local day it was recorded under, that of its folder; left out where the key names it ([`crate::segment::recorded_day`]).
    /// `offset_ms`: the camera's clock minus the box's, from its newest RTCP sender report; left out when not known, as in old lines.
    /// `lost`: packets of the network; `shed`: pictures that the box left out; all of them between `short_t0` and `short_t1`.
    /// `stamps`: arrival when the camera's time stamps say nothing, so that its pictures are dated by when they arrived; else left out.
    /// `off_ms`: its times may be wrong by so much; left out up to a second.
    SegWrite = "seg.write" { cam: CameraId, s: u64, t0: Utc, t1: Utc, size: u64, sha256: String, mask: Option<String>, how: String, proofs: u64, lost: u64,
        #[serde(default)] shed: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")] short_t0: Option<Utc>,
        #[serde(default, skip_serializing_if = "Option::is_none")] short_t1: Option<Utc>,
        #[serde(default, skip_serializing_if = "Option::is_none")] stamps: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] off_ms: Option<u64>,
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] day: Option<Day>,
        #[serde(default, skip_serializing_if = "Option::is_none")] offset_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")] rate: Option<String> }
    /// Nothing of this camera has landed on a disk since `t0`; the `seg.gap` before its next segment says how long it was.
    GapOpen = "gap.open" { cam: CameraId, t0: Utc, why: String }
    SegGap = "seg.gap" { cam: CameraId, next: u64, t0: Utc, t1: Utc, why: String, packets: u64 }
    /// The rate a camera with two is to record at, from its next key frame on; `why`: start, order, event, end. `order`: the hub's.
    RateSet = "rate.set" { cam: CameraId, rate: String, until: Option<Utc>, why: String, order: Option<u64> }
    /// Sound is recorded with this camera's pictures, and what justifies it.
    SoundSet = "sound.set" { cam: CameraId, codec: String, rate: u64, reason: String }
    SegLost = "seg.lost" { cam: CameraId, s: u64, why: String }
    /// The mask in force from here on: once a start, and at each change. `how`: burned, camera; `style`: solid, pixelated; `reviewer`
    /// is salted; `order`: the hub's that set it, left out when it is the configuration's, as these all are in old lines.
    MaskSet = "mask.set" { cam: CameraId, mask: String, sha256: String, permille: u64, review: Option<Day>,
        #[serde(default, skip_serializing_if = "Option::is_none")] style: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] how: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] reviewer: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] order: Option<u64> }
    /// The mask is not imposed from here on, until `mask.end`. `authority` is salted, `by` the two who ordered it. `instead`: the mask that
    /// hides meanwhile, with the SHA-256 of its polygons and how much of the picture that is; all three are left out where nothing does.
    MaskLift = "mask.lift" { cam: CameraId, mask: String, until: Utc, authority: String, by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] order: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")] instead: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] sha256: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] permille: Option<u64> }
    /// A lift is over, or a mask is no longer there (`config`). `why`: time, order, restart, clock, config. `order`: that which was
    /// obeyed.
    MaskEnd = "mask.end" { cam: CameraId, mask: String, why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] order: Option<u64> }
    MaskFail = "mask.fail" { cam: CameraId, mask: String, t0: Utc, t1: Utc, why: String }
    CfgSet = "cfg.set" { sha256: String }
    AccLogin = "acc.login" { op: String, how: String }
    /// `n` refused sign-ins of one account, or of names nobody has (`unknown`), in so many seconds before the line.
    AccFail = "acc.fail" { op: String, how: String, n: u64, secs: u64 }
    /// `cam` or `exh`: the other one is left out.
    AccLive = "acc.live" { cam: CameraId, t0: Utc, t1: Utc, grant: String, purpose: String }
    /// A viewing of an exhibit.
    AccView = "acc.view" { exh: String, t0: Utc, t1: Utc, grant: String, purpose: String, reference: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] present: Option<String> }
    /// Hub log: somebody looks at footage of [t0, t1) without taking it; the line's number is the order's. Texts are salted.
    AccLook = "acc.look" { r#box: String, cam: CameraId, t0: Utc, t1: Utc, purpose: String, reference: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] present: Option<String> }
    /// Hub log: what was watched before all of it was checked was turned off: of the look by that order, or of the exhibit, segment `s` was not
    /// what it had to be. `code`: altered, not-as-noted, not-as-logged.
    LookStop = "look.stop" { order: Option<u64>, exh: Option<String>, cam: CameraId, s: u64, code: String, why: String }
    /// Hub log: somebody asked for an operation that they may not, `n` times since the last such line; `box` and `cam` where it was about
    /// a camera.
    AccRefuse = "acc.refuse" { op: String, what: String, n: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")] r#box: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] cam: Option<CameraId> }
    /// Footage of `cam` that touches [t0, t1) is kept until then, whatever its day; the same hold again: it is extended.
    HoldSet = "hold.set" { hold: HoldId, cam: CameraId, t0: Utc, t1: Utc, until: Utc, grant: String }
    /// Segments that are copied out under the hold's own key, each copy read again and compared with its `seg.write`; `set` as in
    /// `del.range`.
    HoldKept = "hold.kept" { hold: HoldId, cam: CameraId, s0: u64, s1: u64, count: u64, bytes: u64, set: String }
    /// A hold is over, and its key and copies go. `why`: order, fetched, expired.
    HoldClear = "hold.clear" { hold: HoldId, why: String, by: Vec<String> }
    /// `n`: line number of its `hold.clear`. The copies are gone and their key destroyed; `undecryptable`, `claim` as in `del.done`.
    HoldDone = "hold.done" { hold: HoldId, cam: CameraId, n: u64, count: u64, undecryptable: bool, claim: String }
    /// whole segment, so whole segments are what the line says, whatever part of them was sent.
    ExpLook = "exp.look" { order: u64, cam: CameraId, s0: u64, s1: u64, purpose: String }
    ExpClip = "exp.clip" { r#ref: String, cam: CameraId, s0: u64, s1: u64, t0: Utc, t1: Utc, grant: String, purpose: String }
    /// `sums` is the SHA-256 of the package's SHA256SUMS; `to` is the requester's salted name.
    ExpDone = "exp.done" { r#ref: String, cam: CameraId, sums: String, to: String }
    /// Hub log: an authority outside the scheme stamped the package's SHA256SUMS; `sha256` of its answer, which lies beside it.
    ExpStamp = "exp.stamp" { r#ref: String, cam: CameraId, sums: String, authority: String, time: Utc, sha256: String }
    /// Hub log: an authority outside the scheme stamped that head of this log; `sha256` of its answer.
    HubAnchor = "hub.anchor" { authority: String, size: u64, root: String, time: Utc, sha256: String }
    /// Hub log: a witness cosigned that head of this log; `time` and `sig` as in `head.ack`.
    HubWitness = "hub.witness" { witness: String, size: u64, root: String, time: u64, sig: String }
    /// `set`: SHA-256 of the deleted seg.write lines' leaf hashes, in order.
    DelRange = "del.range" { cam: CameraId, day: Day, s0: u64, s1: u64, t0: Utc, t1: Utc, count: u64, set: String, rule: String, key: String }
    /// `n`: line number of its del.range. `claim`: tpm, file.
    /// `held`: how many of the segments holds keep copies of; left out when none, as in old lines.
    DelDone = "del.done" { cam: CameraId, day: Day, n: u64, oldest: Option<Utc>, undecryptable: bool, claim: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] held: Option<u64> }
    /// More than a day per camera may go in the next sweep: the hub has made sure that the clock is right. `order`: the hub's.
    DelConfirm = "del.confirm" { order: u64, by: Vec<String> }
    /// A person's key counts for approvals from now on, or does no more; `what`: add, remove; `key`: the first 16 letters of the SHA-256 of
    /// its id.
    ApproverSet = "approver.set" { order: u64, what: String, who: String, key: String, by: Vec<String> }
    /// The hub is dialled there from here on: at `hub`, then at `second`; `lookup` is asked for when it answers nowhere. `order`: the hub's.
    HubSet = "hub.set" { order: u64, hub: String, second: Option<String>, lookup: Option<String>, by: Vec<String> }
    FaultOn = "fault.on" { code: String, cam: Option<CameraId> }
    FaultOff = "fault.off" { code: String, cam: Option<CameraId> }
    /// Box log: the segment drawn for that UTC day, or one that was found wrong before, is what its line says. `ack`: line number of the
    /// `head.ack` that it was drawn by.
    SpotOk = "spot.ok" { day: Day, ack: u64, cam: CameraId, s: u64 }
    /// Box log: it is not. `why`: missing, unreadable, unopened, other.
    SpotBad = "spot.bad" { day: Day, ack: u64, cam: CameraId, s: u64, why: String }
    /// Hub log: a box may be enrolled; then, with `cert`, SHA-256 of its certificate, it is.
    BoxAdd = "box.add" { r#box: String, by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] cert: Option<String> }
    /// Hub log: a box that asked for it gets another certificate for the same key; SHA-256 of it, and how long it is good.
    BoxRenew = "box.renew" { r#box: String, cert: String, until: Utc, by: Vec<String> }
    /// A certificate of one's own is in use from here on: `what` is box, in the box's log; boxes (what boxes are shown) or pages, in the
    /// hub's; or ca. SHA-256 of it, and how long it is good.
    CertSet = "cert.set" { what: String, cert: String, until: Utc }
    BoxRevoke = "box.revoke" { r#box: String, why: String, by: Vec<String> }
    BoxReplace = "box.replace" { r#box: String, log: String, last_n: i64, by: Vec<String> }
    /// Hub log: a staff account made. `role`: None where a second administrator has to approve one first.
    OpAdd = "op.add" { op: String, role: Option<String>, by: Vec<String> }
    /// Hub log: a role is given. `scope`: all, owner, cameras (box/camera); `ask`: the request it grants; `by`: who asked and who approved, or
    /// whoever gave it.
    OpGrant = "op.grant" { grant: u64, op: String, role: String, scope: String, owner: Option<String>, cams: Vec<String>, oldest_days: Option<u64>, until: Option<Utc>, ask: Option<u64>, by: Vec<String> }
    /// Hub log: such a role is taken away.
    OpRevoke = "op.revoke" { grant: u64, op: String, by: Vec<String> }
    /// Hub log: somebody asks for what a second administrator has to approve. `what`: role, reset, recovery.
    OpAsk = "op.ask" { ask: u64, what: String, op: String, role: Option<String>, by: Vec<String> }
    /// Hub log: a request that waited for a second person came to nothing; `why`: withdrawn, expired, aside (what it was about changed).
    OpDrop = "op.drop" { ask: u64, why: String, by: Vec<String> }
    /// Hub log: an account's name for people, salted.
    OpName = "op.name" { op: String, name: String, by: Vec<String> }
    /// Hub log: an account has another password; `how`: own, reset (a one-time one), recovery (the same, and its second factors are over).
    /// Sessions and tokens of before are over. `ask`: the request it grants.
    OpPassword = "op.password" { op: String, how: String, ask: Option<u64>, by: Vec<String> }
    /// Hub log: an account is closed for good, with its sessions and tokens.
    OpClose = "op.close" { op: String, by: Vec<String> }
    /// Hub log: all sessions of an account are over.
    OpSignout = "op.signout" { op: String, by: Vec<String> }
    /// Hub log: an account has a second factor more; `what`: code, passkey.
    OpFactor = "op.factor" { op: String, factor: u64, what: String, by: Vec<String> }
    /// Hub log: such a factor is worth nothing any more.
    OpUnfactor = "op.unfactor" { op: String, factor: u64, by: Vec<String> }
    /// Hub log: root made an administrator at the hub machine, because no two could sign in; until then. `name` and `reason` are salted.
    OpBreak = "op.break" { op: String, name: String, reason: String, until: Utc, by: Vec<String> }
    /// Hub log: the declaration that has to be accepted has this text from here on.
    DeclSet = "decl.set" { sha256: String, by: Vec<String> }
    /// Hub log: somebody accepted it.
    OpAccept = "op.accept" { op: String, sha256: String, by: Vec<String> }
    /// Hub log: a token for programs, with the operations it is for.
    OpToken = "op.token" { token: u64, op: String, scopes: Vec<String>, until: Utc, by: Vec<String> }
    /// Hub log: such a token is worth nothing any more.
    OpUntoken = "op.untoken" { token: u64, op: String, by: Vec<String> }
    /// Hub log: an operation that changes something is asked for with a token: before the operation's own lines.
    AccToken = "acc.token" { op: String, token: u64, what: String }
    /// Hub log: an owner of cameras.
    OwnerAdd = "owner.add" { owner: String, by: Vec<String> }
    /// Hub log: a camera is this owner's from here on.
    OwnerSet = "owner.set" { owner: String, r#box: String, cam: CameraId, before: Option<String>, by: Vec<String> }
    /// Hub log: a request granted; free text is salted.
    GrantSet = "grant.set" { grant: String, r#ref: String, cam: String, t0: Utc, t1: Utc, purpose: String, reference: String, requester: String }
    /// Hub log: somebody asks for footage; `request` is its number, `class` who asks. Free text is salted here and in the next ones.
    RequestOpen = "request.open" { request: u64, class: String, by: Vec<String> }
    /// Hub log: a draft says something else from here on.
    RequestChange = "request.change" { request: u64, class: String, by: Vec<String> }
    /// Hub log: it is whole and asked for, of these cameras (box/camera). `due`: by when it has to be answered; `ask`: what waits for a
    /// second person, null where none is needed.
    RequestSubmit = "request.submit" { request: u64, class: String, cams: Vec<String>, t0: Utc, t1: Utc, purpose: String, reference: String, requester: String, order: Option<String>, identity: Option<String>, due: Option<Utc>, ask: Option<u64>, by: Vec<String> }
    /// Hub log: a second person authorised it; `by`: who submitted it and who authorised it.
    RequestAuthorise = "request.authorise" { request: u64, ask: u64, by: Vec<String> }
    /// Hub log: somebody decided against it; `why` a code, `note` free text.
    RequestRefuse = "request.refuse" { request: u64, why: String, note: Option<String>, by: Vec<String> }
    /// Hub log: it was taken back.
    RequestCancel = "request.cancel" { request: u64, why: String, note: Option<String>, by: Vec<String> }
    /// Hub log: all its cameras are through; `state`: Ready, Partial, Failed.
    RequestDone = "request.done" { request: u64, state: String, by: Vec<String> }
    /// Hub log: it was handed to somebody; `to` who that was.
    RequestRelease = "request.release" { request: u64, to: String, by: Vec<String> }
    /// Hub log: nothing more is done with it.
    RequestClose = "request.close" { request: u64, why: String, note: Option<String>, by: Vec<String> }
    /// Hub log: a request that was refused; `code` says why. It uses no number up.
    GrantFail = "grant.fail" { cam: String, code: String }
    /// Hub log: a box was ordered to record a camera in real time for so many minutes (0: no longer); the reason is salted. The
    /// line's number is the order's.
    RateOrder = "rate.order" { r#box: String, cam: CameraId, minutes: u64, reason: String }
    /// Hub log: what came of an order, when it was not carried out. `code`: the box's of `docs/orders.md`, or the hub's; `why`: the same
    /// as a sentence of then. So in the next ones.
    RateFail = "rate.fail" { order: u64, r#box: String, cam: CameraId, code: String, why: String }
    /// Hub log: somebody asks that a mask be lifted, until then or for so many minutes from the order on; free text is salted. `ask`:
    /// number of the request. `instead`: the mask that is to hide meanwhile, with the SHA-256 of its polygons.
    LiftAsk = "lift.ask" { ask: u64, r#box: String, cam: CameraId, mask: String, until: Option<Utc>, minutes: Option<u64>, authority: String, reason: String, by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] instead: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] sha256: Option<String> }
    /// Hub log: a box was ordered to lift a mask, to end that, to use another mask, or to take it for reviewed; `what`: lift, end, set,
    /// review. The line's number is the order's. `ask`: the request it grants; `by`: who asked and who approved, or whoever ordered it;
    /// `sha256` of the polygons of the mask that is set, or that hides `instead` while one is lifted. Of a review: `ref`, the exhibit that shows what the mask looked like, and when the next one is due.
    MaskOrder = "mask.order" { what: String, r#box: String, cam: CameraId, mask: Option<String>, until: Option<Utc>, authority: Option<String>, reason: Option<String>, sha256: Option<String>, ask: Option<u64>, by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] r#ref: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] review: Option<Day>,
        #[serde(default, skip_serializing_if = "Option::is_none")] instead: Option<String> }
    /// Hub log: somebody asks that a person's key count at a box for approvals, or no more; `what`: add, remove.
    ApproverAsk = "approver.ask" { ask: u64, r#box: String, what: String, who: String, key: String, by: String }
    /// Hub log: a second person agrees; the box is told once both have touched their keys. The line's number is the order's.
    ApproverOrder = "approver.order" { r#box: String, what: String, who: String, key: String, ask: u64, by: Vec<String> }
    /// Hub log: somebody touched their passkey for an order that its box takes only so; `factor`: its number at the hub.
    OrderTouch = "order.touch" { order: u64, factor: u64, by: String }
    /// Hub log: a box was told to begin the successor of its log, with a number above this one; `by` are two people, the reason is salted.
    /// The line's number is the order's.
    LogOrder = "log.order" { r#box: String, above: u64, reason: String, by: Vec<String> }
    /// Hub log: what the line of a box may be used for by clips: kilobits a second, and the hours of planned ones (18:00); null: no limit.
    /// The reason is salted.
    BoxLine = "box.line" { r#box: String, most_kbit: Option<u64>, begins: Option<String>, ends: Option<String>, reason: String, by: Vec<String> }
    /// Hub log: the pull of a clip waits from here on.
    PullPause = "pull.pause" { r#ref: String, by: Vec<String> }
    /// Hub log: and goes on.
    PullResume = "pull.resume" { r#ref: String, by: Vec<String> }
    /// Hub log: a box is told where the hub will be; the line's number is the order's. `reason` is salted, `by` are two people.
    MoveOrder = "move.order" { r#box: String, hub: String, second: Option<String>, lookup: Option<String>, reason: String, by: Vec<String> }
    /// Hub log: a backup is begun, into the folder `id`, sealed to the age recipient `to`.
    BackupBegin = "backup.begin" { backup: u64, id: String, to: String, by: Vec<String> }
    /// Hub log: it has ended; `sums` is the SHA-256 of its mark (lower hex), null when it came to nothing.
    BackupEnd = "backup.end" { backup: u64, sums: Option<String>, files: u64, bytes: u64, by: Vec<String> }
    /// Hub log: the hub was put back from a backup that shows it as of `made`, with `size` lines of its `log` of then. The first act of the
    /// log that goes on from there.
    HubRestore = "hub.restore" { id: String, backup: u64, made: Utc, log: String, size: u64, by: Vec<String> }
    /// Hub log: the numbers of orders, and of all that is named by the number of its line, go on from there: line n of this log has number
    /// `base` + n. In each of the hub's logs but the first.
    LogBase = "log.base" { base: u64 }
    /// Hub log: somebody asks that it be taken for settled that the records are an older copy; the reason is salted.
    RollbackAsk = "rollback.ask" { rollback: u64, ask: u64, reason: String, by: String }
    /// Hub log: a second person agrees.
    RollbackSettle = "rollback.settle" { rollback: u64, ask: u64, reason: String, by: Vec<String> }
    /// Hub log: a box was told that all that is past its day may go at once; the reason is salted. The line's number is the order's.
    SweepOrder = "sweep.order" { r#box: String, reason: String, by: Vec<String> }
    /// Hub log: what came of it, when it was not carried out.
    SweepFail = "sweep.fail" { order: u64, r#box: String, code: String, why: String }
    /// Hub log: what came of an order that a log gets a successor, when it was not carried out.
    LogFail = "log.fail" { order: u64, r#box: String, code: String, why: String }
    /// Hub log: footage is to be kept at its box until then; free text is salted. `ref`: the exhibit it is for, when a clip request
    /// made it.
    HoldAsk = "hold.ask" { hold: HoldId, r#box: String, cam: CameraId, t0: Utc, t1: Utc, until: Utc, review: Option<Day>, reason: String, authority: String, reference: String, r#ref: Option<String>, by: String }
    /// Hub log: a hold is to last longer.
    HoldExtend = "hold.extend" { hold: HoldId, until: Utc, review: Option<Day>, reason: String, by: String }
    /// Hub log: somebody asks that a hold be released before its time; a second person must agree. `ask`: number of the request.
    HoldDrop = "hold.drop" { hold: HoldId, ask: u64, reason: String, by: String }
    /// Hub log: the box is told that a hold is over. `why`: order, fetched, expired, void (never placed); `by`: who had a part in it.
    HoldFree = "hold.free" { hold: HoldId, why: String, by: Vec<String> }
    /// Hub log: what came of such an order, when it was not carried out.
    OrderFail = "order.fail" { order: u64, r#box: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] cam: Option<CameraId>,
        code: String, why: String }
    /// Hub log: what line `line` of it says was not done. `code`: not-stored, the hub's records do not have it.
    ActFail = "act.fail" { line: u64, code: String }
    /// Hub log: a copy made; `what` is master or working, `sha256` of the file (lower hex).
    CopyMade = "copy.made" { r#ref: String, cam: CameraId, what: String, sha256: String }
    /// Hub log: a package is written out in plain, to be handed over; `sums` is the SHA-256 of its SHA256SUMS, free text is salted.
    CopySave = "copy.save" { r#ref: String, cam: CameraId, sums: String, purpose: String, reference: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] present: Option<String> }
    /// Hub log: the reference that whoever produces an exhibit gave it, like ABC/1; salted.
    RegMark = "reg.mark" { r#ref: String, mark: String, by: Vec<String> }
    /// Hub log: a copy that was saved is registered. `copy`: its number, from 1, of this exhibit; `what`: master, working; `form`: folder, zip;
    /// `seal`: none, passphrase, recipient; `sha256` of the file that was written, of a folder that of its SHA256SUMS, which is `sums`; `save`:
    /// line of its `copy.save`. What it is on and where that is are salted.
    RegCopy = "reg.copy" { r#ref: String, copy: u64, what: String, form: String, seal: String, sha256: String, sums: String, bytes: u64, medium: String, place: String, save: u64, by: Vec<String> }
    /// Hub log: a copy is handed over, as a `what` (master, working), to a person of an agency of this `class` (of docs/requests.md); by
    /// whoever signed, with their name as they typed it (salted) and a second `factor` (code, passkey).
    RegHand = "reg.hand" { r#ref: String, copy: u64, what: String, class: String, to: String, agency: String, signed: String, factor: String, by: Vec<String> }
    /// Hub log: whoever was handed it in that line signed for it; `receipt`: what they signed, salted.
    RegReceipt = "reg.receipt" { r#ref: String, copy: u64, hand: u64, from: String, receipt: Option<String>, by: Vec<String> }
    /// Hub log: a copy came back; it is never a master again.
    RegReturn = "reg.return" { r#ref: String, copy: u64, from: String, note: Option<String>, by: Vec<String> }
    /// Hub log: a copy was destroyed.
    RegEnd = "reg.end" { r#ref: String, copy: u64, reason: String, by: Vec<String> }
    /// Hub log: media may have an exhibit, for these uses and within these limits, by a release document (its SHA-256 where it was handed in).
    /// Texts are salted; `by` is whoever authorised it.
    RegMedia = "reg.media" { r#ref: String, document: String, sha256: Option<String>, uses: String, limits: String, by: Vec<String> }
    /// Hub log: a still picture, an exhibit `ref` of its own, was made of the exhibit `parent`: of the segment that line `n` of the box's log
    /// `log` describes, picture `picture` of it (from 1), taken at `t`. Reason and the authoriser's name are salted; `rank` is a code.
    RegStill = "reg.still" { r#ref: String, parent: String, log: String, n: u64, picture: u64, t: Utc, sha256: String, reason: String, authority: String, rank: String, by: Vec<String> }
    /// Hub log: how long an exhibit is kept. `class`: general, surveillance, review (until that day); the reason is salted.
    CopyClass = "copy.class" { r#ref: String, class: String, review: Option<Day>, reason: String, by: String }
    /// Hub log: somebody asks that an exhibit be disposed of before its time; a second person must agree. `ask`: number of the request.
    CopyDrop = "copy.drop" { r#ref: String, ask: u64, reason: String, by: String }
    /// Hub log: an exhibit is about to be disposed of. `until`: when its period ends; `files` and `bytes` are what is there of it.
    CopyDispose = "copy.dispose" { r#ref: String, class: String, until: Utc, reason: String, by: Vec<String>, files: u64, bytes: u64 }
    /// Hub log: the certificate of that. `n` of its `copy.dispose`; `left`: files found afterwards; `undecryptable`: no key left opens
    /// a sealed file of it (null: there was none to try); `texts` that were erased.
    CopyGone = "copy.gone" { r#ref: String, n: u64, files: u64, bytes: u64, texts: u64, left: u64, undecryptable: Option<bool>, claim: String }
    /// Hub log: what came of requests that gave nothing, and what was left half-fetched, is about to go: counts.
    CopyClear = "copy.clear" { requests: u64, parts: u64, files: u64, bytes: u64, texts: u64 }
    /// Hub log: somebody read or exported a log. `what`: export, show, sample.
    LogRead = "log.read" { log: String, from: u64, to: u64, op: String, what: String }
    /// Hub log: somebody looked at the sample of a month's staff acts, `count` of them drawn by this `root`; the result is salted.
    LogReview = "log.review" { month: String, count: u64, root: String, result: String, by: Vec<String> }
}

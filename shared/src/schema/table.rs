//! Pure. The table of line types: who writes each, and its fields.

use super::{MOST, SEGMENT_MOST};

/// Whose log a line stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Box,
    Hub,
    Both,
}

impl Writer {
    /// Whether lines of this kind may stand in the log of `writer`.
    pub fn may(self, writer: Writer) -> bool {
        self == Writer::Both || writer == Writer::Both || self == writer
    }
}

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Always, with a value.
    Must,
    /// It may be left out.
    May,
    /// It may be null.
    Null,
    /// Both: null in some lines, left out in others.
    Lax,
}

/// The kind of a value and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Camera,
    Box,
    Hold,
    Exhibit,
    Day,
    Time,
    Hash,
    /// So many bytes.
    Base64(usize),
    /// A vkey of kind 01 with the log's own name.
    LogKey,
    /// A key id of footage.
    Key,
    /// From 0 to that.
    Count(u64),
    Int(i64, i64),
    Bool,
    /// Printable ASCII without a space, at least one and at most so many.
    Word(usize),
    /// What can be shown ([`crate::plain`]), at most so many characters.
    Text(usize),
    /// A list of at most so many words.
    Words(usize),
    /// `log`, `size`, `root`.
    Head,
    Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub key: &'static str,
    pub form: Form,
    pub need: Need,
}

/// One type of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: &'static str,
    pub writer: Writer,
    pub fields: &'static [Field],
}

/// A number of the log: of lines, segments, orders, counts of anything.
const COUNT: Form = Form::Count(MOST);
/// A whole number either way.
const INT: Form = Form::Int(-(MOST as i64), MOST as i64);
/// A code, an id of a person, a grant, a salted hash.
const WORD: Form = Form::Word(64);
const WHY: Form = Form::Text(300);
const NAME: Form = Form::Text(120);
const BY: Form = Form::Words(16);
/// Two and a half centuries of milliseconds.
const SHIFT: Form = Form::Int(-8_000_000_000_000, 8_000_000_000_000);

macro_rules! table {
    ($($kind:literal $writer:ident { $($need:ident $key:literal $form:expr),* $(,)? })*) => {
        /// Every type this version writes or reads.
        pub const TYPES: &[Line] = &[$(Line {
            kind: $kind,
            writer: Writer::$writer,
            fields: &[$(Field { key: $key, form: $form, need: Need::$need }),*],
        }),*];
    };
}

table! {
    "log.open" Both { Must "key" Form::LogKey, Must "site" NAME, Must "hw" NAME, Must "sw" NAME, Null "pred" Form::Head, Must "by" BY, May "reason" Form::Text(1000), May "whole" COUNT }
    "log.close" Both { Must "reason" Form::Text(1000), Must "by" BY }
    "key.roll" Both { Must "new" Form::LogKey }
    "key.seal" Hub { Must "spki" Form::Word(400) }
    "head.ack" Box { Must "size" COUNT, Must "root" Form::Base64(32), Must "hub" Form::Origin, Must "time" Form::Count(7_258_118_399), Must "sig" Form::Word(400) }
    "head.seen" Hub { Must "log" Form::Origin, Must "size" COUNT, Must "root" Form::Base64(32) }
    "beat" Both { Must "free_mib" COUNT, Must "cams" Form::Count(100_000), Null "temp_c" Form::Int(-300, 1000) }
    "sys.boot" Both { Must "why" WHY, Must "last_n" Form::Int(-1, MOST as i64), Must "sw" NAME }
    "sys.stop" Both { Must "why" WHY }
    "sys.update" Both { Must "from" WORD, Must "to" WORD, Must "sha256" Form::Hash }
    "log.torn" Both { Must "bytes" COUNT, Must "sha256" Form::Hash }
    "clock.state" Both { Must "src" NAME, Must "stratum" Form::Int(-1, 255), Must "offset_us" INT, Must "err_us" INT, Must "trust" WORD }
    "clock.step" Both { Must "delta_ms" SHIFT, Must "src" NAME }
    "cam.session" Box { Must "cam" Form::Camera, Must "codec" WORD, Must "w" Form::Count(100_000), Must "h" Form::Count(100_000), Must "fps_milli" Form::Count(1_000_000_000), Null "serial" Form::Text(120), Null "offset_ms" INT, May "by" WORD, May "repairs" Form::Words(64), May "cert" Form::Hash }
    "cam.accept" Box { Must "cam" Form::Camera, Must "cert" Form::Hash, Null "before" Form::Hash }
    "cam.set" Box { Must "cam" Form::Camera, Must "title" NAME, Must "site" NAME }
    "seg.write" Box { Must "cam" Form::Camera, Must "s" COUNT, Must "t0" Form::Time, Must "t1" Form::Time, Must "size" Form::Count(SEGMENT_MOST), Must "sha256" Form::Hash, Lax "mask" WORD, Must "how" WORD, Must "proofs" COUNT, Must "lost" COUNT, May "shed" COUNT, May "short_t0" Form::Time, May "short_t1" Form::Time, May "stamps" WORD, May "off_ms" COUNT, Must "key" Form::Key, May "day" Form::Day, May "offset_ms" INT, May "rate" WORD }
    "rate.set" Box { Must "cam" Form::Camera, Must "rate" WORD, Null "until" Form::Time, Must "why" WHY, Null "order" COUNT }
    "seg.gap" Box { Must "cam" Form::Camera, Must "next" COUNT, Must "t0" Form::Time, Must "t1" Form::Time, Must "why" WHY, Must "packets" COUNT }
    "gap.open" Box { Must "cam" Form::Camera, Must "t0" Form::Time, Must "why" WHY }
    "sound.set" Box { Must "cam" Form::Camera, Must "codec" WORD, Must "rate" Form::Count(10_000_000), Must "reason" WHY }
    "seg.lost" Box { Must "cam" Form::Camera, Must "s" COUNT, Must "why" WHY }
    "mask.set" Box { Must "cam" Form::Camera, Must "mask" WORD, Must "sha256" Form::Hash, Must "permille" Form::Count(1000), Null "review" Form::Day, May "style" WORD, May "how" WORD, May "reviewer" WORD, May "order" COUNT }
    "mask.lift" Box { Must "cam" Form::Camera, Must "mask" WORD, Must "until" Form::Time, Must "authority" WORD, Must "by" BY, May "order" COUNT, May "instead" WORD, May "sha256" Form::Hash, May "permille" Form::Count(1000) }
    "mask.end" Box { Must "cam" Form::Camera, Must "mask" WORD, Must "why" WHY, May "order" COUNT }
    "mask.fail" Box { Must "cam" Form::Camera, Must "mask" WORD, Must "t0" Form::Time, Must "t1" Form::Time, Must "why" WHY }
    "cfg.set" Both { Must "sha256" Form::Hash }
    "acc.login" Both { Must "op" WORD, Must "how" WORD }
    "acc.fail" Both { Must "op" WORD, Must "how" WORD, Must "n" COUNT, Must "secs" COUNT }
    "acc.live" Both { Must "cam" Form::Camera, Must "t0" Form::Time, Must "t1" Form::Time, Must "grant" WORD, Must "purpose" WORD }
    "acc.view" Both { Must "exh" Form::Exhibit, Must "t0" Form::Time, Must "t1" Form::Time, Must "grant" WORD, Must "purpose" WORD, Must "reference" WORD, May "present" WORD }
    "acc.look" Hub { Must "box" Form::Box, Must "cam" Form::Camera, Must "t0" Form::Time, Must "t1" Form::Time, Must "purpose" WORD, Must "reference" WORD, May "present" WORD }
    "look.stop" Hub { Null "order" COUNT, Null "exh" Form::Exhibit, Must "cam" Form::Camera, Must "s" COUNT, Must "code" WORD, Must "why" WHY }
    "acc.refuse" Hub { Must "op" WORD, Must "what" WORD, Must "n" COUNT, May "box" Form::Box, May "cam" Form::Camera }
    "hold.set" Box { Must "hold" Form::Hold, Must "cam" Form::Camera, Must "t0" Form::Time, Must "t1" Form::Time, Must "until" Form::Time, Must "grant" WORD }
    "hold.kept" Box { Must "hold" Form::Hold, Must "cam" Form::Camera, Must "s0" COUNT, Must "s1" COUNT, Must "count" COUNT, Must "bytes" COUNT, Must "set" Form::Hash }
    "hold.clear" Box { Must "hold" Form::Hold, Must "why" WHY, Must "by" BY }
    "hold.done" Box { Must "hold" Form::Hold, Must "cam" Form::Camera, Must "n" COUNT, Must "count" COUNT, Must "undecryptable" Form::Bool, Must "claim" WORD }
    "exp.look" Box { Must "order" COUNT, Must "cam" Form::Camera, Must "s0" COUNT, Must "s1" COUNT, Must "purpose" WORD }
    "exp.clip" Box { Must "ref" Form::Exhibit, Must "cam" Form::Camera, Must "s0" COUNT, Must "s1" COUNT, Must "t0" Form::Time, Must "t1" Form::Time, Must "grant" WORD, Must "purpose" WORD }
    "exp.done" Hub { Must "ref" Form::Exhibit, Must "cam" Form::Camera, Must "sums" Form::Hash, Must "to" WORD }
    "exp.stamp" Hub { Must "ref" Form::Exhibit, Must "cam" Form::Camera, Must "sums" Form::Hash, Must "authority" WORD, Must "time" Form::Time, Must "sha256" Form::Hash }
    "hub.anchor" Hub { Must "authority" WORD, Must "size" COUNT, Must "root" Form::Base64(32), Must "time" Form::Time, Must "sha256" Form::Hash }
    "hub.witness" Hub { Must "witness" Form::Origin, Must "size" COUNT, Must "root" Form::Base64(32), Must "time" Form::Count(7_258_118_399), Must "sig" Form::Word(400) }
    "del.range" Box { Must "cam" Form::Camera, Must "day" Form::Day, Must "s0" COUNT, Must "s1" COUNT, Must "t0" Form::Time, Must "t1" Form::Time, Must "count" COUNT, Must "set" Form::Hash, Must "rule" NAME, Must "key" Form::Key }
    "del.done" Box { Must "cam" Form::Camera, Must "day" Form::Day, Must "n" COUNT, Null "oldest" Form::Time, Must "undecryptable" Form::Bool, Must "claim" WORD, May "held" COUNT }
    "del.confirm" Box { Must "order" COUNT, Must "by" BY }
    "approver.set" Box { Must "order" COUNT, Must "what" WORD, Must "who" WORD, Must "key" WORD, Must "by" BY }
    "hub.set" Box { Must "order" COUNT, Must "hub" Form::Word(300), Null "second" Form::Word(300), Null "lookup" Form::Word(300), Must "by" BY }
    "fault.on" Both { Must "code" WORD, Lax "cam" Form::Camera, May "log" Form::Origin, May "ref" Form::Text(1024) }
    "fault.off" Both { Must "code" WORD, Lax "cam" Form::Camera, May "log" Form::Origin, May "ref" Form::Text(1024) }
    "spot.ok" Box { Must "day" Form::Day, Must "ack" COUNT, Must "cam" Form::Camera, Must "s" COUNT }
    "spot.bad" Box { Must "day" Form::Day, Must "ack" COUNT, Must "cam" Form::Camera, Must "s" COUNT, Must "why" WORD }
    "box.add" Hub { Must "box" Form::Box, Must "by" BY, May "cert" Form::Hash }
    "box.renew" Hub { Must "box" Form::Box, Must "cert" Form::Hash, Must "until" Form::Time, Must "by" BY }
    "cert.set" Both { Must "what" WORD, Must "cert" Form::Hash, Must "until" Form::Time }
    "box.revoke" Hub { Must "box" Form::Box, Must "why" WHY, Must "by" BY }
    "box.replace" Hub { Must "box" Form::Box, Must "log" Form::Origin, Must "last_n" Form::Int(-1, MOST as i64), Must "by" BY }
    "rate.order" Hub { Must "box" Form::Box, Must "cam" Form::Camera, Must "minutes" COUNT, Must "reason" WORD }
    "rate.fail" Hub { Must "order" COUNT, Must "box" Form::Box, Must "cam" Form::Camera, Must "code" WORD, Must "why" WHY }
    "lift.ask" Hub { Must "ask" COUNT, Must "box" Form::Box, Must "cam" Form::Camera, Must "mask" WORD, Null "until" Form::Time, Null "minutes" COUNT, Must "authority" WORD, Must "reason" WORD, Must "by" WORD, May "instead" WORD, May "sha256" Form::Hash }
    "mask.order" Hub { Must "what" WORD, Must "box" Form::Box, Must "cam" Form::Camera, Null "mask" WORD, Null "until" Form::Time, Null "authority" WORD, Null "reason" WORD, Null "sha256" Form::Hash, Null "ask" COUNT, Must "by" BY, May "ref" Form::Exhibit, May "review" Form::Day, May "instead" WORD }
    "approver.ask" Hub { Must "ask" COUNT, Must "box" Form::Box, Must "what" WORD, Must "who" WORD, Must "key" WORD, Must "by" WORD }
    "approver.order" Hub { Must "box" Form::Box, Must "what" WORD, Must "who" WORD, Must "key" WORD, Must "ask" COUNT, Must "by" BY }
    "order.touch" Hub { Must "order" COUNT, Must "factor" COUNT, Must "by" WORD }
    "log.order" Hub { Must "box" Form::Box, Must "above" COUNT, Must "reason" WORD, Must "by" BY }
    "move.order" Hub { Must "box" Form::Box, Must "hub" Form::Word(300), Null "second" Form::Word(300), Null "lookup" Form::Word(300), Must "reason" WORD, Must "by" BY }
    "backup.begin" Hub { Must "backup" COUNT, Must "id" WORD, Must "to" WORD, Must "by" BY }
    "backup.end" Hub { Must "backup" COUNT, Null "sums" Form::Hash, Must "files" COUNT, Must "bytes" COUNT, Must "by" BY }
    "hub.restore" Hub { Must "id" WORD, Must "backup" COUNT, Must "made" Form::Time, Must "log" Form::Origin, Must "size" COUNT, Must "by" BY }
    "log.base" Hub { Must "base" COUNT }
    "rollback.ask" Hub { Must "rollback" COUNT, Must "ask" COUNT, Must "reason" WORD, Must "by" WORD }
    "rollback.settle" Hub { Must "rollback" COUNT, Must "ask" COUNT, Must "reason" WORD, Must "by" BY }
    "order.fail" Hub { Must "order" COUNT, Must "box" Form::Box, May "cam" Form::Camera, Must "code" WORD, Must "why" WHY }
    "box.line" Hub { Must "box" Form::Box, Null "most_kbit" COUNT, Null "begins" WORD, Null "ends" WORD, Must "reason" WORD, Must "by" BY }
    "pull.pause" Hub { Must "ref" Form::Exhibit, Must "by" BY }
    "pull.resume" Hub { Must "ref" Form::Exhibit, Must "by" BY }
    "sweep.order" Hub { Must "box" Form::Box, Must "reason" WORD, Must "by" BY }
    "sweep.fail" Hub { Must "order" COUNT, Must "box" Form::Box, Must "code" WORD, Must "why" WHY }
    "log.fail" Hub { Must "order" COUNT, Must "box" Form::Box, Must "code" WORD, Must "why" WHY }
    "hold.ask" Hub { Must "hold" Form::Hold, Must "box" Form::Box, Must "cam" Form::Camera, Must "t0" Form::Time, Must "t1" Form::Time, Must "until" Form::Time, Null "review" Form::Day, Must "reason" WORD, Must "authority" WORD, Must "reference" WORD, Null "ref" Form::Exhibit, Must "by" WORD }
    "hold.extend" Hub { Must "hold" Form::Hold, Must "until" Form::Time, Null "review" Form::Day, Must "reason" WORD, Must "by" WORD }
    "hold.drop" Hub { Must "hold" Form::Hold, Must "ask" COUNT, Must "reason" WORD, Must "by" WORD }
    "hold.free" Hub { Must "hold" Form::Hold, Must "why" WHY, Must "by" BY }
    "copy.made" Hub { Must "ref" Form::Exhibit, Must "cam" Form::Camera, Must "what" WORD, Must "sha256" Form::Hash }
    "copy.save" Hub { Must "ref" Form::Exhibit, Must "cam" Form::Camera, Must "sums" Form::Hash, Must "purpose" WORD, Must "reference" WORD, May "present" WORD }
    "reg.mark" Hub { Must "ref" Form::Exhibit, Must "mark" WORD, Must "by" BY }
    "reg.copy" Hub { Must "ref" Form::Exhibit, Must "copy" COUNT, Must "what" WORD, Must "form" WORD, Must "seal" WORD, Must "sha256" Form::Hash, Must "sums" Form::Hash, Must "bytes" COUNT, Must "medium" WORD, Must "place" WORD, Must "save" COUNT, Must "by" BY }
    "reg.hand" Hub { Must "ref" Form::Exhibit, Must "copy" COUNT, Must "what" WORD, Must "class" WORD, Must "to" WORD, Must "agency" WORD, Must "signed" WORD, Must "factor" WORD, Must "by" BY }
    "reg.receipt" Hub { Must "ref" Form::Exhibit, Must "copy" COUNT, Must "hand" COUNT, Must "from" WORD, Null "receipt" WORD, Must "by" BY }
    "reg.return" Hub { Must "ref" Form::Exhibit, Must "copy" COUNT, Must "from" WORD, Null "note" WORD, Must "by" BY }
    "reg.end" Hub { Must "ref" Form::Exhibit, Must "copy" COUNT, Must "reason" WORD, Must "by" BY }
    "reg.media" Hub { Must "ref" Form::Exhibit, Must "document" WORD, Null "sha256" Form::Hash, Must "uses" WORD, Must "limits" WORD, Must "by" BY }
    "reg.still" Hub { Must "ref" Form::Exhibit, Must "parent" Form::Exhibit, Must "log" Form::Origin, Must "n" COUNT, Must "picture" COUNT, Must "t" Form::Time, Must "sha256" Form::Hash, Must "reason" WORD, Must "authority" WORD, Must "rank" WORD, Must "by" BY }
    "copy.class" Hub { Must "ref" Form::Exhibit, Must "class" WORD, Null "review" Form::Day, Must "reason" WORD, Must "by" WORD }
    "copy.drop" Hub { Must "ref" Form::Exhibit, Must "ask" COUNT, Must "reason" WORD, Must "by" WORD }
    "copy.dispose" Hub { Must "ref" Form::Exhibit, Must "class" WORD, Must "until" Form::Time, Must "reason" WORD, Must "by" BY, Must "files" COUNT, Must "bytes" COUNT }
    "copy.gone" Hub { Must "ref" Form::Exhibit, Must "n" COUNT, Must "files" COUNT, Must "bytes" COUNT, Must "texts" COUNT, Must "left" COUNT, Null "undecryptable" Form::Bool, Must "claim" WORD }
    "copy.clear" Hub { Must "requests" COUNT, Must "parts" COUNT, Must "files" COUNT, Must "bytes" COUNT, Must "texts" COUNT }
    "op.add" Hub { Must "op" WORD, Null "role" WORD, Must "by" BY }
    "op.grant" Hub { Must "grant" COUNT, Must "op" WORD, Must "role" WORD, Must "scope" WORD, Null "owner" WORD, Must "cams" Form::Words(32), Null "oldest_days" COUNT, Null "until" Form::Time, Null "ask" COUNT, Must "by" BY }
    "op.revoke" Hub { Must "grant" COUNT, Must "op" WORD, Must "by" BY }
    "op.ask" Hub { Must "ask" COUNT, Must "what" WORD, Must "op" WORD, Null "role" WORD, Must "by" BY }
    "op.drop" Hub { Must "ask" COUNT, Must "why" WORD, Must "by" BY }
    "op.name" Hub { Must "op" WORD, Must "name" WORD, Must "by" BY }
    "op.password" Hub { Must "op" WORD, Must "how" WORD, Null "ask" COUNT, Must "by" BY }
    "op.close" Hub { Must "op" WORD, Must "by" BY }
    "op.signout" Hub { Must "op" WORD, Must "by" BY }
    "op.factor" Hub { Must "op" WORD, Must "factor" COUNT, Must "what" WORD, Must "by" BY }
    "op.unfactor" Hub { Must "op" WORD, Must "factor" COUNT, Must "by" BY }
    "op.break" Hub { Must "op" WORD, Must "name" WORD, Must "reason" WORD, Must "until" Form::Time, Must "by" BY }
    "decl.set" Hub { Must "sha256" Form::Hash, Must "by" BY }
    "op.accept" Hub { Must "op" WORD, Must "sha256" Form::Hash, Must "by" BY }
    "op.token" Hub { Must "token" COUNT, Must "op" WORD, Must "scopes" Form::Words(64), Must "until" Form::Time, Must "by" BY }
    "op.untoken" Hub { Must "token" COUNT, Must "op" WORD, Must "by" BY }
    "acc.token" Hub { Must "op" WORD, Must "token" COUNT, Must "what" WORD }
    "owner.add" Hub { Must "owner" WORD, Must "by" BY }
    "owner.set" Hub { Must "owner" WORD, Must "box" Form::Box, Must "cam" Form::Camera, Null "before" WORD, Must "by" BY }
    "request.open" Hub { Must "request" COUNT, Must "class" WORD, Must "by" BY }
    "request.change" Hub { Must "request" COUNT, Must "class" WORD, Must "by" BY }
    "request.submit" Hub { Must "request" COUNT, Must "class" WORD, Must "cams" Form::Words(32), Must "t0" Form::Time, Must "t1" Form::Time, Must "purpose" WORD, Must "reference" WORD, Must "requester" WORD, Null "order" WORD, Null "identity" WORD, Null "due" Form::Time, Null "ask" COUNT, Must "by" BY }
    "request.authorise" Hub { Must "request" COUNT, Must "ask" COUNT, Must "by" BY }
    "request.refuse" Hub { Must "request" COUNT, Must "why" WORD, Null "note" WORD, Must "by" BY }
    "request.cancel" Hub { Must "request" COUNT, Must "why" WORD, Null "note" WORD, Must "by" BY }
    "request.done" Hub { Must "request" COUNT, Must "state" WORD, Must "by" BY }
    "request.release" Hub { Must "request" COUNT, Must "to" WORD, Must "by" BY }
    "request.close" Hub { Must "request" COUNT, Must "why" WORD, Null "note" WORD, Must "by" BY }
    "grant.set" Hub { Must "grant" WORD, Must "ref" Form::Exhibit, Must "cam" Form::Origin, Must "t0" Form::Time, Must "t1" Form::Time, Must "purpose" WORD, Must "reference" WORD, Must "requester" WORD }
    "act.fail" Hub { Must "line" COUNT, Must "code" WORD }
    "grant.fail" Hub { Must "cam" Form::Origin, Must "code" WORD }
    "log.read" Hub { Must "log" Form::Origin, Must "from" COUNT, Must "to" COUNT, Must "op" WORD, Must "what" WORD }
    "log.review" Hub { Must "month" WORD, Must "count" COUNT, Must "root" Form::Hash, Must "result" WORD, Must "by" BY }
}

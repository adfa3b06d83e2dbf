//! Wiring. The rig of the odd cameras: cases, the cameras that play them, the box that records them all, and the judge.
pub mod camera;
pub mod docs;
pub mod fields;
pub mod footage;
pub mod house;
pub mod judge;
pub mod login;
pub mod send;
pub mod stream;
pub mod table;
pub mod talk;
pub mod tls;

use std::sync::Arc;

use beadle_tests::pictures::First;

use self::{
    camera::{Flow, Script, Second},
    login::Login,
    send::{Packet, Sending},
    stream::{Codec, Nal, Stream},
    talk::{Answer, Reply, Request, Talk},
};

/// What the box is told of a camera.
#[derive(Clone, Default)]
pub struct Told {
    pub login: Option<(&'static str, &'static str)>,
    /// `stream1` where empty.
    pub path: &'static str,
    /// Another scheme than `rtsp`.
    pub scheme: Option<&'static str>,
    pub udp: bool,
    pub sound: bool,
    /// Time-lapse with events of the camera's.
    pub events: bool,
    pub masked: bool,
    /// It covers a part of its pictures itself, and the box proves that.
    pub proved: bool,
    /// More lines of its `[[camera]]`.
    pub lines: &'static [&'static str],
}

/// How much of what was sent is to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Every picture, from the first of each session that can be decoded alone.
    Whole,
    /// So many pictures at least, in order.
    AtLeast(usize),
    /// No picture: the box cannot, and says so.
    Nothing,
}

/// What is to come of it.
#[derive(Clone)]
pub struct Expect {
    pub kept: Kept,
    /// A picture's wall time is off by at most so much.
    pub within_ms: i64,
    pub sessions: (u32, u32),
    /// Its first session may come to nothing: from it the box learns to talk to the camera by way of its relay.
    pub learnt: bool,
    /// Reasons of `seg.gap` lines that are right, and how long each may be, in ms. The gap until the first picture is always right.
    pub gaps: &'static [(&'static str, i64)],
    /// Of a camera of which nothing is kept: why its open gap (`gap.open`) is there, one of these.
    pub opens: &'static [&'static str],
    /// Faults that are raised, one of them at least; no other may be.
    pub faults: &'static [&'static str],
    /// Faults that may be raised.
    pub may: &'static [&'static str],
    /// Packets are lost; without it none may be said to be.
    pub lost: bool,
    /// Logins that the camera refused.
    pub refused: u32,
    /// Its segments say that wall times are those of arrival.
    pub by_arrival: bool,
    /// Words that the doctor's lines about it have in them.
    pub doctor: &'static [&'static str],
    /// Lines of warning about it in the recorder's output, at most.
    pub warnings: usize,
    /// Its pictures are interlaced, and stay marked so, this field first. None: not looked at.
    pub fields: Option<First>,
}

/// One camera that somebody reported.
#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    /// K1 to K14 of the review, or a word for what is beside it.
    pub kind: &'static str,
    /// `owner/name#12`, `owner/name/pull/12`, or what is no report.
    pub reports: &'static [&'static str],
    /// What the camera does, for a contractor.
    pub about: &'static str,
    /// What a user does about it, where something is left to do.
    pub remedy: &'static str,
    pub script: Script,
    pub told: Told,
    pub expect: Expect,
    /// It plays for so long at least.
    pub secs: i64,
}

/// A plain camera, all of whose pictures are kept.
pub fn case(
    name: &'static str,
    kind: &'static str,
    reports: &'static [&'static str],
    about: &'static str,
) -> Case {
    Case {
        name,
        kind,
        reports,
        about,
        remedy: "",
        script: Script::default(),
        told: Told::default(),
        expect: Expect {
            kept: Kept::Whole,
            within_ms: 300,
            sessions: (1, 1),
            learnt: false,
            gaps: &[],
            opens: &[],
            faults: &[],
            may: &[],
            lost: false,
            refused: 0,
            by_arrival: false,
            doctor: &[],
            warnings: 12,
            fields: None,
        },
        secs: 30,
    }
}

impl Case {
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }
    pub fn stream(mut self, name: &'static str) -> Self {
        self.script.stream = name;
        self
    }
    pub fn per_second(mut self, rate: f64) -> Self {
        self.script.per_second = rate;
        self
    }
    pub fn starts_at(mut self, unit: usize) -> Self {
        self.script.starts_at = unit;
        self
    }
    pub fn loops_to(mut self, unit: usize) -> Self {
        self.script.loops_to = unit;
        self
    }
    pub fn secs(mut self, secs: i64) -> Self {
        self.secs = secs;
        self
    }
    pub fn script(mut self, change: impl FnOnce(&mut Script)) -> Self {
        change(&mut self.script);
        self
    }
    pub fn told(mut self, change: impl FnOnce(&mut Told)) -> Self {
        change(&mut self.told);
        self
    }
    pub fn expect(mut self, change: impl FnOnce(&mut Expect)) -> Self {
        change(&mut self.expect);
        self
    }
    pub fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = remedy;
        self
    }
    /// The camera asks for this login, and the box knows it.
    pub fn login(mut self, login: Login) -> Self {
        self.told.login = Some((login.user, login.password));
        self.script.login = Some(login);
        self
    }
    /// Everything goes over TLS; with `changes`, under another certificate after its first connection.
    pub fn tls(mut self, changes: bool) -> Self {
        self.script.tls = Some(changes);
        self.told.scheme = Some("rtsps");
        self
    }
    pub fn second(mut self, second: Second) -> Self {
        self.script.second = Some(second);
        self
    }
    /// The camera's sound is asked for.
    pub fn sound(mut self) -> Self {
        self.told.sound = true;
        self.second(Second::Aac)
    }
    pub fn udp(mut self) -> Self {
        self.told.udp = true;
        self
    }
    /// The box paints over a part of its pictures.
    pub fn masked(mut self) -> Self {
        self.told.masked = true;
        self
    }
    /// Its description is this one.
    pub fn describes(
        mut self,
        change: impl Fn(&Stream, String) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.script.describes = Some(Arc::new(change));
        self
    }
    /// Parts of its description are replaced.
    pub fn says(self, instead: &'static [(&'static str, &'static str)]) -> Self {
        self.describes(move |_, text| {
            instead
                .iter()
                .fold(text, |text, (from, to)| text.replace(from, to))
                .into_bytes()
        })
    }
    /// Its answers are these.
    pub fn replies(
        mut self,
        change: impl Fn(&mut Talk, &Request, Answer) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.script.replies = Some(Arc::new(change));
        self
    }
    /// A header of its answer to a method is another.
    pub fn header(
        self,
        method: &'static str,
        name: &'static str,
        change: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        self.replies(move |_, request, answer| {
            if request.is(method) && answer.status.starts_with("200") {
                answer.change(name, &change).into()
            } else {
                answer.into()
            }
        })
    }
    pub fn pictures(
        mut self,
        which: impl Fn(usize) -> (&'static str, usize) + Send + Sync + 'static,
    ) -> Self {
        self.script.pictures = Some(Arc::new(which));
        self
    }
    /// Time stamps, in ticks, from the number of the picture and what they would be.
    pub fn stamps(mut self, change: impl Fn(usize, i64) -> i64 + Send + Sync + 'static) -> Self {
        self.script.stamps = Some(Arc::new(move |_, number, usual| change(number, usual)));
        self
    }
    /// In each session the clock behind the stamps jumps once: at which picture, and by how many seconds.
    pub fn jump(mut self, of: impl Fn(u32) -> (usize, i64) + Send + Sync + 'static) -> Self {
        self.script.stamps = Some(Arc::new(move |session, number, usual| {
            let (at, secs) = of(session);
            usual + if number >= at { secs * 90_000 } else { 0 }
        }));
        self
    }
    /// When pictures are due, in seconds.
    pub fn dues(mut self, due: impl Fn(usize) -> f64 + Send + Sync + 'static) -> Self {
        self.script.dues = Some(Arc::new(due));
        self
    }
    pub fn units(
        mut self,
        change: impl Fn(usize, Codec, Vec<Nal>) -> Vec<Nal> + Send + Sync + 'static,
    ) -> Self {
        self.script.units = Some(Arc::new(change));
        self
    }
    pub fn packets(
        mut self,
        change: impl Fn(usize, Codec, Vec<Packet>) -> Vec<Packet> + Send + Sync + 'static,
    ) -> Self {
        self.script.packets = Some(Arc::new(change));
        self
    }
    pub fn before(
        mut self,
        act: impl Fn(&mut Sending, usize) -> Flow + Send + Sync + 'static,
    ) -> Self {
        self.script.before = Some(Arc::new(act));
        self
    }
    /// The plain dialogue comes to nothing, and costs one session; by way of the relay it is recorded.
    pub fn learnt(mut self) -> Self {
        self.expect.learnt = true;
        self.expect.sessions = (1, 3);
        self.expect.gaps = &[("damaged", 3_000), ("lost-session", 3_000)];
        self
    }
    /// Nothing of it can be kept; one of these faults says why.
    /// Nothing is kept: a fault of these, and a gap that is open for one of these reasons.
    pub fn nothing(
        mut self,
        faults: &'static [&'static str],
        opens: &'static [&'static str],
    ) -> Self {
        self.expect.kept = Kept::Nothing;
        self.expect.opens = opens;
        self.expect.faults = faults;
        self.expect.sessions = (0, u32::MAX);
        self
    }
}

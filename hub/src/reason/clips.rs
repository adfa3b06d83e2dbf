//! Pure. Reasons about clip requests: what is asked for, where it stands, and what of it may be seen.

use shared::{
    id::{BadId, BoxCamera, BoxName, ExhibitRef},
    time::TypedTimeError,
};

use super::{Reason, table::reasons};
use crate::model::{
    clip_request::State,
    local_time::LocalTime,
    pull,
    requester::{MissingItem, RequesterClass},
    text::TextField,
};

/// From when to when there is footage of a camera; None: none is known.
pub type Extent = Option<(LocalTime, LocalTime)>;

/// A span of which nothing was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    pub from: LocalTime,
    pub to: LocalTime,
    /// The first gap that the box declared then, and why.
    pub gap: Option<(LocalTime, LocalTime, String)>,
    pub extent: Extent,
}

reasons! {
    Clips {
        TextWanted { field: TextField } => Refused "text-wanted",
        TextTooLong { field: TextField, most: usize } => Refused "text-too-long",

        /// `request`: like R-000012.
        Unknown { request: String } => Missing "clip-request-unknown",
        NameMalformed { text: String } => Missing "clip-request-name-malformed",
        Stands { request: String, state: State } => Refused "clip-request-stands",
        /// `name`: who submitted it and wants to authorise it.
        Own { name: String, request: String } => Refused "clip-request-own",
        /// It is closed as handed over when it was released, and only then.
        HandedOver { request: String } => Refused "clip-request-handed-over",
        NotInTime { request: String } => Refused "clip-request-not-in-time",
        TooManyCameras { most: usize } => Refused "too-many-cameras",
        /// A request of this class is not made in one act.
        SecondPersonWanted { class: RequesterClass } => Refused "class-takes-second-person",
        Lacks { class: RequesterClass, lacks: Vec<MissingItem> } => Refused "clip-request-lacks",
        /// It was opened and could not be submitted.
        StillDraft { request: String, why: Box<Reason> } => Refused "clip-request-still-draft",
        ClassWanted => Malformed "requester-class-wanted",
        ReasonUnknown { word: String } => Malformed "reason-unknown",
        CameraMalformed { why: BadId } => Refused "camera-name-malformed",
        TimeUnreadable { why: TypedTimeError } => Refused "time-unreadable",

        SpanEmpty { from: LocalTime, to: LocalTime } => Refused "span-empty",
        /// One of its ends was given, and the other was not.
        SpanHalf => Malformed "span-half",
        SpanTooLong { hours: i64 } => Refused "span-too-long",
        SpanNotYet { from: LocalTime } => Refused "span-not-yet",
        SpanNotOver { to: LocalTime } => Refused "span-not-over",
        BoxRevoked { name: BoxName } => Refused "box-revoked",
        BoxNotEnrolled { name: BoxName } => Refused "box-not-enrolled",
        NoSuchBox { name: BoxName } => Refused "clip-box-unknown",
        /// `has`: cameras of the box that are known.
        NoSuchCamera { camera: BoxCamera, has: Vec<String> } => Refused "clip-camera-unknown",
        Deleted { camera: BoxCamera, extent: Extent } => Refused "footage-deleted",
        Lost { camera: BoxCamera, extent: Extent } => Refused "footage-lost",
        NotRecorded { camera: BoxCamera, hole: Box<Hole> } => Refused "footage-not-recorded",

        LookUnknown => Missing "look-unknown",
        LookTooLong { minutes: i64 } => Refused "look-too-long",
        LookOff => Refused "look-turned-off",
        /// `why`: what broke, in words of then.
        LookBroken { why: String } => Unreachable "look-broken",
        NothingArrivedYet { exhibit: ExhibitRef } => Refused "nothing-arrived-yet",
        ArrivedAlready { exhibit: ExhibitRef } => Refused "arrived-already",
        /// It is over, and nothing of it is fetched any more.
        NotUnderWay { exhibit: ExhibitRef, state: pull::State } => Refused "pull-not-under-way",
        /// `least`: kilobits a second.
        LineTooThin { least: u64 } => Refused "line-too-thin",
        HoursUnreadable => Malformed "hours-unreadable",

        NotRefused { request: String, state: State } => Refused "not-refused",
        NoPackage { exhibit: ExhibitRef, state: pull::State } => Refused "no-package",
    }
}

//! Pure. What the papers of a still picture say.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
    types::SegWrite,
};

use super::certificate::people::Person;
use crate::model::rank::Rank;

/// What the papers of a still picture say.
pub struct StillFacts<'a> {
    pub exhibit: &'a ExhibitRef,
    pub parent: &'a ExhibitRef,
    pub camera: &'a BoxCamera,
    /// What the camera is called.
    pub title: &'a str,
    pub scheme: &'a str,
    /// Log and line of the segment it is of, the master's name in the parent, and what the line says of it.
    pub log: &'a str,
    pub n: u64,
    pub master: &'a str,
    pub segment: &'a SegWrite,
    /// Which picture of the segment, from 1, of how many; when it was taken; where its bytes begin in the master, and how many there are.
    pub picture: u64,
    pub pictures: u64,
    pub t: Utc,
    pub offset: u64,
    pub bytes: u64,
    pub sha256: &'a str,
    pub reason: &'a str,
    pub authority: &'a str,
    pub rank: Rank,
    /// Who had it made, and when.
    pub by: &'a Person,
    pub made: Utc,
    pub zone: &'a Zone,
    /// Line of the hub's log.
    pub line: u64,
}

/// Where the picture lies in its package.
pub fn file_of(exhibit: &ExhibitRef) -> String {
    format!("still/{exhibit}.jpg")
}

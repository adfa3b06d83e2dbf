//! Wiring. The kinds of quirks, and cameras without any beside them.
mod dialogues;
mod further;
mod k01_nothing_lands;
mod k02_slices;
mod k03_second_track;
mod k04_parameters;
mod k05_clock_steps;
mod k06_stamps;
mod k07_answers;
mod k08_logins;
mod k10_keepalives;
mod k12_rates;
mod k13_addresses;
mod k14_udp;
mod k15_noise;
mod masked;
mod plain;
mod rtsps;
mod variants;

pub use self::{dialogues::cases as dialogues, masked::jumps};
use super::rig::Case;

/// All but the dialogues of real cameras.
pub fn all() -> Vec<Case> {
    [
        pictures(),
        words(),
        packets(),
        further(),
        masked(),
        masked::jumps(),
    ]
    .concat()
}

/// What is seen in the pictures and their stamps.
pub fn pictures() -> Vec<Case> {
    [
        plain::cases(),
        k01_nothing_lands::cases(),
        k02_slices::cases(),
        k04_parameters::cases(),
        k05_clock_steps::cases(),
        k06_stamps::cases(),
        k15_noise::cases(),
        variants::pictures(),
    ]
    .concat()
}

/// What is seen in the words between camera and box.
pub fn words() -> Vec<Case> {
    [
        plain::controls(),
        k03_second_track::cases(),
        k07_answers::cases(),
        k08_logins::cases(),
        variants::words(),
    ]
    .concat()
}

/// How packets come, addresses, and sessions that are to last.
pub fn packets() -> Vec<Case> {
    [
        plain::others(),
        k10_keepalives::cases(),
        k12_rates::cases(),
        k13_addresses::cases(),
        k14_udp::cases(),
        rtsps::cases(),
        variants::packets(),
    ]
    .concat()
}

/// Further variants of all of these. (A box takes 64 cameras.)
pub fn further() -> Vec<Case> {
    [further::pictures(), further::words(), further::packets()].concat()
}

/// What a box is to paint.
pub fn masked() -> Vec<Case> {
    [masked::cases(), variants::masked(), further::masked()].concat()
}

//! Wiring. The kinds of quirks, and cameras without any beside them.
mod k01_nothing_lands;
mod k02_slices;
mod k04_parameters;
mod k05_clock_steps;
mod k06_stamps;
mod plain;

use super::rig::Case;

pub fn all() -> Vec<Case> {
    [
        plain::cases(),
        k01_nothing_lands::cases(),
        k02_slices::cases(),
        k04_parameters::cases(),
        k05_clock_steps::cases(),
        k06_stamps::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! Wiring. All system suites, in one program: each module is a suite, which `scripts/suites.sh` runs in a process of its own and
//! which that script knows as heavy, light or to be run alone.
mod rig;

mod answers;
mod baddays;
mod browser;
#[path = "../cameras/suite.rs"]
mod cameras;
mod clocks;
mod deletion;
mod disks;
mod documents;
mod door;
mod erase;
mod evidence;
mod facts;
mod fleet;
mod hangs;
mod holds;
mod hubdisks;
mod installed;
mod kill;
mod lifting;
mod line;
mod look;
mod machine;
mod marker;
mod masks;
mod month;
mod moves;
mod outside;
mod pages;
mod powercut;
mod priority;
#[path = "../cameras/quirks/mod.rs"]
mod quirks;
mod rates;
mod refusals;
mod retention;
mod roles;
mod sound;
mod tamper;
mod units;
mod walls;
mod watch;
mod years;

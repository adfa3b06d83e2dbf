//! Wiring. The hub: countersigns box logs, fetches clips, makes evidence.
//!
//! | module | what lives there |
//! |---|---|
//! | [`commands`] | one file per subcommand; the only files that print |
//! | [`supervise`] | the task tree: what starts, what stops, in which order |
//! | [`acts`] | one act: its line in the log and its rows, both or neither |
//! | [`api`] | the same operations over HTTP: for programs, and for the commands over `run/hub.sock` |
//! | [`ops`] | every operation, once; pages, commands and programs come through it |
//! | [`hub`] | what every task is handed: records, keys, own log, who is on the line |
//! | [`config`], [`keys`], [`files`] | `hub.toml`, the key folder, writing files safely |
//! | [`signin`] | passwords, and what is put on record of signing in |
//! | [`access`] | who somebody is, and who may do what: the table of operations, and the one function that says yes or no |
//! | [`authority`] | the hub's certificate authority, and what it certifies: boxes, and the hub itself |
//! | [`backup`] | backups: what a lost hub cannot make again, sealed, and put back on another machine |
//! | [`ownlog`] | the hub's own log and its countersignature |
//! | [`db`] | SQLite: records, the erasable side table, the index derived from box logs |
//! | [`devices`] | boxes: QUIC listener, conversation, enrolment, log ingest |
//! | [`requests`] | clip requests: the rules, and the task that fetches |
//! | [`retention`] | what was promised of deletion: certificates, the report, faults |
//! | [`documents`] | the papers of exhibits and requests, as text and PDF |
//! | [`disposal`] | classes, periods and disposal of what the hub keeps of footage |
//! | [`register`] | the register of an exhibit: reference, copies, whose hands they are in, and all that happened to it |
//! | [`trail`] | the log of staff acts: by person, camera, reference, kind; a month's sample |
//! | [`places`], [`pace`], [`tally`] | shares of a door that strangers reach; what they repeat, counted |
//! | [`faults`] | what the hub itself finds: one record, one way into its log |
//! | [`disks`] | room on every disk the hub writes to: what fits, what is left, when it ends |
//! | [`outside`] | who outside the scheme stamps and attests the heads of the hub's log |
//! | [`witness`] | attesting other hubs' logs |
//! | [`evidence`] | packages: masters, working copy, proofs, certificate, seal |
//! | [`web`] | the staff pages, and the API for whoever signed in to them |
//! | [`error`] | what an operation ends in instead of its reply |
//! | [`reason`], [`words`] | why something was not done: as values with codes, and in words |
//! | [`list`] | lists in parts |
//! | [`rows`], [`shown`] | what pages, commands and programs are shown of boxes, footage and clips; read from the records |
//!
//! An audit line's way: `devices/link → devices/session → devices/ingest → logbook::Copy → db/footage`.
//! A clip's way: `requests/rules → requests/fetch → devices/link → footage::sealed → evidence (at rest) → clip save → officer`.
#![forbid(unsafe_code)]

pub mod access;
pub mod acts;
pub mod api;
pub mod authority;
pub mod backup;
pub mod commands;
pub mod config;
pub mod days;
pub mod db;
pub mod devices;
pub mod disks;
pub mod disposal;
pub mod documents;
pub mod error;
pub mod evidence;
pub mod faults;
pub mod files;
pub mod fuzz;
pub mod hub;
pub mod keys;
pub mod list;
#[cfg(test)]
mod next_steps;
pub mod ops;
pub mod outside;
pub mod ownlog;
pub mod pace;
pub mod places;
pub mod reason;
pub mod register;
pub mod requests;
pub mod retention;
pub mod rows;
pub mod shown;
pub mod signin;
pub mod standings;
pub mod supervise;
pub mod tally;
pub mod trail;
pub mod web;
pub mod witness;
pub mod words;

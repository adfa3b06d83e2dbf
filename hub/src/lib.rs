//! Wiring. The hub: countersigns box logs, fetches clips, makes evidence.
//!
//! | room | what it is |
//! |---|---|
//! | [`access`] | who somebody is, and who may do what: accounts, roles, the table of operations, the one function that says yes or no |
//! | [`acts`] | one act: its line in the log and its rows, both or neither |
//! | [`api`] | every operation over HTTP, and the document of it |
//! | [`attestations`] | heads of the hub's log that were stamped or attested by somebody outside, on disk |
//! | [`backup`] | backups: what a lost hub cannot make again, sealed, and put back on another machine |
//! | [`blocking`] | blocking work, off the async threads |
//! | [`classes`] | the class of an exhibit, as it is given and put on record |
//! | [`commands`] | the command line |
//! | [`config`] | `hub.toml` |
//! | [`coverage`] | what of a span of a camera exists, by the box's log |
//! | [`days`] | camera-days as staff see them |
//! | [`db`] | SQLite: records, the erasable side table, the index of box logs; values in, values out |
//! | [`devices`] | who may come in, the conversation with each box, silence |
//! | [`disks`] | room on a disk, and what fits |
//! | [`disposal`] | what is due to go, and its going |
//! | [`documents`] | papers of exhibits and requests, put together |
//! | [`error`] | what an operation ends in instead of its reply |
//! | [`evidence`] | packages: made, sealed, saved, still pictures |
//! | [`failure`] | how a command ends when it cannot go on |
//! | [`faults`] | what the hub itself finds: one record, one way into its log |
//! | [`files`] | whole files, written safely |
//! | [`holds`] | footage kept at its box beyond its day |
//! | [`hub`] | what every task is handed, and what the hub remembers while it runs |
//! | [`ingest`] | a box's log as it comes in: verified, stored, countersigned |
//! | [`keys`] | the key folder, and the authority that certifies boxes and the hub |
//! | [`link`] | the connection to a box: streams and frames |
//! | [`list`] | lists in parts |
//! | [`live`] | who is on the line, and the answers to orders |
//! | [`model`] | plain values that many rooms name: numbers, names, states, kinds, spans |
//! | [`ops`] | every operation, once |
//! | [`orders`] | orders to boxes, and those that people approve with their own passkeys |
//! | [`outside`] | who outside the scheme stamps and attests the heads of the hub's log |
//! | [`ownlog`] | the hub's own log and its countersignature |
//! | [`pace`] | how fast somebody may ask |
//! | [`papers`] | what each paper says, as values |
//! | [`periods`] | how long each class is kept, and what is due |
//! | [`places`] | shares of a door that strangers reach |
//! | [`printer`] | the program that makes PDF |
//! | [`pulls`] | from a box to whole segments and their package |
//! | [`reason`] | why something was not done, as values with codes |
//! | [`register`] | the register of an exhibit: copies, whose hands they are in, media |
//! | [`requests`] | clip requests: who asks, for what, and what became of it |
//! | [`retention`] | what was promised of deletion, held against the logs |
//! | [`reviews`] | reviews of masks, and what is shown to whoever reviews |
//! | [`rows`] | what pages, commands and programs are shown of boxes, footage and clips |
//! | [`shown`] | the same, read from the records |
//! | [`standings`] | boxes as they stand, worst first |
//! | [`supervise`] | the task tree: what starts, what stops, in which order |
//! | [`tally`] | what strangers repeat, counted |
//! | [`texts`] | texts that people give: judged, salted, kept where they can be erased |
//! | [`trail`] | the log of staff acts: by person, camera, reference, kind; a month's sample |
//! | [`transfer`] | one sealed segment as it arrives |
//! | [`viewing`] | what is watched: looks, and clips that are here or arriving |
//! | [`web`] | the staff pages |
//! | [`witness`] | attesting other hubs' logs |
//! | [`words`] | reasons and papers in words, one place per language |
//!
//! Which room uses which is a table in docs/rooms.md. None leads back to itself: values that many rooms name stand in [`model`], what a task is
//! handed in [`hub`], and whatever calls up is handed what it calls.
//!
//! An audit line's way: `link → devices/session → ingest → logbook::Copy → db/footage`.
//! A clip's way: `requests/clip → pulls/fetch → link → footage::sealed → evidence (at rest) → clip save → officer`.
#![forbid(unsafe_code)]

pub mod access;
pub mod acts;
pub mod api;
pub mod attestations;
pub mod backup;
pub mod blocking;
pub mod classes;
pub mod commands;
pub mod config;
pub mod coverage;
pub mod days;
pub mod db;
pub mod devices;
pub mod disks;
pub mod disposal;
pub mod documents;
pub mod error;
pub mod evidence;
pub mod failure;
pub mod faults;
pub mod files;
pub mod fuzz;
pub mod holds;
pub mod hub;
pub mod ingest;
pub mod keys;
pub mod link;
pub mod list;
pub mod live;
pub mod model;
#[cfg(test)]
mod next_steps;
pub mod ops;
pub mod orders;
pub mod outside;
pub mod ownlog;
pub mod pace;
pub mod papers;
pub mod periods;
pub mod places;
pub mod printer;
pub mod pulls;
pub mod reason;
pub mod register;
pub mod requests;
pub mod retention;
pub mod reviews;
pub mod rows;
pub mod shown;
pub mod standings;
pub mod supervise;
pub mod tally;
pub mod texts;
pub mod trail;
pub mod transfer;
pub mod viewing;
pub mod web;
pub mod witness;
pub mod words;

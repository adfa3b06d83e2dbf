//! Pure. The words both sides of Beadle speak: times, ids, audit lines, heads, proofs,
//! verdicts and wire messages.
//!
//! Invariant: no I/O, no async, no logging, no clock is read here. Bytes and times come in as
//! arguments; values or errors go out. `edge-daemon` and `hub` depend on this crate and never
//! on each other.
//!
//! | module | what lives there |
//! |---|---|
//! | [`time`] | UTC milliseconds as the log writes them; local days; the `Clock` that is passed in |
//! | [`id`] | camera ids, box names, log origins, exhibit references: the only place they are parsed |
//! | [`record`] | one audit line, to the byte |
//! | [`types`] | the `data` of every line type |
//! | [`schema`] | what a line and a message may hold: bounds of every field, and who may write it |
//! | `openapi` | names and times as the schemas of the hub's API have them |
//! | [`plain`] | text from elsewhere, made fit to be shown |
//! | [`tree`] | RFC 6962 Merkle tree: frontier, proofs |
//! | [`note`] | C2SP signed notes: keys, heads, countersignatures, proof files |
//! | [`check`] | the rules between one line and the next |
//! | [`witness`] | what a witness is sent and answers |
//! | [`verify`] | the verdict on a whole log or an evidence package |
//! | [`evidence`] | what an evidence package is made of |
//! | [`segment`] | names of segments and key ids |
//! | [`spot`] | which segment is drawn for the daily spot check |
//! | [`certificate`] | what is read of a certificate: name, key, validity |
//! | [`der`] | a strict reader of DER |
//! | [`timestamp`] | time stamps of outside authorities: what is asked, and whether an answer is good |
//! | [`code`] | the one-time code a new box is enrolled with |
//! | [`passkey`] | passkeys: whether a person's key was made, and used, for this challenge |
//! | [`approval`] | whether the people whom an order names touched their keys for it |
//! | [`promise`] | what "N days" means: when footage is due for deletion |
//! | [`order`] | what the hub orders of a box, and what the box answers |
//! | [`wire`] | what box and hub say to each other |
//! | [`worker`] | what the daemon and its picture workers say to each other |
//! | [`fields`] | one field of a TOML file, and all that is wrong with a file at once |
//! | [`mask`] | a mask: its polygons and how it is imposed; whether it can be |
//! | [`testing`] | for tests: fixed keys, builders of logs and packages |
//! | [`conditions`] | every fault as data: title, cause, what to do next |
//! | [`standing`] | how a camera and a box are, judged in one place for all who show it |
#![forbid(unsafe_code)]

pub mod approval;
pub mod certificate;
pub mod check;
pub mod code;
pub mod conditions;
pub mod der;
pub mod evidence;
pub mod fields;
pub mod fuzz;
pub mod id;
pub mod mask;
pub mod note;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod order;
pub mod passkey;
pub mod plain;
pub mod promise;
pub mod record;
pub mod schema;
pub mod segment;
pub mod spot;
pub mod standing;
pub mod testing;
pub mod time;
pub mod timestamp;
pub mod tree;
pub mod types;
pub mod verify;
pub mod wire;
pub mod witness;
pub mod worker;

//! Pure. What an evidence package is made of (audit.md 2.14).

use serde::{Deserialize, Serialize};

use crate::{
    id::{CameraId, ExhibitRef},
    time::Utc,
};

/// `manifest.json`, exactly these keys in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub v: u32,
    pub r#ref: ExhibitRef,
    /// Origin of the box's log.
    pub log: String,
    pub cam: CameraId,
    /// Asked from, asked to.
    pub t0: Utc,
    pub t1: Utc,
    pub master: Vec<ManifestMaster>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestMaster {
    /// Line number of its `seg.write`.
    pub n: u64,
    /// `master/…mp4`
    pub file: String,
}

/// Names of files in a package that this product makes and reads.
pub mod names {
    pub const READ_ME: &str = "READ-ME-FIRST.txt";
    pub const CERTIFICATE: &str = "CERTIFICATE.txt";
    /// The same as a PDF, and the witness statement; a PDF is there where the hub could make one.
    pub const CERTIFICATE_PDF: &str = "CERTIFICATE.pdf";
    pub const STATEMENT: &str = "STATEMENT.txt";
    pub const STATEMENT_PDF: &str = "STATEMENT.pdf";
    pub const MANIFEST: &str = "manifest.json";
    pub const RECORDS: &str = "log/records.jsonl";
    /// `log/proof/<n>.tlog-proof`
    pub const PROOFS: &str = "log/proof";
    /// The box-log line `exp.clip` and its proof, where it lies in a later log of the box than the footage.
    pub const CLIP_RECORD: &str = "log/clip.record";
    pub const CLIP_PROOF: &str = "log/clip.tlog-proof";
    /// The hub-log lines `copy.made` of the files below `working/`, and `<n>.tlog-proof` of each.
    pub const COPIES: &str = "log/copies.jsonl";
    pub const COPY_PROOFS: &str = "log/copies";
    pub const SUMS: &str = "SHA256SUMS";
    /// P-256 signature (ASN.1 DER) over SHA256SUMS.
    pub const SEAL: &str = "SHA256SUMS.sig";
    /// RFC 3161 time stamp over SHA256SUMS; comes after the package was made, where an authority is configured.
    pub const TOKEN: &str = "SHA256SUMS.tsr";
    /// The hub-log line `exp.done` and its proof.
    pub const SUMS_RECORD: &str = "SHA256SUMS.record";
    pub const SUMS_PROOF: &str = "SHA256SUMS.tlog-proof";
    /// The hub-log line `key.seal` and its proof: the seal key on the hub's authority.
    pub const SEAL_RECORD: &str = "keys/seal.record";
    pub const SEAL_PROOF: &str = "keys/seal.tlog-proof";
    pub const SEAL_PEM: &str = "keys/seal.pem";
    pub const BOX_VKEY: &str = "keys/box.vkey";
    pub const BOX_PEM: &str = "keys/box.pem";
    pub const HUB_VKEY: &str = "keys/hub.vkey";
    pub const HUB_PEM: &str = "keys/hub.pem";
    /// Key of the hub's own log, so that its signature under the hub proofs can be checked too.
    pub const HUB_LOG_VKEY: &str = "keys/hub-log.vkey";
    /// What others than the scheme say of the lines: the hub-log line `head.seen` of the recorder's log, its proof, which ends in a head
    /// that they stamped and cosigned, how that line's head and the package's are of one log, and `<authority>.tsr` over the hub's head.
    pub const OUTSIDE: &str = "outside";
    pub const SEEN_RECORD: &str = "outside/seen.record";
    pub const SEEN_PROOF: &str = "outside/seen.tlog-proof";
    pub const SEEN_CONSISTENCY: &str = "outside/seen.consistency";
    pub const VERIFY_PY: &str = "verify/verify.py";
    /// The same for a browser.
    pub const VERIFY_HTML: &str = "verify/verify.html";
    pub const SPEC: &str = "verify/SPEC.txt";
    /// Files that lie beside the sums and are not listed in them.
    pub const UNLISTED: &[&str] = &[SUMS, SEAL, TOKEN, SUMS_RECORD, SUMS_PROOF];
}

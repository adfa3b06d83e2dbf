//! Pure. Every sentence a verifier says, once. `docs/verify/verify.py` has the same table; `{}` is filled from left to right.
//!
//! Invariant: no sentence holds a tab or a line feed. What is filled in may come from a stranger's file: [`clean`] replaces
//! every character outside printable ASCII by `?` when a report is printed.

use std::fmt::Display;

/// Fills the `{}` of a sentence in order.
pub fn say(sentence: &str, values: &[&dyn Display]) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut values = values.iter();
    for (i, part) in sentence.split("{}").enumerate() {
        if i > 0
            && let Some(value) = values.next()
        {
            out.push_str(&value.to_string());
        }
        out.push_str(part);
    }
    out
}

/// One `?` for every character outside 0x20–0x7E.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if (' '..='~').contains(&c) { c } else { '?' })
        .collect()
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// The whole table, name and sentence.
        pub const TABLE: &[(&str, &str)] = &[$((stringify!($name), $text)),*];
    };
}

words! {
    // RECORD-MALFORMED, UNKNOWN-VERSION
    TOO_LONG = "too long: the line has more than 4096 bytes";
    NO_LF = "torn: the line has no final LF";
    CRLF = "CRLF: the line holds a carriage return";
    NON_ASCII = "non-ASCII: the line holds a byte outside printable ASCII";
    WHITE_SPACE = "white space outside a string";
    NOT_JSON = "not JSON: the line is not one JSON object";
    /// the key
    DUPLICATE_KEY = "duplicate key \"{}\" in one object";
    FLOAT = "float: a number has a fraction or an exponent";
    MINUS_ZERO = "bad value: zero has a minus sign";
    OUT_OF_RANGE = "number out of range";
    ESCAPE = "bad value: a string is not escaped the way the log does it";
    TOO_DEEP = "bad value: nested more than 32 deep";
    /// the key
    UNKNOWN_KEY_IN_LINE = "unknown key \"{}\"";
    /// the key
    MISSING_KEY = "missing key \"{}\"";
    KEY_ORDER = "key order: the keys are not v, log, n, prev, t, boot, mono, type, who, data";
    /// the key, or `data.` and the key
    BAD_VALUE = "bad value: \"{}\" is not of its form";
    /// the key
    BAD_TIME = "bad time: \"{}\" is not like 2026-11-03T14:01:03.000Z";
    /// v
    VERSION = "version {} of the record is not known to this verifier";
    /// mono before, mono here
    MONO = "mono backwards: from {} to {} within one start";
    /// bytes
    TORN = "torn: {} bytes after the last whole line";

    // lines
    /// log of the line, log of the folder
    FOREIGN_LINE = "the line belongs to log {} and not to {}";
    /// n of the line, n expected
    OUT_OF_PLACE = "the line says it is number {} where number {} belongs: lines are missing or out of order";
    /// file name, lines so far
    FILE_PLACE = "file {} begins here after {} lines: a file is missing or out of order";
    /// type
    NOT_OPENED = "the first line of a log is log.open and not {}";
    /// type
    NOT_STARTED = "the second line of a log is sys.boot and not {}";
    CHAIN = "the line does not quote the hash of the line before it: one of the two was changed";
    /// boot before, boot here
    BOOT_UNLOGGED = "the start counter goes from {} to {} without a sys.boot line that raises it";
    /// boot
    BOOT_SAME = "a sys.boot line that does not raise the start counter {}";
    /// ms
    SILENCE = "{} ms without a line; a running box writes every 60 seconds";
    /// ms, with its sign
    STEP = "the wall clock moved by {} ms against the steady clock and no clock.step says so";
    /// line, s here, s before
    SEGMENT_JUMP = "line {}: segment {} follows segment {}";
    /// line, ms, s here
    SEGMENT_HOLE = "line {}: {} ms before segment {} are missing and no gap is declared";
    /// line, ms, s here
    GAP_DECLARED = "line {}: {} ms before segment {} are declared as a gap";
    /// begin, end, camera
    LIFT_NOT_LOGGED = "the recording from {} to {} of camera {} is without its mask, and no line says that the mask was lifted then";
    /// camera
    NOT_PROVED = "the recording of camera {} is said to have its mask proved, by no proof at all";
    /// type
    UNKNOWN_TYPE = "lines of type {} are not known to this verifier and were not judged";
    /// mask, camera
    MASK_NOT_SET = "the recording of camera {} is said to be under mask {}, and no line sets that mask";
    /// camera, how
    MASK_UNNAMED = "the recording of camera {} is said to be {}, and names no mask";
    /// mask in force, camera, begin, mask of the recording
    MASK_NOT_AS_SET = "mask {} of camera {} is in force, and the recording from {} bears mask {}";
    /// camera, how
    MASK_NOT_KNOWN = "the recording of camera {} says of its mask {}, which is not one of none, burned, proved, lifted";
    /// mask, camera, people
    LIFT_PEOPLE = "the lift of mask {} of camera {} names {} people; it takes two";
    /// mask, camera, end
    LIFT_LONG = "the lift of mask {} of camera {} is to last until {}, which is more than 24 hours";
    /// segment, camera, begin, end
    SEGMENT_BACKWARDS = "segment {} of camera {} begins at {} and does not end after that: {}";
    /// segment, camera, end, ms
    SEGMENT_AHEAD = "segment {} of camera {} ends at {}, {} ms after the line was written that describes it";
    /// segment, camera, ms
    SEGMENT_OVERLAP = "segment {} of camera {} begins {} ms before the end of the one before it, and no clock was set between";
    /// segment, camera, ms
    LOGGED_LATE = "segment {} of camera {} was put on record {} ms after its end";
    /// how many, ms
    SHORT_HOLES = "{} holes of 101 to 500 ms between segments, {} ms in all, are not declared as gaps: so short a hole counts as none";
    /// ms
    CAMERA_SILENT = "the camera recorded in this start, and of the last {} ms of the log there is neither a recording nor a gap";
    /// ms
    RESTART_BACK = "over a restart the wall clock went back by {} ms and no clock.step says so";
    /// ms, ms
    CLOCK_OVER_RESTART = "over a restart the wall clock went on by {} ms, though the machine says it had run for {} ms: it was set";
    AFTER_CLOSE = "the log was closed, and lines follow";
    DELETION_NOT_LOGGED = "a deletion is said to be done that no line of this log announced";
    /// bytes
    TORN_LIVE = "{} bytes after the last whole line, which is still being written";

    // heads
    NOT_A_HEAD = "the file is not a signed head";
    /// origin of the head, log
    FOREIGN_HEAD = "the head belongs to log {} and not to {}";
    /// key id of the signer, key id in force
    WRONG_KEY = "the head is signed by key {} where key {} is in force";
    UNKNOWN_KEY = "no key of this log has signed the head";
    BAD_SIGNATURE = "the signature under the log's own key does not verify";
    /// name of the hub key
    BAD_COSIGNATURE = "the countersignature by {} does not verify";
    /// name of the hub key
    HUB_NAME_ONLY = "a signature bears the name {} but is not of that key";
    NO_COSIGNATURE = "no hub key given has countersigned the head";
    /// size, lines
    TRUNCATED = "the head counts {} lines and the log has {}";
    /// size, lines
    ROLLED_BACK = "the hub has countersigned {} lines and the log has {}";
    /// size
    FORKED = "the hub has countersigned another history of {} lines than this one, which the log's own newest head fits";
    /// size
    ALTERED = "the lines do not give the root of the newest head of {} lines: a line was changed";
    /// size
    ALTERED_OR_FORKED = "the lines do not give the root stated for {} lines: lines were changed, or this is another history";
    /// size
    PROOF_OF_FORK = "two heads of {} lines with different roots are both signed by keys of this log";
    NO_HUB_KEY = "no hub key was given, so no countersignature was checked";
    /// lines, time of the hub, s
    LATE_FIRST = "the first {} lines were first countersigned at {}, {} s after the first of them was written";
    /// lines, s
    ABOVE_COUNTERSIGNED = "{} lines, written over {} s, lie above the newest countersignature";
    /// how many, of how many, line, s, ahead or behind
    CLOCK_APART = "at {} of {} countersignatures the recorder's clock and the hub's were more than 60 s apart, at line {} the most: {} s {}";
    /// lines, hub time, hub time before
    HUB_CLOCK_BACK = "the hub countersigned {} lines at {}, after fewer lines at {}: its clock was set back";
    /// lines
    UNSEALED = "{} lines lie above the newest signed head";

    // reading
    NO_LINE = "there is no line that can be read";
    NO_FOLDER = "the folder cannot be read";
    NO_FILE = "the file cannot be read";
    PC_FILE = "the file is one that computers leave in folders; it is no part of what was judged";
    /// number
    MORE_DAMAGE = "{} further findings of damage";
    /// number
    MORE_BLIND = "{} further findings of what cannot be checked";
    /// number
    MORE_NOTES = "{} further notes";

    // package: listing
    /// line of the listing, from 1
    LISTING_LINE = "line {} of the listing cannot be read";
    LISTING_PATH = "the listing names a path that may lead elsewhere";
    LISTING_TWICE = "the listing names the file twice";
    LISTING_ODD = "the listing names something that is not a plain file";
    FILE_MISSING = "the file is listed but is not there";
    FILE_ALTERED = "the file is not the one that was listed";
    FILE_EXTRA = "the file is not in the listing";

    // package: seal
    SEAL_KEY = "no proven line of the hub's log names the seal key";
    SEAL_OTHER_KEY = "the seal was made with another key than the one the hub's log names";
    SEAL_BROKEN = "the seal does not fit the listing";
    SEAL_MISSING = "there is no seal";
    TOKEN_UNCHECKED = "no root certificate of an authority was given, so the time stamp was not judged; openssl ts -verify checks it (SPEC.txt 6)";
    TOKEN_FOREIGN = "no root certificate that was given vouches for the time stamp, so it was not judged";
    TOKEN_BAD = "it is no time stamp, or of something else, or not signed by whom it names";
    /// root, time
    STAMPED = "an authority under root certificate {} stamped the listing at {}";
    NOT_EXPORTED = "no proven line of the hub's log says that this listing was exported";

    // package: records and head
    NO_MANIFEST = "the manifest cannot be read";
    /// log
    NOT_A_BOX_LOG = "the manifest names the log {}, which is not a box's: <scheme>/box/<name>/<number>";
    PROOF_MISMATCH = "the proof of the line is missing or is not this line's";
    NOT_IN_LOG = "the line is not in the log under its head, or the proof is another's (PROOF-MISMATCH)";
    NO_KEY_LINE = "no line among the records names the key that signed the head";

    // package: masters
    /// camera, line
    UNLOGGED_ENTRY = "the records hold no segment of camera {} at line {}";
    UNLOGGED_FILE = "the manifest does not name this file";
    ENTRY_MISSING = "the manifest names the file but it is not there";
    /// line
    NOT_AS_LOGGED = "the file is not the one line {} describes";
    /// begin, asked from
    COVER_START = "the recordings begin at {} and were asked for from {}";
    /// end, asked to
    COVER_END = "the recordings end at {} and were asked for to {}";
    /// asked from, asked to
    COVER_NONE = "there is no recording from {} to {} and no gap is declared";
    /// ref, camera
    NO_CLIP = "the records hold no exp.clip line for {} and camera {}";
    NO_LATER_CLIP = "it holds no line of a later log of this recorder with a proof that leads to its head";
    /// asked from, asked to
    ASKED_BACKWARDS = "the time asked for, from {} to {}, does not end after it begins";
    /// line, from, to there; from, to here
    ASKED_OTHERWISE = "line {} says that {} to {} was asked for, and the manifest {} to {}";
    /// line
    ASKED_UNSAID = "line {} does not say for what time was asked; the manifest alone does";
    CLOCK_UNSHOWN = "no record before the first recording says how the recorder's clock was kept";
    COPY_UNPROVEN = "no proven line of the hub's log stands for this copy";
    COPY_OTHER = "no line of the hub's log describes this copy, and there are such lines";
    COPY_UNCOMPARED = "no line of the hub's log is here that describes this copy, so it was compared with nothing but the seal";
    /// root, time, lines, recordings below them, recordings
    ANCHORED = "an authority under root certificate {} stamped at {} what the hub had seen: the first {} lines of this log, with {} of {} recordings here";
    /// witness, time, lines, recordings below them, recordings
    WITNESSED = "{} attested at {} what the hub had seen: the first {} lines of this log, with {} of {} recordings here";
    SEEN_UNPROVEN = "no proven line of the hub's log says that it had seen the lines of this log";
    NOT_ANCHORED = "no time stamp of an authority that was given is here that covers lines of this log";
    NOT_WITNESSED = "no witness that was given attested lines of this log here";
    /// name of the witness's key
    WITNESS_UNCHECKED = "{} attested it too; no key of that name was given, so it was not judged";
    /// line, s of the first and of the last master
    CLIP_SPAN = "line {} does not say that segments {} to {} were exported";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling() {
        assert_eq!(say("a {} b {}", &[&1, &"x{}"]), "a 1 b x{}");
        assert_eq!(say("a {}", &[]), "a ");
        assert_eq!(clean("a\tb\u{e9}🎥"), "a?b??");
    }

    #[test]
    fn sentences_are_one_plain_line_each() {
        for (name, text) in TABLE {
            assert!(clean(text) == *text && text.len() < 160, "{name}");
        }
    }
}

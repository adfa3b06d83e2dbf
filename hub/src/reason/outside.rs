//! Pure. Reasons of what goes to those outside the scheme.

use super::table::reasons;

reasons! {
    Outside {
        /// `hub.toml` names no authority and no witness.
        NobodyNamed => Refused "nobody-outside-named",
    }
}
